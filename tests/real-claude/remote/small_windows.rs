//! Windows that have no indicator: the footer has one from 60 columns on.

use nix::sys::signal::Signal;
use serde_json::json;

use super::bed::Bed;
use super::session;
use crate::driver::{How, prompt_holds, submit};
use crate::support::{Terminal, process};

/// Short times where they do not matter.
const SHORT: &str = "disconnected_for = \"500ms\"\nrest = \"500ms\"";

/// A session with a link, and a turn behind it, in a window of this size.
fn linked_in(rows: u16, columns: u16, times: &str) -> (Bed, Terminal) {
    let bed = Bed::new(&format!("{times}\ncooldown = \"10s\""), &json!({ "tui": "default" }));
    let mut terminal = bed.start_on(Terminal::builder().size(rows, columns), How::Through, &[]);
    submit(&mut terminal, "some words");
    terminal.wait_for("the answer", |screen| {
        screen.contains("Hello from the services.") && prompt_holds(screen, "")
    });
    bed.connect_unseen(&mut terminal);
    (bed, terminal)
}

/// The same on the alternate screen.
fn linked_fullscreen(rows: u16, columns: u16) -> (Bed, Terminal) {
    let bed = Bed::new(&format!("{SHORT}\ncooldown = \"10s\""), &json!({ "tui": "fullscreen" }));
    let mut terminal = bed.start_on(Terminal::builder().size(rows, columns), How::Through, &[]);
    bed.connect_unseen(&mut terminal);
    (bed, terminal)
}

/// What the transcripts say of the link.
fn written(bed: &Bed) -> String {
    bed.place.transcripts().iter().map(|id| bed.place.transcript(id)).collect()
}

#[test]
fn claude_s_own_failed_connect_is_counted_where_no_indicator_shows_it() {
    let (bed, terminal) = linked_in(24, 50, "disconnected_for = \"5s\"\nrest = \"500ms\"");
    bed.order(&json!(["refuse"]));
    let claude = bed.place.sandbox.records()[0].pid("claude_pid").expect("a claude");
    process::signal(claude, Signal::SIGKILL);
    bed.says_why_not(&terminal, "only a restart");
    // claude's own and one of cckw's: the third is left alone. A panel that opened meanwhile was no connect.
    assert_eq!(bed.place.count("remote-submitted"), 1, "{:#?}", bed.place.log());
    assert!(!written(&bed).contains("disabled after repeated failures"));
}

#[test]
fn the_panel_of_a_link_that_failed_is_no_link_in_a_window_without_an_indicator() {
    let (bed, terminal) = linked_in(24, 50, SHORT);
    bed.order(&json!(["end", "stale"]));
    bed.wait("the notice", &terminal, |bed| written(bed).contains("went stale"));
    // The state file still names the link, and the panel opens.
    let verb = bed.verb(&["reconnect", "--apply", "--cycle", &session(&bed)]).output().expect("the verb");
    bed.wait("a link at the services", &terminal, Bed::is_linked);
    bed.stands(&terminal, "connected");
    assert_eq!(bed.place.count("remote-was-up"), 0, "{verb:?}\n{:#?}", bed.place.log());
    assert_eq!(bed.place.count("remote-switched-off"), 0, "{verb:?}\n{:#?}", bed.place.log());
}

#[test]
fn at_40_by_10_a_link_is_cycled_and_brought_back() {
    let (bed, mut terminal) = linked_in(10, 40, SHORT);
    let verb = bed.verb(&["reconnect", "--apply", "--cycle", &session(&bed)]).output().expect("the verb");
    assert!(verb.status.success(), "{verb:?}\n{:#?}\n{}", bed.place.log(), terminal.report());
    assert_eq!(bed.place.count("remote-switched-off"), 1, "{:#?}", bed.place.log());
    bed.stands(&terminal, "connected");
    bed.wait("a link at the services", &terminal, Bed::is_linked);
    bed.order(&json!(["end", "stale"]));
    bed.logged(&terminal, "remote-back", 2);
    bed.stands(&terminal, "connected");
    assert_eq!(bed.place.count("remote-refused"), 0, "{:#?}", bed.place.log());
    terminal.wait_for("the prompt", |screen| prompt_holds(screen, ""));
}

#[test]
fn a_server_that_knows_nothing_of_the_account_and_has_no_network_is_started_until_there_is_one() {
    let bed = Bed::new("", &json!({}));
    bed.order(&json!(["refuse"]));
    let mut terminal =
        Terminal::builder().size(30, 100).spawn(bed.command(How::Through, &["remote-control"]));
    bed.logged(&terminal, "relaunched", 1);
    bed.order(&json!(["accept"]));
    terminal.wait_for_text("Capacity: 0/32");
}

/// Its choices are below the lower edge there, and a notification covers the rule above it.
#[test]
fn the_panel_after_a_failed_connect_is_known_on_a_small_alternate_screen() {
    let (bed, terminal) = linked_fullscreen(12, 100);
    bed.order(&json!(["answer", "POST", "^/v1/code/sessions(/[^/]*/bridge)?$", 500, null]));
    bed.order(&json!(["end", "stale"]));
    bed.logged(&terminal, "remote-failed", 1);
    bed.order(&json!(["mend"]));
    bed.logged(&terminal, "remote-back", 1);
    let log = bed.place.log();
    let told = |line: &&serde_json::Value| line["what"].as_str().is_some_and(|what| what.contains("dialog"));
    assert_eq!(log.iter().find(told), None, "{log:#?}");
}

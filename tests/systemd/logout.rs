//! What a logout does to a session, for each place that a session can be started in.
//!
//! docs/user/logout.md has the table; a row of it is a test here.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::bed::{Bed, User};
use crate::support::stand_in::{at_prompt, say};
use crate::support::{DEADLINE, Key, Record, Terminal, wait_or_report};

/// So soon every verb finds a session again, whatever has happened to its files.
const FOUND_AGAIN_WITHIN: Duration = Duration::from_secs(1);

/// A user who logs in over ssh with a terminal, starts a session named `one` with these words, and says
/// something in it.
fn in_a_session(user: User<'_>, words: &str) -> (Terminal, Record) {
    let mut terminal = Terminal::spawn(user.ssh(&["-tt"], &format!("{words} -n one")));
    at_prompt(&mut terminal);
    say(&mut terminal, "remember this");
    let record = record(user, "an idle claude", |record| record.text("status") == "idle");
    (terminal, record)
}

/// The record of the one session, once it is as wanted.
fn record(user: User<'_>, what: &str, wanted: impl Fn(&Record) -> bool) -> Record {
    let look = || user.records().pop().filter(&wanted);
    wait_or_report(what, DEADLINE, look, || format!("{:#?}\n{}", user.records(), user.processes()))
}

/// Detaches by the key. The login has nothing left to do then, and ends.
fn log_out(user: User<'_>, mut terminal: Terminal) {
    terminal.press(Key::Ctrl('\\'));
    terminal.wait_for_exit();
    user.wait_for_logout();
}

/// The one session in `cckw list`.
fn listed(user: User<'_>) -> Value {
    let mut listed = user.listed();
    assert_eq!(listed.len(), 1, "{listed:?}");
    listed.remove(0)
}

/// That the one session goes on, and the verbs find it.
#[track_caller]
fn goes_on(user: User<'_>, before: &Record) {
    let now = listed(user);
    assert_eq!(now["state"], "idle", "{now:#}\n{}", user.processes());
    assert_eq!(now["host_pid"], before.json["host_pid"]);
    assert_eq!(now["claude_pid"], before.json["claude_pid"]);
    let screen = user.runs(&["cckw", "screen", "one"]);
    assert!(screen.contains("You said: remember this"), "{screen}");
    let mut terminal = Terminal::spawn(user.ssh(&["-tt"], "cckw attach one"));
    terminal.wait_for_text("You said: remember this");
    log_out(user, terminal);
}

/// That the one session has ended, nothing of it runs, and it is remembered: after the next login
/// `cckw start --all` brings its conversation back.
#[track_caller]
fn is_over_and_comes_back(user: User<'_>, before: &Record) {
    let over = record(user, "the end", |record| record.text("state") == "terminated");
    wait_or_report(
        "the end of its processes",
        DEADLINE,
        || (!user.processes().contains("one")).then_some(()),
        || user.processes(),
    );
    assert_eq!(over.text("conversation"), before.text("conversation"));
    assert_eq!(listed(user)["state"], "terminated");
    let mut terminal = Terminal::spawn(user.ssh(&["-tt"], "cckw start --all && exec cckw attach one"));
    at_prompt(&mut terminal);
    say(&mut terminal, "and this");
    let again = record(user, "it again", |record| record.text("status") == "idle");
    assert_eq!(again.text("conversation"), before.text("conversation"));
    log_out(user, terminal);
}

#[test]
fn over_ssh_it_goes_on_where_logind_leaves_processes_alone() {
    let Some(bed) = Bed::boot() else { return };
    bed.logind("no", "1s");
    let ada = bed.user("ada");
    let (terminal, before) = in_a_session(ada, "cckw claude");
    let host = before.pid("host_pid").expect("a host");
    assert!(ada.unit_of(host).starts_with("session-"), "{}", ada.unit_of(host));
    log_out(ada, terminal);
    goes_on(ada, &before);
    // What is left in its scope keeps the login, and that the user manager.
    let login = ada.unit_of(host).replace("session-", "").replace(".scope", "");
    let state = bed.root(&["loginctl", "show-session", "--property=State", "--value", &login]);
    assert_eq!(state.trim(), "closing");
    assert!(ada.has_runtime_directory());
}

#[test]
fn over_ssh_it_ends_where_logind_ends_processes_and_is_remembered() {
    let Some(bed) = Bed::boot() else { return };
    bed.logind("yes", "1s");
    let ada = bed.user("ada");
    let (terminal, before) = in_a_session(ada, "cckw claude");
    log_out(ada, terminal);
    is_over_and_comes_back(ada, &before);
    ada.wait_for_the_end_of_the_user_manager();
    // Lingering keeps the user manager, and nothing of the login.
    bed.root(&["loginctl", "enable-linger", "ada"]);
    let bob = bed.user("bob");
    bed.root(&["loginctl", "enable-linger", "bob"]);
    let (terminal, before) = in_a_session(bob, "cckw claude");
    log_out(bob, terminal);
    is_over_and_comes_back(bob, &before);
}

#[test]
fn below_the_user_manager_it_ends_with_that_unless_lingering_is_on() {
    let Some(bed) = Bed::boot() else { return };
    let start = "systemd-run --user --scope --quiet cckw claude";
    for (kill, lone, lingering) in [("no", "ada", "bob"), ("yes", "cleo", "dora")] {
        bed.logind(kill, "1s");
        let user = bed.user(lone);
        let (terminal, before) = in_a_session(user, start);
        log_out(user, terminal);
        user.wait_for_the_end_of_the_user_manager();
        assert!(!user.has_runtime_directory());
        is_over_and_comes_back(user, &before);

        let user = bed.user(lingering);
        user.by_ssh("loginctl enable-linger");
        let (terminal, before) = in_a_session(user, start);
        log_out(user, terminal);
        goes_on(user, &before);
    }
}

#[test]
fn outside_of_every_login_it_goes_on_and_is_found_when_the_runtime_directory_is_gone() {
    let Some(bed) = Bed::boot() else { return };
    bed.logind("yes", "1s");
    let ada = bed.user("ada");
    // Somebody else's login, or a service: `sudo -u ada cckw new`, with the runtime directory of her login.
    let login = Terminal::spawn(ada.ssh(&["-tt"], "echo in; cat"));
    let mut login = login;
    login.wait_for_text("in");
    let runtime = format!("XDG_RUNTIME_DIR=/run/user/{}", ada.uid);
    ada.runs(&["env", &runtime, "cckw", "new", "one", "--prompt", "remember this"]);
    let before = record(ada, "an idle claude", |record| record.text("status") == "idle");
    login.press(Key::Ctrl('d'));
    login.wait_for_exit();
    ada.wait_for_the_end_of_the_user_manager();
    assert!(!ada.has_runtime_directory());
    let gone = Instant::now();
    let now = listed(ada);
    assert!(gone.elapsed() < FOUND_AGAIN_WITHIN, "{:?}", gone.elapsed());
    assert_eq!(now["host_pid"], before.json["host_pid"]);
    goes_on(ada, &before);
}

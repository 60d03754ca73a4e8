//! A session outlives its terminal, and goes on in another one as if it had never been away.

use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;

use super::driver::{How, Place, goes_on, leave, prompt_holds, says, submit, wait_for_prompt, written};
use super::mock::{AFTER_TOOL, HELD, HOLD, REPLY, USE_TOOL};
use super::support::{Answers, Builder, DEADLINE, Key, Record, Terminal, process, wait_until};
use super::view::{plain, view};

/// `cckw attach` in a new terminal.
fn attach(place: &Place, builder: Builder) -> Terminal {
    let mut command: Command = place.sandbox.command(place.sandbox.path("bin/cckw"));
    command.arg("attach");
    builder.spawn(command)
}

/// Waits until nobody is attached; claude is the one that it was, and has noticed nothing.
#[track_caller]
fn alone(place: &Place, before: &Record) {
    let record =
        place.sandbox.wait_for_record("nobody attached", |record| record.json["client_pid"].is_null());
    let claude = before.pid("claude_pid").expect("a claude");
    assert_eq!(record.pid("claude_pid"), Some(claude));
    assert!(process::runs(claude));
    let state = place.state_of(claude).expect("the state file is still there");
    assert_eq!(state["sessionId"], before.json["conversation"]);
}

/// Presses the detach key. The terminal is left as it was, and says how to come back.
#[track_caller]
fn detach(terminal: &mut Terminal, key: &[u8]) {
    terminal.type_bytes(key);
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    assert_eq!(terminal.modes().left_on(), Vec::<String>::new());
    terminal.wait_for_text("cckw attach ");
}

/// ctrl-\ as this terminal sends it now.
fn detach_key(terminal: &Terminal) -> Vec<u8> {
    Key::Ctrl('\\').encode(&terminal.modes())
}

#[track_caller]
fn closed_and_attached_in_another_size(tui: &str) {
    let place = Place::new();
    place.settings(&json!({"tui": tui}));
    let mut terminal = place.start(How::Through, &[]);
    let id = says(&place, "idle", 0).text("conversation").to_owned();
    goes_on(&place, &mut terminal, &id, "the first words");
    let before = says(&place, "idle", 0);
    terminal.hang_up();
    alone(&place, &before);
    let mut other = attach(&place, Terminal::builder().size(30, 90));
    other.wait_for("a prompt as wide as the new window", |screen| {
        prompt_holds(screen, "")
            && screen.rows[usize::from(screen.cursor.0) - 1].chars().count() == 90
            && screen.contains("the first words")
            && screen.contains(REPLY)
    });
    other.wait_for_modes("the kitty keyboard", |modes| modes.kitty_flags() != 0 && modes.is_on(2004));
    goes_on(&place, &mut other, &id, "words in the new window");
    assert_eq!(place.mock.arrived(), ["the first words", "words in the new window"]);
    leave(&place, other);
}

#[test]
fn closed_and_attached_in_another_size_on_the_main_screen() {
    closed_and_attached_in_another_size("default");
}

#[test]
fn closed_and_attached_in_another_size_on_the_alternate_screen() {
    closed_and_attached_in_another_size("fullscreen");
}

/// In a terminal that answers so, `key` (else ctrl-\ as the test's terminal has it) detaches, more than once.
#[track_caller]
fn key_detaches(answers: Answers, key: Option<&[u8]>) {
    let place = Place::new();
    let builder = Terminal::builder().answers(answers);
    let mut terminal = place.start_on(builder, How::Through, &[]);
    for round in 0..2 {
        let before = says(&place, "idle", 0);
        match answers {
            Answers::Kitty => {
                terminal.wait_for_modes("the kitty keyboard", |modes| modes.kitty_flags() != 0);
            }
            Answers::Xterm | Answers::Mute => {}
        }
        let key = key.map_or_else(|| detach_key(&terminal), <[u8]>::to_vec);
        detach(&mut terminal, &key);
        alone(&place, &before);
        terminal = attach(&place, builder);
        wait_for_prompt(&mut terminal);
        goes_on(&place, &mut terminal, before.text("conversation"), &format!("round {round}"));
    }
    leave(&place, terminal);
}

#[test]
fn the_kitty_key_detaches() {
    key_detaches(Answers::Kitty, None);
}

#[test]
fn the_key_of_modify_other_keys_detaches() {
    key_detaches(Answers::Kitty, Some(b"\x1b[27;5;92~"));
}

#[test]
fn the_legacy_key_detaches() {
    key_detaches(Answers::Mute, Some(b"\x1c"));
}

/// What the terminal shows, from the first line that claude drew on.
fn lines(terminal: &Terminal, root: &str) -> Vec<String> {
    let rows = terminal.history();
    let first = rows.iter().position(|row| row.contains("Claude Code v")).unwrap_or(0);
    rows[first..].iter().map(|row| plain(row, root)).collect()
}

/// How long the screen must not have changed before it is left: what claude draws later is on the next one only.
const REST: Duration = Duration::from_millis(1200);

/// Detaches, attaches in a terminal of the same size, and holds what it shows against what was shown before.
#[track_caller]
fn away_and_back(place: &Place, terminal: Terminal, builder: Builder, what: &str) -> Terminal {
    let root = place.sandbox.root().to_str().expect("a path").to_owned();
    let mut terminal = terminal;
    let shown = view(&terminal.wait_for_rest(REST, |screen| view(screen, &root)), &root);
    let alternate = terminal.screen().alternate;
    let above = lines(&terminal, &root);
    let key = detach_key(&terminal);
    detach(&mut terminal, &key);
    place.sandbox.wait_for_record("nobody attached", |record| record.json["client_pid"].is_null());

    let mut other = attach(place, builder);
    other.try_wait_for(|screen| shown.differences(&view(screen, &root)).is_empty());
    // Claude draws anew when it hears of the window: that must not make it another screen either.
    let again = view(&other.wait_for_rest(REST, |screen| view(screen, &root)), &root);
    let differences = shown.differences(&again);
    assert!(differences.is_empty(), "{what}:\n{}\n{}", differences.join("\n"), other.report());
    if !alternate {
        assert_eq!(lines(&other, &root), above, "{what}");
    }
    other
}

#[track_caller]
fn looks_as_before(tui: &str) {
    let place = Place::new();
    place.settings(&json!({"tui": tui}));
    // Low, so that the conversation scrolls.
    let builder = Terminal::builder().size(24, 100);
    let mut terminal = place.start_on(builder, How::Through, &["--permission-mode", "manual"]);
    terminal.wait_for_modes("the kitty keyboard", |modes| modes.kitty_flags() != 0);
    let id = says(&place, "idle", 0).text("conversation").to_owned();
    for round in 0..5 {
        goes_on(&place, &mut terminal, &id, &format!("words {round}, with 漢字 and 🦀"));
    }
    terminal.type_text("a draft");
    terminal.wait_for("the draft", |screen| prompt_holds(screen, "a draft"));
    let mut terminal = away_and_back(&place, terminal, builder, "a draft");
    terminal.press(Key::Ctrl('u'));
    wait_for_prompt(&mut terminal);

    submit(&mut terminal, "/config");
    terminal.wait_for_text("Search settings");
    let mut terminal = away_and_back(&place, terminal, builder, "/config");
    terminal.press(Key::Esc);
    terminal.wait_for_text("Esc to close");
    terminal.press(Key::Esc);
    wait_for_prompt(&mut terminal);

    submit(&mut terminal, USE_TOOL);
    terminal.wait_for_text("Do you want to proceed?");
    says(&place, "waiting", 0);
    let mut terminal = away_and_back(&place, terminal, builder, "a question");
    assert!(!place.sandbox.work().join("made-by-the-tool").exists());
    terminal.press_until(Key::Enter, "the end of the question", |screen| {
        !screen.contains("Do you want to proceed?")
    });
    terminal.wait_for_text(AFTER_TOOL);
    wait_for_prompt(&mut terminal);
    assert!(place.sandbox.work().join("made-by-the-tool").exists());
    leave(&place, terminal);
}

#[test]
fn it_looks_as_before_on_the_main_screen() {
    looks_as_before("default");
}

#[test]
fn it_looks_as_before_on_the_alternate_screen() {
    looks_as_before("fullscreen");
}

#[test]
fn a_turn_goes_on_without_a_terminal() {
    let place = Place::new();
    let mut terminal = place.start(How::Through, &[]);
    submit(&mut terminal, HOLD);
    let busy = says(&place, "busy", 0);
    wait_until("the prompt at the mock", DEADLINE, || place.mock.asked());
    terminal.hang_up();
    alone(&place, &busy);
    place.mock.release();
    written(&place, busy.text("conversation"), HELD);
    let mut other = attach(&place, Terminal::builder());
    other.wait_for_text(HELD);
    wait_for_prompt(&mut other);
    leave(&place, other);
}

#[test]
fn a_second_terminal_takes_over_and_the_first_is_told() {
    let place = Place::new();
    let mut first = place.start(How::Through, &[]);
    let before = says(&place, "idle", 0);
    goes_on(&place, &mut first, before.text("conversation"), "the first words");
    let mut second = attach(&place, Terminal::builder().size(35, 100));
    assert_eq!(first.finish().code(), Some(0), "{}", first.report());
    assert_eq!(first.modes().left_on(), Vec::<String>::new());
    let told = first.screen().text().replace('\n', "");
    assert!(told.contains(&format!("attached on {}", second.path().display())), "{}", first.report());
    second.wait_for_text(REPLY);
    wait_for_prompt(&mut second);
    goes_on(&place, &mut second, before.text("conversation"), "words in the second terminal");
    leave(&place, second);
}

/// What claude asks its terminal when it comes up is answered although there is none.
#[test]
fn a_crash_without_a_terminal() {
    let place = Place::new();
    let mut terminal = place.start(How::Through, &[]);
    terminal.wait_for_modes("the kitty keyboard", |modes| modes.kitty_flags() != 0);
    let id = says(&place, "idle", 0).text("conversation").to_owned();
    goes_on(&place, &mut terminal, &id, "the first words");
    let before = says(&place, "idle", 0);
    terminal.hang_up();
    alone(&place, &before);
    assert!(process::signal(before.pid("claude_pid").expect("a claude"), Signal::SIGKILL));
    let again = says(&place, "idle", 1);
    assert_eq!(again.text("conversation"), id);
    let mut other = attach(&place, Terminal::builder());
    other.wait_for_text(REPLY);
    wait_for_prompt(&mut other);
    other.wait_for_modes("the kitty keyboard", |modes| modes.kitty_flags() != 0);
    goes_on(&place, &mut other, &id, "words in the new terminal");
    leave(&place, other);
}

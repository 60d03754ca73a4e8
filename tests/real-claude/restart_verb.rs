//! `cckw restart` with the real claude: idle, in the middle of a turn, and from inside.

use serde_json::json;

use super::driver::{How, Place, goes_on, leave, prompt_holds, says, submit, wait_for_prompt, written};
use super::mock::{HELD, HOLD, REPLY};
use super::support::{DEADLINE, Key, Record, Terminal, process, wait_until};

fn cckw(place: &Place, words: &[&str]) -> String {
    let mut command = place.sandbox.command(place.sandbox.path("bin/cckw"));
    let output = command.args(words).output().expect("runs");
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn arguments(record: &Record) -> Vec<String> {
    process::arguments(record.pid("claude_pid").expect("a claude")).split_off(1)
}

/// Claude has drawn `text`, after cckw has said so often that it is restarted. Its own screen is another one
/// than cckw's line is on.
#[track_caller]
fn is_drawn_again(terminal: &mut Terminal, text: &str, times: usize) {
    terminal.wait_for("the conversation", |screen| prompt_holds(screen, "") && screen.contains(text));
    let output = terminal.output();
    let said = String::from_utf8_lossy(&output).matches("[cckw: claude is restarted, as asked").count();
    assert_eq!(said, times, "{}", terminal.report());
}

#[test]
fn at_the_prompt() {
    let place = Place::new();
    let mut terminal = place.start(How::Through, &["--model", "opus"]);
    let first = says(&place, "idle", 0);
    let id = first.text("conversation");
    goes_on(&place, &mut terminal, id, "the first words");
    for round in 0..2 {
        let before = says(&place, "idle", round);
        assert_eq!(cckw(&place, &["restart"]), "work: claude is restarted now\n");
        let again = says(&place, "idle", round + 1);
        wait_for_prompt(&mut terminal);
        assert_ne!(again.pid("claude_pid"), before.pid("claude_pid"));
        assert_eq!(again.text("conversation"), id);
        assert_eq!(arguments(&again), ["--resume", id, "--model", "opus"]);
        is_drawn_again(&mut terminal, REPLY, round as usize + 1);
        goes_on(&place, &mut terminal, id, &format!("round {round}"));
    }
    assert_eq!(place.transcripts(), [id]);
    assert_eq!(place.mock.arrived(), ["the first words", "round 0", "round 1"]);
    leave(&place, terminal);
}

/// Claude counts those of its starts on the alternate screen that were killed within ten seconds, and gives
/// that screen up after two.
#[test]
fn soon_after_one_another_they_cost_nothing() {
    let place = Place::new();
    place.settings(&json!({"tui": "fullscreen"}));
    let mut terminal = place.start(How::Through, &[]);
    for round in 0..3 {
        says(&place, "idle", round);
        wait_for_prompt(&mut terminal);
        assert!(terminal.screen().alternate, "{}", terminal.report());
        assert_eq!(cckw(&place, &["restart", "--now"]), "work: claude is restarted now\n");
    }
    says(&place, "idle", 3);
    wait_for_prompt(&mut terminal);
    let config = std::fs::read_to_string(place.sandbox.path("home/.claude.json")).expect("its configuration");
    for note in ["fullscreenBootStrikes", "fullscreenAutoDisabled"] {
        assert!(!config.contains(note), "{config}");
    }
    leave(&place, terminal);
}

#[test]
fn in_the_middle_of_a_turn_it_waits_for_its_end() {
    let place = Place::new();
    let mut terminal = place.start(How::Through, &[]);
    let id = says(&place, "idle", 0).text("conversation").to_owned();
    submit(&mut terminal, HOLD);
    let busy = says(&place, "busy", 0);
    wait_until("the prompt at the mock", DEADLINE, || place.mock.arrived().len() == 1);
    assert!(cckw(&place, &["restart"]).contains("when it is idle (claude is busy)"));
    assert!(cckw(&place, &["list"]).contains("cckw restart --now work"));
    assert_eq!(says(&place, "busy", 0).pid("claude_pid"), busy.pid("claude_pid"));
    place.mock.release();
    says(&place, "idle", 1);
    wait_for_prompt(&mut terminal);
    // All of the turn is there, and nothing was sent again.
    is_drawn_again(&mut terminal, HELD, 1);
    written(&place, &id, HELD);
    goes_on(&place, &mut terminal, &id, "the next words");
    assert_eq!(place.mock.arrived(), [HOLD, "the next words"]);
    assert_eq!(place.transcripts(), [id]);
    leave(&place, terminal);
}

#[test]
fn in_the_middle_of_a_turn_at_once() {
    let place = Place::new();
    let mut terminal = place.start(How::Through, &[]);
    let id = says(&place, "idle", 0).text("conversation").to_owned();
    goes_on(&place, &mut terminal, &id, "the first words");
    submit(&mut terminal, HOLD);
    says(&place, "busy", 0);
    wait_until("the prompt at the mock", DEADLINE, || place.mock.arrived().len() == 2);
    written(&place, &id, HOLD);
    assert_eq!(cckw(&place, &["restart", "--now"]), "work: claude is restarted now\n");
    let again = says(&place, "idle", 1);
    assert_eq!(again.text("conversation"), id);
    wait_for_prompt(&mut terminal);
    is_drawn_again(&mut terminal, REPLY, 1);
    place.mock.release();
    goes_on(&place, &mut terminal, &id, "the next words");
    assert_eq!(place.mock.arrived(), ["the first words", HOLD, "the next words"]);
    leave(&place, terminal);
}

/// Types a command at claude's prompt that claude is to run.
fn run_inside(terminal: &mut Terminal, command: &str) {
    terminal.type_text("!");
    terminal.wait_for("bash mode", |screen| screen.cursor_row().trim_start().starts_with('!'));
    terminal.type_text(command);
    terminal.wait_for("the command", |screen| screen.cursor_row().ends_with(command));
    terminal.press(Key::Enter);
}

#[test]
fn from_inside() {
    let place = Place::new();
    let mut terminal = place.start(How::Through, &[]);
    let id = says(&place, "idle", 0).text("conversation").to_owned();
    goes_on(&place, &mut terminal, &id, "the first words");
    // The command itself keeps claude busy; when it is over it is idle.
    for (round, command) in ["cckw restart", "cckw restart --now"].into_iter().enumerate() {
        run_inside(&mut terminal, command);
        let again = says(&place, "idle", round as u64 + 1);
        assert_eq!(again.text("conversation"), id);
        is_drawn_again(&mut terminal, REPLY, round + 1);
        goes_on(&place, &mut terminal, &id, &format!("round {round}"));
    }
    assert_eq!(place.transcripts(), [id]);
    leave(&place, terminal);
}

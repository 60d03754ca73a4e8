//! A claude whose screens nobody has seen: nothing is typed, that is said once, and everything else works.

use std::fs;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::stand_in::{idle, sandbox, submit};
use crate::support::verb::{cckw, well_said};
use crate::support::{DEADLINE, Key, Sandbox, Terminal, process, wait_until};

/// The stand-in's prompt, drawn like none of Claude Code's.
#[track_caller]
fn at_prompt(terminal: &mut Terminal) {
    terminal.wait_for("the prompt", |screen| screen.cursor_row().starts_with('»'));
}

/// How often this was logged, and what came with it last.
fn logged(sandbox: &Sandbox, event: &str) -> (usize, String) {
    let [record] = &sandbox.records()[..] else { return Default::default() };
    let text = fs::read_to_string(record.path.with_file_name("events.jsonl")).unwrap_or_default();
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let found: Vec<Value> = lines.filter(|line| line["event"] == event).collect();
    let what = found.last().and_then(|line| line["what"].as_str()).unwrap_or_default().to_owned();
    (found.len(), what)
}

#[track_caller]
fn listed(sandbox: &Sandbox) -> Value {
    serde_json::from_str(&well_said(sandbox, &["list", "--json"])).expect("one session")
}

#[test]
fn nothing_is_typed_it_is_said_once_and_all_else_works() {
    let mut sandbox = sandbox();
    sandbox.set("CCKW_STANDIN_UNKNOWN", "1");
    sandbox.configure(
        "[remote_control]\nkeep = \"always\"\ndisconnected_for = \"300ms\"\nrest = \"400ms\"\n\
         [restart]\ninitial_delay = \"10m\"\nmax_delay = \"10m\"\n",
    );
    let mut terminal = Terminal::spawn(sandbox.cckw_claude());
    at_prompt(&mut terminal);
    wait_until("a word of it in the log", DEADLINE, || logged(&sandbox, "remote-unrecognised").0 == 1);
    let why = "the screen of claude 9.9.9 is not recognised: there is no input box";
    assert_eq!(logged(&sandbox, "remote-unrecognised").1, why);
    // The log may be on the disk before the record.
    wait_until("the reason in the list", DEADLINE, || {
        listed(&sandbox)["remote_control"]["reasons"].to_string().contains(why)
    });
    // Asked for by hand, it is refused with the reason.
    let asked = cckw(&sandbox, &["reconnect"]).output().expect("runs");
    let said = String::from_utf8_lossy(&asked.stdout).into_owned() + &String::from_utf8_lossy(&asked.stderr);
    assert!(!said.is_empty());

    // The relay.
    submit(&mut terminal, "hello");
    terminal.wait_for_text("You said: hello");
    let before = idle(&sandbox, 0);
    // A crash.
    assert!(process::signal(before.pid("claude_pid").expect("a claude"), Signal::SIGKILL));
    terminal.wait_for_text("Enter: now");
    terminal.press(Key::Enter);
    let after = idle(&sandbox, 1);
    at_prompt(&mut terminal);
    assert_eq!(after.text("conversation"), before.text("conversation"));
    submit(&mut terminal, "again");
    terminal.wait_for_text("You said: again");
    // Another terminal.
    terminal.hang_up();
    sandbox.wait_for_record("nobody attached", |record| record.json["client_pid"].is_null());
    let mut other = Terminal::spawn(cckw(&sandbox, &["attach"]));
    other.wait_for_text("You said: again");
    at_prompt(&mut other);
    submit(&mut other, "and here");
    other.wait_for_text("You said: and here");
    idle(&sandbox, 1);
    submit(&mut other, "/exit");
    assert_eq!(other.finish().code(), Some(0));
    sandbox.wait_for_silence();

    assert_eq!(logged(&sandbox, "remote-unrecognised").0, 1);
    for never in ["remote-typing", "remote-entering", "remote-submitted"] {
        assert_eq!(logged(&sandbox, never).0, 0, "{never}");
    }
}

#[test]
fn a_claude_that_says_nothing_of_itself_runs_all_the_same() {
    let mut sandbox = sandbox();
    sandbox.set("CCKW_STANDIN_NO_STATE", "1");
    sandbox.configure("[restart]\ninitial_delay = \"10m\"\nmax_delay = \"10m\"\n");
    let mut terminal = Terminal::spawn(sandbox.cckw_claude());
    crate::support::stand_in::at_prompt(&mut terminal);
    submit(&mut terminal, "hello");
    terminal.wait_for_text("You said: hello");
    let before = sandbox.wait_for_record("a claude that runs", |record| record.text("state") == "running");
    assert_eq!(logged(&sandbox, "no-state-file").0, 1);
    let hint = listed(&sandbox)["hint"].to_string();
    assert!(hint.contains("claude does not say what it does"), "{hint}");
    assert!(process::signal(before.pid("child_pid").expect("a claude"), Signal::SIGKILL));
    terminal.wait_for_text("Enter: now");
    terminal.press(Key::Enter);
    terminal.wait_for("the conversation", |screen| {
        screen.contains("You said: hello") && screen.cursor_row().starts_with('❯')
    });
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0));
    sandbox.wait_for_silence();
}

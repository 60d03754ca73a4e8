//! Claude's own `/rename` renames the session.

use std::path::Path;

use nix::sys::signal::Signal;

use super::{by_id, name_of, started};
use crate::support::stand_in::{arguments, at_prompt, sandbox, say, submit};
use crate::support::verb::well_said;
use crate::support::{DEADLINE, Record, Sandbox, process, wait_until};

fn is_called(sandbox: &Sandbox, record: &Record, name: &str) {
    wait_until(name, DEADLINE, || by_id(sandbox, record.text("session")).json["called"]["name"] == name);
}

#[test]
fn a_session_is_called_as_its_user_renames_it() {
    let sandbox = sandbox();
    let (one, mut terminal) = started(&sandbox, &sandbox.work(), &[]);
    let (other, mut second) = started(&sandbox, &sandbox.work(), &[]);
    submit(&mut terminal, "/rename my parser");
    is_called(&sandbox, &one, "my parser");
    assert_eq!((name_of(&sandbox, &one), name_of(&sandbox, &other)), ("my parser".into(), "work-2".into()));
    let log = well_said(&sandbox, &["logs", "my parser"]);
    assert!(log.contains("renamed  name=my parser  wanted=my parser"), "{log}");
    // The other one is to have the same name, and gets it with a number.
    submit(&mut second, "/rename my parser");
    is_called(&sandbox, &other, "my parser-2");
    // A word with a colon would mean a session on another machine.
    submit(&mut second, "/rename box:tests");
    is_called(&sandbox, &other, "box-tests");
    // And one that was given up is free.
    submit(&mut second, "/rename work");
    is_called(&sandbox, &other, "work");
    for (name, mut terminal) in [("my parser", terminal), ("work", second)] {
        well_said(&sandbox, &["stop", name]);
        terminal.finish();
    }
    sandbox.wait_for_silence();
}

/// The name of `-n` would undo it: claude calls the conversation so again.
#[test]
fn the_new_name_outlives_a_crash_of_claude_and_the_end() {
    let sandbox = sandbox();
    let (record, mut terminal) = started(&sandbox, &sandbox.work(), &["-n", "first"]);
    say(&mut terminal, "words");
    submit(&mut terminal, "/rename second");
    is_called(&sandbox, &record, "second");
    let session = record.text("session").to_owned();
    process::signal(record.pid("claude_pid").expect("a claude"), Signal::SIGKILL);
    wait_until("another claude", DEADLINE, || {
        let now = by_id(&sandbox, &session);
        now.json["restarts"] == 1 && now.text("status") == "idle"
    });
    at_prompt(&mut terminal);
    let now = by_id(&sandbox, &session);
    assert_eq!(arguments(&now)[2..], ["--name=second"]);
    assert_eq!(name_of(&sandbox, &record), "second");
    assert_eq!(state_name(&sandbox, &now), "second");
    well_said(&sandbox, &["stop", "second"]);
    terminal.finish();
    well_said(&sandbox, &["start", "second"]);
    wait_until("a claude at rest", DEADLINE, || by_id(&sandbox, &session).text("status") == "idle");
    let again = by_id(&sandbox, &session);
    assert_eq!(arguments(&again)[2..], ["--name=second"]);
    assert_eq!(state_name(&sandbox, &again), "second");
    assert_eq!((name_of(&sandbox, &record), again.text("name")), ("second".into(), "first"));
    well_said(&sandbox, &["stop", "second"]);
    sandbox.wait_for_silence();
}

/// What claude calls its session.
fn state_name(sandbox: &Sandbox, record: &Record) -> String {
    let claude = record.pid("claude_pid").expect("a claude");
    let path = sandbox.path(Path::new("home/.claude/sessions").join(format!("{claude}.json")));
    let state: serde_json::Value =
        serde_json::from_slice(&std::fs::read(path).expect("a state file")).expect("JSON");
    state["name"].as_str().expect("text").to_owned()
}

/// The name of a conversation that is opened is the user's, too; but nobody has renamed this session.
#[test]
fn a_conversation_that_has_a_name_renames_nothing() {
    let sandbox = sandbox();
    let (record, mut terminal) = started(&sandbox, &sandbox.work(), &["-n", "titled"]);
    say(&mut terminal, "words");
    let conversation = record.text("conversation").to_owned();
    well_said(&sandbox, &["stop"]);
    terminal.finish();
    let (again, mut terminal) = started(&sandbox, &sandbox.work(), &["--resume", &conversation]);
    assert_eq!(state_name(&sandbox, &again), "titled");
    say(&mut terminal, "more words");
    assert_eq!(name_of(&sandbox, &again), "work");
    well_said(&sandbox, &["stop"]);
    terminal.finish();
    sandbox.wait_for_silence();
}

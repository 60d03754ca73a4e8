//! The files by which a session is found (directory, lock, socket, record) are removed, moved, replaced or
//! damaged. The session stays within reach, and each command has a bound.

mod damaged;
mod expiry;
mod journal;
#[cfg(target_os = "linux")]
mod limits;
mod moved;
mod removed;
mod replaced;
mod shortage;

use std::process::Output;
use std::time::{Duration, Instant};

use crate::support::stand_in::{at_prompt, sandbox, start, submit};
use crate::support::verb::{cckw, well_said};
use crate::support::{DEADLINE, Record, Sandbox, Terminal, wait_until};

const WORDS: &str = "You said: some words";

/// No command may take longer, on a machine that is busy.
const MAX_COMMAND_TIME: Duration = Duration::from_secs(40);

/// A detached session with a conversation.
fn detached() -> (Sandbox, Record) {
    let sandbox = sandbox();
    let record = detached_in(&sandbox);
    (sandbox, record)
}

fn detached_in(sandbox: &Sandbox) -> Record {
    let mut terminal = start(sandbox, &["-n", "work"]);
    submit(&mut terminal, "some words");
    terminal.wait_for_text(WORDS);
    terminal.hang_up();
    sandbox.wait_for_record("nobody attached, claude idle and its turn read", |record| {
        record.json["client_pid"].is_null()
            && record.text("status") == "idle"
            && record.json["turn"]["end"]["how"] == "done"
            && !record.json["with_transcript"].as_array().is_none_or(Vec::is_empty)
    })
}

/// What a command says, which must not take long.
#[track_caller]
fn said(sandbox: &Sandbox, words: &[&str]) -> Output {
    let begun = Instant::now();
    let output = cckw(sandbox, words).output().expect("runs");
    assert!(begun.elapsed() < MAX_COMMAND_TIME, "{words:?} took {:?}: {output:?}", begun.elapsed());
    output
}

/// The one line of `cckw list --all --json`.
#[track_caller]
fn listed(sandbox: &Sandbox) -> serde_json::Value {
    let text = well_said(sandbox, &["list", "--all", "--json"]);
    assert_eq!(text.lines().count(), 1, "{text}");
    serde_json::from_str(&text).expect("JSON")
}

/// The session is within reach of every command, with the claude that it had.
#[track_caller]
fn is_within_reach(sandbox: &Sandbox, before: &Record) {
    wait_until("the session in the list", DEADLINE, || {
        let output = cckw(sandbox, &["list", "--json"]).output().expect("runs");
        serde_json::from_slice(&output.stdout).is_ok_and(|line: serde_json::Value| line["state"] == "idle")
    });
    let line = listed(sandbox);
    assert_eq!((&line["name"], &line["hint"]), (&"work".into(), &serde_json::Value::Null), "{line}");
    assert_eq!(line["claude_pid"], before.json["claude_pid"], "another claude");
    assert!(well_said(sandbox, &["screen"]).contains(WORDS));
    let mut terminal = Terminal::spawn(cckw(sandbox, &["attach"]));
    terminal.wait_for_text(WORDS);
    at_prompt(&mut terminal);
    well_said(sandbox, &["detach"]);
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    well_said(sandbox, &["logs"]);
}

/// Ends the session.
#[track_caller]
fn end(sandbox: &Sandbox) {
    well_said(sandbox, &["stop"]);
    sandbox.wait_for_silence();
}

//! What sessions are called, and which one a word means.

mod about;
mod ended;
mod given;
mod lost;
mod rename;

use std::path::Path;

use serde_json::Value;

use crate::support::stand_in::{at_prompt, say};
use crate::support::verb::{cckw, well_said};
use crate::support::{DEADLINE, Record, Sandbox, Terminal, wait_until};

/// A session that was started in `directory`, and its terminal.
fn started(sandbox: &Sandbox, directory: &Path, args: &[&str]) -> (Record, Terminal) {
    let before: Vec<String> =
        sandbox.records().iter().map(|record| record.text("session").to_owned()).collect();
    let mut command = sandbox.cckw_claude();
    command.args(args).current_dir(directory);
    let mut terminal = Terminal::spawn(command);
    at_prompt(&mut terminal);
    let new = |record: &Record| {
        !before.contains(&record.text("session").to_owned()) && record.text("status") == "idle"
    };
    wait_until("a record", DEADLINE, || sandbox.records().iter().any(new));
    (sandbox.records().into_iter().find(new).expect("a record"), terminal)
}

/// The same, left without a terminal.
fn detached(sandbox: &Sandbox, directory: &Path, args: &[&str]) -> Record {
    let (record, terminal) = started(sandbox, directory, args);
    detach(sandbox, &record, terminal);
    record
}

fn detach(sandbox: &Sandbox, record: &Record, mut terminal: Terminal) {
    let detached = cckw(sandbox, &["detach", record.text("session")]).status().expect("runs");
    assert!(detached.success());
    assert_eq!(terminal.finish().code(), Some(0));
}

/// A session in which these words were said, and which has ended.
fn ended(sandbox: &Sandbox, args: &[&str], words: &str) -> Record {
    let (record, mut terminal) = started(sandbox, &sandbox.work(), args);
    say(&mut terminal, words);
    let session = record.text("session").to_owned();
    wait_until("what was said", DEADLINE, || by_id(sandbox, &session).json["with_transcript"][0].is_string());
    well_said(sandbox, &["stop", &session]);
    terminal.finish();
    by_id(sandbox, &session)
}

fn by_id(sandbox: &Sandbox, session: &str) -> Record {
    sandbox.records().into_iter().find(|record| record.text("session") == session).expect("a record")
}

/// Each session, as programs see it.
fn listed(sandbox: &Sandbox, more: &[&str]) -> Vec<Value> {
    let output = cckw(sandbox, &[&["list", "--json"], more].concat()).output().expect("runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The name of each session that runs, by its id.
fn names(sandbox: &Sandbox) -> Vec<(String, String)> {
    let field = |session: &Value, key: &str| session[key].as_str().expect("text").to_owned();
    listed(sandbox, &[]).iter().map(|session| (field(session, "session"), field(session, "name"))).collect()
}

/// The name that a session is shown with, ended or not.
fn name_of(sandbox: &Sandbox, record: &Record) -> String {
    let all = listed(sandbox, &["--all"]);
    let found = all.iter().find(|session| session["session"] == record.text("session"));
    found.expect("a session")["name"].as_str().expect("text").to_owned()
}

/// A name with the beginning of the session's id behind it.
fn with_id(name: &str, record: &Record) -> String {
    format!("{name}.{}", &record.text("session")[..8])
}

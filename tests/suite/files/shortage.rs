//! Sessions go on when the record cannot be written; and when that is over, everything is as it would have been.

use std::fs;
use std::path::PathBuf;

use nix::sys::signal::Signal;

use crate::support::stand_in::{self, at_prompt, submit};
use crate::support::{DEADLINE, Record, Sandbox, Terminal, pid, process, wait_until};

pub fn session() -> (Sandbox, Terminal, Record) {
    let sandbox = stand_in::sandbox();
    sandbox.configure("[restart]\ninitial_delay = \"20ms\"\nmax_delay = \"50ms\"\ncrash_limit = 1000\n");
    let mut terminal = stand_in::start(&sandbox, &[]);
    submit(&mut terminal, "the first words");
    terminal.wait_for_text("You said: the first words");
    let said =
        |record: &Record| record.text("status") == "idle" && record.json["with_transcript"][0].is_string();
    let record = sandbox.wait_for_record("a transcript", said);
    (sandbox, terminal, record)
}

pub fn leave(sandbox: &Sandbox, mut terminal: Terminal) {
    at_prompt(&mut terminal);
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    assert_eq!(terminal.modes().left_on(), Vec::<String>::new());
    sandbox.wait_for_silence();
}

/// The names of the events, oldest first; each line is a whole one.
pub fn events(log: &PathBuf) -> Vec<String> {
    let text = fs::read_to_string(log).expect("a log");
    let name = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        line["event"].as_str().expect("a name").to_owned()
    };
    text.lines().map(name).collect()
}

/// Keeps the host from writing its record. Root may write everywhere, but no file in the place of a
/// directory.
fn block(record: &Record) -> PathBuf {
    let in_the_way = record.path.with_file_name(format!("session.json.{}.new", pid(record, "host_pid")));
    // It may be writing right now.
    wait_until("a directory in the way", DEADLINE, || fs::create_dir(&in_the_way).is_ok());
    in_the_way
}

#[test]
fn a_record_that_cannot_be_written_is_written_later() {
    let (sandbox, mut terminal, record) = session();
    let directory = record.path.parent().expect("a directory").to_owned();
    let in_the_way = block(&record);
    process::signal(pid(&record, "claude_pid"), Signal::SIGKILL);
    terminal.wait_for_text("[cckw: claude was killed by SIGKILL");
    wait_until("another claude", DEADLINE, || {
        let running = process::children(pid(&record, "host_pid"));
        running.iter().any(|child| *child != pid(&record, "claude_pid") && process::runs(*child))
    });
    at_prompt(&mut terminal);
    let old = fs::read(directory.join("session.json")).expect("the old record");
    assert!(serde_json::from_slice::<serde_json::Value>(&old).expect("a whole one")["restarts"] == 0);
    fs::remove_dir(&in_the_way).expect("the way is free");
    sandbox.wait_for_record("what happened", |record| {
        record.text("status") == "idle" && record.json["restarts"] == 1
    });
    let log = directory.join("events.jsonl");
    wait_until("a word about it in the log", DEADLINE, || {
        events(&log).iter().any(|event| event == "record-written")
    });
    // Nothing that was half written is left.
    let left: Vec<PathBuf> =
        fs::read_dir(&directory).expect("lists").flatten().map(|entry| entry.path()).collect();
    assert!(!left.iter().any(|path| path.to_string_lossy().ends_with(".new")), "{left:?}");
    leave(&sandbox, terminal);
}

#[test]
fn an_end_that_cannot_be_written_down_is_told() {
    let (sandbox, mut terminal, record) = session();
    block(&record);
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    let output = String::from_utf8_lossy(&terminal.output()).replace("\r\n", " ");
    assert_eq!(output.matches("the end of this session could not be written down").count(), 1, "{output}");
    assert_eq!(terminal.modes().left_on(), Vec::<String>::new());
    sandbox.wait_for_silence();
}

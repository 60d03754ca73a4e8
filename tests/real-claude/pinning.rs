//! Which conversation a session has, and how cckw knows.

use std::process::Command;

use uuid::Uuid;

use super::driver::{How, Place, submit, wait_for_prompt};
use super::install;
use super::mock::REPLY;
use super::support::{DEADLINE, Record, Terminal, process, wait_until, wait_until_some};

/// The value behind `--session-id` in a command line.
fn pinned(arguments: &[String]) -> Option<&str> {
    let place = arguments.iter().position(|argument| argument == "--session-id")?;
    arguments.get(place + 1).map(String::as_str)
}

/// Waits for a record that knows its claude, and holds it against the state file and the process.
#[track_caller]
fn matched(place: &Place) -> Record {
    let state = wait_until_some("a state file", DEADLINE, || place.state());
    let record = place.sandbox.wait_for_record("the claude of the state file", |record| {
        record.pid("claude_pid").map(i64::from) == state["pid"].as_i64()
    });
    let claude = record.pid("claude_pid").expect("a pid");
    let started = process::stat(claude).expect("a claude that runs").started;
    assert_eq!(state["procStart"].as_str(), Some(started.to_string().as_str()));
    record
}

#[track_caller]
fn talk(terminal: &mut Terminal) {
    submit(terminal, "hello");
    terminal.wait_for_text(REPLY);
    wait_for_prompt(terminal);
}

#[track_caller]
fn leave(terminal: &mut Terminal) {
    submit(terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0));
}

#[test]
fn a_fresh_conversation_is_pinned_and_followed() {
    let place = Place::new();
    let mut terminal = place.start(How::Through, &[]);
    let record = matched(&place);
    let first = record.text("conversation").to_owned();
    assert!(Uuid::parse_str(&first).is_ok(), "{first}");
    assert_eq!(record.pid("child_pid"), record.pid("claude_pid"));
    let claude = record.pid("claude_pid").expect("a pid");
    assert_eq!(pinned(&process::arguments(claude)), Some(first.as_str()));
    assert_eq!(place.state().expect("a state file")["sessionId"], *first);
    let session = format!("CCKW_SESSION={}", record.text("session"));
    assert!(process::environment(claude).iter().any(|variable| *variable == *session));

    talk(&mut terminal);
    // It is written a moment after the prompt is there again.
    wait_until("the transcript", DEADLINE, || place.transcripts() == [first.as_str()]);

    submit(&mut terminal, "/clear");
    let second = wait_until_some("another conversation", DEADLINE, || {
        let id = place.state()?["sessionId"].as_str()?.to_owned();
        (id != first).then_some(id)
    });
    let record = place
        .sandbox
        .wait_for_record("the conversation after /clear", |record| record.text("conversation") == second);
    for id in [&first, &second] {
        assert!(record.json["conversations"].to_string().contains(id.as_str()), "{record:?}");
    }
    wait_for_prompt(&mut terminal);
    leave(&mut terminal);
}

#[test]
fn a_conversation_the_user_chose_is_left_alone_and_learnt() {
    let place = Place::new();
    let id = Uuid::new_v4().to_string();
    for arguments in [&["--session-id", id.as_str()][..], &["--resume", id.as_str()], &["--continue"]] {
        let mut terminal = place.start(How::Through, arguments);
        let record = wait_until_some("a record that knows the conversation", DEADLINE, || {
            place.sandbox.records().into_iter().find(|record| {
                record.pid("claude_pid").is_some_and(process::runs) && record.text("conversation") == id
            })
        });
        let given = process::arguments(record.pid("claude_pid").expect("a pid"));
        assert_eq!(given[1..], *arguments, "no other argument");
        talk(&mut terminal);
        leave(&mut terminal);
        assert_eq!(place.transcripts(), [id.as_str()]);
    }
}

#[test]
fn a_claude_behind_a_launcher_is_found() {
    let node = Command::new("sh").args(["-c", "command -v node"]).output().expect("a shell").stdout;
    let node = String::from_utf8(node).expect("a path");
    assert!(!node.trim().is_empty(), "node is missing: the launcher of the package needs it");
    let place = Place::new();
    std::fs::remove_file(place.sandbox.path("bin/claude")).expect("the link to the program itself");
    let text = format!("#!/bin/sh\nexec {} {} \"$@\"\n", node.trim(), install::launcher().display());
    place.sandbox.script("claude", &text);

    let mut terminal = place.start(How::Through, &[]);
    let record = matched(&place);
    let (child, claude) = (record.pid("child_pid").expect("a pid"), record.pid("claude_pid").expect("a pid"));
    assert_ne!(child, claude);
    assert_eq!(process::stat(claude).expect("a claude that runs").parent, child);
    assert_eq!(place.state().expect("a state file")["sessionId"], *record.text("conversation"));
    talk(&mut terminal);
    assert_eq!(place.transcripts(), [record.text("conversation")]);
    leave(&mut terminal);
}

//! A record that is empty, half, missing, or of a newer cckw; and directories and file systems that cannot be
//! used.

use std::fs;

use nix::sys::signal::Signal;
use serde_json::json;

use super::{DEADLINE, WORDS, detached, end, is_within_reach, listed, said};
use crate::support::stand_in::sandbox;
use crate::support::verb::{cckw, well_said};
use crate::support::{Record, Sandbox, Terminal, process, wait_until};

/// The record with something else in one of its fields.
fn with(record: &Record, key: &str, value: serde_json::Value) -> String {
    let mut json = record.json.clone();
    json[key] = value;
    json.to_string()
}

/// What somebody may find in the place of a record.
fn damages(record: &Record) -> Vec<(&'static str, String)> {
    let text = record.json.to_string();
    vec![
        ("empty", String::new()),
        ("zeros", "\0".repeat(100)),
        ("half", text[..text.len() / 2].to_owned()),
        ("no object", "[1]".into()),
        ("an unknown state", with(record, "state", json!("paused"))),
        ("an unknown kind", with(record, "kind", json!("batch"))),
        ("another type", with(record, "restarts", json!({ "total": 3 }))),
        ("an unknown exit", with(record, "exit", json!({ "oom": 1 }))),
    ]
}

#[test]
fn a_running_session_is_asked_itself_and_writes_its_record_again() {
    let (sandbox, record) = detached();
    for (what, damage) in damages(&record) {
        // It is refused when all that the host has to write is written.
        assert!(!said(&sandbox, &["detach"]).status.success());
        fs::write(&record.path, &damage).expect("damages");
        assert_eq!(listed(&sandbox)["state"], "idle", "{what}");
        wait_until(&format!("the record after: {what}"), DEADLINE, || {
            fs::read(&record.path).is_ok_and(|text| {
                serde_json::from_slice(&text).is_ok_and(|now: serde_json::Value| now == record.json)
            })
        });
        // What stood there is kept.
        assert_eq!(
            fs::read_to_string(record.path.with_extension("json.kept")).expect("a copy"),
            damage,
            "{what}"
        );
        is_within_reach(&sandbox, &record);
    }
    end(&sandbox);
}

fn kill(sandbox: &Sandbox, record: &Record) {
    process::signal(record.pid("host_pid").expect("a host"), Signal::SIGKILL);
    sandbox.wait_for_silence();
}

#[test]
fn one_that_is_dead_is_rebuilt_with_its_conversation() {
    let (sandbox, record) = detached();
    for (what, damage) in damages(&record) {
        kill(&sandbox, &sandbox.records().remove(0));
        fs::write(&record.path, &damage).expect("damages");
        let line = listed(&sandbox);
        assert_eq!((&line["state"], &line["name"]), (&"unreadable".into(), &"work".into()), "{what}: {line}");
        let hint = line["hint"].as_str().expect("a hint");
        assert!(hint.contains("cckw start work"), "{what}: {hint}");
        // A verb that needs a host says the same.
        for words in [&["attach", "work"][..], &["attach"], &["screen", "work"], &["stop", "work"]] {
            let output = said(&sandbox, words);
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(
                !output.status.success() && text.contains("cckw start work"),
                "{what}: {words:?}: {text}"
            );
        }
        // It is said and nothing is done: it may not have been lost.
        assert_eq!(fs::read_to_string(&record.path).expect("is there"), damage);
        well_said(&sandbox, &["start", "work"]);
        let again = sandbox.wait_for_record("an idle claude", |now| now.text("status") == "idle");
        for key in ["conversation", "name", "args", "cwd", "program"] {
            assert_eq!(again.json[key], record.json[key], "{what}: {key}");
        }
        // It is idle before all is drawn.
        wait_until("the words", DEADLINE, || well_said(&sandbox, &["screen"]).contains(WORDS));
        assert_eq!(
            fs::read_to_string(record.path.with_extension("json.kept")).expect("a copy"),
            damage,
            "{what}"
        );
    }
    end(&sandbox);
}

#[test]
fn without_any_record_the_log_and_the_transcript_are_enough() {
    let (sandbox, record) = detached();
    kill(&sandbox, &record);
    fs::remove_file(&record.path).expect("removes");
    assert_eq!(listed(&sandbox)["state"], "unreadable");
    // A session of a version that did not keep its first record.
    fs::remove_file(record.path.with_file_name("first.json")).expect("removes");
    let line = listed(&sandbox);
    assert_eq!((&line["state"], &line["conversation"]), (&"unreadable".into(), &record.json["conversation"]));
    assert_eq!(line["cwd"], record.json["cwd"]);
    let session = record.text("session");
    well_said(&sandbox, &["start", session]);
    let mut terminal = Terminal::spawn(cckw(&sandbox, &["attach", session]));
    terminal.wait_for_text(WORDS);
    well_said(&sandbox, &["stop", session]);
    terminal.finish();
    sandbox.wait_for_silence();
}

#[test]
fn a_dead_one_that_is_not_wanted_is_removed() {
    let (sandbox, record) = detached();
    kill(&sandbox, &record);
    fs::write(&record.path, "").expect("damages");
    // Not by the way.
    let said = well_said(&sandbox, &["rm", "--ended"]);
    assert_eq!(said, "no session has ended; to remove one that can be brought back, name it: cckw rm work\n");
    well_said(&sandbox, &["rm", "work"]);
    assert!(!record.path.parent().expect("a directory").exists());
}

#[test]
fn what_a_newer_cckw_has_written_is_kept_when_the_session_is_taken_up() {
    let (sandbox, record) = detached();
    kill(&sandbox, &record);
    let mut json = record.json.clone();
    (json["version"], json["of_the_future"]) = (json!(7), json!({ "a": [1, 2] }));
    fs::write(&record.path, json.to_string()).expect("writes");
    well_said(&sandbox, &["start", "work"]);
    let again = sandbox.wait_for_record("an idle claude", |now| now.text("status") == "idle");
    assert_eq!((&again.json["of_the_future"], &again.json["version"]), (&json!({ "a": [1, 2] }), &json!(1)));
    let kept = fs::read_to_string(record.path.with_extension("json.kept")).expect("a copy");
    assert_eq!(kept, json.to_string());
    end(&sandbox);
}

#[test]
fn a_state_directory_that_cannot_be_read_is_no_empty_one() {
    let sandbox = sandbox();
    // Root can read every directory, but none that is a file.
    fs::write(sandbox.path("state/cckw"), "").expect("a file");
    for words in [&["list"][..], &["list", "--all"], &["list", "--all", "--json"]] {
        let output = said(&sandbox, words);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && output.stdout.is_empty(), "{words:?}: {output:?}");
        assert!(text.contains("state/cckw: cannot be read") && text.contains("XDG_STATE_HOME"), "{text}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_system_without_locks_is_named_with_what_to_do() {
    use crate::support::stand_in::{at_prompt, submit};
    use crate::support::{before_exec, refused_calls};
    let sandbox = sandbox();
    let mut command = sandbox.cckw_claude();
    before_exec(&mut command, refused_calls::refuse_locks);
    let mut terminal = Terminal::builder().fork(command);
    terminal.wait_for_text("XDG_STATE_HOME");
    // Claude runs without a session.
    at_prompt(&mut terminal);
    let text = String::from_utf8_lossy(&terminal.output()).into_owned();
    assert!(
        text.contains("host.lock cannot be locked") && text.contains("has no file locks (flock)"),
        "{text}"
    );
    assert!(text.contains("claude runs without cckw"), "{text}");
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    sandbox.wait_for_silence();
    assert_eq!(fs::read_dir(sandbox.path("state/cckw")).expect("lists").count(), 0);
}

//! Ended sessions give way: their name is the living one's, and a word never comes to mean another one.

use std::fs;

use nix::sys::signal::Signal;
use serde_json::Value;

use super::{by_id, detached, ended, name_of, names, with_id};
use crate::support::stand_in::sandbox;
use crate::support::verb::{cckw, well_said};
use crate::support::{DEADLINE, Record, Sandbox, process, wait_until};

/// What it says on stdout, on stderr, and its status.
fn said(sandbox: &Sandbox, words: &[&str]) -> (String, String, Option<i32>) {
    let output = cckw(sandbox, words).output().expect("runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (text(output.stdout), text(output.stderr), output.status.code())
}

fn log_of(record: &Record) -> String {
    fs::read_to_string(record.path.with_file_name("events.jsonl")).expect("a log")
}

fn runs(sandbox: &Sandbox, record: &Record) -> bool {
    names(sandbox).iter().any(|(session, _)| session == record.text("session"))
}

/// The old session owned the name: the living one was `work-2`, and `work` meant the old one.
#[test]
fn a_new_session_is_called_as_the_old_one_was() {
    let sandbox = sandbox();
    let old = ended(&sandbox, &[], "yesterday");
    assert_eq!(name_of(&sandbox, &old), "work", "nobody else has it");
    let new = detached(&sandbox, &sandbox.work(), &[]);
    assert_eq!((name_of(&sandbox, &new), name_of(&sandbox, &old)), ("work".into(), with_id("work", &old)));
    let log = log_of(&new);
    assert!(well_said(&sandbox, &["logs", "--json", "work"]).starts_with(&log));
    assert_eq!(well_said(&sandbox, &["logs", "--json", &with_id("work", &old)]), log_of(&old));
    // Also the living one can be named so.
    well_said(&sandbox, &["stop", &with_id("work", &new)]);
    assert_eq!(name_of(&sandbox, &new), "work", "now the newest that has ended");
    sandbox.wait_for_silence();
}

/// Numbers moved up when a session ended, so each further `cckw stop work` ended another session.
#[test]
fn stop_typed_again_ends_nothing_else() {
    let sandbox = sandbox();
    let all: Vec<Record> = (0..3).map(|_| detached(&sandbox, &sandbox.work(), &[])).collect();
    let named: Vec<String> = all.iter().map(|record| name_of(&sandbox, record)).collect();
    assert_eq!(named, ["work", "work-2", "work-3"]);
    assert_eq!(said(&sandbox, &["stop", "work"]).2, Some(0));
    for _ in 0..2 {
        let (out, err, status) = said(&sandbox, &["stop", "work"]);
        let told = "work: has ended already. To bring it back: cckw start work\n";
        assert_eq!((out.as_str(), err.as_str(), status), (told, "", Some(0)));
    }
    assert_eq!(all.iter().map(|record| runs(&sandbox, record)).collect::<Vec<_>>(), [false, true, true]);
    assert_eq!((name_of(&sandbox, &all[1]), name_of(&sandbox, &all[2])), ("work-2".into(), "work-3".into()));
    for name in ["work-3", "work-2"] {
        well_said(&sandbox, &["stop", name]);
    }
    sandbox.wait_for_silence();
}

/// `cckw start work` opened yesterday's conversation.
#[test]
fn start_opens_the_newest_conversation_of_a_name() {
    let sandbox = sandbox();
    let old = ended(&sandbox, &[], "yesterday");
    let new = ended(&sandbox, &[], "today");
    well_said(&sandbox, &["start", "work"]);
    assert_eq!((runs(&sandbox, &old), runs(&sandbox, &new)), (false, true));
    // Once it runs, it is what the word means.
    let (out, err, status) = said(&sandbox, &["start", "work"]);
    let told = "work: runs already. Take it into this terminal with: cckw attach work\n";
    assert_eq!((out.as_str(), err.as_str(), status), (told, "", Some(0)));
    assert!(!runs(&sandbox, &old));
    well_said(&sandbox, &["stop", "work"]);
    sandbox.wait_for_silence();
}

#[test]
fn who_comes_back_gets_the_next_free_name_and_keeps_it() {
    let sandbox = sandbox();
    let old = ended(&sandbox, &[], "yesterday");
    detached(&sandbox, &sandbox.work(), &[]);
    let (out, err, status) = said(&sandbox, &["start", &with_id("work", &old)]);
    assert_eq!(
        (out.as_str(), err.as_str(), status),
        (
            "work-2: started, without a terminal. Take it into this one with: cckw attach work-2\n",
            "cckw: another session is called work now; this one is called work-2\n",
            Some(0)
        )
    );
    assert_eq!(name_of(&sandbox, &old), "work-2");
    assert!(log_of(&old).contains(r#""event":"renamed","name":"work-2""#));
    // A name that is free is kept, also where a smaller number would be.
    for name in ["work", "work-2"] {
        well_said(&sandbox, &["stop", name]);
    }
    well_said(&sandbox, &["start", "work-2"]);
    assert_eq!(name_of(&sandbox, &old), "work-2");
    well_said(&sandbox, &["stop", "work-2"]);
    sandbox.wait_for_silence();
}

/// Else a word that is typed twice would remove two.
#[test]
fn rm_removes_none_of_several_with_one_name() {
    let sandbox = sandbox();
    let old = ended(&sandbox, &[], "yesterday");
    let new = ended(&sandbox, &[], "today");
    let (_, err, status) = said(&sandbox, &["rm", "work"]);
    assert!(
        status == Some(1) && err.contains(&with_id("work", &old)) && err.contains(&with_id("work", &new)),
        "{err}"
    );
    well_said(&sandbox, &["rm", &with_id("work", &new)]);
    assert!(old.path.exists() && !new.path.exists());
    assert_eq!(well_said(&sandbox, &["rm", "work"]), "removed work\n");
    assert_eq!(said(&sandbox, &["rm", "work"]).2, Some(1));
}

/// A record as an earlier version has written it, which gave no names.
fn without_name(record: &Record) {
    let mut json: Value = record.json.clone();
    json.as_object_mut().expect("an object").remove("called").expect("a name");
    fs::write(&record.path, json.to_string()).expect("an older record");
}

#[test]
fn sessions_of_an_earlier_version_have_their_names() {
    let sandbox = sandbox();
    let (plain, given) = (ended(&sandbox, &[], "words"), ended(&sandbox, &["-n", "given"], "words"));
    for record in [&plain, &given] {
        without_name(record);
    }
    assert_eq!((name_of(&sandbox, &plain), name_of(&sandbox, &given)), ("work".into(), "given".into()));
    well_said(&sandbox, &["start", "given"]);
    wait_until("a name in the record", DEADLINE, || {
        by_id(&sandbox, given.text("session")).json["called"]["name"] == "given"
    });
    well_said(&sandbox, &["stop", "given"]);
    sandbox.wait_for_silence();
}

/// Two hosts of an earlier version may have one name. Then the name means neither.
#[test]
fn two_living_sessions_with_one_name_are_told_apart_by_their_ids() {
    let sandbox = sandbox();
    let both: Vec<Record> = (0..2).map(|_| detached(&sandbox, &sandbox.work(), &[])).collect();
    let signal_hosts = |signal| {
        for record in &both {
            process::signal(record.pid("host_pid").expect("a host"), signal);
        }
    };
    // Else they would write their records again.
    signal_hosts(Signal::SIGSTOP);
    for record in &both {
        without_name(&by_id(&sandbox, record.text("session")));
    }
    let mut words = [with_id("work", &both[0]), with_id("work", &both[1])];
    words.sort();
    let completed = well_said(&sandbox, &["complete", "stop"]);
    let mut shown: Vec<&str> = completed.lines().filter_map(|line| line.split('\t').next()).collect();
    shown.sort_unstable();
    assert_eq!(shown, words);
    let (_, err, status) = said(&sandbox, &["stop", "work"]);
    assert!(status == Some(1) && words.iter().all(|word| err.contains(word)), "{err}");
    // A new one stays clear of both.
    let new = detached(&sandbox, &sandbox.work(), &[]);
    assert_eq!(by_id(&sandbox, new.text("session")).json["called"]["name"], "work-2");
    signal_hosts(Signal::SIGCONT);
    for record in both.iter().chain([&new]) {
        well_said(&sandbox, &["stop", record.text("session")]);
    }
    sandbox.wait_for_silence();
}

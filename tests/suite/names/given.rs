//! Which name a session gets, and the words that mean it.

use std::fs;

use super::{detached, name_of, names};
use crate::support::stand_in::{at_prompt, sandbox};
use crate::support::verb::cckw;
use crate::support::{DEADLINE, Terminal, wait_until};

#[test]
fn a_name_that_was_given_goes_before_the_directory_s() {
    let sandbox = sandbox();
    let project = sandbox.path("home/project");
    fs::create_dir(&project).expect("a directory");
    let given = detached(&sandbox, &project, &["-n", "tests"]);
    let combined = detached(&sandbox, &project, &["--name=later", "-n", "last one"]);
    let other = detached(&sandbox, &project, &["--model", "opus"]);
    assert_eq!(name_of(&sandbox, &given), "tests");
    assert_eq!(name_of(&sandbox, &combined), "last one");
    assert_eq!(name_of(&sandbox, &other), "project");
    // And after a restart, for a flag is kept.
    assert!(cckw(&sandbox, &["restart", "tests"]).status().expect("runs").success());
    wait_until("a restart", DEADLINE, || {
        let records = sandbox.records();
        records.iter().any(|record| record.json["restarts"] == 1 && record.text("status") == "idle")
    });
    assert_eq!(name_of(&sandbox, &given), "tests");
    for word in ["tests", "last one", "project"] {
        assert!(cckw(&sandbox, &["stop", word]).status().expect("runs").success(), "{word}");
    }
    sandbox.wait_for_silence();
}

/// `MACHINE:SESSION` is for sessions on other machines, so no name has a colon in it.
#[test]
fn a_name_with_a_colon_is_refused_or_gets_a_dash() {
    let sandbox = sandbox();
    let cases = [
        (&["new", "box:api"][..], "no machine is called box"),
        (&["rename", "x", "box:api"], "it has a `:` in it"),
    ];
    for (args, why) in cases {
        let refused = cckw(&sandbox, args).output().expect("runs");
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(refused.status.code() != Some(0) && said.contains(why), "{args:?}: {said}");
    }
    assert_eq!(sandbox.records().len(), 0);
    let of_flag = detached(&sandbox, &sandbox.work(), &["-n", "box:api"]);
    assert_eq!(name_of(&sandbox, &of_flag), "box-api");
    // Claude has the name that its user has given.
    assert_eq!(of_flag.text("name"), "box:api");
    let directory = sandbox.path("home/box:web");
    fs::create_dir(&directory).expect("a directory");
    let of_directory = detached(&sandbox, &directory, &[]);
    assert_eq!(name_of(&sandbox, &of_directory), "box-web");
    for word in ["box-api", "box-web"] {
        assert!(cckw(&sandbox, &["stop", word]).status().expect("runs").success(), "{word}");
    }
    // A record of an earlier version, which had no such rule.
    let mut record = of_directory.json.clone();
    record["called"]["name"] = "box:web".into();
    record["state"] = "stopped".into();
    record["ended_at"] = record["started_at"].clone();
    fs::write(&of_directory.path, record.to_string()).expect("writes");
    assert_eq!(name_of(&sandbox, &of_directory), "box-web");
    assert!(cckw(&sandbox, &["start", "box-web"]).status().expect("runs").success());
    wait_until("a name without a colon in the record", DEADLINE, || {
        super::by_id(&sandbox, of_directory.text("session")).json["called"]["name"] == "box-web"
    });
    assert!(cckw(&sandbox, &["stop", "box-web"]).status().expect("runs").success());
    sandbox.wait_for_silence();
}

#[test]
fn of_several_with_one_name_each_has_its_own() {
    let sandbox = sandbox();
    let one = detached(&sandbox, &sandbox.work(), &[]);
    let two = detached(&sandbox, &sandbox.work(), &[]);
    let three = detached(&sandbox, &sandbox.path("home"), &["-n", "work"]);
    let mut all: Vec<String> = [&one, &two, &three].iter().map(|record| name_of(&sandbox, record)).collect();
    all.sort();
    assert_eq!(all, ["work", "work-2", "work-3"]);
    // The name means the one that has it, although it is the beginning of others.
    let first =
        [&one, &two, &three].into_iter().find(|record| name_of(&sandbox, record) == "work").expect("one");
    let first = first.text("session").to_owned();
    assert!(cckw(&sandbox, &["stop", "work"]).status().expect("runs").success());
    assert!(names(&sandbox).iter().all(|(session, _)| *session != first));
    // The others are called as before.
    let mut left: Vec<String> = names(&sandbox).into_iter().map(|(_, name)| name).collect();
    left.sort();
    assert_eq!(left, ["work-2", "work-3"]);
    for word in ["work-2", "work-3"] {
        assert!(cckw(&sandbox, &["stop", word]).status().expect("runs").success(), "{word}");
    }
    sandbox.wait_for_silence();
}

#[test]
fn the_beginning_of_an_id_and_each_pid_mean_it_too() {
    let sandbox = sandbox();
    detached(&sandbox, &sandbox.work(), &["-n", "other"]);
    let mut command = sandbox.cckw_claude();
    command.args(["-n", "this"]);
    let mut terminal = Terminal::spawn(command);
    at_prompt(&mut terminal);
    let find = |name: &str| sandbox.records().into_iter().find(|record| record.text("name") == name);
    wait_until("an idle session", DEADLINE, || {
        find("this").is_some_and(|record| record.text("status") == "idle")
    });
    let this = find("this").expect("a record");
    let mut words = vec![this.text("session").to_owned(), this.text("session")[..13].to_owned()];
    for key in ["host_pid", "client_pid", "claude_pid"] {
        words.push(this.pid(key).expect("a pid").to_string());
    }
    let log = fs::read(this.path.with_file_name("events.jsonl")).expect("a log");
    for word in words {
        let output = cckw(&sandbox, &["logs", "--json", &word]).output().expect("runs");
        // It may have grown meanwhile.
        assert!(output.status.success() && output.stdout.starts_with(&log), "{word}: {output:?}");
        assert!(cckw(&sandbox, &["screen", &word]).output().expect("runs").status.success(), "{word}");
    }
    // Neither the beginning of a name nor so little of an id.
    for word in ["thi", "oth", &this.text("session")[..3]] {
        assert_eq!(
            cckw(&sandbox, &["screen", word]).output().expect("runs").status.code(),
            Some(1),
            "{word}"
        );
    }
    for word in ["this", "other"] {
        assert!(cckw(&sandbox, &["stop", word]).status().expect("runs").success());
    }
    terminal.finish();
    sandbox.wait_for_silence();
}

#[test]
fn an_id_and_a_pid_go_before_a_name_that_looks_the_same() {
    let sandbox = sandbox();
    let this = detached(&sandbox, &sandbox.work(), &["-n", "this"]);
    let pid = this.pid("claude_pid").expect("a claude").to_string();
    let id = &this.text("session")[..8];
    for name in [pid.as_str(), id] {
        detached(&sandbox, &sandbox.work(), &["-n", name]);
    }
    for word in [pid.as_str(), id, this.text("session")] {
        let log = fs::read(this.path.with_file_name("events.jsonl")).expect("a log");
        let output = cckw(&sandbox, &["logs", "--json", word]).output().expect("runs");
        assert!(output.stdout.starts_with(&log), "{word}: {output:?}");
    }
    // What is advised for the others means them.
    let completed = cckw(&sandbox, &["complete", "stop"]).output().expect("runs");
    let completed = String::from_utf8(completed.stdout).expect("UTF-8");
    let words: Vec<&str> = completed.lines().filter_map(|line| line.split('\t').next()).collect();
    assert_eq!(words.len(), 3);
    for word in words {
        assert!(cckw(&sandbox, &["stop", word]).status().expect("runs").success(), "{word}");
    }
    sandbox.wait_for_silence();
}

#[test]
fn of_several_that_start_at_once_each_has_its_own_name() {
    let sandbox = sandbox();
    let mut terminals: Vec<Terminal> = (0..4).map(|_| Terminal::spawn(sandbox.cckw_claude())).collect();
    terminals.iter_mut().for_each(at_prompt);
    let mut all: Vec<String> = names(&sandbox).into_iter().map(|(_, name)| name).collect();
    all.sort();
    assert_eq!(all, ["work", "work-2", "work-3", "work-4"]);
    for word in all {
        assert!(cckw(&sandbox, &["stop", &word]).status().expect("runs").success(), "{word}");
    }
    sandbox.wait_for_silence();
}

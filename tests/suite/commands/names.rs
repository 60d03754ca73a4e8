//! What sessions are called, and the words that mean one of them.

use std::fs;
use std::path::Path;

use crate::support::stand_in::{at_prompt, sandbox};
use crate::support::verb::cckw;
use crate::support::{DEADLINE, Record, Sandbox, Terminal, wait_until};

/// A session that was started in `directory` and is left without a terminal.
fn session(sandbox: &Sandbox, directory: &Path, args: &[&str]) -> Record {
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
    let record = sandbox.records().into_iter().find(new).expect("a record");
    let detached = cckw(sandbox, &["detach", &record.text("session")[..13]]).status().expect("runs");
    assert!(detached.success());
    assert_eq!(terminal.finish().code(), Some(0));
    record
}

/// The name of each session that runs, by its id.
fn names(sandbox: &Sandbox) -> Vec<(String, String)> {
    let output = cckw(sandbox, &["list", "--json"]).output().expect("runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let parse = |line: &str| serde_json::from_str::<serde_json::Value>(line).expect("JSON");
    let field = |session: &serde_json::Value, key: &str| session[key].as_str().expect("text").to_owned();
    text.lines().map(parse).map(|session| (field(&session, "session"), field(&session, "name"))).collect()
}

fn name_of(sandbox: &Sandbox, record: &Record) -> String {
    let names = names(sandbox);
    let found = names.into_iter().find(|(session, _)| session == record.text("session"));
    found.expect("a session that runs").1
}

#[test]
fn a_name_that_was_given_goes_before_the_directory_s() {
    let sandbox = sandbox();
    let project = sandbox.path("home/project");
    fs::create_dir(&project).expect("a directory");
    let given = session(&sandbox, &project, &["-n", "tests"]);
    let combined = session(&sandbox, &project, &["--name=later", "-n", "last one"]);
    let other = session(&sandbox, &project, &["--model", "opus"]);
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

#[test]
fn of_several_with_one_name_each_has_its_own() {
    let sandbox = sandbox();
    let one = session(&sandbox, &sandbox.work(), &[]);
    let two = session(&sandbox, &sandbox.work(), &[]);
    let three = session(&sandbox, &sandbox.path("home"), &["-n", "work"]);
    let mut all: Vec<String> = [&one, &two, &three].iter().map(|record| name_of(&sandbox, record)).collect();
    all.sort();
    assert_eq!(all, ["work", "work-2", "work-3"]);
    // The name means the one that has it, although it is the beginning of others.
    let first =
        [&one, &two, &three].into_iter().find(|record| name_of(&sandbox, record) == "work").expect("one");
    let first = first.text("session").to_owned();
    assert!(cckw(&sandbox, &["stop", "work"]).status().expect("runs").success());
    assert!(names(&sandbox).iter().all(|(session, _)| *session != first));
    // Those that run come first: now one of them is called so.
    let mut left: Vec<String> = names(&sandbox).into_iter().map(|(_, name)| name).collect();
    left.sort();
    assert_eq!(left, ["work", "work-2"]);
    for word in ["work-2", "work"] {
        assert!(cckw(&sandbox, &["stop", word]).status().expect("runs").success(), "{word}");
    }
    sandbox.wait_for_silence();
}

#[test]
fn the_beginning_of_an_id_and_each_pid_mean_it_too() {
    let sandbox = sandbox();
    session(&sandbox, &sandbox.work(), &["-n", "other"]);
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

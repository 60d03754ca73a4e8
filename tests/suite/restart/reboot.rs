//! After the machine went down, and what `linger = "0s"` means.

use std::fs;

use nix::sys::signal::Signal;

use crate::support::stand_in::{arguments, at_prompt, sandbox, start, submit};
use crate::support::verb::{cckw, well_said};
use crate::support::{DEADLINE, Record, Sandbox, Terminal, cckw_program, process, wait_until};

fn idle(record: &Record) -> bool {
    record.text("state") == "running" && record.text("status") == "idle"
}

fn change(record: &Record, key: &str, value: serde_json::Value) {
    let mut json = record.json.clone();
    json[key] = value;
    fs::write(&record.path, json.to_string()).expect("a record");
}

/// A session in which these words were said, in a terminal.
fn session(sandbox: &Sandbox, name: &str, words: &str) -> (Terminal, Record) {
    let mut terminal = start(sandbox, &["-n", name]);
    submit(&mut terminal, words);
    terminal.wait_for_text(&format!("You said: {words}"));
    let of = |record: &Record| {
        record.text("name") == name && idle(record) && record.json["with_transcript"][0].is_string()
    };
    wait_until("what was said in the record", DEADLINE, || sandbox.records().iter().any(of));
    (terminal, sandbox.records().into_iter().find(of).expect("a record"))
}

/// What is left of sessions when the machine goes down: no process, and records of another boot. The process
/// that lives on has the pid and the start that a claude had.
fn go_down(sandbox: &Sandbox) {
    // All at once: nobody has the time to replace another one.
    let processes = sandbox.processes();
    for signal in [Signal::SIGSTOP, Signal::SIGKILL] {
        for pid in &processes {
            process::signal(*pid, signal);
        }
    }
    sandbox.wait_for_silence();
    for record in sandbox.records() {
        change(&record, "boot", "of-another-day".into());
    }
}

#[test]
fn what_ran_is_shown_and_brought_back_with_its_conversation() {
    let sandbox = sandbox();
    let (attached, one) = session(&sandbox, "one", "words of one");
    let (mut other, two) = session(&sandbox, "two", "words of two");
    well_said(&sandbox, &["detach", "two"]);
    other.finish();
    let (mut third, _) = session(&sandbox, "three", "words of three");
    submit(&mut third, "/exit");
    third.finish();
    go_down(&sandbox);
    drop(attached);
    let table = well_said(&sandbox, &["list"]);
    assert_eq!(table.matches("  rebooted  ").count(), 2, "{table}");
    assert!(table.contains("cckw start one") && table.contains("cckw start two"), "{table}");
    assert!(!table.contains("three"), "{table}");
    well_said(&sandbox, &["start", "--all"]);
    let back = |before: &Record| {
        let records = sandbox.records();
        let is = |record: &&Record| record.text("session") == before.text("session");
        records.iter().find(is).filter(|record| idle(record) && record.json["restarts"] == 1).cloned()
    };
    for (before, words) in [(&one, "words of one"), (&two, "words of two")] {
        wait_until("the conversation", DEADLINE, || back(before).is_some());
        let again = back(before).expect("a record");
        assert_eq!(arguments(&again)[..2], ["--resume", before.text("conversation")]);
        assert!(again.json["client_pid"].is_null() && again.text("boot") != "of-another-day");
        let mut terminal = Terminal::spawn(cckw(&sandbox, &["attach", again.text("name")]));
        terminal.wait_for_text(words);
        at_prompt(&mut terminal);
        submit(&mut terminal, "/exit");
        assert_eq!(terminal.finish().code(), Some(0));
    }
    sandbox.wait_for_silence();
    assert!(well_said(&sandbox, &["list"]).starts_with("no session"));
}

#[test]
fn a_claude_that_was_installed_elsewhere_meanwhile_is_found() {
    let mut sandbox = sandbox();
    let old = sandbox.path("v20");
    fs::create_dir(&old).expect("a directory");
    let old = old.join("claude-stand-in");
    std::os::unix::fs::symlink(cckw_program(), &old).expect("a link");
    let now = sandbox.path("claude-stand-in");
    sandbox.set("CCKW_CLAUDE", &old);
    let (terminal, _) = session(&sandbox, "one", "some words");
    go_down(&sandbox);
    drop(terminal);
    fs::remove_file(&old).expect("the old one");
    sandbox.set("CCKW_CLAUDE", &now);
    well_said(&sandbox, &["start", "one"]);
    let again =
        sandbox.wait_for_record("an idle claude", |record| idle(record) && record.json["restarts"] == 1);
    assert_eq!(again.text("program"), now.to_str().expect("UTF-8"));
    well_said(&sandbox, &["stop", "one"]);
    sandbox.wait_for_silence();
}

#[test]
fn a_process_that_has_the_number_of_a_claude_of_another_day_is_left_alone() {
    let sandbox = sandbox();
    let (terminal, _) = session(&sandbox, "one", "some words");
    go_down(&sandbox);
    drop(terminal);
    // Pids and starts are counted anew after each boot.
    let mut bystander = sandbox.command("sleep").arg("600").spawn().expect("sleep");
    let pid = i32::try_from(bystander.id()).expect("a pid");
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("a process");
    let start = stat.rsplit_once(") ").expect("fields").1.split(' ').nth(19).expect("a start").to_owned();
    let record = sandbox.records().remove(0);
    change(&record, "claude_pid", pid.into());
    change(&sandbox.records().remove(0), "claude_start", start.into());
    well_said(&sandbox, &["start", "one"]);
    let again =
        sandbox.wait_for_record("an idle claude", |record| idle(record) && record.json["restarts"] == 1);
    assert_ne!(again.pid("claude_pid"), Some(pid));
    assert_eq!(bystander.try_wait().expect("waits"), None);
    bystander.kill().expect("ends");
    bystander.wait().expect("ends");
    well_said(&sandbox, &["stop", "one"]);
    sandbox.wait_for_silence();
}

#[test]
fn with_no_time_to_linger_a_session_without_a_terminal_ends_when_it_is_idle() {
    let sandbox = sandbox();
    sandbox.configure("linger = \"0s\"\n");
    let mut terminal = start(&sandbox, &[]);
    submit(&mut terminal, "permission");
    terminal.wait_for_text("Do you want to proceed?");
    sandbox.wait_for_record("a question", |record| record.text("status") == "waiting");
    terminal.hang_up();
    sandbox.wait_for_record("nobody attached", |record| record.json["client_pid"].is_null());
    // Not while it waits for its user.
    let mut other = Terminal::spawn(cckw(&sandbox, &["attach"]));
    other.wait_for_text("Do you want to proceed?");
    other.press(crate::support::Key::Enter);
    sandbox.wait_for_record("an idle claude", idle);
    other.hang_up();
    let record = sandbox.wait_for_record("an end", |record| record.text("state") == "stopped");
    assert_eq!(record.json["exit"]["code"], 129);
    sandbox.wait_for_silence();
}

//! A session that has lost its host while nobody was attached is brought back by the next command.

use std::process::{Output, Stdio};

use nix::sys::signal::Signal;
use serde_json::json;

use crate::support::stand_in::{at_prompt, idle, sandbox, start, submit};
use crate::support::verb::cckw;
use crate::support::{DEADLINE, Record, Sandbox, Terminal, process, wait_until};

const WORDS: &str = "You said: some words";

#[track_caller]
fn said(sandbox: &Sandbox, words: &[&str]) -> String {
    let Output { stdout, stderr, status } = cckw(sandbox, words).output().expect("runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let (stdout, stderr) = (text(stdout), text(stderr));
    assert!(status.success() && stderr.is_empty(), "{words:?}: {stdout}{stderr}");
    stdout
}

fn kill(record: &Record, key: &str) {
    process::signal(record.pid(key).expect("a pid"), Signal::SIGKILL);
}

/// Whether anybody accepts connections to the session.
fn is_up(record: &Record) -> bool {
    std::os::unix::net::UnixStream::connect(record.text("socket")).is_ok()
}

/// A detached session with a conversation, whose host has just been killed.
fn lost() -> (Sandbox, Record) {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &["--model", "opus"]);
    submit(&mut terminal, "some words");
    terminal.wait_for_text(WORDS);
    terminal.hang_up();
    sandbox.wait_for_record("nobody attached", |record| record.json["client_pid"].is_null());
    let record = lose(&sandbox, 0);
    (sandbox, record)
}

fn lose(sandbox: &Sandbox, restarts: u64) -> Record {
    let record = idle(sandbox, restarts);
    kill(&record, "host_pid");
    // The last thread of a killed process closes its socket, a moment after it has become a zombie.
    wait_until("the end of the host", DEADLINE, || !is_up(&record));
    sandbox.wait_for_silence();
    record
}

/// Nothing is started by any of these.
#[track_caller]
fn stays_lost(sandbox: &Sandbox) {
    let before = sandbox.records();
    for words in [&["list"][..], &["list", "--all"], &["logs"]] {
        said(sandbox, words);
    }
    cckw(sandbox, &["attach"]).output().expect("runs");
    assert_eq!(sandbox.records(), before);
    assert_eq!(sandbox.processes(), Vec::<i32>::new());
}

fn edit(record: &Record, change: impl Fn(&mut serde_json::Value)) {
    let mut json = record.json.clone();
    change(&mut json);
    std::fs::write(&record.path, json.to_string()).expect("a record");
}

#[track_caller]
fn is_back(sandbox: &Sandbox, first: &Record) {
    let again = idle(sandbox, 1);
    assert_ne!(again.json["host_pid"], first.json["host_pid"]);
    let arguments = process::arguments(again.pid("child_pid").expect("a child")).split_off(1);
    assert_eq!(arguments, ["--resume", first.text("conversation"), "--model", "opus"]);
    assert_eq!(again.json["client_pid"], json!(null));
    let mut terminal = Terminal::spawn(cckw(sandbox, &["attach"]));
    terminal.wait_for_text(WORDS);
    at_prompt(&mut terminal);
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0));
    sandbox.wait_for_silence();
}

#[test]
fn by_a_list_which_shows_it_on_its_way() {
    let (sandbox, first) = lost();
    let listed = said(&sandbox, &["list"]);
    // By then it may be there.
    let on_its_way = ["restarting", "starting", "idle"].iter().any(|state| listed.contains(state));
    assert!(on_its_way && !listed.contains("crashed") && !listed.contains("cckw start"), "{listed}");
    is_back(&sandbox, &first);
}

#[test]
fn by_every_verb_that_has_to_do_with_sessions() {
    for words in [&["logs"][..], &["screen"], &["list", "--json"]] {
        let (sandbox, first) = lost();
        said(&sandbox, words);
        is_back(&sandbox, &first);
    }
    let (sandbox, _) = lost();
    said(&sandbox, &["stop"]);
    let record = sandbox.wait_for_record("an end", |record| record.text("state") == "stopped");
    assert_eq!(record.json["restarts"], 1);
    sandbox.wait_for_silence();
}

#[test]
fn by_attach_which_waits_for_it() {
    let (sandbox, first) = lost();
    let mut terminal = Terminal::spawn(cckw(&sandbox, &["attach", "work"]));
    terminal.wait_for_text(WORDS);
    at_prompt(&mut terminal);
    // Drawn over by now.
    let said = String::from_utf8_lossy(&terminal.output()).into_owned();
    assert!(said.contains("the host of session work was killed"), "{said}");
    assert_eq!(idle(&sandbox, 1).text("conversation"), first.text("conversation"));
    submit(&mut terminal, "more words");
    terminal.wait_for_text("You said: more words");
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0));
    sandbox.wait_for_silence();
}

#[test]
fn by_a_start_in_its_directory_which_says_so() {
    let (sandbox, first) = lost();
    let mut elsewhere = sandbox.cckw_claude();
    elsewhere.current_dir(sandbox.path("home"));
    let mut elsewhere = Terminal::spawn(elsewhere);
    at_prompt(&mut elsewhere);
    assert!(!is_up(&first));
    submit(&mut elsewhere, "/exit");
    elsewhere.finish();
    let mut here = start(&sandbox, &[]);
    let line = here.history().into_iter().find(|line| line.contains("of this directory was killed"));
    assert!(line.is_some(), "{}", here.report());
    wait_until("the session", DEADLINE, || is_up(&first));
    let screen = said(&sandbox, &["screen", &first.text("session")[..8]]);
    drop(screen);
    submit(&mut here, "/exit");
    assert_eq!(here.finish().code(), Some(0));
    said(&sandbox, &["stop", &first.text("session")[..8]]);
    sandbox.wait_for_silence();
}

#[test]
fn by_many_commands_at_once_it_is_brought_back_once() {
    let (sandbox, first) = lost();
    let mut commands: Vec<_> =
        (0..8).map(|_| cckw(&sandbox, &["list"]).stdout(Stdio::null()).spawn().expect("runs")).collect();
    for command in &mut commands {
        assert!(command.wait().expect("ends").success());
    }
    is_back(&sandbox, &first);
    let log = std::fs::read_to_string(first.path.with_file_name("events.jsonl")).expect("a log");
    assert_eq!(log.matches("\"taken-up\"").count(), 1, "{log}");
    assert_eq!(log.matches("not-taken-up").count(), 0, "{log}");
}

#[test]
fn one_whose_new_host_dies_at_once_is_left_to_the_user() {
    let (sandbox, first) = lost();
    said(&sandbox, &["list"]);
    lose(&sandbox, 1);
    stays_lost(&sandbox);
    assert!(said(&sandbox, &["list"]).contains("cckw start work"));
    said(&sandbox, &["start"]);
    let stamp = first.path.with_file_name("revived");
    assert!(stamp.exists());
    // The new host has proved itself.
    wait_until("the end of the probation", DEADLINE, || !stamp.exists());
    lose(&sandbox, 2);
    said(&sandbox, &["list"]);
    idle(&sandbox, 3);
    said(&sandbox, &["stop"]);
    sandbox.wait_for_silence();
}

#[test]
fn what_ended_otherwise_is_left_alone() {
    let (mut sandbox, record) = lost();
    edit(&record, |json| json["boot"] = "another".into());
    stays_lost(&sandbox);
    assert!(said(&sandbox, &["list"]).contains("rebooted"));
    edit(&record, |json| json["state"] = "crashed".into());
    stays_lost(&sandbox);
    edit(&record, |json| json["state"] = "stopped".into());
    stays_lost(&sandbox);
    // A client that lives: this test, for one.
    edit(&record, |json| json["client_pid"] = std::process::id().into());
    stays_lost(&sandbox);
    // Its terminal went when nobody could end it for that any more.
    edit(&record, |json| json["client_pid"] = 4_000_000.into());
    sandbox.configure("on_hangup = \"exit\"\n");
    stays_lost(&sandbox);
    sandbox.configure("");
    edit(&record, |_| {});
    for words in [&["doctor"][..], &["completions", "bash"], &["--version"], &["claude", "--help"]] {
        cckw(&sandbox, words).output().expect("runs");
        assert_eq!(sandbox.processes(), Vec::<i32>::new(), "{words:?}");
    }
    // From inside another session.
    sandbox.set("CCKW_SESSION", "00000000-0000-4000-8000-000000000000");
    said(&sandbox, &["list"]);
    assert_eq!(sandbox.processes(), Vec::<i32>::new());
    sandbox.unset("CCKW_SESSION");
    assert_eq!(said(&sandbox, &["rm", "work"]), "removed work\n");
    assert_eq!(sandbox.processes(), Vec::<i32>::new());
}

#[test]
fn a_program_that_is_gone_is_said_in_the_log_and_not_tried_for_ever() {
    let (sandbox, record) = lost();
    std::fs::rename(sandbox.path("claude-stand-in"), sandbox.path("elsewhere")).expect("moves");
    said(&sandbox, &["list"]);
    wait_until("a word in the log", DEADLINE, || said(&sandbox, &["logs"]).contains("not-taken-up"));
    sandbox.wait_for_silence();
    stays_lost(&sandbox);
    std::fs::rename(sandbox.path("elsewhere"), sandbox.path("claude-stand-in")).expect("moves");
    said(&sandbox, &["start", "work"]);
    is_back(&sandbox, &record);
}

//! No conversation is opened twice, and none is given up without a word.

use std::fs;
use std::process::Command;

use nix::sys::signal::Signal;

use crate::support::stand_in::{
    at_prompt, direct, exit, idle, sandbox, say, says, start, submit, transcript,
};
use crate::support::verb::cckw;
use crate::support::{DEADLINE, Key, Sandbox, Terminal, process, wait_until};

const OTHER: &str = "0f0e0d0c-1111-4111-8111-0123456789ab";

/// Starts cckw with these arguments, which are refused; gives what it said.
#[track_caller]
fn refused(sandbox: &Sandbox, words: &[&str]) -> Terminal {
    let (records, before) = (sandbox.records().len(), sandbox.processes());
    let mut command = sandbox.cckw_claude();
    command.args(words);
    let mut terminal = Terminal::spawn(command);
    assert_eq!(terminal.finish().code(), Some(1), "{words:?} {}", terminal.report());
    assert_eq!(sandbox.records().len(), records, "{words:?}");
    // What ran, and the host that has refused, may be just ending, but nothing stays that began.
    wait_until(&format!("the end of what began: {words:?}"), DEADLINE, || {
        sandbox.processes().iter().all(|pid| before.contains(pid))
    });
    terminal
}

/// What the log of the one session has of this event.
fn events(sandbox: &Sandbox, event: &str) -> Vec<serde_json::Value> {
    let output = cckw(sandbox, &["logs", "--json"]).output().expect("logs");
    let lines = String::from_utf8(output.stdout).expect("UTF-8");
    let events = lines.lines().map(|line| serde_json::from_str(line).expect("JSON"));
    events.filter(|line: &serde_json::Value| line["event"] == event).collect()
}

fn state_file(sandbox: &Sandbox, pid: i32, started: &str, id: &str) {
    let folder = sandbox.path("home/.claude/sessions");
    fs::create_dir_all(&folder).expect("a folder");
    let text =
        format!(r#"{{"pid":{pid},"procStart":"{started}","sessionId":"{id}","status":"idle","cwd":"/"}}"#);
    fs::write(folder.join(format!("{pid}.json")), text).expect("a state file");
}

#[test]
fn what_another_claude_has_is_refused_in_every_spelling() {
    let sandbox = sandbox();
    let mut other = direct(&sandbox, &["--session-id", OTHER]);
    // Also while nothing is on disk.
    refused(&sandbox, &["--session-id", OTHER]);
    say(&mut other, "words");
    let resume = format!("--resume={OTHER}");
    for words in
        [&["--resume", OTHER][..], &["-r", OTHER, "hello"], &[&resume], &["-c"], &["--continue", "hello"]]
    {
        let terminal = refused(&sandbox, words);
        says(&terminal, &format!("another claude (process {} in {}", other.pid(), sandbox.work().display()));
        says(&terminal, &format!("claude --resume {OTHER} --fork-session"));
    }
    // A copy, a list, and the same once the other one has ended, are not.
    let fork = start(&sandbox, &["--resume", OTHER, "--fork-session"]);
    assert_ne!(idle(&sandbox, 0).text("conversation"), OTHER);
    exit(fork);
    let mut list = sandbox.cckw_claude();
    list.arg("--resume");
    let mut list = Terminal::spawn(list);
    list.wait_for_text("words");
    list.hang_up();
    exit(other);
    exit(start(&sandbox, &["-c"]));
}

#[test]
fn a_session_of_cckw_is_named_with_the_way_to_take_it() {
    let sandbox = sandbox();
    let mut first = start(&sandbox, &["-n", "mine"]);
    say(&mut first, "words");
    let record = idle(&sandbox, 0);
    says(&refused(&sandbox, &["-c"]), "attached)");
    first.hang_up();
    sandbox.wait_for_record("nobody attached", |record| record.json["client_pid"].is_null());
    let terminal = refused(&sandbox, &["--resume", record.text("conversation")]);
    let pid = record.pid("claude_pid").expect("a claude");
    says(&terminal, &format!("session mine (process {pid} in {}, detached)", sandbox.work().display()));
    says(&terminal, "to take it: cckw attach mine");
    // After /clear it has another one, and the first is free.
    let mut taken = Terminal::spawn(cckw(&sandbox, &["attach", "mine"]));
    at_prompt(&mut taken);
    submit(&mut taken, "/clear");
    sandbox
        .wait_for_record("a new conversation", |now| now.text("conversation") != record.text("conversation"));
    let second = start(&sandbox, &["--resume", record.text("conversation")]);
    exit(second);
    exit(taken);
}

#[test]
fn one_that_is_just_coming_back_is_held_too() {
    let sandbox = sandbox();
    sandbox.configure("[restart]\ninitial_delay = \"1h\"\nmax_delay = \"1h\"\n");
    let mut terminal = start(&sandbox, &[]);
    say(&mut terminal, "words");
    let record = idle(&sandbox, 0);
    process::signal(record.pid("claude_pid").expect("a claude"), Signal::SIGKILL);
    sandbox.wait_for_record("the wait", |record| record.text("state") == "restarting");
    let other = refused(&sandbox, &["--resume", record.text("conversation")]);
    says(&other, "session work (just starting in");
    says(&other, "cckw attach work");
    terminal.type_text("\x03");
    assert_eq!(terminal.finish().code(), Some(137));
    exit(start(&sandbox, &["--resume", record.text("conversation")]));
}

#[test]
fn one_that_has_not_come_up_yet_is_held_too() {
    let mut sandbox = sandbox();
    let mut first = direct(&sandbox, &["--session-id", OTHER]);
    say(&mut first, "words");
    exit(first);
    // It asks something first, and says nothing until that is answered.
    sandbox.set("CCKW_STANDIN_UNTRUSTED", "1");
    let mut command = sandbox.cckw_claude();
    command.args(["--resume", OTHER]);
    let mut terminal = Terminal::spawn(command);
    terminal.wait_for_text("trust");
    says(&refused(&sandbox, &["--continue"]), "session work (just starting in");
    terminal.press(Key::Enter);
    at_prompt(&mut terminal);
    exit(terminal);
}

#[test]
fn what_is_left_of_dead_processes_holds_nothing() {
    let sandbox = sandbox();
    let mut first = direct(&sandbox, &["--session-id", OTHER]);
    say(&mut first, "words");
    process::signal(first.pid(), Signal::SIGKILL);
    first.wait_for_exit();
    assert!(sandbox.path(format!("home/.claude/sessions/{}.json", first.pid())).exists());
    // A pid that lives, as somebody else's.
    let me = i32::try_from(std::process::id()).expect("a pid");
    state_file(&sandbox, me, "1", OTHER);
    exit(start(&sandbox, &["--resume", OTHER]));
    state_file(&sandbox, me, &process::stat(me).expect("runs").started.to_string(), OTHER);
    refused(&sandbox, &["--resume", OTHER]);
}

#[test]
fn what_was_opened_elsewhere_meanwhile_is_not_opened_by_a_relaunch() {
    let sandbox = sandbox();
    sandbox.configure("[restart]\ninitial_delay = \"1h\"\nmax_delay = \"1h\"\n");
    let mut terminal = start(&sandbox, &[]);
    say(&mut terminal, "words");
    let record = idle(&sandbox, 0);
    process::signal(record.pid("claude_pid").expect("a claude"), Signal::SIGKILL);
    terminal.wait_for_text("Enter: now");
    let other = direct(&sandbox, &["--resume", record.text("conversation")]);
    terminal.type_text("\r");
    assert_eq!(terminal.finish().code(), Some(137), "{}", terminal.report());
    says(&terminal, &format!("open in another claude (process {}", other.pid()));
    says(&terminal, "--fork-session");
    assert_eq!(terminal.modes().left_on(), Vec::<String>::new());
    let ended = sandbox.wait_for_record("an end", |record| record.text("state") == "crashed");
    assert_eq!(ended.json["restarts"], 0);
    let held = events(&sandbox, "held");
    assert_eq!((held.len(), &held[0]["pid"]), (1, &other.pid().into()));
    exit(other);
}

#[test]
fn what_was_opened_elsewhere_meanwhile_is_not_opened_by_another_host() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    say(&mut terminal, "words");
    let record = idle(&sandbox, 0);
    for key in ["client_pid", "host_pid"] {
        process::signal(record.pid(key).expect("a pid"), Signal::SIGKILL);
    }
    sandbox.wait_for_silence();
    drop(terminal);
    let other = direct(&sandbox, &["--resume", record.text("conversation")]);
    // Any command would bring it back, and none may while another claude has the conversation.
    cckw(&sandbox, &["list"]).output().expect("lists");
    wait_until("a revival that was refused", DEADLINE, || events(&sandbox, "held").len() == 1);
    let start = cckw(&sandbox, &["start", "work"]).output().expect("runs");
    let error = String::from_utf8_lossy(&start.stderr);
    assert!(!start.status.success() && error.contains(&format!("process {}", other.pid())), "{error}");
    assert_eq!(events(&sandbox, "held").len(), 2);
    exit(other);
    assert!(cckw(&sandbox, &["start", "work"]).status().expect("runs").success());
    assert_eq!(idle(&sandbox, 1).text("conversation"), record.text("conversation"));
}

#[test]
fn what_a_killed_launcher_has_left_is_ended_before_another_claude_begins() {
    let mut sandbox = sandbox();
    sandbox.set("CCKW_STANDIN_LAUNCHER", "1");
    let mut terminal = start(&sandbox, &[]);
    say(&mut terminal, "words");
    let first = idle(&sandbox, 0);
    let (launcher, claude) =
        (first.pid("child_pid").expect("a child"), first.pid("claude_pid").expect("a claude"));
    assert_ne!(launcher, claude);
    process::signal(launcher, Signal::SIGKILL);
    let again = idle(&sandbox, 1);
    assert!(!process::runs(claude), "two claudes in one conversation");
    assert_eq!(again.text("conversation"), first.text("conversation"));
    at_prompt(&mut terminal);
    exit(terminal);
    sandbox.wait_for_silence();
}

#[test]
fn a_conversation_that_claude_refuses_is_replaced_and_the_user_is_told() {
    let mut sandbox = sandbox();
    // Not by its whole path, which names cckw: a script that does is taken for a way back to it.
    let script = r#"#!/bin/bash
if [ "$1" = --resume ]; then echo "No conversation found with session ID: $2" >&2; exit 1; fi
exec "$HOME/../claude-stand-in" "$@"
"#;
    let script = sandbox.script("text", script);
    // Another process writes what is executed: a fork of this one might hold it open for writing.
    let copied = Command::new("cp").arg(script).arg(sandbox.path("bin/refuses")).status();
    assert!(copied.expect("cp").success());
    sandbox.set("CCKW_CLAUDE", sandbox.path("bin/refuses"));
    sandbox.configure("[restart]\ninitial_delay = \"10ms\"\nmax_delay = \"20ms\"\n");
    let mut terminal = start(&sandbox, &[]);
    say(&mut terminal, "words");
    let first = idle(&sandbox, 0);
    process::signal(first.pid("claude_pid").expect("a claude"), Signal::SIGKILL);
    terminal.wait_for_text("Enter: now, ctrl-c: quit");
    says(&terminal, "is refused by claude; a new one is started in");
    terminal.press(Key::Enter);
    let again = idle(&sandbox, 2);
    assert_ne!(again.text("conversation"), first.text("conversation"));
    assert_eq!(events(&sandbox, "refused").len(), 1);
    says(
        &terminal,
        &format!(
            "the conversation {} is refused by claude; a new one is started",
            first.text("conversation")
        ),
    );
    at_prompt(&mut terminal);
    exit(terminal);
}

#[test]
fn a_crash_after_such_words_were_shown_is_a_crash() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    let id = idle(&sandbox, 0).text("conversation").to_owned();
    say(&mut terminal, &format!("No conversation found with session ID: {id}"));
    submit(&mut terminal, "/fault exit 1");
    idle(&sandbox, 1);
    assert_eq!(events(&sandbox, "refused").len(), 0);
    at_prompt(&mut terminal);
    exit(terminal);
}

#[test]
fn a_conversation_without_a_message_is_replaced_with_the_right_words() {
    for (contents, why) in
        [("{\"type\":\"mode\"}\n", "has no message on disk yet"), ("", "has no message on disk any more")]
    {
        let sandbox = sandbox();
        let mut terminal = start(&sandbox, &[]);
        let was_there = why.contains("any more");
        if was_there {
            say(&mut terminal, "words");
            let record = sandbox.wait_for_record("a transcript", |record| {
                record.json["with_transcript"].as_array().is_some_and(|list| !list.is_empty())
            });
            // All of it: what came later would make a transcript of it again.
            let file = transcript(&sandbox, record.text("conversation"));
            wait_until("the answer in it", DEADLINE, || {
                fs::read_to_string(&file).is_ok_and(|text| text.contains("You said: words"))
            });
        }
        let first = idle(&sandbox, 0);
        let id = first.text("conversation");
        let folder = sandbox.path("home/.claude/projects/somewhere");
        let _ = fs::remove_dir_all(folder.parent().expect("a parent"));
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join(format!("{id}.jsonl")), contents).expect("a transcript");
        process::signal(first.pid("claude_pid").expect("a claude"), Signal::SIGKILL);
        says(&terminal, why);
        says(&terminal, "a new one is started in");
        terminal.press(Key::Enter);
        let again = idle(&sandbox, 1);
        assert_ne!(again.text("conversation"), id);
        at_prompt(&mut terminal);
        exit(terminal);
    }
}

#[test]
fn a_conversation_moves_with_a_renamed_directory() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    say(&mut terminal, "words");
    let first = idle(&sandbox, 0);
    let file = transcript(&sandbox, first.text("conversation"));
    wait_until("the answer in it", DEADLINE, || {
        fs::read_to_string(&file).is_ok_and(|text| text.contains("You said: words"))
    });
    let folder = file.parent().expect("a folder");
    fs::rename(folder, folder.with_file_name("-elsewhere")).expect("moved");
    fs::rename(sandbox.work(), sandbox.path("renamed")).expect("moved");
    process::signal(first.pid("claude_pid").expect("a claude"), Signal::SIGKILL);
    let again = idle(&sandbox, 1);
    assert_eq!(again.text("conversation"), first.text("conversation"));
    let words = process::arguments(again.pid("child_pid").expect("a child")).split_off(1);
    assert_eq!(words, ["--resume", first.text("conversation")]);
    terminal.wait_for_text("words");
    at_prompt(&mut terminal);
    exit(terminal);
}

#[test]
fn what_is_opened_twice_in_claude_s_own_list_is_in_the_log() {
    let sandbox = sandbox();
    let mut other = direct(&sandbox, &["--session-id", OTHER]);
    say(&mut other, "words");
    let mut command = sandbox.cckw_claude();
    command.arg("--resume");
    let mut terminal = Terminal::spawn(command);
    terminal.wait_for_text("words");
    terminal.press(Key::Enter);
    sandbox.wait_for_record("the other one", |record| record.text("conversation") == OTHER);
    wait_until("a line in the log", DEADLINE, || events(&sandbox, "open-twice").len() == 1);
    exit(terminal);
    exit(other);
}

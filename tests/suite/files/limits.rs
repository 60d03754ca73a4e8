//! Sessions go on when a process of theirs can open no file, or a file may not grow; and when that is over,
//! everything is as it would have been.
//!
//! A limit is set from outside, for a while. Only Linux can do that (prlimit(2)).

use std::fs;

use nix::sys::resource::Resource;
use nix::sys::signal::Signal;

use super::shortage::{events, leave, session};
use crate::support::stand_in::{self, at_prompt, submit};
use crate::support::{DEADLINE, Key, Terminal, cckw_program, pid, process, system_words, verb, wait_until};

fn limit(pid: i32, resource: Resource, soft: u64) -> u64 {
    process::limit(pid, resource, soft).expect("a limit")
}

#[test]
fn without_descriptors_the_conversation_is_not_given_up() {
    let (sandbox, mut terminal, record) = session();
    let host = pid(&record, "host_pid");
    let usual = limit(host, Resource::RLIMIT_NOFILE, process::descriptors(host).len() as u64);
    process::signal(pid(&record, "claude_pid"), Signal::SIGKILL);
    terminal.wait_for_text(system_words("Too many open files", "No file descriptors available"));
    limit(host, Resource::RLIMIT_NOFILE, usual);
    let again = sandbox.wait_for_record("claude again", |record| {
        record.text("status") == "idle" && record.json["restarts"].as_u64() > Some(0)
    });
    assert_eq!(again.text("conversation"), record.text("conversation"));
    assert_eq!(again.json["expired"], serde_json::Value::Null);
    terminal.wait_for_text("You said: the first words");
    leave(&sandbox, terminal);
}

/// The number of the PTY in a client is so low that one is free below the limit when claude comes back.
#[test]
fn a_client_that_may_open_nothing_more_gets_the_claude_that_comes_back() {
    let (sandbox, mut terminal, record) = session();
    let client = pid(&record, "client_pid");
    let open = process::descriptors(client);
    assert!(open.keys().last().is_some_and(|last| *last > 6), "the limit excludes nothing: {open:?}");
    limit(client, Resource::RLIMIT_NOFILE, 6);
    for _ in 0..2 {
        let before = sandbox.records()[0].pid("claude_pid");
        process::signal(before.expect("claude"), Signal::SIGKILL);
        sandbox.wait_for_record("another claude", |record| {
            record.pid("claude_pid").is_some_and(|now| Some(now) != before) && record.text("status") == "idle"
        });
        at_prompt(&mut terminal);
        submit(&mut terminal, "again");
        terminal.wait_for_text("You said: again");
    }
    leave(&sandbox, terminal);
}

/// There is no number at all. Nobody takes that for the end of the host.
#[test]
fn a_client_that_cannot_take_the_pty_gives_the_terminal_back_and_the_session_goes_on() {
    let (sandbox, mut terminal, record) = session();
    let client = pid(&record, "client_pid");
    let open = process::descriptors(client);
    let master = open.iter().find(|(_, path)| path.ends_with("ptmx")).map(|(number, _)| *number);
    let master = u64::try_from(master.expect("the PTY")).expect("a number");
    limit(client, Resource::RLIMIT_NOFILE, master);
    process::signal(pid(&record, "claude_pid"), Signal::SIGKILL);
    assert_eq!(terminal.finish().code(), Some(1), "{}", terminal.report());
    let said = terminal.screen().text().replace('\n', "");
    assert!(said.contains("may open no more files") && said.contains("cckw attach"), "{}", terminal.report());
    assert_eq!(terminal.modes().left_on(), Vec::<String>::new());
    let now = sandbox.wait_for_record("a session without a client", |record| {
        record.json["client_pid"].is_null() && record.text("status") == "idle"
    });
    assert_eq!(pid(&now, "host_pid"), pid(&record, "host_pid"));
    let mut attach = sandbox.command(cckw_program());
    attach.arg("attach");
    let mut again = Terminal::spawn(attach);
    again.wait_for_text("You said: the first words");
    leave(&sandbox, again);
}

/// poll(2) refuses to wait for more descriptors than a process may have: host and client slept and tried
/// again for ever.
#[test]
fn with_a_limit_below_what_is_waited_for_keys_and_output_go_on() {
    let (sandbox, mut terminal, record) = session();
    let pids = ["host_pid", "client_pid"].map(|of| pid(&record, of));
    let usual = pids.map(|pid| limit(pid, Resource::RLIMIT_NOFILE, 2));
    stand_in::say(&mut terminal, "the second words");
    // Nobody can be accepted.
    let list = verb::well_said(&sandbox, &["list"]);
    assert!(list.contains(&format!("prlimit --nofile=1024 --pid {}", pids[0])), "{list}");
    limit(pids[0], Resource::RLIMIT_NOFILE, usual[0]);
    let screen = verb::well_said(&sandbox, &["screen"]);
    assert!(screen.contains("the second words"), "{screen}");
    leave(&sandbox, terminal);
}

#[test]
fn what_claude_said_meanwhile_is_seen_later() {
    let (sandbox, mut terminal, record) = session();
    let host = pid(&record, "host_pid");
    let usual = limit(host, Resource::RLIMIT_NOFILE, process::descriptors(host).len() as u64);
    submit(&mut terminal, "permission");
    terminal.wait_for_text("Do you want");
    let claude = pid(&record, "claude_pid");
    let state = sandbox.path(format!("home/.claude/sessions/{claude}.json"));
    wait_until("the question in the state file", DEADLINE, || {
        fs::read_to_string(&state).is_ok_and(|state| state.contains("waiting"))
    });
    limit(host, Resource::RLIMIT_NOFILE, usual);
    sandbox.wait_for_record("a claude that waits", |record| record.text("status") == "waiting");
    terminal.press(Key::Esc);
    leave(&sandbox, terminal);
}

/// A file that may not grow (`ulimit -f`) sends a signal that kills whoever writes it.
#[test]
fn a_log_that_may_not_grow_does_not_end_the_session() {
    let (sandbox, mut terminal, record) = session();
    let host = pid(&record, "host_pid");
    let log = record.path.with_file_name("events.jsonl");
    let before = fs::read(&log).expect("a log");
    // Half a line would fit.
    let usual = limit(host, Resource::RLIMIT_FSIZE, before.len() as u64 + 10);
    verb::well_said(&sandbox, &["detach"]);
    assert_eq!(terminal.wait_for_exit().code(), Some(0));
    assert_eq!(fs::read(&log).expect("a log"), before);
    limit(host, Resource::RLIMIT_FSIZE, usual);
    let mut attach = Terminal::spawn(verb::cckw(&sandbox, &["attach"]));
    at_prompt(&mut attach);
    wait_until("a word about it in the log", DEADLINE, || events(&log).contains(&"events-missed".to_owned()));
    attach.press(Key::Enter);
    assert_eq!(sandbox.wait_for_record("the same host", |_| true).pid("host_pid"), Some(host));
    leave(&sandbox, attach);
}

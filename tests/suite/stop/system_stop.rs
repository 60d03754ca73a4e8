//! SIGTERM: to everything at a shutdown, to one of the three processes, and to claude alone.

use std::fs;
use std::path::PathBuf;

use nix::sys::signal::Signal;

use crate::support::stand_in::{at_prompt, idle, sandbox, start, submit};
use crate::support::verb::{cckw, well_said};
use crate::support::{DEADLINE, Key, Record, Sandbox, Terminal, cckw_program, pid, process, wait_until};

fn marker(record: &Record) -> PathBuf {
    record.path.with_file_name("stop-requested")
}

/// A session in which something was said.
fn session(sandbox: &Sandbox) -> (Terminal, Record) {
    let mut terminal = start(sandbox, &["-n", "work"]);
    submit(&mut terminal, "some words");
    terminal.wait_for_text("You said: some words");
    let record = sandbox.wait_for_record("what was said", |record| {
        record.text("status") == "idle" && record.json["with_transcript"][0].is_string()
    });
    (terminal, record)
}

/// Nothing is started by a command that has to do with sessions.
#[track_caller]
fn stays_ended(sandbox: &Sandbox) -> String {
    sandbox.wait_for_silence();
    let listed = well_said(sandbox, &["list", "--all"]);
    let before = sandbox.records();
    well_said(sandbox, &["list"]);
    well_said(sandbox, &["logs"]);
    assert_eq!((sandbox.records(), sandbox.processes()), (before, Vec::<i32>::new()));
    listed
}

/// `cckw start --all` brings the same conversation back.
#[track_caller]
fn comes_back_with_start(sandbox: &Sandbox, before: &Record, restarts: u64) {
    well_said(sandbox, &["start", "--all"]);
    let again = idle(sandbox, restarts);
    assert_eq!(again.text("conversation"), before.text("conversation"));
    let mut terminal = Terminal::spawn(cckw(sandbox, &["attach"]));
    terminal.wait_for_text("some words");
    at_prompt(&mut terminal);
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0));
    sandbox.wait_for_silence();
    assert!(well_said(sandbox, &["list"]).starts_with("no session"));
}

#[test]
fn a_host_that_is_told_to_end_ends_everything_and_the_session_can_be_started_again() {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT] {
        let sandbox = sandbox();
        let (mut terminal, record) = session(&sandbox);
        process::signal(pid(&record, "host_pid"), signal);
        assert_eq!(terminal.finish().code(), Some(143));
        assert_eq!(terminal.modes().left_on(), Vec::<String>::new());
        assert!(terminal.screen().contains("cckw start"), "{}", terminal.report());
        let listed = stays_ended(&sandbox);
        assert!(listed.contains("terminated") && listed.contains("cckw start work"), "{listed}");
        comes_back_with_start(&sandbox, &record, 1);
    }
}

#[test]
fn a_session_without_a_terminal_ends_too() {
    let sandbox = sandbox();
    let (mut terminal, record) = session(&sandbox);
    terminal.hang_up();
    sandbox.wait_for_record("nobody attached", |record| record.json["client_pid"].is_null());
    process::signal(pid(&record, "host_pid"), Signal::SIGTERM);
    let listed = stays_ended(&sandbox);
    assert!(listed.contains("terminated"), "{listed}");
    comes_back_with_start(&sandbox, &record, 1);
}

#[test]
fn a_claude_that_does_not_mind_is_killed_within_a_few_seconds() {
    let mut sandbox = sandbox();
    let script =
        sandbox.script("stubborn", "#!/bin/sh\ntrap '' TERM HUP INT\necho UP\nwhile :; do sleep 1; done\n");
    sandbox.set("CCKW_CLAUDE", script);
    let mut terminal = Terminal::spawn(sandbox.cckw_claude());
    terminal.wait_for_text("UP");
    let record = sandbox.wait_for_record("a child", |record| record.pid("child_pid").is_some());
    process::signal(pid(&record, "host_pid"), Signal::SIGTERM);
    assert_eq!(terminal.finish().code(), Some(137));
    stays_ended(&sandbox);
    // By the host's own clock: the test may be late.
    let log = fs::read_to_string(record.path.with_file_name("events.jsonl")).expect("a log");
    let events = log.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    let sent: Vec<(String, u64)> = events
        .filter(|event| event["event"] == "ending")
        .map(|event| (event["signal"].to_string(), event["at"].as_u64().expect("milliseconds")))
        .collect();
    let [(_, first), (last, killed)] = &sent[..] else { panic!("not two signals: {log}") };
    assert!(last.contains("SIGKILL") && killed - first < 8_000, "{sent:?}");
}

#[test]
fn a_stopped_session_ends_too() {
    let sandbox = sandbox();
    let mut terminal = Terminal::shell("bash", &sandbox);
    terminal.run(&format!("{} claude", cckw_program()));
    at_prompt(&mut terminal);
    let record = idle(&sandbox, 0);
    terminal.press(Key::Ctrl('z'));
    terminal.wait_for_text("Stopped");
    sandbox.wait_for_record("a stopped session", |record| record.text("state") == "suspended");
    process::signal(pid(&record, "host_pid"), Signal::SIGTERM);
    let ended = sandbox.wait_for_record("an end", |record| record.json["ended_at"].is_u64());
    assert_eq!(ended.text("state"), "terminated");
    wait_until("the end of all three", DEADLINE, || {
        ["host_pid", "client_pid", "claude_pid"].iter().all(|key| !process::runs(pid(&record, key)))
    });
}

#[test]
fn at_the_question_after_a_crash_the_session_ends_and_can_be_started() {
    let sandbox = sandbox();
    sandbox.configure("[restart]\ninitial_delay = \"10m\"\nmax_delay = \"10m\"\n");
    let (mut terminal, record) = session(&sandbox);
    process::signal(pid(&record, "claude_pid"), Signal::SIGKILL);
    terminal.wait_for_text("ctrl-c: quit");
    process::signal(pid(&record, "host_pid"), Signal::SIGTERM);
    assert_eq!(terminal.finish().code(), Some(137));
    let listed = stays_ended(&sandbox);
    assert!(listed.contains("terminated"), "{listed}");
    comes_back_with_start(&sandbox, &record, 1);
}

#[test]
fn a_session_that_was_being_stopped_by_its_user_is_not_to_come_back() {
    let sandbox = sandbox();
    let (mut terminal, record) = session(&sandbox);
    submit(&mut terminal, "/exit");
    process::signal(pid(&record, "host_pid"), Signal::SIGSTOP);
    wait_until("the end of claude", DEADLINE, || !process::runs(pid(&record, "claude_pid")));
    process::signal(pid(&record, "host_pid"), Signal::SIGTERM);
    process::signal(pid(&record, "host_pid"), Signal::SIGCONT);
    terminal.finish();
    sandbox.wait_for_silence();
    // Claude ended by itself, with 0, or so it seems to a host that hears of both at once: either is fine but
    // a crash.
    let state = sandbox.records()[0].text("state").to_owned();
    assert!(["stopped", "terminated"].contains(&state.as_str()), "{state}");
}

#[test]
fn a_host_that_is_killed_right_after_it_was_told_to_end_is_not_replaced() {
    let mut sandbox = sandbox();
    // It takes its time, so that the host is still there when it is killed.
    let script = sandbox.script("slow", "#!/bin/sh\ntrap '' TERM\necho UP\nwhile :; do sleep 0.1; done\n");
    sandbox.set("CCKW_CLAUDE", script);
    let mut terminal = Terminal::spawn(sandbox.cckw_claude());
    terminal.wait_for_text("UP");
    let record = sandbox.wait_for_record("a child", |record| record.pid("child_pid").is_some());
    process::signal(pid(&record, "host_pid"), Signal::SIGTERM);
    wait_until("the marker", DEADLINE, || marker(&record).exists());
    process::signal(pid(&record, "host_pid"), Signal::SIGKILL);
    assert_eq!(terminal.finish().code(), Some(143));
    assert_eq!(terminal.modes().left_on(), Vec::<String>::new());
    assert!(terminal.screen().contains("cckw start"), "{}", terminal.report());
    let listed = stays_ended(&sandbox);
    assert!(listed.contains("terminated") && listed.contains("cckw start"), "{listed}");
    well_said(&sandbox, &["start", "--all"]);
    sandbox.wait_for_record("another claude", |record| record.json["restarts"] == 1);
    assert!(!marker(&record).exists());
}

#[test]
fn a_client_that_was_told_to_end_does_not_replace_its_host() {
    let sandbox = sandbox();
    let (mut terminal, record) = session(&sandbox);
    process::signal(pid(&record, "host_pid"), Signal::SIGSTOP);
    process::signal(terminal.pid(), Signal::SIGTERM);
    wait_until("the marker", DEADLINE, || marker(&record).exists());
    process::signal(pid(&record, "host_pid"), Signal::SIGKILL);
    assert_eq!(terminal.finish().code(), Some(143));
    let listed = stays_ended(&sandbox);
    assert!(listed.contains("terminated"), "{listed}");
    comes_back_with_start(&sandbox, &record, 1);
}

#[test]
fn a_client_that_is_told_to_end_at_the_moment_its_host_is_killed_does_not_replace_it() {
    let sandbox = sandbox();
    let (mut terminal, record) = session(&sandbox);
    process::signal(terminal.pid(), Signal::SIGSTOP);
    wait_until("a stopped client", DEADLINE, || process::is_stopped(terminal.pid()));
    process::signal(pid(&record, "host_pid"), Signal::SIGKILL);
    wait_until("the end of the host", DEADLINE, || !process::runs(pid(&record, "host_pid")));
    process::signal(terminal.pid(), Signal::SIGTERM);
    process::signal(terminal.pid(), Signal::SIGCONT);
    assert_eq!(terminal.finish().code(), Some(143));
    stays_ended(&sandbox);
}

#[test]
fn a_host_ends_claude_whose_client_was_killed_right_after_it_was_told_to_end() {
    let sandbox = sandbox();
    let (terminal, record) = session(&sandbox);
    process::signal(pid(&record, "host_pid"), Signal::SIGSTOP);
    process::signal(terminal.pid(), Signal::SIGTERM);
    wait_until("the marker", DEADLINE, || marker(&record).exists());
    process::signal(terminal.pid(), Signal::SIGKILL);
    wait_until("the end of the client", DEADLINE, || !process::runs(terminal.pid()));
    process::signal(pid(&record, "host_pid"), Signal::SIGCONT);
    stays_ended(&sandbox);
}

#[test]
fn a_client_that_is_told_to_end_ends_claude_as_without_cckw() {
    let sandbox = sandbox();
    let (mut terminal, record) = session(&sandbox);
    process::signal(terminal.pid(), Signal::SIGTERM);
    assert_eq!(terminal.finish().code(), Some(143));
    sandbox.wait_for_record("an end", |record| record.text("state") == "stopped");
    assert!(!process::runs(pid(&record, "claude_pid")));
    stays_ended(&sandbox);
}

#[test]
fn a_claude_that_outlives_a_sigterm_to_its_client_is_brought_back_when_its_host_is_killed_later() {
    let mut sandbox = sandbox();
    let script = sandbox
        .script("stubborn", "#!/bin/sh\ntrap 'echo GOT TERM' TERM\necho UP\nwhile :; do sleep 0.1; done\n");
    sandbox.set("CCKW_CLAUDE", script);
    let mut terminal = Terminal::spawn(sandbox.cckw_claude());
    terminal.wait_for_text("UP");
    let record = sandbox.wait_for_record("a child", |record| record.pid("child_pid").is_some());
    process::signal(terminal.pid(), Signal::SIGTERM);
    terminal.wait_for_text("GOT TERM");
    wait_until("the marker", DEADLINE, || marker(&record).exists());
    wait_until("no marker", DEADLINE, || !marker(&record).exists());
    process::signal(pid(&record, "host_pid"), Signal::SIGKILL);
    sandbox.wait_for_record("another host", |again| {
        again.json["restarts"] == 1 && again.pid("host_pid") != record.pid("host_pid")
    });
    process::signal(terminal.pid(), Signal::SIGKILL);
}

/// Sends a signal to claude alone, which neither cckw nor its client has sent.
fn from_elsewhere(signal: Signal, config: &str) -> (Sandbox, Terminal, Record) {
    let sandbox = sandbox();
    sandbox.configure(config);
    let (terminal, record) = session(&sandbox);
    process::signal(pid(&record, "claude_pid"), signal);
    (sandbox, terminal, record)
}

#[test]
fn a_sigterm_or_sighup_to_claude_alone_is_a_crash() {
    for signal in [Signal::SIGTERM, Signal::SIGHUP] {
        let (sandbox, mut terminal, record) = from_elsewhere(signal, "");
        let again = idle(&sandbox, 1);
        assert_eq!(again.text("conversation"), record.text("conversation"));
        at_prompt(&mut terminal);
        submit(&mut terminal, "/exit");
        assert_eq!(terminal.finish().code(), Some(0));
        sandbox.wait_for_silence();
    }
}

#[test]
fn on_sigterm_end_makes_it_an_end() {
    let (sandbox, mut terminal, _) = from_elsewhere(Signal::SIGTERM, "[restart]\non_sigterm = \"end\"\n");
    assert_eq!(terminal.finish().code(), Some(143));
    sandbox.wait_for_record("an end", |record| record.text("state") == "stopped");
    stays_ended(&sandbox);
}

#[test]
fn the_codes_of_signals_that_nobody_passed_on_are_crashes() {
    for code in [129, 130, 143] {
        let mut sandbox = sandbox();
        sandbox.configure("[restart]\ninitial_delay = \"10m\"\nmax_delay = \"10m\"\n");
        let script = sandbox.script("exits", &format!("#!/bin/sh\nexit {code}\n"));
        sandbox.set("CCKW_CLAUDE", script);
        let mut terminal = Terminal::spawn(sandbox.cckw_claude());
        terminal.wait_for_text(&format!("claude exited with status {code}; back in"));
        terminal.type_text("\x03");
        assert_eq!(terminal.finish().code(), Some(code));
        sandbox.wait_for_silence();
    }
}

#[test]
fn ctrl_c_before_claude_has_switched_signals_off_is_the_user_s_end() {
    let mut sandbox = sandbox();
    let script = sandbox.script("slow", "#!/bin/sh\necho UP\nwhile :; do sleep 0.1; done\n");
    sandbox.set("CCKW_CLAUDE", script);
    let mut terminal = Terminal::spawn(sandbox.cckw_claude());
    terminal.wait_for_text("UP");
    terminal.type_text("\x03");
    assert_eq!(terminal.finish().code(), Some(130));
    sandbox.wait_for_record("an end", |record| record.text("state") == "stopped");
    sandbox.wait_for_silence();
    // From elsewhere, the same signal is a crash.
    fs::remove_dir_all(sandbox.path("state/cckw")).expect("the record");
    let mut terminal = Terminal::spawn(sandbox.cckw_claude());
    terminal.wait_for_text("UP");
    let record = sandbox.wait_for_record("a child", |record| record.pid("child_pid").is_some());
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(-pid(&record, "child_pid")), Signal::SIGINT)
        .expect("a signal");
    terminal.wait_for_text("back in");
}

//! `claude remote-control`, a server that runs for days, is kept like a session.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::support::stand_in::{arguments, sandbox};
use crate::support::{DEADLINE, Record, Sandbox, Terminal, cckw_program, process, wait_until};

fn configured() -> Sandbox {
    let sandbox = sandbox();
    sandbox.configure("[restart]\ninitial_delay = \"100ms\"\nstable_after = \"200ms\"\ncrash_limit = 3\n");
    sandbox
}

fn start(sandbox: &Sandbox, args: &[&str]) -> Terminal {
    let mut command = sandbox.cckw_claude();
    command.args(args);
    Terminal::spawn(command)
}

fn runs(sandbox: &Sandbox, restarts: u64) -> Record {
    sandbox.wait_for_record("a running server", |record| {
        record.text("state") == "running" && record.json["restarts"] == restarts
    })
}

fn up(sandbox: &Sandbox, terminal: &Terminal, restarts: u64) -> Record {
    let record = runs(sandbox, restarts);
    // Counted in what was written: on the screen the first ones scroll away.
    wait_until("the server", DEADLINE, || {
        String::from_utf8_lossy(&terminal.output()).matches("Press Ctrl+C").count() > restarts as usize
    });
    record
}

/// Waits until the server counts as one that has come up.
fn stable(terminal: &mut Terminal) {
    terminal.wait_for_rest(Duration::from_millis(300), crate::support::Screen::text);
}

#[test]
fn it_is_a_session_and_ends_with_ctrl_c() {
    let sandbox = configured();
    let mut terminal = start(&sandbox, &["rc", "--name", "office"]);
    let record = up(&sandbox, &terminal, 0);
    assert_eq!((record.text("kind"), record.text("name")), ("server", "office"));
    assert_eq!(arguments(&record), ["rc", "--name", "office"]);
    terminal.type_text("\x03");
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    sandbox.wait_for_silence();
}

#[test]
fn it_comes_back_when_it_gave_up_whatever_its_status() {
    for key in ["g", "x", "o"] {
        let sandbox = configured();
        let mut terminal = start(&sandbox, &["remote-control"]);
        up(&sandbox, &terminal, 0);
        // More often than crashes are allowed: only the network is missing.
        for restarts in 1..5 {
            terminal.type_text(key);
            let record = up(&sandbox, &terminal, restarts);
            assert_eq!(arguments(&record), ["remote-control"]);
        }
        terminal.type_text("\x03");
        assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    }
}

#[test]
fn it_comes_back_after_a_kill_and_begins_anew_where_nothing_is_to_be_continued() {
    let sandbox = configured();
    let mut before = start(&sandbox, &["rc"]);
    up(&sandbox, &before, 0);
    before.type_text("\x03");
    assert_eq!(before.finish().code(), Some(0), "{}", before.report());
    std::fs::remove_dir_all(sandbox.path("state/cckw")).expect("the session's record");
    let mut terminal = start(&sandbox, &["rc", "--continue"]);
    let record = up(&sandbox, &terminal, 0);
    stable(&mut terminal);
    std::fs::remove_dir_all(sandbox.path("home/.claude/servers")).expect("the server's record");
    process::signal(record.pid("child_pid").expect("a child"), Signal::SIGKILL);
    // The first one says that there is nothing to go on with.
    terminal.wait_for_text("No recent session found");
    let record = runs(&sandbox, 2);
    assert_eq!(arguments(&record), ["rc"]);
    wait_until("the server", DEADLINE, || {
        String::from_utf8_lossy(&terminal.output()).matches("Press Ctrl+C").count() == 2
    });
    terminal.type_text("\x03");
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
}

#[test]
fn its_refusal_to_start_is_shown_as_it_is() {
    // On a busy machine it takes longer to refuse than what counts as up in the other tests.
    let mut sandbox = sandbox();
    sandbox.set("CCKW_STANDIN_SUBSCRIPTION", "none");
    let mut terminal = start(&sandbox, &["rc"]);
    assert_eq!(terminal.finish().code(), Some(1), "{}", terminal.report());
    assert_eq!(terminal.output(), b"Error: You must be logged in to use Remote Control.\r\n");
    sandbox.wait_for_silence();
}

#[test]
fn it_crashes_only_so_often() {
    let sandbox = configured();
    let mut terminal = start(&sandbox, &["rc"]);
    for restarts in 0..2 {
        let record = up(&sandbox, &terminal, restarts);
        process::signal(record.pid("child_pid").expect("a child"), Signal::SIGKILL);
    }
    let record = up(&sandbox, &terminal, 2);
    process::signal(record.pid("child_pid").expect("a child"), Signal::SIGKILL);
    assert_eq!(terminal.finish().code(), Some(137));
    assert!(terminal.screen().contains("to try again: claude remote-control"), "{}", terminal.report());
    sandbox.wait_for_silence();
}

#[test]
fn it_outlives_its_terminal_and_its_host() {
    let sandbox = configured();
    let mut terminal = start(&sandbox, &["rc"]);
    up(&sandbox, &terminal, 0);
    terminal.hang_up();
    let record = sandbox.wait_for_record("nobody attached", |record| record.json["client_pid"].is_null());
    let mut command = sandbox.command(cckw_program());
    command.arg("attach");
    let mut terminal = Terminal::spawn(command);
    terminal.wait_for_text("Press Ctrl+C");
    stable(&mut terminal);
    process::signal(record.pid("host_pid").expect("a host"), Signal::SIGKILL);
    let record = runs(&sandbox, 1);
    terminal.wait_for_text("Resuming session");
    assert_eq!(arguments(&record), ["rc"]);
    terminal.type_text("\x03");
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    sandbox.wait_for_silence();
}

/// A server has no state file of its own to look at. A change that woke its host was never looked at, so the
/// host never slept again.
#[test]
fn its_host_sleeps_while_nothing_happens() {
    /// Processor time of a process so far, in ticks of the system.
    fn ticks(pid: i32) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("a host");
        let fields: Vec<&str> = stat.rsplit(')').next().expect("fields").split_whitespace().collect();
        [11, 12].iter().map(|at| fields[*at].parse::<u64>().expect("a number")).sum()
    }
    let sandbox = configured();
    let mut terminal = start(&sandbox, &["rc"]);
    let record = up(&sandbox, &terminal, 0);
    let host = record.json["host_pid"].as_i64().and_then(|pid| i32::try_from(pid).ok()).expect("a host");
    let mut last = (ticks(host), Instant::now());
    wait_until("a second without any work of the host's", DEADLINE, || {
        let now = ticks(host);
        if now != last.0 {
            last = (now, Instant::now());
        }
        last.1.elapsed() > Duration::from_secs(1)
    });
    terminal.type_text("\x03");
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    sandbox.wait_for_silence();
}

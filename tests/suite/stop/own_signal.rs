//! Claude gets the signal that was sent to the client or the host a moment later, when it may have ended of its own.

use std::fs;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::support::{DEADLINE, Record, Sandbox, Terminal, has_faults, pid, process, wait_until};

/// So long claude has to end of a signal of its own.
const WAIT: Duration = Duration::from_millis(50);

/// A session, and whether its host gives claude time enough for the test to send a signal of its own.
fn begin(is_late: bool) -> (Sandbox, Terminal, Record) {
    let mut sandbox = Sandbox::new();
    sandbox.use_child("signals");
    if is_late {
        sandbox.set("CCKW_FAULT", "late-signals");
    }
    let mut terminal = Terminal::spawn(sandbox.cckw_claude());
    terminal.wait_for_text("READY");
    let record = sandbox.wait_for_record("a child", |record| record.pid("child_pid").is_some());
    (sandbox, terminal, record)
}

/// Ends claude by a key, once it has got the signal. Gives what it got, and of whom.
fn got(sandbox: &Sandbox, mut terminal: Terminal, signal: &str) -> Vec<(String, i32)> {
    terminal.wait_for_text(&format!("GOT {signal}"));
    terminal.type_text("q");
    assert_eq!(terminal.finish().code(), Some(0));
    let report = sandbox.report();
    let one = |one: &serde_json::Value| {
        let from = one["from"].as_i64().and_then(|pid| i32::try_from(pid).ok());
        (one["signal"].as_str().expect("a name").to_owned(), from.expect("a pid"))
    };
    report["signals"].as_array().expect("a list").iter().map(one).collect()
}

#[test]
fn where_client_host_and_claude_get_a_signal_each_claude_gets_one() {
    if !has_faults() {
        return;
    }
    let (sandbox, terminal, record) = begin(true);
    process::signal(terminal.pid(), Signal::SIGTERM);
    wait_until("the client's marker", DEADLINE, || record.path.with_file_name("stop-requested").exists());
    process::signal(pid(&record, "host_pid"), Signal::SIGTERM);
    wait_until("a host that knows it", DEADLINE, || {
        let log = fs::read_to_string(record.path.with_file_name("events.jsonl")).unwrap_or_default();
        log.contains("\"told-to-end\"")
    });
    process::signal(pid(&record, "child_pid"), Signal::SIGTERM);
    let own = i32::try_from(std::process::id()).expect("a pid");
    assert_eq!(got(&sandbox, terminal, "TERM"), [("TERM".to_owned(), own)]);
    sandbox.wait_for_silence();
}

#[test]
fn a_signal_to_the_client_or_the_host_alone_reaches_claude_a_moment_later() {
    use Signal::{SIGINT, SIGQUIT, SIGTERM};
    for (is_client, signal, arrives) in
        [(true, SIGTERM, "TERM"), (true, SIGINT, "INT"), (true, SIGQUIT, "QUIT"), (false, SIGTERM, "TERM")]
    {
        let (sandbox, mut terminal, record) = begin(false);
        let host = pid(&record, "host_pid");
        let begun = Instant::now();
        process::signal(if is_client { terminal.pid() } else { host }, signal);
        terminal.wait_for_text(&format!("GOT {arrives}"));
        assert!(begun.elapsed() >= WAIT, "{signal} arrived at once");
        assert_eq!(got(&sandbox, terminal, arrives), [(arrives.to_owned(), host)]);
        sandbox.wait_for_silence();
    }
}

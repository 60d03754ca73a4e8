//! How claude ends is how cckw ends, and what is sent to cckw reaches claude.

use nix::sys::signal::Signal;

use crate::support::{Sandbox, Terminal, process};

fn run(mode: &str) -> (Sandbox, Terminal) {
    let mut sandbox = Sandbox::new();
    sandbox.use_child(mode);
    let terminal = Terminal::spawn(sandbox.cckw_claude());
    (sandbox, terminal)
}

#[test]
fn the_exit_code_is_claude_s() {
    for code in [0, 1, 2, 42, 127, 128, 255] {
        let (sandbox, mut terminal) = run(&format!("exit:{code}"));
        assert_eq!(terminal.finish().code(), Some(code));
        sandbox.wait_for_silence();
        assert!(sandbox.sockets().is_empty());
        // One that failed before it was a session leaves no record.
        let records = sandbox.records();
        let exits: Vec<_> = records.iter().map(|record| record.json["exit"]["code"].as_i64()).collect();
        assert_eq!(exits, if code == 0 { vec![Some(0)] } else { vec![] }, "{code}");
    }
}

#[test]
fn a_death_by_signal_is_128_and_its_number() {
    for signal in [
        Signal::SIGHUP,
        Signal::SIGINT,
        Signal::SIGQUIT,
        Signal::SIGABRT,
        Signal::SIGKILL,
        Signal::SIGSEGV,
        Signal::SIGTERM,
    ] {
        let number = signal as i32;
        let (sandbox, mut terminal) = run(&format!("kill:{number}"));
        assert_eq!(terminal.finish().code(), Some(128 + number), "{signal}");
        let record = sandbox.wait_for_record("an end", |record| record.json["ended_at"].is_u64());
        assert_eq!(record.json["exit"]["signal"], number);
    }
}

#[test]
fn a_death_by_a_real_time_signal_is_told_too() {
    let mut sandbox = Sandbox::new();
    let script = sandbox.script("dies", "#!/bin/bash\nkill -40 $$\n");
    sandbox.set("CCKW_CLAUDE", script);
    sandbox.configure("[restart]\ncrash_limit = 1\n");
    let mut terminal = Terminal::spawn(sandbox.cckw_claude());
    assert_eq!(terminal.finish().code(), Some(128 + 40));
}

#[test]
fn signals_to_the_client_reach_claude_once() {
    use Signal::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
    for signal in [SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGTERM] {
        let (sandbox, mut terminal) = run("signals");
        terminal.wait_for_text("READY");
        process::signal(terminal.pid(), signal);
        let name = signal.as_str().trim_start_matches("SIG");
        terminal.wait_for_text(&format!("GOT {name}"));
        terminal.type_text("q");
        assert_eq!(terminal.finish().code(), Some(0), "{signal}");
        let report = sandbox.report();
        let got: Vec<&str> = report["signals"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|one| one["signal"].as_str())
            .collect();
        assert_eq!(got, [name], "{signal}");
    }
}

#[test]
fn a_closed_terminal_ends_claude_by_hang_up() {
    let (sandbox, mut terminal) = run("signals");
    terminal.wait_for_text("READY");
    terminal.hang_up();
    let report = sandbox.wait_for_report("a hang-up", |report| {
        report["signals"].as_array().is_some_and(|signals| signals.iter().any(|one| one["signal"] == "HUP"))
    });
    // The child outlives it, and is ended all the same.
    assert!(report["pid"].is_u64());
    sandbox.wait_for_silence();
    let record = sandbox.wait_for_record("an end", |record| record.text("state") == "stopped");
    assert!(record.json["ended_at"].is_u64());
}

//! A terminal that takes no more output holds up neither claude's end nor its return.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::support::stand_in::{self, at_prompt, submit};
use crate::support::{
    DEADLINE, MORE_THAN_BUFFERS_HOLD, Record, Sandbox, TALKATIVE, Terminal, cckw_program, process, verb,
    wait_until,
};

/// A claude that writes all the time, and a terminal that has stopped reading. `before` says whether the
/// terminal's buffers are still filling, or claude has been going on without it.
fn stalled(passed_over: bool) -> (Sandbox, Terminal, Record) {
    let mut sandbox = Sandbox::new();
    sandbox.use_child(TALKATIVE);
    sandbox.configure("stall_after = \"300ms\"\n[restart]\ninitial_delay = \"50ms\"\nmax_delay = \"50ms\"\n");
    let mut terminal = Terminal::spawn(sandbox.cckw_claude());
    terminal.wait_for_text("tick 3");
    let record = sandbox.wait_for_record("a child", |record| record.pid("child_pid").is_some());
    terminal.stop_reading();
    if passed_over {
        sandbox.wait_for_report("ticks that nobody reads", |report| {
            report["ticks"].as_u64() > Some(MORE_THAN_BUFFERS_HOLD)
        });
    }
    (sandbox, terminal, record)
}

fn kill(record: &Record, signal: Signal) {
    process::signal(record.pid("child_pid").expect("a child"), signal);
}

#[test]
fn a_clean_end_is_the_end() {
    for passed_over in [false, true] {
        let (sandbox, mut terminal, _) = stalled(passed_over);
        process::signal(terminal.pid(), Signal::SIGTERM);
        assert_eq!(terminal.wait_for_exit().code(), Some(143));
        sandbox.wait_for_silence();
        terminal.read_on();
        terminal.finish();
        assert_eq!(sandbox.records()[0].text("state"), "stopped");
    }
}

#[test]
fn after_a_crash_claude_is_back_and_is_seen_when_the_terminal_reads_again() {
    for passed_over in [false, true] {
        let (sandbox, mut terminal, record) = stalled(passed_over);
        kill(&record, Signal::SIGKILL);
        sandbox.wait_for_record("another claude", |record| {
            record.json["restarts"] == 1 && record.pid("child_pid").is_some()
        });
        terminal.read_on();
        terminal.wait_for_text("tick 30");
        process::signal(terminal.pid(), Signal::SIGTERM);
        assert_eq!(terminal.finish().code(), Some(143));
        assert_eq!(terminal.modes().left_on(), Vec::<String>::new());
        sandbox.wait_for_silence();
    }
}

#[test]
fn another_terminal_takes_the_session_from_it() {
    let (sandbox, mut terminal, _) = stalled(true);
    let mut attach = sandbox.command(cckw_program());
    attach.arg("attach");
    let mut other = Terminal::spawn(attach);
    other.wait_for("ticks", |screen| screen.text().matches("tick ").count() > 5);
    assert_eq!(terminal.wait_for_exit().code(), Some(0));
    other.type_text("q");
    assert_eq!(other.finish().code(), Some(0));
    terminal.read_on();
    terminal.finish();
    sandbox.wait_for_silence();
}

/// Each was waited for for a second, in which claude and the next terminal stood still.
#[test]
fn a_terminal_that_takes_nothing_hardly_holds_up_the_next_one() {
    const TERMINALS: usize = 6;
    let mut sandbox = Sandbox::new();
    // It writes all the time, so a terminal that does not read is full at once.
    sandbox.use_child(&format!("source:{}", 1_u64 << 40));
    sandbox.configure("stall_after = \"1h\"\n");
    let spawn = |command| {
        let mut terminal = Terminal::builder().emulate(false).spawn(command);
        terminal.wait_for_length(64 * 1024, DEADLINE);
        terminal.stop_reading();
        terminal
    };
    let mut stalled = vec![spawn(sandbox.cckw_claude())];
    // A wait for a second would hold up each of them, a busy machine not every one.
    let mut times = Vec::new();
    for _ in 0..TERMINALS {
        let begun = Instant::now();
        stalled.push(spawn(verb::cckw(&sandbox, &["attach"])));
        times.push(begun.elapsed());
    }
    assert!(times.iter().min() < Some(&Duration::from_millis(900)), "{times:?}");
    for terminal in &mut stalled[..TERMINALS] {
        assert_eq!(terminal.wait_for_exit().code(), Some(0));
    }
    stalled[TERMINALS].read_on();
    verb::well_said(&sandbox, &["stop"]);
    sandbox.wait_for_silence();
}

#[test]
fn a_host_that_is_killed_is_replaced() {
    let (sandbox, mut terminal, record) = stalled(true);
    process::signal(record.pid("host_pid").expect("a host"), Signal::SIGKILL);
    sandbox.wait_for_record("another claude", |record| {
        record.json["restarts"] == 1 && record.pid("child_pid").is_some()
    });
    terminal.read_on();
    terminal.wait_for_text("tick 30");
    terminal.type_text("q");
    assert_eq!(terminal.finish().code(), Some(0));
    assert_eq!(terminal.modes().left_on(), Vec::<String>::new());
    sandbox.wait_for_silence();
}

/// What claude had switched on there is switched off once in the end, and so it may be switched on only once.
#[test]
fn what_was_passed_over_is_left_as_it_was() {
    let sandbox = stand_in::sandbox();
    sandbox.configure("stall_after = \"300ms\"\n");
    let mut terminal = stand_in::start(&sandbox, &[]);
    let record = sandbox.wait_for_record("a session", |_| true);
    let log = record.path.with_file_name("events.jsonl");
    let passed_over = || std::fs::read_to_string(&log).unwrap_or_default().matches("passed-over").count();
    for times in 1..=2 {
        submit(&mut terminal, "/fault later 300 flood 200000");
        terminal.stop_reading();
        wait_until("a terminal that is passed over", DEADLINE, || passed_over() == times);
        terminal.read_on();
        at_prompt(&mut terminal);
    }
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    assert_eq!(terminal.modes().left_on(), Vec::<String>::new());
    sandbox.wait_for_silence();
}

#[test]
fn what_was_passed_over_is_drawn_anew_after_a_flood_that_ended() {
    let sandbox = stand_in::sandbox();
    sandbox.configure("stall_after = \"300ms\"\n");
    let mut terminal = stand_in::start(&sandbox, &[]);
    let record = sandbox.wait_for_record("an idle claude", |record| record.text("status") == "idle");
    // More lines than the screen model reads in one turn of the host's loop.
    terminal.type_text("/fault flood 800000");
    terminal.wait_for("the order", |screen| screen.cursor_row().ends_with("800000"));
    terminal.stop_reading();
    terminal.press(crate::support::Key::Enter);
    let log = record.path.with_file_name("events.jsonl");
    let log = || std::fs::read_to_string(&log).unwrap_or_default();
    wait_until("a terminal that is passed over", DEADLINE, || log().contains("terminal-passed-over"));
    let claude = record.pid("claude_pid").expect("a claude");
    wait_until("the end of the flood", DEADLINE, || {
        let counters = std::fs::read_to_string(format!("/proc/{claude}/io")).unwrap_or_default();
        let written = counters.lines().find_map(|line| line.strip_prefix("wchar: ")?.parse::<u64>().ok());
        written > Some(800_000)
    });
    // From now on claude draws nothing unless it is asked to.
    terminal.read_on();
    at_prompt(&mut terminal);
    submit(&mut terminal, "/exit");
    assert!(terminal.finish().success());
    sandbox.wait_for_silence();
}

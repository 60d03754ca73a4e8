//! Real terminal emulators on a virtual display: their window is closed by the X button, and the session goes
//! on.
//!
//! They differ in what they do then: they send SIGHUP to the shell, to its process group or to nobody, and
//! close the PTY at once or a moment later. `ROUNDS=20 cargo test --test suite emulators` does it twenty
//! times.

mod display;
mod emulator;

use nix::sys::signal::Signal;

use self::display::Display;
use self::emulator::{EMULATORS, Emulator, Inside};
use crate::support::stand_in::sandbox;
use crate::support::verb::well_said;
use crate::support::{DEADLINE, Record, Sandbox, process, wait_until};

fn rounds() -> usize {
    std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1)
}

/// A session in a window of this emulator.
fn started(name: &str, inside: Inside, display: &Display) -> (Sandbox, Emulator, Record) {
    let sandbox = sandbox();
    let mut emulator = Emulator::start(name, inside, &sandbox, display);
    let what = format!("an idle claude in {name} with {inside:?}");
    wait_until(&what, DEADLINE, || {
        emulator.check();
        sandbox.records().iter().any(|record| record.text("status") == "idle")
    });
    let record = sandbox.records().remove(0);
    (sandbox, emulator, record)
}

/// Waits until the session goes on without a terminal, with the same claude, and ends it.
#[track_caller]
fn goes_on(sandbox: &Sandbox, before: &Record, what: &str) {
    wait_until(&format!("a session without a terminal: {what}"), DEADLINE, || {
        let record = sandbox.records().remove(0);
        assert!(record.json["exit"].is_null(), "the session has ended: {what}: {}", record.json);
        record.json["client_pid"].is_null()
    });
    let client = before.pid("client_pid").expect("a client");
    wait_until(&format!("the end of the client: {what}"), DEADLINE, || !process::runs(client));
    assert!(process::runs(before.pid("claude_pid").expect("a claude")), "claude runs: {what}");
    well_said(sandbox, &["stop"]);
}

fn window_is_closed(inside: Inside) {
    let display = Display::start();
    for round in 0..rounds() {
        for name in EMULATORS {
            let (sandbox, mut emulator, record) = started(name, inside, &display);
            emulator.close_window(&display);
            goes_on(&sandbox, &record, &format!("{name} with {inside:?}, round {round}"));
        }
    }
}

#[test]
fn a_window_with_a_shell_is_closed_by_its_x_button() {
    window_is_closed(Inside::Bash);
}

#[test]
fn a_window_with_nothing_but_cckw_is_closed_by_its_x_button() {
    window_is_closed(Inside::Cckw);
}

#[test]
fn the_emulator_itself_is_ended() {
    let display = Display::start();
    for inside in [Inside::Bash, Inside::Cckw] {
        for signal in [Signal::SIGTERM, Signal::SIGKILL] {
            let (sandbox, mut emulator, record) = started("xterm", inside, &display);
            emulator.signal(signal);
            goes_on(&sandbox, &record, &format!("xterm with {inside:?} is sent {signal}"));
        }
    }
}

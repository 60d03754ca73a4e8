//! Output that asks for far more than it is long.

use std::fs;
use std::time::{Duration, Instant};

use cckw::os::tty::Size;
use cckw::vt::screen::{Screen, TURN_RESERVE, TURN_WORK};
use nix::time::{ClockId, clock_gettime};

use crate::support::verb::{cckw, well_said};
use crate::support::{DEADLINE, Sandbox, Terminal, process, wait_until};

/// Nine bytes, 65,535 characters, again and again: the keys are echoed meanwhile, the verbs are answered, and
/// what was drawn last is seen.
#[test]
fn characters_that_are_repeated_for_ever_hold_up_nobody() {
    let mut sandbox = Sandbox::new();
    let flood = sandbox.path("flood");
    fs::write(&flood, [b"x\x1b[65535b".repeat(7000), b"\x1b[2J\x1b[HDONE\r\n".to_vec()].concat())
        .expect("writes");
    let claude = sandbox.script("writes-a-flood", "#!/bin/sh\ncat \"$HOME/../flood\"\nexec cat\n");
    sandbox.set("CCKW_CLAUDE", &claude);
    // What the terminal of the test would have to do is not what is tested.
    let mut terminal = Terminal::builder().emulate(false).spawn(sandbox.cckw_claude());
    let record = sandbox.wait_for_record("a child", |record| record.pid("child_pid").is_some());
    let host = record.pid("host_pid").expect("a host");
    wait_until("the end of the flood", DEADLINE, || terminal.output().windows(4).any(|text| text == b"DONE"));
    terminal.type_text("echoed\r");
    wait_until("the echo", DEADLINE, || terminal.output().windows(6).any(|text| text == b"echoed"));
    // On a busy machine the host may not answer in time before it has come to the end.
    wait_until("what was drawn last", DEADLINE, || {
        let output = cckw(&sandbox, &["screen"]).output().expect("runs");
        output.status.success() && output.stdout.starts_with(b"DONE")
    });
    // All of it would be more than a minute without optimisation.
    let spent = process::processor_time(host);
    assert!(spent < Duration::from_secs(40), "{spent:?} of processor time");
    well_said(&sandbox, &["stop"]);
    terminal.finish();
}

/// What this thread has used of a processor.
fn processor_time() -> Duration {
    Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("a clock"))
}

fn time_of(bytes: &[u8], size: Size) -> Duration {
    let mut screen = Screen::new(size);
    screen.push(&vec![b'y'; 100_000]);
    while !screen.catch_up() {
        screen.begin_turn();
    }
    screen.begin_turn();
    screen.push(bytes);
    let before = processor_time();
    screen.cursor();
    processor_time() - before
}

/// Fifty milliseconds on a machine that reads plain text as fast as most do: what counts is the time of as
/// much work as one turn may do.
#[test]
fn one_turn_is_short_whatever_it_reads() {
    let size = Size { rows: 50, columns: 160, width: 0, height: 0 };
    let megabyte = b"some words of plain text\r\n".repeat((1 << 20) / 26);
    let begun = Instant::now();
    let mut screen = Screen::new(size);
    screen.push(&megabyte);
    let (before, work) = (processor_time(), screen.work_done());
    screen.catch_up();
    let (time, work) = (processor_time() - before, screen.work_done() - work);
    let unit = time.as_secs_f64() / work as f64;
    let turn = Duration::from_secs_f64(unit * (TURN_WORK + TURN_RESERVE) as f64);
    for piece in [
        &b"x\x1b[65535b"[..],
        b"\x1bc",
        b"\x1b[2J",
        b"\x1b[?1049h\x1b[?1049l",
        b"\x1b[65535L",
        b"\x1b[65535S",
        b"\x1bM",
        b"\n",
        b"\x1b[9999@",
        b"\x1b]8;;x\x07",
        b"\x1b[?1;2;3;4;5;6;7;8;9;10h",
        "e\u{301}\u{301}\u{1f980}\u{fe0f}".as_bytes(),
    ] {
        // On a busy machine any of them may take longer, but not each.
        let bytes = piece.repeat(64 * 1024 / piece.len());
        let mut times = Vec::new();
        while times.last().is_none_or(|took| *took >= 6 * turn) {
            times.push(time_of(&bytes, size));
            assert!(times.len() < 6, "{}: {times:?}, as much text: {turn:?}", piece.escape_ascii());
        }
        assert!(begun.elapsed() < 10 * DEADLINE);
    }
}

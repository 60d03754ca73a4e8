//! The raw child: a program that the black-box tests run on a PTY, directly and inside cckw, to see what
//! arrives.
//!
//! `PTY_CHILD` chooses what it does. Its arguments are ignored, because cckw passes it claude's. It has no
//! Rust runtime before `main`, which would change signal dispositions and so hide what was inherited.
//!
//! | `PTY_CHILD` | what it does | `READY` |
//! | --- | --- | --- |
//! | `source:BYTES[:SEED]` | writes so many bytes of `random.rs`, ends | no |
//! | `sink:BYTES[:DELAY_MS[:SEED]]` | after the delay reads so many bytes, says `DONE`, ends | yes |
//! | `both:BYTES[:DELAY_MS]` | writes and reads so many bytes at once (reads after the delay), ends | before the bytes |
//! | `burst:BYTES[:grandchild[:SECONDS]]` | writes and ends at once; the grandchild (5 s) keeps the terminal open | no |
//! | `deaf:BYTES` | writes so many bytes, never reads, waits for a signal | before the bytes |
//! | `echo[:BYTES]` | sends back what comes, read by read, for ever or so many bytes | yes |
//! | `ticker:MS[:BYTES]` | writes `tick N`, filled up with dots, at every interval until `q` | no |
//! | `winsize` | says `SIZE rows cols xpixel ypixel` at the start and at each SIGWINCH, until `q` | after the first |
//! | `signals` | says `GOT NAME` for HUP INT QUIT TERM USR1 USR2 TSTP CONT WINCH; ends at `q` or the 2nd TERM | yes |
//! | `job` | echo, but ctrl-z gives the terminal back and stops the group; then `RESUMED`; until `q` | yes |
//! | `inherit[:N]` | reports what it inherited, exits with N (0) | no |
//! | `exit:N` | exits with N | no |
//! | `kill:SIG` | dies of the signal (`KILL`, `SIGKILL` or `9`) | no |
//! | `modes:wait` | switches on all that a TUI may switch on, waits for `q` (exit 0) or a signal | after them |
//! | `modes:exit:N`, `modes:kill:SIG` | the same, and ends so at once | after them |
//!
//! The terminal is in raw mode except in `inherit`, `exit` and `kill`. `READY\r\n` says that it is, and where
//! bytes are counted it is not one of them. What is written has the seed `FROM_CHILD`, what is read is
//! compared with `TO_CHILD`, unless the mode names another. A terminal that is gone ends every mode that
//! reads.
//!
//! `PTY_CHILD_REPORT` names a file for a JSON object, always written whole: `mode`, `pid`, `done` (true in
//! the last one) and `ready`, and by mode `written`, `written_hash`, `read`, `read_hash`, `mismatch` (null,
//! or the first difference), `reads`, `grandchild` (its pid), `ticks`, `sizes` (lists of four), `signals`
//! (objects with `signal` and `from`, the sender's pid), `ended_by` (`q`, `term`, `terminal`), `resumed` (a
//! count), and for `inherit` `argv`, `env`, `cwd`, `umask`, `fds`, `status` (`SigBlk` … as in /proc),
//! `rlimits`, `termios`, `size`, `nice`, `ppid`, `pgrp`, `sid`, `tpgid`. `burst` writes its report before its
//! bytes.
//!
//! Whatever happens, the child is gone after `PTY_CHILD_SECONDS` (300): SIGALRM ends it.
#![no_main]

mod child;
mod random;

use std::str::FromStr;
use std::time::Duration;

use child::report::Report;
use child::{flow, inherit, signals, tty};
use random::{FROM_CHILD, TO_CHILD};

/// Seconds that a grandchild stays, unless the mode says.
const GRANDCHILD_SECONDS: u64 = 5;

/// Seconds after which a forgotten child ends.
const LIFETIME: u32 = 300;

fn number<T: FromStr>(mode: &str, part: Option<&str>) -> Option<T> {
    part.map(|text| {
        text.parse().unwrap_or_else(|_| tty::give_up(&format!("PTY_CHILD={mode}: not a number: {text}")))
    })
}

/// The C entry point, so that nothing has run before it.
#[unsafe(no_mangle)]
pub extern "C" fn main(_count: libc::c_int, _arguments: *const *const libc::c_char) -> libc::c_int {
    // The size that a program sees first is a thing under test, so it is asked for before anything else.
    let first_size = tty::size();
    let mode = std::env::var("PTY_CHILD").unwrap_or_else(|_| tty::give_up("PTY_CHILD is not set"));
    if mode.split(':').next() != Some("inherit") {
        let seconds = std::env::var("PTY_CHILD_SECONDS").ok().and_then(|text| text.parse().ok());
        nix::unistd::alarm::set(seconds.unwrap_or(LIFETIME));
    }
    run(&mode, first_size)
}

fn run(mode: &str, first_size: Option<[u16; 4]>) -> i32 {
    let mut report = Report::new(mode);
    let parts: Vec<&str> = mode.split(':').collect();
    let part = |index: usize| parts.get(index).copied();
    let bytes = || {
        number(mode, part(1)).unwrap_or_else(|| tty::give_up(&format!("PTY_CHILD={mode}: how many bytes?")))
    };
    let millis = |index| Duration::from_millis(number(mode, part(index)).unwrap_or(0));
    let status = |index| number(mode, part(index)).unwrap_or(0);
    match parts[0] {
        "source" => flow::source(bytes(), number(mode, part(2)).unwrap_or(FROM_CHILD), report),
        "sink" => flow::sink(bytes(), millis(2), number(mode, part(3)).unwrap_or(TO_CHILD), report),
        "both" => flow::both(bytes(), millis(2), FROM_CHILD, report),
        "burst" => {
            let stay = part(2).map(|word| match word {
                "grandchild" => Duration::from_secs(number(mode, part(3)).unwrap_or(GRANDCHILD_SECONDS)),
                _ => tty::give_up(&format!("PTY_CHILD={mode}: {word}?")),
            });
            flow::burst(bytes(), stay, FROM_CHILD, report);
        }
        "deaf" => flow::deaf(bytes(), FROM_CHILD, report),
        "echo" => flow::echo(number(mode, part(1)), report),
        "ticker" => flow::ticker(millis(1), number(mode, part(2)).unwrap_or(0), report),
        "winsize" => signals::winsize(first_size, report),
        "signals" => signals::signals(report),
        "job" => signals::job(report),
        "inherit" => {
            for (key, value) in inherit::look() {
                report.set(key, value);
            }
            report.finish();
            return status(1);
        }
        "exit" => {
            report.finish();
            return status(1);
        }
        "kill" => {
            report.finish();
            signals::die(part(1).unwrap_or("KILL"));
        }
        "modes" => {
            signals::modes_on(&mut report);
            if part(1) == Some("wait") {
                signals::wait_for_q();
            }
            report.finish();
            match part(1) {
                Some("wait") => {}
                Some("exit") => return status(2),
                Some("kill") => signals::die(part(2).unwrap_or("KILL")),
                _ => tty::give_up(&format!("PTY_CHILD={mode}: wait, exit or kill?")),
            }
        }
        _ => tty::give_up(&format!("PTY_CHILD={mode}: no such mode")),
    }
    0
}

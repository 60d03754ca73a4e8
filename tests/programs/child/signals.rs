//! Modes about signals, sizes, and terminal modes: winsize, signals, job, modes, kill.

use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sys::signal::{SigHandler, SigSet, Signal, raise, signal};
use serde_json::json;

use super::report::Report;
use super::taken::take;
use super::tty;

use std::os::fd::AsFd;

/// The signals that the `signals` mode takes.
const TAKEN: [Signal; 9] = [
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGTERM,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGTSTP,
    Signal::SIGCONT,
    Signal::SIGWINCH,
];

/// How long `signals` waits for a last signal after its terminal has gone, in milliseconds.
const LAST_WAIT: u16 = 1000;

/// Reports every size: one at the start, one for each SIGWINCH. Ends with `q` or the terminal.
pub fn winsize(first: Option<[u16; 4]>, mut report: Report) {
    let signals = take(&[Signal::SIGWINCH]);
    tty::raw();
    let note = |size: Option<[u16; 4]>, report: &mut Report| {
        let size = size.unwrap_or_default();
        report.push("sizes", json!(size));
        report.write();
        tty::say(&format!("SIZE {} {} {} {}", size[0], size[1], size[2], size[3]));
    };
    report.set("ready", true);
    note(first, &mut report);
    tty::say("READY");
    let mut buffer = [0; 256];
    loop {
        let mut fds =
            [PollFd::new(signals.as_fd(), PollFlags::POLLIN), PollFd::new(tty::input(), PollFlags::POLLIN)];
        tty::wait(&mut fds, PollTimeout::NONE);
        if tty::is_ready(&fds[0]) {
            signals.next();
            note(tty::size(), &mut report);
        } else {
            match tty::read(&mut buffer) {
                Some(count) if !buffer[..count].contains(&b'q') => {}
                _ => break,
            }
        }
    }
    report.finish();
}

/// Reports the signals of [`TAKEN`] in the order in which they come. None of them has its usual effect.
/// Ends with `q`, with the second SIGTERM, or a second after the terminal has gone.
pub fn signals(mut report: Report) {
    let signals = take(&TAKEN);
    tty::raw();
    report.set("ready", true);
    report.set("signals", json!([]));
    report.write();
    tty::say("READY");
    let mut terms = 0;
    let mut gone = false;
    let mut buffer = [0; 256];
    let ended_by = loop {
        let mut fds =
            [PollFd::new(signals.as_fd(), PollFlags::POLLIN), PollFd::new(tty::input(), PollFlags::POLLIN)];
        let watched = if gone { &mut fds[..1] } else { &mut fds[..] };
        if !tty::wait(watched, if gone { PollTimeout::from(LAST_WAIT) } else { PollTimeout::NONE }) {
            break "terminal";
        }
        if tty::is_ready(&fds[0]) {
            let (signal, from) = signals.next();
            let name = signal.as_str().trim_start_matches("SIG");
            report.push("signals", json!({"signal": name, "from": from}));
            report.write();
            tty::say(&format!("GOT {name}"));
            terms += u32::from(signal == Signal::SIGTERM);
            if terms == 2 {
                break "term";
            }
        } else {
            match tty::read(&mut buffer) {
                Some(count) if buffer[..count].contains(&b'q') => break "q",
                Some(_) => {}
                None => gone = true,
            }
        }
    };
    report.set("ended_by", ended_by);
    report.finish();
}

/// A program with job control of its own, as a TUI has it: echo, and ctrl-z gives the terminal back and
/// stops. Ends with `q` or the terminal.
pub fn job(mut report: Report) {
    let before = tty::raw();
    report.set("ready", true);
    report.set("resumed", 0);
    report.write();
    tty::say("READY");
    let mut resumed = 0;
    let mut buffer = [0; 4096];
    while let Some(count) = tty::read(&mut buffer) {
        let typed = &buffer[..count];
        if typed.contains(&b'q') {
            break;
        }
        if !typed.contains(&0x1a) {
            tty::write_all(typed);
            continue;
        }
        tty::write_all(b"SUSPENDING\r\n");
        if let Some(before) = &before {
            tty::set(before);
        }
        // To the whole group, as the terminal does it.
        let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(0), Signal::SIGTSTP);
        tty::raw();
        resumed += 1;
        report.set("resumed", resumed);
        report.write();
        tty::say("RESUMED");
    }
    if let Some(before) = &before {
        tty::set(before);
    }
    report.finish();
}

/// All that a TUI may switch on, in the order of the module's documentation.
pub const MODES_ON: &[u8] = b"\x1b[?1049h\x1b[?2004h\x1b[?1004h\x1b[?1000h\x1b[?1006h\x1b[?2031h\
    \x1b[>1u\x1b[>4;2m\x1b[?25l\x1b[5 q\x1b[3;10r\x1b]0;pty-child\x07";

/// Switches everything on. It is never switched off here.
pub fn modes_on(report: &mut Report) {
    tty::raw();
    tty::write_all(MODES_ON);
    report.set("ready", true);
    report.write();
    tty::say("READY");
}

/// Waits for `q`, the terminal's end, or a signal, which has its usual effect.
pub fn wait_for_q() {
    let mut buffer = [0; 256];
    while let Some(count) = tty::read(&mut buffer) {
        if buffer[..count].contains(&b'q') {
            return;
        }
    }
}

/// Dies of a signal, without leaving a core file.
pub fn die(name: &str) -> ! {
    let Some(chosen) = Signal::iterator().find(|signal| {
        signal.as_str() == name || signal.as_str()[3..] == *name || (*signal as i32).to_string() == name
    }) else {
        tty::give_up(&format!("no such signal: {name}"));
    };
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: setrlimit reads the struct that the pointer leads to, which lives on this stack.
    let _ = unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const none) };
    // SAFETY: the default action runs no handler.
    let _ = unsafe { signal(chosen, SigHandler::SigDfl) };
    let _ = SigSet::from(chosen).thread_unblock();
    let _ = raise(chosen);
    tty::give_up(&format!("{name} does not kill"));
}

//! Waiting for a program in the foreground without dying before it.

use std::io;
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicI32, Ordering};

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::unistd::Pid;

use crate::os::kill;

/// The program that is waited for; 0 before it was started.
static CHILD: AtomicI32 = AtomicI32::new(0);

/// Runs a program and waits for its end. What would end this process meanwhile reaches the program instead,
/// so that there is always someone to clean up. ctrl-z is left alone: it stops the whole job, and `fg`
/// continues it.
pub fn run(mut command: Command) -> io::Result<ExitStatus> {
    // Handlers and not SIG_IGN, which the program would inherit.
    let forward = SigAction::new(SigHandler::Handler(forward), SaFlags::empty(), SigSet::empty());
    for signal in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM] {
        // SAFETY: the handler touches an atomic and calls kill(2), both async-signal-safe.
        unsafe { sigaction(signal, &forward) }?;
    }
    let mut child = command.spawn()?;
    CHILD.store(child.id().cast_signed(), Ordering::Relaxed);
    let status = child.wait();
    CHILD.store(0, Ordering::Relaxed);
    status
}

/// Whether the user presses Enter, and nothing before it. A signal, the end of the terminal, and any other
/// word are a no.
pub fn enter_is_pressed() -> bool {
    // The handlers of `run` are still there, so that a signal interrupts this.
    let mut line = [0; 256];
    nix::unistd::read(io::stdin(), &mut line).is_ok_and(|count| line[..count] == *b"\n")
}

extern "C" fn forward(signal: libc::c_int) {
    let child = CHILD.load(Ordering::Relaxed);
    // A terminal's ctrl-c and ctrl-\ reach the program by themselves.
    if child > 0 && (signal == libc::SIGTERM || signal == libc::SIGHUP) {
        // It was not waited for: `run` takes the number away first.
        let _ = kill::to_child(Pid::from_raw(child), signal);
    }
}

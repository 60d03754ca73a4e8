//! The signals that a client gets, and what each asks of it.

use std::io;

use crate::platform::signal_pipe::SignalPipe;

/// What a signal asks of the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// The terminal may have a new size.
    Resize,
    /// The client was continued.
    Continue,
    /// This signal is meant for claude.
    Forward(i32),
}

impl From<i32> for Asked {
    fn from(number: i32) -> Self {
        match number {
            libc::SIGWINCH => Self::Resize,
            libc::SIGCONT => Self::Continue,
            number => Self::Forward(number),
        }
    }
}

/// Installs handlers for the signals that would end or stop claude, that it may have a use for, or that are about the
/// terminal.
///
/// # Errors
/// When the system refuses one.
pub fn install() -> io::Result<SignalPipe> {
    use libc::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2, SIGWINCH};
    SignalPipe::install(&[SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGTERM, SIGCONT, SIGTSTP, SIGWINCH])
}

//! What the loop waits for, as futures: its terminal, and signals.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::terminal::FleetTerminal;
use crate::os::async_fd::watch;
use crate::os::io::Transfer;
use crate::os::signal_pipe::SignalPipe;

/// The signals that the view has a use for.
const SIGNALS: [i32; 8] = [
    libc::SIGHUP,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGTERM,
    libc::SIGTSTP,
    libc::SIGCONT,
    libc::SIGWINCH,
    libc::SIGCHLD,
];

/// Signals, to be waited for.
pub struct Signals {
    pipe: SignalPipe,
    fd: AsyncFd<OwnedFd>,
}

impl Signals {
    /// Installs the handlers.
    ///
    /// # Errors
    /// When the system refuses one, or is out of descriptors.
    pub fn install() -> io::Result<Self> {
        let pipe = SignalPipe::install(&SIGNALS)?;
        let fd = watch(pipe.as_fd().try_clone_to_owned()?, Interest::READABLE)?;
        Ok(Self { pipe, fd })
    }

    /// Waits for one, and gives those that have come.
    pub async fn next(&mut self) -> Vec<i32> {
        // It fails when the runtime ends.
        if let Ok(mut guard) = self.fd.readable().await {
            // Cleared before they are taken: one that comes then is told again.
            guard.clear_ready();
        }
        self.take()
    }

    /// Those that have come.
    pub fn take(&mut self) -> Vec<i32> {
        self.pipe.pending().collect()
    }
}

/// The terminal, while the view has it: who else has it is alone with it.
pub struct Ready(AsyncFd<OwnedFd>);

impl Ready {
    /// Waits for this terminal from now on.
    ///
    /// # Errors
    /// When no descriptor is left.
    pub fn new(terminal: &FleetTerminal) -> io::Result<Self> {
        let fd = terminal.as_fd().try_clone_to_owned()?;
        Ok(Self(watch(fd, Interest::READABLE | Interest::WRITABLE)?))
    }

    /// Waits until something was typed, and reads it.
    pub async fn read(&self, terminal: &FleetTerminal, buffer: &mut [u8]) -> Transfer {
        let Ok(mut guard) = self.0.readable().await else { return Transfer::Gone };
        let read = terminal.read(buffer);
        if read == Transfer::Blocked {
            guard.clear_ready();
        }
        read
    }

    /// Waits until the terminal takes something.
    pub async fn room(&self) {
        if let Ok(mut guard) = self.0.writable().await {
            // What is written next says whether there is room.
            guard.clear_ready();
        }
    }
}

//! The signals that a client gets, as events of its loop.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

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

/// The signals that would end or stop claude, or that it may have a use for.
const FORWARDED: [i32; 7] =
    [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM, libc::SIGUSR1, libc::SIGUSR2, libc::SIGTSTP];

/// Handlers for all of them, from now on.
pub struct Signals {
    resize: Signal,
    resume: Signal,
    forwarded: [Signal; FORWARDED.len()],
}

impl Signals {
    /// Installs the handlers.
    ///
    /// # Errors
    /// When the system refuses one.
    pub fn install() -> io::Result<Self> {
        let [a, b, c, d, e, f, g] = FORWARDED.map(|number| signal(SignalKind::from_raw(number)));
        Ok(Self {
            resize: signal(SignalKind::window_change())?,
            resume: signal(SignalKind::from_raw(libc::SIGCONT))?,
            forwarded: [a?, b?, c?, d?, e?, f?, g?],
        })
    }

    /// The next signal; what ends claude goes before what resizes it. May be dropped at any time.
    pub async fn next(&mut self) -> Asked {
        let [hangup, interrupt, quit, terminate, user1, user2, stop] = &mut self.forwarded;
        let number = tokio::select! {
            biased;
            _ = hangup.recv() => libc::SIGHUP,
            _ = terminate.recv() => libc::SIGTERM,
            _ = interrupt.recv() => libc::SIGINT,
            _ = quit.recv() => libc::SIGQUIT,
            _ = user1.recv() => libc::SIGUSR1,
            _ = user2.recv() => libc::SIGUSR2,
            _ = stop.recv() => libc::SIGTSTP,
            _ = self.resume.recv() => return Asked::Continue,
            _ = self.resize.recv() => return Asked::Resize,
        };
        Asked::Forward(number)
    }
}

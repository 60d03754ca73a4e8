//! How a session ends whose client is gone: as a closed terminal ends claude, then less and less politely.

use std::time::Duration;

use nix::sys::signal::Signal;

/// How long claude gets after each signal.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// What is sent next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Nothing was sent yet.
    Begun,
    /// SIGHUP was sent.
    HungUp,
    /// SIGTERM was sent.
    Terminated,
    /// SIGKILL was sent.
    Killed,
}

impl Ending {
    /// The next signal to send, each `PATIENCE` after the one before.
    pub fn next(self) -> (Self, Option<Signal>) {
        match self {
            Self::Begun => (Self::HungUp, Some(Signal::SIGHUP)),
            Self::HungUp => (Self::Terminated, Some(Signal::SIGTERM)),
            Self::Terminated => (Self::Killed, Some(Signal::SIGKILL)),
            Self::Killed => (Self::Killed, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_gets_less_polite_and_then_stops() {
        let mut ending = Ending::Begun;
        let mut sent = vec![];
        while let (next, Some(signal)) = ending.next() {
            ending = next;
            sent.push(signal);
        }
        assert_eq!(sent, [Signal::SIGHUP, Signal::SIGTERM, Signal::SIGKILL]);
    }
}

//! How claude is ended: as a closed terminal ends it, then less and less politely.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use nix::sys::signal::Signal;

/// How long claude gets after each signal.
pub const SIGNAL_TIMEOUT: Duration = Duration::from_secs(5);

/// The same when the system ends everything. It waits for a few seconds only, and then kills the host before
/// claude.
pub const SYSTEM_STOP_GRACE: Duration = Duration::from_secs(3);

/// What is sent next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum KillEscalation {
    /// Nothing was sent yet.
    Begun,
    /// SIGHUP was sent.
    HungUp,
    /// SIGTERM was sent.
    Terminated,
    /// SIGKILL was sent.
    Killed,
}

impl KillEscalation {
    /// The next signal to send, each `SIGNAL_TIMEOUT` after the one before.
    pub fn next(self) -> (Self, Option<Signal>) {
        match self {
            Self::Begun => (Self::HungUp, Some(Signal::SIGHUP)),
            Self::HungUp => (Self::Terminated, Some(Signal::SIGTERM)),
            Self::Terminated => (Self::Killed, Some(Signal::SIGKILL)),
            Self::Killed => (Self::Killed, None),
        }
    }

    /// The same where the system ends everything: it sends SIGTERM, so claude gets that first.
    pub fn for_system_stop(self) -> Self {
        if self == Self::Begun { Self::HungUp } else { self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent_from(mut ending: KillEscalation) -> Vec<Signal> {
        let mut sent = vec![];
        while let (next, Some(signal)) = ending.next() {
            ending = next;
            sent.push(signal);
        }
        sent
    }

    #[test]
    fn it_gets_less_polite_and_then_stops() {
        assert_eq!(sent_from(KillEscalation::Begun), [Signal::SIGHUP, Signal::SIGTERM, Signal::SIGKILL]);
    }

    #[test]
    fn a_system_stop_leaves_out_what_was_sent_and_the_hang_up() {
        assert_eq!(sent_from(KillEscalation::Begun.for_system_stop()), [Signal::SIGTERM, Signal::SIGKILL]);
        assert_eq!(sent_from(KillEscalation::HungUp.for_system_stop()), [Signal::SIGTERM, Signal::SIGKILL]);
        assert_eq!(sent_from(KillEscalation::Terminated.for_system_stop()), [Signal::SIGKILL]);
    }
}

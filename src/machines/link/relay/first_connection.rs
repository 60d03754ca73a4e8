//! What the user sees while the first connection is made: nothing, what ssh asks, or a line that says what is waited
//! for.

use std::time::Duration;

use super::super::near_terminal::NearTerminal;
use super::super::words;
use super::Relay;
use crate::os::clock;

/// What stands on the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FirstConnection {
    /// Nothing.
    Silent {
        /// When it is said what is waited for.
        slow_at: Duration,
    },
    /// The line that says it.
    SaidSlow,
    /// What ssh or the far side has to say.
    Heard,
}

impl FirstConnection {
    /// When it is to be said what is waited for.
    pub(super) fn slow_at(self) -> Option<Duration> {
        match self {
            Self::Silent { slow_at } => Some(slow_at),
            Self::SaidSlow | Self::Heard => None,
        }
    }

    /// Something else is written now: the line makes room for it.
    pub(super) fn heard(&mut self, terminal: &mut NearTerminal) {
        if std::mem::replace(self, Self::Heard) == Self::SaidSlow {
            terminal.say("\r\x1b[K");
        }
    }
}

impl Relay {
    /// Says what is waited for, where nothing has come for too long.
    pub(super) fn note_slow_connection(&mut self) {
        if self.first.slow_at().is_none_or(|at| clock::with_sleep() < at) {
            return;
        }
        self.first = FirstConnection::SaidSlow;
        let columns = self.terminal.size().map_or(0, |size| size.columns);
        self.terminal.say(&words::connecting(self.machine.name.as_str(), 0, columns));
    }
}

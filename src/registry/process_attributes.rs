//! What a process gets from the one that starts it besides its environment: umask, signal settings, limits.
//!
//! A session's claude has those with which the session began, whoever brings it back: a command in a script that
//! ignores SIGINT, or the service.

use serde::{Deserialize, Serialize};

use crate::os::limits::SoftLimits;
use crate::os::signals::SignalState;
use crate::os::umask;

/// As they stand in the record of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessAttributes {
    umask: u32,
    signals: SignalState,
    limits: SoftLimits,
}

impl ProcessAttributes {
    /// Those that this process was started with, where its signal settings were these.
    pub fn inherited(signals: &SignalState) -> Self {
        Self { umask: umask::inherited(), signals: signals.clone(), limits: SoftLimits::current() }
    }

    /// Gives this process the limits, and the umask to the programs that it starts.
    pub fn apply(&self) {
        umask::take_over(self.umask);
        self.limits.apply();
    }

    /// The signal settings, for the program that is started with them.
    pub fn signals(&self) -> &SignalState {
        &self.signals
    }
}

//! What is different for the Remote Control server: it has no conversation and no state file that tells how
//! it is.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::os::exit::Exit;

/// A server that has run for so long has come up. One that cannot start (no login, a flag that it does not
/// know) says so within a second.
const UP: Duration = Duration::from_secs(10);

/// The server's part of the supervisor's memory.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ServerMemory {
    /// Whether the launch that runs, or ended last, was to go on with the session of the one before.
    goes_on: bool,
    refused: bool,
}

impl ServerMemory {
    /// It has ended after it ran for so long, and has said so or not. Whether it had come up.
    pub(super) fn ended(&mut self, exit: Exit, ran: Duration, stable_after: Duration, gave_up: bool) -> bool {
        let came_up = gave_up || ran >= UP.min(stable_after);
        self.refused = self.goes_on && !came_up && matches!(exit, Exit::Code(code) if code != 0);
        came_up
    }

    /// Whether the launch that ended last was to go on with a session, so that its refusal is not the user's
    /// error.
    pub(super) fn went_on(self) -> bool {
        self.goes_on
    }

    /// Whether the next launch is to go on with the session of the one before: after a refusal it begins a
    /// new one.
    pub(super) fn next(&mut self) -> bool {
        self.goes_on = !self.refused;
        self.goes_on
    }
}

//! What claude's state file says of a moment to type.

use serde::{Deserialize, Serialize};

use crate::claude::state_file::StateFile;

/// What claude does, as its state file has it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum ClaudeStatus {
    /// It has not said so yet.
    #[default]
    Unknown,
    /// Nothing that stands against typing.
    Idle,
    /// A turn runs.
    Busy,
    /// It waits for the user, or shows something else than its main prompt; in words.
    Elsewhere(String),
}

impl ClaudeStatus {
    /// Reads a state file that is our child's. In the agents view the status is `idle`, and what is submitted
    /// there starts a session of its own.
    pub fn of(file: &StateFile) -> Self {
        let is = |value: &Option<String>, wanted: &str| value.as_deref() == Some(wanted);
        if !is(&file.kind, "interactive") || !is(&file.entrypoint, "cli") {
            return Self::Elsewhere("it is not an interactive session of a terminal".into());
        }
        if file.parked_job_id.is_some() {
            return Self::Elsewhere("the session was moved to the background (agents view)".into());
        }
        if file.is_at_rest() {
            return Self::Idle;
        }
        match (file.status.as_deref(), file.waiting_for.as_deref()) {
            (None, _) => Self::Unknown,
            (Some("busy"), _) => Self::Busy,
            (Some(status), Some(what)) => Self::Elsewhere(format!("claude is {status} ({what})")),
            (Some(status), None) => Self::Elsewhere(format!("claude is {status}")),
        }
    }
}

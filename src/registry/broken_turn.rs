//! What a session's record says of a turn that broke off.

use serde::{Deserialize, Serialize};

/// A turn that broke off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokenTurn {
    /// Why.
    pub cause: BrokenTurnCause,
}

/// Why a turn broke off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BrokenTurnCause {
    /// Claude crashed or its host was killed, or the machine went down.
    Crash,
    /// Somebody has restarted claude in the middle of it.
    Restart,
    /// A newer version has written it.
    #[serde(other)]
    Unknown,
}

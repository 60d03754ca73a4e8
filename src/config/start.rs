//! `[start]`: what a start does where a session waits already.

use serde::Deserialize;

/// How a session is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StartPolicy {
    /// What is done where a session of the directory goes on without a terminal.
    pub existing: Existing,
}

impl Default for StartPolicy {
    fn default() -> Self {
        Self { existing: Existing::Ask }
    }
}

/// What a start on a terminal does where a session of the directory goes on without a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Existing {
    /// It asks whether that one is meant.
    Ask,
    /// It starts another one, and says in a line that there is one.
    New,
    /// It takes that one. Where there are several, it asks which.
    Attach,
}

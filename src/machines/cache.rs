//! What was last seen of a machine: a file for each in the state directory. It is shown, and completes names; nothing is
//! decided by it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::name::MachineName;
use super::wire::{Hello, SeenSession};
use crate::os::files::read_plain;
use crate::paths;

/// The largest file that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;
/// The most sessions that are kept of a machine.
const MAX_SESSIONS: usize = 500;

/// What was seen of a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// What its cckw said of itself.
    pub hello: Hello,
    /// Its sessions, where they were asked for.
    #[serde(default)]
    pub sessions: Vec<SeenSession>,
}

/// What was last seen of a machine.
pub fn read(name: &MachineName) -> Option<Seen> {
    serde_json::from_slice(&read_plain(&path(name)?, MAX_BYTES).ok()?).ok()
}

/// Writes down what is seen of a machine. Without `sessions` those that are known stay. If it cannot be written, it
/// is not known later.
pub fn note(name: &MachineName, hello: &Hello, at_ms: u64, sessions: Option<Vec<SeenSession>>) {
    let sessions = sessions.or_else(|| Some(read(name)?.sessions)).unwrap_or_default();
    let seen =
        Seen { at_ms, hello: hello.clone(), sessions: sessions.into_iter().take(MAX_SESSIONS).collect() };
    let (Some(path), Ok(text)) = (path(name), serde_json::to_vec(&seen)) else { return };
    let is_made = path.parent().is_some_and(|directory| paths::make_private(directory).is_ok());
    if is_made {
        let _ = paths::write_unsynced(&path, &text);
    }
}

/// Writes down the sessions of a machine that was seen.
pub fn note_sessions(name: &MachineName, sessions: Vec<SeenSession>) {
    if let Some(seen) = read(name) {
        note(name, &seen.hello, seen.at_ms, Some(sessions));
    }
}

/// Removes what is known of a machine.
pub fn forget(name: &MachineName) {
    if let Some(path) = path(name) {
        let _ = std::fs::remove_file(path);
    }
}

fn path(name: &MachineName) -> Option<PathBuf> {
    Some(paths::state_dir().ok()?.join("machines").join(format!("{name}.json")))
}

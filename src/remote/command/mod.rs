//! Bringing back the remote control of sessions: through the host of those that are wrapped, by a transport
//! for others.

mod pane;
mod wrapped;

pub use wrapped::{cycle, users_decision};

use std::fmt;
use std::fs::{File, TryLockError};

use super::detect::DetectedClaude;
use super::transport::Transports;
use crate::config::RemoteControl;
use crate::os::files::open_own;
use crate::paths;
use crate::user_error::{UserError, remote};

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandOutcome {
    /// The link is up.
    Reconnected,
    /// Nothing was submitted, for this reason.
    Left(String),
    /// Nothing was to be done: the link is up after all. In words.
    Up(String),
    /// It was tried, and did not succeed, for this reason.
    Failed(String),
}

/// How far to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// Whether to do it, or only to look whether it would be done.
    pub apply: bool,
    /// Whether the user has named this session: then also what they had switched off is brought back.
    pub named: bool,
}

/// How keys get into a session, for a line that tells of it.
pub struct Way<'a>(&'a DetectedClaude);

impl<'a> Way<'a> {
    /// The one into this session.
    pub fn into(found: &'a DetectedClaude) -> Self {
        Self(found)
    }
}

impl fmt::Display for Way<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use crate::escape::escape;
        match (&self.0.wrapped, &self.0.pane) {
            (Some(session), _) => write!(f, "cckw={}", escape(&session.name)),
            (None, Some(pane)) => write!(f, "pane={}", escape(&pane.target)),
            (None, None) => f.write_str("pane=-"),
        }
    }
}

/// Brings back the remote control of one session, or says why not.
pub fn reconnect(
    found: &DetectedClaude,
    transports: &Transports,
    statuses: &[&str],
    settings: &RemoteControl,
    order: Order,
) -> CommandOutcome {
    if let Some(session) = &found.wrapped {
        return wrapped::reconnect(session, order);
    }
    let way = found.pane.as_ref().and_then(|pane| Some((transports.of(pane)?, pane)));
    match way {
        Some((transport, pane)) => {
            pane::Hand::new(found, transport, pane, statuses, settings, order).reconnect()
        }
        None => CommandOutcome::Left("nothing leads to its terminal".into()),
    }
}

/// The lock against two that type at the same time, held as long as this lives; nothing when another one has
/// it.
///
/// # Errors
/// When the directory for it cannot be used.
pub fn lock() -> Result<Option<File>, UserError> {
    // Beside the records, which are the same for a job of cron, where there is no runtime directory.
    let directory = paths::state_dir().map_err(remote::no_lock)?;
    paths::make_private(&directory).map_err(remote::no_lock)?;
    let file = open_own(&directory.join("reconnect.lock"), false).map_err(remote::no_lock)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(remote::no_lock(error)),
    }
}

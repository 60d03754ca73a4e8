//! Where a session lives: its directory, its socket, and the lock that makes it one host's.

use std::fmt::Display;
use std::fs;
use std::path::PathBuf;

use super::{StartRefusal, StartRequest, refuse, refuse_session};
use crate::paths;
use crate::registry::control_socket;
use crate::registry::last_claude;
use crate::registry::lock::Lock;
use crate::registry::record;
use crate::registry::recovery;
use crate::registry::recovery_marker;
use crate::update::trial;

/// The place of a session, taken.
pub struct SessionPaths {
    /// The working directory.
    pub cwd: PathBuf,
    /// The directory of all sessions.
    pub state: PathBuf,
    /// The session's own, with the record, the log and the socket.
    pub directory: PathBuf,
    pub lock: Lock,
    /// Whether the session was there before.
    revived: bool,
}

impl SessionPaths {
    /// Makes what is not there. First comes what others decide about, then what would have to be cleared
    /// away.
    ///
    /// # Errors
    /// When a directory is gone, cannot be made or is not safe, or another host has the session.
    pub fn take(request: &mut StartRequest) -> Result<Self, StartRefusal> {
        let start = &request.start;
        if start.revive {
            // Its directory never changes, so the record need not be locked for this.
            let record = record::directory(&request.session).map_err(refuse)?;
            last_claude::enter_directory(&recovery::read(&record).map_err(refuse)?.record).map_err(refuse)?;
        }
        let cwd = std::env::current_dir().map_err(|error| {
            refuse(format!("the working directory cannot be used: {error}; cd somewhere else"))
        })?;
        let state = paths::state_dir().map_err(refuse_session)?;
        paths::make_private(&state).map_err(refuse_session)?;
        let directory = record::directory(&request.session).map_err(refuse_session)?;
        paths::make_private(&directory).map_err(refuse_session)?;
        let sent = request.lock.take();
        let lock = sent.map_or_else(|| Lock::take(&directory), Ok).map_err(|error| {
            if !start.revive {
                let _ = fs::remove_dir_all(&directory);
            }
            refuse_session(error)
        })?;
        trial::host_started(&directory);
        if start.revive {
            match recovery_marker::set(&directory) {
                // The client that waits for this host sees to it that it is not tried for ever.
                Err(error) if start.detached => return Err(refuse(error)),
                _ => {}
            }
            if let Ok(found) = recovery::read(&directory) {
                control_socket::remove(&directory, &found.record);
            }
        }
        Ok(Self { cwd, state, directory, lock, revived: start.revive })
    }

    /// A refusal after which nothing is left of a session that never began. One that was there before
    /// outlives it.
    pub fn refuse(&self, reason: impl Display) -> StartRefusal {
        if !self.revived {
            let _ = fs::remove_dir_all(&self.directory);
        }
        refuse(reason)
    }

    /// The same, for a reason that does not concern claude.
    pub fn refuse_session(&self, reason: impl Display) -> StartRefusal {
        StartRefusal { claude_can_run: true, ..self.refuse(reason) }
    }
}

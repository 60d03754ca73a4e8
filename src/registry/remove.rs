//! Removing what is left of a session.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::recovery;
use super::{Session, SilentHost, session_of, why_unreachable};
use crate::paths;
use crate::registry::lock::Lock;
use crate::user_error::{UserError, host, session as of_session};

/// How long a host that has said its session's end may take to end itself.
const HOST_END_TIMEOUT: Duration = Duration::from_secs(2);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// A session that has no host, and gets none while this is there.
pub struct Removable {
    directory: PathBuf,
    _lock: Lock,
}

impl Removable {
    /// A session's directory: only one that has a session's name and stands in cckw's own state directory.
    ///
    /// # Errors
    /// When it is anything else, or the session runs.
    pub fn new(session: &Session) -> Result<Self, UserError> {
        if session.is_unreachable {
            return Err(why_unreachable(session));
        }
        let patience = session.record.ended_at.map_or(Duration::ZERO, |_| HOST_END_TIMEOUT);
        let until = Instant::now() + patience;
        // A host that has written down its end closes its socket a moment later.
        while !session.is_running && session.connect().is_some() && Instant::now() < until {
            sleep(POLL_INTERVAL);
        }
        if session.is_running || session.connect().is_some() {
            let word = session.word();
            return Err(match SilentHost::ask(session) {
                Some(silent) => host::runs_and_is_silent(&word, silent.into()),
                None => of_session::is_running(&word),
            });
        }
        Self::take(&session.directory, patience)
    }

    /// The same for a session that has no host. It does not wait for a host that is just ending.
    ///
    /// # Errors
    /// As `new`.
    pub fn at_once(session: &Session) -> Result<Self, UserError> {
        Self::take(&session.directory, Duration::ZERO)
    }

    /// The same for a session whose record cannot be read: all that can be said of it is its whole id.
    /// Nothing when there is none.
    ///
    /// # Errors
    /// As `new`.
    pub fn unreadable(word: &str) -> Option<Result<Self, UserError>> {
        let session = Uuid::parse_str(word).ok().filter(|session| session.to_string() == word)?;
        let directory = paths::state_dir().ok()?.join(session.to_string());
        let is_left = is_directory(&directory) && recovery::read(&directory).is_err();
        is_left.then(|| Self::take(&directory, Duration::ZERO))
    }

    fn take(directory: &Path, patience: Duration) -> Result<Self, UserError> {
        let state = paths::state_dir()?;
        paths::check_private(&state)?;
        if directory.parent() != Some(&state) || session_of(directory).is_none() || !is_directory(directory) {
            return Err(of_session::not_a_directory_of_one(directory));
        }
        let until = Instant::now() + patience;
        loop {
            match Lock::take(directory) {
                Ok(lock) => return Ok(Self { directory: directory.into(), _lock: lock }),
                Err(_) if Instant::now() < until => sleep(POLL_INTERVAL),
                Err(error) => return Err(of_session::cannot_be_removed(directory, error)),
            }
        }
    }

    /// Removes it, and nothing that a link in it leads to.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(self) -> Result<(), UserError> {
        match fs::remove_dir_all(&self.directory) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(of_session::cannot_be_removed(&self.directory, error))
            }
            _ => Ok(()),
        }
    }
}

/// Whether it is a directory, and not a link to one.
fn is_directory(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

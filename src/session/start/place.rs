//! Where a session lives: its directory, its socket, and the lock that makes it one host's.

use std::fmt::Display;
use std::fs;
use std::path::PathBuf;

use super::{Asked, Refusal, refuse};
use crate::paths;
use crate::session::record::{self, Record};
use crate::session::revive::{self, Lock};
use crate::session::stamp;

/// The place of a session, taken.
pub struct Place {
    /// The working directory.
    pub cwd: PathBuf,
    /// The directory of all sockets.
    pub runtime: PathBuf,
    /// The session's own, with the record and the log.
    pub directory: PathBuf,
    pub socket: PathBuf,
    pub lock: Lock,
    /// Whether the session was there before.
    revived: bool,
}

impl Place {
    /// Makes what is not there. First comes what others decide about, then what would have to be cleared away.
    ///
    /// # Errors
    /// When a directory is gone, cannot be made or is not safe, or another host has the session.
    pub fn take(asked: &mut Asked) -> Result<Self, Refusal> {
        let start = &asked.start;
        if start.revive {
            // Its directory never changes, so the record need not be locked for this.
            let record = record::directory(&asked.session).map_err(refuse)?;
            revive::enter_directory(&Record::read(&record).map_err(refuse)?).map_err(refuse)?;
        }
        let cwd = std::env::current_dir().map_err(|error| {
            refuse(format!("the working directory cannot be used: {error}; cd somewhere else"))
        })?;
        let state = paths::state_dir().map_err(refuse)?;
        paths::make_private(&state).map_err(refuse)?;
        let directory = record::directory(&asked.session).map_err(refuse)?;
        let runtime = paths::runtime_dir();
        paths::make_private_there(&runtime).map_err(refuse)?;
        paths::make_private(&directory).map_err(refuse)?;
        let socket = runtime.join(format!("{}.sock", asked.session));
        let sent = asked.lock.take();
        let lock = sent.map_or_else(|| Lock::take(&directory), Ok).map_err(refuse)?;
        if start.revive {
            stamp::set(&directory).map_err(refuse)?;
            // Nobody is to take the one who is gone for this one.
            let _ = fs::remove_file(&socket);
        }
        Ok(Self { cwd, runtime, directory, socket, lock, revived: start.revive })
    }

    /// A refusal after which nothing is left of a session that never began. One that was there before outlives it.
    pub fn refuse(&self, reason: impl Display) -> Refusal {
        if !self.revived {
            let _ = fs::remove_dir_all(&self.directory);
        }
        refuse(reason)
    }
}

//! What the client has sent.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use uuid::Uuid;

use super::{StartRefusal, refuse};
use crate::protocol::Start;
use crate::registry::lock::Lock;

pub struct StartRequest {
    pub start: Start,
    /// The user's terminal, or what stands for it.
    pub terminal: OwnedFd,
    /// Where claude's stderr goes, if not to its PTY.
    pub stderr: Option<OwnedFd>,
    /// The session's lock, from one that starts it in the background.
    pub lock: Option<Lock>,
    pub session: Uuid,
    pub program: PathBuf,
    /// Claude's arguments.
    pub args: Vec<OsString>,
}

impl StartRequest {
    /// # Errors
    /// When something is missing, which a client of this version sends.
    pub fn of(start: Start, fds: Vec<OwnedFd>, args: Vec<OsString>) -> Result<Self, StartRefusal> {
        let mut fds = fds.into_iter();
        let terminal = fds.next().ok_or_else(|| refuse("the client sent no terminal"))?;
        let mut args = args.into_iter();
        let session = args.next().and_then(|text| session(&text));
        let session = session.ok_or_else(|| refuse("the session has no id"))?;
        let program = args.next().ok_or_else(|| refuse("there is no program to start"))?.into();
        let (stderr, lock) =
            if start.detached { (None, fds.next().map(Lock::from)) } else { (fds.next(), None) };
        Ok(Self { start, terminal, stderr, lock, session, program, args: args.collect() })
    }
}

/// The session's id, as it stands in the arguments.
pub fn session(text: &OsString) -> Option<Uuid> {
    Uuid::parse_str(text.to_str()?).ok()
}

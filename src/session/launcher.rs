//! What is needed to start claude, the first time and every later one.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::environment::{Changes, Environment};
use super::pty::{Child, Pty};
use crate::platform::signals::SignalState;
use crate::platform::tty::Size;

/// What stays the same from one launch to the next.
pub struct Launcher {
    /// Claude.
    pub program: PathBuf,
    /// The arguments of the first launch.
    pub args: Vec<OsString>,
    /// Where claude's stderr goes, if that is not its terminal.
    pub stderr: Option<OwnedFd>,
    /// The signal state that cckw was started with.
    pub signals: SignalState,
    /// What of the environment is claude's own.
    pub environment: Environment,
    /// The size of the terminal, as last heard.
    pub size: Size,
}

impl Launcher {
    /// Starts claude on this PTY, in `cwd` or in this process's own directory, with these changes of its
    /// environment. Gives the master and the child.
    ///
    /// # Errors
    /// When it cannot be executed, or no descriptor is left.
    pub fn spawn(
        &self,
        pty: Pty,
        args: &[OsString],
        session: &Uuid,
        cwd: Option<&Path>,
        mut changes: Changes,
    ) -> io::Result<(OwnedFd, Child)> {
        let stderr = self.stderr.as_ref().map(OwnedFd::try_clone).transpose()?;
        changes.push(("CCKW_SESSION", Some(session.to_string().into())));
        pty.spawn(&self.program, args, &changes, cwd, stderr, &self.signals)
    }
}

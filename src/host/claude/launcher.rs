//! What is needed to start claude, the first time and every later one.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::pty::{Child, Pty};
use crate::os::signals::SignalState;
use crate::os::tty::Size;
use crate::registry::environment::{Environment, Variables};

/// What stays the same from one launch to the next.
pub struct Launcher {
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
    /// Starts claude on this PTY, in `cwd` or in this process's own directory, with this
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
        mut variables: Variables,
    ) -> io::Result<(OwnedFd, Child)> {
        let stderr = self.stderr.as_ref().map(OwnedFd::try_clone).transpose()?;
        variables.set("CCKW_SESSION", session.to_string());
        pty.spawn(&self.program, args, &variables, cwd, stderr, &self.signals)
    }
}

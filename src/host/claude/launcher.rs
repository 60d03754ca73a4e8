//! What is needed to start claude, the first time and every later one.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::pty::{Child, Pty, Spawned};
use crate::config::Config;
use crate::os::fd_store::{FdStore, ReceivedFds, StoredFd};
use crate::os::signals::SignalState;
use crate::os::text::LosslessText;
use crate::os::tty;
use crate::os::tty::{Attributes, Size};
use crate::registry::environment::{Environment, EnvironmentState, Variables};

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
    /// The slave of the PTY, where the next claude gets the same one.
    pub slave: Option<OwnedFd>,
}

/// The same as it is handed over to the program that goes on with it.
#[derive(Debug, Serialize, Deserialize)]
pub struct LauncherState {
    program: LosslessText,
    args: Vec<LosslessText>,
    #[serde(default)]
    stderr: Option<StoredFd>,
    signals: SignalState,
    environment: EnvironmentState,
    size: Size,
    #[serde(default)]
    slave: Option<StoredFd>,
}

impl Launcher {
    /// All that is needed to go on.
    pub fn hand_over(&self, fds: &FdStore) -> LauncherState {
        LauncherState {
            program: self.program.as_path().into(),
            args: self.args.iter().map(|arg| arg.as_os_str().into()).collect(),
            stderr: self.stderr.as_ref().map(|stderr| fds.add(stderr)),
            signals: self.signals.clone(),
            environment: self.environment.hand_over(),
            size: self.size,
            slave: self.slave.as_ref().map(|slave| fds.add(slave)),
        }
    }

    /// Goes on with what another program has handed over.
    ///
    /// # Errors
    /// When a descriptor is missing.
    pub fn take_over(state: LauncherState, fds: &ReceivedFds, config: &Config) -> io::Result<Self> {
        Ok(Self {
            program: OsString::from(state.program).into(),
            args: state.args.into_iter().map(OsString::from).collect(),
            stderr: state.stderr.map(|stderr| fds.get(stderr)).transpose()?,
            signals: state.signals,
            environment: Environment::take_over(state.environment, config),
            size: state.size,
            slave: state.slave.map(|slave| fds.get(slave)).transpose()?,
        })
    }

    /// Starts claude on this PTY, in `cwd` or in this process's own directory, with this
    /// environment. Gives the master and the child.
    ///
    /// # Errors
    /// When it cannot be executed, or no descriptor is left.
    pub fn spawn(
        &mut self,
        pty: Pty,
        args: &[OsString],
        session: &Uuid,
        cwd: Option<&Path>,
        mut variables: Variables,
    ) -> io::Result<(OwnedFd, Child)> {
        let stderr = self.stderr.as_ref().map(OwnedFd::try_clone).transpose()?;
        variables.set("CCKW_SESSION", session.to_string());
        let Spawned { master, child, kept } =
            pty.spawn(&self.program, args, &variables, cwd, stderr, &self.signals)?;
        self.slave = kept;
        Ok((master, child))
    }

    /// The PTY for the next claude, when the last one has ended: the one whose master this is, where it is
    /// kept, else a new one.
    ///
    /// # Errors
    /// When there is none, or no descriptor is left.
    pub fn next_pty(&self, master: &OwnedFd, attributes: &Attributes) -> io::Result<Pty> {
        if let Some(slave) = &self.slave {
            return Pty::again(master, slave, self.size, attributes);
        }
        // Without one there is nothing to leave; then taking the next one shows what is wrong.
        let _ = tty::leave_controlling();
        Pty::open(self.size, attributes)
    }
}

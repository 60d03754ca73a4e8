//! Starting a host, and what it is told first.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::unistd::{isatty, setsid};
use uuid::Uuid;

use super::straight;
use crate::claude::find;
use crate::config;
use crate::control::{Channel, FromClient, FromHost, Start};
use crate::platform::tty::{self, Attributes, Size};
use crate::platform::{descriptors, signals};
use crate::session::record::{Kind, Record};
use crate::session::revive::Lock;

/// How long a host may take to start claude, what is left of the last one included.
const PATIENCE: Duration = Duration::from_secs(30);

/// The size of a session that no terminal has given one.
const NO_TERMINAL: Size = Size { rows: 24, columns: 80, width: 0, height: 0 };

/// What is to be started.
pub struct Launch {
    /// The session's id.
    pub session: Uuid,
    /// Claude.
    pub program: PathBuf,
    /// Its arguments, with the pinned id where there is one.
    pub args: Vec<OsString>,
    /// Whether the session's id is the conversation's.
    pub pinned: bool,
    /// The name given with `-n`.
    pub name: Option<String>,
    /// Whether it is the Remote Control server.
    pub server: bool,
    /// Whether the session is one whose host is gone.
    pub revive: bool,
}

impl Launch {
    /// A launch that takes up a session whose host is gone.
    pub fn revival(record: &Record) -> Self {
        Self {
            session: record.session,
            program: program(record),
            args: record.args.iter().cloned().map(OsString::from).collect(),
            pinned: record.pinned,
            name: record.name.clone(),
            server: record.kind == Kind::Server,
            revive: true,
        }
    }

    /// Starts the host, and lets the session go on without a terminal.
    ///
    /// # Errors
    /// What the host says, or what keeps it from being started.
    pub fn without_terminal(&self) -> Result<(), String> {
        let said = |error: io::Error| error.to_string();
        let mut channel = Channel::new(self.host().map_err(said)?).map_err(said)?;
        // Until the host knows that there is no terminal, one that takes everything.
        let nothing = OpenOptions::new().read(true).write(true).open("/dev/null").map_err(said)?;
        let attributes = Attributes::of_a_new_terminal().map_err(said)?;
        let start = self.start(NO_TERMINAL, attributes);
        channel.send(&FromClient::Start(Box::new(start)), vec![nothing.into()]);
        loop {
            match channel.wait_for::<FromHost>(Some(PATIENCE)).map_err(said)? {
                Some((FromHost::Started, _)) => drop(channel.send(&FromClient::Detach, vec![])),
                Some((FromHost::Failed { reason, .. }, _)) => return Err(reason),
                Some((FromHost::Detached { .. }, _)) => return Ok(()),
                Some(_) => {}
                None => return Err("the session's host does not answer".into()),
            }
        }
    }

    /// Starts the host of a session that has none, for nobody to wait for it, and hands over the session's lock.
    ///
    /// # Errors
    /// When no process can be started. What the host itself cannot do is in the session's log.
    pub fn in_the_background(&self, lock: Lock) -> io::Result<()> {
        let mut channel = Channel::new(self.host()?)?;
        let nothing = OpenOptions::new().read(true).write(true).open("/dev/null")?;
        let start = Start { detached: true, ..self.start(NO_TERMINAL, Attributes::of_a_new_terminal()?) };
        channel.send(&FromClient::Start(Box::new(start)), vec![nothing.into(), lock.into()]);
        channel.flush(PATIENCE);
        Ok(())
    }

    fn start(&self, size: Size, attributes: Attributes) -> Start {
        Start {
            client: std::process::id() as i32,
            size,
            attributes,
            signals: signals::inherited().clone(),
            pinned: self.pinned,
            name: self.name.clone(),
            server: self.server,
            revive: self.revive,
            detached: false,
        }
    }

    /// Starts the host: this program again, in a session of its own, so that no terminal takes it along.
    ///
    /// # Errors
    /// When no process can be started.
    pub fn host(&self) -> io::Result<UnixStream> {
        descriptors::close_on_exec(&self.args);
        let (ours, theirs) = UnixStream::pair()?;
        let mut command = Command::new(own_program()?);
        command.arg0("cckw").arg("host").arg(self.session.to_string()).arg(&self.program).args(&self.args);
        command.stdin(OwnedFd::from(theirs)).stdout(Stdio::null()).stderr(Stdio::null());
        straight::forget(&mut command);
        // Not left to the host: until it runs, ctrl-c at the terminal would reach it.
        // SAFETY: setsid(2) is async-signal-safe.
        unsafe { command.pre_exec(|| setsid().map(drop).map_err(io::Error::from)) };
        command.spawn()?;
        Ok(ours)
    }

    /// Hands the terminal over, and says how to start.
    ///
    /// # Errors
    /// When the terminal's descriptor cannot be duplicated.
    pub fn hand_over(
        &self,
        channel: &mut Channel,
        tty: impl AsFd,
        size: Size,
        attributes: Attributes,
    ) -> io::Result<()> {
        let mut fds = vec![tty.as_fd().try_clone_to_owned()?];
        let stderr = io::stderr();
        // Claude's stderr is the PTY, unless the user has sent it elsewhere.
        if !isatty(&stderr).unwrap_or(false) || !tty::same_terminal(io::stdin().as_fd(), stderr.as_fd()) {
            fds.push(stderr.as_fd().try_clone_to_owned()?);
        }
        let start = self.start(size, attributes);
        channel.send(&FromClient::Start(Box::new(start)), fds);
        Ok(())
    }
}

/// The claude of the first start; where that has gone, the one that would be started here.
fn program(record: &Record) -> PathBuf {
    let first = PathBuf::from(OsString::from(record.program.clone()));
    if find::can_run(&first) {
        return first;
    }
    find::find(&config::load().unwrap_or_default()).map_or(first, |found| found.program)
}

/// This program, also after an upgrade has replaced it on disk.
fn own_program() -> io::Result<PathBuf> {
    let path = std::env::current_exe()?;
    if cfg!(target_os = "linux") && !path.exists() { Ok("/proc/self/exe".into()) } else { Ok(path) }
}

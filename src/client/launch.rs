//! Starting a host, and what it is told first.

use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::unistd::{Pid, isatty, setsid};
use uuid::Uuid;

use crate::claude::args;
use crate::claude::args::{Parsed, Run};
use crate::claude::{executable, server};
use crate::config;
use crate::config::Config;
use crate::os::own_program::{called_program, own_program};
use crate::os::signals::SignalState;
use crate::os::tty;
use crate::os::tty::{Attributes, Size};
use crate::os::{descriptors, signals, threads};
use crate::protocol::{Channel, FromClient, FromHost, LastOpen, Start};
use crate::registry::environment::revival;
use crate::registry::environment::revival::By;
use crate::registry::environment::{Variables, recorded};
use crate::registry::last_claude;
use crate::registry::lock::Lock;
use crate::registry::record;
use crate::registry::record::{Record, SessionKind, SessionState};
use crate::update::trial;
use crate::user_error;
use crate::user_error::UserError;

/// How long a host may take to start claude, what is left of the last one included.
const HOST_START_TIMEOUT: Duration = Duration::from_secs(30);

/// The size of a session that no terminal has given one.
const NO_TERMINAL: Size = Size { rows: 24, columns: 80, width: 0, height: 0 };

/// What is to be started.
pub struct HostLaunch {
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
    /// The environment of the host, and of the claude that it starts.
    pub environment: Variables,
    /// Whether that is written down as the session's.
    pub record_environment: bool,
    /// Whether claude gets the umask, the signal settings and the limits with which the session began.
    pub keeps_attributes: bool,
    /// Whether the conversation may be given up for a new one where it is not found.
    pub may_expire: bool,
    /// Its user has asked for it to be brought back.
    pub is_asked: bool,
    /// It is not started if a living session has its name.
    pub name_is_fixed: bool,
    /// Claude is to go on with the turn that broke off.
    pub continue_turn: bool,
    /// What the claude of the host that was lost had open.
    pub last_open: Option<LastOpen>,
}

/// Which environment a session gets that is brought back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnvironmentFrom {
    /// The one that was recorded.
    Session,
    /// The one of this process; it is the session's from then on.
    Caller,
}

/// A host that was started says nothing.
fn silent(host: Pid) -> UserError {
    trial::host_did_not_come_up(host);
    user_error::host::silent()
}

impl HostLaunch {
    /// A launch of a session that begins, with these arguments of claude. The conversation is pinned unless the
    /// arguments choose one.
    pub fn fresh(program: PathBuf, args: &[OsString], parsed: &Parsed) -> Self {
        let session = Uuid::new_v4();
        let server = parsed.run == Run::Server;
        let pinned = !parsed.chosen && !server;
        Self {
            session,
            program,
            args: if pinned { args::pin(args, &session) } else { args.to_vec() },
            pinned,
            name: if server { server::name(args) } else { parsed.name.clone() },
            server,
            revive: false,
            environment: revival::current(),
            record_environment: true,
            keeps_attributes: false,
            may_expire: true,
            is_asked: false,
            name_is_fixed: false,
            continue_turn: false,
            last_open: None,
        }
    }

    /// A launch that takes up a session whose host is gone; `directory` is the session's.
    ///
    /// A session without a recorded environment (an earlier version started it) gets the caller's, as that
    /// version gave it.
    ///
    /// # Errors
    /// When the recorded environment cannot be used.
    pub fn revival(
        record: &Record,
        directory: &Path,
        by: By,
        from: EnvironmentFrom,
    ) -> Result<Self, UserError> {
        let caller = revival::current();
        let config = config::load().unwrap_or_default();
        let (environment, record_environment) = match from {
            EnvironmentFrom::Caller => (caller, true),
            EnvironmentFrom::Session => match recorded::read(directory) {
                Ok(Some(recorded)) => {
                    let mut environment = revival::compose(recorded, &caller, by, &config.environment);
                    if let Some(state) = directory.parent() {
                        revival::lead_to(&mut environment, state);
                    }
                    (environment, true)
                }
                Ok(None) => (caller, by == By::Client),
                // The client was started with that very environment, or attached since.
                Err(_) if by == By::Client => (caller, false),
                Err(error) => {
                    return Err(user_error::session::environment_unusable(record.session, error));
                }
            },
        };
        Ok(Self {
            session: record.session,
            program: program(record, &environment, &config),
            args: record.args.iter().cloned().map(OsString::from).collect(),
            pinned: record.pinned,
            name: record.name.clone(),
            server: record.kind == SessionKind::Server,
            revive: true,
            environment,
            record_environment,
            keeps_attributes: from == EnvironmentFrom::Session,
            may_expire: matches!(by, By::Client | By::Request),
            is_asked: matches!(by, By::Request | By::Service),
            name_is_fixed: false,
            continue_turn: false,
            last_open: None,
        })
    }

    /// The record of the session as it begins here. It is for the case that the host is killed when nothing
    /// of it is on disk any more.
    pub fn record(&self) -> Record {
        let conversation = self.pinned.then(|| self.session.to_string());
        let cwd = std::env::current_dir().unwrap_or_default();
        Record {
            kind: if self.server { SessionKind::Server } else { SessionKind::Conversation },
            name: self.name.clone(),
            conversations: conversation.clone().into_iter().collect(),
            conversation,
            pinned: self.pinned,
            state: SessionState::Running,
            program: self.program.as_path().into(),
            args: self.args.iter().map(|arg| arg.as_os_str().into()).collect(),
            cwd: cwd.as_path().into(),
            cwd_inode: last_claude::inode(&cwd),
            started_at: record::now(),
            ..Record::of(self.session)
        }
    }

    /// Starts the host, and lets the session go on without a terminal.
    ///
    /// # Errors
    /// What the host says, or what keeps it from being started.
    pub fn without_terminal(&self) -> Result<(), UserError> {
        let said = |error: io::Error| user_error::shortage::system(error);
        let (socket, host) = self.host()?;
        let mut channel = Channel::new(socket).map_err(said)?;
        // Until the host knows that there is no terminal, one that takes everything.
        let nothing = OpenOptions::new().read(true).write(true).open("/dev/null").map_err(said)?;
        let attributes = Attributes::of_a_new_terminal().map_err(said)?;
        let start = self.start(NO_TERMINAL, attributes);
        channel.send(&FromClient::Start(Box::new(start)), vec![nothing.into()]);
        loop {
            match channel.wait_for::<FromHost>(Some(HOST_START_TIMEOUT)).map_err(said)? {
                Some((FromHost::Started { .. }, _)) => drop(channel.send(&FromClient::Detach, vec![])),
                Some((FromHost::Failed { reason, .. }, _)) => return Err(user_error::host::refused(&reason)),
                Some((FromHost::Detached { .. }, _)) => return Ok(()),
                Some(_) => {}
                None => return Err(silent(host)),
            }
        }
    }

    /// Starts the host of a session that begins and that has no terminal from its first moment. Returns when
    /// claude was started. Claude gets no signal settings of this process: those of a script (`nohup`, `&`) are
    /// not meant for a session.
    ///
    /// # Errors
    /// What the host says, or what keeps it from being started. Then nothing is left of the session.
    pub fn detached(&self, size: Size) -> Result<(), UserError> {
        let said = |error: io::Error| user_error::shortage::system(error);
        let (socket, host) = self.host()?;
        let mut channel = Channel::new(socket).map_err(said)?;
        let nothing = OpenOptions::new().read(true).write(true).open("/dev/null").map_err(said)?;
        let attributes = Attributes::of_a_new_terminal().map_err(said)?;
        let start = Start { detached: true, signals: SignalState::default(), ..self.start(size, attributes) };
        channel.send(&FromClient::Start(Box::new(start)), vec![nothing.into()]);
        loop {
            match channel.wait_for::<FromHost>(Some(HOST_START_TIMEOUT)).map_err(said)? {
                Some((FromHost::Started { .. }, _)) => return Ok(()),
                Some((FromHost::Failed { reason, status, .. }, _)) => {
                    return Err(user_error::host::failed(&reason, status));
                }
                Some(_) => {}
                None => return Err(silent(host)),
            }
        }
    }

    /// Starts the host of a session that has none, for nobody to wait for it, and hands over the session's
    /// lock.
    ///
    /// # Errors
    /// When no process can be started. What the host itself cannot do is in the session's log.
    pub fn in_the_background(&self, lock: Lock) -> io::Result<()> {
        let mut channel = Channel::new(self.host().map_err(io::Error::other)?.0)?;
        let nothing = OpenOptions::new().read(true).write(true).open("/dev/null")?;
        let start = Start { detached: true, ..self.start(NO_TERMINAL, Attributes::of_a_new_terminal()?) };
        channel.send(&FromClient::Start(Box::new(start)), vec![nothing.into(), lock.into()]);
        channel.flush(HOST_START_TIMEOUT);
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
            record_environment: self.record_environment,
            keeps_attributes: self.keeps_attributes,
            may_expire: self.may_expire,
            is_asked: self.is_asked,
            name_is_fixed: self.name_is_fixed,
            continue_turn: self.continue_turn,
            last_open: self.last_open.clone(),
            called: called_program().ok().map(|called| called.as_path().into()),
        }
    }

    /// Starts the host: this program again, in a session of its own, so that no terminal takes it along.
    /// Gives the connection and the process.
    ///
    /// # Errors
    /// When no process can be started.
    pub fn host(&self) -> Result<(UnixStream, Pid), UserError> {
        let said = |error: io::Error| user_error::shortage::system(error);
        descriptors::close_on_exec(&self.args);
        let (ours, theirs) = UnixStream::pair().map_err(said)?;
        let mut command = Command::new(own_program().map_err(said)?);
        command.arg0("cckw").arg("host").arg(self.session.to_string()).arg(&self.program).args(&self.args);
        command.stdin(OwnedFd::from(theirs)).stdout(Stdio::null()).stderr(Stdio::null());
        // Not left to the host: until it runs, ctrl-c at the terminal would reach it.
        // SAFETY: setsid(2) is async-signal-safe.
        unsafe { command.pre_exec(|| setsid().map(drop).map_err(io::Error::from)) };
        self.environment.apply(&mut command);
        let host =
            command.spawn().map_err(|error| threads::no_process(&error).unwrap_or_else(|| said(error)))?;
        Ok((ours, Pid::from_raw(host.id() as i32)))
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

/// The claude of the first start; where that has gone, the one that the session's environment leads to, else
/// the one that would be started here.
fn program(record: &Record, environment: &Variables, config: &Config) -> PathBuf {
    let first = PathBuf::from(OsString::from(record.program.clone()));
    if executable::can_run(&first) {
        return first;
    }
    let found = executable::find_with(config, |name| environment.get(name).map(OsStr::to_owned));
    found.or_else(|_| executable::find(config)).map_or(first, |found| found.program)
}

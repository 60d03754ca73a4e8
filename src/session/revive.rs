//! Taking up a session whose host is gone: what its record says, and what claude is started with.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use uuid::Uuid;

use super::record::Record;
use super::supervisor::{Decision, Event, Launch, Look, Supervisor, Transcript};
use crate::claude::args::{Resume, relaunch, worktree};
use crate::claude::server;
use crate::claude::transcript::{self, Found};
use crate::escape::escape;
use crate::platform::process;

/// How long what is left of the last claude may take to end after its host was killed, before it is ended.
const PATIENCE: Duration = Duration::from_secs(3);
const PACE: Duration = Duration::from_millis(20);
/// How long a lock that somebody has may turn out to be only looked at.
const LOOK: Duration = Duration::from_millis(50);

const LOCK: &str = "host.lock";

/// Held by the host of a session for as long as it runs, and by whoever starts one until that has it; gone with them,
/// however they end.
pub struct Lock(File);

impl Lock {
    /// Takes the lock of a session.
    ///
    /// # Errors
    /// When another host has it, or the directory cannot be written.
    pub fn take(directory: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(directory.join(LOCK))?;
        let until = Instant::now() + LOOK;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self(file)),
                // Perhaps somebody has only looked whether it is held.
                Err(TryLockError::WouldBlock) if Instant::now() < until => sleep(PACE),
                Err(TryLockError::WouldBlock) => {
                    return Err(io::Error::other("the session has a host already; see `cckw list`"));
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }

    /// Whether a session has a host, or is about to get one.
    pub fn is_held(directory: &Path) -> bool {
        // Two who look do not see each other.
        let held = |file: File| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
        File::open(directory.join(LOCK)).is_ok_and(held)
    }
}

/// The lock as another process has taken it, which has sent it here.
impl From<OwnedFd> for Lock {
    fn from(fd: OwnedFd) -> Self {
        Self(fd.into())
    }
}

/// It stays locked for as long as one duplicate of the descriptor is open anywhere.
impl From<Lock> for OwnedFd {
    fn from(lock: Lock) -> Self {
        lock.0.into()
    }
}

/// What there is to launch a session's claude with.
pub fn look(supervisor: &Supervisor, record: &Record) -> Look {
    let found = match (supervisor.conversation(), transcript::directory()) {
        (Some(id), Some(projects)) => transcript::find(&projects, id, record.claude_cwd().as_deref()),
        _ => Found::Nothing,
    };
    let there_was =
        supervisor.conversation().is_some_and(|id| record.with_transcript.iter().any(|known| known == id));
    Look { transcript: Transcript::new(&found, there_was), fresh: Uuid::new_v4() }
}

/// The arguments of a launch that the supervisor has decided, from those of the first.
pub fn arguments(first: &[OsString], launch: &Launch, record: &Record) -> Vec<OsString> {
    let cwd = record.claude_cwd();
    let worktree = cwd.as_deref().and_then(worktree);
    let how = match launch {
        Launch::Server { goes_on } => return server::relaunch(first, *goes_on),
        Launch::Resume(id) => Resume::Conversation(id),
        Launch::SessionId(id) | Launch::Fresh { id, .. } => Resume::Fresh { id, worktree },
        Launch::AsChosen => Resume::AsChosen,
    };
    relaunch(first, how)
}

/// The directory that claude was first started in, where that is still there: relative arguments count from it, and
/// `--resume` finds a worktree by itself.
pub fn directory(record: &Record) -> Option<PathBuf> {
    Some(PathBuf::from(OsString::from(record.cwd.clone()))).filter(|cwd| cwd.is_dir())
}

/// Whether there is a directory to launch claude in: the one that it was first started in, or that one under another name, in
/// which the host still is.
///
/// # Errors
/// When it was removed. Claude refuses to start there, each time; the reason is for the user.
pub fn check_directory(record: &Record) -> Result<(), String> {
    if directory(record).is_some() || std::env::current_dir().is_ok() {
        return Ok(());
    }
    let gone = PathBuf::from(OsString::from(record.cwd.clone()));
    let elsewhere =
        record.conversation.as_deref().map(|id| format!("; to go on elsewhere: claude --resume {id}"));
    Err(format!("its directory {} is gone{}", escape(&gone), elsewhere.unwrap_or_default()))
}

/// What a new host of this session launches first.
pub fn launch(supervisor: &mut Supervisor, record: &Record) -> Launch {
    let look = look(supervisor, record);
    match supervisor.on(Event::Due { at: Duration::ZERO, look }) {
        Decision::Launch(launch) => launch,
        // A supervisor that has just been made has no reason to decide otherwise.
        _ => Launch::AsChosen,
    }
}

/// Waits until the claude of the host that is gone has ended: two of them would write into one conversation. The kernel has
/// sent it SIGHUP with its host's end; one that does not mind is ended.
pub fn wait_for_the_last_one(record: &Record) {
    let (Some(pid), Some(start)) = (record.claude_pid, &record.claude_start) else { return };
    let pid = Pid::from_raw(pid);
    let lives = || process::look_up(pid).is_some_and(|process| process::is_same_start(start, &process.start));
    for signal in [None, Some(Signal::SIGTERM), Some(Signal::SIGKILL)] {
        if let Some(signal) = signal {
            let _ = kill(pid, signal);
        }
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if !lives() {
                return;
            }
            sleep(PACE);
        }
    }
}

//! Taking up a session whose host is gone: what its record says, and what claude is started with.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use uuid::Uuid;

use super::record::Record;
use super::supervisor::{Decision, Event, Launch, Look, Supervisor, Transcript};
use crate::claude::args::{Resume, relaunch, worktree};
use crate::claude::newest::chosen;
use crate::claude::server;
use crate::claude::transcript::{self, Found};
use crate::escape::escape;
use crate::fleet::Holder;
use crate::platform::files::open_plain;
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
        // A pipe in its place is not waited for.
        options.write(true).create(true).truncate(false).mode(0o600).custom_flags(libc::O_NONBLOCK);
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
        open_plain(&directory.join(LOCK)).is_ok_and(held)
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

/// The conversation that a launch opens, where that can be told before: the one that was open last, else the one that the
/// user's arguments choose.
pub fn conversation(record: &Record) -> Option<String> {
    record.conversation.clone().filter(|id| transcript::is_id(id)).or_else(|| {
        let args: Vec<OsString> = record.args.iter().cloned().map(OsString::from).collect();
        chosen(&args, &PathBuf::from(OsString::from(record.cwd.clone())))
    })
}

/// What there is to launch a session's claude with. `held` is whether another process has the conversation.
pub fn look(supervisor: &Supervisor, record: &Record, held: bool) -> Look {
    let found = match (supervisor.conversation(), transcript::directory()) {
        (Some(id), Some(projects)) => transcript::find(&projects, id, record.claude_cwd().as_deref()),
        _ => Found::Nothing,
    };
    let there_was =
        supervisor.conversation().is_some_and(|id| record.with_transcript.iter().any(|known| known == id));
    Look { transcript: Transcript::new(&found, there_was), fresh: Uuid::new_v4(), held }
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

/// Device and inode of a directory.
pub fn inode(directory: &Path) -> Option<(u64, u64)> {
    fs::metadata(directory).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

/// Makes the directory that claude was first started in this process's own, as it was the first host's. One that has another
/// name by now is only known where this process is in it.
///
/// # Errors
/// When it is gone, or cannot be entered; the reason is for the user.
pub fn enter_directory(record: &Record) -> Result<(), String> {
    match directory(record) {
        Some(cwd) => std::env::set_current_dir(&cwd)
            .map_err(|error| format!("its directory {} cannot be entered: {error}", escape(&cwd))),
        None if record.cwd_inode.is_some() && inode(Path::new(".")) == record.cwd_inode => Ok(()),
        None => Err(is_gone(record)),
    }
}

/// Whether there is a directory to launch claude in: the one that it was first started in, or that one under another name, in
/// which the host still is.
///
/// # Errors
/// When it was removed. Claude refuses to start there, each time; the reason is for the user.
pub fn check_directory(record: &Record) -> Result<(), String> {
    if directory(record).is_some() || std::env::current_dir().is_ok() { Ok(()) } else { Err(is_gone(record)) }
}

fn is_gone(record: &Record) -> String {
    let gone = PathBuf::from(OsString::from(record.cwd.clone()));
    let elsewhere =
        record.conversation.as_deref().map(|id| format!("; to go on elsewhere: claude --resume {id}"));
    format!("its directory {} is gone{}", escape(&gone), elsewhere.unwrap_or_default())
}

/// What a new host of this session launches first; nothing where another process has the conversation: that one.
pub fn launch(supervisor: &mut Supervisor, record: &Record) -> Result<Launch, Box<Holder>> {
    if let Some(holder) = conversation(record).and_then(|id| holder(&id)) {
        return Err(Box::new(holder));
    }
    let look = look(supervisor, record, false);
    match supervisor.on(Event::Due { at: Duration::ZERO, look }) {
        Decision::Launch(launch) => Ok(launch),
        // A supervisor that has just been made has no reason to decide otherwise.
        _ => Ok(Launch::AsChosen),
    }
}

/// Who has the conversation, and keeps it: the claude of the host that is gone may be just ending, without the record
/// ever having named it.
fn holder(id: &str) -> Option<Holder> {
    let until = Instant::now() + PATIENCE;
    loop {
        let holder = Holder::live(id, |_| true)?;
        if Instant::now() >= until {
            return Some(holder);
        }
        sleep(PACE);
    }
}

/// Ends the claude of a launcher that has ended before it, and waits for that.
pub fn end_what_is_left(record: &Record) {
    if let Some(pid) = last_one(record) {
        let _ = kill(pid, Signal::SIGHUP);
        wait_for_the_last_one(record);
    }
}

/// The process that wrote the state file last, while it lives.
fn last_one(record: &Record) -> Option<Pid> {
    let (pid, start) = (Pid::from_raw(record.claude_pid?), record.claude_start.as_ref()?);
    let process = process::look_up(pid)?;
    process::is_same_start(start, &process.start).then_some(pid)
}

/// Waits until the claude of the host that is gone has ended: two of them would write into one conversation. The kernel has
/// sent it SIGHUP with its host's end; one that does not mind is ended.
pub fn wait_for_the_last_one(record: &Record) {
    if record.boot.is_some() && record.boot != process::boot() {
        // It went down with the machine, and starts are counted from there: another process may have both numbers.
        return;
    }
    let Some(pid) = last_one(record) else { return };
    for signal in [None, Some(Signal::SIGTERM), Some(Signal::SIGKILL)] {
        if let Some(signal) = signal {
            let _ = kill(pid, signal);
        }
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if last_one(record).is_none() {
                return;
            }
            sleep(PACE);
        }
    }
}

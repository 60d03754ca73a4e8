//! The PTY of a session, and the process that is started on it.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::pty::{OpenptyResult, Winsize, openpty};
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{Pid, getpid, tcsetpgrp};

use crate::fault;
use crate::os::exit::Exit;
use crate::os::io::{Transfer, read, set_nonblocking};
use crate::os::kill;
use crate::os::process::pid_number;
use crate::os::signals::SignalState;
use crate::os::tty;
use crate::os::tty::{Attributes, Size};
use crate::os::umask;
use crate::registry::environment::Variables;

/// The most of what was left in a PTY that is read and thrown away, in reads of a page.
const MOST_LEFT: usize = 64;

/// Whether the claudes of a session get one PTY, one after the other, which the host keeps open.
///
/// On Linux each one gets a PTY of its own, so that what is left of the last one cannot write into its screen.
/// macOS cannot do that (xnu): the leader of a session cannot let go of its terminal (TIOCNOTTY is EINVAL), nor
/// take another one as long as it has that one (TIOCSCTTY is EPERM), and where `/dev/tty` was opened once, it
/// has it until it ends. There the last slave that is closed also throws away what was not read. A test can
/// have it so on Linux, too.
fn is_kept() -> bool {
    cfg!(target_os = "macos") || fault::is_set("one-pty")
}

/// A PTY that is the controlling terminal of this process, and that no claude has.
pub struct Pty {
    /// What claude writes is read here; non-blocking, also for the client, which gets a duplicate.
    pub master: OwnedFd,
    slave: OwnedFd,
}

/// What was started on a PTY.
pub struct Spawned {
    /// The PTY.
    pub master: OwnedFd,
    /// The program.
    pub child: Child,
    /// The PTY's slave, where it is kept for the next program.
    pub kept: Option<OwnedFd>,
}

impl Pty {
    /// Opens a PTY with this size and these attributes, before anything runs on it.
    ///
    /// This process must be a session leader without a terminal.
    ///
    /// # Errors
    /// When the system has no PTY left, or refuses it.
    pub fn open(size: Size, attributes: &Attributes) -> io::Result<Self> {
        let OpenptyResult { master, slave } = openpty(&Winsize::from(size), &attributes.to_termios())?;
        // openpty(3) cannot do this by itself; nothing else starts programs meanwhile.
        fcntl(&master, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
        fcntl(&slave, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
        set_nonblocking(&master)?;
        tty::make_controlling(&slave)?;
        Ok(Self { master, slave })
    }

    /// The PTY of the last program, which was kept, as a new one would be: its foreground job is hung up, and
    /// nothing is left in it.
    ///
    /// # Errors
    /// When no descriptor is left.
    pub fn again(master: &OwnedFd, slave: &OwnedFd, size: Size, attributes: &Attributes) -> io::Result<Self> {
        tty::hang_up_foreground(master);
        tty::make_as_new(slave, attributes)?;
        discard(master);
        tty::set_size(master, size)?;
        Ok(Self { master: master.try_clone()?, slave: slave.try_clone()? })
    }

    /// Starts a program in a process group of its own, in the foreground of the PTY, with the signal state
    /// that cckw was started with.
    ///
    /// Where the slave is not kept, what has it open from now on is claude's, so that the end of the last of
    /// them shows.
    ///
    /// # Errors
    /// When the program cannot be executed.
    pub fn spawn(
        self,
        program: &Path,
        args: &[OsString],
        environment: &Variables,
        cwd: Option<&Path>,
        stderr: Option<OwnedFd>,
        signals: &SignalState,
    ) -> io::Result<Spawned> {
        let kept = is_kept().then(|| self.slave.try_clone()).transpose()?;
        let mut command = Command::new(program);
        if let Some(cwd) = cwd {
            command.current_dir(cwd);
        }
        command.arg0(program.file_name().unwrap_or(program.as_os_str())).args(args);
        command.stdin(Stdio::from(self.slave.try_clone()?)).stdout(Stdio::from(self.slave.try_clone()?));
        command.stderr(Stdio::from(stderr.unwrap_or(self.slave)));
        command.process_group(0);
        let signals = signals.clone();
        let prepare = move || {
            // A background group may not take the terminal: the signal that says so would stop the child
            // here.
            let mut blocked = SigSet::empty();
            blocked.add(Signal::SIGTTOU);
            blocked.thread_block()?;
            tcsetpgrp(io::stdin(), getpid())?;
            umask::restore();
            signals.restore()
        };
        // SAFETY: between fork and exec it makes system calls only; `io::stdin` names descriptor 0 and takes
        // no lock.
        unsafe { command.pre_exec(prepare) };
        environment.apply(&mut command);
        // std's own handle is not kept: it knows nothing of stopped children, and waiting is done here.
        let pid = command.spawn()?.id();
        let child = Child { pid: Pid::from_raw(pid as i32), stopped: false, ended: false };
        Ok(Spawned { master: self.master, child, kept })
    }
}

/// Reads what is left in a PTY, and throws it away.
fn discard(master: &OwnedFd) {
    let mut left = [0; 4096];
    let mut reads = std::iter::repeat_with(|| read(master, &mut left)).take(MOST_LEFT);
    // Nothing more comes, or too much.
    let _ = reads.find(|found| !matches!(found, Transfer::Moved(_)));
}

/// The process that was started, which leads a process group.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Child {
    #[serde(with = "pid_number")]
    pid: Pid,
    #[serde(default)]
    stopped: bool,
    #[serde(default)]
    ended: bool,
}

/// What became of the child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A signal of this number has stopped it.
    Stopped(i32),
    /// It goes on.
    Continued,
    Ended(Exit),
}

impl Child {
    /// Its pid, which is also the id of its process group.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Whether it is stopped, as far as the system has said.
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// What happened to it since the last call, after SIGCHLD. Portable, and with every signal there is: nix
    /// knows no real-time signals, and has no waitid(2) for macOS.
    pub fn poll(&mut self) -> Option<Change> {
        if self.ended {
            return None;
        }
        let mut status = 0;
        let flags = libc::WNOHANG | libc::WUNTRACED | libc::WCONTINUED;
        // SAFETY: `status` is a number that the call may write to.
        let found = unsafe { libc::waitpid(self.pid.as_raw(), &mut status, flags) };
        if found != self.pid.as_raw() {
            return None;
        }
        let change = if libc::WIFSTOPPED(status) {
            Change::Stopped(libc::WSTOPSIG(status))
        } else if libc::WIFSIGNALED(status) {
            Change::Ended(Exit::Signal(libc::WTERMSIG(status)))
        } else if libc::WIFEXITED(status) {
            Change::Ended(Exit::Code(libc::WEXITSTATUS(status)))
        } else {
            Change::Continued
        };
        self.stopped = matches!(change, Change::Stopped(_));
        self.ended = matches!(change, Change::Ended(_));
        Some(change)
    }

    /// Sends a signal to the child alone. Never after its end, when the pid may be another process's.
    pub fn signal(&self, number: i32) {
        if !self.ended {
            let _ = kill::to_child(self.pid, number);
        }
    }

    /// Sends a signal to its process group.
    pub fn signal_group(&self, number: i32) {
        if !self.ended {
            let _ = kill::to_group(self.pid, number);
        }
    }
}

/// Tells the program in the foreground of a terminal to look at its size again, as SIGWINCH does after a
/// change.
pub fn nudge(master: &OwnedFd) {
    if let Some(group) = tty::foreground_group(master) {
        let _ = kill::to_foreground_group(group, libc::SIGWINCH);
    }
}

/// Makes the program in the foreground of a terminal draw everything anew, which many do only for a size that
/// is new.
pub fn jiggle(master: &OwnedFd, size: Size) {
    let _ = tty::set_size(master, Size { columns: size.columns.saturating_sub(1).max(1), ..size });
}

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

use crate::os::exit::Exit;
use crate::os::io::set_nonblocking;
use crate::os::kill;
use crate::os::process::pid_number;
use crate::os::signals::SignalState;
use crate::os::tty;
use crate::os::tty::{Attributes, Size};
use crate::os::umask;
use crate::registry::environment::Variables;

/// A new PTY, which is the controlling terminal of this process.
pub struct Pty {
    /// What claude writes is read here; non-blocking, also for the client, which gets a duplicate.
    pub master: OwnedFd,
    slave: OwnedFd,
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

    /// Starts a program in a process group of its own, in the foreground of the PTY, with the signal state
    /// that cckw was started with. Gives the master and the child.
    ///
    /// The slave is not kept: what has it open from now on is claude's, so that the end of the last of them
    /// shows.
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
    ) -> io::Result<(OwnedFd, Child)> {
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
        Ok((self.master, Child { pid: Pid::from_raw(pid as i32), stopped: false, ended: false }))
    }
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
        let _ = kill::to_group(group, libc::SIGWINCH);
    }
}

/// Makes the program in the foreground of a terminal draw everything anew, which many do only for a size that
/// is new.
pub fn jiggle(master: &OwnedFd, size: Size) {
    let _ = tty::set_size(master, Size { columns: size.columns.saturating_sub(1).max(1), ..size });
}

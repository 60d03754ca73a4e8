//! A process that gives a terminal back where the one that has it in raw mode is killed.
//!
//! A host does that for its client. While a client has no host, or may be killed together with it, nobody would: bash and zsh set the
//! terminal as they want it, dash leaves it raw.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::signal::SigSet;
use nix::unistd::{ForkResult, Pid, dup2_stdin, dup2_stdout, fork, setpgid};

use super::process;
use super::tty::Attributes;

/// How long its end is waited for. It has nothing left to do then.
const END_TIMEOUT: Duration = Duration::from_millis(100);

/// How long a terminal that is full may take to have room, in milliseconds.
const ROOM_TIMEOUT_MS: u16 = 3000;
const MOST_WRITES: usize = 8;

/// Stands by until it is dropped.
pub struct TerminalGuard {
    /// Its other end reads as ended when this process is gone.
    lifeline: OwnedFd,
    child: Pid,
}

impl TerminalGuard {
    /// Starts one. Where this process ends without dropping it, and the terminal is still in raw mode, it sets
    /// `original` and writes `undo`.
    ///
    /// # Errors
    /// When no pipe or process can be made.
    pub fn start(tty: impl AsFd, original: &Attributes, undo: &str) -> io::Result<Self> {
        let (end, lifeline) = io::pipe()?;
        let raw = libc::termios::from(original.raw().to_termios());
        let original = libc::termios::from(original.to_termios());
        // SAFETY: the child makes system calls only, allocates nothing, and does not return.
        match unsafe { fork() }? {
            ForkResult::Parent { child } => Ok(Self { lifeline: lifeline.into(), child }),
            ForkResult::Child => {
                stand_by(tty.as_fd(), end.as_fd(), &raw, &original, undo.as_bytes());
                // SAFETY: ends the process, and runs nothing of its parent's.
                unsafe { libc::_exit(0) }
            }
        }
    }
}

impl Drop for TerminalGuard {
    fn drop(&mut self) {
        let _ = nix::unistd::write(&self.lifeline, b"!");
        process::wait_for_child(self.child, END_TIMEOUT);
    }
}

/// In the new process: waits for a byte, or for the end of the other one.
fn stand_by(
    tty: BorrowedFd<'_>,
    end: BorrowedFd<'_>,
    raw: &libc::termios,
    original: &libc::termios,
    undo: &[u8],
) {
    // It is of no job, and what is sent to one is not for it. SIGTTOU among the rest: it sets the terminal from the background.
    let _ = SigSet::all().thread_block();
    let _ = setpgid(Pid::from_raw(0), Pid::from_raw(0));
    // The connection to the host is to end with the other process.
    if dup2_stdin(tty).is_err() || dup2_stdout(end).is_err() {
        return;
    }
    close_from(2);
    let mut byte = [0];
    // SAFETY: descriptor 1 is the pipe, and open until the end of this process.
    let end = unsafe { BorrowedFd::borrow_raw(1) };
    if nix::unistd::read(end, &mut byte) == Ok(0) && is_set(0, raw) {
        // SAFETY: reads the struct, which is whole.
        unsafe { libc::tcsetattr(0, libc::TCSANOW, original) };
        // SAFETY: descriptor 0 is the terminal, and open until the end of this process.
        write_soon(unsafe { BorrowedFd::borrow_raw(0) }, undo);
    }
}

/// Writes to a terminal that may be full, but waits for room for a bounded time only.
fn write_soon(tty: BorrowedFd<'_>, mut bytes: &[u8]) {
    // One wait for room is followed by a write; a terminal that takes a byte at a time is not waited for again and again.
    for _ in 0..MOST_WRITES {
        match nix::unistd::write(tty, bytes) {
            Ok(count) if count == bytes.len() => return,
            Ok(count) => bytes = &bytes[count..],
            Err(nix::Error::EAGAIN) => {
                let mut fds = [PollFd::new(tty, PollFlags::POLLOUT)];
                if !matches!(poll(&mut fds, ROOM_TIMEOUT_MS), Ok(1)) {
                    return;
                }
            }
            Err(_) => return,
        }
    }
}

/// Whether a terminal has these attributes. No line editor of a shell has set others by now.
fn is_set(tty: RawFd, wanted: &libc::termios) -> bool {
    let mut now = *wanted;
    // SAFETY: fills the struct.
    let known = unsafe { libc::tcgetattr(tty, &raw mut now) } == 0;
    known
        && now.c_iflag == wanted.c_iflag
        && now.c_oflag == wanted.c_oflag
        && now.c_cflag == wanted.c_cflag
        && now.c_lflag == wanted.c_lflag
        && now.c_cc == wanted.c_cc
}

/// Closes all descriptors from this number on. Between fork and the end of the process only.
fn close_from(first: RawFd) {
    /// Where the system has no call for it, so many are closed one by one. More than a client ever has.
    const MANY: RawFd = 1024;
    #[cfg(target_os = "linux")]
    {
        // SAFETY: nothing in this process uses them any more.
        if unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, 0) } == 0 {
            return;
        }
    }
    for number in first..MANY {
        // SAFETY: nothing in this process uses it any more.
        unsafe { libc::close(number) };
    }
}

//! A process that gives a terminal back where nobody else is left to do it.
//!
//! The host does that for a client that is killed, and the client for a host. Where both are killed, the
//! later one may have had no time to act. So this process stands by for as long as a client has the terminal:
//! it waits in one read(2), and holds the terminal, two pipes and two pages of memory. The client has the
//! other end of one pipe, and its host that of the other. A byte means that there is nothing to do. The end
//! of the client's pipe means that it was killed. Then the host has some seconds for its byte: one that is
//! stopped or hangs gives no terminal back, and what it would do much later would disturb what runs there by
//! then.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::signal::{SigSet, SigmaskHow};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, dup2_stderr, dup2_stdin, dup2_stdout, fork, setpgid};

use super::tty::Attributes;

/// How long its end is waited for, in milliseconds. It has nothing left to do then.
const END_TIMEOUT_MS: u16 = 100;

/// How long the host of a client that was killed may take to give the terminal back, in milliseconds.
const HOST_TIMEOUT_MS: u16 = 3000;

/// How long a terminal that is full may take to have room, in milliseconds.
const ROOM_TIMEOUT_MS: u16 = 3000;
const MOST_WRITES: usize = 8;

/// The most bytes that it can be told to write: with all that the mode tracker counts there are half as many.
const MOST_UNDO: usize = 3000;

/// Stands by until it is dropped.
pub struct TerminalGuard {
    /// Reads as ended on the other side when this process is gone.
    lifeline: OwnedFd,
    /// The same for the host, which gets a copy of it.
    lifeline_of_host: OwnedFd,
    child: Pid,
    memory: Memory,
}

impl TerminalGuard {
    /// Starts one. It does nothing until it is told what there is to do.
    ///
    /// `original` gives the attributes that this terminal has in raw mode.
    ///
    /// # Errors
    /// When no pipe, memory or process can be made.
    pub fn start(tty: impl AsFd, original: &Attributes) -> io::Result<Self> {
        let (end, lifeline) = io::pipe()?;
        let (end_of_host, lifeline_of_host) = io::pipe()?;
        let memory = Memory::new()?;
        let raw = libc::termios::from(original.raw().to_termios());
        // The child has this process's handlers, and would tell it of a signal once more.
        let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
        // SAFETY: the child makes system calls only, allocates nothing, and does not return.
        let forked = unsafe { fork() };
        if !matches!(forked, Ok(ForkResult::Child)) {
            before.thread_set_mask()?;
        }
        match forked? {
            ForkResult::Parent { child } => Ok(Self {
                lifeline: lifeline.into(),
                lifeline_of_host: lifeline_of_host.into(),
                child,
                memory,
            }),
            ForkResult::Child => {
                stand_by(tty.as_fd(), end.as_fd(), end_of_host.as_fd(), &raw, &memory);
                // SAFETY: ends the process, and runs nothing of its parent's.
                unsafe { libc::_exit(0) }
            }
        }
    }

    /// What it is to do, from now on: where `is_raw` says that the terminal is the client's, to set these
    /// attributes if the terminal is still in raw mode, and to write `undo`.
    pub fn tell(&self, is_raw: bool, original: &Attributes, undo: &str) {
        self.memory.write(is_raw, &libc::termios::from(original.to_termios()), undo.as_bytes());
    }

    /// For the host, which is left when this process is killed. It calls [`all_is_done`] when it has given
    /// the terminal back.
    ///
    /// # Errors
    /// When no descriptor is left.
    pub fn for_host(&self) -> io::Result<OwnedFd> {
        self.lifeline_of_host.try_clone()
    }

    /// Whether it still stands by.
    pub fn is_there(&self) -> bool {
        !has_gone(&self.lifeline)
    }
}

impl Drop for TerminalGuard {
    fn drop(&mut self) {
        all_is_done(&self.lifeline);
        // Once its descriptors are closed it is past being stopped, and has ended in a moment.
        if is_closed(self.lifeline.as_fd(), END_TIMEOUT_MS) {
            let _ = waitpid(self.child, None);
        }
    }
}

/// Tells the guard that there is nothing for it to do any more, whatever becomes of this process.
pub fn all_is_done(lifeline: impl AsFd) {
    // Where that fails it has gone.
    let _ = nix::unistd::write(lifeline, b"!");
}

/// Whether the guard has ended at the other end of this pipe.
pub fn has_gone(lifeline: impl AsFd) -> bool {
    is_closed(lifeline.as_fd(), 0)
}

/// Whether nobody has the other end of a pipe to write to, or will have none within some time, in
/// milliseconds.
fn is_closed(pipe: BorrowedFd<'_>, timeout_ms: u16) -> bool {
    // That counts as an error on this end. macOS tells of it only where something is asked for.
    let mut fds = [PollFd::new(pipe, PollFlags::POLLHUP)];
    matches!(poll(&mut fds, timeout_ms), Ok(1))
}

/// What there is to do, at one moment.
#[repr(C)]
struct Orders {
    is_raw: bool,
    original: libc::termios,
    undo_len: usize,
    undo: [u8; MOST_UNDO],
}

/// What two processes share. All zero is valid.
#[repr(C)]
struct Shared {
    /// Which of the orders count. The others may be half-written by somebody who was killed.
    current: AtomicUsize,
    orders: [Orders; 2],
}

/// Memory that a process shares with those that it forks.
struct Memory(NonNull<Shared>);

impl Memory {
    fn new() -> io::Result<Self> {
        let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANON);
        // SAFETY: asks for new memory, wherever there is room.
        let place =
            unsafe { libc::mmap(std::ptr::null_mut(), size_of::<Shared>(), protection, flags, -1, 0) };
        if place == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        NonNull::new(place.cast()).map(Self).ok_or_else(|| io::ErrorKind::OutOfMemory.into())
    }

    fn current(&self) -> &AtomicUsize {
        // SAFETY: the memory is there as long as this is, and was zero at first.
        unsafe { &(*self.0.as_ptr()).current }
    }

    fn write(&self, is_raw: bool, original: &libc::termios, undo: &[u8]) {
        let next = 1 - self.current().load(Ordering::Relaxed) % 2;
        // SAFETY: nobody reads these orders before they are the current ones, and no other thread writes any.
        let orders = unsafe { &mut (*self.0.as_ptr()).orders[next] };
        // More than that is no undoing; half of a sequence would do harm.
        let undo = if undo.len() <= MOST_UNDO { undo } else { &[] };
        (orders.is_raw, orders.original, orders.undo_len) = (is_raw, *original, undo.len());
        orders.undo[..undo.len()].copy_from_slice(undo);
        self.current().store(next, Ordering::Release);
    }

    /// For the process that reads when the one that writes has ended.
    fn read(&self) -> &Orders {
        let current = self.current().load(Ordering::Acquire) % 2;
        // SAFETY: they were written before they became the current ones, and the one who would change them
        // has ended.
        unsafe { &(*self.0.as_ptr()).orders[current] }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: it was mapped with this size, and nothing refers to it any more.
        unsafe { libc::munmap(self.0.as_ptr().cast(), size_of::<Shared>()) };
    }
}

/// In the new process: waits for a byte, or for the end of the others.
fn stand_by(
    tty: BorrowedFd<'_>,
    end: BorrowedFd<'_>,
    end_of_host: BorrowedFd<'_>,
    raw: &libc::termios,
    memory: &Memory,
) {
    // It is of no job, and what is sent to one is not for it. All signals are blocked, SIGTTOU among them: it
    // sets the terminal from the background.
    let _ = setpgid(Pid::from_raw(0), Pid::from_raw(0));
    #[cfg(target_os = "linux")]
    {
        // SAFETY: reads a string that ends with a zero.
        unsafe { libc::prctl(libc::PR_SET_NAME, c"cckw-guard".as_ptr()) };
    }
    // The connection to the host is to end with the other process.
    if dup2_stdin(tty).is_err() || dup2_stdout(end).is_err() || dup2_stderr(end_of_host).is_err() {
        return;
    }
    close_from(3);
    // SAFETY: descriptor 1 is the client's pipe, and open until the end of this process.
    let end = unsafe { BorrowedFd::borrow_raw(1) };
    // SAFETY: descriptor 2 is the host's pipe, and open until the end of this process.
    let end_of_host = unsafe { BorrowedFd::borrow_raw(2) };
    let is_needed = has_ended(end) && {
        // Where the host takes too long, or has no end of the pipe any more, nobody gives the terminal back.
        let mut fds = [PollFd::new(end_of_host, PollFlags::POLLIN)];
        !matches!(poll(&mut fds, HOST_TIMEOUT_MS), Ok(1)) || has_ended(end_of_host)
    };
    let orders = memory.read();
    if !is_needed || !orders.is_raw {
        return;
    }
    if is_set(0, raw) {
        // SAFETY: reads the struct, which is whole.
        unsafe { libc::tcsetattr(0, libc::TCSANOW, &raw const orders.original) };
    }
    // bash and zsh have set the attributes by now, perhaps; the modes they leave.
    let undo = orders.undo.get(..orders.undo_len).unwrap_or_default();
    // SAFETY: descriptor 0 is the terminal, and open until the end of this process.
    write_soon(unsafe { BorrowedFd::borrow_raw(0) }, undo);
}

/// Waits for a byte on a pipe or for the end of those that have its other end: whether it was that.
fn has_ended(pipe: BorrowedFd<'_>) -> bool {
    let mut byte = [0];
    loop {
        match nix::unistd::read(pipe, &mut byte) {
            Err(nix::Error::EINTR) => {}
            read => return read == Ok(0),
        }
    }
}

/// Writes to a terminal that may be full, but waits for room for a bounded time only.
fn write_soon(tty: BorrowedFd<'_>, mut bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    // One wait for room is followed by a write; a terminal that takes a byte at a time is not waited for
    // again and again.
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

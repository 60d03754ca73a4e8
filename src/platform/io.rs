//! Reads and writes on non-blocking descriptors, with their outcomes as values.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// What one non-blocking read or write came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// So many bytes were moved; never zero.
    Moved(usize),
    /// Nothing can be moved now.
    Blocked,
    /// The other side is gone: end of file, EIO (how Linux says it for a PTY), EPIPE.
    Gone,
}

/// Reads once. EINTR is retried; any error but EAGAIN means that the other side is gone.
pub fn read(fd: impl AsFd, buffer: &mut [u8]) -> Outcome {
    loop {
        match unistd::read(fd.as_fd(), buffer) {
            Ok(0) => return Outcome::Gone,
            Ok(n) => return Outcome::Moved(n),
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => return Outcome::Blocked,
            Err(_) => return Outcome::Gone,
        }
    }
}

/// Writes once. EINTR is retried; any error but EAGAIN means that the other side is gone.
pub fn write(fd: impl AsFd, bytes: &[u8]) -> Outcome {
    loop {
        match unistd::write(fd.as_fd(), bytes) {
            Ok(0) => return Outcome::Blocked,
            Ok(n) => return Outcome::Moved(n),
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => return Outcome::Blocked,
            Err(_) => return Outcome::Gone,
        }
    }
}

/// Makes the open file description behind `fd` non-blocking, for every descriptor that shares it.
///
/// # Errors
/// What fcntl(2) says.
pub fn set_nonblocking(fd: impl AsFd) -> io::Result<()> {
    let flags = fcntl(fd.as_fd(), FcntlArg::F_GETFL)?;
    let flags = OFlag::from_bits_retain(flags) | OFlag::O_NONBLOCK;
    fcntl(fd.as_fd(), FcntlArg::F_SETFL(flags))?;
    Ok(())
}

/// Registers `fd` with the event loop, for reading.
///
/// # Errors
/// When the descriptor cannot be registered.
pub fn readable(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: the registration owns the descriptor, which therefore stays open for as long.
    Ok(unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }?)
}

/// The most that one read of a PTY gives on Linux, in bytes (N_TTY_BUF_SIZE less one); more may be there then.
const WHOLE_READ: usize = 4095;

/// Reads once from a registered terminal, if it may have something.
///
/// A read that gave less than it could has taken all there was (Linux copies until the buffer is empty), and what comes
/// after it raises a new event. So it is not read once more only to hear that there is nothing, which would keep
/// the core from whoever was just woken.
pub fn read_ready(fd: &AsyncFd<OwnedFd>, buffer: &mut [u8]) -> Outcome {
    let mut context = Context::from_waker(Waker::noop());
    let mut guard = match fd.poll_read_ready(&mut context) {
        Poll::Ready(Ok(guard)) => guard,
        Poll::Ready(Err(_)) => return Outcome::Gone,
        Poll::Pending => return Outcome::Blocked,
    };
    let outcome = read(fd, buffer);
    match outcome {
        Outcome::Blocked => guard.clear_ready(),
        Outcome::Moved(count) if cfg!(target_os = "linux") && count < WHOLE_READ.min(buffer.len()) => {
            guard.clear_ready()
        }
        _ => guard.retain_ready(),
    }
    outcome
}

/// A descriptor's readiness for writing, asked for only while it is needed.
///
/// Left registered, it would wake the process each time the reader makes room, wanted or not: once for each key that
/// is echoed. Registered anew for each wait, it would cost two system calls more each time.
#[derive(Default)]
pub struct Room {
    registered: Option<AsyncFd<OwnedFd>>,
}

impl Room {
    /// Begins to watch for room in `fd`, which has just said that it has none.
    pub fn want(&mut self, fd: BorrowedFd<'_>) {
        if let Some(registered) = &self.registered {
            let mut context = Context::from_waker(Waker::noop());
            if let Poll::Ready(Ok(mut guard)) = registered.poll_write_ready(&mut context) {
                guard.clear_ready();
            }
            return;
        }
        // Of a duplicate, which is open for as long as the registration lasts.
        let Ok(duplicate) = fd.try_clone_to_owned() else { return };
        // SAFETY: the registration owns the descriptor, which therefore stays open for as long.
        self.registered = unsafe { AsyncFd::register_with_interest(duplicate, Interest::WRITABLE) }.ok();
    }

    /// Stops to watch.
    pub fn forget(&mut self) {
        self.registered = None;
    }

    /// Waits until there may be room. May be dropped at any time.
    pub async fn wait(&self) {
        let ready = match &self.registered {
            Some(registered) => registered.writable().await.map(|mut guard| guard.retain_ready()).is_ok(),
            None => false,
        };
        if !ready {
            // It could not be registered, for want of descriptors: trying is all that is left, once in a while.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

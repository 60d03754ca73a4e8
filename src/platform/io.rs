//! Reads and writes on non-blocking descriptors, with their outcomes as values.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

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

/// Waits until `fd` can be written.
///
/// The descriptor is registered for this wait alone. Left registered, it would wake the process
/// each time the reader makes room, wanted or not: once for each key that is echoed.
///
/// # Errors
/// When the descriptor cannot be registered.
pub async fn writable(fd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: the descriptor stays open for as long as it is borrowed, and the registration ends before.
    let registered = unsafe { AsyncFd::register_with_interest(fd, Interest::WRITABLE) }?;
    registered.writable().await?.retain_ready();
    Ok(())
}

//! Reads and writes on non-blocking descriptors, with their outcomes as values.

use std::io;
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd;

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

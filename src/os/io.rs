//! Reads and writes on non-blocking descriptors, with their outcomes as values.

use std::io;
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd;

/// What one non-blocking read or write came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transfer {
    /// So many bytes were moved; never zero.
    Moved(usize),
    /// Nothing can be moved now.
    Blocked,
    /// The other side is gone: end of file, EIO (how Linux says it for a PTY), EPIPE.
    Gone,
}

/// Reads once. EINTR is retried; any error but EAGAIN means that the other side is gone.
pub fn read(fd: impl AsFd, buffer: &mut [u8]) -> Transfer {
    loop {
        match unistd::read(fd.as_fd(), buffer) {
            Ok(0) => return Transfer::Gone,
            Ok(n) => return Transfer::Moved(n),
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => return Transfer::Blocked,
            Err(_) => return Transfer::Gone,
        }
    }
}

/// Writes once. EINTR is retried; any error but EAGAIN means that the other side is gone.
pub fn write(fd: impl AsFd, bytes: &[u8]) -> Transfer {
    loop {
        match unistd::write(fd.as_fd(), bytes) {
            Ok(0) => return Transfer::Blocked,
            Ok(n) => return Transfer::Moved(n),
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => return Transfer::Blocked,
            Err(_) => return Transfer::Gone,
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

/// Whether the open file description behind `fd` is non-blocking.
pub fn is_nonblocking(fd: impl AsFd) -> bool {
    fcntl(fd.as_fd(), FcntlArg::F_GETFL).is_ok_and(|flags| flags & libc::O_NONBLOCK != 0)
}

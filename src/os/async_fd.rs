//! Waiting for a descriptor in tokio's loop.

use std::io;
use std::os::fd::OwnedFd;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Has tokio's loop wait for this descriptor, inside the runtime.
///
/// # Errors
/// When the system cannot wait for what it leads to, or is out of room for it.
pub fn watch(fd: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: the descriptor is owned by what this returns, which never gives it away: it is open until that is dropped.
    unsafe { AsyncFd::register_with_interest(fd, interest) }.map_err(Into::into)
}

//! Says when a file system was mounted or unmounted. Such a change is no event of the directories that it
//! covers.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

/// Reports an error to poll(2), once after each change. It has nothing to read.
pub struct Mounts {
    #[cfg(target_os = "linux")]
    table: std::fs::File,
    #[cfg(not(target_os = "linux"))]
    queue: nix::sys::event::Kqueue,
}

#[cfg(target_os = "linux")]
impl Mounts {
    /// Watches the mounts that this process sees.
    ///
    /// # Errors
    /// When `/proc` is not there, or no descriptor is left.
    pub fn new() -> io::Result<Self> {
        // proc_pid_mountinfo(5): poll(2) reports POLLERR and POLLPRI after a change.
        Ok(Self { table: std::fs::File::open("/proc/self/mountinfo")? })
    }
}

#[cfg(target_os = "linux")]
impl AsFd for Mounts {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.table.as_fd()
    }
}

/// Never run: see `docs/user/platforms.md`.
#[cfg(not(target_os = "linux"))]
impl Mounts {
    /// Watches nothing: what is mounted is seen at the next change of the session's files.
    ///
    /// # Errors
    /// When no descriptor is left.
    pub fn new() -> io::Result<Self> {
        Ok(Self { queue: nix::sys::event::Kqueue::new()? })
    }
}

#[cfg(not(target_os = "linux"))]
impl AsFd for Mounts {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::os::poll::{Interest, Poll};

    #[test]
    fn without_a_change_nothing_is_reported() {
        let mounts = Mounts::new().expect("a table");
        let mut poll = Poll::default();
        // The first look may tell of a change that came in between.
        for is_first in [true, false] {
            poll.clear();
            let place = poll.add(&mounts, Interest::End);
            poll.wait(Some(Duration::ZERO)).expect("waits");
            assert!(is_first || !poll.is_ready(place));
        }
    }
}

//! The end of a process that is no child of this one, as something to wait for. Nothing wakes up before.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::unistd::Pid;

use super::process;

/// Has something to read when the process has ended, with all its threads.
#[derive(Debug)]
pub struct ProcessEnd {
    #[cfg(target_os = "linux")]
    process: std::os::fd::OwnedFd,
    #[cfg(not(target_os = "linux"))]
    queue: nix::sys::event::Kqueue,
}

impl ProcessEnd {
    /// Watches the process with this pid that started then; nothing where it is gone.
    ///
    /// # Errors
    /// When the system cannot do this (Linux before 5.3), or no descriptor is left.
    pub fn watch(pid: Pid, start: &str) -> io::Result<Option<Self>> {
        let Some(watch) = Self::of(pid)? else { return Ok(None) };
        // Compared afterwards: what is watched keeps its pid until it has been waited for.
        let is_the_one = process::look_up(pid).is_some_and(|found| found.start == start);
        Ok(is_the_one.then_some(watch))
    }

    #[cfg(target_os = "linux")]
    fn of(pid: Pid) -> io::Result<Option<Self>> {
        use rustix::process::{PidfdFlags, pidfd_open};
        let named = rustix::process::Pid::from_raw(pid.as_raw()).ok_or(io::ErrorKind::InvalidInput)?;
        match pidfd_open(named, PidfdFlags::empty()) {
            Ok(process) => Ok(Some(Self { process })),
            Err(rustix::io::Errno::SRCH) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Never run: see `docs/user/platforms.md`.
    #[cfg(not(target_os = "linux"))]
    fn of(pid: Pid) -> io::Result<Option<Self>> {
        use nix::sys::event::{EvFlags, EventFilter, FilterFlag, KEvent, Kqueue};
        let queue = Kqueue::new()?;
        let flags = EvFlags::EV_ADD | EvFlags::EV_ONESHOT;
        let event =
            KEvent::new(pid.as_raw() as usize, EventFilter::EVFILT_PROC, flags, FilterFlag::NOTE_EXIT, 0, 0);
        let at_once = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        match queue.kevent(&[event], &mut [], Some(at_once)) {
            Ok(_) => Ok(Some(Self { queue })),
            Err(nix::errno::Errno::ESRCH) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl AsFd for ProcessEnd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        #[cfg(target_os = "linux")]
        return self.process.as_fd();
        #[cfg(not(target_os = "linux"))]
        return self.queue.as_fd();
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::*;
    use crate::os::poll::{Interest, Poll};

    fn is_over(end: &ProcessEnd, wait: Duration) -> bool {
        let mut poll = Poll::default();
        let place = poll.add(end, Interest::Reading);
        poll.wait(Some(wait)).expect("waits");
        poll.is_ready(place)
    }

    #[test]
    fn the_end_is_told_and_only_of_the_process_that_was_meant() {
        let mut child = Command::new("/bin/sleep").arg("600").spawn().expect("sleep");
        let pid = Pid::from_raw(child.id() as i32);
        let start = process::look_up(pid).expect("a process").start;
        let end = ProcessEnd::watch(pid, &start).expect("watches").expect("is there");
        assert!(!is_over(&end, Duration::ZERO));
        // A later process with its pid.
        assert!(ProcessEnd::watch(pid, "1").expect("watches").is_none());
        child.kill().expect("ends");
        assert!(is_over(&end, Duration::from_secs(60)));
        child.wait().expect("ends");
        assert!(ProcessEnd::watch(pid, &start).expect("watches").is_none());
    }
}

//! Waiting for several descriptors at once.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

/// What is waited for. An end or an error of the other side counts as both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    /// Something to read.
    Reading,
    /// Room to write.
    Writing,
    /// Either.
    Both,
    /// Neither: its end or an error alone.
    End,
}

/// A descriptor in a `Poll`, for asking about it afterwards.
#[derive(Debug, Clone, Copy)]
pub struct Place(usize);

/// One wait. poll(2) rather than an event loop: between what was moved and the next sleep there is one system call, and
/// whoever was woken by it gets the core at once. Measured in `docs/benchmarks.md`.
#[derive(Default)]
pub struct Poll {
    fds: Vec<libc::pollfd>,
}

impl Poll {
    /// Forgets all descriptors.
    pub fn clear(&mut self) {
        self.fds.clear();
    }

    /// Adds a descriptor, which must stay open until the wait is over.
    pub fn add(&mut self, fd: impl AsFd, what: For) -> Place {
        let events = match what {
            For::Reading => libc::POLLIN,
            For::Writing => libc::POLLOUT,
            For::Both => libc::POLLIN | libc::POLLOUT,
            For::End => 0,
        };
        self.fds.push(libc::pollfd { fd: fd.as_fd().as_raw_fd(), events, revents: 0 });
        Place(self.fds.len() - 1)
    }

    /// Waits until something is ready, a signal comes, or the time is over; without a time for ever.
    ///
    /// # Errors
    /// When the system is out of memory. A signal is not an error: then nothing is ready.
    pub fn wait(&mut self, time: Option<Duration>) -> io::Result<()> {
        let milliseconds = match time {
            // Rounded up: a wait that ends early would be followed by one of no time at all, again and again.
            Some(time) => i32::try_from(time.as_micros().div_ceil(1000)).unwrap_or(i32::MAX),
            None => -1,
        };
        let count = self.fds.len() as libc::nfds_t;
        // SAFETY: the array is as long as its length says; closed descriptors are reported, not touched.
        if unsafe { libc::poll(self.fds.as_mut_ptr(), count, milliseconds) } < 0 {
            let error = io::Error::last_os_error();
            for fd in &mut self.fds {
                fd.revents = 0;
            }
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Whether this descriptor has what was waited for.
    pub fn is_ready(&self, place: Place) -> bool {
        self.fds.get(place.0).is_some_and(|fd| fd.revents != 0)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn what_is_ready_is_told_from_what_is_not() {
        let (quiet, _open) = io::pipe().expect("a pipe");
        let (loud, mut write) = io::pipe().expect("a pipe");
        write.write_all(b"x").expect("writes");
        let mut poll = Poll::default();
        let (quiet, loud) = (poll.add(&quiet, For::Reading), poll.add(&loud, For::Reading));
        poll.wait(None).expect("waits");
        assert_eq!((poll.is_ready(quiet), poll.is_ready(loud)), (false, true));
        poll.clear();
        poll.wait(Some(Duration::from_micros(10))).expect("waits");
        assert!(!poll.is_ready(loud));
    }

    #[test]
    fn a_reader_that_has_gone_is_an_end() {
        let (read, write) = io::pipe().expect("a pipe");
        let mut poll = Poll::default();
        let place = poll.add(&write, For::End);
        poll.wait(Some(Duration::ZERO)).expect("waits");
        assert!(!poll.is_ready(place));
        drop(read);
        poll.wait(None).expect("waits");
        assert!(poll.is_ready(place));
    }

    #[test]
    fn an_end_is_something_to_read() {
        let (read, write) = io::pipe().expect("a pipe");
        drop(write);
        let mut poll = Poll::default();
        let place = poll.add(&read, For::Reading);
        poll.wait(None).expect("waits");
        assert!(poll.is_ready(place));
    }
}

//! Waiting for several descriptors at once.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::select::{FdSet, select};
use nix::sys::time::{TimeVal, TimeValLike};

/// What is waited for. An end or an error of the other side counts as both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
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
pub struct Token(usize);

/// One wait. poll(2) rather than an event loop: between what was moved and the next sleep there is one system
/// call, and whoever was woken by it gets the core at once. Measured in `docs/reports/benchmarks.md`.
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
    pub fn add(&mut self, fd: impl AsFd, what: Interest) -> Token {
        let events = match what {
            Interest::Reading => libc::POLLIN,
            Interest::Writing => libc::POLLOUT,
            Interest::Both => libc::POLLIN | libc::POLLOUT,
            Interest::End => 0,
        };
        self.fds.push(libc::pollfd { fd: fd.as_fd().as_raw_fd(), events, revents: 0 });
        Token(self.fds.len() - 1)
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
            match error.raw_os_error() {
                Some(libc::EINTR) => {}
                // There are more of them than this process may have open (`ulimit -n` was lowered), though
                // they are open.
                Some(libc::EINVAL) => return self.wait_by_select(time),
                _ => return Err(error),
            }
        }
        Ok(())
    }

    /// The same with select(2), which minds the limit of open files on no system seen, but knows no
    /// descriptors from 1024 on, and no wait for an end alone: whoever waits for that waits in vain.
    fn wait_by_select(&mut self, time: Option<Duration>) -> io::Result<()> {
        let (mut readable, mut writable) = (FdSet::new(), FdSet::new());
        for fd in self.fds.iter().filter(|fd| (0..libc::FD_SETSIZE as i32).contains(&fd.fd)) {
            // SAFETY: whoever has added it keeps it open until the wait is over.
            let borrowed = unsafe { BorrowedFd::borrow_raw(fd.fd) };
            if fd.events & libc::POLLIN != 0 {
                readable.insert(borrowed);
            }
            if fd.events & libc::POLLOUT != 0 {
                writable.insert(borrowed);
            }
        }
        let mut time =
            time.map(|time| TimeVal::microseconds(i64::try_from(time.as_micros()).unwrap_or(i64::MAX)));
        match select(None, &mut readable, &mut writable, None, &mut time) {
            Ok(_) => {}
            Err(Errno::EINTR) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        for fd in self.fds.iter_mut().filter(|fd| (0..libc::FD_SETSIZE as i32).contains(&fd.fd)) {
            // SAFETY: as above.
            let borrowed = unsafe { BorrowedFd::borrow_raw(fd.fd) };
            let of = |set: &FdSet<'_>, event| if set.contains(borrowed) { event } else { 0 };
            fd.revents = of(&readable, libc::POLLIN) | of(&writable, libc::POLLOUT);
        }
        Ok(())
    }

    /// Whether this descriptor has what was waited for.
    pub fn is_ready(&self, place: Token) -> bool {
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
        let (quiet, loud) = (poll.add(&quiet, Interest::Reading), poll.add(&loud, Interest::Reading));
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
        let place = poll.add(&write, Interest::End);
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
        let place = poll.add(&read, Interest::Reading);
        poll.wait(None).expect("waits");
        assert!(poll.is_ready(place));
    }
}

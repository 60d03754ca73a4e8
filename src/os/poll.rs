//! Waiting for several descriptors at once.
//!
//! What poll(2) of macOS does otherwise was read in Apple's sources (xnu 11417, `bsd/kern/sys_generic.c`). An event
//! of none registers nothing there, so an end is never told; `POLLHUP` registers it. And what kqueue cannot wait
//! for, as `/dev/tty` and `/dev/null`, is answered with `POLLNVAL` at once: select(2) can wait for it.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
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
    /// Neither: its end or an error alone. On macOS an end is not told during a wait that began while there was
    /// something to read, nor of what has no end, as `/dev/null`.
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
            // Linux tells of it anyway, and ignores it here.
            Interest::End => libc::POLLHUP,
        };
        self.fds.push(libc::pollfd { fd: fd.as_fd().as_raw_fd(), events, revents: 0 });
        Token(self.fds.len() - 1)
    }

    /// Waits until something is ready, a signal comes, or the time is over; without a time for ever.
    ///
    /// # Errors
    /// When the system is out of memory, or has no way to wait for one of the descriptors. A signal is not an
    /// error: then nothing is ready.
    pub fn wait(&mut self, time: Option<Duration>) -> io::Result<()> {
        self.wait_with(time, poll)
    }

    fn wait_with(
        &mut self,
        time: Option<Duration>,
        poll: impl Fn(&mut [libc::pollfd], Option<Duration>) -> io::Result<()>,
    ) -> io::Result<()> {
        match poll(&mut self.fds, time) {
            Ok(()) => {}
            Err(error) => {
                for fd in &mut self.fds {
                    fd.revents = 0;
                }
                return match error.raw_os_error() {
                    Some(libc::EINTR) => Ok(()),
                    // There are more of them than this process may have open (`ulimit -n` was lowered), though
                    // they are open.
                    Some(libc::EINVAL) => wait_by_select(&mut self.fds, time),
                    _ => Err(error),
                };
            }
        }
        // Where something was refused, poll(2) has not waited.
        match after_poll(&mut self.fds, super::descriptors::is_open) {
            AfterPoll::Done => Ok(()),
            AfterPoll::Again => self.wait_with(time, poll),
            AfterPoll::Select => wait_by_select(&mut self.fds, time),
            AfterPoll::SelectNow => select_refused(&mut self.fds),
        }
    }

    /// Whether this descriptor has what was waited for.
    pub fn is_ready(&self, place: Token) -> bool {
        self.fds.get(place.0).is_some_and(|fd| fd.revents != 0)
    }
}

/// One poll(2).
fn poll(fds: &mut [libc::pollfd], time: Option<Duration>) -> io::Result<()> {
    let milliseconds = match time {
        // Rounded up: a wait that ends early would be followed by one of no time at all, again and again.
        Some(time) => i32::try_from(time.as_micros().div_ceil(1000)).unwrap_or(i32::MAX),
        None => -1,
    };
    let count = fds.len() as libc::nfds_t;
    // SAFETY: the array is as long as its length says; closed descriptors are reported, not touched.
    Errno::result(unsafe { libc::poll(fds.as_mut_ptr(), count, milliseconds) })?;
    Ok(())
}

/// What follows a poll(2).
#[derive(Debug, PartialEq, Eq)]
enum AfterPoll {
    /// It has said all.
    Done,
    /// What is not waited for any more was refused: the rest is waited for.
    Again,
    /// select(2) waits for all.
    Select,
    /// Others are ready; what was refused is only looked at.
    SelectNow,
}

/// What a refusal (`POLLNVAL`) means. A descriptor that is closed is ready: whoever uses it is told why it cannot
/// be used. One that is open cannot be waited for by poll(2). Where its end alone is waited for, it is
/// none to wait for; else select(2) is asked.
fn after_poll(fds: &mut [libc::pollfd], is_open: impl Fn(RawFd) -> bool) -> AfterPoll {
    let is_refused = |fd: &libc::pollfd| fd.revents & libc::POLLNVAL != 0;
    let (mut dropped, mut refused) = (false, false);
    for fd in fds.iter_mut().filter(|fd| is_refused(fd)) {
        if !is_open(fd.fd) {
            continue;
        }
        if fd.events & (libc::POLLIN | libc::POLLOUT) == 0 {
            // An event of none is refused for no descriptor that is open.
            (fd.events, fd.revents, dropped) = (0, 0, true);
        } else {
            refused = true;
        }
    }
    let is_ready = |fd: &libc::pollfd| fd.revents != 0 && !(is_refused(fd) && is_open(fd.fd));
    match (refused, fds.iter().any(is_ready)) {
        (true, true) => AfterPoll::SelectNow,
        (true, false) => AfterPoll::Select,
        (false, false) if dropped => AfterPoll::Again,
        (false, _) => AfterPoll::Done,
    }
}

/// Looks at what poll(2) has refused, without a wait.
fn select_refused(fds: &mut [libc::pollfd]) -> io::Result<()> {
    for fd in fds.iter_mut().filter(|fd| fd.revents & libc::POLLNVAL != 0) {
        if super::descriptors::is_open(fd.fd) {
            wait_by_select(std::slice::from_mut(fd), Some(Duration::ZERO))?;
        }
    }
    Ok(())
}

/// The same with select(2), which minds the limit of open files on no system seen, but knows no wait for an end
/// alone: whoever waits for that waits in vain. Nor does it know descriptors from 1024 on: such a one that
/// poll(2) has refused is an error, because nothing can wait for it.
fn wait_by_select(fds: &mut [libc::pollfd], time: Option<Duration>) -> io::Result<()> {
    let is_known = |fd: &libc::pollfd| (0..libc::FD_SETSIZE as i32).contains(&fd.fd);
    if fds.iter().any(|fd| fd.revents & libc::POLLNVAL != 0 && !is_known(fd)) {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "the system cannot wait for a descriptor"));
    }
    let (mut readable, mut writable) = (FdSet::new(), FdSet::new());
    for fd in fds.iter_mut().filter(|fd| is_known(fd)) {
        fd.revents = 0;
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
    for fd in fds.iter_mut().filter(|fd| is_known(fd)) {
        // SAFETY: as above.
        let borrowed = unsafe { BorrowedFd::borrow_raw(fd.fd) };
        let of = |set: &FdSet<'_>, event| if set.contains(borrowed) { event } else { 0 };
        fd.revents = of(&readable, libc::POLLIN) | of(&writable, libc::POLLOUT);
    }
    Ok(())
}

/// Whether the other side has closed its end for good, with all that it sent. One that has only said all it had
/// to say (shutdown(2)) has not. Never waits.
pub fn has_ended(fd: impl AsFd) -> bool {
    // To be asked about room makes no difference on Linux. On macOS it is the question about this end: the one
    // about what there is to read is answered with an end also where the other side has only fallen silent.
    let mut fds = [libc::pollfd { fd: fd.as_fd().as_raw_fd(), events: libc::POLLOUT, revents: 0 }];
    poll(&mut fds, Some(Duration::ZERO)).is_ok() && fds[0].revents & !libc::POLLOUT != 0
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

    /// poll(2) as macOS has it for what kqueue does not know.
    fn refusing(fds: &mut [libc::pollfd], refused: RawFd, time: Option<Duration>) -> io::Result<()> {
        let is_refused = fds.iter().any(|fd| fd.fd == refused && fd.events != 0);
        poll(fds, if is_refused { Some(Duration::ZERO) } else { time })?;
        for fd in fds.iter_mut().filter(|fd| fd.fd == refused && fd.events != 0) {
            fd.revents = libc::POLLNVAL;
        }
        Ok(())
    }

    #[test]
    fn what_poll_refuses_is_waited_for_by_select() {
        let (read, mut write) = io::pipe().expect("a pipe");
        let number = read.as_raw_fd();
        let (other, mut write_other) = io::pipe().expect("a pipe");
        let polls = std::cell::Cell::new(0);
        let refusing = |fds: &mut [libc::pollfd], time: Option<Duration>| {
            polls.set(polls.get() + 1);
            refusing(fds, number, time)
        };
        let wait = |time| {
            let mut poll = Poll::default();
            let places = [poll.add(&read, Interest::Reading), poll.add(&other, Interest::Reading)];
            poll.wait_with(time, refusing).expect("waits");
            places.map(|place| poll.is_ready(place))
        };
        let begun = std::time::Instant::now();
        assert_eq!(wait(Some(Duration::from_millis(50))), [false, false]);
        assert!(begun.elapsed() >= Duration::from_millis(50), "it did not wait");
        write_other.write_all(b"x").expect("writes");
        assert_eq!(wait(None), [false, true]);
        write.write_all(b"x").expect("writes");
        assert_eq!(wait(None), [true, true]);
        assert_eq!(polls.get(), 3, "asked again and again");
    }

    #[test]
    fn what_has_no_end_is_not_waited_for() {
        let null = std::fs::File::open("/dev/null").expect("opens");
        let number = null.as_raw_fd();
        let refusing = |fds: &mut [libc::pollfd], time: Option<Duration>| refusing(fds, number, time);
        let mut poll = Poll::default();
        let place = poll.add(&null, Interest::End);
        let begun = std::time::Instant::now();
        poll.wait_with(Some(Duration::from_millis(50)), refusing).expect("waits");
        assert!(!poll.is_ready(place) && begun.elapsed() >= Duration::from_millis(50));
    }

    #[test]
    fn a_refusal_has_one_meaning() {
        const CLOSED: RawFd = 1000;
        let of = |fd, events, revents| libc::pollfd { fd, events, revents };
        let after = |fds: &mut [libc::pollfd]| after_poll(fds, |fd| fd != CLOSED);
        let (read, end, no) = (libc::POLLIN, libc::POLLHUP, libc::POLLNVAL);
        let mut closed = [of(CLOSED, read, no), of(CLOSED, end, no)];
        assert_eq!(after(&mut closed), AfterPoll::Done);
        assert!(closed.iter().all(|fd| fd.revents != 0), "whoever uses it is told");
        assert_eq!(after(&mut [of(3, read, no)]), AfterPoll::Select);
        assert_eq!(after(&mut [of(3, libc::POLLOUT, no), of(4, read, 0)]), AfterPoll::Select);
        assert_eq!(after(&mut [of(3, read, no), of(4, read, read)]), AfterPoll::SelectNow);
        assert_eq!(after(&mut [of(3, read, no), of(CLOSED, read, no)]), AfterPoll::SelectNow);
        let mut endless = [of(3, end, no), of(4, read, 0)];
        assert_eq!(after(&mut endless), AfterPoll::Again);
        assert_eq!((endless[0].events, endless[0].revents), (0, 0));
        assert_eq!(after(&mut [of(3, end, no), of(4, read, read)]), AfterPoll::Done);
        assert_eq!(after(&mut [of(3, read, 0), of(4, end, 0)]), AfterPoll::Done);
        // Nothing can wait for this one: an error, and no loop.
        assert!(wait_by_select(&mut [of(CLOSED + 1000, read, no)], Some(Duration::ZERO)).is_err());
    }

    #[test]
    fn an_end_is_told_from_silence() {
        let (one, other) = std::os::unix::net::UnixStream::pair().expect("sockets");
        assert!(!has_ended(&one));
        other.shutdown(std::net::Shutdown::Write).expect("falls silent");
        assert!(!has_ended(&one));
        drop(other);
        assert!(has_ended(&one));
    }
}

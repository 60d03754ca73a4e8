//! Modes that move bytes: source, sink, both, burst, deaf, echo, ticker.

use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::unistd::{ForkResult, fork, pause};

use super::report::Report;
use super::tty;
use crate::random::{Expected, Stream, TO_CHILD};

/// Most bytes taken by one read.
const READ: usize = 64 * 1024;

fn write_stream(bytes: u64, seed: u64, report: &mut Report) {
    let mut stream = Stream::new(seed, bytes);
    while !stream.is_done() {
        let count = stream.peek().len();
        tty::write_all(stream.peek());
        stream.advance(count);
    }
    report.set("written", stream.position());
    report.set("written_hash", stream.hash().hex());
}

fn set_read(report: &mut Report, expected: &Expected, mismatch: Option<String>) {
    report.set("read", expected.got().length());
    report.set("read_hash", expected.got().hex());
    report.set("mismatch", mismatch);
}

/// Writes and ends.
pub fn source(bytes: u64, seed: u64, mut report: Report) {
    tty::raw();
    write_stream(bytes, seed, &mut report);
    report.finish();
}

/// Reads nothing for a while, then reads until `bytes` have come or the terminal is gone.
pub fn sink(bytes: u64, delay: Duration, seed: u64, mut report: Report) {
    tty::raw();
    report.set("ready", true);
    report.write();
    tty::say("READY");
    std::thread::sleep(delay);
    let mut expected = Expected::new(seed, bytes);
    let mut mismatch = None;
    let mut buffer = vec![0; READ];
    let mut reads = 0u64;
    while expected.got().length() < bytes {
        let Some(count) = tty::read(&mut buffer) else { break };
        reads += 1;
        if let Err(difference) = expected.feed(&buffer[..count]) {
            mismatch.get_or_insert(difference);
        }
    }
    report.set("reads", reads);
    set_read(&mut report, &expected, mismatch);
    report.finish();
    tty::say("DONE");
}

/// Reads and writes at the same time, without ever blocking on one of them. Reading begins after `delay`.
pub fn both(bytes: u64, delay: Duration, seed: u64, mut report: Report) {
    tty::raw();
    report.set("ready", true);
    report.write();
    tty::write_all(b"READY\r\n");
    // The descriptors share one open file description, so this is for reading and writing.
    if let Err(error) = fcntl(tty::output(), FcntlArg::F_SETFL(OFlag::O_RDWR | OFlag::O_NONBLOCK)) {
        tty::give_up(&format!("fcntl: {error}"));
    }
    let mut stream = Stream::new(seed, bytes);
    let mut expected = Expected::new(TO_CHILD, bytes);
    let mut mismatch = None;
    let mut buffer = vec![0; READ];
    let start = Instant::now();
    loop {
        let late = start.elapsed() >= delay;
        let reading = expected.got().length() < bytes;
        if !reading && stream.is_done() {
            break;
        }
        let mut fds = [PollFd::new(tty::output(), PollFlags::empty())];
        let mut wanted = PollFlags::empty();
        wanted.set(PollFlags::POLLIN, late && reading);
        wanted.set(PollFlags::POLLOUT, !stream.is_done());
        fds[0].set_events(wanted);
        let left = delay.saturating_sub(start.elapsed());
        let timeout =
            if late { PollTimeout::NONE } else { PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX) };
        tty::wait(&mut fds, timeout);
        let events = fds[0].revents().unwrap_or(PollFlags::empty());
        if events.contains(PollFlags::POLLOUT) && !stream.is_done() {
            match nix::unistd::write(tty::output(), stream.peek()) {
                Ok(count) => stream.advance(count),
                Err(Errno::EAGAIN | Errno::EINTR) => {}
                Err(_) => break,
            }
        }
        if late && reading && events.contains(PollFlags::POLLIN) {
            match nix::unistd::read(tty::input(), &mut buffer) {
                Ok(0) | Err(Errno::EIO) => break,
                Ok(count) => {
                    if let Err(difference) = expected.feed(&buffer[..count]) {
                        mismatch.get_or_insert(difference);
                    }
                }
                Err(Errno::EAGAIN | Errno::EINTR) => {}
                Err(error) => tty::give_up(&format!("read: {error}")),
            }
        } else if events.intersects(PollFlags::POLLHUP | PollFlags::POLLERR) {
            break;
        }
    }
    report.set("written", stream.position());
    report.set("written_hash", stream.hash().hex());
    set_read(&mut report, &expected, mismatch);
    report.finish();
}

/// Writes and ends at once. A grandchild may stay: immune to SIGHUP, with the terminal open, for `stay` and
/// no longer.
pub fn burst(bytes: u64, stay: Option<Duration>, seed: u64, mut report: Report) {
    tty::raw();
    if let Some(stay) = stay {
        // SAFETY: this process has one thread, so the child may go on as the parent could have.
        match unsafe { fork() } {
            Ok(ForkResult::Parent { child }) => report.set("grandchild", child.as_raw()),
            Ok(ForkResult::Child) => {
                // SAFETY: to ignore a signal runs no handler.
                let _ = unsafe { signal(Signal::SIGHUP, SigHandler::SigIgn) };
                std::thread::sleep(stay);
                std::process::exit(0);
            }
            Err(error) => tty::give_up(&format!("fork: {error}")),
        }
    }
    // The report comes first: nothing may stand between the last byte and the end.
    let mut hash = Stream::new(seed, bytes);
    while !hash.is_done() {
        let count = hash.peek().len();
        hash.advance(count);
    }
    report.set("written", bytes);
    report.set("written_hash", hash.hash().hex());
    report.finish();
    let mut stream = Stream::new(seed, bytes);
    while !stream.is_done() {
        let count = stream.peek().len();
        tty::write_all(stream.peek());
        stream.advance(count);
    }
}

/// Writes, and never reads. A signal ends it.
pub fn deaf(bytes: u64, seed: u64, mut report: Report) {
    tty::raw();
    report.set("ready", true);
    report.write();
    tty::write_all(b"READY\r\n");
    write_stream(bytes, seed, &mut report);
    report.finish();
    loop {
        pause();
    }
}

/// Sends back what comes, read by read, until `bytes` have come, or the terminal is gone.
pub fn echo(bytes: Option<u64>, mut report: Report) {
    tty::raw();
    report.set("ready", true);
    report.write();
    tty::say("READY");
    let mut buffer = vec![0; READ];
    let mut total = 0;
    while bytes.is_none_or(|bytes| total < bytes) {
        let Some(count) = tty::read(&mut buffer) else { break };
        tty::write_all(&buffer[..count]);
        total += count as u64;
    }
    report.set("read", total);
    report.finish();
}

/// Writes a numbered line, so long at least, at every interval until `q` is typed or the terminal is gone.
pub fn ticker(interval: Duration, bytes: u64, mut report: Report) {
    tty::raw();
    let width = usize::try_from(bytes).unwrap_or(0);
    let mut buffer = [0; 256];
    for number in 0u64.. {
        tty::say(&format!("{:.<width$}", format!("tick {number} ")));
        report.set("ticks", number + 1);
        report.write();
        let end = Instant::now() + interval;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let mut fds = [PollFd::new(tty::input(), PollFlags::POLLIN)];
            if !tty::wait(&mut fds, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)) {
                break;
            }
            match tty::read(&mut buffer) {
                Some(count) if !buffer[..count].contains(&b'q') => {}
                _ => return report.finish(),
            }
        }
    }
}

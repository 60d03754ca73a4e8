//! The way of the keys: from the terminal to the PTY, one write for each read.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;

use crate::platform::io::{self, Outcome};

/// The most that waits for claude to read, in bytes; beyond it the terminal is left to hold what is typed.
const LIMIT: usize = 64 * 1024;

/// What was typed and not yet taken by the PTY.
///
/// Reads are kept apart: Claude Code takes keys that come in one read for parts of a paste.
#[derive(Default)]
pub struct Keys {
    waiting: VecDeque<Vec<u8>>,
    bytes: usize,
    /// How much of the first has been taken.
    taken: usize,
    /// Whether all of it has to wait, because the host is typing.
    held: bool,
}

impl Keys {
    /// Whether there is room for another read.
    pub fn has_room(&self) -> bool {
        self.bytes < LIMIT
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How much waits.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether something waits that could be written.
    pub fn want_room(&self) -> bool {
        !self.is_empty() && !self.held
    }

    /// Has everything wait from now on, or no longer.
    pub fn hold(&mut self, held: bool) {
        self.held = held;
    }

    /// Writes what was read, or queues it behind what waits.
    pub fn type_into(&mut self, master: &OwnedFd, bytes: &[u8]) {
        if self.held || !self.is_empty() {
            self.queue(bytes);
            return;
        }
        match io::write(master, bytes) {
            Outcome::Moved(count) if count == bytes.len() => {}
            Outcome::Moved(count) => self.queue(&bytes[count..]),
            Outcome::Blocked => self.queue(bytes),
            // Nobody is there to read them.
            Outcome::Gone => {}
        }
    }

    fn queue(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len();
        self.waiting.push_back(bytes.to_vec());
    }

    /// Writes the first of what waits, also while the rest is held.
    pub fn flush_one(&mut self, master: &OwnedFd) {
        if let Some(first) = self.waiting.pop_front() {
            let left = match io::write(master, &first[self.taken..]) {
                Outcome::Moved(count) => count + self.taken,
                Outcome::Blocked => self.taken,
                Outcome::Gone => first.len(),
            };
            self.bytes -= left - self.taken;
            self.taken = if left < first.len() { left } else { 0 };
            if left < first.len() {
                self.waiting.push_front(first);
            }
        }
    }

    /// Writes what waits, as far as the PTY takes it.
    pub fn flush(&mut self, master: &OwnedFd) {
        while let Some(first) = self.waiting.front().filter(|_| !self.held) {
            match io::write(master, &first[self.taken..]) {
                Outcome::Moved(count) => {
                    self.taken += count;
                    self.bytes -= count;
                }
                Outcome::Blocked => return,
                Outcome::Gone => *self = Self { held: self.held, ..Self::default() },
            }
            if self.waiting.front().is_some_and(|first| first.len() == self.taken) {
                self.waiting.pop_front();
                self.taken = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;

    #[test]
    fn what_is_held_comes_later_in_order_and_in_as_many_writes() {
        // A datagram is a write.
        let (master, claude) = UnixDatagram::pair().expect("a socket pair");
        claude.set_nonblocking(true).expect("does not block");
        let master = OwnedFd::from(master);
        let mut keys = Keys::default();
        keys.type_into(&master, b"before");
        keys.hold(true);
        for read in [&b"one"[..], b"\x1b[200~two\x1b[201~", b"\r"] {
            keys.type_into(&master, read);
        }
        keys.flush(&master);
        assert!(!keys.is_empty() && !keys.want_room());
        let mut buffer = [0; 64];
        let mut next = || claude.recv(&mut buffer).ok().map(|count| buffer[..count].to_vec());
        assert_eq!((next(), next()), (Some(b"before".to_vec()), None));
        keys.flush_one(&master);
        assert_eq!((next(), next()), (Some(b"one".to_vec()), None));
        keys.hold(false);
        keys.flush(&master);
        assert!(keys.is_empty() && keys.bytes() == 0);
        let all: Vec<Vec<u8>> = std::iter::from_fn(next).collect();
        assert_eq!(all, [&b"\x1b[200~two\x1b[201~"[..], b"\r"]);
    }

    #[test]
    fn what_is_held_is_bounded() {
        let (master, _claude) = UnixDatagram::pair().expect("a socket pair");
        let master = OwnedFd::from(master);
        let mut keys = Keys::default();
        keys.hold(true);
        for _ in 0..LIMIT / 1024 {
            assert!(keys.has_room());
            keys.type_into(&master, &[b'x'; 1024]);
        }
        assert!(!keys.has_room());
    }
}

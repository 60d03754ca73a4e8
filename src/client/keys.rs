//! The way of the keys: from the terminal to the PTY, one write for each read.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;

use super::backpressure::Level;
use crate::os::io;
use crate::os::io::Transfer;

/// What a read that waits costs beyond its bytes, in bytes of memory.
const READ_OVERHEAD: usize = 64;

/// What was typed and not yet taken by the PTY.
///
/// Reads are kept apart: Claude Code takes keys that come in one read for parts of a paste.
#[derive(Default)]
pub struct KeyQueue {
    waiting: VecDeque<Vec<u8>>,
    bytes: usize,
    /// How much of the first has been taken.
    taken: usize,
    /// How much was taken of all that ever waited here, in bytes.
    taken_in_all: u64,
    /// Whether all of it has to wait, because the host is typing.
    held: bool,
}

impl KeyQueue {
    /// How full it is.
    pub fn level(&self) -> Level {
        let waiting = self.bytes + self.waiting.len() * READ_OVERHEAD;
        Level { waiting, taken: self.taken_in_all }
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
            Transfer::Moved(count) if count == bytes.len() => {}
            Transfer::Moved(count) => self.queue(&bytes[count..]),
            Transfer::Blocked => self.queue(bytes),
            // Nobody is there to read them.
            Transfer::Gone => {}
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
                Transfer::Moved(count) => count + self.taken,
                Transfer::Blocked => self.taken,
                Transfer::Gone => first.len(),
            };
            self.bytes -= left - self.taken;
            self.taken_in_all += (left - self.taken) as u64;
            self.taken = if left < first.len() { left } else { 0 };
            if left < first.len() {
                self.waiting.push_front(first);
            }
        }
    }

    /// What waits, in one piece.
    pub fn waiting(&self) -> Vec<u8> {
        let all: Vec<u8> = self.waiting.iter().flatten().copied().collect();
        all[self.taken.min(all.len())..].to_vec()
    }

    /// Takes out what waits, a read each.
    pub fn take_all(&mut self) -> Vec<Vec<u8>> {
        let taken = std::mem::take(&mut self.taken);
        self.bytes = 0;
        let mut reads: Vec<_> = std::mem::take(&mut self.waiting).into();
        if let Some(first) = reads.first_mut() {
            first.drain(..taken);
        }
        reads
    }

    /// Writes what waits, as far as the PTY takes it.
    pub fn flush(&mut self, master: &OwnedFd) {
        while let Some(first) = self.waiting.front().filter(|_| !self.held) {
            match io::write(master, &first[self.taken..]) {
                Transfer::Moved(count) => {
                    self.taken += count;
                    self.taken_in_all += count as u64;
                    self.bytes -= count;
                }
                Transfer::Blocked => return,
                Transfer::Gone => *self = Self { held: self.held, ..Self::default() },
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
        let mut keys = KeyQueue::default();
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
    fn its_level_counts_what_waits_and_what_was_taken() {
        let (master, claude) = UnixDatagram::pair().expect("a socket pair");
        let master = OwnedFd::from(master);
        let mut keys = KeyQueue::default();
        assert_eq!(keys.level(), Level::default());
        keys.hold(true);
        for _ in 0..3 {
            keys.type_into(&master, b"ten bytes.");
        }
        assert_eq!(keys.level(), Level { waiting: 3 * (10 + READ_OVERHEAD), taken: 0 });
        keys.flush_one(&master);
        assert_eq!(keys.level(), Level { waiting: 2 * (10 + READ_OVERHEAD), taken: 10 });
        keys.hold(false);
        keys.flush(&master);
        assert_eq!(keys.level(), Level { waiting: 0, taken: 30 });
        drop(claude);
    }
}

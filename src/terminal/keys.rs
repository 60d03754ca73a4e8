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

    /// Writes what was read, or queues it behind what waits.
    pub fn type_into(&mut self, master: &OwnedFd, bytes: &[u8]) {
        if !self.is_empty() {
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

    /// Writes what waits, as far as the PTY takes it.
    pub fn flush(&mut self, master: &OwnedFd) {
        while let Some(first) = self.waiting.front() {
            match io::write(master, &first[self.taken..]) {
                Outcome::Moved(count) => {
                    self.taken += count;
                    self.bytes -= count;
                }
                Outcome::Blocked => return,
                Outcome::Gone => *self = Self::default(),
            }
            if self.waiting.front().is_some_and(|first| first.len() == self.taken) {
                self.waiting.pop_front();
                self.taken = 0;
            }
        }
    }
}

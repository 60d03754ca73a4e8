//! Keys of a client that was let go while the host typed. They were typed for claude, and come after what the
//! host types.

use std::collections::VecDeque;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::os::io;
use crate::os::io::Transfer;
use crate::os::moment;

/// The pause between two of them: claude takes those that come in one read for parts of a paste.
const KEY_INTERVAL: Duration = Duration::from_millis(15);

/// The most that is kept, in bytes.
pub const MAX_BYTES: usize = 64 * 1024;

/// What ends a bracketed paste.
pub const END_OF_PASTE: &[u8] = b"\x1b[201~";

/// Keys that wait for their turn, a read of the terminal each.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LateKeys {
    waiting: VecDeque<Vec<u8>>,
    bytes: usize,
    #[serde(with = "moment::option")]
    next_at: Option<Instant>,
    /// The PTY has no room for the next one.
    is_blocked: bool,
}

impl LateKeys {
    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// When the next one is to be delivered; nothing while they are to wait.
    pub fn deadline(&self) -> Option<Instant> {
        self.next_at
    }

    /// Whether the next one is to be delivered when the PTY has room.
    pub fn wants_room(&self) -> bool {
        self.is_blocked
    }

    /// Has them wait until the next [`LateKeys::deliver_one`].
    pub fn pause(&mut self) {
        self.next_at = None;
        self.is_blocked = false;
    }

    /// Adds keys behind those that wait. What is too much is dropped.
    pub fn add(&mut self, reads: Vec<Vec<u8>>) {
        for read in reads.into_iter().filter(|read| !read.is_empty()) {
            if self.bytes + read.len() > MAX_BYTES {
                return;
            }
            self.bytes += read.len();
            self.waiting.push_back(read);
        }
    }

    /// Writes the first of them to the PTY, and says when the next one is due: never by time while the PTY
    /// has no room.
    pub fn deliver_one(&mut self, master: impl AsFd, now: Instant) {
        self.is_blocked = false;
        if let Some(mut first) = self.waiting.pop_front() {
            let written = match io::write(master, &first) {
                Transfer::Moved(count) => count,
                Transfer::Blocked => 0,
                Transfer::Gone => first.len(),
            };
            self.bytes -= written;
            if written < first.len() {
                first.drain(..written);
                self.waiting.push_front(first);
                self.is_blocked = true;
            }
        }
        let is_due = !self.is_empty() && !self.is_blocked;
        self.next_at = is_due.then(|| now + KEY_INTERVAL);
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixDatagram;

    use super::*;

    #[test]
    fn they_come_in_order_each_by_itself_with_a_pause() {
        // A datagram is a write.
        let (master, claude) = UnixDatagram::pair().expect("a socket pair");
        claude.set_nonblocking(true).expect("does not block");
        let master = OwnedFd::from(master);
        let mut buffer = [0; 64];
        let mut next = || claude.recv(&mut buffer).ok().map(|count| buffer[..count].to_vec());
        let mut late = LateKeys::default();
        late.add(vec![b"a".to_vec(), vec![], b"\x1b[200~b\x1b[201~".to_vec()]);
        assert_eq!((late.deadline(), late.is_empty()), (None, false));
        let now = Instant::now();
        late.deliver_one(&master, now);
        assert_eq!((next(), next()), (Some(b"a".to_vec()), None));
        assert_eq!(late.deadline(), Some(now + KEY_INTERVAL));
        late.deliver_one(&master, now + KEY_INTERVAL);
        assert_eq!(
            (next(), late.deadline(), late.is_empty()),
            (Some(b"\x1b[200~b\x1b[201~".to_vec()), None, true)
        );
    }

    #[test]
    fn a_claude_that_does_not_read_wakes_nobody_up() {
        let (master, claude) = std::os::unix::net::UnixStream::pair().expect("a socket pair");
        master.set_nonblocking(true).expect("does not block");
        let mut late = LateKeys::default();
        late.add(vec![vec![b'x'; 1024]; 64]);
        let now = Instant::now();
        let filler = [b'y'; 4096];
        while matches!(io::write(&master, &filler), Transfer::Moved(_)) {}
        late.deliver_one(&master, now);
        assert_eq!((late.deadline(), late.wants_room(), late.bytes), (None, true, MAX_BYTES));
        drop(claude);
        late.deliver_one(&master, now);
        assert_eq!((late.deadline(), late.wants_room()), (Some(now + KEY_INTERVAL), false));
    }

    #[test]
    fn they_are_bounded() {
        let mut late = LateKeys::default();
        late.add(vec![vec![b'x'; 1024]; 100]);
        assert_eq!((late.bytes, late.waiting.len()), (MAX_BYTES, 64));
    }
}

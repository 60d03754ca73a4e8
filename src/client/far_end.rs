//! A client whose terminal is the far end of a link: `cckw attach MACHINE:SESSION` runs it on the machine.
//!
//! Its keys come through ssh, with markers between them (`protocol/markers.rs`). It answers each ping. When it
//! has heard nothing for too long the link is dead, and the session is detached. A key that arrives after
//! that is delivered to nobody: its user has been told that the link was lost.

use std::fs::File;
use std::io;
use std::time::{Duration, Instant};

use nix::sys::termios::{FlushArg, tcflush};

use super::Client;
use crate::config::DetachKey;
use crate::os::clock;
use crate::os::io as nonblocking;
use crate::os::io::Transfer;
use crate::os::poll::{Interest, Poll};
use crate::protocol::FromClient;
use crate::protocol::markers::{Direction, Hello, MarkerScanner, Piece, ToFar, ToNear};

/// After so long without a byte from the near side the link is dead. The near side waits longer for an answer, by
/// more than the time between two of its pings. So what still arrives after the near side has given up finds
/// nobody here.
pub const MAX_SILENCE: Duration = Duration::from_secs(6);
/// How often the far side says that it is there while bytes come and no ping is among them, as in a long
/// paste.
const UNASKED_INTERVAL: Duration = Duration::from_secs(2);
/// The most that is kept of what is typed while nobody is there for it, in bytes.
const MAX_EARLY_BYTES: usize = 1 << 20;
/// How long the terminal may take for the rest of a marker of which it has taken the beginning.
const MARKER_TIMEOUT: Duration = Duration::from_millis(200);

/// What an attach over a link is given.
#[derive(Debug, Clone)]
pub struct OverLink {
    /// The nonce of the link, which begins every marker.
    pub nonce: String,
    /// The detach key of the near side.
    pub detach_key: DetachKey,
    /// The first words.
    pub hello: Hello,
}

/// When the near side was last heard. A plain value: it reads no clock. Its times are those of a clock that
/// counts sleep.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    heard: Duration,
    said: Duration,
    /// The near side is stopped, and says nothing until it is continued.
    rests: bool,
    is_over: bool,
}

impl Heartbeat {
    pub(crate) fn new(now: Duration) -> Self {
        Self { heard: now, said: now, rests: false, is_over: false }
    }

    /// Something has come. Whether to say something, although nobody has asked.
    pub(crate) fn hear(&mut self, now: Duration) -> bool {
        self.heard = now;
        !self.rests && now.saturating_sub(self.said) >= UNASKED_INTERVAL
    }

    fn say(&mut self, now: Duration) {
        self.said = now;
    }

    fn rest(&mut self) {
        self.rests = true;
    }

    fn resume(&mut self, now: Duration) {
        (self.rests, self.heard) = (false, now);
    }

    /// Whether the link is dead. Asked before what has come is used: who was asleep hears late.
    pub(crate) fn is_over(&mut self, now: Duration) -> bool {
        self.is_over |= !self.rests && now.saturating_sub(self.heard) >= MAX_SILENCE;
        self.is_over
    }

    /// How long to wait at most for the next look.
    fn wait(&self, now: Duration) -> Option<Duration> {
        (!self.rests && !self.is_over).then(|| (self.heard + MAX_SILENCE).saturating_sub(now))
    }
}

/// The far end of a link.
pub(super) struct FarEnd {
    nonce: String,
    scanner: MarkerScanner,
    heartbeat: Heartbeat,
    /// What was typed while nobody was there for it.
    early: Vec<u8>,
    /// The session was told to let this terminal go because the link is dead.
    has_left: bool,
}

/// What was read, without the markers.
pub(super) struct Heard {
    /// How many bytes are left.
    pub(super) count: usize,
    /// The near side's words, in order. All bytes came before the detach key.
    pub(super) words: Vec<ToFar>,
}

impl FarEnd {
    /// Says the first words on the terminal, which is raw by now.
    ///
    /// # Errors
    /// When the terminal is gone, or takes nothing.
    pub(super) fn greet(tty: &File, over: &OverLink) -> io::Result<Self> {
        let now = clock::with_sleep();
        let end = Self {
            nonce: over.nonce.clone(),
            scanner: MarkerScanner::new(Direction::ToFar, &over.nonce),
            heartbeat: Heartbeat::new(now),
            early: Vec::new(),
            has_left: false,
        };
        let bytes = ToNear::Hello(over.hello.clone()).bytes(&end.nonce);
        if write_whole(tty, &bytes, Duration::from_secs(1)) {
            Ok(end)
        } else {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    /// How long to wait at most, with another bound.
    pub(super) fn wait(&self, other: Option<Duration>) -> Option<Duration> {
        // The beginning of a marker is as little a key by itself as that of a sequence.
        let held = self.scanner.is_holding().then_some(super::input_gate::SEQUENCE_TIMEOUT);
        self.heartbeat.wait(clock::with_sleep()).into_iter().chain(held).chain(other).min()
    }

    /// Whether the link is dead.
    pub(super) fn is_over(&mut self) -> bool {
        self.heartbeat.is_over(clock::with_sleep())
    }

    /// Takes the markers out of the first `count` bytes of `buffer`, which has room for a marker behind them.
    fn take_markers(&mut self, tty: &File, buffer: &mut [u8], count: usize) -> Heard {
        if self.heartbeat.hear(clock::with_sleep()) {
            self.say(tty, &ToNear::Pong(0));
        }
        let read = buffer[..count].to_vec();
        let mut heard = Heard { count: 0, words: Vec::new() };
        self.scanner.feed(&read, |piece| match piece {
            Piece::Bytes(_) if heard.words.contains(&ToFar::Detach) => {}
            Piece::Bytes(bytes) => {
                let bytes = &bytes[..bytes.len().min(buffer.len() - heard.count)];
                buffer[heard.count..heard.count + bytes.len()].copy_from_slice(bytes);
                heard.count += bytes.len();
            }
            // A word of a later version.
            Piece::Marker(content) => heard.words.extend(serde_json::from_slice::<ToFar>(content)),
        });
        heard
    }

    /// Says something to the near side. Where the terminal has no room it is not said: then there is output
    /// under way, which says as much.
    fn say(&mut self, tty: &File, word: &ToNear) {
        let mut poll = Poll::default();
        let room = poll.add(tty, Interest::Writing);
        if poll.wait(Some(Duration::ZERO)).is_ok() && poll.is_ready(room) {
            write_whole(tty, &word.bytes(&self.nonce), MARKER_TIMEOUT);
            self.heartbeat.say(clock::with_sleep());
        }
    }
}

/// Writes all of this, or nothing if the terminal takes nothing. Whether it has.
fn write_whole(tty: &File, mut bytes: &[u8], timeout: Duration) -> bool {
    let until = Instant::now() + timeout;
    while !bytes.is_empty() {
        match nonblocking::write(tty, bytes) {
            Transfer::Moved(count) => bytes = &bytes[count..],
            Transfer::Gone => return false,
            Transfer::Blocked => {
                let left = until.saturating_duration_since(Instant::now());
                let mut poll = Poll::default();
                poll.add(tty, Interest::Writing);
                if left.is_zero() || poll.wait(Some(left)).is_err() {
                    return false;
                }
            }
        }
    }
    true
}

impl Client {
    /// Takes the near side's words out of what was read, and acts on those that are about the link. Gives how
    /// many bytes of keys are left, and whether the detach key was pressed behind them.
    pub(super) fn hear_near_side(&mut self, count: usize) -> (usize, bool) {
        let Some(far_end) = &mut self.far_end else { return (count, false) };
        if far_end.is_over() {
            return (0, false);
        }
        let rested = far_end.heartbeat.rests;
        let heard = far_end.take_markers(self.terminal.tty(), self.input.buffer_mut(), count);
        let mut detaches = false;
        for word in heard.words {
            match word {
                ToFar::Ping(number) => self.say_to_near_side(&ToNear::Pong(number)),
                ToFar::Detach => detaches = true,
                ToFar::Resumed(number) => self.near_side_resumed(number),
            }
        }
        // Nobody types while the shell has the terminal.
        (if rested { 0 } else { heard.count }, detaches)
    }

    /// What looked like the beginning of a marker is none. How many bytes are in the buffer.
    pub(super) fn release_half_marker(&mut self) -> usize {
        let Some(far_end) = self.far_end.as_mut().filter(|far_end| far_end.scanner.is_holding()) else {
            return 0;
        };
        let held = far_end.scanner.flush();
        let buffer = self.input.buffer_mut();
        let count = held.len().min(buffer.len());
        buffer[..count].copy_from_slice(&held[..count]);
        count
    }

    /// Keeps what was typed while nobody is there for it: a host that is being started, for one.
    pub(super) fn keep_early(&mut self, count: usize) {
        let Some(far_end) = &mut self.far_end else { return };
        let room = MAX_EARLY_BYTES.saturating_sub(far_end.early.len());
        far_end.early.extend_from_slice(&self.input.buffer_mut()[..count.min(room)]);
    }

    /// Types what was kept, as soon as somebody is there.
    pub(super) fn type_early_keys(&mut self) {
        while self.input.is_wanted()
            && let Some(far_end) = self.far_end.as_mut().filter(|far_end| !far_end.early.is_empty())
        {
            let buffer = self.input.buffer_mut();
            let count = far_end.early.len().min(buffer.len());
            buffer[..count].copy_from_slice(&far_end.early[..count]);
            far_end.early.drain(..count);
            self.typed(count);
        }
    }

    /// Says something to the near side, if there is one.
    fn say_to_near_side(&mut self, word: &ToNear) {
        if let Some(far_end) = &mut self.far_end {
            far_end.say(self.terminal.tty(), word);
        }
    }

    /// The near side has its terminal back.
    fn near_side_resumed(&mut self, number: u64) {
        if let Some(far_end) = &mut self.far_end {
            far_end.heartbeat.resume(clock::with_sleep());
        }
        self.say_to_near_side(&ToNear::Pong(number));
        if let Ok(size) = self.terminal.size() {
            self.link.send(&FromClient::Resumed { size });
        }
    }

    /// Claude was stopped: the near side stops itself, for here there is no shell to return to. Whether there
    /// is a near side.
    pub(super) fn suspend_near_side(&mut self, signal: i32) -> bool {
        let Some(far_end) = &mut self.far_end else { return false };
        far_end.heartbeat.rest();
        self.say_to_near_side(&ToNear::Stopped(signal));
        true
    }

    /// Lets the session go where the link is dead. What is still on its way in either direction is dropped.
    pub(super) fn leave_dead_link(&mut self) {
        let Some(far_end) = self.far_end.as_mut() else { return };
        if !far_end.is_over() || std::mem::replace(&mut far_end.has_left, true) {
            return;
        }
        let _ = tcflush(self.terminal.tty(), FlushArg::TCIOFLUSH);
        self.hang_up.link_is_dead();
        self.detach();
    }

    /// Whether the near side was given up.
    pub(super) fn has_left_dead_link(&self) -> bool {
        self.far_end.as_ref().is_some_and(|far_end| far_end.has_left)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_link_without_a_word_is_dead_and_stays_so() {
        let mut heartbeat = Heartbeat::new(SECOND);
        assert_eq!(heartbeat.wait(SECOND), Some(MAX_SILENCE));
        assert!(!heartbeat.is_over(MAX_SILENCE));
        assert!(heartbeat.is_over(SECOND + MAX_SILENCE));
        // What comes now comes too late.
        heartbeat.hear(SECOND + MAX_SILENCE);
        assert!(heartbeat.is_over(SECOND + MAX_SILENCE));
        assert_eq!(heartbeat.wait(SECOND + MAX_SILENCE), None);
    }

    #[test]
    fn a_near_side_that_is_stopped_may_be_silent_for_as_long_as_it_likes() {
        let mut heartbeat = Heartbeat::new(SECOND);
        heartbeat.rest();
        assert!(!heartbeat.is_over(SECOND * 100_000));
        heartbeat.resume(SECOND * 100_000);
        assert!(!heartbeat.is_over(SECOND * 100_001));
        assert!(heartbeat.is_over(SECOND * 100_000 + MAX_SILENCE));
    }

    proptest! {
        /// Whatever comes when: no byte is used that came later than the longest silence behind the one before
        /// it.
        #[test]
        fn nothing_is_used_that_came_too_late(gaps in prop::collection::vec(0_u64..12, 1..40)) {
            let (mut heartbeat, mut now, mut alive) = (Heartbeat::new(Duration::ZERO), Duration::ZERO, true);
            for gap in gaps {
                now += Duration::from_secs(gap);
                alive &= Duration::from_secs(gap) < MAX_SILENCE;
                prop_assert_eq!(!heartbeat.is_over(now), alive);
                heartbeat.hear(now);
            }
        }
    }
}

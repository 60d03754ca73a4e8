//! The keys of the user, which wait while the host types; and what the host has to know of them before it does.

use std::time::{Duration, Instant};

use super::client::Client;
use crate::control::{FromClient, Held};

/// After so long keys are delivered whatever the host says: one that hangs must not swallow them. Longer than a host ever
/// holds them.
const LONGEST: Duration = Duration::from_secs(10);
/// The pause between two keys that were held: claude takes those that come in one read for parts of a paste.
const PACE: Duration = Duration::from_millis(15);
/// A sequence that goes on for so long is none: an Esc by itself looks like the beginning of one.
const SEQUENCE: Duration = Duration::from_secs(1);

/// When something was last typed, and since when keys are held.
#[derive(Debug, Default)]
pub(super) struct Keyboard {
    read_at: Option<Instant>,
    typed_at: Option<Instant>,
    held_until: Option<Instant>,
    /// What was held is being delivered; when the next key is due.
    delivers_at: Option<Instant>,
    /// The detach key was pressed behind keys that wait.
    detach: bool,
}

impl Keyboard {
    /// The terminal was read; whether that was typing.
    fn was_read(&mut self, typed: bool) {
        let now = Instant::now();
        self.read_at = Some(now);
        if typed {
            self.typed_at = Some(now);
        }
    }

    /// How long to wait at most, if there is a deadline.
    pub(super) fn wait(&self, other: Option<Duration>) -> Option<Duration> {
        let Some(until) = self.held_until.or(self.delivers_at) else { return other };
        let left = until.saturating_duration_since(Instant::now());
        Some(other.map_or(left, |other| other.min(left)))
    }

    /// Whether keys are held for too long, or the next one is to be delivered.
    pub(super) fn is_due(&self) -> bool {
        self.held_until.or(self.delivers_at).is_some_and(|until| until <= Instant::now())
    }

    /// Notes the detach key for later, where keys before it wait. Whether it did.
    fn postpone_detach(&mut self) -> bool {
        self.detach |= self.held_until.is_some() || self.delivers_at.is_some();
        self.detach
    }
}

impl Client {
    /// Passes on what was read, up to the detach key. What is typed behind that is for nobody: a command for the shell must not be
    /// claude's next prompt. The terminal's answers to what claude has asked are for claude all the same.
    pub(super) fn pass_on(&mut self, count: usize) {
        let scanned = self.scanner.feed(&self.buffer[..count]);
        let forward = &scanned.forward[..scanned.detach.unwrap_or(scanned.forward.len())];
        if let Some(master) = &self.master {
            if self.leaving {
                for reply in &scanned.replies {
                    self.keys.type_into(master, reply);
                }
            } else if !forward.is_empty() {
                self.keys.type_into(master, forward);
            }
        }
        self.keyboard.was_read(scanned.typed);
        let (replies, detach) = (scanned.replies, scanned.detach.is_some());
        for bytes in replies {
            self.channel.send(&FromClient::Reply { bytes }, vec![]);
        }
        if detach && !std::mem::replace(&mut self.leaving, true) && !self.keyboard.postpone_detach() {
            self.detach();
        }
    }

    /// Asks the host to let this terminal go.
    pub(super) fn detach(&mut self) {
        self.leaving = true;
        self.channel.send(&FromClient::Detach, vec![]);
    }

    /// What looked like the beginning of a sequence was a key: nothing has followed it.
    pub(super) fn release(&mut self) {
        let (held, typed) = self.scanner.flush();
        if typed {
            self.keyboard.was_read(true);
        }
        if let Some(master) = &self.master
            && !held.is_empty()
            && !self.leaving
        {
            self.keys.type_into(master, &held);
        }
    }

    /// The host is about to type.
    pub(super) fn hold(&mut self) {
        let now = Instant::now();
        self.keyboard.held_until = Some(now + LONGEST);
        self.keyboard.delivers_at = None;
        self.keys.hold(true);
        let ago = |at: Option<Instant>| at.map(|at| now.saturating_duration_since(at));
        let read_ago = ago(self.keyboard.read_at);
        let half = self.scanner.is_in_sequence();
        // A key of which only the beginning has come was typed all the same.
        let typed_ago = ago(self.keyboard.typed_at).into_iter().chain(read_ago.filter(|_| half)).min();
        let held = Held {
            typed_ago_ms: typed_ago.map(|ago| u64::try_from(ago.as_millis()).unwrap_or(u64::MAX)),
            in_paste: self.scanner.is_in_paste(),
            in_sequence: half && read_ago.is_some_and(|ago| ago < SEQUENCE),
            unsent: self.keys.bytes(),
        };
        self.channel.send(&FromClient::Held(held), vec![]);
    }

    /// The host has typed, or will not: what waits is delivered, in order, and then the detach key acts.
    pub(super) fn let_go(&mut self) {
        if self.keyboard.held_until.take().is_some() {
            self.deliver();
        }
    }

    /// Delivers the next of the keys that wait; those that are typed meanwhile queue behind.
    pub(super) fn deliver(&mut self) {
        if let Some(master) = &self.master {
            self.keys.flush_one(master);
        }
        if !self.keys.is_empty() {
            self.keyboard.delivers_at = Some(Instant::now() + PACE);
            return;
        }
        self.keyboard.delivers_at = None;
        self.keys.hold(false);
        if std::mem::take(&mut self.keyboard.detach) {
            self.detach();
        }
    }

    /// The time of what is held, or of the next key that is delivered, has come.
    pub(super) fn keys_are_due(&mut self) {
        if self.keyboard.held_until.is_some() { self.let_go() } else { self.deliver() }
    }

    /// This terminal is let go: what was typed before was for claude, and not for the shell that reads next.
    pub(super) fn pass_on_the_rest(&mut self) {
        if self.keyboard.held_until.is_none() {
            self.read_keys();
            self.let_all_go();
        }
    }

    /// The host is gone: whoever still reads gets what waits.
    pub(super) fn let_all_go(&mut self) {
        self.let_go();
        self.keyboard.delivers_at = None;
        self.keys.hold(false);
        if let Some(master) = &self.master {
            self.keys.flush(master);
        }
    }
}

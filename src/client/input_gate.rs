//! The keys of the user, which wait while the host types; and what the host has to know of them before it
//! does.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use super::Client;
use super::backpressure::{Backpressure, KeyAdmission, UnreadKeys};
use super::control_keys::ControlKeys;
use super::host_hung::HostWish;
use super::keys::KeyQueue;
use super::paste;
use crate::config::DetachKey;
use crate::host::late_keys::MAX_BYTES;
use crate::os::io as nonblocking;
use crate::os::io::Transfer;
use crate::os::poll::{Interest, Poll, Token};
use crate::protocol::markers::MAX_LEN;
use crate::protocol::{FromClient, Held};
use crate::vt::input_parser::{InputParser, Scanned};

/// How long the rest of an escape sequence may take to come.
pub(super) const SEQUENCE_TIMEOUT: Duration = Duration::from_millis(30);
/// After so long a key is delivered whatever the host says: one that hangs must not swallow it. A host that
/// is well lets it go, or asks to hold on, one second after the last step that it saw; it has to take back
/// first what it typed.
const KEY_TIMEOUT: Duration = Duration::from_secs(3);
/// The same for a host that is not told of the key: one of an older version.
const UNTOLD_KEY_TIMEOUT: Duration = Duration::from_secs(10);
/// The pause between two keys that were held: claude takes those that come in one read for parts of a paste.
const HELD_KEY_INTERVAL: Duration = Duration::from_millis(15);
/// How long the host may take for the keys that a client which is let go still holds.
const UNSENT_KEYS_TIMEOUT: Duration = Duration::from_secs(1);
/// The most bytes that one read takes.
const READ: usize = 8192;
/// A sequence that goes on for so long is none: an Esc by itself looks like the beginning of one.
const MAX_SEQUENCE_TIME: Duration = Duration::from_secs(1);

/// The keys on their way from the terminal to claude: read, looked through, held, queued, or given up.
pub(super) struct Input {
    /// The PTY's, once claude runs.
    master: Option<OwnedFd>,
    /// Claude is coming back, and keys are for cckw.
    waiting: bool,
    /// One of these keys is to go on with a turn.
    can_continue: bool,
    /// The detach key was pressed: what is typed behind it is not for claude.
    leaving: bool,
    keys: KeyQueue,
    backpressure: Backpressure,
    /// How much was typed that claude never gets, in bytes.
    dropped: u64,
    gate: InputGate,
    scanner: InputParser,
    buffer: Box<[u8]>,
}

impl Input {
    /// Without a claude yet.
    pub(super) fn new(detach_key: DetachKey) -> Self {
        Self {
            master: None,
            waiting: false,
            can_continue: false,
            leaving: false,
            keys: KeyQueue::default(),
            backpressure: Backpressure::default(),
            dropped: 0,
            gate: InputGate::default(),
            scanner: match detach_key {
                DetachKey::Backslash => InputParser::default(),
                DetachKey::None => InputParser::passive(),
            },
            buffer: vec![0; READ + MAX_LEN].into(),
        }
    }

    /// Claude is there, and this is its PTY's master.
    pub(super) fn claude_begins(&mut self, master: Option<OwnedFd>) {
        (self.master, self.waiting, self.leaving) = (master, false, false);
        (self.keys, self.gate) = (KeyQueue::default(), InputGate::default());
    }

    /// Claude is gone, and may come back. Until then keys are for cckw.
    /// `can_continue` is whether one of them is to go on with a turn.
    pub(super) fn claude_waits(&mut self, can_continue: bool) {
        (self.master, self.waiting, self.leaving) = (None, true, false);
        self.can_continue = can_continue;
        (self.keys, self.gate) = (KeyQueue::default(), InputGate::default());
    }

    /// Whether a key goes on with a turn.
    pub(super) fn can_continue(&self) -> bool {
        self.can_continue
    }

    /// Claude is gone with its host.
    pub(super) fn host_is_gone(&mut self) {
        (self.master, self.waiting, self.leaving) = (None, false, false);
        self.keys = KeyQueue::default();
    }

    /// The host has said that it wants to be told of keys that wait.
    pub(super) fn tell_keys(&mut self) {
        self.gate.tells_keys = true;
    }

    /// Whether there is a claude for the keys.
    pub(super) fn has_claude(&self) -> bool {
        self.master.is_some()
    }

    /// Whether keys are to be read, for claude or for cckw.
    pub(super) fn is_wanted(&self) -> bool {
        // Behind the detach key nothing is queued.
        let has_room = self.leaving || self.backpressure.input() != KeyAdmission::Wait;
        has_room && (self.waiting || self.master.is_some())
    }

    /// Whether nobody is there for keys, neither claude nor cckw.
    pub(super) fn has_nobody(&self) -> bool {
        !self.waiting && self.master.is_none()
    }

    /// Whether the detach key was pressed.
    pub(super) fn is_leaving(&self) -> bool {
        self.leaving
    }

    pub(super) fn has_detach_key(&self) -> bool {
        !self.scanner.is_passive()
    }

    /// Takes note of how full the queue is. Called before each wait.
    pub(super) fn note_level(&mut self) {
        self.backpressure.note(self.keys.level(), Instant::now());
    }

    /// Adds the wait for room in the PTY, where keys wait for that.
    pub(super) fn prepare_room(&self, poll: &mut Poll) -> Option<Token> {
        let master = self.master.as_ref().filter(|_| self.keys.want_room())?;
        Some(poll.add(master, Interest::Writing))
    }

    /// Writes what waits for room.
    pub(super) fn flush(&mut self) {
        if let Some(master) = &self.master {
            self.keys.flush(master);
        }
    }

    /// Whether what has come may be the beginning of a sequence, and waits for the rest.
    pub(super) fn is_holding(&self) -> bool {
        self.scanner.is_holding()
    }

    /// How long to wait at most, if there is a deadline.
    pub(super) fn wait(&self, now: Instant) -> Option<Duration> {
        let sequence = self.is_holding().then_some(SEQUENCE_TIMEOUT);
        let due = self.backpressure.deadline().map(|due| due.saturating_duration_since(now));
        due.into_iter().chain(self.gate.wait(sequence)).min()
    }

    /// Whether keys are held for too long, or the next one is to be delivered.
    pub(super) fn is_due(&self) -> bool {
        self.gate.is_due()
    }

    /// Reads what was typed. It is looked through by [`Self::scan`].
    pub(super) fn read(&mut self, tty: &File) -> Transfer {
        nonblocking::read(tty, &mut self.buffer[..READ])
    }

    /// What was read, with room for a marker behind it.
    pub(super) fn buffer_mut(&mut self) -> &mut [u8] {
        &mut self.buffer
    }

    /// Looks through so many bytes of what was read last.
    pub(super) fn scan(&mut self, count: usize) -> Scanned<'_> {
        self.scanner.feed(&self.buffer[..count])
    }

    /// Claude has asked the terminal for keys in their longer form, or has not.
    pub(super) fn expect_extended_keys(&mut self, expected: bool) {
        self.scanner.expect_extended_keys(expected);
    }
}

/// When something was last typed, and since when keys are held.
#[derive(Debug, Default)]
pub(super) struct InputGate {
    read_at: Option<Instant>,
    typed_at: Option<Instant>,
    stashed_at: Option<Instant>,
    /// Keys are held, since the host has asked for that last.
    held_since: Option<Instant>,
    /// The first of the keys that wait.
    key_at: Option<Instant>,
    /// Whether the host wants to be told of a key that waits.
    tells_keys: bool,
    /// What was held is being delivered; when the next key is due.
    delivers_at: Option<Instant>,
    /// The detach key was pressed behind keys that wait.
    detach: bool,
    /// The same, where they wait for claude.
    unread: Option<UnreadKeys>,
}

impl InputGate {
    /// The terminal was read; whether that was typing.
    fn was_read(&mut self, typed: bool) {
        let now = Instant::now();
        self.read_at = Some(now);
        if typed {
            self.typed_at = Some(now);
        }
    }

    /// When keys that are held go on their way whatever the host says.
    fn held_until(&self) -> Option<Instant> {
        let timeout = if self.tells_keys { KEY_TIMEOUT } else { UNTOLD_KEY_TIMEOUT };
        Some(self.held_since?.max(self.key_at?) + timeout)
    }

    /// How long to wait at most, if there is a deadline.
    pub(super) fn wait(&self, other: Option<Duration>) -> Option<Duration> {
        let unread = self.unread.as_ref().map(UnreadKeys::deadline);
        let due = self.held_until().or(self.delivers_at).into_iter().chain(unread);
        let left = due.map(|at| at.saturating_duration_since(Instant::now()));
        left.chain(other).min()
    }

    /// Whether keys are held for too long, or the next one is to be delivered.
    pub(super) fn is_due(&self) -> bool {
        self.held_until().or(self.delivers_at).is_some_and(|until| until <= Instant::now())
    }

    /// Notes the detach key for later, where keys before it wait. Whether it did.
    fn postpone_detach(&mut self) -> bool {
        self.detach |= self.held_since.is_some() || self.delivers_at.is_some();
        self.detach
    }
}

impl Client {
    /// Passes on what was read, up to the detach key. What is typed behind that is for nobody: a command for
    /// the shell must not be claude's next prompt. The terminal's answers to what claude has asked are for
    /// claude all the same.
    pub(super) fn pass_on(&mut self, count: usize) {
        let scanned = self.input.scanner.feed(&self.input.buffer[..count]);
        let mut suspends = false;
        let forward = &scanned.forward[..scanned.detach.unwrap_or(scanned.forward.len())];
        let control_keys = ControlKeys::among(forward);
        if let Some(master) = &self.input.master {
            if self.input.backpressure.input() == KeyAdmission::Drop {
                // The detach key and ctrl-z are looked for all the same.
                if !self.input.leaving {
                    self.input.dropped += forward.len() as u64;
                    suspends = control_keys.suspends;
                }
            } else if self.input.leaving {
                for reply in &scanned.replies {
                    self.input.keys.type_into(master, reply);
                }
            } else if !forward.is_empty() {
                // Before the key, so that the host knows of it when claude ends of it.
                if let Some(number) = control_keys.signal {
                    self.link.send(&FromClient::KeySignal { number });
                }
                self.input.keys.type_into(master, forward);
                suspends = control_keys.suspends;
            }
        }
        if control_keys.stashes {
            self.input.gate.stashed_at = Some(Instant::now());
        }
        let waits = scanned.typed && !forward.is_empty() && self.input.gate.held_since.is_some();
        self.input.gate.was_read(scanned.typed);
        let (replies, detach) = (scanned.replies, scanned.detach.is_some());
        for bytes in replies {
            self.link.send(&FromClient::Reply { bytes });
        }
        if waits {
            self.key_waits();
        }
        if suspends {
            // Claude has it, and stops. It is the host that sees that.
            self.expect(HostWish::CtrlZ);
        }
        if detach {
            self.detach_key_pressed();
        }
    }

    /// The user wants to leave: at once, or behind what was typed before and waits.
    pub(super) fn detach_key_pressed(&mut self) {
        if std::mem::replace(&mut self.input.leaving, true) {
            // What claude has not read by now is given up for this.
            if self.input.gate.unread.take().is_some() {
                self.detach();
            }
            self.insist();
        } else if self.input.gate.postpone_detach() {
            self.expect(HostWish::Detach);
        } else if self.input.keys.is_empty() {
            self.detach();
        } else {
            self.input.gate.unread = Some(UnreadKeys::new(self.input.keys.level(), Instant::now()));
            self.expect(HostWish::Detach);
        }
    }

    /// Carries out the detach key when claude has read what was typed before it, or does not read.
    pub(super) fn detach_behind_unread_keys(&mut self) {
        let level = self.input.keys.level();
        let is_over = |keys: &mut UnreadKeys| keys.are_over(level, Instant::now());
        if self.input.gate.unread.take_if(is_over).is_some() {
            self.detach();
        }
    }

    /// What to say of the keys that claude never gets; nothing where it got all.
    pub(super) fn lost_keys(&self) -> String {
        match self.input.dropped + self.input.keys.bytes() as u64 {
            0 => String::new(),
            1 => "; claude has not read the last key that was typed".into(),
            lost => format!("; claude has not read the last {lost} bytes that were typed"),
        }
    }

    /// The user has typed while keys are held.
    fn key_waits(&mut self) {
        if self.input.gate.key_at.is_some() {
            return;
        }
        self.input.gate.key_at = Some(Instant::now());
        if self.input.gate.tells_keys {
            self.link.send(&FromClient::KeyWaits);
        }
    }

    /// Asks the host to let this terminal go.
    pub(super) fn detach(&mut self) {
        self.input.leaving = true;
        self.link.send(&FromClient::Detach);
        self.expect(HostWish::Detach);
    }

    /// What looked like the beginning of a sequence was a key: nothing has followed it.
    pub(super) fn release(&mut self) {
        let (held, typed) = self.input.scanner.flush();
        if typed {
            self.input.gate.was_read(true);
        }
        if let Some(master) = &self.input.master
            && !held.is_empty()
            && !self.input.leaving
        {
            self.input.keys.type_into(master, &held);
        }
        if typed && self.input.gate.held_since.is_some() {
            self.key_waits();
        }
    }

    /// The host is about to type.
    pub(super) fn hold(&mut self) {
        let now = Instant::now();
        self.input.gate.held_since = Some(now);
        self.input.gate.delivers_at = None;
        self.input.keys.hold(true);
        let ago = |at: Option<Instant>| at.map(|at| now.saturating_duration_since(at));
        let read_ago = ago(self.input.gate.read_at);
        let half = self.input.scanner.is_in_sequence();
        // A key of which only the beginning has come was typed all the same.
        let typed_ago = ago(self.input.gate.typed_at).into_iter().chain(read_ago.filter(|_| half)).min();
        let held = Held {
            typed_ago_ms: typed_ago.map(|ago| u64::try_from(ago.as_millis()).unwrap_or(u64::MAX)),
            in_paste: self.input.scanner.is_in_paste(),
            in_sequence: half && read_ago.is_some_and(|ago| ago < MAX_SEQUENCE_TIME),
            unsent: self.input.keys.bytes(),
            stashed_ago_ms: ago(self.input.gate.stashed_at)
                .map(|ago| u64::try_from(ago.as_millis()).unwrap_or(u64::MAX)),
        };
        self.link.send(&FromClient::Held(held));
        if !self.input.keys.is_empty() {
            self.key_waits();
        }
    }

    /// The host has typed, or will not: what waits is delivered, in order, and then the detach key acts.
    pub(super) fn let_go(&mut self) {
        self.input.gate.key_at = None;
        if self.input.gate.held_since.take().is_some() {
            self.deliver();
        }
    }

    /// Delivers the next of the keys that wait; those that are typed meanwhile queue behind.
    pub(super) fn deliver(&mut self) {
        if let Some(master) = &self.input.master {
            self.input.keys.flush_one(master);
        }
        if !self.input.keys.is_empty() {
            self.input.gate.delivers_at = Some(Instant::now() + HELD_KEY_INTERVAL);
            return;
        }
        self.input.gate.delivers_at = None;
        self.input.keys.hold(false);
        if std::mem::take(&mut self.input.gate.detach) {
            self.detach();
        }
    }

    /// The time of what is held, or of the next key that is delivered, has come.
    pub(super) fn keys_are_due(&mut self) {
        if self.input.gate.held_since.is_some() { self.let_go() } else { self.deliver() }
    }

    /// This terminal is let go: what was typed before was for claude, and not for the shell that reads next.
    ///
    /// While the host types they would fall between its keys. So it gets them, and delivers them when it has
    /// typed. It also gets what claude has not read by now, where that is no more than a host keeps, and the
    /// end of a paste that is cut here.
    pub(super) fn pass_on_the_rest(&mut self) {
        if !self.terminal.is_gone() {
            self.read_keys();
        }
        self.input.gate.key_at = None;
        if self.input.gate.held_since.take().is_none() {
            self.let_all_go();
        }
        let is_lost = self.input.dropped > 0 || self.input.keys.bytes() > MAX_BYTES;
        // What was dropped is not known any more, and may have been inside a paste.
        let ends_in_paste = self.input.scanner.is_in_paste() || self.input.dropped > 0;
        let (mut reads, is_cut) = if is_lost {
            (vec![], paste::is_cut(&self.input.keys.waiting(), ends_in_paste))
        } else {
            (self.input.keys.take_all(), ends_in_paste)
        };
        if is_cut {
            // Claude would take all later keys for parts of the paste.
            reads.push(paste::END.to_vec());
        }
        if !reads.is_empty() {
            self.link.send(&FromClient::Unsent { reads });
            self.link.flush(UNSENT_KEYS_TIMEOUT);
        }
    }

    /// The host is gone: whoever still reads gets what waits.
    pub(super) fn let_all_go(&mut self) {
        self.let_go();
        self.input.gate.delivers_at = None;
        self.input.keys.hold(false);
        if let Some(master) = &self.input.master {
            self.input.keys.flush(master);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_without_a_key_has_no_end_of_its_own_and_with_one_it_has() {
        let now = Instant::now();
        let mut keyboard = InputGate { held_since: Some(now), tells_keys: true, ..InputGate::default() };
        assert_eq!(keyboard.held_until(), None);
        keyboard.key_at = Some(now + Duration::from_secs(20));
        assert_eq!(keyboard.held_until(), Some(now + Duration::from_secs(20) + KEY_TIMEOUT));
        // The host has seen a step, and asks to hold on.
        keyboard.held_since = Some(now + Duration::from_secs(21));
        assert_eq!(keyboard.held_until(), Some(now + Duration::from_secs(21) + KEY_TIMEOUT));
        keyboard.held_since = None;
        assert_eq!(keyboard.held_until(), None);
    }
}

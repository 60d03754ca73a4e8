//! What the host types for the reconnector and the sender, and the keys of the user's that wait behind it.
//! Only one of the two types at a time.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::Host;
use super::late_keys::LateKeys;
use crate::os::io;
use crate::os::io::Transfer;
use crate::os::poll::{Interest, Poll, Token};
use crate::os::raw_text;
use crate::protocol::{FromHost, Held};
use crate::remote::reconnector::ReconnectorEvent;
use crate::sending::SenderEvent;
use crate::typing::{KeyboardState, Keystroke};
use crate::vt::modes::ModeTracker;

/// The host's own keys, and the user's.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct HostTyping {
    /// What the PTY has not taken yet.
    #[serde(with = "raw_text")]
    pending: Vec<u8>,
    /// Keys are to be released when it has.
    release_waits: bool,
    /// The user's keys are held by the client, or would be if there were one.
    holds: bool,
    late: LateKeys,
}

/// What there is to do for keys that are no longer held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Release {
    /// Nothing yet: they would fall between the host's own.
    Later,
    /// Deliver those that another client has left behind. They were typed first.
    LateKeys,
    /// Let the client go on.
    Client,
}

impl HostTyping {
    /// There is no claude any more that anything could be typed into.
    pub(super) fn claude_ended(&mut self) {
        self.pending.clear();
        self.late = LateKeys::default();
    }

    /// Adds room in the PTY, where something waits for it.
    pub(super) fn prepare(&self, poll: &mut Poll, master: impl AsFd) -> Option<Token> {
        self.wants_room().then(|| poll.add(master, Interest::Writing))
    }

    /// Whether something waits for room in the PTY.
    fn wants_room(&self) -> bool {
        !self.pending.is_empty() || self.late.wants_room()
    }

    /// Whether keys that were left behind wait for room.
    pub(super) fn has_late_keys_blocked(&self) -> bool {
        self.late.wants_room()
    }

    /// When the next key that was left behind is to be delivered.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.late.deadline()
    }

    /// Whether all that was typed is in the PTY.
    pub(super) fn is_written(&self) -> bool {
        self.pending.is_empty()
    }

    /// Adds these keys, as the terminal would send them.
    pub(super) fn add(&mut self, keys: &Keystroke, modes: &ModeTracker) {
        self.pending.extend(encode(keys, modes));
    }

    /// Writes what waits, as far as the PTY takes it. Whether it has taken all of it.
    pub(super) fn write(&mut self, master: impl AsFd) -> bool {
        while !self.pending.is_empty() {
            match io::write(&master, &self.pending) {
                Transfer::Moved(count) => drop(self.pending.drain(..count)),
                Transfer::Blocked => return false,
                Transfer::Gone => self.pending.clear(),
            }
        }
        true
    }

    /// The user's keys are held from now on.
    pub(super) fn hold(&mut self) {
        self.release_waits = false;
        self.holds = true;
        self.late.pause();
    }

    /// They are to be let go.
    pub(super) fn release(&mut self) -> Release {
        if !self.pending.is_empty() {
            self.release_waits = true;
            return Release::Later;
        }
        self.holds = false;
        if self.late.is_empty() { Release::Client } else { Release::LateKeys }
    }

    /// Whether they were to be let go as soon as everything is written.
    pub(super) fn take_waiting_release(&mut self) -> bool {
        std::mem::take(&mut self.release_waits)
    }

    /// Takes keys that a client had held. Whether they may be delivered now.
    pub(super) fn add_late(&mut self, reads: Vec<Vec<u8>>) -> bool {
        self.late.add(reads);
        !self.holds
    }

    /// Delivers the next of them. Whether none is left.
    pub(super) fn deliver_late(&mut self, master: impl AsFd, now: Instant) -> bool {
        self.late.deliver_one(master, now);
        self.late.is_empty()
    }
}

impl Host {
    /// Types these keys.
    pub(super) fn type_keys(&mut self, keys: &Keystroke) {
        self.typing.add(keys, &self.output.modes);
        self.type_on();
    }

    /// Asks the client to hold the user's keys, or to go on holding them.
    pub(super) fn hold_keys(&mut self) {
        self.typing.hold();
        self.attachment.tell(&FromHost::Hold);
    }

    /// Lets the user's keys go, behind what was typed.
    pub(super) fn release_keys(&mut self) {
        match self.typing.release() {
            Release::Later => {}
            Release::LateKeys => self.deliver_late_keys(),
            Release::Client => self.attachment.tell(&FromHost::Release),
        }
    }

    /// A client that was let go while the host was typing has sent the keys that it held.
    pub(super) fn take_unsent_keys(&mut self, reads: Vec<Vec<u8>>) {
        if self.typing.add_late(reads) {
            self.deliver_late_keys();
        }
    }

    /// Delivers the next of the keys that a client has left behind. When all are, the client that is attached
    /// now goes on.
    pub(super) fn deliver_late_keys(&mut self) {
        if self.typing.deliver_late(self.output.master(), Instant::now()) {
            self.release_keys();
        }
    }

    /// Types what waits, as far as the PTY takes it.
    pub(super) fn type_on(&mut self) {
        if !self.typing.is_written() {
            self.remote.something_is_typed();
        }
        if !self.typing.write(self.output.master()) {
            return;
        }
        if self.typing.take_waiting_release() {
            self.release_keys();
        }
        if self.typing.has_late_keys_blocked() {
            self.deliver_late_keys();
        }
    }

    /// The client holds the keys, for whoever is typing.
    pub(super) fn keys_are_held(&mut self, held: Held) {
        let keyboard = KeyboardState {
            typed: held.typed_ago_ms.map(Duration::from_millis),
            in_paste: held.in_paste,
            in_sequence: held.in_sequence,
            unread: held.unsent > 0,
            stashed: held.stashed_ago_ms.map(Duration::from_millis),
        };
        if self.sending.is_typing() {
            self.tell_sender(SenderEvent::Held(keyboard));
        } else {
            self.tell_reconnector(ReconnectorEvent::Held(keyboard));
        }
    }

    /// A key of the user's waits, for whoever is typing.
    pub(super) fn key_waits(&mut self) {
        if self.sending.is_typing() {
            self.tell_sender(SenderEvent::KeyWaits);
        } else {
            self.tell_reconnector(ReconnectorEvent::KeyWaits);
        }
    }

    /// Tells each of the two whether the other one types.
    pub(super) fn share_typing(&mut self) {
        if let Some(types) = self.remote.typing_changed() {
            self.tell_sender(SenderEvent::OtherTypes(types));
        }
        if let Some(types) = self.sending.typing_changed() {
            self.tell_reconnector(ReconnectorEvent::OtherTypes(types));
        }
    }
}

/// The bytes that a terminal sends for these keys, in the modes that claude has set.
fn encode(keys: &Keystroke, modes: &ModeTracker) -> Vec<u8> {
    let flags = modes.kitty_flags();
    let (disambiguates, all) = (flags & 1 != 0, flags & 8 != 0);
    let arrow = |letter| {
        if modes.is_on(1) == Some(true) { format!("\x1bO{letter}") } else { format!("\x1b[{letter}") }
    };
    match keys {
        Keystroke::Stash if disambiguates || all => "\x1b[115;5u".into(),
        Keystroke::Stash => "\x13".into(),
        Keystroke::Paste(line) => format!("\x1b[200~{line}\x1b[201~"),
        Keystroke::Enter if all => "\x1b[13u".into(),
        Keystroke::Enter => "\r".into(),
        Keystroke::Escape if disambiguates || all => "\x1b[27u".into(),
        Keystroke::Escape => "\x1b".into(),
        Keystroke::Undo => "\x1f".into(),
        Keystroke::Append => "a".into(),
        Keystroke::Backspaces(count) if all => "\x1b[127u".repeat(*count),
        Keystroke::Backspaces(count) => "\x7f".repeat(*count),
        Keystroke::DeleteToEnd => "D".into(),
        Keystroke::Up => arrow('A'),
        Keystroke::Down => arrow('B'),
    }
    .into_bytes()
}

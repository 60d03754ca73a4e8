//! What the host types for the reconnector, and the keys of the user's that wait behind it.

use std::os::fd::AsFd;
use std::time::Instant;

use crate::host::late_keys::LateKeys;
use crate::os::io;
use crate::os::io::Transfer;
use crate::remote::reconnector::Keystroke;
use crate::vt::modes::ModeTracker;

/// The host's own keys, and the user's.
#[derive(Debug, Default)]
pub(super) struct HostTyping {
    /// What the PTY has not taken yet.
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

    /// Whether something waits for room in the PTY.
    pub(super) fn wants_room(&self) -> bool {
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

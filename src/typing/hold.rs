//! How long the user's keys are held.

use std::time::Duration;

/// The longest that a try takes. Nobody waits for it: see [`KEY_HOLD_LIMIT`].
pub const LONGEST_HOLD: Duration = Duration::from_secs(60);
/// How long a key of the user's waits at most: from the key, or from the last step that was seen.
pub const KEY_HOLD_LIMIT: Duration = Duration::from_secs(1);
/// The same behind Enter, which cannot be taken back. A key that claude gets before it has cleared the prompt
/// is put behind the command, and that in the place of the draft (seen with 2.1.332, vim's normal mode, 3 %
/// of a core).
pub const ENTER_HOLD_LIMIT: Duration = Duration::from_secs(8);
/// How long the client may take to say that it holds.
pub const HOLD_ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

/// Whether the user's keys are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyGate {
    /// The client was asked, and has until then.
    Asked(Duration),
    /// They are, or there is nobody who types; until then at most.
    Held(Duration),
}

/// The user's keys, as far as they are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyHold {
    gate: KeyGate,
    /// Since when a key of the user's waits.
    key_since: Option<Duration>,
    /// When the last step was seen to have succeeded.
    step_at: Duration,
}

impl KeyHold {
    /// Begins. With a client it has to say first that it holds them.
    pub fn new(at: Duration, has_client: bool) -> Self {
        let gate = if has_client {
            KeyGate::Asked(at + HOLD_ANSWER_TIMEOUT)
        } else {
            KeyGate::Held(at + LONGEST_HOLD)
        };
        Self { gate, key_since: None, step_at: at }
    }

    /// Whether they are held.
    pub fn gate(&self) -> KeyGate {
        self.gate
    }

    /// Another client is to hold the keys.
    pub fn ask(&mut self, at: Duration) {
        self.gate = KeyGate::Asked(at + HOLD_ANSWER_TIMEOUT);
        self.key_since = None;
    }

    /// The keys are held. Whether they were not yet.
    pub fn grant(&mut self, at: Duration) -> bool {
        let is_news = matches!(self.gate, KeyGate::Asked(_));
        if is_news {
            self.gate = KeyGate::Held(at + LONGEST_HOLD);
        }
        is_news
    }

    /// A key of the user's waits from now on.
    pub fn key_waits(&mut self, at: Duration) {
        self.key_since.get_or_insert(at);
    }

    /// The key that waited has gone, with its client.
    pub fn key_left(&mut self) {
        self.key_since = None;
    }

    /// Whether a key of the user's waits.
    pub fn has_key_waiting(&self) -> bool {
        self.key_since.is_some()
    }

    /// When the last step was seen to have succeeded.
    pub fn step_at(&self) -> Duration {
        self.step_at
    }

    /// A step was seen to succeed.
    pub fn step_succeeded(&mut self, at: Duration) {
        self.step_at = at;
    }

    /// Until when the user's keys may wait, if one does.
    pub fn key_deadline(&self) -> Option<Duration> {
        Some(self.key_since?.max(self.step_at) + KEY_HOLD_LIMIT)
    }

    /// Whether the keys have been held for as long as they may be.
    pub fn is_over(&self, at: Duration) -> bool {
        match self.gate {
            KeyGate::Asked(_) => false,
            KeyGate::Held(until) => until.min(self.key_deadline().unwrap_or(until)) <= at,
        }
    }

    /// A key has waited for its time behind Enter, where it may wait for longer. Whether it does.
    pub fn wait_on_behind_enter(&mut self, at: Duration) -> bool {
        let waits = at < self.step_at + ENTER_HOLD_LIMIT;
        if waits {
            self.key_since = Some(at);
        }
        waits
    }
}

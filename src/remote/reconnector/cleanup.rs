//! What tries had to leave at the prompt, until it is seen to or given up.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::attempt::PendingCleanup;
use super::events::Action;
use crate::registry::log_event::LinkEvent;

/// How long what was left at the prompt is looked for.
const CLEANUP_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// The cleanup that is due.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct CleanupQueue {
    pending: PendingCleanup,
    since: Duration,
    until: Duration,
}

impl CleanupQueue {
    pub(super) fn is_any(&self) -> bool {
        self.pending.is_any()
    }

    pub(super) fn pending(&self) -> PendingCleanup {
        self.pending
    }

    /// Since when something is pending.
    pub(super) fn since(&self) -> Duration {
        self.since
    }

    /// A try has ended and left this. What is left for the first time is written down.
    pub(super) fn attempt_left(&mut self, at: Duration, pending: PendingCleanup) -> Option<Action> {
        let before = std::mem::replace(&mut self.pending, pending);
        if !pending.is_any() || before.is_any() {
            return None;
        }
        (self.since, self.until) = (at, at + CLEANUP_LIFETIME);
        Some(Action::Note(LinkEvent::LeftBehind { what: in_words(pending) }))
    }

    /// Gives up what has been looked for long enough.
    pub(super) fn expire(&mut self, at: Duration) -> Option<Action> {
        if !self.pending.is_any() || at < self.until {
            return None;
        }
        let what = in_words(std::mem::take(&mut self.pending));
        Some(Action::Note(LinkEvent::NotTidied { what }))
    }

    /// Claude has ended, and its prompt with it.
    pub(super) fn clear(&mut self) {
        self.pending = PendingCleanup::default();
    }
}

/// What may be left at the prompt, in words.
fn in_words(pending: PendingCleanup) -> &'static str {
    match (pending.text, pending.stash) {
        (true, true) => {
            "the command may be at the prompt, and the draft may be put aside (ctrl-s at an empty prompt brings it back)"
        }
        (true, false) => "the command may be at the prompt",
        (false, true) => "the draft may be put aside (ctrl-s at an empty prompt brings it back)",
        (false, false) => "the editor may not be in vim's insert mode any more",
    }
}

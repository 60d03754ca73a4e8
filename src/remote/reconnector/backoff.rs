//! How often a link was tried for in a row, and when it may be tried for again.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::RemoteControl;
use crate::registry::link_record::AttemptOutcome;

/// The more doublings would be longer than any pause that is configured.
const MAX_DOUBLINGS: u32 = 20;

/// The tries in a row. Each pause between two of them is twice as long as the one before.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Backoff {
    tries: u32,
    /// What came of a try last: how many such outcomes there were, when, and what.
    last: Option<(u32, Duration, AttemptOutcome)>,
    next: Option<Duration>,
}

impl Backoff {
    /// Another try has typed something.
    pub(super) fn tried(&mut self, at: Duration, settings: &RemoteControl) {
        self.tries += 1;
        self.next = Some(at + pause(settings, self.tries.saturating_sub(1)));
    }

    /// This came of the last try.
    pub(super) fn concluded(&mut self, at: Duration, outcome: AttemptOutcome) {
        let number = self.last.as_ref().map_or(0, |(number, ..)| *number) + 1;
        self.last = Some((number, at, outcome));
    }

    /// Tries are counted anew, and the next one need not wait.
    pub(super) fn reset(&mut self) {
        self.tries = 0;
        self.next = None;
    }

    /// Tries are counted anew. The next one waits for its time all the same.
    pub(super) fn recount(&mut self) {
        self.tries = 0;
    }

    /// The next try need not wait.
    pub(super) fn allow_next(&mut self) {
        self.next = None;
    }

    pub(super) fn tries(&self) -> u32 {
        self.tries
    }

    pub(super) fn next(&self) -> Option<Duration> {
        self.next
    }

    pub(super) fn last(&self) -> Option<&(u32, Duration, AttemptOutcome)> {
        self.last.as_ref()
    }

    /// Whether there were as many tries as are allowed.
    pub(super) fn is_used_up(&self, settings: &RemoteControl) -> bool {
        self.tries >= settings.max_tries
    }
}

/// The pause after so many doublings.
pub(super) fn pause(settings: &RemoteControl, doublings: u32) -> Duration {
    settings.cooldown.saturating_mul(1 << doublings.min(MAX_DOUBLINGS)).min(settings.max_cooldown)
}

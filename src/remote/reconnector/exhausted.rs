//! Connects that fail in a row: claude counts them, and after the third of them it does not connect any more in this process (seen
//! with 2.1.332: `disabled after repeated failures · restart to retry`).
//!
//! So the third one is left alone. A restart of claude begins anew; where that is configured, it is asked for.

use std::time::Duration;

use super::{Action, BlockReason, Reconnector, ReconnectorPhase, ScreenSnapshot};
use crate::claude::remote_notices::Notice;
use crate::claude::screen::Indicator;
use crate::registry::log_event::LinkEvent;

/// How many connects may fail before another one would be the last.
const MAX_FAILED_CONNECTS: u32 = 2;

impl Reconnector {
    /// Another claude runs: it has counted nothing so far, and what was tried with the last one says nothing of it.
    pub(super) fn new_process(&mut self) {
        self.failed_connects = 0;
        self.was_up = false;
        self.is_counted_by_text = false;
        // What the last process has written is no news of this one.
        self.old_written = self.last_written;
        self.restart_at = None;
        self.restart_asked = false;
        self.tries = 0;
        self.next_try = None;
    }

    /// Looks for a connect that failed: claude's own, or the user's. The indicator tells it, where there is one. A narrow window has none,
    /// and on the alternate screen it scrolls away; there the notice tells that claude's own connect at its start has failed.
    pub(super) fn count_own_connects(&mut self, look: &ScreenSnapshot) {
        let (before, now) = (self.indicator(), look.reading.indicator);
        let connected = self.was_up && before != Some(Indicator::Connecting);
        if connected || !matches!(self.phase, ReconnectorPhase::Watching | ReconnectorPhase::Asking { .. }) {
            return;
        }
        if now == Indicator::Failed && before != Some(now) {
            let counted = std::mem::take(&mut self.is_counted_by_text);
            if !counted || before == Some(Indicator::Connecting) {
                self.failed_connects += 1;
            }
            return;
        }
        let written = look.written.as_ref().is_some_and(|written| {
            written.number > self.old_written && matches!(written.notice, Notice::Failed(_))
        });
        if written && now == Indicator::Absent && self.failed_connects == 0 && !self.was_up {
            self.failed_connects = 1;
            self.is_counted_by_text = true;
        }
    }

    /// Why only a restart helps, if so.
    pub(super) fn needs_restart(&self) -> Option<BlockReason> {
        let few = self.failed_connects < MAX_FAILED_CONNECTS;
        match &self.exhausted {
            Some(said) => Some(BlockReason::NeedsRestart(said.clone())),
            None if few || self.asked.is_some() => None,
            None => Some(BlockReason::NeedsRestart(
                "connecting failed twice in a row, and after the third time claude would not try again"
                    .into(),
            )),
        }
    }

    /// Asks for a restart, where that is configured and it is time for it.
    pub(super) fn consider_restart(&mut self, at: Duration, why: &BlockReason, actions: &mut Vec<Action>) {
        if !self.settings.restart || self.restart_asked || !matches!(why, BlockReason::NeedsRestart(_)) {
            return;
        }
        if self.restarts >= self.settings.max_tries {
            return;
        }
        let doublings = self.restarts.min(20);
        let pause = self.settings.cooldown.saturating_mul(1 << doublings).min(self.settings.max_cooldown);
        let from = *self.restart_at.get_or_insert(at + pause);
        if from > at {
            self.wake = Some(self.wake.map_or(from, |wake| wake.min(from)));
            return;
        }
        self.restarts += 1;
        self.restart_asked = true;
        actions.push(Action::Note(LinkEvent::Restart { what: why.to_string() }));
        actions.push(Action::Restart);
    }
}

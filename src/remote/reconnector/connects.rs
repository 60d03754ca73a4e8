//! Connects that fail in a row: claude counts them, and after the third of them it does not connect any more
//! in this process (seen with 2.1.332: `disabled after repeated failures · restart to retry`).
//!
//! So the third one is left alone. A restart of claude begins anew; where that is configured, it is asked
//! for.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::backoff;
use super::block_reason::BlockReason;
use super::evidence::LookNews;
use crate::claude::remote_notices::Notice;
use crate::claude::screen::Indicator;
use crate::config::RemoteControl;

/// How many connects may fail before another one would be the last.
const MAX_FAILED_CONNECTS: u32 = 2;

/// The connects of this process of claude's.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Connects {
    /// How many have failed in a row.
    pub(super) failed: u32,
    /// Whether a link was up.
    was_up: bool,
    /// The last failure was counted by what claude wrote: no indicator had shown it so far.
    is_counted_by_text: bool,
    /// Claude's words, if this process of it connects no more.
    exhausted: Option<String>,
}

impl Connects {
    /// Claude has ended: what it said does not hold any more.
    pub(super) fn forget_words(&mut self) {
        self.exhausted = None;
    }

    /// Another claude runs: it has counted nothing so far.
    pub(super) fn new_process(&mut self) {
        *self = Self::default();
    }

    pub(super) fn link_came_up(&mut self) {
        self.was_up = true;
        self.failed = 0;
        self.exhausted = None;
    }

    /// The answer to the command was a failure.
    pub(super) fn answer_failed(&mut self) {
        self.failed += 1;
    }

    /// Takes what claude has said.
    pub(super) fn heed(&mut self, notice: &Notice) {
        if let Notice::NeedsRestart(said) = notice {
            self.exhausted = Some(said.clone());
        }
    }

    /// Looks for a connect that failed: claude's own, or the user's. The indicator tells it, where there is
    /// one. A narrow window has none, and on the alternate screen it scrolls away; there the notice tells
    /// that claude's own connect at its start has failed.
    pub(super) fn handle_look(&mut self, news: &LookNews) {
        let (before, now) = (news.before, news.indicator);
        if self.was_up && before != Some(Indicator::Connecting) {
            return;
        }
        if now == Indicator::Failed && before != Some(now) {
            let counted = std::mem::take(&mut self.is_counted_by_text);
            if !counted || before == Some(Indicator::Connecting) {
                self.failed += 1;
            }
            return;
        }
        if news.is_failure_written && now == Indicator::Absent && self.failed == 0 && !self.was_up {
            self.failed = 1;
            self.is_counted_by_text = true;
        }
    }

    /// Why only a restart helps, if so. A request of the user's may be the connect that is the last.
    pub(super) fn need_restart(&self, is_requested: bool) -> Option<BlockReason> {
        match &self.exhausted {
            Some(said) => Some(BlockReason::NeedsRestart(said.clone())),
            None if self.failed < MAX_FAILED_CONNECTS || is_requested => None,
            None => Some(BlockReason::NeedsRestart(
                "connecting failed twice in a row, and after the third time claude would not try again"
                    .into(),
            )),
        }
    }
}

/// The restarts of claude that are asked for, because only they help.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Restarts {
    /// When the next one is to be asked for.
    at: Option<Duration>,
    /// This process of claude's is to be restarted already.
    is_requested: bool,
    /// How often so far without a link that lasted.
    count: u32,
}

/// What there is to do about a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RestartStep {
    /// Nothing.
    None,
    /// It is not time yet.
    WaitUntil(Duration),
    /// Ask for it now.
    Restart,
}

impl Restarts {
    /// Another claude runs.
    pub(super) fn new_process(&mut self) {
        self.at = None;
        self.is_requested = false;
    }

    /// A link has lasted.
    pub(super) fn link_was_stable(&mut self) {
        self.count = 0;
    }

    /// Nothing is typed for this reason. A restart is asked for where it helps, and where that is configured.
    pub(super) fn handle(
        &mut self,
        at: Duration,
        why: &BlockReason,
        settings: &RemoteControl,
    ) -> RestartStep {
        let is_needed = matches!(why, BlockReason::NeedsRestart(_));
        if !settings.restart || self.is_requested || !is_needed || self.count >= settings.max_tries {
            return RestartStep::None;
        }
        let from = *self.at.get_or_insert(at + backoff::pause(settings, self.count));
        if from > at {
            return RestartStep::WaitUntil(from);
        }
        self.count += 1;
        self.is_requested = true;
        RestartStep::Restart
    }
}

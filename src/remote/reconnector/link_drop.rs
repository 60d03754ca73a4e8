//! A link that went down: whether the user has switched it off.

use std::time::Duration;

use crate::claude::screen::Indicator;
use crate::typing::{HOLD_ANSWER_TIMEOUT, KeyboardState};

/// A link that goes down so soon after the user's keys was switched off by them, unless the screen says that
/// it failed.
const USER_SWITCH_WINDOW: Duration = Duration::from_secs(10);

/// The question to the client when the user last typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DropInquiry {
    /// When the link went down.
    dropped: Duration,
    until: Duration,
}

impl DropInquiry {
    pub(super) fn new(at: Duration) -> Self {
        Self { dropped: at, until: at + HOLD_ANSWER_TIMEOUT }
    }

    pub(super) fn deadline(&self) -> Duration {
        self.until
    }

    /// Another client is asked.
    pub(super) fn client_attached(&mut self, at: Duration) {
        self.until = at + HOLD_ANSWER_TIMEOUT;
    }

    /// The client has answered. Whether it was the user; the screen may have been quicker to say that it
    /// failed.
    pub(super) fn handle_answer(
        self,
        at: Duration,
        keyboard: KeyboardState,
        indicator: Option<Indicator>,
    ) -> bool {
        let typed = keyboard.typed.map(|ago| at.saturating_sub(ago));
        let is_users = typed.is_some_and(|typed| typed + USER_SWITCH_WINDOW >= self.dropped);
        let has_failed = matches!(indicator, Some(Indicator::Failed | Indicator::Connecting));
        is_users && !has_failed
    }
}

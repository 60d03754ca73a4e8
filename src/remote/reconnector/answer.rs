//! The answer to a command that was submitted.

use std::time::Duration;

use super::attempt::REPEATED_ANSWER_DELAY;
use super::evidence::ScreenSnapshot;
use crate::claude::remote_notices::Notice;
use crate::claude::screen::Indicator;

/// How long the answer to a command may take, and how long a connection that is being made.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, PartialEq)]
pub(super) struct AwaitedAnswer {
    since: Duration,
    until: Duration,
    /// What claude had said before.
    before: Option<Notice>,
    /// Claude was seen to connect.
    is_connecting: bool,
}

/// What claude has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// It refuses, in these words.
    Refused(String),
    /// It failed, for this reason.
    Failed(String),
    /// The panel of remote control opened.
    Panel {
        /// Whether it says that a link is up.
        connected: bool,
    },
    /// A dialog of the first use opened.
    Dialog,
    /// The link is up.
    Up,
}

impl AwaitedAnswer {
    /// The command left the prompt at `gone_at`.
    pub(super) fn new(at: Duration, gone_at: Option<Duration>, before: Option<Notice>) -> Self {
        Self { since: gone_at.unwrap_or(at), until: at + ANSWER_TIMEOUT, before, is_connecting: false }
    }

    pub(super) fn deadline(&self) -> Duration {
        self.until
    }

    /// Takes a look. `is_up` is whether the state file and the screen say that the link is up.
    pub(super) fn handle_look(&mut self, at: Duration, look: &ScreenSnapshot, is_up: bool) -> Option<Answer> {
        if !look.settled {
            return None;
        }
        let reading = &look.reading;
        let is_new = reading.notice != self.before;
        // The same refusal once more looks like the one before.
        let is_answer = is_new || at >= self.since + REPEATED_ANSWER_DELAY;
        if reading.indicator == Indicator::Connecting {
            self.is_connecting = true;
            self.until = self.until.max(self.since + CONNECT_TIMEOUT);
        }
        if let Some(said) = reading.notice.as_ref().and_then(Notice::refusal).filter(|_| is_answer) {
            return Some(Answer::Refused(said.to_owned()));
        }
        match &reading.notice {
            Some(notice) if is_new && !matches!(notice, Notice::Connected(_)) => {
                return Some(Answer::Failed(notice.said().to_owned()));
            }
            _ if self.is_connecting && reading.indicator == Indicator::Failed => {
                return Some(Answer::Failed("the connection failed".into()));
            }
            _ => {}
        }
        if let Some(panel) = &reading.panel {
            return Some(Answer::Panel { connected: panel.connected });
        }
        if reading.first_use {
            return Some(Answer::Dialog);
        }
        (is_up && reading.indicator == Indicator::Active).then_some(Answer::Up)
    }
}

//! What became of a message that was typed: looked for with the keys released, and for a bounded time.

use std::time::Duration;

use super::events::SenderEffect;
use super::look::PromptLook;
use super::message::SendOutcome;
use crate::claude::pasted::{PastedKind, PastedText, SubmittedAs};

/// The time between two looks into the transcript, and at the screen.
const FOLLOW_INTERVAL: Duration = Duration::from_millis(50);
/// How long claude may take to write a prompt into its transcript. Seen: a tenth of a second.
const TRANSCRIPT_TIMEOUT: Duration = Duration::from_secs(15);
/// The same for a command, which may write nothing: that it has left the prompt was seen.
const COMMAND_TIMEOUT: Duration = Duration::from_millis(1500);
/// How long it is looked whether keys that were sent last have taken a text back.
const TAKEN_BACK_TIMEOUT: Duration = Duration::from_secs(20);

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Quest {
    /// Enter was pressed: whether the text was submitted. Whether it was seen to leave the prompt.
    Submitted { gone: bool },
    /// Enter was not pressed: whether the text has gone from the prompt; why it was to be taken back.
    TakenBack { why: String },
}

/// Looks for what became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FollowUp {
    text: PastedText,
    quest: Quest,
    next: Duration,
    until: Duration,
}

impl FollowUp {
    /// Enter was pressed.
    pub(super) fn submitted(text: PastedText, gone: bool, at: Duration) -> Self {
        let by_screen = gone && text.kind() == PastedKind::Command;
        let timeout = if by_screen { COMMAND_TIMEOUT } else { TRANSCRIPT_TIMEOUT };
        Self { text, quest: Quest::Submitted { gone }, next: at, until: at + timeout }
    }

    /// It was typed, and is to be taken back by keys whose effect was not seen.
    pub(super) fn left(text: PastedText, why: String, at: Duration) -> Self {
        Self {
            text,
            quest: Quest::TakenBack { why },
            next: at + FOLLOW_INTERVAL,
            until: at + TAKEN_BACK_TIMEOUT,
        }
    }

    pub(super) fn deadline(&self) -> Duration {
        self.next.min(self.until)
    }

    /// Its time has come: what to do, and what became of the message if that is known.
    pub(super) fn due(&mut self, at: Duration) -> (Option<SenderEffect>, Option<SendOutcome>) {
        if at >= self.until {
            return (None, Some(self.expired()));
        }
        if at < self.next {
            return (None, None);
        }
        self.next = at + FOLLOW_INTERVAL;
        let effect = match self.quest {
            Quest::Submitted { .. } => SenderEffect::ReadTranscript,
            Quest::TakenBack { .. } => SenderEffect::Look,
        };
        (Some(effect), None)
    }

    /// The transcript was read.
    pub(super) fn transcript(&mut self, at: Duration, found: Option<SubmittedAs>) -> Option<SendOutcome> {
        let Quest::Submitted { .. } = self.quest else { return None };
        match found {
            Some(SubmittedAs::UnknownCommand(said)) => {
                Some(SendOutcome::NotSent(format!("claude has no such command ({said})")))
            }
            Some(found) => Some(SendOutcome::Submitted(found)),
            None if at >= self.until => Some(self.expired()),
            None => None,
        }
    }

    /// The screen was looked at.
    pub(super) fn looked(&mut self, at: Duration, look: &PromptLook) -> Option<SendOutcome> {
        let Quest::TakenBack { why } = &self.quest else { return None };
        let is_gone = look.is_at_prompt() && look.rested && !look.holds(&self.text);
        if is_gone {
            return Some(SendOutcome::NotSent(why.clone()));
        }
        (at >= self.until).then(|| self.expired())
    }

    /// Claude has ended. Its transcript is read once more by whoever is told of the end.
    pub(super) fn claude_ended(&mut self, at: Duration) -> Option<SendOutcome> {
        match &self.quest {
            Quest::TakenBack { why } => Some(SendOutcome::NotSent(why.clone())),
            // What it wrote last may be there to be read.
            Quest::Submitted { .. } => {
                self.until = self.until.min(at + FOLLOW_INTERVAL * 4);
                None
            }
        }
    }

    fn expired(&self) -> SendOutcome {
        match &self.quest {
            Quest::Submitted { gone: true } if self.text.kind() == PastedKind::Command => {
                SendOutcome::Submitted(SubmittedAs::Command)
            }
            Quest::Submitted { .. } => SendOutcome::Unknown(
                "Enter was pressed, and claude's transcript does not show the text".into(),
            ),
            Quest::TakenBack { why } => SendOutcome::Unknown(format!("{why}; it may stand at the prompt")),
        }
    }
}

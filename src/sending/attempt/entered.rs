//! Behind Enter: until the text has left the prompt, and the draft is back.

use std::time::Duration;

use super::{Attempt, AttemptEnd, Step, StepResult};
use crate::claude::screen::Prompt;
use crate::sending::look::PromptLook;
use crate::typing::pace::{DRAFT_RESTORE_TIMEOUT, UNDO_DRAW_TIMEOUT};

/// How long the text may stand at the prompt of a claude that rests and has read Enter, before it counts as
/// not taken.
const ENTER_TAKEN_TIMEOUT: Duration = Duration::from_secs(3);

/// How long claude may take to bring a draft back, as long as it says that there is one.
const SELF_RESTORE_TIMEOUT: Duration = Duration::from_secs(4);

impl Attempt {
    pub(super) fn entered(&mut self, at: Duration, look: &PromptLook) -> StepResult {
        if !look.settled {
            return (None, None);
        }
        if look.still_holds(&self.text) && self.gone_at.is_none() {
            // It was read, and claude has had its time: Enter did something else.
            if look.rested && at >= self.hold.step_at() + ENTER_TAKEN_TIMEOUT {
                self.reason = "claude did not take the text with Enter".into();
                return self.take_back(at, look);
            }
            return (None, None);
        }
        if self.gone_at.is_none() {
            self.has_text = false;
            self.gone_at = Some(at);
            self.hold.step_succeeded(at);
        }
        self.has_stash &= !look.has_draft();
        if !self.has_stash {
            return (None, Some(AttemptEnd::Submitted));
        }
        let gone_at = self.gone_at.unwrap_or(at);
        if at < gone_at + DRAFT_RESTORE_TIMEOUT {
            return (None, None);
        }
        if look.reading.prompt == Prompt::Empty && look.reading.stashed {
            // Claude brings it back by itself, and on a busy machine late.
            if !look.rested || at < gone_at + SELF_RESTORE_TIMEOUT {
                return (None, None);
            }
            self.enter(Step::Restoring { pressed: 0 }, at + UNDO_DRAW_TIMEOUT);
            return self.restoring(at, look, 0);
        }
        // Behind a dialog that the text has opened, the draft comes back with the prompt.
        (None, Some(AttemptEnd::Submitted))
    }
}

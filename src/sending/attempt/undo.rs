//! Taking back what was typed, and bringing a draft back.

use std::time::Duration;

use super::{Attempt, AttemptEnd, Step, StepResult};
use crate::claude::screen::Prompt;
use crate::sending::look::PromptLook;
use crate::typing::Keystroke;
use crate::typing::pace::{DRAW_TIMEOUT, UNDO_DRAW_TIMEOUT};

impl Attempt {
    pub(super) fn take_back(&mut self, at: Duration, look: &PromptLook) -> StepResult {
        self.enter(Step::TakingBack { tried: 0 }, at + DRAW_TIMEOUT);
        self.taking_back(at, look, 0)
    }

    pub(super) fn taking_back(&mut self, at: Duration, look: &PromptLook, tried: u8) -> StepResult {
        if look.is_at_prompt() && !look.holds(&self.text) {
            self.has_text = false;
            self.hold.step_succeeded(at);
            if self.has_stash {
                self.enter(Step::Restoring { pressed: 0 }, at + UNDO_DRAW_TIMEOUT);
                return self.restoring(at, look, 0);
            }
            return (None, Some(self.undone()));
        }
        let is_late = self.is_late(at, look);
        // Nothing was typed since but the text, so that this takes back nothing else, wherever claude is.
        if tried == 0 && look.settled && (look.has_draft() || is_late) {
            self.hold.step_succeeded(at);
            self.enter(Step::TakingBack { tried: 1 }, at + DRAW_TIMEOUT);
            return (Some(Keystroke::Undo), None);
        }
        // Seen for a paste right behind another one that was taken back: ctrl-_ does nothing.
        if tried == 1 && is_late && look.settled && look.still_holds(&self.text) {
            self.enter(Step::TakingBack { tried: 2 }, at + UNDO_DRAW_TIMEOUT);
            return (Some(Keystroke::Backspaces(self.text.characters())), None);
        }
        if is_late { (None, Some(AttemptEnd::Left(self.reason.clone()))) } else { (None, None) }
    }

    /// Brings the draft back, when the main prompt is seen to be empty. If claude has done that in the same
    /// moment, the key has put it aside again, and is pressed once more.
    pub(super) fn restoring(&mut self, at: Duration, look: &PromptLook, pressed: u8) -> StepResult {
        let is_quiet = look.is_at_prompt();
        let is_due = pressed == 0 || pressed == 1 && look.reading.stashed && self.is_late(at, look);
        if is_quiet && is_due && look.reading.prompt == Prompt::Empty {
            self.hold.step_succeeded(at);
            self.enter(Step::Restoring { pressed: pressed + 1 }, at + DRAW_TIMEOUT);
            return (Some(Keystroke::Stash), None);
        }
        if is_quiet && look.has_draft() {
            self.has_stash = false;
            return (None, Some(self.undone()));
        }
        if self.is_late(at, look) { (None, Some(self.undone())) } else { (None, None) }
    }

    /// How it ends once the prompt is as it was.
    fn undone(&self) -> AttemptEnd {
        match () {
            () if self.gone_at.is_some() => AttemptEnd::Submitted,
            // It may be Enter that has taken it away after all.
            () if self.is_entered => AttemptEnd::Entered,
            () => AttemptEnd::TakenBack(self.reason.clone()),
        }
    }
}

//! From the first look with the keys held to Enter.

use std::time::Duration;

use super::{Attempt, AttemptEnd, Step, StepResult};
use crate::claude::screen::Prompt;
use crate::sending::block::SendBlock;
use crate::sending::look::PromptLook;
use crate::sending::status::ClaudeStatus;
use crate::typing::Keystroke;
use crate::typing::pace::{DRAW_TIMEOUT, UNDO_DRAW_TIMEOUT};

impl Attempt {
    pub(super) fn opening(&mut self, at: Duration, look: &PromptLook, status: &ClaudeStatus) -> StepResult {
        let against = self.obstacle(look, status).or_else(|| look.against_text(&self.text));
        match against {
            Some(SendBlock::Unsettled) if at < self.until => return (None, None),
            Some(why) => return (None, Some(AttemptEnd::NotNow(why))),
            None => {}
        }
        self.hold.step_succeeded(at);
        if look.has_draft() {
            self.has_stash = true;
            self.enter(Step::Stashing, at + DRAW_TIMEOUT);
            return (Some(Keystroke::Stash), None);
        }
        self.paste(at)
    }

    pub(super) fn stashing(&mut self, at: Duration, look: &PromptLook, status: &ClaudeStatus) -> StepResult {
        let against = self.obstacle(look, status);
        if against.is_none() && look.reading.prompt == Prompt::Empty {
            self.hold.step_succeeded(at);
            return self.paste(at);
        }
        if !self.is_late(at, look) {
            return (None, None);
        }
        self.reason = "the draft at the prompt was not put aside in time".into();
        self.enter(Step::Restoring { pressed: 0 }, at + UNDO_DRAW_TIMEOUT);
        self.restoring(at, look, 0)
    }

    fn paste(&mut self, at: Duration) -> StepResult {
        self.has_text = true;
        self.enter(Step::Typing, at + DRAW_TIMEOUT);
        (Some(Keystroke::Paste(self.text.to_paste())), None)
    }

    pub(super) fn typing(&mut self, at: Duration, look: &PromptLook, status: &ClaudeStatus) -> StepResult {
        let against = self.obstacle(look, status);
        if against.is_none() && look.shows_alone(&self.text) {
            self.hold.step_succeeded(at);
            self.is_entered = true;
            self.enter(Step::Entered, at + DRAW_TIMEOUT);
            return (Some(Keystroke::Enter), None);
        }
        // Another command is selected: that does not change by itself.
        let other = self.text.other_command(&look.reading).filter(|_| look.settled && look.holds(&self.text));
        if let Some(other) = other {
            self.reason = format!("claude's list of commands has {other} selected, and Enter would run that");
            return self.take_back(at, look);
        }
        if self.is_late(at, look) {
            self.reason = match against {
                Some(why) => format!("before Enter, {why}"),
                None => "the text did not appear alone at the prompt in time".into(),
            };
            return self.take_back(at, look);
        }
        (None, None)
    }
}

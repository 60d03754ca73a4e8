//! From the first look with the keys held to Enter.

use std::time::Duration;

use super::super::block_reason::BlockReason;
use super::super::evidence::{File, ScreenSnapshot};
use super::{
    Attempt, AttemptEnd, AttemptStep, DRAW_TIMEOUT, Keystroke, Purpose, StepResult, UNDO_DRAW_TIMEOUT,
};
use crate::claude::screen::Prompt;

impl Attempt {
    pub(super) fn opening(&mut self, at: Duration, look: &ScreenSnapshot, file: Option<&File>) -> StepResult {
        let not_now = |why| (None, Some(AttemptEnd::NotNow(why)));
        if self.purpose == Purpose::Close {
            return match (&look.reading.panel, look.settled) {
                (Some(panel), true) => {
                    let then =
                        if panel.connected { AttemptEnd::WasUp { closed: true } } else { AttemptEnd::NotYet };
                    let closed = self.close(at);
                    self.planned_end = then;
                    closed
                }
                (None, true) if look.reading.first_use => {
                    let closed = self.close(at);
                    self.planned_end = AttemptEnd::Dialog;
                    closed
                }
                (_, false) if at < self.until => (None, None),
                _ => not_now(BlockReason::Unsettled),
            };
        }
        match file {
            None => return not_now(BlockReason::Unknown),
            Some(File { obstacle: Some(obstacle), .. }) => {
                return not_now(BlockReason::Session(obstacle.clone()));
            }
            _ => {}
        }
        match look.obstacle() {
            Some(BlockReason::Unsettled) if at < self.until => return (None, None),
            Some(BlockReason::Unsettled) if !look.rested => return not_now(BlockReason::Restless),
            Some(why) => return not_now(why),
            None => {}
        }
        self.before.clone_from(&look.reading.notice);
        if self.purpose == Purpose::Cleanup {
            return self.clean_up(at, look);
        }
        if let Some(why) = look.against_line(&self.line) {
            return not_now(why);
        }
        self.hold.step_succeeded(at);
        match &look.reading.prompt {
            Prompt::Empty => self.paste(at),
            Prompt::Draft(_) => {
                self.pending.stash = true;
                self.enter(AttemptStep::Stashing, at + DRAW_TIMEOUT);
                (Some(Keystroke::Stash), None)
            }
            Prompt::Elsewhere(why) => not_now(BlockReason::Screen((*why).into())),
        }
    }

    pub(super) fn stashing(&mut self, at: Duration, look: &ScreenSnapshot) -> StepResult {
        let fits = look.reading.room.fits(&self.line);
        if self.conditions.is_wanted
            && fits
            && self.conditions.is_quiet
            && look.obstacle().is_none()
            && look.reading.prompt == Prompt::Empty
        {
            self.hold.step_succeeded(at);
            return self.paste(at);
        }
        if self.conditions.is_wanted && fits && !self.is_late(at, look) {
            return (None, None);
        }
        self.planned_end = AttemptEnd::Failed("the draft at the prompt was not put aside in time");
        self.enter(AttemptStep::Restoring { pressed: false }, at + UNDO_DRAW_TIMEOUT);
        self.restoring(at, look, false)
    }

    fn paste(&mut self, at: Duration) -> StepResult {
        self.pending.text = true;
        self.enter(AttemptStep::Typing, at + DRAW_TIMEOUT);
        (Some(Keystroke::Paste(self.line.clone())), None)
    }

    pub(super) fn typing(&mut self, at: Duration, look: &ScreenSnapshot) -> StepResult {
        if !self.conditions.is_wanted {
            self.planned_end = AttemptEnd::Failed("it is not wanted any more");
            return self.take_back(at, look);
        }
        if self.conditions.is_quiet && look.obstacle().is_none() && look.shows_exactly(&self.line) {
            self.hold.step_succeeded(at);
            if look.reading.stashed && !self.pending.stash {
                self.planned_end = AttemptEnd::Failed("a draft was stashed meanwhile, which is not cckw's");
                return self.take_back(at, look);
            }
            if look.is_own_command() {
                self.planned_end = AttemptEnd::OwnCommand;
                return self.take_back(at, look);
            }
            self.enter(AttemptStep::Entered, at + DRAW_TIMEOUT);
            return (Some(Keystroke::Enter), None);
        }
        if self.is_late(at, look) {
            self.planned_end = AttemptEnd::Failed("the command did not appear alone at the prompt in time");
            return self.take_back(at, look);
        }
        (None, None)
    }
}

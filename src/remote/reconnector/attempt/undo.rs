//! Taking back what was typed, and bringing a draft back.

use std::time::Duration;

use super::{
    Attempt, AttemptStep, DRAW_TIMEOUT, Keystroke, Prompt, ScreenSnapshot, StepResult, UNDO_DRAW_TIMEOUT,
};

impl Attempt {
    pub(super) fn take_back(&mut self, at: Duration, look: &ScreenSnapshot) -> StepResult {
        self.enter(AttemptStep::TakingBack { tried: 0 }, at + UNDO_DRAW_TIMEOUT);
        self.taking_back(at, look, 0)
    }

    pub(super) fn taking_back(&mut self, at: Duration, look: &ScreenSnapshot, tried: u8) -> StepResult {
        let Prompts { exact, at_end, ours } = self.compare(look);
        let elsewhere = matches!(look.reading.prompt, Prompt::Elsewhere(_));
        let backspaces = Keystroke::Backspaces(self.line.chars().count());
        if look.settled && tried == 0 && (exact || at_end) {
            self.sent.taken_back = true;
            self.hold.step_succeeded(at);
            if elsewhere {
                self.enter(AttemptStep::TakingBack { tried: 2 }, at + DRAW_TIMEOUT);
                return (Some(backspaces), None);
            }
            self.enter(AttemptStep::TakingBack { tried: 1 }, at + DRAW_TIMEOUT);
            return (Some(Keystroke::Undo), None);
        }
        if look.settled && tried > 0 && !ours {
            self.pending.text = false;
            self.hold.step_succeeded(at);
            return self.after_taking_back(at, look);
        }
        if !self.is_late(at, look) {
            return (None, None);
        }
        // A version in which ctrl-_ does nothing.
        if look.settled && tried == 1 && at_end {
            self.enter(AttemptStep::TakingBack { tried: 2 }, at + DRAW_TIMEOUT);
            return (Some(backspaces), None);
        }
        // Backspace only moved the cursor to the front: vim's normal mode, where this deletes the line.
        if look.settled && tried == 2 && exact && !at_end {
            self.enter(AttemptStep::TakingBack { tried: 3 }, at + DRAW_TIMEOUT);
            return (Some(Keystroke::DeleteToEnd), None);
        }
        self.after_taking_back(at, look)
    }

    /// Where the line is now.
    fn compare(&self, look: &ScreenSnapshot) -> Prompts {
        match &look.reading.prompt {
            Prompt::Empty => Prompts::default(),
            Prompt::Draft(draft) => Prompts {
                exact: draft.text == self.line,
                at_end: draft.cursor_at_end && draft.text.ends_with(&self.line),
                ours: draft.text.contains(&self.line),
            },
            // In a field of something else: what stands right before the cursor is what backspace deletes.
            Prompt::Elsewhere(_) => {
                Prompts { exact: false, at_end: look.line_before_cursor, ours: look.line_before_cursor }
            }
        }
    }

    fn after_taking_back(&mut self, at: Duration, look: &ScreenSnapshot) -> StepResult {
        if self.pending.stash {
            return self.restore(at, look);
        }
        (None, Some(self.planned_end.clone()))
    }

    /// Brings the draft back, when the main prompt is seen to be empty.
    pub(super) fn restore(&mut self, at: Duration, look: &ScreenSnapshot) -> StepResult {
        self.enter(AttemptStep::Restoring { pressed: false }, at + UNDO_DRAW_TIMEOUT);
        self.restoring(at, look, false)
    }

    pub(super) fn restoring(&mut self, at: Duration, look: &ScreenSnapshot, pressed: bool) -> StepResult {
        let settled = look.obstacle().is_none();
        match &look.reading.prompt {
            Prompt::Empty if settled && self.conditions.is_quiet && !pressed => {
                self.sent.restored = true;
                self.hold.step_succeeded(at);
                self.enter(AttemptStep::Restoring { pressed: true }, at + UNDO_DRAW_TIMEOUT);
                return (Some(Keystroke::Stash), None);
            }
            Prompt::Draft(draft) if settled && pressed && draft.text != self.line => {
                self.pending.stash = false;
                return (None, Some(self.planned_end.clone()));
            }
            _ => {}
        }
        if self.is_late(at, look) { (None, Some(self.planned_end.clone())) } else { (None, None) }
    }
}

/// How what is typed compares with what is shown.
#[derive(Default)]
struct Prompts {
    exact: bool,
    at_end: bool,
    ours: bool,
}

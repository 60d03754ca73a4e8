//! Taking back what was typed, and bringing a draft back.

use std::time::Duration;

use super::{Attempt, AttemptEnd, AttemptStep, DRAW_TIMEOUT, Keystroke, Prompt, ScreenSnapshot};

impl Attempt {
    pub(super) fn take_back(
        &mut self,
        at: Duration,
        look: &ScreenSnapshot,
    ) -> (Option<Keystroke>, Option<AttemptEnd>) {
        self.go(AttemptStep::TakingBack { tried: 0 }, Self::until_undone(at));
        self.taking_back(at, look, 0)
    }

    pub(super) fn taking_back(
        &mut self,
        at: Duration,
        look: &ScreenSnapshot,
        tried: u8,
    ) -> (Option<Keystroke>, Option<AttemptEnd>) {
        let Prompts { exact, at_end, ours } = self.compare(look);
        let elsewhere = matches!(look.reading.prompt, Prompt::Elsewhere(_));
        let backspaces = Keystroke::Backspaces(self.line.chars().count());
        if look.settled && tried == 0 && (exact || at_end) {
            self.taken_back = true;
            self.seen(at);
            if elsewhere {
                self.go(AttemptStep::TakingBack { tried: 2 }, at + DRAW_TIMEOUT);
                return (Some(backspaces), None);
            }
            self.go(AttemptStep::TakingBack { tried: 1 }, at + DRAW_TIMEOUT);
            return (Some(Keystroke::Undo), None);
        }
        if look.settled && tried > 0 && !ours {
            self.owed.text = false;
            self.seen(at);
            return self.after_taking_back(at, look);
        }
        if !self.is_late(at, look) {
            return (None, None);
        }
        // A version in which ctrl-_ does nothing.
        if look.settled && tried == 1 && at_end {
            self.go(AttemptStep::TakingBack { tried: 2 }, at + DRAW_TIMEOUT);
            return (Some(backspaces), None);
        }
        // Backspace only moved the cursor to the front: vim's normal mode, where this deletes the line.
        if look.settled && tried == 2 && exact && !at_end {
            self.go(AttemptStep::TakingBack { tried: 3 }, at + DRAW_TIMEOUT);
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

    fn after_taking_back(
        &mut self,
        at: Duration,
        look: &ScreenSnapshot,
    ) -> (Option<Keystroke>, Option<AttemptEnd>) {
        if self.owed.stash {
            return self.restore(at, look);
        }
        (None, Some(self.then.clone()))
    }

    /// Brings the draft back, when the main prompt is seen to be empty.
    pub(super) fn restore(
        &mut self,
        at: Duration,
        look: &ScreenSnapshot,
    ) -> (Option<Keystroke>, Option<AttemptEnd>) {
        self.go(AttemptStep::Restoring { pressed: false }, Self::until_undone(at));
        self.restoring(at, look, false)
    }

    pub(super) fn restoring(
        &mut self,
        at: Duration,
        look: &ScreenSnapshot,
        pressed: bool,
    ) -> (Option<Keystroke>, Option<AttemptEnd>) {
        let settled = look.obstacle().is_none();
        match &look.reading.prompt {
            Prompt::Empty if settled && self.quiet && !pressed => {
                self.restored = true;
                self.seen(at);
                self.go(AttemptStep::Restoring { pressed: true }, Self::until_undone(at));
                return (Some(Keystroke::Stash), None);
            }
            Prompt::Draft(draft) if settled && pressed && draft.text != self.line => {
                self.owed.stash = false;
                return (None, Some(self.then.clone()));
            }
            _ => {}
        }
        if self.is_late(at, look) { (None, Some(self.then.clone())) } else { (None, None) }
    }
}

/// How what is typed compares with what is shown.
#[derive(Default)]
struct Prompts {
    exact: bool,
    at_end: bool,
    ours: bool,
}

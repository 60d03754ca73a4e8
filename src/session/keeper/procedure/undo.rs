//! Taking back what was typed, and bringing a draft back.

use std::time::Duration;

use super::{End, Keys, Look, PATIENCE_BACK, Prompt, Step, Try};

impl Try {
    pub(super) fn take_back(&mut self, at: Duration, look: &Look) -> (Option<Keys>, Option<End>) {
        self.go(Step::TakingBack { tried: 0 }, at + PATIENCE_BACK);
        self.taking_back(at, look, 0)
    }

    pub(super) fn taking_back(
        &mut self,
        at: Duration,
        look: &Look,
        tried: u8,
    ) -> (Option<Keys>, Option<End>) {
        let Prompts { exact, at_end, ours } = self.compare(look);
        if look.settled && tried == 0 && (exact || at_end) {
            self.taken_back = true;
            self.go(Step::TakingBack { tried: 1 }, at + PATIENCE_BACK);
            return (Some(Keys::Backspaces(self.line.chars().count())), None);
        }
        if look.settled && tried > 0 && !ours {
            self.owed.text = false;
            return self.after_taking_back(at, look);
        }
        // Backspace only moved the cursor to the front: vim's normal mode, where this deletes the line.
        if look.settled && tried == 1 && exact && !at_end {
            self.go(Step::TakingBack { tried: 2 }, at + PATIENCE_BACK);
            return (Some(Keys::DeleteToEnd), None);
        }
        // What was not seen at all may still come, and is waited for until the keys have to be released.
        if at < self.until || tried == 0 {
            return (None, None);
        }
        self.after_taking_back(at, look)
    }

    /// Where the line is now.
    fn compare(&self, look: &Look) -> Prompts {
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

    fn after_taking_back(&mut self, at: Duration, look: &Look) -> (Option<Keys>, Option<End>) {
        if self.owed.stash {
            return self.restore(at, look);
        }
        (None, Some(self.then.clone()))
    }

    /// Brings the draft back, when the main prompt is seen to be empty.
    pub(super) fn restore(&mut self, at: Duration, look: &Look) -> (Option<Keys>, Option<End>) {
        self.go(Step::Restoring { pressed: false }, at + PATIENCE_BACK);
        self.restoring(at, look, false)
    }

    pub(super) fn restoring(
        &mut self,
        at: Duration,
        look: &Look,
        pressed: bool,
    ) -> (Option<Keys>, Option<End>) {
        let settled = look.obstacle().is_none();
        match &look.reading.prompt {
            Prompt::Empty if settled && self.quiet && !pressed => {
                self.restored = true;
                self.go(Step::Restoring { pressed: true }, at + PATIENCE_BACK);
                return (Some(Keys::Stash), None);
            }
            Prompt::Draft(draft) if settled && pressed && draft.text != self.line => {
                self.owed.stash = false;
                return (None, Some(self.then.clone()));
            }
            _ => {}
        }
        if at < self.until { (None, None) } else { (None, Some(self.then.clone())) }
    }
}

/// How what is typed compares with what is shown.
#[derive(Default)]
struct Prompts {
    exact: bool,
    at_end: bool,
    ours: bool,
}

//! What an earlier try had to leave, seen to once claude rests.

use std::time::Duration;

use super::{
    Attempt, AttemptEnd, AttemptStep, BlockReason, DRAW_TIMEOUT, Keystroke, Prompt, ScreenSnapshot,
    StepResult, Vim,
};

impl Attempt {
    /// Decides by what a claude that rests shows what is still to be done.
    pub(super) fn clean_up(&mut self, at: Duration, look: &ScreenSnapshot) -> StepResult {
        let draft = match &look.reading.prompt {
            Prompt::Draft(draft) => Some(draft),
            _ => None,
        };
        if std::mem::take(&mut self.pending.text) {
            let stands = draft.is_some_and(|draft| draft.cursor_at_end && draft.text.ends_with(&self.line));
            if stands && !self.pending.unseen {
                self.pending.text = true;
                self.hold.step_succeeded(at);
                return self.take_back(at, look);
            }
            if stands {
                // The keys that take it back were read before this look. What stands there now may be the
                // user's.
                self.planned_end = AttemptEnd::StillThere;
            }
        }
        if self.pending.stash {
            // A list of commands hides what the footer says.
            let says_stashed = look.reading.stashed || look.reading.menu.is_some();
            match draft {
                None if look.reading.stashed || !self.pending.unseen => {
                    self.hold.step_succeeded(at);
                    return self.restore(at, look);
                }
                // It comes back with what the user submits, or at the next empty prompt.
                Some(_) if says_stashed => {
                    let why = "a draft is put aside, and another one stands at the prompt";
                    return (None, Some(AttemptEnd::NotNow(BlockReason::Screen(why.into()))));
                }
                _ => self.pending.stash = false,
            }
        }
        if std::mem::take(&mut self.pending.insert)
            && look.reading.menu.is_none()
            && look.reading.vim.is_none()
        {
            self.pending.insert = true;
            self.hold.step_succeeded(at);
            let before = draft.map(|draft| draft.text.clone()).unwrap_or_default();
            self.enter(AttemptStep::Inserting { before }, at + DRAW_TIMEOUT);
            return (Some(Keystroke::Append), None);
        }
        (None, Some(self.planned_end.clone()))
    }

    /// Waits until the footer says that the editor is in insert mode again. An `a` that became text is taken
    /// back.
    pub(super) fn inserting(&mut self, at: Duration, look: &ScreenSnapshot, before: &str) -> StepResult {
        if look.settled && look.reading.vim == Some(Vim::Insert) {
            self.pending.insert = false;
            return (None, Some(AttemptEnd::CleanedUp));
        }
        if !self.is_late(at, look) {
            return (None, None);
        }
        self.pending.insert = false;
        let typed = matches!(&look.reading.prompt, Prompt::Draft(draft) if draft.text.strip_prefix(before) == Some("a"));
        let keys = (look.settled && typed).then_some(Keystroke::Backspaces(1));
        (keys, Some(AttemptEnd::CleanedUp))
    }
}

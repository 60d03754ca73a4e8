//! What an earlier try had to leave, seen to once claude rests.

use std::time::Duration;

use super::{
    Attempt, AttemptEnd, AttemptStep, BlockReason, DRAW_TIMEOUT, Keystroke, Prompt, ScreenSnapshot,
    UNDO_DRAW_TIMEOUT, Vim,
};

impl Attempt {
    /// Decides by what a claude that rests shows what is still to be done.
    pub(super) fn tidy(
        &mut self,
        at: Duration,
        look: &ScreenSnapshot,
    ) -> (Option<Keystroke>, Option<AttemptEnd>) {
        let draft = match &look.reading.prompt {
            Prompt::Draft(draft) => Some(draft),
            _ => None,
        };
        if std::mem::take(&mut self.owed.text) {
            let stands = draft.is_some_and(|draft| draft.cursor_at_end && draft.text.ends_with(&self.line));
            if stands && !self.owed.unseen {
                self.owed.text = true;
                self.seen(at);
                return self.take_back(at, look);
            }
            if stands {
                // The keys that take it back were read before this look. What stands there now may be the user's.
                self.then = AttemptEnd::StillThere;
            }
        }
        if self.owed.stash {
            // A list of commands hides what the footer says.
            let says_stashed = look.reading.stashed || look.reading.menu.is_some();
            match draft {
                None if look.reading.stashed || !self.owed.unseen => {
                    self.seen(at);
                    return self.restore(at, look);
                }
                // It comes back with what the user submits, or at the next empty prompt.
                Some(_) if says_stashed => {
                    let why = "a draft is put aside, and another one stands at the prompt";
                    return (None, Some(AttemptEnd::NotNow(BlockReason::Screen(why.into()))));
                }
                _ => self.owed.stash = false,
            }
        }
        if std::mem::take(&mut self.owed.insert) && look.reading.menu.is_none() && look.reading.vim.is_none()
        {
            self.owed.insert = true;
            self.seen(at);
            let before = draft.map(|draft| draft.text.clone()).unwrap_or_default();
            self.go(AttemptStep::Inserting { before }, at + DRAW_TIMEOUT);
            return (Some(Keystroke::Append), None);
        }
        (None, Some(self.then.clone()))
    }

    /// Waits until the footer says that the editor is in insert mode again. An `a` that became text is taken back.
    pub(super) fn inserting(
        &mut self,
        at: Duration,
        look: &ScreenSnapshot,
        before: &str,
    ) -> (Option<Keystroke>, Option<AttemptEnd>) {
        if look.settled && look.reading.vim == Some(Vim::Insert) {
            self.owed.insert = false;
            return (None, Some(AttemptEnd::Tidied));
        }
        if !self.is_late(at, look) {
            return (None, None);
        }
        self.owed.insert = false;
        let typed = matches!(&look.reading.prompt, Prompt::Draft(draft) if draft.text.strip_prefix(before) == Some("a"));
        let keys = (look.settled && typed).then_some(Keystroke::Backspaces(1));
        (keys, Some(AttemptEnd::Tidied))
    }

    /// As long as what has to be undone may take.
    pub(super) fn until_undone(at: Duration) -> Duration {
        at + UNDO_DRAW_TIMEOUT
    }
}

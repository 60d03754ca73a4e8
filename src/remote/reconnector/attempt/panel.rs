//! The panel of a link that is up: to the choice that disconnects, or out of it again.

use std::time::Duration;

use super::{
    Attempt, AttemptEnd, AttemptStep, DRAW_TIMEOUT, Keystroke, SLOW_CLAUDE_EXTRA_TIME, ScreenSnapshot,
};
use crate::claude::screen::Panel;

/// The most choices that are walked over in the panel.
const MOVES: u8 = 10;

impl Attempt {
    /// Walks to the choice that disconnects, one step a look, and takes it when it is seen to be selected.
    pub(super) fn in_panel(
        &mut self,
        at: Duration,
        look: &ScreenSnapshot,
        moves: u8,
        expected: usize,
    ) -> (Option<Keystroke>, Option<AttemptEnd>) {
        let late = self.is_overdue(at, look);
        let panel = look.reading.panel.as_ref().filter(|_| look.settled);
        let Some(panel) = panel.filter(|panel| panel.selected == expected) else {
            return if late { self.close_if_seen(at, look) } else { (None, None) };
        };
        let Panel { selected, disconnect: Some(wanted), .. } = *panel else { return self.close(at) };
        self.seen(at);
        if selected == wanted {
            self.go(AttemptStep::Leaving, at + DRAW_TIMEOUT);
            return (Some(Keystroke::Enter), None);
        }
        if moves >= MOVES {
            return self.close(at);
        }
        let (keys, expected) =
            if selected < wanted { (Keystroke::Down, selected + 1) } else { (Keystroke::Up, selected - 1) };
        self.go(AttemptStep::InPanel { moves: moves + 1, expected }, at + DRAW_TIMEOUT);
        (Some(keys), None)
    }

    pub(super) fn leaving(
        &mut self,
        at: Duration,
        look: &ScreenSnapshot,
    ) -> (Option<Keystroke>, Option<AttemptEnd>) {
        if look.obstacle().is_none() {
            self.then = AttemptEnd::SwitchedOff;
            return self.finish_with_draft(at, look);
        }
        if self.is_overdue(at, look) { self.close_if_seen(at, look) } else { (None, None) }
    }

    /// Closes a panel that is still there. Where none is seen, Esc might mean something else, and it is waited for what shows.
    fn close_if_seen(
        &mut self,
        at: Duration,
        look: &ScreenSnapshot,
    ) -> (Option<Keystroke>, Option<AttemptEnd>) {
        let (keys, end) = self.close(at);
        let seen = look.settled && look.reading.panel.is_some();
        (keys.filter(|_| seen), end)
    }

    pub(super) fn close(&mut self, at: Duration) -> (Option<Keystroke>, Option<AttemptEnd>) {
        self.owed.text = false;
        self.seen(at);
        // At the prompt, which may be back by then, Esc leaves vim's insert mode.
        self.owed.insert |= self.was_insert;
        self.go(AttemptStep::Closing { again: false }, at + DRAW_TIMEOUT);
        self.then = AttemptEnd::WasUp { closed: true };
        (Some(Keystroke::Escape), None)
    }

    pub(super) fn closing(
        &mut self,
        at: Duration,
        look: &ScreenSnapshot,
        again: bool,
    ) -> (Option<Keystroke>, Option<AttemptEnd>) {
        if look.obstacle().is_none() {
            return self.finish_with_draft(at, look);
        }
        if at < self.until {
            return (None, None);
        }
        // Only what a claude that rests still shows is closed once more.
        let shown = look.reading.panel.is_some() || look.reading.first_use;
        if !again && look.settled && shown && !look.rested && at < self.until + SLOW_CLAUDE_EXTRA_TIME {
            return (None, None);
        }
        if !again && look.settled && look.rested && shown {
            self.go(AttemptStep::Closing { again: true }, at + DRAW_TIMEOUT);
            return (Some(Keystroke::Escape), None);
        }
        let end = match self.then {
            AttemptEnd::Dialog | AttemptEnd::NotYet => self.then.clone(),
            _ => AttemptEnd::WasUp { closed: false },
        };
        (None, Some(end))
    }

    /// Whether a step in the panel takes too long: what a claude that does not rest shows may be older than the last key.
    fn is_overdue(&self, at: Duration, look: &ScreenSnapshot) -> bool {
        at >= self.until && (look.rested || at >= self.until + SLOW_CLAUDE_EXTRA_TIME)
    }
}

//! The panel of a link that is up: to the choice that disconnects, or out of it again.

use std::time::Duration;

use super::{
    Attempt, AttemptEnd, AttemptStep, DRAW_TIMEOUT, Keystroke, SLOW_CLAUDE_EXTRA_TIME, ScreenSnapshot,
    StepResult,
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
    ) -> StepResult {
        let late = self.is_overdue(at, look);
        let panel = look.reading.panel.as_ref().filter(|_| look.settled);
        let Some(panel) = panel.filter(|panel| panel.selected == expected) else {
            return if late { self.close_if_seen(at, look) } else { (None, None) };
        };
        let Panel { selected, disconnect: Some(wanted), .. } = *panel else { return self.close(at) };
        self.hold.step_succeeded(at);
        if selected == wanted {
            self.enter(AttemptStep::Leaving, at + DRAW_TIMEOUT);
            return (Some(Keystroke::Enter), None);
        }
        if moves >= MOVES {
            return self.close(at);
        }
        let (keys, expected) =
            if selected < wanted { (Keystroke::Down, selected + 1) } else { (Keystroke::Up, selected - 1) };
        self.enter(AttemptStep::InPanel { moves: moves + 1, expected }, at + DRAW_TIMEOUT);
        (Some(keys), None)
    }

    pub(super) fn leaving(&mut self, at: Duration, look: &ScreenSnapshot) -> StepResult {
        if look.obstacle().is_none() {
            self.planned_end = AttemptEnd::SwitchedOff;
            return self.finish_with_draft(at, look);
        }
        if self.is_overdue(at, look) { self.close_if_seen(at, look) } else { (None, None) }
    }

    /// Closes a panel that is still there. Where none is seen, Esc might mean something else, and it is
    /// waited for what shows.
    fn close_if_seen(&mut self, at: Duration, look: &ScreenSnapshot) -> StepResult {
        let (keys, end) = self.close(at);
        let seen = look.settled && look.reading.panel.is_some();
        (keys.filter(|_| seen), end)
    }

    pub(super) fn close(&mut self, at: Duration) -> StepResult {
        self.pending.text = false;
        self.hold.step_succeeded(at);
        // At the prompt, which may be back by then, Esc leaves vim's insert mode.
        self.pending.insert |= self.conditions.was_insert;
        self.enter(AttemptStep::Closing { again: false }, at + DRAW_TIMEOUT);
        self.planned_end = AttemptEnd::WasUp { closed: true };
        (Some(Keystroke::Escape), None)
    }

    pub(super) fn closing(&mut self, at: Duration, look: &ScreenSnapshot, again: bool) -> StepResult {
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
            self.enter(AttemptStep::Closing { again: true }, at + DRAW_TIMEOUT);
            return (Some(Keystroke::Escape), None);
        }
        let end = match self.planned_end {
            AttemptEnd::Dialog | AttemptEnd::NotYet => self.planned_end.clone(),
            _ => AttemptEnd::WasUp { closed: false },
        };
        (None, Some(end))
    }

    /// Whether a step in the panel takes too long: what a claude that does not rest shows may be older than
    /// the last key.
    fn is_overdue(&self, at: Duration, look: &ScreenSnapshot) -> bool {
        at >= self.until && (look.rested || at >= self.until + SLOW_CLAUDE_EXTRA_TIME)
    }
}

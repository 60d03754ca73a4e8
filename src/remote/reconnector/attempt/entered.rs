//! Behind Enter: until the command has left the prompt, and the draft is back.

use std::time::Duration;

use super::super::evidence::{File, ScreenSnapshot};
use super::{Attempt, AttemptEnd, AttemptStep, DRAW_TIMEOUT, Purpose, StepResult};
use crate::claude::remote_control::Link;
use crate::claude::screen::{Indicator, Prompt};
use crate::typing::pace::DRAFT_RESTORE_TIMEOUT;

/// How long the prompt is watched after the command has left it, for a dialog that opens a moment later.
const DIALOG_WATCH_TIME: Duration = Duration::from_millis(400);
/// How long claude may be busy with the built-in command before that counts as a turn, if the screen shows
/// one.
const BUSY_COMMAND: Duration = Duration::from_secs(7);
/// The same where an answer would look like the one before.
pub const REPEATED_ANSWER_DELAY: Duration = Duration::from_secs(1);

impl Attempt {
    pub(super) fn entered(&mut self, at: Duration, look: &ScreenSnapshot, file: Option<&File>) -> StepResult {
        if !look.settled {
            return (None, None);
        }
        match (&look.reading.panel, self.purpose) {
            (Some(panel), _) if !panel.connected => {
                let closed = self.close(at);
                self.planned_end = AttemptEnd::NotYet;
                return closed;
            }
            (Some(panel), Purpose::SwitchOff) => {
                self.pending.text = false;
                self.hold.step_succeeded(at);
                self.enter(AttemptStep::InPanel { moves: 0, expected: panel.selected }, at + DRAW_TIMEOUT);
                return self.in_panel(at, look, 0, panel.selected);
            }
            (Some(_), _) => return self.close(at),
            (None, _) => {}
        }
        let draft = match &look.reading.prompt {
            // A dialog that is not known, which the state file knows of: it came with our Enter. While claude
            // runs the command the file says the same, and no dialog is drawn: Esc would mean something else
            // there.
            Prompt::Elsewhere(_)
                if look.reading.first_use
                    || file.is_some_and(|file| file.dialog)
                        && at >= self.until
                        && look.reading.prompt.nameless().is_none() =>
            {
                let closed = self.close(at);
                self.planned_end = AttemptEnd::Dialog;
                return closed;
            }
            Prompt::Elsewhere(_) => return (None, None),
            Prompt::Draft(draft) if draft.text == self.line => return (None, None),
            Prompt::Draft(_) => true,
            Prompt::Empty => false,
        };
        self.pending.text = false;
        if self.gone_at.is_none() {
            self.hold.step_succeeded(at);
        }
        let gone_at = self.gone_at.unwrap_or(at);
        self.gone_at = Some(gone_at);
        self.pending.stash &= !draft;
        // For a moment the command itself stands where the answer will.
        let answered = look.reading.notice.is_some() && look.reading.notice != self.before
            || matches!(look.reading.indicator, Indicator::Connecting | Indicator::Active)
            || file.is_some_and(|file| file.verdict.link == Link::Connected);
        // Where it had refused before, the same words once more are no news: they get the time to come.
        let pause = match &self.before {
            _ if answered => Duration::ZERO,
            Some(notice) if notice.refusal().is_some() => REPEATED_ANSWER_DELAY,
            _ => DIALOG_WATCH_TIME,
        };
        if at < gone_at + pause {
            return (None, None);
        }
        // The built-in command begins no turn.
        let busy = !answered && self.purpose == Purpose::Connect && file.is_some_and(|file| file.busy);
        // The state file says so for a moment with every command.
        if busy && at < gone_at + BUSY_COMMAND {
            return (None, None);
        }
        let own_command = busy && look.reading.busy;
        if own_command {
            self.planned_end = AttemptEnd::OwnCommand;
        }
        if !self.pending.stash {
            return (None, Some(if own_command { AttemptEnd::OwnCommand } else { AttemptEnd::Submitted }));
        }
        if at < gone_at + DRAFT_RESTORE_TIMEOUT {
            return (None, None);
        }
        if !own_command {
            self.planned_end = AttemptEnd::Submitted;
        }
        self.restore(at, look)
    }

    /// At the main prompt again: ends, with the draft back.
    pub(super) fn finish_with_draft(&mut self, at: Duration, look: &ScreenSnapshot) -> StepResult {
        if matches!(look.reading.prompt, Prompt::Draft(_)) {
            self.pending.stash = false;
        }
        if self.pending.stash {
            return self.restore(at, look);
        }
        (None, Some(self.planned_end.clone()))
    }
}

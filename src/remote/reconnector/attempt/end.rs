//! How an attempt ends, and what it leaves.

use serde::{Deserialize, Serialize};

use super::super::block_reason::BlockReason;
use super::{Attempt, AttemptStep, Keystroke, Outcome, Purpose};
use crate::remote::reconnector::events::Action;

/// How a try ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptEnd {
    /// Nothing was typed.
    NotNow(BlockReason),
    /// The command was submitted.
    Submitted,
    /// A dialog opened: the link is up after all. It was closed, or could not be.
    WasUp {
        /// Whether the main prompt is back.
        closed: bool,
    },
    /// The panel of a link that failed opened, and was closed: claude takes the command in some seconds.
    NotYet,
    /// A dialog opened that is not known, and was closed.
    Dialog,
    /// The panel's choice that disconnects was taken.
    SwitchedOff,
    /// The command was not submitted.
    Failed(&'static str),
    /// Enter would submit a command of the user's own of the same name; or it did, and claude works on it.
    OwnCommand,
    /// What was left of an earlier try is gone, or the user's by now.
    CleanedUp,
    /// The command still stands behind what the user has typed since. It is not taken back from there.
    StillThere,
}

/// What a try had to leave at the prompt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PendingCleanup {
    /// The line may be there.
    pub text: bool,
    /// A draft was put aside, and is not back.
    pub stash: bool,
    /// The editor was in vim's insert mode, and may not be any more.
    pub insert: bool,
    /// The keys that undo it were sent, and what they did was not seen. They are read in order, so that what
    /// stands there once claude rests is the user's; but a draft that claude still says is stashed.
    pub unseen: bool,
}

impl PendingCleanup {
    /// Whether there is anything.
    pub fn is_any(self) -> bool {
        self.text || self.stash || self.insert
    }
}

impl Attempt {
    /// Whether Enter was pressed.
    pub fn is_submitted(&self) -> bool {
        matches!(
            self.step,
            AttemptStep::Entered
                | AttemptStep::InPanel { .. }
                | AttemptStep::Leaving
                | AttemptStep::Closing { .. }
        ) || matches!(
            self.planned_end,
            AttemptEnd::Submitted
                | AttemptEnd::WasUp { .. }
                | AttemptEnd::NotYet
                | AttemptEnd::Dialog
                | AttemptEnd::SwitchedOff
        ) || self.planned_end == AttemptEnd::OwnCommand && self.gone_at.is_some()
    }

    /// How it ends when it has to end at once.
    pub fn cut_short(&self, why: &'static str) -> AttemptEnd {
        if self.is_submitted() {
            AttemptEnd::Submitted
        } else if self.purpose == Purpose::Cleanup {
            AttemptEnd::CleanedUp
        } else {
            AttemptEnd::Failed(why)
        }
    }

    /// The keys have been held for as long as they may be.
    pub(super) fn expire(&mut self) -> Outcome {
        let actions = self.last_keys().into_iter().map(Action::Type).collect();
        let why = if self.hold.has_key_waiting() {
            "claude did not show in time what was typed, and keys of the user's waited"
        } else {
            "claude did not show in time what was typed"
        };
        Outcome { actions, end: Some(self.cut_short(why)), is_expired: true }
    }

    /// The hold is over, and claude has not shown what it was sent: the opposite of that is sent after it,
    /// and comes before the user's next key, however slow claude is. Whether it helped is looked at later.
    fn last_keys(&mut self) -> Vec<Keystroke> {
        let unseen = matches!(self.step, AttemptStep::Typing | AttemptStep::TakingBack { tried: 0 });
        let taken_back = matches!(self.step, AttemptStep::TakingBack { .. });
        let put_aside =
            matches!(self.step, AttemptStep::Stashing | AttemptStep::Restoring { pressed: false });
        let mut keys = Vec::new();
        if unseen && self.pending.text {
            self.sent.taken_back = true;
            keys.push(Keystroke::Undo);
        }
        // Once the command is submitted claude brings the draft back by itself: another ctrl-s would put it
        // aside again.
        let at_prompt = self.conditions.at_main_prompt && !self.is_submitted();
        if self.pending.stash && at_prompt && (unseen || taken_back || put_aside) {
            self.sent.restored = true;
            keys.push(Keystroke::Stash);
        }
        // A panel is about to open, or is open: the user's keys are not for that.
        let panel = matches!(self.step, AttemptStep::InPanel { .. })
            || self.step == AttemptStep::Entered && self.purpose == Purpose::SwitchOff;
        if panel {
            self.pending.insert |= self.conditions.was_insert;
            keys.push(Keystroke::Escape);
        }
        keys
    }

    /// What is left at the prompt if it ends now, and has to be looked for later: also what was undone, and
    /// was not seen to be.
    pub fn leftover(&self) -> PendingCleanup {
        let sent = self.sent.taken_back || self.sent.restored || self.is_submitted();
        PendingCleanup { unseen: self.pending.is_any() && (self.pending.unseen || sent), ..self.pending }
    }
}

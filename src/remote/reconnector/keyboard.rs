//! Whoever is at the keyboard: holding their keys, and giving way to them.

use std::time::Duration;

use super::attempt::HOLD_ANSWER_TIMEOUT;
use super::{
    Action, BlockReason, KeyGate, KeyboardState, LONGEST_HOLD, Reconnector, ReconnectorPhase,
    WANTED_LOOK_DELAY,
};
use crate::claude::screen::Indicator;

/// A link that goes down so soon after the user's keys was switched off by them, unless the screen says that it failed.
const USER_SWITCH_WINDOW: Duration = Duration::from_secs(10);

impl Reconnector {
    pub(super) fn attached(&mut self, at: Duration, actions: &mut Vec<Action>) {
        self.attached = true;
        // Whoever is new here does not hold anything yet.
        match &mut self.phase {
            ReconnectorPhase::Asking { until, .. } => *until = at + HOLD_ANSWER_TIMEOUT,
            ReconnectorPhase::Trying(attempt) => {
                attempt.hold = KeyGate::Asked(at + HOLD_ANSWER_TIMEOUT);
                attempt.client_left();
            }
            ReconnectorPhase::Watching | ReconnectorPhase::Answering { .. } => return,
        }
        actions.push(Action::Hold);
    }

    /// Nobody types any more.
    pub(super) fn detached(&mut self, at: Duration) {
        self.attached = false;
        match &mut self.phase {
            ReconnectorPhase::Asking { .. } => self.phase = ReconnectorPhase::Watching,
            ReconnectorPhase::Trying(attempt) => {
                attempt.client_left();
                if let KeyGate::Asked(_) = attempt.hold {
                    attempt.hold = KeyGate::Until(at + LONGEST_HOLD);
                    attempt.next_look = at;
                }
            }
            ReconnectorPhase::Watching | ReconnectorPhase::Answering { .. } => {}
        }
    }

    /// Before anything was typed the key is let go at once.
    pub(super) fn key_waits(&mut self, at: Duration, actions: &mut Vec<Action>) {
        let ReconnectorPhase::Trying(attempt) = &mut self.phase else { return };
        if attempt.has_typed() {
            attempt.key_waits(at);
        } else {
            let rest = self.settings.rest.max(WANTED_LOOK_DELAY);
            self.not_now(at, BlockReason::Keyboard, at + rest, actions);
        }
    }

    pub(super) fn held(&mut self, at: Duration, keyboard: KeyboardState, actions: &mut Vec<Action>) {
        match &mut self.phase {
            ReconnectorPhase::Asking { dropped, .. } => {
                let typed = keyboard.typed.map(|ago| at.saturating_sub(ago));
                let own = typed.is_some_and(|typed| typed + USER_SWITCH_WINDOW >= *dropped);
                // Unless the screen was quicker to say that it failed.
                let told = self.seen.as_ref().map(|seen| seen.indicator);
                let failed = matches!(told, Some(Indicator::Failed | Indicator::Connecting));
                self.turned_off |= own && !failed;
                self.phase = ReconnectorPhase::Watching;
                actions.push(Action::Release);
            }
            ReconnectorPhase::Trying(attempt) => {
                let KeyGate::Asked(_) = attempt.hold else { return };
                attempt.hold = KeyGate::Until(at + LONGEST_HOLD);
                attempt.next_look = at;
                let rest = self.settings.rest;
                let wait = match keyboard {
                    KeyboardState { in_paste: true, .. } => Some(BlockReason::Paste),
                    KeyboardState { in_sequence: true, .. } => Some(BlockReason::Sequence),
                    KeyboardState { unread: true, .. } => Some(BlockReason::Unread),
                    KeyboardState { typed: Some(ago), .. } if ago < rest => Some(BlockReason::Keyboard),
                    _ => None,
                };
                match wait {
                    None => {
                        if keyboard.stashed.is_some_and(|ago| at.saturating_sub(ago) >= self.owed_since) {
                            // What is stashed now was stashed by the user.
                            attempt.owed.stash = false;
                        }
                        actions.push(Action::Look);
                    }
                    // What is half through is the user's new keys, which ours must not fall between.
                    Some(_) if attempt.has_typed() => {
                        let end = attempt.cut_short("another terminal was attached in the middle of it");
                        self.end(at, end, actions);
                    }
                    Some(why) => {
                        let left = keyboard
                            .typed
                            .map_or(rest, |ago| rest.saturating_sub(ago))
                            .max(WANTED_LOOK_DELAY);
                        self.not_now(at, why, at + left, actions);
                    }
                }
            }
            // Too late, or nobody asked.
            ReconnectorPhase::Watching | ReconnectorPhase::Answering { .. } => actions.push(Action::Release),
        }
    }
}

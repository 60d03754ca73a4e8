//! Whoever is at the keyboard: holding their keys, and giving way to them.

use std::time::Duration;

use super::{Action, BlockReason, Reconnector, ReconnectorPhase, WANTED_LOOK_DELAY};
use crate::typing::{KeyboardObstacle, KeyboardState};

/// Why ours must not be typed now.
fn obstacle(keyboard: KeyboardState, rest: Duration) -> Option<BlockReason> {
    keyboard.obstacle(rest).map(|obstacle| match obstacle {
        KeyboardObstacle::Paste => BlockReason::Paste,
        KeyboardObstacle::Sequence => BlockReason::Sequence,
        KeyboardObstacle::Unread => BlockReason::Unread,
        KeyboardObstacle::Typing => BlockReason::Keyboard,
    })
}

impl Reconnector {
    pub(super) fn client_attached(&mut self, at: Duration) -> Vec<Action> {
        self.presence.has_client = true;
        // Whoever is new here does not hold anything yet.
        match &mut self.phase {
            ReconnectorPhase::Inquiring(inquiry) => inquiry.client_attached(at),
            ReconnectorPhase::Trying(attempt) => attempt.client_attached(at),
            ReconnectorPhase::Watching | ReconnectorPhase::Answering(_) => return vec![],
        }
        vec![Action::Hold]
    }

    /// Nobody types any more.
    pub(super) fn client_left(&mut self, at: Duration) {
        self.presence.has_client = false;
        match &mut self.phase {
            ReconnectorPhase::Inquiring(_) => self.phase = ReconnectorPhase::Watching,
            ReconnectorPhase::Trying(attempt) => attempt.client_left(at),
            ReconnectorPhase::Watching | ReconnectorPhase::Answering(_) => {}
        }
    }

    /// Before anything was typed the key is let go at once.
    pub(super) fn key_waits(&mut self, at: Duration) -> Vec<Action> {
        let ReconnectorPhase::Trying(attempt) = &mut self.phase else { return vec![] };
        if attempt.has_typed() {
            attempt.key_waits(at);
            return vec![];
        }
        let rest = self.settings.rest.max(WANTED_LOOK_DELAY);
        self.defer(at, BlockReason::Keyboard, at + rest)
    }

    pub(super) fn keys_held(&mut self, at: Duration, keyboard: KeyboardState) -> Vec<Action> {
        let rest = self.settings.rest;
        match &mut self.phase {
            ReconnectorPhase::Inquiring(inquiry) => {
                if inquiry.handle_answer(at, keyboard, self.evidence.indicator()) {
                    self.permission.user_switched_off();
                }
                self.phase = ReconnectorPhase::Watching;
                vec![Action::Release]
            }
            ReconnectorPhase::Trying(attempt) => {
                if !attempt.keys_held(at) {
                    return vec![];
                }
                match obstacle(keyboard, rest) {
                    None => {
                        if keyboard.stashed.is_some_and(|ago| at.saturating_sub(ago) >= self.cleanup.since())
                        {
                            // What is stashed now was stashed by the user.
                            attempt.stash_is_the_users();
                        }
                        vec![Action::Look]
                    }
                    // What is half through is the user's new keys, which ours must not fall between.
                    Some(_) if attempt.has_typed() => {
                        let end = attempt.cut_short("another terminal was attached in the middle of it");
                        self.end(at, end)
                    }
                    Some(why) => {
                        let left = keyboard.typed.map_or(rest, |ago| rest.saturating_sub(ago));
                        self.defer(at, why, at + left.max(WANTED_LOOK_DELAY))
                    }
                }
            }
            // Too late, or nobody asked.
            ReconnectorPhase::Watching | ReconnectorPhase::Answering(_) => vec![Action::Release],
        }
    }
}

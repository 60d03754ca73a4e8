//! What the witnesses say, as it changes.

use std::time::Duration;

use super::procedure::HOLD_ANSWER;
use super::witness;
use super::{Action, File, Keeper, Look, Phase, SOON, STABLE, Seen};
use crate::claude::remote_control::Link;
use crate::claude::screen::{Indicator, Notice};

impl Keeper {
    pub(super) fn file(&mut self, at: Duration, file: Option<File>, actions: &mut Vec<Action>) {
        if self.file != file {
            self.blocked = None;
        }
        let link = file.as_ref().map_or(Link::Unknown, |file| file.verdict.link);
        self.file = file;
        match &self.file {
            Some(file) => {
                self.known = Some(file.clone());
                self.doubt_since = None;
            }
            None if self.known.is_some() => drop(self.doubt_since.get_or_insert(at)),
            None => {}
        }
        // A file that is just being written says nothing; what it said before still holds.
        if link == Link::Unknown || self.link == Some(link) {
            return;
        }
        let before = self.link.replace(link);
        self.lags_until = None;
        if link == Link::Connected {
            self.came_up(at, actions);
        } else {
            self.down_since = Some(at);
            if before == Some(Link::Connected) {
                self.went_down(at, actions);
            }
        }
    }

    fn came_up(&mut self, at: Duration, actions: &mut Vec<Action>) {
        self.used = true;
        self.no_doubt();
        self.up_since = Some(at);
        self.down_since = None;
        self.turned_off = false;
        self.refused = None;
        self.left_alone = None;
        // What the screen said was of the link before this one.
        self.seen = None;
        self.look_at = Some(at + SOON).filter(|_| self.cares());
        if let Phase::Answering { .. } = self.phase {
            self.succeeded(at, actions);
        }
        if self.asked.is_some_and(|asked| !asked.off_first) {
            self.asked = None;
        }
    }

    fn went_down(&mut self, at: Duration, actions: &mut Vec<Action>) {
        if self.up_since.take().is_some_and(|up| at.saturating_sub(up) >= STABLE) {
            self.tries = 0;
            self.next_try = None;
        }
        if !self.cares() {
            return;
        }
        self.look_at = Some(at + SOON);
        if self.attached && self.phase == Phase::Watching {
            self.phase = Phase::Asking { dropped: at, until: at + HOLD_ANSWER };
            actions.push(Action::Hold);
        }
    }

    /// Remembers what the screen says of the link.
    pub(super) fn take_down(&mut self, at: Duration, look: &Look) {
        let (indicator, notice) = (look.reading.indicator, look.reading.notice.clone());
        let is_up = self.link == Some(Link::Connected);
        if matches!(indicator, Indicator::Failed | Indicator::Connecting) {
            self.turned_off = false;
        }
        if indicator == Indicator::Failed {
            self.down_since.get_or_insert(at);
        } else if is_up {
            self.down_since = None;
        }
        if let Some(notice) = notice.as_ref().filter(|_| !is_up || indicator == Indicator::Failed) {
            if let Some(said) = witness::refusal(notice) {
                self.refused = Some(said.to_owned());
            }
            match notice {
                // Newer than what was said before.
                Notice::Failed(_) => self.left_alone = None,
                _ => {
                    if let Some(said) = witness::the_users(notice) {
                        self.left_alone = Some(said.to_owned());
                    }
                }
            }
        }
        if self.indicator().is_some_and(|before| before != indicator) {
            self.lags_until = None;
        }
        self.seen = Some(Seen { at, indicator, notice });
    }
}

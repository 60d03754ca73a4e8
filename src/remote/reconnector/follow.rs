//! What the witnesses say, as it changes.

use std::time::Duration;

use super::attempt::HOLD_ANSWER_TIMEOUT;
use super::{
    Action, File, IndicatorSeen, OWN_DIALOG, Reconnector, ReconnectorPhase, STABLE_LINK_TIME, ScreenSnapshot,
    WANTED_LOOK_DELAY,
};
use crate::claude::remote_control::Link;
use crate::claude::remote_notices::Notice;
use crate::claude::screen::Indicator;

impl Reconnector {
    pub(super) fn file(&mut self, at: Duration, file: Option<File>, actions: &mut Vec<Action>) {
        if self.file != file {
            self.blocked = None;
        }
        let link = file.as_ref().map_or(Link::Unknown, |file| file.verdict.link);
        self.note_change(at, file.as_ref());
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

    /// What the user does may change what ended the tries. A dialog that they have closed may have been `/login` or `/config`: then
    /// claude is asked once more what it has refused. After a turn of theirs tries are counted anew.
    fn note_change(&mut self, at: Duration, file: Option<&File>) {
        let (Some(before), Some(now)) = (self.known.as_ref(), file) else { return };
        let is_own = self.phase == ReconnectorPhase::Watching
            && self.last_try.as_ref().is_none_or(|(last, _)| at >= *last + OWN_DIALOG);
        if now.dialog && !before.dialog {
            self.user_dialog = is_own;
        }
        if before.dialog && !now.dialog && std::mem::take(&mut self.user_dialog) {
            (self.refused, self.own_command) = (None, false);
            self.tries = 0;
        }
        if before.busy && !now.busy && self.tries >= self.settings.max_tries {
            self.tries = 0;
        }
    }

    fn came_up(&mut self, at: Duration, actions: &mut Vec<Action>) {
        self.used = true;
        self.is_new_link = true;
        self.was_up = true;
        self.failed_connects = 0;
        self.no_doubt();
        self.up_since = Some(at);
        self.down_since = None;
        self.turned_off = false;
        self.refused = None;
        self.own_command = false;
        self.left_alone = None;
        self.exhausted = None;
        // A link that drops again for the same reason is news again.
        self.told = None;
        // What the screen said was of the link before this one.
        self.seen = None;
        self.look_at = Some(at + WANTED_LOOK_DELAY).filter(|_| self.cares());
        if let ReconnectorPhase::Answering { .. } = self.phase {
            self.succeeded(at, actions);
        }
        if self.asked.is_some_and(|asked| !asked.off_first) {
            self.request_over(at, false, actions);
        }
    }

    fn went_down(&mut self, at: Duration, actions: &mut Vec<Action>) {
        if self.up_since.take().is_some_and(|up| at.saturating_sub(up) >= STABLE_LINK_TIME) {
            self.tries = 0;
            self.restarts = 0;
            self.next_try = None;
        }
        if !self.cares() {
            return;
        }
        self.look_at = Some(at + WANTED_LOOK_DELAY);
        // After a cycle's first half it was this reconnector who switched it off.
        let ours = self.asked.is_some_and(|asked| !asked.off_first && at < asked.until);
        if self.attached && self.phase == ReconnectorPhase::Watching && !ours {
            self.phase = ReconnectorPhase::Asking { dropped: at, until: at + HOLD_ANSWER_TIMEOUT };
            actions.push(Action::Hold);
        }
    }

    /// Takes what was said since the link was up. What is written is whole, and outweighs a failure on the screen, where the notice may
    /// be cut; but not what leaves the link to the user, which the screen may show a moment earlier.
    fn take_notice(&mut self, shown: Option<&Notice>, look: &ScreenSnapshot) {
        let written = look.written.as_ref().filter(|written| written.number > self.old_written);
        let written = written.map(|written| &written.notice);
        let is_failure = |notice: &&Notice| !matches!(notice, Notice::Connected(_));
        let is_new = |notice: &&Notice| Some(*notice) != self.old_notice.as_ref();
        let failed =
            written.filter(is_failure).is_some() || shown.filter(is_failure).filter(is_new).is_some();
        if failed {
            // Nobody is told so who has switched it off.
            self.turned_off = false;
        }
        if let Some(notice) = written {
            self.heed(notice);
        }
        if let Some(notice) = shown
            && (written.is_none() || !matches!(notice, Notice::Failed(_)))
        {
            self.heed(notice);
        }
    }

    /// Remembers whose decision the link is, as claude's last words have it.
    pub(super) fn heed(&mut self, notice: &Notice) {
        if let Some(said) = notice.refusal() {
            self.refused = Some(said.to_owned());
        } else if let Some(said) = notice.left_to_the_user() {
            self.left_alone = Some(said.to_owned());
        } else if let Notice::NeedsRestart(said) = notice {
            self.exhausted = Some(said.clone());
        } else if let Notice::Failed(_) = notice {
            // Newer than what was said before.
            self.left_alone = None;
        }
    }

    /// A failure that was told after a panel had said that the link is up: it is not.
    fn doubt_panel(&mut self, look: &ScreenSnapshot) {
        let is_failure = |notice: &Notice| !matches!(notice, Notice::Connected(_));
        let number = look.written.as_ref().map_or(self.last_written, |written| written.number);
        let shown = self.seen.as_ref().and_then(|seen| seen.notice.as_ref());
        let is_written = number != self.last_written
            && look.written.as_ref().is_some_and(|written| is_failure(&written.notice));
        let is_shown =
            look.reading.notice.as_ref().is_some_and(|notice| is_failure(notice) && Some(notice) != shown);
        self.last_written = number;
        if is_written || is_shown && self.seen.is_some() {
            self.lags_until = None;
        }
    }

    /// Remembers what the screen says of the link.
    pub(super) fn take_down(&mut self, at: Duration, look: &ScreenSnapshot) {
        let (indicator, notice) = (look.reading.indicator, look.reading.notice.clone());
        self.count_own_connects(look);
        self.doubt_panel(look);
        let is_up = self.link == Some(Link::Connected);
        if matches!(indicator, Indicator::Failed | Indicator::Connecting) {
            self.turned_off = false;
        }
        if indicator == Indicator::Failed {
            self.down_since.get_or_insert(at);
        } else if is_up {
            self.down_since = None;
        }
        // On the alternate screen the indicator scrolls away: there the first look at a new link tells what is old.
        let is_new_link = std::mem::take(&mut self.is_new_link);
        if is_up && (indicator == Indicator::Active || is_new_link && indicator != Indicator::Failed) {
            // A claude that reconnects to the same session says nothing: what stands there is of the link before.
            self.old_notice.clone_from(&notice);
            self.old_written = look.written.as_ref().map_or(self.old_written, |written| written.number);
        } else {
            self.take_notice(notice.as_ref(), look);
        }
        if self.indicator().is_some_and(|before| before != indicator) {
            self.lags_until = None;
        }
        self.seen = Some(IndicatorSeen { at, indicator, notice });
    }
}

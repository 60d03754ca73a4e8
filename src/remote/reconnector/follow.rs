//! What follows from evidence that changes.

use std::time::Duration;

use super::attempt::Purpose;
use super::evidence::LinkChange;
use super::link_drop::DropInquiry;
use super::{
    Action, BlockReason, File, IDLE_LOOK_INTERVAL, Reconnector, ReconnectorPhase, ScreenSnapshot,
    WANTED_LOOK_DELAY,
};
use crate::claude::screen::Indicator;

/// A dialog that opens so soon after a try came of that try, and not of the user.
const OWN_DIALOG: Duration = Duration::from_secs(5);

impl Reconnector {
    pub(super) fn file_changed(&mut self, at: Duration, file: Option<File>) -> Vec<Action> {
        let (news, link) = self.evidence.handle_file(at, file);
        if news.is_new {
            self.obstacles.clear();
        }
        // What the user does may change what ended the tries.
        if news.dialog_opened {
            let last = self.backoff.last();
            let is_old = last.is_none_or(|(_, last, _)| at >= *last + OWN_DIALOG);
            self.permission.dialog_opened(self.is_watching() && is_old);
        }
        if news.dialog_closed && self.permission.dialog_closed() {
            self.backoff.recount();
        }
        if news.turn_ended && self.backoff.is_used_up(&self.settings) {
            self.backoff.recount();
        }
        match link {
            Some(LinkChange::CameUp) => self.link_came_up(at),
            Some(LinkChange::WentDown { was_stable }) => self.link_went_down(at, was_stable),
            None => vec![],
        }
    }

    fn link_came_up(&mut self, at: Duration) -> Vec<Action> {
        self.permission.link_came_up();
        self.connects.link_came_up();
        self.stale_link.clear();
        // A link that drops again for the same reason is news again.
        self.obstacles.forget_told();
        self.looks.plan(Some(at + WANTED_LOOK_DELAY).filter(|_| self.cares()));
        let mut actions = Vec::new();
        if let ReconnectorPhase::Answering(_) = self.phase {
            actions.push(self.succeed(at));
        }
        // Behind Enter it is the try for this request that has brought it back, and the try's end says so.
        let is_submitted = matches!(&self.phase, ReconnectorPhase::Trying(attempt) if attempt.is_submitted());
        if self.requests.is_for_link() && !is_submitted {
            actions.push(self.requests.end(at, Some(&BlockReason::Up)));
        }
        actions
    }

    fn link_went_down(&mut self, at: Duration, was_stable: bool) -> Vec<Action> {
        if was_stable {
            self.backoff.reset();
            self.restarts.link_was_stable();
        }
        if !self.cares() {
            return vec![];
        }
        self.looks.plan(Some(at + WANTED_LOOK_DELAY));
        // After a cycle's first half it was this reconnector who switched it off.
        let is_ours = self.requests.is_valid_for_link(at);
        if !self.presence.has_client || self.presence.other_types || !self.is_watching() || is_ours {
            return vec![];
        }
        self.phase = ReconnectorPhase::Inquiring(DropInquiry::new(at));
        vec![Action::Hold]
    }

    /// Takes a look, which may be a step of what is under way.
    pub(super) fn looked(&mut self, at: Duration, look: &ScreenSnapshot) -> Vec<Action> {
        if look.has_footer() {
            self.take_indicator(at, look);
        }
        self.evidence.handle_editor(look);
        self.permission.saw_own_command(look.own_command);
        let mut actions: Vec<_> = self.evidence.assess(at).into_iter().collect();
        let against = self.should_connect(at).err().map(|(why, _)| why);
        match &mut self.phase {
            ReconnectorPhase::Trying(attempt) => {
                let outcome = attempt.handle_look(at, look, self.evidence.file(), against);
                actions.extend(outcome.actions);
                if let Some(end) = outcome.end {
                    actions.extend(self.end(at, end));
                    // The user's next key may move the answer out of sight.
                    if !outcome.is_expired {
                        actions.extend(self.answer_looked_for(at, look));
                    }
                }
            }
            ReconnectorPhase::Answering(_) => actions.extend(self.answer_looked_for(at, look)),
            ReconnectorPhase::Watching => {
                if self.looks.take_typing() {
                    actions.extend(self.on_snapshot(at, look));
                } else if self.obstacles.is_of_the_screen() {
                    match self.against_typing(look).filter(|why| *why != BlockReason::Unsettled) {
                        Some(why) => self.obstacles.meet(why, at + IDLE_LOOK_INTERVAL),
                        None => self.obstacles.clear(),
                    }
                }
            }
            ReconnectorPhase::Inquiring(_) => {}
        }
        actions
    }

    /// Takes what the footer says of the link.
    pub(super) fn take_indicator(&mut self, at: Duration, look: &ScreenSnapshot) {
        let news = self.evidence.handle_look(at, look);
        if matches!(self.phase, ReconnectorPhase::Watching | ReconnectorPhase::Inquiring(_)) {
            self.connects.handle_look(&news);
        }
        if news.is_failure || matches!(news.indicator, Indicator::Failed | Indicator::Connecting) {
            self.permission.link_failed();
        }
        for notice in &news.heeded {
            self.permission.heed(notice);
            self.connects.heed(notice);
        }
    }

    /// What a claude that has nothing else to do says about a link that is up.
    pub(super) fn follow_idleness(&mut self, at: Duration) {
        let is_idle = self.evidence.file().is_some_and(|file| file.obstacle.is_none());
        self.stale_link.follow_idleness(at, is_idle && self.evidence.status() == super::LinkStatus::Up);
    }

    /// Begins a try: with a client it has to hold the keys first.
    pub(super) fn begin(&mut self, at: Duration, purpose: Purpose) -> Option<Action> {
        let has_client = self.presence.has_client;
        let attempt =
            super::Attempt::new(purpose, &self.settings.line(), has_client, self.cleanup.pending(), at)
                .in_insert_mode(self.evidence.is_in_insert_mode());
        self.phase = ReconnectorPhase::Trying(Box::new(attempt));
        has_client.then_some(Action::Hold)
    }
}

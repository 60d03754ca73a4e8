//! Links that look alive and may be dead: after the machine slept, after its network was away, after long idleness.
//!
//! Nothing on the machine says so then; users report (anthropics/claude-code 34255, 28914, 69543, 83193) that switching the link off and on
//! again helps. It is done once after each occasion, where that is configured, and as a request of the user's would be: with
//! every look.

use std::time::Duration;

use super::{Action, Reconnector, UserRequest};
use crate::config::ReconnectPolicy;
use crate::registry::link_record::LinkStatus;
use crate::registry::log_event::LinkEvent;

/// Claude notices a sleep and an outage too. To mend it by itself it gets so many times the time that a link has to have been down
/// for.
const GRACE: u32 = 4;
/// When the moment never came, it is tried again after so long.
const CHECK_RETRY_INTERVAL: Duration = Duration::from_secs(5 * 60);
/// And so often at most.
const MAX_CHECKS: u32 = 12;

/// What makes a link doubtful.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StaleTrigger {
    /// The machine slept for so long.
    Slept(Duration),
    /// The network was away for so long, and is back.
    Outage(Duration),
}

/// A link that is to be switched off and on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Doubt {
    /// When to begin.
    from: Duration,
    why: &'static str,
    tries: u32,
}

impl Reconnector {
    /// Something happened after which the link may be dead.
    pub(super) fn occasion(&mut self, at: Duration, occasion: StaleTrigger) {
        let (limit, long, why) = match occasion {
            StaleTrigger::Slept(long) => (self.settings.cycle_after_sleep, long, "the machine slept"),
            StaleTrigger::Outage(long) => (self.settings.cycle_after_outage, long, "the network was away"),
        };
        if limit.is_some_and(|limit| long >= limit) && self.is_doubtful() {
            let from = at.saturating_add(self.settings.disconnected_for.saturating_mul(GRACE));
            self.doubt = Some(Doubt { from, why, tries: 0 });
        }
    }

    /// Whether a link is kept here that says it is up.
    fn is_doubtful(&self) -> bool {
        let over = self.turned_off || self.refused.is_some() || self.left_alone.is_some();
        self.started
            && self.used
            && self.settings.keep != ReconnectPolicy::Off
            && !over
            && self.standing == LinkStatus::Up
    }

    /// Follows how long claude has been idle with its link up.
    pub(super) fn idleness(&mut self, at: Duration) {
        let idle = self.file.as_ref().is_some_and(|file| file.obstacle.is_none());
        if idle && self.standing == LinkStatus::Up {
            self.idle_since.get_or_insert(at);
        } else {
            self.idle_since = None;
        }
    }

    fn idle_until(&self) -> Option<Duration> {
        self.idle_since.zip(self.settings.cycle_after_idle).map(|(since, long)| since.saturating_add(long))
    }

    /// When something of this is due.
    pub(super) fn doubt_at(&self) -> Option<Duration> {
        if self.asked.is_some() || !self.is_doubtful() {
            return None;
        }
        let doubt = self.doubt.map(|doubt| doubt.from);
        doubt.into_iter().chain(self.idle_until().filter(|_| self.doubt.is_none())).min()
    }

    /// Asks for a link to be switched off and on, when it is time for that.
    pub(super) fn doubted(&mut self, at: Duration, actions: &mut Vec<Action>) {
        if self.doubt.is_none() && self.idle_until().is_some_and(|until| until <= at) && self.is_doubtful() {
            self.doubt = Some(Doubt { from: at, why: "claude was idle for long", tries: 0 });
        }
        if self.asked.is_some() || !self.is_doubtful() {
            return;
        }
        let Some(doubt) = self.doubt.as_mut().filter(|doubt| doubt.from <= at) else { return };
        if doubt.tries >= MAX_CHECKS {
            self.no_doubt();
            return;
        }
        doubt.tries += 1;
        doubt.from = at + CHECK_RETRY_INTERVAL;
        actions.push(Action::Note(LinkEvent::Cycle { what: doubt.why }));
        self.asked = Some(UserRequest::at(at, true));
        self.blocked = None;
    }

    /// The link was made anew, or is none of ours any more.
    pub(super) fn no_doubt(&mut self) {
        self.doubt = None;
        self.idle_since = None;
    }
}

//! Links that look alive and may be dead: after the machine slept, after its network was away, after long
//! idleness.
//!
//! Nothing on the machine says so then; users report (anthropics/claude-code 34255, 28914, 69543, 83193) that
//! switching the link off and on again helps. It is done once after each such event, where that is
//! configured, and as a request of the user's would be: with every look.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::RemoteControl;

/// Claude notices a sleep and an outage too. To mend it by itself it gets so many times the time that a link
/// has to have been down for.
const GRACE: u32 = 4;
/// When the moment never came, it is tried again after so long.
const CHECK_RETRY_INTERVAL: Duration = Duration::from_secs(5 * 60);
/// And so often at most.
const MAX_CHECKS: u32 = 12;

/// After what a link may be dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StaleTrigger {
    /// The machine slept for so long.
    Slept(Duration),
    /// The network was away for so long, and is back.
    Outage(Duration),
}

/// Why a link may be dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum CycleReason {
    Slept,
    Outage,
    Idle,
}

impl CycleReason {
    fn words(self) -> &'static str {
        match self {
            Self::Slept => "the machine slept",
            Self::Outage => "the network was away",
            Self::Idle => "claude was idle for long",
        }
    }
}

/// A link that is to be switched off and on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Cycle {
    /// When to begin.
    from: Duration,
    why: CycleReason,
    tries: u32,
}

/// Whether the link may be dead although it says that it is up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct StaleLink {
    cycle: Option<Cycle>,
    /// Since when claude is idle with its link up.
    idle_since: Option<Duration>,
}

impl StaleLink {
    /// Something happened after which the link may be dead. Called only while it says that it is up.
    pub(super) fn handle(&mut self, at: Duration, trigger: StaleTrigger, settings: &RemoteControl) {
        let (limit, long, why) = match trigger {
            StaleTrigger::Slept(long) => (settings.cycle_after_sleep, long, CycleReason::Slept),
            StaleTrigger::Outage(long) => (settings.cycle_after_outage, long, CycleReason::Outage),
        };
        if limit.is_some_and(|limit| long >= limit) {
            let from = at.saturating_add(settings.disconnected_for.saturating_mul(GRACE));
            self.cycle = Some(Cycle { from, why, tries: 0 });
        }
    }

    /// Follows how long claude has been idle with its link up.
    pub(super) fn follow_idleness(&mut self, at: Duration, is_idle: bool) {
        if is_idle {
            self.idle_since.get_or_insert(at);
        } else {
            self.idle_since = None;
        }
    }

    fn idle_until(&self, settings: &RemoteControl) -> Option<Duration> {
        self.idle_since.zip(settings.cycle_after_idle).map(|(since, long)| since.saturating_add(long))
    }

    /// When the link is to be switched off and on.
    pub(super) fn deadline(&self, settings: &RemoteControl) -> Option<Duration> {
        self.cycle.map(|cycle| cycle.from).or_else(|| self.idle_until(settings))
    }

    /// Long idleness makes a link stale as well.
    pub(super) fn check_idleness(&mut self, at: Duration, settings: &RemoteControl) {
        if self.cycle.is_none() && self.idle_until(settings).is_some_and(|until| until <= at) {
            self.cycle = Some(Cycle { from: at, why: CycleReason::Idle, tries: 0 });
        }
    }

    /// Why the link is to be switched off and on now, if it is time for that.
    pub(super) fn handle_due(&mut self, at: Duration) -> Option<&'static str> {
        let cycle = self.cycle.as_mut().filter(|cycle| cycle.from <= at)?;
        if cycle.tries >= MAX_CHECKS {
            self.clear();
            return None;
        }
        cycle.tries += 1;
        cycle.from = at + CHECK_RETRY_INTERVAL;
        Some(cycle.why.words())
    }

    /// The link was made anew, or is none of ours any more.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether the link is to be switched off and on.
    #[cfg(test)]
    pub(super) fn is_suspected(&self) -> bool {
        self.cycle.is_some()
    }
}

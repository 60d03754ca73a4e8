//! A restart that was asked for, and when it is time for it.
//!
//! A plain state machine: it does no I/O and reads no clock.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::os::moment;

/// How long claude must have been idle. It is idle before it has written down the turn that has just ended
/// (seen: a tenth of a second), and for a moment between a turn and the next one that was typed ahead.
pub const IDLE_BEFORE_RESTART: Duration = Duration::from_secs(1);
/// The same where nobody has asked for it: somebody may be about to type.
pub const IDLE_BEFORE_UNASKED_RESTART: Duration = Duration::from_secs(5);

/// Whether claude is to be started anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PendingRestart {
    #[serde(with = "moment::option")]
    idle_since: Option<Instant>,
    request: Option<RestartRequest>,
    /// Not before, unless somebody is in a hurry.
    #[serde(with = "moment::option")]
    not_before: Option<Instant>,
    under_way: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct RestartRequest {
    #[serde(with = "moment")]
    at: Instant,
    /// Whatever claude does.
    at_once: bool,
    /// How long claude must have been idle.
    rest: Duration,
}

impl PendingRestart {
    /// Claude says that it is idle, or that it is not.
    pub fn heard(&mut self, idle: bool, at: Instant) {
        self.idle_since = if idle { self.idle_since.or(Some(at)) } else { None };
    }

    /// Somebody wants claude to be started anew: at once, or as soon as it rests. A later wish can only
    /// hasten an earlier one.
    pub fn ask(&mut self, at_once: bool, at: Instant) {
        self.want(RestartRequest { at, at_once, rest: IDLE_BEFORE_RESTART });
    }

    /// A newer claude is there. Nobody has asked for a restart.
    pub fn suggest(&mut self, at: Instant) {
        self.want(RestartRequest { at, at_once: false, rest: IDLE_BEFORE_UNASKED_RESTART });
    }

    fn want(&mut self, wish: RestartRequest) {
        let request = self.request.get_or_insert(wish);
        request.at_once |= wish.at_once;
        request.rest = request.rest.min(wish.rest);
    }

    /// Whether nobody has asked for the restart.
    pub fn is_unasked(&self) -> bool {
        self.request.is_some_and(|request| request.rest == IDLE_BEFORE_UNASKED_RESTART)
    }

    /// When claude is to be ended, as far as can be said now.
    pub fn deadline(&self) -> Option<Instant> {
        let request = self.request.filter(|_| !self.under_way)?;
        if request.at_once {
            return Some(request.at);
        }
        let from = self.not_before.map_or(request.at, |not_before| not_before.max(request.at));
        self.idle_since.map(|since| from.max(since + request.rest))
    }

    /// Nobody wants it any more. Whether there was one to call off: not when claude is already being ended.
    pub fn cancel(&mut self) -> bool {
        let waits = !self.under_way && self.request.is_some();
        if waits {
            (self.request, self.not_before) = (None, None);
        }
        waits
    }

    /// Whether there is a reason to look before claude is ended: nobody is in a hurry.
    pub fn is_patient(&self) -> bool {
        self.request.is_some_and(|request| !request.at_once)
    }

    /// Something would be lost now: it is due again later.
    pub fn postpone(&mut self, until: Instant) {
        self.not_before = Some(until);
    }

    /// Claude is being ended.
    pub fn begin(&mut self) {
        self.under_way = true;
    }

    /// Whether claude is being ended, or was, in order to be started anew.
    pub fn is_under_way(&self) -> bool {
        self.under_way
    }

    /// Claude was started anew, for whatever reason, or will not be.
    pub fn over(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn it_waits_for_rest_and_can_be_hastened() {
        let start = Instant::now();
        let second = |number: u32| start + IDLE_BEFORE_RESTART * number;
        let mut restart = PendingRestart::default();
        restart.heard(true, second(0));
        assert_eq!(restart.deadline(), None);
        let mut rested = restart;
        rested.ask(false, second(5));
        assert_eq!(rested.deadline(), Some(second(5)));
        restart.heard(false, second(1));
        restart.ask(false, second(2));
        assert_eq!(restart.deadline(), None);
        restart.heard(true, second(3));
        restart.heard(true, second(4));
        assert_eq!(restart.deadline(), Some(second(4)));
        let mut postponed = restart;
        postponed.postpone(second(9));
        assert_eq!((postponed.deadline(), postponed.is_patient()), (Some(second(9)), true));
        postponed.ask(true, second(5));
        assert!(postponed.deadline().is_some_and(|due| due <= second(5)) && !postponed.is_patient());
        restart.heard(false, second(4));
        assert_eq!(restart.deadline(), None);
        restart.ask(true, second(6));
        assert!(restart.deadline().is_some_and(|due| due <= second(6)));
        let mut unwanted = restart;
        assert_eq!((unwanted.cancel(), unwanted.deadline(), unwanted.cancel()), (true, None, false));
        restart.begin();
        assert_eq!((restart.deadline(), restart.is_under_way()), (None, true));
        assert!(!restart.cancel());
        restart.over();
        assert_eq!(restart, PendingRestart::default());
    }

    proptest! {
        /// Whatever is heard and asked: it is never due unasked, and before claude has rested only for one
        /// who does not wait.
        #[test]
        fn nobody_who_waits_disturbs_claude(steps in prop::collection::vec((0..6u8, 0..3_000u64), 0..40)) {
            let start = Instant::now();
            let (mut restart, mut now) = (PendingRestart::default(), start);
            let (mut idle_since, mut asked, mut suggested, mut hurried) = (None, false, false, false);
            for (what, milliseconds) in steps {
                now += Duration::from_millis(milliseconds);
                match what {
                    0 | 1 => {
                        restart.heard(what == 1, now);
                        idle_since = if what == 1 { idle_since.or(Some(now)) } else { None };
                    }
                    4 => {
                        prop_assert_eq!(restart.cancel(), asked || suggested);
                        (asked, suggested, hurried) = (false, false, false);
                    }
                    5 => {
                        restart.suggest(now);
                        suggested = true;
                    }
                    _ => {
                        restart.ask(what == 3, now);
                        (asked, hurried) = (true, hurried || what == 3);
                    }
                }
                let rested = |rest| idle_since.is_some_and(|since| now >= since + rest);
                let due = restart.deadline().is_some_and(|due| due <= now);
                let is_time = asked && (hurried || rested(IDLE_BEFORE_RESTART))
                    || suggested && rested(IDLE_BEFORE_UNASKED_RESTART);
                prop_assert_eq!(due, is_time);
                prop_assert_eq!(restart.is_unasked(), suggested && !asked);
            }
        }
    }
}

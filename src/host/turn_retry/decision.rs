//! When claude is told to go on with a turn that ended in an error of the API.
//!
//! A plain state machine: it does no I/O and reads no clock. What it promises, whatever happens in whatever
//! order: it tells claude nothing unless the configuration says so for that kind of error; only so many times in
//! a row, with pauses that grow; not before a limit is over; and never after another turn has begun, the user
//! has broken the turn off, or claude has ended.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::config::{OnBrokenTurn, TurnPolicy};
use crate::os::moment;

/// The longest pause. Ten tries with pauses that double would be days.
const MAX_PAUSE: Duration = Duration::from_secs(60 * 60);
/// How long after a limit is over. Its end is told in whole minutes.
const AFTER_LIMIT: Duration = Duration::from_secs(60);
/// How long after a login was written down.
const AFTER_LOGIN: Duration = Duration::from_secs(2);

/// What kind of error it was, by what there is to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureCause {
    /// The service has too much to do, or had an error of its own.
    Overloaded,
    /// A limit is reached, which is over after so long; nothing where that is not known.
    Limit(Option<Duration>),
    /// The service could not be reached.
    Network,
    /// The login is not accepted.
    Unauthorized,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryEvent {
    /// A turn has ended in this error.
    Failed(FailureCause),
    /// A turn runs.
    Began,
    /// A turn has come to its end, or the user has broken it off.
    Ended,
    /// Claude has ended, another conversation is open, or the session is to end.
    Dropped,
    /// Somebody has logged in.
    LoggedIn,
    /// What claude was to be told was not submitted.
    NotSent,
    /// The time that [`TurnRetry::deadline`] gave has come.
    Due,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryEffect {
    /// Tell claude to go on.
    Send,
    /// Tell the user that they can go on.
    Tell,
}

/// What is waited for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Pending {
    #[default]
    Nothing,
    Time(#[serde(with = "moment")] Instant),
    Login,
    /// Claude was told, and the turn was not seen to begin.
    Sent,
}

/// The last failed turn of a session.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TurnRetry {
    #[serde(skip)]
    policy: TurnPolicy,
    pending: Pending,
    tries: u32,
}

impl TurnRetry {
    /// Nothing has failed yet.
    pub fn new(policy: &TurnPolicy) -> Self {
        Self { policy: policy.clone(), pending: Pending::Nothing, tries: 0 }
    }

    /// One that another program has handed over.
    #[must_use]
    pub fn with_policy(self, policy: &TurnPolicy) -> Self {
        Self { policy: policy.clone(), ..self }
    }

    /// Notes what happened. Gives what is to be done.
    pub fn handle(&mut self, now: Instant, event: RetryEvent) -> Option<RetryEffect> {
        match event {
            RetryEvent::Failed(cause) => return self.failed(now, cause),
            RetryEvent::Began => self.pending = Pending::Nothing,
            RetryEvent::Ended | RetryEvent::Dropped => (self.pending, self.tries) = (Pending::Nothing, 0),
            RetryEvent::LoggedIn if self.pending == Pending::Login => {
                self.pending = Pending::Time(now + AFTER_LOGIN);
            }
            RetryEvent::NotSent if self.pending == Pending::Sent && self.tries < self.policy.max_tries => {
                self.pending = Pending::Time(now + self.pause());
            }
            RetryEvent::Due if self.deadline().is_some_and(|at| at <= now) => {
                self.pending = Pending::Sent;
                self.tries += 1;
                return Some(RetryEffect::Send);
            }
            RetryEvent::LoggedIn | RetryEvent::NotSent | RetryEvent::Due => {}
        }
        None
    }

    /// When claude is told.
    pub fn deadline(&self) -> Option<Instant> {
        match self.pending {
            Pending::Time(at) => Some(at),
            _ => None,
        }
    }

    /// Whether somebody is waited for to log in.
    pub fn waits_for_login(&self) -> bool {
        self.pending == Pending::Login
    }

    /// How often in a row claude was told.
    pub fn tries(&self) -> u32 {
        self.tries
    }

    fn failed(&mut self, now: Instant, cause: FailureCause) -> Option<RetryEffect> {
        self.pending = Pending::Nothing;
        match self.policy_for(cause) {
            OnBrokenTurn::Off => return None,
            OnBrokenTurn::Continue if self.tries < self.policy.max_tries => {}
            OnBrokenTurn::Ask | OnBrokenTurn::Continue => return Some(RetryEffect::Tell),
        }
        self.pending = match cause {
            FailureCause::Overloaded | FailureCause::Network => Pending::Time(now + self.pause()),
            FailureCause::Limit(over) => {
                let over = over.map_or(Duration::ZERO, |over| over + AFTER_LIMIT);
                Pending::Time(now + over.max(self.pause()))
            }
            FailureCause::Unauthorized => Pending::Login,
        };
        None
    }

    /// The first pause is as configured, each later one twice as long.
    fn pause(&self) -> Duration {
        let factor = 1_u32 << self.tries.min(16);
        self.policy.spacing.saturating_mul(factor).min(MAX_PAUSE.max(self.policy.spacing))
    }

    fn policy_for(&self, cause: FailureCause) -> OnBrokenTurn {
        match cause {
            FailureCause::Overloaded => self.policy.overloaded,
            FailureCause::Limit(_) => self.policy.limit,
            FailureCause::Network => self.policy.network,
            FailureCause::Unauthorized => self.policy.unauthorized,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn with(all: OnBrokenTurn) -> TurnRetry {
        TurnRetry::new(&TurnPolicy {
            overloaded: all,
            limit: all,
            network: all,
            unauthorized: all,
            max_tries: 3,
            spacing: Duration::from_secs(30),
            ..TurnPolicy::default()
        })
    }

    const OVERLOADED: RetryEvent = RetryEvent::Failed(FailureCause::Overloaded);

    #[test]
    fn the_pauses_grow_and_the_tries_are_bounded() {
        let (mut now, mut retry) = (Instant::now(), with(OnBrokenTurn::Continue));
        for seconds in [30, 60, 120] {
            assert_eq!(retry.handle(now, OVERLOADED), None);
            let at = retry.deadline().expect("a time");
            assert_eq!(at - now, Duration::from_secs(seconds));
            assert_eq!(retry.handle(at - Duration::from_millis(1), RetryEvent::Due), None);
            assert_eq!(retry.handle(at, RetryEvent::Due), Some(RetryEffect::Send));
            assert_eq!(retry.handle(at, RetryEvent::Began), None);
            now = at;
        }
        assert_eq!(retry.handle(now, OVERLOADED), Some(RetryEffect::Tell));
        assert_eq!(retry.deadline(), None);
        // A turn that comes to its end counts anew.
        retry.handle(now, RetryEvent::Ended);
        assert_eq!(retry.handle(now, OVERLOADED), None);
        assert_eq!(retry.deadline(), Some(now + Duration::from_secs(30)));
    }

    #[test]
    fn a_limit_is_waited_for_until_it_is_over() {
        let (now, mut retry) = (Instant::now(), with(OnBrokenTurn::Continue));
        let hours = Duration::from_secs(5 * 3600);
        retry.handle(now, RetryEvent::Failed(FailureCause::Limit(Some(hours))));
        assert_eq!(retry.deadline(), Some(now + hours + AFTER_LIMIT));
        retry.handle(now, RetryEvent::Failed(FailureCause::Limit(None)));
        assert_eq!(retry.deadline(), Some(now + Duration::from_secs(30)));
    }

    #[test]
    fn a_login_that_is_not_accepted_is_waited_for() {
        let (now, mut retry) = (Instant::now(), with(OnBrokenTurn::Continue));
        retry.handle(now, RetryEvent::Failed(FailureCause::Unauthorized));
        assert!(retry.waits_for_login() && retry.deadline().is_none());
        retry.handle(now, RetryEvent::LoggedIn);
        assert_eq!(retry.deadline(), Some(now + AFTER_LOGIN));
        retry.handle(now, RetryEvent::Dropped);
        assert_eq!(retry.deadline(), None);
    }

    #[test]
    fn without_a_word_in_the_configuration_nothing_is_done() {
        let now = Instant::now();
        let mut off = with(OnBrokenTurn::Off);
        assert_eq!((off.handle(now, OVERLOADED), off.deadline()), (None, None));
        let mut ask = with(OnBrokenTurn::Ask);
        assert_eq!((ask.handle(now, OVERLOADED), ask.deadline()), (Some(RetryEffect::Tell), None));
        assert_eq!(TurnRetry::new(&TurnPolicy::default()), {
            let mut retry = TurnRetry::new(&TurnPolicy::default());
            retry.handle(now, OVERLOADED);
            retry
        });
    }

    fn any_event() -> impl Strategy<Value = RetryEvent> {
        prop_oneof![
            2 => Just(OVERLOADED),
            1 => Just(RetryEvent::Failed(FailureCause::Network)),
            1 => Just(RetryEvent::Failed(FailureCause::Unauthorized)),
            1 => proptest::option::of(0_u64..9000).prop_map(|over| {
                RetryEvent::Failed(FailureCause::Limit(over.map(Duration::from_secs)))
            }),
            2 => Just(RetryEvent::Began),
            1 => Just(RetryEvent::Ended),
            1 => Just(RetryEvent::Dropped),
            1 => Just(RetryEvent::LoggedIn),
            1 => Just(RetryEvent::NotSent),
            3 => Just(RetryEvent::Due),
        ]
    }

    proptest! {
        /// However events come: claude is told only after a turn has failed and before anything else happened, not
        /// too soon, and not too often in a row.
        #[test]
        fn it_is_never_told_unasked_too_soon_or_without_end(
            events in proptest::collection::vec((0_u64..200, any_event()), 0..120),
        ) {
            let (mut now, mut retry) = (Instant::now(), with(OnBrokenTurn::Continue));
            let (mut failed_at, mut in_a_row) = (None, 0);
            for (later, event) in events {
                now += Duration::from_secs(later);
                let effect = retry.handle(now, event);
                match event {
                    RetryEvent::Failed(_) => failed_at = Some(now),
                    RetryEvent::Began => failed_at = None,
                    RetryEvent::Ended | RetryEvent::Dropped => (failed_at, in_a_row) = (None, 0),
                    _ => {}
                }
                if effect == Some(RetryEffect::Send) {
                    prop_assert!(failed_at.is_some_and(|at| now >= at + AFTER_LOGIN));
                    in_a_row += 1;
                    prop_assert!(in_a_row <= 3);
                }
                prop_assert!(failed_at.is_some() || retry.deadline().is_none() && !retry.waits_for_login());
                prop_assert_eq!(retry.tries(), in_a_row);
            }
        }
    }
}

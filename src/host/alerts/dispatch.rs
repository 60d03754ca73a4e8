//! When the user's command is run for an alert: one at a time, not too often, and never for more alerts than a
//! few that wait. A plain state machine: it does no I/O and reads no clock.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::os::moment;

/// So many alerts wait at most. Of more, the oldest are dropped.
pub const MAX_WAITING_ALERTS: usize = 8;
/// The command is started at most so often...
pub const MAX_RUNS: usize = 20;
/// ...within this time.
pub const RUN_WINDOW: Duration = Duration::from_secs(60);
/// How long a run may take before it is given up. The run ends its command before that
/// ([`RUN_TIMEOUT`](super::runner::RUN_TIMEOUT)), so this is for a run that hangs itself.
pub const GIVE_UP_AFTER: Duration = Duration::from_secs(20);

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DispatchEvent<A> {
    /// The command is to be run for this alert.
    Alert(A),
    /// The run has ended, or could not be started.
    Ended,
    /// The time that [`Dispatch::deadline`] gave has come.
    Due,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DispatchEffect<A> {
    /// The command is to be run for this alert.
    Run(A),
    /// The run hangs: it is to be killed, and is not waited for.
    GiveUp,
    /// This alert is dropped.
    Drop(A),
}

/// The alerts of one session on their way to the command.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, bound(deserialize = "A: Deserialize<'de>"))]
pub struct Dispatch<A> {
    waiting: VecDeque<A>,
    /// Since when a run goes on.
    #[serde(with = "moment::option")]
    running: Option<Instant>,
    /// When the last runs were started, oldest first.
    #[serde(with = "moment::queue")]
    started: VecDeque<Instant>,
}

impl<A> Default for Dispatch<A> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), running: None, started: VecDeque::new() }
    }
}

impl<A> Dispatch<A> {
    /// Notes what happened. Gives what is to be done, in this order.
    pub fn handle(&mut self, now: Instant, event: DispatchEvent<A>) -> Vec<DispatchEffect<A>> {
        let mut effects = vec![];
        match event {
            DispatchEvent::Alert(alert) => {
                self.waiting.push_back(alert);
                if self.waiting.len() > MAX_WAITING_ALERTS {
                    effects.extend(self.waiting.pop_front().map(DispatchEffect::Drop));
                }
            }
            DispatchEvent::Ended => self.running = None,
            DispatchEvent::Due => {
                if self.running.take_if(|since| *since + GIVE_UP_AFTER <= now).is_some() {
                    effects.push(DispatchEffect::GiveUp);
                }
            }
        }
        if self.running.is_none()
            && self.may_start_at().is_none_or(|at| at <= now)
            && let Some(alert) = self.waiting.pop_front()
        {
            self.running = Some(now);
            self.started.push_back(now);
            if self.started.len() > MAX_RUNS {
                self.started.pop_front();
            }
            effects.push(DispatchEffect::Run(alert));
        }
        effects
    }

    /// When it wants to be told the time.
    pub fn deadline(&self) -> Option<Instant> {
        match self.running {
            Some(since) => Some(since + GIVE_UP_AFTER),
            None if self.waiting.is_empty() => None,
            None => self.may_start_at(),
        }
    }

    /// The session ends: the alerts that wait, for one last run.
    pub fn take_waiting(&mut self) -> Vec<A> {
        self.waiting.drain(..).collect()
    }

    /// When the next run may be started, where there were as many as may be.
    fn may_start_at(&self) -> Option<Instant> {
        self.started.front().filter(|_| self.started.len() == MAX_RUNS).map(|oldest| *oldest + RUN_WINDOW)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_runs_at_a_time_and_in_order() {
        let now = Instant::now();
        let mut dispatch = Dispatch::default();
        assert_eq!(dispatch.deadline(), None);
        assert_eq!(dispatch.handle(now, DispatchEvent::Alert(1)), [DispatchEffect::Run(1)]);
        assert_eq!(dispatch.handle(now, DispatchEvent::Alert(2)), []);
        assert_eq!(dispatch.handle(now, DispatchEvent::Alert(3)), []);
        assert_eq!(dispatch.handle(now, DispatchEvent::Ended), [DispatchEffect::Run(2)]);
        assert_eq!(dispatch.take_waiting(), [3]);
    }

    #[test]
    fn of_too_many_the_oldest_are_dropped() {
        let now = Instant::now();
        let mut dispatch = Dispatch::default();
        for alert in 0..=MAX_WAITING_ALERTS {
            assert!(!dispatch.handle(now, DispatchEvent::Alert(alert)).contains(&DispatchEffect::Drop(1)));
        }
        assert_eq!(dispatch.handle(now, DispatchEvent::Alert(99)), [DispatchEffect::Drop(1)]);
        assert_eq!(dispatch.handle(now, DispatchEvent::Ended), [DispatchEffect::Run(2)]);
    }

    #[test]
    fn one_that_hangs_is_given_up_and_the_next_one_runs() {
        let now = Instant::now();
        let mut dispatch = Dispatch::default();
        let _ = dispatch.handle(now, DispatchEvent::Alert(1));
        let _ = dispatch.handle(now, DispatchEvent::Alert(2));
        let at = dispatch.deadline().expect("a bound");
        assert_eq!(at, now + GIVE_UP_AFTER);
        let effects = dispatch.handle(at, DispatchEvent::Due);
        assert_eq!(effects, [DispatchEffect::GiveUp, DispatchEffect::Run(2)]);
    }

    fn any_event() -> impl Strategy<Value = DispatchEvent<u32>> {
        prop_oneof![
            3 => any::<u32>().prop_map(DispatchEvent::Alert),
            2 => Just(DispatchEvent::Ended),
            1 => Just(DispatchEvent::Due),
        ]
    }

    proptest! {
        /// However events come: one run at a time, no more in a window than are allowed, no more alerts wait
        /// than are allowed, and while one waits there is a time at which something happens.
        #[test]
        fn a_flood_is_bounded(events in proptest::collection::vec((0_u64..3000, any_event()), 0..200)) {
            let (mut now, mut dispatch) = (Instant::now(), Dispatch::default());
            let (mut runs, mut starts, mut waiting) = (0, Vec::<Instant>::new(), 0_usize);
            for (later, event) in events {
                now += Duration::from_millis(later);
                match event {
                    DispatchEvent::Alert(_) => waiting += 1,
                    DispatchEvent::Ended => runs = 0,
                    DispatchEvent::Due => {}
                }
                for effect in dispatch.handle(now, event) {
                    match effect {
                        DispatchEffect::GiveUp => runs = 0,
                        DispatchEffect::Drop(_) => waiting -= 1,
                        DispatchEffect::Run(_) => {
                            waiting -= 1;
                            runs += 1;
                            starts.push(now);
                        }
                    }
                }
                prop_assert!(runs <= 1 && waiting <= MAX_WAITING_ALERTS);
                let within = starts.iter().filter(|at| now - **at < RUN_WINDOW).count();
                prop_assert!(within <= MAX_RUNS);
                prop_assert!(waiting == 0 || dispatch.deadline().is_some());
            }
        }
    }
}

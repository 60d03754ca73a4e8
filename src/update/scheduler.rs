//! When a new version is looked for without being asked: once a day, and not at the same moment on all machines.
//! There is a deadline only if `auto` asks for it.

use std::time::Duration;

use crate::config::AutoUpdate;

/// Between two looks, in seconds.
const INTERVAL: u64 = 24 * 60 * 60;
/// So much is added to it at random, at most, in seconds.
const MAX_JITTER: u64 = 2 * 60 * 60;
/// A service that has just started does not look at once, in seconds: it may start again and again.
const MIN_DELAY: u64 = 5 * 60;

/// What is known of the looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheduler {
    auto: AutoUpdate,
    /// When the next look is due, in seconds since 1970.
    due: u64,
}

/// What happens to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The configuration says this now.
    Configured(AutoUpdate),
    /// Time has passed.
    Woken,
}

impl Scheduler {
    /// One that begins at `now`, when the last look was at `checked_at`, both in seconds since 1970. `random` is
    /// a number of the caller's.
    pub fn new(auto: AutoUpdate, now: u64, checked_at: Option<u64>, random: u64) -> Self {
        let earliest = now.saturating_add(MIN_DELAY);
        // A time that is to come is of a clock that was wrong.
        let after_last = checked_at.filter(|at| *at <= now).map_or(0, |at| at.saturating_add(INTERVAL));
        Self { auto, due: after_last.max(earliest).saturating_add(random % MAX_JITTER) }
    }

    /// Takes in what happened at `now`. Whether to look now.
    pub fn handle(&mut self, now: u64, random: u64, event: Event) -> bool {
        match event {
            Event::Configured(auto) => {
                self.auto = auto;
                false
            }
            Event::Woken if self.auto == AutoUpdate::Off => false,
            Event::Woken => {
                let latest = now.saturating_add(INTERVAL + MAX_JITTER);
                if self.due > latest {
                    // The clock was set back.
                    self.due = latest;
                }
                let is_due = now >= self.due;
                if is_due {
                    self.due = now.saturating_add(INTERVAL + random % MAX_JITTER);
                }
                is_due
            }
        }
    }

    /// How long nothing is to be done; nothing where nothing is ever to be done.
    pub fn wait(&self, now: u64) -> Option<Duration> {
        let left = self.due.saturating_sub(now).min(INTERVAL + MAX_JITTER);
        (self.auto != AutoUpdate::Off).then(|| Duration::from_secs(left))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn where_nothing_is_asked_for_there_is_no_deadline_and_no_look() {
        let mut scheduler = Scheduler::new(AutoUpdate::Off, 1000, None, 7);
        assert_eq!(scheduler.wait(1000), None);
        assert!(!scheduler.handle(u64::MAX, 7, Event::Woken));
    }

    #[test]
    fn a_look_is_once_a_day_also_when_the_service_starts_again() {
        let (day, now) = (INTERVAL, 1_000_000);
        let mut scheduler = Scheduler::new(AutoUpdate::Check, now, None, 0);
        assert_eq!(scheduler.wait(now), Some(Duration::from_secs(MIN_DELAY)));
        assert!(!scheduler.handle(now + MIN_DELAY - 1, 0, Event::Woken));
        assert!(scheduler.handle(now + MIN_DELAY, 60, Event::Woken));
        assert_eq!(scheduler.wait(now + MIN_DELAY), Some(Duration::from_secs(day + 60)));
        let again = Scheduler::new(AutoUpdate::Check, now + 3600, Some(now), 60);
        assert_eq!(again.wait(now + 3600), Some(Duration::from_secs(day - 3600 + 60)));
    }

    fn steps() -> impl Strategy<Value = Vec<(i64, u64, Option<AutoUpdate>)>> {
        let auto = prop_oneof![
            Just(None),
            Just(None),
            Just(Some(AutoUpdate::Off)),
            Just(Some(AutoUpdate::Check)),
            Just(Some(AutoUpdate::Apply))
        ];
        proptest::collection::vec((-100_000i64..200_000, any::<u64>(), auto), 0..60)
    }

    proptest! {
        /// Whatever the clock does and whatever is configured.
        #[test]
        fn there_is_never_a_look_too_many_nor_a_wait_without_end(steps in steps()) {
            let mut now = 10_000_000u64;
            let mut scheduler = Scheduler::new(AutoUpdate::Check, now, None, 0);
            let mut auto = AutoUpdate::Check;
            let mut looked: Option<u64> = None;
            for (passed, random, configured) in steps {
                now = now.saturating_add_signed(passed);
                if let Some(configured) = configured {
                    auto = configured;
                    prop_assert!(!scheduler.handle(now, random, Event::Configured(auto)));
                }
                prop_assert_eq!(scheduler.wait(now).is_none(), auto == AutoUpdate::Off);
                prop_assert!(scheduler.wait(now).is_none_or(|wait| wait <= Duration::from_secs(INTERVAL + MAX_JITTER)));
                if scheduler.handle(now, random, Event::Woken) {
                    prop_assert!(auto != AutoUpdate::Off);
                    // If the clock was never set back since then, a day has passed.
                    prop_assert!(looked.is_none_or(|before| now < before || now - before >= INTERVAL));
                    looked = Some(now);
                    prop_assert!(scheduler.wait(now).is_some_and(|wait| wait >= Duration::from_secs(INTERVAL)));
                }
                if passed < 0 {
                    looked = None;
                }
            }
        }
    }
}

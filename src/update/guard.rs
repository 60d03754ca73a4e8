//! Whether a program that was just installed is kept. It is on trial until one of its hosts has held a session
//! for a while; if too many of them end before that, without having said so, the program before it comes back.

use semver::Version;
use serde::{Deserialize, Serialize};

/// So many processes of a program on trial may end early; then it is not kept.
pub const MAX_EARLY_ENDS: usize = 3;

/// A service that is started again so soon, in milliseconds, has ended early.
const MIN_SERVICE_INTERVAL_MS: u64 = 60_000;

/// How far the trial has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "state")]
pub enum Guard {
    /// Nothing is known yet.
    Trial {
        /// The processes that have ended early, each once.
        early_ends: Vec<String>,
        /// The process of the service that was started last, and when, in milliseconds since 1970.
        service: Option<(String, u64)>,
    },
    /// A process of it has lived for long enough.
    Healthy,
    /// It was not kept.
    Reverted,
}

/// What was seen of the program on trial. A process is named by its pid and its start, so that two who see
/// the same do not count it twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A host has ended without having said so, or did not come up.
    EndedEarly(String),
    /// The service has started, at this time in milliseconds since 1970. If the one before it started only a
    /// moment ago, that has ended early.
    ServiceStarted(String, u64),
    /// The service was told to end, and does.
    ServiceEnds(String),
    /// A process has lived for long enough.
    LivedLongEnough,
    /// The user has chosen the program before it.
    RolledBack,
}

impl Guard {
    /// A trial that begins.
    pub fn trial() -> Self {
        Self::Trial { early_ends: Vec::new(), service: None }
    }

    /// Takes in what was seen. True if the program before it has to come back now: this is said once.
    pub fn handle(&mut self, event: Event) -> bool {
        let Self::Trial { early_ends, service } = self else { return false };
        let ended = match event {
            Event::LivedLongEnough => {
                *self = Self::Healthy;
                return false;
            }
            Event::RolledBack => {
                *self = Self::Reverted;
                return false;
            }
            Event::EndedEarly(process) => Some(process),
            Event::ServiceStarted(process, at) => {
                let before = service.replace((process.clone(), at));
                let is_early = |(known, since): &(String, u64)| {
                    *known != process && at.saturating_sub(*since) < MIN_SERVICE_INTERVAL_MS
                };
                before.filter(is_early).map(|(known, _)| known)
            }
            Event::ServiceEnds(process) => {
                service.take_if(|(known, _)| *known == process);
                None
            }
        };
        early_ends
            .extend(ended.filter(|process| !early_ends.contains(process)).into_iter().collect::<Vec<_>>());
        if early_ends.len() < MAX_EARLY_ENDS {
            return false;
        }
        *self = Self::Reverted;
        true
    }
}

/// Whether a release is installed without being asked: it is newer than the installed one, and no release that
/// was not kept.
pub fn is_wanted(release: &Version, installed: &Version, not_kept: &[Version]) -> bool {
    release > installed && !not_kept.contains(release)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ended(process: u8) -> Event {
        Event::EndedEarly(process.to_string())
    }

    #[test]
    fn three_early_ends_bring_the_old_program_back_once() {
        let mut guard = Guard::trial();
        assert_eq!([1, 2, 2, 1].map(|process| guard.handle(ended(process))), [false; 4]);
        assert!(guard.handle(ended(3)));
        assert_eq!(guard, Guard::Reverted);
        assert!(!guard.handle(ended(4)));
    }

    #[test]
    fn what_has_lived_for_long_enough_is_kept() {
        let mut guard = Guard::trial();
        guard.handle(ended(1));
        guard.handle(ended(2));
        guard.handle(Event::LivedLongEnough);
        assert!(!(3..100).any(|process| guard.handle(ended(process))));
        assert_eq!(guard, Guard::Healthy);
    }

    #[test]
    fn a_service_that_comes_again_and_again_counts_and_one_that_was_told_to_end_does_not() {
        let started = |process: u8| Event::ServiceStarted(process.to_string(), u64::from(process) * 1000);
        let mut guard = Guard::trial();
        assert_eq!([1, 2, 3].map(|process| guard.handle(started(process))), [false; 3]);
        assert!(guard.handle(started(4)));
        let mut guard = Guard::trial();
        for process in 0..100 {
            assert!(!guard.handle(started(process)));
            assert!(!guard.handle(Event::ServiceEnds(process.to_string())));
        }
        let mut guard = Guard::trial();
        let rarely =
            |process: u64| Event::ServiceStarted(process.to_string(), process * MIN_SERVICE_INTERVAL_MS);
        assert!(!(0..100).any(|process| guard.handle(rarely(process))));
    }

    fn events() -> impl Strategy<Value = Vec<Event>> {
        let process = || (0u8..6).prop_map(|process| process.to_string());
        proptest::collection::vec(
            prop_oneof![
                6 => process().prop_map(Event::EndedEarly),
                4 => (process(), 0u64..200_000).prop_map(|(process, at)| Event::ServiceStarted(process, at)),
                3 => process().prop_map(Event::ServiceEnds),
                1 => Just(Event::LivedLongEnough),
                1 => Just(Event::RolledBack),
            ],
            0..40,
        )
    }

    proptest! {
        /// In any order of events.
        #[test]
        fn it_comes_back_at_most_once_never_for_less_and_never_from_health(events in events()) {
            let mut guard = Guard::trial();
            let (mut swaps, mut was_decided) = (0, false);
            let mut seen = std::collections::BTreeSet::new();
            for event in events {
                if let Event::EndedEarly(process) | Event::ServiceStarted(process, _) = &event {
                    seen.insert(process.clone());
                }
                let before = guard.clone();
                let swaps_now = guard.handle(event);
                prop_assert!(!(was_decided && guard != before), "what was decided changed: {before:?} {guard:?}");
                prop_assert!(!swaps_now || (!was_decided && seen.len() >= MAX_EARLY_ENDS));
                if let Guard::Trial { early_ends, .. } = &guard {
                    prop_assert!(early_ends.len() < MAX_EARLY_ENDS);
                }
                swaps += u32::from(swaps_now);
                was_decided = !matches!(guard, Guard::Trial { .. });
                let text = serde_json::to_string(&guard).expect("JSON");
                prop_assert_eq!(&serde_json::from_str::<Guard>(&text).expect("the same"), &guard);
            }
            prop_assert!(swaps <= 1);
        }
    }

    #[test]
    fn auto_takes_what_is_newer_and_was_kept() {
        let version = |text: &str| Version::parse(text).expect("a version");
        let not_kept = [version("0.3.0")];
        let wanted = |release: &str| is_wanted(&version(release), &version("0.2.0"), &not_kept);
        assert!(wanted("0.2.1") && wanted("0.4.0"));
        assert!(!wanted("0.2.0") && !wanted("0.1.9") && !wanted("0.3.0") && !wanted("0.2.0-rc.1"));
    }
}

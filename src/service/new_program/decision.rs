//! When the service goes on as another program: what is found on disk is left in peace for a moment, tried, and
//! taken when nothing is under way. No I/O, and no clock: time is what it is told.

use std::time::Duration;

/// How long a new program stays as it is before it is tried: whoever installs it may not be done.
const SETTLE: Duration = Duration::from_millis(500);
/// How long what is under way may hold it up. What brings a session back gives up before.
const PATIENCE: Duration = Duration::from_secs(120);

/// What stands at the path of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen<F> {
    /// The program that runs.
    Own,
    /// Another file.
    Other(F),
    /// No file.
    Nothing,
}

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<F> {
    /// It was looked at the path.
    Looked(Seen<F>),
    /// The trial is over: whether the program works, and what stands at the path now.
    Tried(bool, Seen<F>),
    /// Nothing is under way.
    Quiet,
    /// Time has passed.
    Passed,
    /// It could not be executed.
    NotExecuted,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Try the program at the path.
    Try,
    /// Go on as it.
    Execute,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase<F> {
    Nothing,
    Settling { file: F, until: Duration },
    Trying(F),
    Ready { file: F, until: Duration },
}

/// How far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision<F> {
    phase: Phase<F>,
    /// What does not work. It is not tried again.
    refused: Option<F>,
}

impl<F> Default for Decision<F> {
    fn default() -> Self {
        Self { phase: Phase::Nothing, refused: None }
    }
}

impl<F: Copy + PartialEq> Decision<F> {
    /// Takes note of what has happened, and says what follows.
    pub fn handle(&mut self, now: Duration, event: Event<F>) -> Option<Effect> {
        match (event, self.phase) {
            // What has changed meanwhile is seen when the trial is over.
            (Event::Looked(_), Phase::Trying(_)) => {}
            (Event::Looked(seen), _) => self.look(now, seen),
            (Event::Tried(works, seen), Phase::Trying(file)) => {
                self.phase = Phase::Nothing;
                match (works, seen == Seen::Other(file)) {
                    (true, true) => self.phase = Phase::Ready { file, until: now + PATIENCE },
                    (false, true) => self.refused = Some(file),
                    (_, false) => self.look(now, seen),
                }
            }
            (Event::Quiet, Phase::Ready { .. }) => return Some(Effect::Execute),
            (Event::Passed, Phase::Ready { until, .. }) if until <= now => return Some(Effect::Execute),
            (Event::Passed, Phase::Settling { file, until }) if until <= now => {
                self.phase = Phase::Trying(file);
                return Some(Effect::Try);
            }
            (Event::NotExecuted, Phase::Ready { file, .. }) => {
                self.phase = Phase::Nothing;
                self.refused = Some(file);
            }
            _ => {}
        }
        None
    }

    fn look(&mut self, now: Duration, seen: Seen<F>) {
        let Seen::Other(found) = seen else {
            self.phase = Phase::Nothing;
            if seen == Seen::Own {
                self.refused = None;
            }
            return;
        };
        self.phase = match self.phase {
            _ if self.refused == Some(found) => Phase::Nothing,
            Phase::Settling { file, .. } | Phase::Ready { file, .. } if file == found => self.phase,
            _ => Phase::Settling { file: found, until: now + SETTLE },
        };
    }

    /// When it wants to be told the time; nothing at rest.
    pub fn deadline(&self) -> Option<Duration> {
        match self.phase {
            Phase::Nothing | Phase::Trying(_) => None,
            Phase::Settling { until, .. } | Phase::Ready { until, .. } => Some(until),
        }
    }

    /// Whether it waits for a moment at which nothing is under way.
    pub fn is_ready(&self) -> bool {
        matches!(self.phase, Phase::Ready { .. })
    }

    /// Whether what was found last does not work.
    pub fn is_refused(&self) -> bool {
        self.refused.is_some()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_program_that_works_is_taken_when_nothing_is_under_way_and_at_last_anyway() {
        let mut decision = Decision::default();
        assert_eq!(decision.handle(at(0), Event::Looked(Seen::Other(1))), None);
        assert_eq!(decision.handle(at(100), Event::Quiet), None);
        assert_eq!(decision.handle(at(499), Event::Passed), None);
        assert_eq!(decision.handle(at(500), Event::Passed), Some(Effect::Try));
        assert_eq!(decision.handle(at(600), Event::Tried(true, Seen::Other(1))), None);
        assert_eq!(decision.clone().handle(at(601), Event::Quiet), Some(Effect::Execute));
        assert_eq!(decision.handle(at(601), Event::Passed), None);
        assert_eq!(decision.handle(at(600) + PATIENCE, Event::Passed), Some(Effect::Execute));
    }

    #[test]
    fn what_does_not_work_is_tried_once_and_another_one_is_tried() {
        let mut decision = Decision::default();
        decision.handle(at(0), Event::Looked(Seen::Other(1)));
        decision.handle(at(500), Event::Passed);
        decision.handle(at(600), Event::Tried(false, Seen::Other(1)));
        decision.handle(at(700), Event::Looked(Seen::Other(1)));
        assert!(decision.is_refused() && decision.deadline().is_none());
        decision.handle(at(800), Event::Looked(Seen::Other(2)));
        assert_eq!(decision.handle(at(1300), Event::Passed), Some(Effect::Try));
    }

    #[test]
    fn what_was_replaced_during_its_trial_is_not_executed() {
        let mut decision = Decision::default();
        decision.handle(at(0), Event::Looked(Seen::Other(1)));
        decision.handle(at(500), Event::Passed);
        decision.handle(at(600), Event::Tried(true, Seen::Other(2)));
        assert_eq!(decision.handle(at(601), Event::Quiet), None);
        assert_eq!(decision.handle(at(1100), Event::Passed), Some(Effect::Try));
    }

    fn seen() -> impl Strategy<Value = Seen<u8>> {
        prop_oneof![Just(Seen::Own), Just(Seen::Nothing), (0u8..3).prop_map(Seen::Other)]
    }

    fn event() -> impl Strategy<Value = Event<u8>> {
        prop_oneof![
            3 => seen().prop_map(Event::Looked),
            2 => (any::<bool>(), seen()).prop_map(|(works, seen)| Event::Tried(works, seen)),
            1 => Just(Event::Quiet),
            3 => Just(Event::Passed),
            1 => Just(Event::NotExecuted),
        ]
    }

    proptest! {
        /// In any order of events.
        #[test]
        fn only_what_was_tried_and_still_stands_there_is_executed(
            events in proptest::collection::vec((event(), 0u64..1000), 0..60)
        ) {
            let (mut decision, mut now) = (Decision::default(), Duration::ZERO);
            let (mut there, mut trying, mut works) = (Seen::Own, None, None);
            let mut bad = Vec::new();
            for (event, wait) in events {
                now += at(wait);
                match event {
                    Event::Looked(seen) => there = seen,
                    Event::Tried(passed, seen) if trying.is_some() => {
                        there = seen;
                        if trying == Some(seen) {
                            if passed { works = Some(seen) } else { bad.push(seen) }
                        }
                        trying = None;
                    }
                    Event::Tried(..) | Event::Quiet | Event::Passed | Event::NotExecuted => {}
                }
                if there == Seen::Own {
                    bad.clear();
                }
                match decision.handle(now, event) {
                    Some(Effect::Try) => {
                        prop_assert!(trying.is_none());
                        prop_assert!(matches!(there, Seen::Other(_)) && bad.last() != Some(&there));
                        trying = Some(there);
                    }
                    Some(Effect::Execute) => prop_assert!(trying.is_none() && works == Some(there)),
                    None => {}
                }
                if decision.deadline().is_some() {
                    prop_assert!(decision.deadline().is_some_and(|until| until <= now + PATIENCE));
                }
            }
        }
    }
}

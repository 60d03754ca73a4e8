//! When another program is tried, and when it goes on in the host's process.
//!
//! A plain state machine: it does no I/O and reads no clock. What it promises, whatever happens in whatever
//! order: somebody who asks gets an answer within a bound; a program that was only found on disk is not tried
//! before claude and its terminal have rested for a moment, unless they never rest; and after a trial that has
//! failed nothing is tried until somebody asks or another program is found.

use std::time::{Duration, Instant};

/// How long nothing must have moved, for a program that nobody has asked for.
pub const REST: Duration = Duration::from_secs(3);
/// How long the end of a turn is waited for. After that a pause in the output is enough.
pub const TURN_PATIENCE: Duration = Duration::from_secs(10 * 60);
/// How long a pause is waited for. After that it is done at once.
pub const PAUSE_PATIENCE: Duration = Duration::from_secs(60 * 60);
/// How long a moment is waited for at which nothing is half done, after a trial.
pub const MOMENT_TIMEOUT: Duration = Duration::from_secs(30);
/// How long after that it is tried again, where nobody has asked for it.
pub const RETRY_INTERVAL: Duration = Duration::from_secs(60);
/// How often it is looked whether that moment has come.
pub const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScheduleEvent {
    /// Somebody wants it now.
    Asked,
    /// There is another program on disk.
    Found,
    /// The program on disk is the one that runs, after all.
    Lost,
    /// Claude has drawn something, or a key was typed.
    Moved,
    /// Whether claude is in a turn.
    InTurn(bool),
    /// The program can go on.
    Passed,
    /// It cannot.
    Failed,
    /// The time that [`Schedule::deadline`] gave has come.
    Due,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScheduleEffect {
    /// Try the program.
    Try,
    /// The moment did not come at which nothing is half done: those who have asked are told.
    GiveUp,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Nothing,
    /// It is to be tried when claude rests.
    Resting { since: Instant, not_before: Instant },
    /// It is tried. Whether somebody has asked for it.
    Trying { is_asked: bool },
    /// It goes on at the next moment at which nothing is half done.
    Passed { is_asked: bool, until: Instant, look_at: Instant },
}

/// When it happens.
#[derive(Debug, Clone, Default)]
pub struct Schedule {
    phase: Phase,
    in_turn: bool,
    moved_at: Option<Instant>,
}

impl Schedule {
    /// Notes what happened. Gives what is to be done.
    pub fn handle(&mut self, now: Instant, event: ScheduleEvent) -> Option<ScheduleEffect> {
        match (event, self.phase) {
            (ScheduleEvent::Moved, Phase::Resting { .. }) => self.moved_at = Some(now),
            (ScheduleEvent::InTurn(in_turn), _) => self.in_turn = in_turn,
            (ScheduleEvent::Asked, Phase::Nothing | Phase::Resting { .. }) => {
                self.phase = Phase::Trying { is_asked: true };
                return Some(ScheduleEffect::Try);
            }
            (ScheduleEvent::Asked, Phase::Trying { .. }) => self.phase = Phase::Trying { is_asked: true },
            (ScheduleEvent::Asked, Phase::Passed { look_at, .. }) => {
                self.phase = Phase::Passed { is_asked: true, until: now + MOMENT_TIMEOUT, look_at };
            }
            (ScheduleEvent::Found, Phase::Nothing) => {
                self.phase = Phase::Resting { since: now, not_before: now + REST };
            }
            (ScheduleEvent::Lost, Phase::Resting { .. }) => self.phase = Phase::Nothing,
            (ScheduleEvent::Passed, Phase::Trying { is_asked }) => {
                self.phase = Phase::Passed { is_asked, until: now + MOMENT_TIMEOUT, look_at: now };
            }
            (ScheduleEvent::Failed, _) => self.phase = Phase::Nothing,
            (ScheduleEvent::Due, Phase::Resting { .. }) if self.rested_at().is_some_and(|at| at <= now) => {
                self.phase = Phase::Trying { is_asked: false };
                return Some(ScheduleEffect::Try);
            }
            (ScheduleEvent::Due, Phase::Passed { is_asked, until, look_at }) if look_at <= now => {
                if until > now {
                    self.phase = Phase::Passed { is_asked, until, look_at: now + LOOK_INTERVAL };
                    return None;
                }
                self.phase = if is_asked {
                    Phase::Nothing
                } else {
                    Phase::Resting { since: now, not_before: now + RETRY_INTERVAL }
                };
                return Some(ScheduleEffect::GiveUp);
            }
            _ => {}
        }
        None
    }

    /// Whether the program is to go on as soon as nothing is half done.
    pub fn is_passed(&self) -> bool {
        matches!(self.phase, Phase::Passed { .. })
    }

    /// Whether it matters that something has moved.
    pub fn waits_for_rest(&self) -> bool {
        matches!(self.phase, Phase::Resting { .. })
    }

    /// Whether nothing is to be done.
    pub fn is_idle(&self) -> bool {
        self.phase == Phase::Nothing
    }

    /// When it wants to be told the time.
    pub fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Nothing | Phase::Trying { .. } => None,
            Phase::Resting { .. } => self.rested_at(),
            Phase::Passed { look_at, .. } => Some(look_at),
        }
    }

    /// When claude has rested for long enough, as far as can be said now.
    fn rested_at(&self) -> Option<Instant> {
        let Phase::Resting { since, not_before } = self.phase else { return None };
        let rested = self.moved_at.map_or(not_before, |at| not_before.max(at + REST));
        let rested = if self.in_turn { rested.max(since + TURN_PATIENCE) } else { rested };
        Some(rested.min(since.max(not_before) + PAUSE_PATIENCE))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EVENTS: [ScheduleEvent; 9] = [
        ScheduleEvent::Asked,
        ScheduleEvent::Found,
        ScheduleEvent::Lost,
        ScheduleEvent::Moved,
        ScheduleEvent::InTurn(true),
        ScheduleEvent::InTurn(false),
        ScheduleEvent::Passed,
        ScheduleEvent::Failed,
        ScheduleEvent::Due,
    ];

    #[test]
    fn who_asks_does_not_wait_for_rest() {
        let (mut schedule, now) = (Schedule::default(), Instant::now());
        schedule.handle(now, ScheduleEvent::InTurn(true));
        assert_eq!(schedule.handle(now, ScheduleEvent::Asked), Some(ScheduleEffect::Try));
        assert_eq!(schedule.handle(now, ScheduleEvent::Passed), None);
        assert!(schedule.is_passed() && schedule.deadline() == Some(now));
        let late = now + MOMENT_TIMEOUT;
        assert_eq!(schedule.handle(late, ScheduleEvent::Due), Some(ScheduleEffect::GiveUp));
        assert!(schedule.is_idle());
    }

    #[test]
    fn a_program_that_was_found_waits_for_rest_and_for_the_end_of_a_turn() {
        let (mut schedule, now) = (Schedule::default(), Instant::now());
        assert_eq!(schedule.handle(now, ScheduleEvent::Found), None);
        schedule.handle(now + REST, ScheduleEvent::Moved);
        assert_eq!(schedule.handle(now + REST, ScheduleEvent::Due), None);
        assert_eq!(schedule.deadline(), Some(now + 2 * REST));
        schedule.handle(now + REST, ScheduleEvent::InTurn(true));
        assert_eq!(schedule.deadline(), Some(now + TURN_PATIENCE));
        schedule.handle(now + TURN_PATIENCE, ScheduleEvent::Moved);
        assert_eq!(schedule.deadline(), Some(now + TURN_PATIENCE + REST));
        schedule.handle(now + PAUSE_PATIENCE, ScheduleEvent::Moved);
        let at = schedule.deadline().expect("it does not wait for ever");
        assert!(at <= now + PAUSE_PATIENCE + REST);
        assert_eq!(schedule.handle(at, ScheduleEvent::Due), Some(ScheduleEffect::Try));
    }

    #[test]
    fn after_a_trial_that_has_failed_nothing_is_tried() {
        let (mut schedule, now) = (Schedule::default(), Instant::now());
        schedule.handle(now, ScheduleEvent::Asked);
        schedule.handle(now, ScheduleEvent::Failed);
        assert!(schedule.is_idle() && schedule.deadline().is_none());
        assert_eq!(schedule.handle(now + PAUSE_PATIENCE, ScheduleEvent::Due), None);
    }

    proptest! {
        #[test]
        fn whatever_happens_it_is_tried_in_time_and_only_when_it_is_wanted(
            events in prop::collection::vec((0..EVENTS.len(), 0_u64..5000), 0..200)
        ) {
            let (mut schedule, mut now) = (Schedule::default(), Instant::now());
            let (mut wanted_since, mut moved_at) = (None, now);
            for (event, milliseconds) in events {
                now += Duration::from_millis(milliseconds);
                let event = EVENTS[event];
                let was_asked = event == ScheduleEvent::Asked;
                if was_asked || event == ScheduleEvent::Found {
                    wanted_since.get_or_insert(now);
                }
                if event == ScheduleEvent::Moved && schedule.waits_for_rest() {
                    moved_at = now;
                }
                match schedule.handle(now, event) {
                    Some(ScheduleEffect::Try) => {
                        prop_assert!(wanted_since.is_some());
                        prop_assert!(was_asked || now - moved_at >= REST || now - wanted_since.unwrap_or(now) >= PAUSE_PATIENCE);
                    }
                    Some(ScheduleEffect::GiveUp) => prop_assert!(!schedule.is_passed()),
                    None => {}
                }
                if schedule.is_idle() {
                    wanted_since = None;
                    prop_assert!(schedule.deadline().is_none());
                }
                if schedule.is_passed() || schedule.waits_for_rest() {
                    // It always comes to something by itself.
                    prop_assert!(schedule.deadline().is_some_and(|at| at <= now + PAUSE_PATIENCE + RETRY_INTERVAL));
                }
            }
        }
    }
}

//! When something has happened that the user's command is told of.
//!
//! Claude's state file changes several times a second around a turn: a question that the user answers at once,
//! a slash command that is `busy` for a moment, the pause between two steps. So a question counts when it has
//! stood for a moment, and a turn has ended when claude has rested for a moment. A plain state machine: it does
//! no I/O and reads no clock.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::os::moment;

/// How long claude must have waited for an answer.
pub const ASKED_FOR: Duration = Duration::from_secs(2);
/// How long claude must have rested after a turn.
pub const RESTED_FOR: Duration = Duration::from_secs(2);

/// What claude does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Activity {
    /// A turn, or a command of the user's, runs.
    Works,
    /// It waits for an answer; to what, in claude's words.
    Asks(String),
    /// It waits for the next prompt.
    Rests,
    /// Something that is none of these: a dialog that the user has opened, or nobody knows.
    Other,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MomentEvent {
    /// Claude does this now.
    Does(Activity),
    /// Claude has ended: nothing that it did counts any more.
    Ended,
    /// The time that [`Moments::deadline`] gave has come.
    Due,
}

/// What the user's command is told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Moment {
    /// Claude waits for an answer, to what is named here.
    Question(String),
    /// A turn is over.
    TurnOver,
}

/// What claude did last, and since when that may count.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Moments {
    /// A turn has run, and its end was not told.
    has_worked: bool,
    /// The question that was told, until it is answered.
    has_told_question: bool,
    #[serde(with = "moment::first_of_two")]
    pending: Option<(Instant, Moment)>,
}

impl Moments {
    /// Notes what happened. Gives what is to be told now.
    pub fn handle(&mut self, now: Instant, event: MomentEvent) -> Option<Moment> {
        match event {
            MomentEvent::Does(activity) => self.does(now, activity),
            MomentEvent::Ended => *self = Self::default(),
            MomentEvent::Due => return self.due(now),
        }
        None
    }

    /// When something is to be told.
    pub fn deadline(&self) -> Option<Instant> {
        self.pending.as_ref().map(|(at, _)| *at)
    }

    fn does(&mut self, now: Instant, activity: Activity) {
        match activity {
            Activity::Works => {
                self.has_worked = true;
                self.has_told_question = false;
                self.pending = None;
            }
            Activity::Asks(what) => {
                let at = match &self.pending {
                    Some((at, Moment::Question(_))) => *at,
                    _ => now + ASKED_FOR,
                };
                self.pending = (!self.has_told_question).then_some((at, Moment::Question(what)));
            }
            Activity::Rests => {
                self.has_told_question = false;
                if !matches!(self.pending, Some((_, Moment::TurnOver))) {
                    self.pending = self.has_worked.then_some((now + RESTED_FOR, Moment::TurnOver));
                }
            }
            Activity::Other => self.pending = None,
        }
    }

    fn due(&mut self, now: Instant) -> Option<Moment> {
        let (_, moment) = self.pending.take_if(|(at, _)| *at <= now)?;
        match moment {
            Moment::Question(_) => self.has_told_question = true,
            Moment::TurnOver => self.has_worked = false,
        }
        Some(moment)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ask() -> Activity {
        Activity::Asks("permission prompt".into())
    }

    /// What is told, for what claude does at which millisecond.
    fn told(does: &[(u64, Activity)]) -> Vec<(u64, Moment)> {
        let start = Instant::now();
        let (mut moments, mut told) = (Moments::default(), vec![]);
        let mut due = |moments: &mut Moments, until: u64| {
            while let Some(at) = moments.deadline().filter(|at| *at <= start + Duration::from_millis(until)) {
                let moment = moments.handle(at, MomentEvent::Due).expect("it is due");
                told.push(((at - start).as_millis() as u64, moment));
            }
        };
        for (at, activity) in does {
            due(&mut moments, *at);
            let now = start + Duration::from_millis(*at);
            assert_eq!(moments.handle(now, MomentEvent::Does(activity.clone())), None);
        }
        due(&mut moments, u64::MAX / 2_000_000);
        told
    }

    #[test]
    fn a_turn_is_over_when_claude_has_rested_for_a_moment() {
        use Activity::{Other, Rests, Works};
        assert_eq!(told(&[(0, Rests), (10, Rests)]), []);
        let over = |at| (at, Moment::TurnOver);
        assert_eq!(told(&[(0, Works), (10, Rests), (500, Rests)]), [over(2010)]);
        // It goes on after a moment.
        assert_eq!(told(&[(0, Works), (10, Rests), (500, Works), (900, Rests)]), [over(2900)]);
        assert_eq!(told(&[(0, Works), (10, Rests), (5000, Rests), (6000, Works), (7000, Rests)]).len(), 2);
        // A dialog that the user opens puts it off.
        assert_eq!(told(&[(0, Works), (10, Rests), (500, Other), (9000, Rests)]), [over(11_000)]);
    }

    #[test]
    fn a_question_is_told_once_when_it_stands() {
        use Activity::{Other, Rests, Works};
        let question = |at| (at, Moment::Question("permission prompt".into()));
        assert_eq!(told(&[(0, Works), (10, ask()), (900, ask())]), [question(2010)]);
        // The user is there and answers.
        assert_eq!(told(&[(0, Works), (10, ask()), (900, Works)]), []);
        assert_eq!(told(&[(0, Works), (10, ask()), (5000, ask()), (9000, Works), (9100, ask())]).len(), 2);
        assert_eq!(told(&[(0, ask()), (10, Other)]), []);
        // Refused, the turn is over.
        let refused = told(&[(0, Works), (10, ask()), (5000, Rests)]);
        assert_eq!(refused, [question(2010), (7000, Moment::TurnOver)]);
    }

    fn any_event() -> impl Strategy<Value = MomentEvent> {
        prop_oneof![
            Just(MomentEvent::Does(Activity::Works)),
            Just(MomentEvent::Does(ask())),
            Just(MomentEvent::Does(Activity::Rests)),
            Just(MomentEvent::Does(Activity::Other)),
            Just(MomentEvent::Ended),
            Just(MomentEvent::Due),
        ]
    }

    proptest! {
        /// However events come: a turn's end is told at most once a turn, a question at most once until claude
        /// does something else, nothing before its time, and nothing waits longer than a moment.
        #[test]
        fn nothing_is_told_twice_or_too_early(events in proptest::collection::vec((0_u64..4000, any_event()), 0..60)) {
            let (mut now, mut moments) = (Instant::now(), Moments::default());
            let (mut turns, mut questions) = (0, 0);
            let (mut worked, mut asked) = (false, false);
            for (later, event) in events {
                now += Duration::from_millis(later);
                if event == MomentEvent::Does(Activity::Works) && !worked {
                    (worked, turns) = (true, turns + 1);
                }
                match &event {
                    MomentEvent::Does(Activity::Asks(_)) if !asked => (asked, questions) = (true, questions + 1),
                    MomentEvent::Does(Activity::Works | Activity::Rests) | MomentEvent::Ended => asked = false,
                    _ => {}
                }
                let due = moments.deadline().is_some_and(|at| at <= now);
                match moments.handle(now, event.clone()) {
                    None => {}
                    Some(moment) => {
                        prop_assert!(due && event == MomentEvent::Due);
                        match moment {
                            Moment::TurnOver => {
                                worked = false;
                                prop_assert!(turns > 0);
                                turns -= 1;
                            }
                            Moment::Question(_) => {
                                prop_assert!(questions > 0);
                                questions -= 1;
                            }
                        }
                    }
                }
                if event == MomentEvent::Ended {
                    worked = false;
                }
                prop_assert!(moments.deadline().is_none_or(|at| at <= now + ASKED_FOR.max(RESTED_FOR)));
            }
        }
    }
}

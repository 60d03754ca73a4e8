//! When a wait for one session is over. A decision without I/O: it is told what the session does, and says
//! when it wants to be told again although nothing has changed.

use std::time::{Duration, Instant};

use crate::claude::transcript::turn::{TurnEnd, TurnStatus};

/// How long claude may take to write down a turn, after its state file says that it rests. Seen: a tenth of a
/// second.
const WRITE_DELAY: Duration = Duration::from_millis(500);
/// How long the end of a turn may be missing in the transcript while claude rests. In this time a prompt that
/// was just submitted makes it busy.
const OPEN_TURN_TIMEOUT: Duration = Duration::from_secs(5);
/// The time between two looks at such a turn.
const OPEN_TURN_INTERVAL: Duration = Duration::from_millis(100);

/// How long a claude may rest that was started to go on with its turn, before it counts as one that does not.
/// Seen: a second and a half.
const GOING_ON_TIMEOUT: Duration = Duration::from_secs(30);

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitFor {
    /// Claude rests at its prompt.
    Idle,
    /// It asks its user something.
    Asks,
    /// A turn ends: the one that runs, else the next one.
    Turn,
    /// The session ends.
    Ended,
}

/// What a session does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionActivity {
    /// A turn runs.
    Busy,
    /// It rests at its prompt.
    Rests,
    /// It asks its user this.
    Asks(String),
    /// It starts, is brought back, or is stopped by ctrl-z.
    Elsewhere,
    /// It has ended, in words.
    Ended(String),
}

/// A session at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionLook {
    pub activity: SessionActivity,
    /// How its last turn stands. Needed only while it rests.
    pub turn: TurnStatus,
    /// How long ago something was said last.
    pub quiet_for: Option<Duration>,
    /// Claude was started to go on with the turn that broke off.
    pub goes_on: bool,
    /// Claude is to be restarted as soon as it rests: its rest does not count, that of the next one does.
    pub restarts: bool,
}

/// What came of a wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WaitOutcome {
    /// What was waited for.
    Done,
    /// It asks this instead.
    Asks(String),
    /// The last turn has not ended well: a word for how, and what claude said.
    Failed(&'static str, String),
    /// The session has ended instead; how, in words.
    Ended(String),
}

/// Waits for one session.
#[derive(Debug, Clone)]
pub struct Waiter {
    wanted: WaitFor,
    /// A turn has begun since, or ran already.
    began: bool,
    /// When something was said last before the wait, in milliseconds since 1970. Known once it has rested.
    said_before: Option<Option<u64>>,
    /// Since when it rests.
    rests_since: Option<Instant>,
    deadline: Option<Instant>,
}

impl Waiter {
    pub fn new(wanted: WaitFor) -> Self {
        Self { wanted, began: false, said_before: None, rests_since: None, deadline: None }
    }

    /// When it wants to be told again, although nothing has changed.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// What the session does now. The outcome, if the wait is over.
    pub fn handle(&mut self, now: Instant, look: &SessionLook) -> Option<WaitOutcome> {
        self.deadline = None;
        let rests = look.activity == SessionActivity::Rests;
        self.rests_since = if rests { self.rests_since.or(Some(now)) } else { None };
        match (&look.activity, self.wanted) {
            (SessionActivity::Ended(_), WaitFor::Ended) | (SessionActivity::Asks(_), WaitFor::Asks) => {
                Some(WaitOutcome::Done)
            }
            (SessionActivity::Ended(how), _) => Some(WaitOutcome::Ended(how.clone())),
            (_, WaitFor::Ended) => None,
            (SessionActivity::Asks(what), _) => Some(WaitOutcome::Asks(what.clone())),
            (_, WaitFor::Asks) => None,
            (SessionActivity::Busy, _) => {
                self.began = true;
                None
            }
            (SessionActivity::Elsewhere, _) => None,
            (SessionActivity::Rests, WaitFor::Idle) if look.restarts => None,
            (SessionActivity::Rests, WaitFor::Idle | WaitFor::Turn) => self.at_rest(now, look),
        }
    }

    fn at_rest(&mut self, now: Instant, look: &SessionLook) -> Option<WaitOutcome> {
        let said_before = *self.said_before.get_or_insert(look.turn.last_at);
        let is_open = look.turn.end == Some(TurnEnd::BrokenOff);
        if is_open && look.quiet_for.is_some_and(|quiet| quiet < OPEN_TURN_TIMEOUT) {
            // Its prompt was submitted a moment ago, or its end is not written down yet.
            self.began = true;
            self.deadline = Some(now + OPEN_TURN_INTERVAL);
            return None;
        }
        let goes_on_until = self.rests_since.unwrap_or(now) + GOING_ON_TIMEOUT;
        if is_open && look.goes_on && now < goes_on_until {
            self.began = true;
            self.deadline = Some(goes_on_until);
            return None;
        }
        let written_at = self.rests_since.unwrap_or(now) + WRITE_DELAY;
        if self.began && now < written_at {
            self.deadline = Some(written_at);
            return None;
        }
        let is_over = self.wanted == WaitFor::Idle || self.began || look.turn.last_at != said_before;
        is_over.then(|| outcome(&look.turn))
    }
}

/// What a turn's end means for who has waited for it.
fn outcome(turn: &TurnStatus) -> WaitOutcome {
    match &turn.end {
        None | Some(TurnEnd::Done | TurnEnd::Running | TurnEnd::Unknown) => WaitOutcome::Done,
        Some(TurnEnd::Failed(failure)) => WaitOutcome::Failed(failure.kind.word(), failure.text.clone()),
        Some(end @ TurnEnd::Interrupted) => {
            WaitOutcome::Failed(end.word(), "the user has broken it off".into())
        }
        Some(end @ TurnEnd::BrokenOff) => {
            WaitOutcome::Failed(end.word(), "its claude has ended before it was answered".into())
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn look(activity: SessionActivity, end: Option<TurnEnd>, last_at: u64, quiet: u64) -> SessionLook {
        let turn = TurnStatus { end, last_at: Some(last_at), ..TurnStatus::default() };
        SessionLook {
            activity,
            turn,
            quiet_for: Some(Duration::from_millis(quiet)),
            goes_on: false,
            restarts: false,
        }
    }

    fn rests(end: TurnEnd, last_at: u64, quiet: u64) -> SessionLook {
        look(SessionActivity::Rests, Some(end), last_at, quiet)
    }

    const LONG_AGO: u64 = 60_000;

    #[test]
    fn a_session_that_rests_is_idle_at_once() {
        let mut waiter = Waiter::new(WaitFor::Idle);
        assert_eq!(
            waiter.handle(Instant::now(), &rests(TurnEnd::Done, 1, LONG_AGO)),
            Some(WaitOutcome::Done)
        );
    }

    /// The race between `send` and `wait`: the prompt is in the transcript, and claude does not say yet that it
    /// is busy.
    #[test]
    fn a_prompt_that_was_just_submitted_is_waited_for() {
        for wanted in [WaitFor::Idle, WaitFor::Turn] {
            let (mut waiter, start) = (Waiter::new(wanted), Instant::now());
            assert_eq!(waiter.handle(start, &rests(TurnEnd::BrokenOff, 1, 5)), None);
            assert_eq!(waiter.deadline(), Some(start + OPEN_TURN_INTERVAL));
            assert_eq!(waiter.handle(start, &look(SessionActivity::Busy, None, 0, 0)), None);
            assert_eq!(waiter.deadline(), None);
            // It rests, and has not written down the end.
            let end = start + Duration::from_secs(60);
            assert_eq!(waiter.handle(end, &rests(TurnEnd::BrokenOff, 1, 4_000)), None);
            assert_eq!(
                waiter.handle(end + WRITE_DELAY, &rests(TurnEnd::Done, 2, 1)),
                Some(WaitOutcome::Done)
            );
        }
    }

    #[test]
    fn the_next_turn_is_waited_for_where_none_runs() {
        let (mut waiter, start) = (Waiter::new(WaitFor::Turn), Instant::now());
        assert_eq!(waiter.handle(start, &rests(TurnEnd::Done, 1, LONG_AGO)), None);
        assert_eq!(waiter.handle(start, &rests(TurnEnd::Done, 1, LONG_AGO)), None);
        // One that was too short for its state to be seen.
        assert_eq!(waiter.handle(start, &rests(TurnEnd::Done, 2, 1)), Some(WaitOutcome::Done));
    }

    #[test]
    fn a_turn_without_a_good_end_is_said() {
        let failure = crate::claude::transcript::failure::ApiFailure {
            kind: crate::claude::transcript::failure::FailureKind::Overloaded,
            text: "API Error: 529".into(),
            ..Default::default()
        };
        for (end, word) in [
            (TurnEnd::Failed(failure), "overloaded"),
            (TurnEnd::Interrupted, "interrupted"),
            (TurnEnd::BrokenOff, "broken_off"),
        ] {
            let outcome = Waiter::new(WaitFor::Idle).handle(Instant::now(), &rests(end, 1, LONG_AGO));
            assert!(matches!(outcome, Some(WaitOutcome::Failed(found, _)) if found == word), "{outcome:?}");
        }
    }

    #[test]
    fn a_claude_that_is_about_to_be_restarted_is_not_idle() {
        let (mut waiter, now) = (Waiter::new(WaitFor::Idle), Instant::now());
        let restarts = SessionLook { restarts: true, ..rests(TurnEnd::Done, 1, LONG_AGO) };
        assert_eq!(waiter.handle(now, &restarts), None);
        assert_eq!(waiter.handle(now, &look(SessionActivity::Elsewhere, None, 1, LONG_AGO)), None);
        assert_eq!(waiter.handle(now, &rests(TurnEnd::Done, 1, LONG_AGO)), Some(WaitOutcome::Done));
    }

    /// The claude that comes back after a crash rests for a moment before it goes on.
    #[test]
    fn a_turn_that_claude_is_about_to_go_on_with_has_not_failed() {
        let goes_on = SessionLook { goes_on: true, ..rests(TurnEnd::BrokenOff, 1, LONG_AGO) };
        for wanted in [WaitFor::Idle, WaitFor::Turn] {
            let (mut waiter, start) = (Waiter::new(wanted), Instant::now());
            assert_eq!(waiter.handle(start, &look(SessionActivity::Elsewhere, None, 0, LONG_AGO)), None);
            assert_eq!(waiter.handle(start, &goes_on), None);
            assert_eq!(waiter.deadline(), Some(start + GOING_ON_TIMEOUT));
            assert_eq!(waiter.handle(start, &look(SessionActivity::Busy, None, 0, 0)), None);
            let end = start + Duration::from_secs(60);
            assert_eq!(
                waiter
                    .handle(end, &rests(TurnEnd::Done, 2, 1))
                    .or_else(|| waiter.handle(end + WRITE_DELAY, &rests(TurnEnd::Done, 2, 1))),
                Some(WaitOutcome::Done)
            );
            // It does not go on.
            let mut waiter = Waiter::new(wanted);
            assert_eq!(waiter.handle(start, &goes_on), None);
            let outcome = waiter.handle(start + GOING_ON_TIMEOUT, &goes_on);
            assert!(matches!(outcome, Some(WaitOutcome::Failed("broken_off", _))), "{outcome:?}");
        }
    }

    #[test]
    fn a_question_ends_each_wait_but_that_for_the_end() {
        let asks = look(SessionActivity::Asks("permission prompt".into()), None, 1, 1);
        for (wanted, outcome) in [
            (WaitFor::Idle, Some(WaitOutcome::Asks("permission prompt".into()))),
            (WaitFor::Turn, Some(WaitOutcome::Asks("permission prompt".into()))),
            (WaitFor::Asks, Some(WaitOutcome::Done)),
            (WaitFor::Ended, None),
        ] {
            assert_eq!(Waiter::new(wanted).handle(Instant::now(), &asks), outcome);
        }
    }

    fn any_look() -> impl Strategy<Value = SessionLook> {
        let activity = prop_oneof![
            Just(SessionActivity::Busy),
            Just(SessionActivity::Rests),
            Just(SessionActivity::Asks("x".into())),
            Just(SessionActivity::Elsewhere),
            Just(SessionActivity::Ended("x".into())),
        ];
        let end = prop_oneof![
            Just(None),
            Just(Some(TurnEnd::Done)),
            Just(Some(TurnEnd::BrokenOff)),
            Just(Some(TurnEnd::Interrupted)),
            Just(Some(TurnEnd::Running)),
        ];
        (activity, end, 0..3u64, 0..8_000u64, any::<bool>(), any::<bool>()).prop_map(
            |(activity, end, at, quiet, goes_on, restarts)| SessionLook {
                goes_on,
                restarts,
                ..look(activity, end, at, quiet)
            },
        )
    }

    proptest! {
        /// In whatever order things happen: a session that has ended is never waited for, one that rests for
        /// good is idle after a bounded time, and what is told again is due later.
        #[test]
        fn every_wait_has_its_end(
            looks in proptest::collection::vec((any_look(), 0..3_000u64), 0..20),
            wanted in prop_oneof![
                Just(WaitFor::Idle), Just(WaitFor::Asks), Just(WaitFor::Turn), Just(WaitFor::Ended)
            ],
        ) {
            let (mut waiter, mut now) = (Waiter::new(wanted), Instant::now());
            for (look, later) in looks {
                now += Duration::from_millis(later);
                let outcome = waiter.handle(now, &look);
                if matches!(look.activity, SessionActivity::Ended(_)) {
                    prop_assert!(outcome.is_some());
                }
                if look.restarts && look.activity == SessionActivity::Rests && wanted == WaitFor::Idle {
                    prop_assert!(outcome.is_none());
                }
                if outcome.is_some() {
                    return Ok(());
                }
                prop_assert!(waiter.deadline().is_none_or(|deadline| deadline > now));
            }
            if wanted == WaitFor::Idle {
                let last = SessionLook { goes_on: true, ..rests(TurnEnd::BrokenOff, 1, 5_000) };
                if waiter.handle(now, &last).is_some() {
                    return Ok(());
                }
                now += GOING_ON_TIMEOUT;
                let outcome = waiter.handle(now, &last).or_else(|| waiter.handle(now + WRITE_DELAY, &last));
                prop_assert!(outcome.is_some());
            }
        }
    }
}

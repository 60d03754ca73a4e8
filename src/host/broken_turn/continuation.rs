//! Whether claude goes on with a turn that broke off, when it is launched again.
//!
//! A plain state machine: it does no I/O and reads no clock. What it promises, whatever happens in whatever
//! order: claude goes on by itself only where the configuration says so for that cause, and only so many times
//! in a row; never with a turn that the user has ended, or after the user has said something else; and a turn
//! that the user has asked for is gone on with once.

use serde::{Deserialize, Serialize};

use crate::config::{OnBrokenTurn, TurnPolicy};
use crate::registry::broken_turn::{BrokenTurn, BrokenTurnCause};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnEvent {
    /// A turn has broken off.
    BrokeOff(BrokenTurnCause),
    /// A turn runs: the one that was gone on with, or another one.
    Began,
    /// Claude waits for a prompt.
    Rests,
    /// The user wants to go on with the turn that broke off.
    Asked,
    /// That cannot be done now.
    Withdrawn,
    /// Claude, which runs, is told to go on with a turn that ended in an error.
    Sent,
    /// The user wants no turn of this conversation any more: another one is open, or the session is to end.
    Dropped,
}

/// The last turn of a session, as far as it matters for going on with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Continuation {
    #[serde(skip)]
    policy: TurnPolicy,
    broken: Option<BrokenTurn>,
    is_asked: bool,
    /// Claude was launched to go on.
    is_launched: bool,
    /// A turn runs.
    is_running: bool,
    tries: u32,
    continued: u32,
}

impl Continuation {
    /// What a record says, which another host may have written.
    pub fn recorded(policy: &TurnPolicy, broken: Option<BrokenTurn>, tries: u32, continued: u32) -> Self {
        Self {
            policy: policy.clone(),
            broken,
            is_asked: false,
            is_launched: false,
            is_running: false,
            tries,
            continued,
        }
    }

    /// One that another program has handed over.
    #[must_use]
    pub fn with_policy(self, policy: &TurnPolicy) -> Self {
        Self { policy: policy.clone(), ..self }
    }

    /// Notes what happened.
    pub fn handle(&mut self, event: TurnEvent) {
        match event {
            TurnEvent::BrokeOff(cause) => {
                (self.broken, self.is_asked) = (Some(BrokenTurn { cause }), false);
                (self.is_launched, self.is_running) = (false, false);
            }
            TurnEvent::Began => {
                if std::mem::take(&mut self.is_launched) {
                    self.continued = self.continued.saturating_add(1);
                }
                (self.broken, self.is_asked, self.is_running) = (None, false, true);
            }
            TurnEvent::Rests => {
                if std::mem::take(&mut self.is_running) {
                    // It has come to its end.
                    self.tries = 0;
                }
                if self.is_launched {
                    // Claude has found nothing to go on with, or is about to begin.
                    self.broken = None;
                }
            }
            TurnEvent::Asked => {
                self.is_asked = self.broken.is_some();
            }
            TurnEvent::Withdrawn => self.is_asked = false,
            TurnEvent::Sent => self.is_launched = true,
            TurnEvent::Dropped => {
                (self.broken, self.is_asked, self.is_launched) = (None, false, false);
                (self.is_running, self.tries) = (false, 0);
            }
        }
    }

    /// Claude is about to be launched with the conversation. Whether it goes on with the turn.
    pub fn launch(&mut self) -> bool {
        self.is_running = false;
        let Some(broken) = self.broken else { return false };
        let by_itself = self.goes_on_by_itself();
        if !self.is_asked && !by_itself {
            return false;
        }
        // The user looks after the turns that they ask for.
        self.tries = if self.is_asked { 0 } else { self.tries + 1 };
        self.is_asked = false;
        self.is_launched = true;
        // Until the turn is seen to run, it is one that broke off.
        self.broken = Some(broken);
        true
    }

    /// Whether the next launch goes on with the turn, although nobody has asked for it.
    pub fn goes_on_by_itself(&self) -> bool {
        let policy = self.broken.map(|broken| self.policy_for(broken.cause));
        policy == Some(OnBrokenTurn::Continue) && self.tries < self.policy.max_tries
    }

    /// Whether the user is told of the turn.
    pub fn is_told(&self) -> bool {
        let policy = self.broken.map(|broken| self.policy_for(broken.cause));
        policy.is_some_and(|policy| policy != OnBrokenTurn::Off) && !self.goes_on_by_itself()
    }

    /// Whether claude was launched to go on, and no turn was seen to begin yet.
    pub fn is_launched(&self) -> bool {
        self.is_launched
    }

    /// The turn that broke off, if there is one.
    pub fn broken(&self) -> Option<BrokenTurn> {
        self.broken
    }

    /// How often in a row claude has gone on by itself.
    pub fn tries(&self) -> u32 {
        self.tries
    }

    /// How often claude has gone on.
    pub fn continued(&self) -> u32 {
        self.continued
    }

    /// What claude is told.
    pub fn prompt(&self) -> &str {
        &self.policy.prompt
    }

    fn policy_for(&self, cause: BrokenTurnCause) -> OnBrokenTurn {
        match cause {
            BrokenTurnCause::Crash => self.policy.crash,
            // Whoever restarts claude in the middle of a turn has wanted that.
            BrokenTurnCause::Restart | BrokenTurnCause::Unknown => OnBrokenTurn::Off,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::TurnEvent::{Asked, Began, BrokeOff, Dropped, Rests};
    use super::*;

    const CRASH: TurnEvent = BrokeOff(BrokenTurnCause::Crash);

    fn with(crash: OnBrokenTurn) -> Continuation {
        let policy = TurnPolicy { crash, max_tries: 2, ..TurnPolicy::default() };
        Continuation::recorded(&policy, None, 0, 0)
    }

    fn after(policy: OnBrokenTurn, events: &[TurnEvent]) -> Continuation {
        let mut turn = with(policy);
        events.iter().for_each(|event| turn.handle(*event));
        turn
    }

    #[test]
    fn only_a_turn_that_broke_off_is_gone_on_with_and_only_where_that_is_configured() {
        use OnBrokenTurn::{Ask, Continue, Off};
        assert!(after(Continue, &[Began, CRASH]).launch());
        assert!(!after(Continue, &[Began, Rests]).launch());
        assert!(!after(Off, &[Began, CRASH]).launch() && !after(Ask, &[Began, CRASH]).launch());
        assert!(!after(Continue, &[BrokeOff(BrokenTurnCause::Restart)]).launch());
        assert!(after(Ask, &[CRASH]).is_told() && !after(Off, &[CRASH]).is_told());
        assert!(!after(Continue, &[CRASH]).is_told());
    }

    #[test]
    fn the_user_may_ask_for_it_whatever_is_configured() {
        assert!(after(OnBrokenTurn::Off, &[Began, CRASH, Asked]).launch());
        assert!(after(OnBrokenTurn::Off, &[BrokeOff(BrokenTurnCause::Restart), Asked]).launch());
        assert!(!after(OnBrokenTurn::Off, &[Asked]).launch());
        // The user has said something else, or has opened something else.
        assert!(!after(OnBrokenTurn::Continue, &[CRASH, Began, Rests]).launch());
        assert!(!after(OnBrokenTurn::Continue, &[CRASH, Asked, Dropped]).launch());
    }

    #[test]
    fn a_turn_that_crashes_claude_again_and_again_is_left_alone() {
        let mut turn = with(OnBrokenTurn::Continue);
        let mut launches = 0;
        for _ in 0..10 {
            turn.handle(Began);
            turn.handle(CRASH);
            launches += u32::from(turn.launch());
        }
        assert_eq!((launches, turn.continued(), turn.is_told()), (2, 2, true));
        // The next turn counts anew.
        turn.handle(Began);
        turn.handle(Rests);
        turn.handle(Began);
        turn.handle(CRASH);
        assert!(turn.launch());
    }

    fn any_event() -> impl Strategy<Value = Option<TurnEvent>> {
        prop_oneof![
            Just(Some(CRASH)),
            Just(Some(BrokeOff(BrokenTurnCause::Restart))),
            Just(Some(Began)),
            Just(Some(Rests)),
            Just(Some(Asked)),
            Just(Some(Dropped)),
            Just(Some(TurnEvent::Withdrawn)),
            Just(Some(TurnEvent::Sent)),
            // A launch.
            Just(None),
        ]
    }

    proptest! {
        /// However events come: there is something to go on with, it is configured or asked for, and it is not
        /// done by itself too often in a row.
        #[test]
        fn it_never_goes_on_unasked_or_without_end(
            policy in prop_oneof![Just(OnBrokenTurn::Off), Just(OnBrokenTurn::Ask), Just(OnBrokenTurn::Continue)],
            events in proptest::collection::vec(any_event(), 0..80),
        ) {
            let mut turn = with(policy);
            let (mut broken, mut asked, mut running, mut launched, mut in_a_row) =
                (None, false, false, false, 0);
            for event in events {
                match event {
                    Some(event) => {
                        turn.handle(event);
                        match event {
                            BrokeOff(cause) => {
                                (broken, asked, running, launched) = (Some(cause), false, false, false);
                            }
                            Began => (broken, asked, running, launched) = (None, false, true, false),
                            Rests => {
                                in_a_row = if running { 0 } else { in_a_row };
                                broken = broken.filter(|_| !launched);
                                running = false;
                            }
                            Asked => asked = broken.is_some(),
                            TurnEvent::Withdrawn => asked = false,
                            TurnEvent::Sent => launched = true,
                            Dropped => {
                                (broken, asked, running, launched, in_a_row) = (None, false, false, false, 0);
                            }
                        }
                    }
                    None => {
                        running = false;
                        if turn.launch() {
                            prop_assert!(broken.is_some());
                            let configured =
                                policy == OnBrokenTurn::Continue && broken == Some(BrokenTurnCause::Crash);
                            prop_assert!(asked || configured);
                            in_a_row = if asked { 0 } else { in_a_row + 1 };
                            prop_assert!(in_a_row <= 2);
                            (asked, launched) = (false, true);
                        }
                    }
                }
                prop_assert_eq!(turn.broken().map(|broken| broken.cause), broken);
            }
        }
    }
}

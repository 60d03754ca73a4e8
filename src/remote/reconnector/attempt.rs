//! One try: from the first look with the keys held to the answer to Enter, or back to where it began.
//!
//! Every step waits for a look that shows what the last keys did. Only a look at a claude that rests counts:
//! a claude that is slow still shows what was before, and what the user typed before may look like what was
//! typed here. What such a look does not show was not done, however long ago it was typed: then the step is
//! given up, and what was typed is taken back.
//!
//! Keys of the user wait for one second at most after the last step that was seen. Then what takes the last
//! keys back is sent, before the user's keys, and what came of it is looked for later.

mod cleanup;
mod end;
mod entered;
mod panel;
mod typing;
mod undo;

use std::time::Duration;

pub use end::{AttemptEnd, PendingCleanup};
pub use entered::REPEATED_ANSWER_DELAY;

use super::block_reason::BlockReason;
use super::events::Action;
use super::evidence::{File, ScreenSnapshot};
use crate::claude::remote_notices::Notice;
use crate::claude::screen::{Prompt, Vim};
use crate::registry::log_event::LinkEvent;
use crate::typing::pace::{
    DRAW_TIMEOUT, LOOK_INTERVAL, REST_TIMEOUT, SLOW_CLAUDE_EXTRA_TIME, UNDO_DRAW_TIMEOUT,
    UNSETTLED_LOOK_INTERVAL,
};
use crate::typing::{HOLD_ANSWER_TIMEOUT, KeyGate, KeyHold, Keystroke};

/// What a step types, and how the attempt ends with it.
type StepResult = (Option<Keystroke>, Option<AttemptEnd>);

/// What a try is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Submitting the command.
    Connect,
    /// Submitting it, and switching the link off in the panel that opens.
    SwitchOff,
    /// Closing a panel that came late.
    Close,
    /// Taking away what an earlier try had to leave.
    Cleanup,
}

impl Purpose {
    /// Whether the link is meant, and not the prompt alone.
    pub fn submits(self) -> bool {
        matches!(self, Self::Connect | Self::SwitchOff)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum AttemptStep {
    Opening,
    Stashing,
    Typing,
    Entered,
    InPanel { moves: u8, expected: usize },
    Leaving,
    Closing { again: bool },
    TakingBack { tried: u8 },
    Restoring { pressed: bool },
    Inserting { before: String },
}

/// What the last look and the state file say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Conditions {
    /// The state file has nothing against typing.
    is_quiet: bool,
    /// The link is still wanted.
    is_wanted: bool,
    /// The last look showed the main prompt.
    at_main_prompt: bool,
    /// The editor was in vim's insert mode.
    was_insert: bool,
}

/// The keys that were sent to undo what was typed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct UndoSent {
    /// Those that take the line back.
    taken_back: bool,
    /// Those that bring the draft back.
    restored: bool,
}

/// A try under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// What for.
    pub purpose: Purpose,
    /// What claude had said before.
    pub before: Option<Notice>,
    hold: KeyHold,
    /// When to look next.
    next_look: Duration,
    line: String,
    step: AttemptStep,
    /// How long the step may take.
    until: Duration,
    conditions: Conditions,
    sent: UndoSent,
    /// What is left at the prompt if it ends now.
    pending: PendingCleanup,
    /// When the command had left the prompt.
    gone_at: Option<Duration>,
    /// How it ends when the draft is back.
    planned_end: AttemptEnd,
}

/// What is to be done, and how the attempt has ended if it has.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// In this order.
    pub actions: Vec<Action>,
    /// How it ended.
    pub end: Option<AttemptEnd>,
    /// It ended because its time was over, whatever the look shows.
    pub is_expired: bool,
}

impl Outcome {
    fn of(actions: Vec<Action>) -> Self {
        Self { actions, ..Self::default() }
    }
}

impl Attempt {
    /// Begins; keys are typed when they are held, and a look has shown that it is safe. With a client the
    /// keys have to be held first.
    pub fn new(
        purpose: Purpose,
        line: &str,
        has_client: bool,
        pending: PendingCleanup,
        at: Duration,
    ) -> Self {
        Self {
            purpose,
            before: None,
            hold: KeyHold::new(at, has_client),
            next_look: at,
            line: line.to_owned(),
            step: AttemptStep::Opening,
            until: at + HOLD_ANSWER_TIMEOUT + REST_TIMEOUT,
            conditions: Conditions {
                is_quiet: false,
                is_wanted: true,
                at_main_prompt: false,
                was_insert: false,
            },
            sent: UndoSent::default(),
            pending,
            gone_at: None,
            planned_end: AttemptEnd::CleanedUp,
        }
    }

    /// Says that the editor was in vim's insert mode before.
    pub fn in_insert_mode(mut self, is: bool) -> Self {
        self.conditions.was_insert = is;
        self
    }

    /// A client is here that does not hold anything yet.
    pub fn client_attached(&mut self, at: Duration) {
        self.hold.ask(at);
    }

    /// The client has left, and the key that waited in it: nobody waits any more.
    pub fn client_left(&mut self, at: Duration) {
        self.hold.key_left();
        self.keys_held(at);
    }

    /// The client holds the keys. Whether that was still waited for.
    pub fn keys_held(&mut self, at: Duration) -> bool {
        let is_news = self.hold.grant(at);
        if is_news {
            self.next_look = at;
        }
        is_news
    }

    /// A key of the user's waits from now on.
    pub fn key_waits(&mut self, at: Duration) {
        self.hold.key_waits(at);
    }

    /// The draft that is stashed was stashed by the user.
    pub fn stash_is_the_users(&mut self) {
        self.pending.stash = false;
    }

    /// When the command had left the prompt, if it was seen to.
    pub fn gone_at(&self) -> Option<Duration> {
        self.gone_at
    }

    /// Whether anything was typed.
    pub fn has_typed(&self) -> bool {
        self.step != AttemptStep::Opening
    }

    /// When something is to be done.
    pub fn deadline(&self) -> Duration {
        match self.hold.gate() {
            KeyGate::Asked(until) => until,
            KeyGate::Held(until) => self.hold.key_deadline().unwrap_or(until).min(self.next_look.min(until)),
        }
    }

    /// Its time may have come.
    pub fn handle_due(&mut self, at: Duration) -> Outcome {
        match self.hold.gate() {
            KeyGate::Asked(until) if until <= at => {
                Outcome { end: Some(AttemptEnd::NotNow(BlockReason::NoAnswer)), ..Outcome::default() }
            }
            KeyGate::Held(until) if self.hold.is_over(at) => {
                if until > at && self.waits_on(at) {
                    Outcome::of(vec![Action::StillHolding, Action::Look])
                } else {
                    self.expire()
                }
            }
            KeyGate::Held(_) if self.next_look <= at => Outcome::of(vec![Action::Look]),
            KeyGate::Asked(_) | KeyGate::Held(_) => Outcome::default(),
        }
    }

    /// Takes a look. `against` is why the link is not wanted any more.
    pub fn handle_look(
        &mut self,
        at: Duration,
        look: &ScreenSnapshot,
        file: Option<&File>,
        against: Option<BlockReason>,
    ) -> Outcome {
        let mut actions = Vec::new();
        match self.hold.gate() {
            KeyGate::Asked(_) => return Outcome::default(),
            KeyGate::Held(until) if self.hold.is_over(at) => {
                if until <= at || !self.waits_on(at) {
                    return self.expire();
                }
                actions.push(Action::StillHolding);
            }
            KeyGate::Held(_) => {}
        }
        let against = against.filter(|_| self.purpose.submits());
        let step_at = self.hold.step_at();
        let (keys, end) = self.on_look(at, look, file, against);
        if self.hold.has_key_waiting() && self.hold.step_at() > step_at && end.is_none() {
            actions.push(Action::StillHolding);
        }
        match &keys {
            Some(Keystroke::Paste(line)) => {
                actions.push(Action::Note(LinkEvent::Typing { what: line.clone() }))
            }
            Some(Keystroke::Enter) => actions.push(Action::Note(LinkEvent::Entering)),
            _ => {}
        }
        actions.extend(keys.map(Action::Type));
        Outcome { actions, end, is_expired: false }
    }

    /// A key has waited for its time. Behind Enter it waits on until claude has taken the command; whether it
    /// does.
    fn waits_on(&mut self, at: Duration) -> bool {
        let is_behind_enter =
            self.step == AttemptStep::Entered && self.purpose == Purpose::Connect && self.gone_at.is_none();
        is_behind_enter && self.hold.wait_on_behind_enter(at)
    }

    /// Whether a step takes too long: a claude that rests has had its time, or it does not come to rest at
    /// all.
    fn is_late(&self, at: Duration, look: &ScreenSnapshot) -> bool {
        at >= self.until && (look.settled || at >= self.until + SLOW_CLAUDE_EXTRA_TIME)
    }

    /// Takes a look, and says what to type and whether that was the end. `against` is why the link is not
    /// wanted any more.
    fn on_look(
        &mut self,
        at: Duration,
        look: &ScreenSnapshot,
        file: Option<&File>,
        against: Option<BlockReason>,
    ) -> StepResult {
        self.next_look = at + if look.settled { LOOK_INTERVAL } else { UNSETTLED_LOOK_INTERVAL };
        let rested;
        let look = if self.needs_rest() && !look.rested {
            rested = ScreenSnapshot { settled: false, ..look.clone() };
            &rested
        } else {
            look
        };
        if look.settled {
            self.conditions.at_main_prompt = !matches!(look.reading.prompt, Prompt::Elsewhere(_));
        }
        if look.settled && look.rested && look.has_footer() && look.reading.vim == Some(Vim::Insert) {
            self.conditions.was_insert = true;
            self.pending.insert = false;
        }
        self.conditions.is_quiet = file.is_some_and(|file| file.obstacle.is_none());
        self.conditions.is_wanted = against.is_none();
        match (self.step.clone(), against) {
            (AttemptStep::Opening, Some(why)) => (None, Some(AttemptEnd::NotNow(why))),
            (step, _) => self.step(at, look, file, step),
        }
    }

    fn step(
        &mut self,
        at: Duration,
        look: &ScreenSnapshot,
        file: Option<&File>,
        step: AttemptStep,
    ) -> StepResult {
        match step {
            AttemptStep::Opening => self.opening(at, look, file),
            AttemptStep::Stashing => self.stashing(at, look),
            AttemptStep::Typing => self.typing(at, look),
            AttemptStep::Entered => self.entered(at, look, file),
            AttemptStep::InPanel { moves, expected } => self.in_panel(at, look, moves, expected),
            AttemptStep::Leaving => self.leaving(at, look),
            AttemptStep::Closing { again } => self.closing(at, look, again),
            AttemptStep::TakingBack { tried } => self.taking_back(at, look, tried),
            AttemptStep::Restoring { pressed } => self.restoring(at, look, pressed),
            AttemptStep::Inserting { before } => self.inserting(at, look, &before),
        }
    }

    /// Whether only a claude that rests shows what this step waits for. Behind Enter nothing but the command
    /// can have changed the screen, and claude may draw on and on while it connects.
    fn needs_rest(&self) -> bool {
        match self.step {
            AttemptStep::Opening => self.purpose != Purpose::Close,
            AttemptStep::Entered
            | AttemptStep::InPanel { .. }
            | AttemptStep::Leaving
            | AttemptStep::Closing { .. } => false,
            _ => true,
        }
    }

    fn enter(&mut self, step: AttemptStep, until: Duration) {
        self.step = step;
        self.until = until;
    }
}

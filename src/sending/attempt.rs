//! Typing one message: from the first look with the keys held until the text has left the prompt, or back to
//! where it began.
//!
//! As with the reconnector's attempt, each step waits for a look that shows what the last keys did, and only
//! a look at a claude that rests counts. Enter is pressed once at most.

mod entered;
mod opening;
mod undo;

use std::time::Duration;

use super::block::SendBlock;
use super::look::PromptLook;
use super::message::SendWhen;
use super::status::ClaudeStatus;
use crate::claude::pasted::PastedText;
use crate::typing::pace::{LOOK_INTERVAL, REST_TIMEOUT, SLOW_CLAUDE_EXTRA_TIME, UNSETTLED_LOOK_INTERVAL};
use crate::typing::{HOLD_ANSWER_TIMEOUT, KeyGate, KeyHold, Keystroke};

/// How a try ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AttemptEnd {
    /// Nothing was typed.
    NotNow(SendBlock),
    /// Nothing was typed, and nobody wants it any more.
    Withdrawn,
    /// Enter was pressed, and the text has left the prompt.
    Submitted,
    /// Enter was pressed, and what became of the text was not seen.
    Entered,
    /// The text was typed and taken back; why.
    TakenBack(String),
    /// The text was typed, and was not seen to be taken back; why it was to be.
    Left(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Opening,
    Stashing,
    Typing,
    Entered,
    TakingBack { tried: u8 },
    Restoring { pressed: u8 },
}

/// What is to be done for a try, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AttemptAction {
    /// A step was seen to succeed, and a key waits: the client is to go on holding.
    StillHolding,
    /// Look at the screen.
    Look,
    /// The first key is about to be typed.
    Begin,
    /// Type this.
    Type(Keystroke),
}

/// What is to be done, and how the try has ended if it has.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct AttemptResult {
    pub(super) actions: Vec<AttemptAction>,
    pub(super) end: Option<AttemptEnd>,
}

impl AttemptResult {
    fn of(actions: Vec<AttemptAction>) -> Self {
        Self { actions, end: None }
    }

    fn end(end: AttemptEnd) -> Self {
        Self { actions: vec![], end: Some(end) }
    }
}

/// What a step types, and how the try ends with it.
type StepResult = (Option<Keystroke>, Option<AttemptEnd>);

/// A try under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attempt {
    text: PastedText,
    when: SendWhen,
    hold: KeyHold,
    next_look: Duration,
    step: Step,
    /// How long the step may take.
    until: Duration,
    /// The text may stand at the prompt.
    has_text: bool,
    /// A draft was put aside, and is not back.
    has_stash: bool,
    /// The last look showed the main prompt.
    at_prompt: bool,
    is_entered: bool,
    /// Nobody waits for it any more, and nothing was typed.
    is_given_up: bool,
    /// When the text was seen to have left the prompt.
    gone_at: Option<Duration>,
    /// Why the text is taken back.
    reason: String,
}

impl Attempt {
    /// Begins. With a client the keys have to be held first.
    pub(super) fn new(text: PastedText, when: SendWhen, has_client: bool, at: Duration) -> Self {
        Self {
            text,
            when,
            hold: KeyHold::new(at, has_client),
            next_look: at,
            step: Step::Opening,
            until: at + HOLD_ANSWER_TIMEOUT + REST_TIMEOUT,
            has_text: false,
            has_stash: false,
            at_prompt: false,
            is_entered: false,
            is_given_up: false,
            gone_at: None,
            reason: String::new(),
        }
    }

    /// A client is here that does not hold anything yet.
    pub(super) fn client_attached(&mut self, at: Duration) {
        self.hold.ask(at);
    }

    /// The client has left, and the key that waited in it: nobody waits any more.
    pub(super) fn client_left(&mut self, at: Duration) {
        self.hold.key_left();
        self.keys_held(at);
    }

    /// The client holds the keys. Whether that was still waited for.
    pub(super) fn keys_held(&mut self, at: Duration) -> bool {
        let is_news = self.hold.grant(at);
        if is_news {
            self.next_look = at;
        }
        is_news
    }

    /// A key of the user's waits from now on.
    pub(super) fn key_waits(&mut self, at: Duration) {
        self.hold.key_waits(at);
    }

    /// Nobody waits for it any more. It ends with the next event, if nothing was typed.
    pub(super) fn give_up(&mut self) {
        self.is_given_up = !self.has_typed();
    }

    /// Whether anything was typed.
    pub(super) fn has_typed(&self) -> bool {
        self.step != Step::Opening
    }

    /// When something is to be done.
    pub(super) fn deadline(&self) -> Duration {
        if self.is_given_up {
            return Duration::ZERO;
        }
        match self.hold.gate() {
            KeyGate::Asked(until) => until,
            KeyGate::Held(until) => self.hold.key_deadline().unwrap_or(until).min(self.next_look.min(until)),
        }
    }

    /// How it ends when it has to end at once.
    pub(super) fn cut_short(&self, why: &str) -> AttemptEnd {
        match () {
            () if self.gone_at.is_some() => AttemptEnd::Submitted,
            () if self.is_entered => AttemptEnd::Entered,
            () if self.has_text => AttemptEnd::Left(why.to_owned()),
            () if self.has_typed() => AttemptEnd::TakenBack(why.to_owned()),
            () => AttemptEnd::NotNow(SendBlock::Screen(why.to_owned())),
        }
    }

    /// Its time may have come.
    pub(super) fn handle_due(&mut self, at: Duration) -> AttemptResult {
        if self.is_given_up {
            return AttemptResult::end(AttemptEnd::Withdrawn);
        }
        match self.hold.gate() {
            KeyGate::Asked(until) if until <= at => AttemptResult::end(if self.has_typed() {
                self.cut_short("the terminal that was attached meanwhile does not answer")
            } else {
                AttemptEnd::NotNow(SendBlock::NoAnswer)
            }),
            KeyGate::Held(until) if self.hold.is_over(at) => {
                if until > at && self.waits_on(at) {
                    AttemptResult::of(vec![AttemptAction::StillHolding, AttemptAction::Look])
                } else {
                    self.expire()
                }
            }
            KeyGate::Held(_) if self.next_look <= at => AttemptResult::of(vec![AttemptAction::Look]),
            KeyGate::Asked(_) | KeyGate::Held(_) => AttemptResult::default(),
        }
    }

    /// Takes a look.
    pub(super) fn handle_look(
        &mut self,
        at: Duration,
        look: &PromptLook,
        status: &ClaudeStatus,
    ) -> AttemptResult {
        if self.is_given_up {
            return AttemptResult::end(AttemptEnd::Withdrawn);
        }
        let mut actions = Vec::new();
        match self.hold.gate() {
            KeyGate::Asked(_) => return AttemptResult::default(),
            KeyGate::Held(until) if self.hold.is_over(at) => {
                if until <= at || !self.waits_on(at) {
                    return self.expire();
                }
                actions.push(AttemptAction::StillHolding);
            }
            KeyGate::Held(_) => {}
        }
        let step_at = self.hold.step_at();
        let had_typed = self.has_typed();
        let (keys, end) = self.on_look(at, look, status);
        if self.hold.has_key_waiting() && self.hold.step_at() > step_at && end.is_none() {
            actions.push(AttemptAction::StillHolding);
        }
        if keys.is_some() && !had_typed {
            actions.push(AttemptAction::Begin);
        }
        actions.extend(keys.map(AttemptAction::Type));
        AttemptResult { actions, end }
    }

    fn on_look(&mut self, at: Duration, look: &PromptLook, status: &ClaudeStatus) -> StepResult {
        self.next_look = at + if look.settled { LOOK_INTERVAL } else { UNSETTLED_LOOK_INTERVAL };
        let rested;
        let look = if look.rested || self.step == Step::Entered {
            look
        } else {
            rested = PromptLook { settled: false, ..look.clone() };
            &rested
        };
        if look.settled {
            self.at_prompt = look.is_at_prompt();
        }
        match self.step {
            Step::Opening => self.opening(at, look, status),
            Step::Stashing => self.stashing(at, look, status),
            Step::Typing => self.typing(at, look, status),
            Step::Entered => self.entered(at, look),
            Step::TakingBack { tried } => self.taking_back(at, look, tried),
            Step::Restoring { pressed } => self.restoring(at, look, pressed),
        }
    }

    /// What stands against going on, beside what was typed.
    fn obstacle(&self, look: &PromptLook, status: &ClaudeStatus) -> Option<SendBlock> {
        SendBlock::of_status(status, self.when).or_else(|| look.obstacle(self.when == SendWhen::Now))
    }

    /// A key has waited for its time. Behind Enter it waits on until claude has taken the text; whether it
    /// does.
    fn waits_on(&mut self, at: Duration) -> bool {
        self.step == Step::Entered && self.gone_at.is_none() && self.hold.wait_on_behind_enter(at)
    }

    /// Whether a step takes too long: a claude that rests has had its time, or it does not come to rest at
    /// all.
    fn is_late(&self, at: Duration, look: &PromptLook) -> bool {
        at >= self.until && (look.settled || at >= self.until + SLOW_CLAUDE_EXTRA_TIME)
    }

    fn enter(&mut self, step: Step, until: Duration) {
        self.step = step;
        self.until = until;
    }

    /// The keys have been held for as long as they may be. What was typed and not seen is undone by keys that
    /// come before the user's next one, however slow claude is.
    fn expire(&mut self) -> AttemptResult {
        let mut keys = Vec::new();
        let is_unseen = matches!(self.step, Step::Typing | Step::TakingBack { tried: 0 });
        if is_unseen && self.has_text {
            keys.push(Keystroke::Undo);
        }
        let is_stash_unseen = !matches!(self.step, Step::Restoring { pressed: 1.. });
        if self.has_stash && is_stash_unseen && self.at_prompt && !self.is_entered {
            keys.push(Keystroke::Stash);
        }
        let why = if self.hold.has_key_waiting() {
            "somebody typed at its terminal, and claude had not shown yet what was sent"
        } else {
            "claude did not show in time what was sent"
        };
        let actions = keys.into_iter().map(AttemptAction::Type).collect();
        AttemptResult { actions, end: Some(self.cut_short(why)) }
    }
}

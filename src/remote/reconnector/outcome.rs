//! What came of a try.

use std::time::Duration;

use super::answer::{Answer, AwaitedAnswer};
use super::attempt::{Attempt, AttemptEnd, Purpose};
use super::request::UserRequest;
use super::{
    ANSWER_POLL_INTERVAL, Action, BlockReason, FAILED_LINK_LINGERS, IDLE_LOOK_INTERVAL, LONGEST_HOLD,
    Reconnector, ReconnectorPhase, ScreenSnapshot, WANTED_LOOK_DELAY,
};
use crate::registry::link_record::{AttemptOutcome, PanelLeft};
use crate::registry::log_event::LinkEvent;

/// From a link that was switched off to the command that brings it back.
const CYCLE_PAUSE: Duration = Duration::from_secs(2);
/// Why a link is not switched off and on where the panel was seen twice.
const NO_LINK_IN_PANEL: &str =
    "the panel of /remote-control does not say that a link is up (the window may be too small for it)";

impl Reconnector {
    /// The try under way is over. The keys are let go behind whatever else there is to do.
    pub(super) fn end(&mut self, at: Duration, end: AttemptEnd) -> Vec<Action> {
        let ReconnectorPhase::Trying(attempt) =
            std::mem::replace(&mut self.phase, ReconnectorPhase::Watching)
        else {
            return vec![];
        };
        let left = self.cleanup.attempt_left(at, attempt.leftover());
        if attempt.has_typed() && attempt.purpose.submits() {
            self.backoff.tried(at, &self.settings);
            self.obstacles.forget_told();
        }
        if self.cleanup.is_any() {
            self.obstacles.meet(BlockReason::Cooling, at + WANTED_LOOK_DELAY);
        }
        let mut actions: Vec<_> = left.into_iter().collect();
        actions.extend(self.conclude(at, end, &attempt));
        actions.push(Action::Release);
        actions
    }

    fn conclude(&mut self, at: Duration, end: AttemptEnd, attempt: &Attempt) -> Vec<Action> {
        let note = |event| vec![Action::Note(event)];
        match end {
            AttemptEnd::NotNow(why) => {
                let is_soon = matches!(why, BlockReason::NoAnswer | BlockReason::Restless);
                let until = at + if is_soon { self.settings.cooldown } else { IDLE_LOOK_INTERVAL };
                self.obstacles.meet(why, until.max(at + WANTED_LOOK_DELAY));
                vec![]
            }
            AttemptEnd::Submitted => self.submitted(at, attempt),
            AttemptEnd::Dialog => {
                self.requests.close();
                let said = "a dialog of claude's came up, which is the user's to answer";
                self.permission.refuse(said.into());
                vec![self.fail(at, said)]
            }
            AttemptEnd::NotYet if attempt.purpose == Purpose::SwitchOff && self.requests.was_denied() => {
                // A second one is no link that failed a moment ago. It would say the same for as long as it
                // was asked.
                self.requests.close();
                self.stale_link.clear();
                vec![self.fail(at, NO_LINK_IN_PANEL)]
            }
            AttemptEnd::NotYet => {
                if attempt.purpose == Purpose::SwitchOff {
                    self.requests.panel_denied(at, FAILED_LINK_LINGERS);
                }
                // Claude counts a link that failed as switched on for about ten seconds.
                self.backoff.concluded(at, AttemptOutcome::NotYet);
                note(LinkEvent::NotYet)
            }
            AttemptEnd::WasUp { closed } => {
                self.requests.close();
                self.evidence.panel_counts_until = Some(at + self.settings.max_cooldown);
                let panel = if closed { PanelLeft::Closed } else { PanelLeft::Open };
                self.backoff.concluded(at, AttemptOutcome::WasUp(panel));
                note(LinkEvent::WasUp { what: panel })
            }
            AttemptEnd::SwitchedOff => {
                self.requests.begin(UserRequest::at(at + CYCLE_PAUSE, false));
                self.backoff.allow_next();
                note(LinkEvent::SwitchedOff)
            }
            AttemptEnd::Failed(why) => {
                self.requests.close();
                vec![self.fail(at, why)]
            }
            AttemptEnd::OwnCommand => {
                self.requests.close();
                self.permission.found_own_command();
                let said = BlockReason::OwnCommand(self.settings.line()).to_string();
                vec![self.fail(at, &said)]
            }
            AttemptEnd::StillThere => note(LinkEvent::NotTidied {
                what: "the command may be at the prompt, behind what was typed since",
            }),
            AttemptEnd::CleanedUp if !self.cleanup.is_any() => note(LinkEvent::Tidied),
            AttemptEnd::CleanedUp => vec![],
        }
    }

    fn submitted(&mut self, at: Duration, attempt: &Attempt) -> Vec<Action> {
        self.requests.close();
        self.backoff.concluded(at, AttemptOutcome::Submitted);
        self.looks.plan(Some(at + ANSWER_POLL_INTERVAL));
        self.phase =
            ReconnectorPhase::Answering(AwaitedAnswer::new(at, attempt.gone_at(), attempt.before.clone()));
        let mut actions = vec![Action::Note(LinkEvent::Submitted)];
        // A state file that was quicker than the screen.
        if self.evidence.came_up_since(at.saturating_sub(LONGEST_HOLD)) {
            actions.push(self.succeed(at));
        }
        actions
    }

    /// Whatever is under way cannot go on.
    pub(super) fn cut_short(&mut self, at: Duration, why: &'static str) -> Vec<Action> {
        match &self.phase {
            ReconnectorPhase::Watching => vec![],
            ReconnectorPhase::Inquiring(_) => {
                self.phase = ReconnectorPhase::Watching;
                vec![Action::Release]
            }
            ReconnectorPhase::Trying(attempt) => {
                let end = if attempt.has_typed() {
                    attempt.cut_short(why)
                } else {
                    AttemptEnd::NotNow(BlockReason::NotRunning)
                };
                let actions = self.end(at, end);
                self.phase = ReconnectorPhase::Watching;
                actions
            }
            ReconnectorPhase::Answering(_) => vec![self.answer_failed(at, why)],
        }
    }

    /// The command was submitted, and the link is not up for it.
    pub(super) fn answer_failed(&mut self, at: Duration, why: &str) -> Action {
        self.connects.answer_failed();
        self.fail(at, why)
    }

    fn fail(&mut self, at: Duration, why: &str) -> Action {
        self.phase = ReconnectorPhase::Watching;
        self.looks.plan(None);
        self.backoff.concluded(at, AttemptOutcome::Failed(why.to_owned()));
        Action::Note(LinkEvent::Failed { what: format!("{why} (try {})", self.backoff.tries()) })
    }

    pub(super) fn succeed(&mut self, at: Duration) -> Action {
        self.phase = ReconnectorPhase::Watching;
        self.looks.plan(Some(at + WANTED_LOOK_DELAY));
        self.obstacles.forget_told();
        self.backoff.concluded(at, AttemptOutcome::Back);
        Action::Note(LinkEvent::Back)
    }

    /// A look while the answer is awaited.
    pub(super) fn answer_looked_for(&mut self, at: Duration, look: &ScreenSnapshot) -> Vec<Action> {
        let ReconnectorPhase::Answering(awaited) = &mut self.phase else { return vec![] };
        match awaited.handle_look(at, look, self.evidence.is_up_now()) {
            None => vec![],
            Some(Answer::Refused(said)) => {
                self.permission.refuse(said.clone());
                let failed = self.answer_failed(at, &said);
                vec![Action::Note(LinkEvent::Refused { what: said }), failed]
            }
            Some(Answer::Failed(why)) => vec![self.answer_failed(at, &why)],
            Some(Answer::Panel { connected }) => {
                self.evidence.panel_counts_until =
                    Some(at + self.settings.max_cooldown).filter(|_| connected);
                self.begin(at, Purpose::Close).into_iter().collect()
            }
            Some(Answer::Dialog) => self.begin(at, Purpose::Close).into_iter().collect(),
            Some(Answer::Up) => vec![self.succeed(at)],
        }
    }
}

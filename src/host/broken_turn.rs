//! A turn that broke off: noted in the record, told, and gone on with.
//!
//! [`continuation`] decides. At a launch the environment makes claude go on by itself
//! ([`resumed_turn`]), so nothing is typed.

mod continuation;

use super::Host;
use crate::claude::resumed_turn;
use crate::claude::state_file::{StateFile, is_rest};
use crate::config::TurnPolicy;
use crate::protocol::Response;
use crate::registry::broken_turn::BrokenTurnCause;
use crate::registry::environment::Variables;
use crate::registry::log_event::LogEvent;
use crate::registry::record::{Record, SessionState};
pub(super) use continuation::{Continuation, TurnEvent};

/// What was said of the last turn of a session whose host is gone. If that turn was under way, it has broken
/// off.
pub(super) fn of_record(policy: &TurnPolicy, record: &Record) -> Continuation {
    let mut turn =
        Continuation::recorded(policy, record.broken_turn, record.turn_tries, record.turns_continued);
    if record.is_in_turn() {
        turn.handle(TurnEvent::BrokeOff(BrokenTurnCause::Crash));
    }
    turn
}

/// The environment of a launch. Where claude goes on with a turn, it says so to claude. `resumes` is whether the
/// launch opens the conversation that is on disk. Whether claude goes on.
pub(super) fn prepare_launch(turn: &mut Continuation, resumes: bool, variables: &mut Variables) -> bool {
    let goes_on = resumes && turn.launch();
    if goes_on {
        for (name, value) in resumed_turn::variables(turn.prompt()) {
            variables.set(name, value);
        }
    }
    goes_on
}

impl Host {
    /// Something has happened to a turn. The record is saved by whoever has called this.
    pub(super) fn note_turn_event(&mut self, event: TurnEvent) {
        self.continuation.handle(event);
        self.record.broken_turn = self.continuation.broken();
        self.record.turn_tries = self.continuation.tries();
        self.record.turns_continued = self.continuation.continued();
    }

    /// Claude's state file says what it does. `is_new` is whether another conversation is open.
    pub(super) fn follow_turn(&mut self, file: &StateFile, is_new: bool) {
        if !self.claude.is_running() {
            // It was left behind by a claude that has ended.
            return;
        }
        if is_new && self.record.background_job.is_none() {
            self.note_turn_event(TurnEvent::Dropped);
            self.failed_turn_is_dropped();
        }
        match file.status.as_deref() {
            Some("busy") => {
                self.note_turn_event(TurnEvent::Began);
                self.failed_turn_is_past();
            }
            Some(status) if is_rest(status) => self.note_turn_event(TurnEvent::Rests),
            _ => {}
        }
    }

    /// Claude has ended without its user's wish. If it was in a turn, that has broken off.
    pub(super) fn note_broken_turn(&mut self) {
        if !self.record.is_in_turn() {
            return;
        }
        let cause = match self.claude.restart_is_under_way() {
            true => BrokenTurnCause::Restart,
            false => BrokenTurnCause::Crash,
        };
        self.note_turn_event(TurnEvent::BrokeOff(cause));
        self.events.write(LogEvent::TurnBrokeOff { cause });
    }

    /// The session is over: a turn that the system has ended may be gone on with, one that its user has ended
    /// may not.
    pub(super) fn note_last_turn(&mut self, state: SessionState) {
        match state {
            SessionState::Terminated => self.note_broken_turn(),
            SessionState::Stopped => self.note_turn_event(TurnEvent::Dropped),
            _ => {}
        }
    }

    /// Claude was launched to go on with a turn.
    pub(super) fn told_to_go_on(&mut self) {
        self.record.turn_tries = self.continuation.tries();
        self.events.write(LogEvent::TurnContinued { tries: self.continuation.tries() });
    }

    /// The session was another host's. `goes_on` is whether claude was launched to go on with its turn.
    pub(super) fn note_recovered_turn(&mut self, goes_on: bool) {
        if self.record.broken_turn.is_none()
            && let Some(broken) = self.continuation.broken()
        {
            self.events.write(LogEvent::TurnBrokeOff { cause: broken.cause });
        }
        self.record.broken_turn = self.continuation.broken();
        if goes_on {
            self.told_to_go_on();
        }
    }

    /// Claude is back, and does not go on. The user is told, where that is configured.
    pub(super) fn tell_broken_turn(&mut self) {
        if self.continuation.is_told() && !self.continuation.is_launched() {
            let name = self.record.plain_name();
            let line = format!("the last turn of {name} broke off; to go on with it: cckw continue {name}");
            self.notice_and_repeat(&line.clone(), line);
        }
    }

    /// What is said of the turn while claude is gone.
    pub(super) fn turn_words(&self) -> Option<&'static str> {
        self.continuation.broken()?;
        Some(match self.continuation.goes_on_by_itself() {
            true => "its turn broke off; claude goes on with it",
            false => "its turn broke off. c: start claude now, and go on with the turn",
        })
    }

    /// The user wants claude to go on with the turn that broke off.
    pub(super) fn continue_turn(&mut self) -> Response {
        let refused = |reason: &str| Response::Refused { reason: reason.into() };
        if self.claude.has_quit() {
            return refused("the session is being ended");
        }
        if self.claude.is_running() && self.record.is_in_turn() {
            return refused("claude is in a turn, so there is nothing to go on with");
        }
        let is_failed = self.record.turn.as_ref().is_some_and(|turn| turn.failure().is_some());
        if self.claude.is_running() && is_failed && self.continuation.broken().is_none() {
            self.failed_turn_is_dropped();
            self.tell_to_go_on(0);
            return Response::Done;
        }
        self.note_turn_event(TurnEvent::Asked);
        if self.continuation.broken().is_none() {
            return refused("no turn of this session broke off");
        }
        // Claude goes on when it is launched. One that runs is idle, so it loses nothing.
        let is_launched_now = self.claude.is_waiting();
        let why = match self.request_restart(false, None) {
            Response::Restart { waits_for } if is_launched_now || waits_for.is_none() => {
                return Response::Done;
            }
            Response::Restart { waits_for } => {
                self.call_off_restart();
                format!("claude cannot be started again now ({})", waits_for.unwrap_or_default())
            }
            Response::Refused { reason } => reason,
            _ => "claude cannot be started again".to_owned(),
        };
        self.note_turn_event(TurnEvent::Withdrawn);
        Response::Refused { reason: why }
    }
}

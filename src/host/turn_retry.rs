//! A turn that ended in an error of the API: claude is told to go on, where that is configured.
//!
//! [`decision`] decides when. What claude is told goes through the sender, as a message of the user's does: only
//! at an idle prompt, not while somebody types, and with a draft put aside.

mod decision;
mod login_watch;

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Host;
use super::broken_turn::TurnEvent;
use crate::claude::pasted::PastedText;
use crate::claude::transcript::failure::{ApiFailure, FailureKind};
use crate::claude::transcript::turn::TurnEnd;
use crate::config::TurnPolicy;
use crate::os::poll::{Interest, Poll, Token};
use crate::registry::event_log;
use crate::registry::log_event::LogEvent;
use crate::sending::{Message, SendWhen};
pub(super) use decision::RetryEvent;
use decision::{FailureCause, RetryEffect, TurnRetry};
use login_watch::LoginWatch;

/// How long what claude is told may wait for an idle prompt at which nobody types.
const SEND_TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// The last failed turn of a session.
pub(super) struct FailedTurn {
    retry: TurnRetry,
    /// While somebody is waited for to log in.
    login: Option<LoginWatch>,
    /// What claude is told at the moment.
    message: Option<Uuid>,
    /// Errors from before this host began are not its business, in milliseconds since 1970.
    since_ms: u64,
}

impl FailedTurn {
    /// Nothing has failed yet.
    pub(super) fn new(policy: &TurnPolicy) -> Self {
        Self { retry: TurnRetry::new(policy), login: None, message: None, since_ms: event_log::now_ms() }
    }

    /// When something is to be done.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.retry.deadline()
    }

    /// Adds what tells of a login, where one is waited for.
    pub(super) fn prepare(&self, poll: &mut Poll) -> Option<Token> {
        self.login.as_ref().map(|login| poll.add(login, Interest::Reading))
    }
}

/// The same as it is handed over to the program that goes on with it.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct FailedTurnState {
    retry: TurnRetry,
    message: Option<Uuid>,
    since_ms: u64,
}

impl FailedTurn {
    /// All that is needed to go on.
    pub(super) fn hand_over(&self) -> FailedTurnState {
        FailedTurnState { retry: self.retry.clone(), message: self.message, since_ms: self.since_ms }
    }

    /// Goes on with what another program has handed over.
    pub(super) fn take_over(state: FailedTurnState, policy: &TurnPolicy) -> Self {
        let retry = state.retry.with_policy(policy);
        let login = retry.waits_for_login().then(LoginWatch::new).flatten();
        Self { retry, login, message: state.message, since_ms: state.since_ms }
    }
}

/// What there is to wait for after this error; nothing where going on would change nothing.
fn cause(failure: &ApiFailure, now_ms: u64) -> Option<FailureCause> {
    match failure.kind {
        FailureKind::Overloaded | FailureKind::ServerError => Some(FailureCause::Overloaded),
        FailureKind::RateLimit => {
            let over = failure.resets_at.map(|at| at.saturating_mul(1000).saturating_sub(now_ms));
            Some(FailureCause::Limit(over.map(Duration::from_millis)))
        }
        FailureKind::Network => Some(FailureCause::Network),
        FailureKind::Unauthorized => Some(FailureCause::Unauthorized),
        FailureKind::Billing | FailureKind::InvalidRequest | FailureKind::Other => None,
    }
}

impl Host {
    /// Something has happened to the last turn.
    pub(super) fn note_retry_event(&mut self, event: RetryEvent) {
        let effect = self.failed_turn.retry.handle(Instant::now(), event);
        if !self.failed_turn.retry.waits_for_login() {
            self.failed_turn.login = None;
        } else if self.failed_turn.login.is_none() {
            self.failed_turn.login = LoginWatch::new();
        }
        match effect {
            None => {}
            Some(RetryEffect::Send) => self.tell_to_go_on(self.failed_turn.retry.tries()),
            Some(RetryEffect::Tell) => {
                let name = self.record.plain_name();
                let line = format!("the last turn of {name} failed; to go on with it: cckw continue {name}");
                self.notice_and_repeat(&line.clone(), line);
            }
        }
    }

    /// Another turn runs.
    pub(super) fn failed_turn_is_past(&mut self) {
        self.note_retry_event(RetryEvent::Began);
    }

    /// Nobody is to go on with the turn by itself any more.
    pub(super) fn failed_turn_is_dropped(&mut self) {
        self.note_retry_event(RetryEvent::Dropped);
    }

    /// The record says how the last turn ended.
    pub(super) fn follow_turn_end(&mut self) {
        let Some(turn) = &self.record.turn else { return };
        let is_news = turn.last_at.is_some_and(|at| at >= self.failed_turn.since_ms);
        let event = match &turn.end {
            Some(TurnEnd::Failed(failure)) if is_news => {
                cause(failure, event_log::now_ms()).map(RetryEvent::Failed)
            }
            Some(TurnEnd::Done | TurnEnd::Interrupted) => Some(RetryEvent::Ended),
            _ => None,
        };
        if let Some(event) = event {
            self.note_retry_event(event);
        }
    }

    /// The file with claude's login has changed.
    pub(super) fn hear_login(&mut self) {
        if let Some(login) = &self.failed_turn.login {
            login.take();
        }
        self.note_retry_event(RetryEvent::LoggedIn);
    }

    /// Tells claude to go on, as a message. `tries` counts those in a row that nobody has asked for.
    pub(super) fn tell_to_go_on(&mut self, tries: u32) {
        let id = Uuid::new_v4();
        self.failed_turn.message = Some(id);
        self.events.write(LogEvent::TurnContinued { tries });
        self.note_turn_event(TurnEvent::Sent);
        let text = PastedText::new(self.continuation.prompt().to_owned());
        let until = self.now().saturating_add(SEND_TIMEOUT);
        // Who has asked by hand hears soon that claude is not at its prompt.
        let is_patient = tries > 0;
        self.queue_message(Message { id, text, when: SendWhen::Idle, is_patient, until });
    }

    /// A message was submitted. A short turn may be over before its state file was looked at.
    pub(super) fn message_was_submitted(&mut self, id: Uuid) {
        if self.failed_turn.message.take_if(|message| *message == id).is_some() {
            self.note_turn_event(TurnEvent::Began);
            self.note_retry_event(RetryEvent::Began);
            self.save();
        }
    }

    /// A message was not submitted.
    pub(super) fn message_was_not_sent(&mut self, id: Uuid) {
        if self.failed_turn.message.take_if(|message| *message == id).is_some() {
            self.note_retry_event(RetryEvent::NotSent);
        }
    }
}

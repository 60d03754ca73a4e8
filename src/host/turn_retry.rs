//! A turn that ended in an error of the API: claude is told to go on, where that is configured.
//!
//! [`decision`] decides when. What claude is told goes through the sender, as a message of the user's does: only
//! at an idle prompt, not while somebody types, and with a draft put aside.

mod decision;

use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Host;
use super::broken_turn::TurnEvent;
use super::file_changes::Watcher;
use crate::claude::config_dir;
use crate::claude::pasted::PastedText;
use crate::claude::resumed_turn::CREDENTIALS;
use crate::claude::transcript::failure::{ApiFailure, FailureKind};
use crate::claude::transcript::turn::TurnEnd;
use crate::config::TurnPolicy;
use crate::os::file_watch::{Change, FileWatch, Told};
use crate::registry::event_log;
use crate::registry::log_event::LogEvent;
use crate::sending::{Message, SendWhen};
pub(super) use decision::RetryEvent;
use decision::{FailureCause, RetryEffect, TurnRetry};

/// How long what claude is told may wait for an idle prompt at which nobody types.
const SEND_TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// The last failed turn of a session.
pub(super) struct FailedTurn {
    retry: TurnRetry,
    /// The file with claude's login is watched: somebody is waited for to log in.
    is_login_watched: bool,
    /// What claude is told at the moment.
    message: Option<Uuid>,
    /// Errors from before this host began are not its business, in milliseconds since 1970.
    since_ms: u64,
}

impl FailedTurn {
    /// Nothing has failed yet.
    pub(super) fn new(policy: &TurnPolicy) -> Self {
        Self {
            retry: TurnRetry::new(policy),
            is_login_watched: false,
            message: None,
            since_ms: event_log::now_ms(),
        }
    }

    /// When something is to be done.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.retry.deadline()
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
    pub(super) fn take_over(
        state: FailedTurnState,
        watch: &mut FileWatch<Watcher>,
        policy: &TurnPolicy,
    ) -> Self {
        let retry = state.retry.with_policy(policy);
        let is_login_watched = retry.waits_for_login() && watch_login(watch);
        Self { retry, is_login_watched, message: state.message, since_ms: state.since_ms }
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

/// Watches the directory that the file is in: it is replaced, not rewritten.
fn watch_login(watch: &mut FileWatch<Watcher>) -> bool {
    config_dir().is_some_and(|directory| watch.watch(Watcher::Login, &directory, Told::Contents).is_ok())
}

impl Host {
    /// Something has happened to the last turn.
    pub(super) fn note_retry_event(&mut self, event: RetryEvent) {
        let effect = self.failed_turn.retry.handle(Instant::now(), event);
        let waits = self.failed_turn.retry.waits_for_login();
        if waits != self.failed_turn.is_login_watched {
            self.failed_turn.is_login_watched = waits && watch_login(&mut self.file_watch);
            if !waits {
                self.file_watch.unwatch_all(Watcher::Login);
            }
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

    /// Something has changed in the directory that the file with claude's login is in.
    pub(super) fn hear_login(&mut self, change: &Change) {
        let is_login = |name: &OsString| Some(name.as_os_str()) == Path::new(CREDENTIALS).file_name();
        let is_news = match change {
            Change::Came(name) | Change::Written(name) | Change::Left(name) => is_login(name),
            // It is not known what.
            Change::Contents | Change::Missed => true,
            Change::Itself => false,
        };
        if is_news {
            self.note_retry_event(RetryEvent::LoggedIn);
        }
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

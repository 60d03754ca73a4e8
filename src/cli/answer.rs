//! The answer to a text that was sent: waited for, and printed.

use std::process::ExitCode;
use std::time::Instant;

use super::output::{fail, print};
use super::session_watch::{Look, SessionWatch, WaitEnd};
use super::wait::{last_turn, look};
use super::waiter::{WaitFor, WaitOutcome, Waiter};
use crate::registry::Session;
use crate::user_error::{UserError, send, wait};

/// Waits until the turn that a text has begun is over, and prints what the model said last in it. A text in
/// claude's queue is waited for as well: claude does not rest in between.
///
/// # Errors
/// When it does not end well, or not by `end`.
pub fn wait_for_answer(session: &Session, end: Instant) -> Result<ExitCode, UserError> {
    let mut watch = SessionWatch::new(vec![session.clone()])?;
    let mut waiter = Waiter::new(WaitFor::Idle);
    let waited = watch.until(|now, seen| {
        let Some(seen) = seen.first() else { return Look::Done(None) };
        match waiter.handle(now, &look(seen)) {
            Some(outcome) => Look::Done(Some((outcome, seen.session.clone()))),
            None if now >= end => Look::Done(None),
            None => Look::Wait(waiter.deadline().into_iter().chain([end]).min()),
        }
    })?;
    match waited {
        WaitEnd::Done(Some((outcome, session))) => answer(&outcome, &session),
        WaitEnd::Done(None) => Err(send::no_answer_yet(&session.word())),
        WaitEnd::Signalled(signal) => Err(wait::interrupted(u8::try_from(128 + signal).unwrap_or(1))),
    }
}

fn answer(outcome: &WaitOutcome, session: &Session) -> Result<ExitCode, UserError> {
    match outcome {
        WaitOutcome::Done => {
            let turn = last_turn(session);
            let said = turn.last_answer.filter(|_| turn.answers_last_prompt);
            Ok(said.map_or(ExitCode::SUCCESS, |said| print(&format!("{}\n", said.trim_end()))))
        }
        WaitOutcome::Asks(what) => Err(send::asks(what, &session.word())),
        WaitOutcome::Failed(kind, text) => {
            // For scripts; the words follow on stderr.
            let printed = print(&format!("{kind}\n"));
            if printed != ExitCode::SUCCESS {
                return Ok(printed);
            }
            Err(send::turn_failed(kind, text))
        }
        WaitOutcome::Ended(how) => Err(send::ended_before_answer(how, &session.word())),
    }
}

/// Waits for it, and says what went wrong.
pub fn main(session: &Session, end: Instant) -> ExitCode {
    wait_for_answer(session, end).unwrap_or_else(|error| fail(&error.about(&session.name)))
}

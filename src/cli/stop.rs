//! `cckw stop`.

use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use super::output::fail;
use super::pick_running;
use crate::client::complain;
use crate::escape::escape;
use crate::protocol::{Channel, Request, Response};
use crate::registry;
use crate::registry::event_log::EventLog;
use crate::registry::last_claude;
use crate::registry::stop_marker;
use crate::registry::stop_marker::StopRequest;
use crate::registry::{NoAnswer, Session};
use crate::user_error::{host, session as of_session};

/// Longer than a host takes to end a claude that does not want to: three signals, five seconds apart.
const END_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a client may take to bring a session back whose host was killed, and the time between two looks
/// for that.
const REVIVAL_TIMEOUT: Duration = Duration::from_secs(2);
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Asks the host to end the session. Nothing where it was killed before it answered: then nobody brings the
/// session back.
///
/// # Errors
/// When the session has ended already, or its host does not answer.
fn ask_to_stop(session: &Session) -> Result<Option<(Response, Channel)>, NoAnswer> {
    match registry::ask_and_stay(session, &Request::Stop) {
        Err(NoAnswer::Gone) if registry::again(session).is_some_and(|now| now.record.ended_at.is_none()) => {}
        answer => return answer.map(Some),
    }
    // Where this cannot be written, a host that comes is asked all the same.
    let _ = stop_marker::set(&session.directory, StopRequest::User);
    let until = Instant::now() + REVIVAL_TIMEOUT;
    while Instant::now() < until {
        // The client may have been quicker.
        if let Some(now) = registry::again(session).filter(Session::has_host) {
            match registry::ask_and_stay(&now, &Request::Stop) {
                Err(NoAnswer::Gone) => {}
                answer => return answer.map(Some),
            }
        }
        thread::sleep(POLL_INTERVAL);
    }
    Ok(None)
}

/// Ends the claude of a host that was killed before it had ended it.
fn end_what_is_left(session: &Session) {
    if let Some(now) = registry::again(session).filter(|now| now.record.ended_at.is_none() && !now.has_host())
    {
        last_claude::wait_for_the_last_one(&now.record, &EventLog::in_directory(&now.directory));
    }
}

/// Ends what is left of a session that was stopped, and tells what is lost with it.
fn stopped(session: &Session) -> ExitCode {
    end_what_is_left(session);
    if let Some(problem) = &session.record.transcript_problem {
        complain(format_args!(
            "{} is stopped; what was said there last was not saved: {}",
            escape(&session.word()),
            escape(problem)
        ));
    } else if session.record.transcript_cut {
        complain(format_args!(
            "{} is stopped; its transcript was removed or cut, and what was said before that is gone with its claude",
            escape(&session.word())
        ));
    }
    ExitCode::SUCCESS
}

/// Ends a session, and waits until it has ended. Its conversation stays.
pub fn main(word: Option<&str>) -> ExitCode {
    pick_running(word, |session| {
        let mut channel = match ask_to_stop(session) {
            Ok(Some((Response::Refused { reason }, _))) => return fail(&host::refused(&reason)),
            Ok(Some((_, channel))) => channel,
            Ok(None) => return stopped(session),
            Err(error) => return fail(&error.into()),
        };
        // The host says nothing more on this connection, and closes it when it has ended.
        match channel.wait_for::<Response>(Some(END_TIMEOUT)) {
            Ok(None) if !channel.is_abandoned() => fail(&of_session::does_not_end(&session.word())),
            _ => stopped(session),
        }
    })
}

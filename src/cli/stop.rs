//! `cckw stop`.

use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use super::inside;
use super::output::{fail, print};
use super::target::{all_meant, each_once, reachable, running, with_socket};
use crate::client::complain;
use crate::escape::escape;
use crate::protocol::{Channel, Request, Response};
use crate::registry;
use crate::registry::event_log::EventLog;
use crate::registry::last_claude;
use crate::registry::record::SessionKind;
use crate::registry::stop_marker;
use crate::registry::stop_marker::StopRequest;
use crate::registry::{NoAnswer, Session};
use crate::user_error::{UserError, host, session as of_session};

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

/// Ends sessions, and waits until they have ended. Their conversations stay. Without words, and not `all`, it
/// is the only one that runs. Of several the others are ended where one cannot be.
pub fn main(words: &[String], all: bool) -> ExitCode {
    let found = if all { all_that_run() } else { meant_by(words) };
    if all && found.is_empty() {
        return print("no session is running\n");
    }
    let (mut chosen, mut status) = each_once(found);
    // The one that this runs in comes last, for this may end with its claude.
    let inside = inside();
    chosen.sort_by_key(|session| inside.as_deref() == Some(&session.record.session.to_string()));
    // All are asked before one is waited for: they end beside each other.
    let (chosen, ended): (Vec<Session>, Vec<Session>) = chosen.into_iter().partition(|session| session.lives);
    for session in &ended {
        let name = escape(&session.name);
        print(&format!("{name}: has ended already. To bring it back: cckw start {}\n", session.word()));
    }
    let asked: Vec<_> = chosen.iter().map(|session| (session, ask(session))).collect();
    for (session, asked) in asked {
        let told = match asked.and_then(|channel| wait(session, channel)) {
            Ok(()) => tell(session),
            // Of several, each is told by its name.
            Err(error) if chosen.len() > 1 => fail(&error.about(&session.name)),
            Err(error) => fail(&error),
        };
        if told != ExitCode::SUCCESS {
            status = told;
        }
    }
    status
}

fn all_that_run() -> Vec<Result<Session, UserError>> {
    let sessions = match registry::sessions() {
        Ok(sessions) => sessions,
        Err(error) => return vec![Err(error)],
    };
    sessions.into_iter().filter(Session::has_host).map(with_socket).collect()
}

/// The sessions that are meant. One that has ended already is among them. Of one whose record cannot be read
/// nobody knows that.
fn meant_by(words: &[String]) -> Vec<Result<Session, UserError>> {
    if words.is_empty() {
        return vec![running(None)];
    }
    let reached = |session: Session, word: &str| match session.damage {
        None if !session.has_host() => Ok(session),
        _ => reachable(session, word),
    };
    let found = all_meant(words).into_iter().zip(words);
    found.map(|(session, word)| session.and_then(|session| reached(session, word))).collect()
}

/// Has the host end the session. Nothing where it was killed before it answered, and nobody brings the session
/// back.
fn ask(session: &Session) -> Result<Option<Channel>, UserError> {
    match ask_to_stop(session) {
        Ok(Some((Response::Refused { reason }, _))) => Err(host::refused(&reason)),
        Ok(Some((_, channel))) => Ok(Some(channel)),
        Ok(None) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Waits until the session has ended, and ends what is left of it.
fn wait(session: &Session, channel: Option<Channel>) -> Result<(), UserError> {
    if let Some(mut channel) = channel {
        // The host says nothing more on this connection, and closes it when it has ended.
        let answer = channel.wait_for::<Response>(Some(END_TIMEOUT));
        if matches!(answer, Ok(None)) && !channel.is_abandoned() {
            return Err(of_session::does_not_end(&session.word()));
        }
    }
    end_what_is_left(session);
    Ok(())
}

/// Says that a session was stopped, what is lost with it, and how to go on.
fn tell(session: &Session) -> ExitCode {
    let (name, word, record) = (escape(&session.name), session.word(), &session.record);
    if let Some(problem) = &record.transcript_problem {
        complain(format_args!(
            "{name} is stopped; what was said there last was not saved: {}",
            escape(problem)
        ));
        return ExitCode::SUCCESS;
    }
    if record.transcript_cut {
        complain(format_args!(
            "{name} is stopped; its transcript was removed or cut, and what was said before that is gone with its claude"
        ));
        return ExitCode::SUCCESS;
    }
    // What it has written last is in its record by now.
    let now = registry::again(session);
    let record = now.as_ref().map_or(record, |now| &now.record);
    let has_conversation = record.kind == SessionKind::Conversation
        && record.conversation.as_deref().is_none_or(|id| last_claude::can_be_resumed(record, id));
    print(&match has_conversation {
        true => format!("{name}: stopped. Its conversation is kept; go on with: cckw start {word}\n"),
        false => format!("{name}: stopped. To start it again: cckw start {word}\n"),
    })
}

//! `cckw attach` and `cckw detach`.

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use super::choice::{Choice, choose};
use super::output::fail;
use super::{inside, pick_running};
use crate::control::{Answer, Request};
use crate::fleet::{self, NotPicked, Session};
use crate::platform::{signals, tty};
use crate::terminal;

/// Attaches this terminal. Where several sessions could be meant and there is somebody to ask, that is done.
pub fn attach(word: Option<&str>) -> ExitCode {
    // As they are before the question changes them.
    signals::inherited();
    let mut running = match fleet::sessions() {
        Ok(sessions) => sessions,
        Err(error) => return fail(&error.to_string()),
    };
    running.retain(|session| session.is_running || session.is_coming);
    match fleet::pick(&running, word) {
        Ok(session) => take(session),
        Err(NotPicked::Several(names)) if tty::is_interactive() && io::stderr().is_terminal() => {
            running.retain(|session| names.contains(&session.name) && !is_this_one(session));
            // Those that nobody has come first.
            running.sort_by_key(|session| session.record.client_pid.is_some());
            ask(&running)
        }
        Err(error) => fail(&error.to_string()),
    }
}

fn ask(sessions: &[Session]) -> ExitCode {
    match choose(sessions) {
        Ok(Choice::Taken(at)) => take(&sessions[at]),
        Ok(Choice::Left) => ExitCode::FAILURE,
        Ok(Choice::Signalled(signal)) => ExitCode::from(u8::try_from(128 + signal).unwrap_or(1)),
        Err(error) => fail(&format!("it cannot be asked which session is meant: {error}")),
    }
}

fn take(session: &Session) -> ExitCode {
    let attached = if session.is_coming {
        fleet::wait_for_host(session).and_then(|session| terminal::attach::main(&session))
    } else {
        terminal::attach::main(session)
    };
    attached.unwrap_or_else(|reason| fail(&reason))
}

/// Whether this terminal is inside that session.
fn is_this_one(session: &Session) -> bool {
    inside().is_some_and(|inside| inside == session.record.session.to_string())
}

/// Takes a session's terminal away from it.
pub fn detach(word: Option<&str>) -> ExitCode {
    // From inside a session, with no other one named, that one is meant.
    let inside = inside();
    pick_running(word.or(inside.as_deref()), |session| match fleet::ask(session, &Request::Detach) {
        Some(Answer::Done) => ExitCode::SUCCESS,
        Some(Answer::Refused { reason }) => fail(&reason),
        _ => fail("the session does not answer"),
    })
}

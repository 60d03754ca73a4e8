//! `cckw attach` and `cckw detach`.

mod watch;

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use super::inside;
use super::output::{fail, print};
use super::picker::{Picked, choose};
use super::target::{none_runs, pick_running, running};
use crate::client;
use crate::escape::escape;
use crate::machines::link;
use crate::machines::name::split;
use crate::os::{signals, tty};
use crate::protocol::{Request, Response};
use crate::registry;
use crate::registry::{NotPicked, Session};
use crate::user_error::{UserError, host, selector};
use watch::Watched;

/// Attaches this terminal, or only shows it the session. Where several sessions could be meant and there is somebody to
/// ask, that is done.
pub fn attach(word: Option<&str>, is_watch: bool) -> ExitCode {
    // As they are before the question changes them.
    signals::inherited();
    if let Some((machine, session)) = word.and_then(split) {
        let attached = match is_watch {
            true => Watched::on_machine(machine, session).and_then(watch::main).map(ExitCode::from),
            false => attach_elsewhere(machine, session),
        };
        return attached.unwrap_or_else(|error| fail(&error));
    }
    let act = if is_watch { look_at } else { take };
    let attached = match word {
        Some(_) => running(word).and_then(|session| act(&session)),
        None => attach_one_that_runs(act),
    };
    attached.unwrap_or_else(|error| fail(&error))
}

/// Attaches a session of another machine; without a word the only one there.
fn attach_elsewhere(name: &str, session: &str) -> Result<ExitCode, UserError> {
    link::attach(name, Some(session).filter(|session| !session.is_empty())).map(ExitCode::from)
}

/// What is done with the session that is meant.
type Act = fn(&Session) -> Result<ExitCode, UserError>;

/// Attaches the only session that runs, or the one that is chosen from several.
fn attach_one_that_runs(act: Act) -> Result<ExitCode, UserError> {
    let (mut running, others): (Vec<Session>, Vec<Session>) =
        registry::sessions()?.into_iter().partition(Session::has_host);
    match registry::pick(&running, None) {
        Ok(session) => act(session),
        Err(NotPicked::Several(_)) if tty::is_interactive() && io::stderr().is_terminal() => {
            running.retain(|session| !is_this_one(session));
            // Those that nobody has come first.
            running.sort_by_key(|session| session.record.client_pid.is_some());
            registry::note_silent_hosts(&mut running);
            ask(&running, act)
        }
        Err(error) => Err(none_runs(&error, &others)),
    }
}

fn ask(sessions: &[Session], act: Act) -> Result<ExitCode, UserError> {
    match choose(sessions) {
        Ok(Picked::Taken(at)) => act(&sessions[at]),
        Ok(Picked::Left) => Ok(ExitCode::FAILURE),
        Ok(Picked::Signalled(signal)) => Ok(ExitCode::from(u8::try_from(128 + signal).unwrap_or(1))),
        Err(error) => Err(selector::cannot_ask(error)),
    }
}

fn take(session: &Session) -> Result<ExitCode, UserError> {
    if session.is_running {
        return client::attach::main(session);
    }
    registry::wait_for_host(session).and_then(|session| client::attach::main(&session))
}

fn look_at(session: &Session) -> Result<ExitCode, UserError> {
    watch::main(Watched::Here(Box::new(session.clone()))).map(ExitCode::from)
}

/// Whether this terminal is inside that session.
fn is_this_one(session: &Session) -> bool {
    inside().is_some_and(|inside| inside == session.record.session.to_string())
}

/// Takes a session's terminal away from it.
pub fn detach(word: Option<&str>) -> ExitCode {
    // From inside a session, with no other one named, that one is meant.
    let inside = inside();
    pick_running(word.or(inside.as_deref()), |session| match registry::ask(session, &Request::Detach) {
        Ok(Response::Done) => print(&format!(
            "{}: detached. It goes on; take it back with: cckw attach {}\n",
            escape(&session.name),
            session.word()
        )),
        Ok(Response::Refused { reason }) => fail(&host::refused(&reason).about(&session.name)),
        Ok(_) => fail(&host::wrong_answer()),
        Err(error) => fail(&error.into()),
    })
}

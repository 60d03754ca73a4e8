//! `cckw restart`.

use std::process::ExitCode;

use super::inside;
use super::output::{fail, print};
use super::target::{each_once, meant_by, pick_running};
use crate::claude::executable;
use crate::config;
use crate::escape::escape;
use crate::os::text::LosslessText;
use crate::protocol::{Request, Response};
use crate::registry;
use crate::registry::Session;
use crate::user_error::{UserError, host};

/// What a host says while something that was not sent stands at the prompt.
const DRAFT: &str = "a draft at the prompt";

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum RestartWish {
    /// Claude anew, as soon as it is idle.
    WhenIdle,
    /// Claude anew, whatever it does.
    Now,
    /// That it stays.
    Cancel,
}

/// Asks the hosts of sessions, or of all that run, to start claude anew. Of several the others are asked where one
/// cannot be. Does not wait until that is done:
/// this may run below the very claude that is ended.
pub fn main(words: &[String], all: bool, wish: RestartWish) -> ExitCode {
    let request = match wish {
        RestartWish::Cancel => Request::CancelRestart,
        _ => Request::Restart { now: wish == RestartWish::Now, program: program() },
    };
    let inside = inside();
    if !all && words.len() < 2 {
        let word = words.first().map(String::as_str);
        return pick_running(word.or(inside.as_deref()), |session| match ask(session, &request) {
            Ok(line) => print(&line),
            Err(error) => fail(&error),
        });
    }
    let (mut sessions, mut status) = if all {
        match registry::sessions() {
            Ok(sessions) => (sessions, ExitCode::SUCCESS),
            Err(error) => return fail(&error),
        }
    } else {
        each_once(meant_by(words))
    };
    if all {
        // One that cannot be reached is asked too: it says why.
        sessions.retain(|session| session.is_running || session.is_unreachable);
        if sessions.is_empty() {
            return print("no session is running\n");
        }
        if wish == RestartWish::Cancel {
            sessions.retain(|session| session.record.restart_pending);
            if sessions.is_empty() {
                return print("no restart is waiting\n");
            }
        }
    }
    // The one that this runs in comes last, for this may end with its claude.
    sessions.sort_by_key(|session| inside.as_deref() == Some(&session.record.session.to_string()));
    for session in &sessions {
        let told = match ask(session, &request) {
            Ok(line) => print(&line),
            Err(error) => fail(&error),
        };
        if told != ExitCode::SUCCESS {
            status = told;
        }
    }
    status
}

/// What will happen, or why nothing will. Either begins with the session's name.
fn ask(session: &Session, request: &Request) -> Result<String, UserError> {
    let name = escape(&session.name);
    let waited = if session.is_unreachable { registry::wait_for_host(session)? } else { session.clone() };
    let failed = |error: UserError| Err(error.about(&session.name));
    match registry::ask(&waited, request) {
        Ok(Response::Restart { waits_for: None }) => Ok(format!("{name}: claude is restarted now\n")),
        Ok(Response::Restart { waits_for: Some(what) }) => Ok(format!(
            "{name}: claude is restarted when it is idle ({}); to restart it at once: cckw restart --now {word}; \
             to cancel: cckw restart --cancel {word}\n",
            reason(&what),
            word = session.word()
        )),
        Ok(Response::Done) => Ok(format!("{name}: claude is not restarted\n")),
        Ok(Response::Refused { reason }) => failed(host::refused(&reason)),
        Ok(_) => failed(host::wrong_answer()),
        Err(error) => failed(error.into()),
    }
}

/// Why the restart waits, from the host's word for it.
fn reason(what: &str) -> String {
    match what {
        DRAFT => "a draft is at the prompt".into(),
        what => format!("claude is {}", escape(what)),
    }
}

/// The claude that would be started here. Only of use where the one of the session has gone, so its absence
/// is no error.
fn program() -> Option<LosslessText> {
    let config = config::load().unwrap_or_default();
    executable::find(&config).ok().map(|found| found.program.as_path().into())
}

//! `cckw restart`.

use std::process::ExitCode;

use super::output::{fail, print};
use super::{inside, pick_running};
use crate::claude::find;
use crate::config;
use crate::control::{Answer, Request};
use crate::escape::escape;
use crate::fleet::{self, Session};
use crate::session::record::Text;

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Claude anew, as soon as it is idle.
    WhenIdle,
    /// Claude anew, whatever it does.
    Now,
    /// That it stays.
    Cancel,
}

/// Asks the host of a session, or of all that run, to start claude anew. Does not wait until that is done: this may run
/// below the very claude that is ended.
pub fn main(word: Option<&str>, all: bool, wish: Wish) -> ExitCode {
    let request = match wish {
        Wish::Cancel => Request::CancelRestart,
        _ => Request::Restart { now: wish == Wish::Now, program: program() },
    };
    let inside = inside();
    if !all {
        return pick_running(word.or(inside.as_deref()), |session| match ask(session, &request) {
            Ok(line) => print(&line),
            Err(reason) => fail(&reason),
        });
    }
    let mut sessions = match fleet::sessions() {
        Ok(sessions) => sessions,
        Err(error) => return fail(&error.to_string()),
    };
    sessions.retain(|session| session.is_running);
    if sessions.is_empty() {
        return print("no session is running\n");
    }
    if wish == Wish::Cancel {
        sessions.retain(|session| session.record.restart_pending);
        if sessions.is_empty() {
            return print("no restart is waiting\n");
        }
    }
    // The one that this runs in comes last, for this may end with its claude.
    sessions.sort_by_key(|session| inside.as_deref() == Some(&session.record.session.to_string()));
    let mut status = ExitCode::SUCCESS;
    for session in &sessions {
        let told = match ask(session, &request) {
            Ok(line) => print(&line),
            Err(reason) => fail(&reason),
        };
        if told != ExitCode::SUCCESS {
            status = told;
        }
    }
    status
}

/// What will happen, or why nothing will. Either begins with the session's name.
fn ask(session: &Session, request: &Request) -> Result<String, String> {
    let name = escape(&session.name);
    match fleet::ask(session, request) {
        Some(Answer::Restart { waits_for: None }) => Ok(format!("{name}: claude is restarted now\n")),
        Some(Answer::Restart { waits_for: Some(what) }) => Ok(format!(
            "{name}: claude is restarted when it is idle (now: {}); not to wait: cckw restart --now {word}; \
             to call it off: cckw restart --cancel {word}\n",
            escape(&what),
            word = session.word()
        )),
        Some(Answer::Done) => Ok(format!("{name}: claude is not restarted\n")),
        Some(Answer::Refused { reason }) => Err(format!("{name}: {reason}")),
        _ => Err(format!("{name}: the session does not answer")),
    }
}

/// The claude that would be started here. Only of use where the one of the session has gone, so its absence is no error.
fn program() -> Option<Text> {
    let config = config::load().unwrap_or_default();
    find::find(&config).ok().map(|found| found.program.as_path().into())
}

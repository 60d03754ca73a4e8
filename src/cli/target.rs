//! Which session a verb is about.
//!
//! What a word means is decided once, among all sessions as they are when the verb is called, and before any
//! that have lost their host are brought back. From then on the verb has to do with that one session.

use std::process::ExitCode;

use super::output::fail;
use super::{revive, status};
use crate::machines::store;
use crate::near_side;
use crate::registry;
use crate::registry::record::SessionState;
use crate::registry::{NotPicked, Session};
use crate::user_error::{UserError, selector};

/// The session that a word means, whether it runs or not. It is as it is after those that have lost their
/// host were brought back.
///
/// # Errors
/// When no session is meant, or several.
pub fn meant(word: &str) -> Result<Session, UserError> {
    let session = as_it_is(word)?;
    revive::lost();
    Ok(registry::again(&session).unwrap_or(session))
}

/// The same for several words, each of which is looked up before anything is brought back.
pub fn all_meant(words: &[String]) -> Vec<Result<Session, UserError>> {
    let sessions = match registry::sessions() {
        Ok(sessions) => sessions,
        // Said once.
        Err(error) => return vec![Err(error)],
    };
    let pick = |word: &String| registry::pick(&sessions, Some(word)).map_err(|error| not_picked(&error));
    let found: Vec<_> = words.iter().map(pick).collect();
    revive::lost();
    let again = |session: &Session| registry::again(session).unwrap_or_else(|| session.clone());
    found.into_iter().map(|session| session.map(again)).collect()
}

/// The session that a word means, as it is: none is brought back.
///
/// # Errors
/// As [`meant`].
pub fn as_it_is(word: &str) -> Result<Session, UserError> {
    let sessions = registry::sessions()?;
    registry::pick(&sessions, Some(word)).cloned().map_err(|error| not_picked(&error))
}

/// Why none was picked from all sessions. The name of a machine is no session.
fn not_picked(error: &NotPicked) -> UserError {
    match error {
        NotPicked::Unknown(word) if near_side::get().is_none() && store::find(word).is_ok() => {
            selector::is_a_machine(word)
        }
        error => error.among_all(),
    }
}

/// The session that is meant without a word, where it need not run: the only one that runs, or the one that
/// ended last.
///
/// # Errors
/// When there is none, or several run.
pub fn only_or_last() -> Result<Session, UserError> {
    let sessions = registry::sessions()?;
    let running: Vec<&Session> = sessions.iter().filter(|session| session.has_host()).collect();
    match running[..] {
        [one] => Ok(one.clone()),
        [] => {
            let last = sessions.iter().max_by_key(|session| session.record.ended_at);
            last.cloned().ok_or_else(selector::none)
        }
        _ => {
            let names: Vec<String> = running.iter().map(|session| session.name.clone()).collect();
            Err(selector::several_running(&names))
        }
    }
}

/// Does something with the running session that is meant, or says why there is none. Without a word it is the
/// only one that runs.
pub fn pick_running(word: Option<&str>, act: impl FnOnce(&Session) -> ExitCode) -> ExitCode {
    match running(word) {
        Ok(session) => act(&session),
        Err(error) => fail(&error),
    }
}

/// The running session that is meant. Its host can be reached.
///
/// # Errors
/// When there is none.
pub fn running(word: Option<&str>) -> Result<Session, UserError> {
    let session = match word {
        Some(word) => return reachable(meant(word)?, word),
        None => {
            let (running, others): (Vec<Session>, Vec<Session>) =
                registry::sessions()?.into_iter().partition(Session::has_host);
            only(&running, &others)?.clone()
        }
    };
    with_socket(session)
}

/// The session that was meant by a word, if it runs. Its host can be reached.
///
/// # Errors
/// When it does not run.
pub fn reachable(session: Session, word: &str) -> Result<Session, UserError> {
    if session.has_host() { with_socket(session) } else { Err(does_not_run(&session, Some(word))) }
}

/// The running sessions that these words mean, or why one is none. Their hosts can be reached.
pub fn meant_by(words: &[String]) -> Vec<Result<Session, UserError>> {
    let found = all_meant(words).into_iter().zip(words);
    found.map(|(session, word)| session.and_then(|session| reachable(session, word))).collect()
}

/// Each of them once. What was not found is said, and is the status.
pub fn each_once(found: Vec<Result<Session, UserError>>) -> (Vec<Session>, ExitCode) {
    let mut status = ExitCode::SUCCESS;
    let mut chosen: Vec<Session> = Vec::new();
    for found in found {
        match found {
            Ok(session) if chosen.iter().any(|known| known.directory == session.directory) => {}
            Ok(session) => chosen.push(session),
            Err(error) => status = fail(&error),
        }
    }
    (chosen, status)
}

/// The session, once its host can be reached.
///
/// # Errors
/// When that is not in time.
pub fn with_socket(session: Session) -> Result<Session, UserError> {
    if session.is_running { Ok(session) } else { registry::wait_for_host(&session) }
}

fn only<'a>(running: &'a [Session], others: &[Session]) -> Result<&'a Session, UserError> {
    registry::pick(running, None).map_err(|error| none_runs(&error, others))
}

/// Why no running session was picked, where none was named. Where only one of these others could be meant,
/// which do not run, it says how to bring that back.
pub fn none_runs(error: &NotPicked, others: &[Session]) -> UserError {
    let mut wanted = others.iter().filter(|session| session.record.state != SessionState::Stopped);
    match (error, wanted.next(), wanted.next()) {
        (NotPicked::None, Some(one), None) => does_not_run(one, None),
        _ => error.into(),
    }
}

/// That a session does not run, and how to bring it back. `called` is what was typed for it.
fn does_not_run(session: &Session, called: Option<&str>) -> UserError {
    if let Some(gone) = status::gone_directory(session) {
        return selector::directory_gone(called, &gone);
    }
    let word = session.word();
    if status::waits_for_fg(session) {
        return selector::waits_for_fg(called, &word);
    }
    selector::has_ended(called, &word, session.damage.as_deref())
}

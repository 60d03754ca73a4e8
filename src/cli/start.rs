//! `cckw start`.

use std::process::ExitCode;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::output::{fail, print};
use super::target::as_it_is;
use crate::client::complain;
use crate::client::launch::{EnvironmentFrom, HostLaunch};
use crate::escape::escape;
use crate::os::signals;
use crate::registry;
use crate::registry::environment::revival::By;
use crate::registry::record::SessionState;
use crate::registry::stop_marker;
use crate::registry::{NotPicked, Session, SilentHost};
use crate::user_error::{UserError, host, selector};

/// How long a killed host may take to be gone.
const HOST_END_TIMEOUT: Duration = Duration::from_millis(500);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Brings back sessions whose host is gone, without a terminal: one, or all that had not ended.
pub fn main(word: Option<&str>, all: bool, environment: EnvironmentFrom) -> ExitCode {
    signals::inherited();
    let done = match word {
        Some(word) => start_meant(word, environment),
        None if all => start_all(environment),
        None => start_only(environment),
    };
    done.unwrap_or_else(|error| fail(&error))
}

fn start_all(environment: EnvironmentFrom) -> Result<ExitCode, UserError> {
    let lost = lost()?;
    if lost.is_empty() {
        return Ok(print("there is no session to bring back\n"));
    }
    let failed = lost.iter().filter(|session| start(session, environment) != ExitCode::SUCCESS).count();
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Starts the only session that had not ended.
fn start_only(environment: EnvironmentFrom) -> Result<ExitCode, UserError> {
    let until = Instant::now() + HOST_END_TIMEOUT;
    loop {
        match registry::pick(&lost()?, None) {
            Ok(session) => return Ok(start(session, environment)),
            // A host that was killed a moment ago may still be ending, and until then its session seems to
            // run.
            Err(NotPicked::None) if Instant::now() < until => sleep(POLL_INTERVAL),
            Err(NotPicked::None) => return Err(selector::nothing_to_bring_back()),
            Err(error) => return Err(error.among_all()),
        }
    }
}

fn lost() -> Result<Vec<Session>, UserError> {
    let mut sessions = registry::sessions()?;
    sessions.retain(|session| !session.is_running && !has_ended(session));
    Ok(sessions)
}

/// Starts the session that a word means, whatever it came to; of several with one name the newest.
fn start_meant(word: &str, environment: EnvironmentFrom) -> Result<ExitCode, UserError> {
    let until = Instant::now() + HOST_END_TIMEOUT;
    let mut session = as_it_is(word)?;
    // As above.
    while session.is_running {
        if Instant::now() >= until {
            return match SilentHost::ask(&session) {
                Some(silent) => Err(host::runs_and_is_silent(&session.word(), silent.into())),
                None => Ok(tell_that_it_runs(&session)),
            };
        }
        sleep(POLL_INTERVAL);
        session = registry::again(&session).unwrap_or(session);
    }
    Ok(start(&session, environment))
}

fn has_ended(session: &Session) -> bool {
    matches!(session.record.state, SessionState::Stopped | SessionState::Crashed)
}

fn start(session: &Session, environment: EnvironmentFrom) -> ExitCode {
    // It was told to end, and is wanted again.
    stop_marker::clear(&session.directory);
    let started = if session.has_host() {
        Err(None)
    } else {
        HostLaunch::revival(&session.record, &session.directory, By::Request, environment)
            .and_then(|launch| launch.without_terminal())
            .map_err(Some)
    };
    // Where somebody else was faster, that is as good.
    let started = started.or_else(|error| match (registry::again(session), error) {
        (Some(now), _) if now.has_host() => registry::wait_for_host(&now).map(drop),
        (_, Some(error)) => Err(error),
        // It was about to get one, which has gone.
        (_, None) => Err(host::could_not_revive(&session.word())),
    });
    match started {
        Ok(()) => tell(session),
        Err(error) => fail(&error.about(&session.name)),
    }
}

/// Says that a session was brought back, and what it is called: a living one may have its old name.
fn tell(session: &Session) -> ExitCode {
    let now = registry::again(session);
    let now = now.as_ref().unwrap_or(session);
    let name = escape(&now.name);
    if now.own_name != session.own_name {
        let before = escape(&session.own_name);
        complain(format_args!("another session is called {before} now; this one is called {name}"));
    }
    print(&format!(
        "{name}: started, without a terminal. Take it into this one with: cckw attach {}\n",
        now.word()
    ))
}

/// There is nothing to do, which is as good.
fn tell_that_it_runs(session: &Session) -> ExitCode {
    print(&format!(
        "{}: runs already. Take it into this terminal with: cckw attach {}\n",
        escape(&session.name),
        session.word()
    ))
}

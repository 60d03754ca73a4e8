//! `cckw start`.

use std::process::ExitCode;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::output::{fail, print};
use crate::client::launch::{EnvironmentFrom, HostLaunch};
use crate::escape::escape;
use crate::os::signals;
use crate::registry;
use crate::registry::environment::revival::By;
use crate::registry::record::SessionState;
use crate::registry::stop_marker;
use crate::registry::{NotPicked, Session, SilentHost};
use crate::user_error::{host, selector};

/// How long a killed host may take to be gone.
const HOST_END_TIMEOUT: Duration = Duration::from_millis(500);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Brings back sessions whose host is gone, without a terminal: one, or all that had not ended.
pub fn main(word: Option<&str>, all: bool, environment: EnvironmentFrom) -> ExitCode {
    signals::inherited();
    try_to_start(word, all, environment, Instant::now() + HOST_END_TIMEOUT)
}

fn try_to_start(word: Option<&str>, all: bool, environment: EnvironmentFrom, until: Instant) -> ExitCode {
    let sessions = match registry::sessions() {
        Ok(sessions) => sessions,
        Err(error) => return fail(&error),
    };
    let running: Vec<Session> = sessions.iter().filter(|session| session.is_running).cloned().collect();
    let candidates: Vec<Session> = sessions
        .into_iter()
        .filter(|session| !session.is_running && (word.is_some() || !has_ended(session)))
        .collect();
    if all {
        if candidates.is_empty() {
            return print("no session is to be brought back\n");
        }
        let failed =
            candidates.iter().filter(|session| start(session, environment) != ExitCode::SUCCESS).count();
        return if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    match registry::pick(&candidates, word) {
        Ok(session) => start(session, environment),
        // A host that was killed a moment ago may still be ending, and until then its session seems to run.
        Err(NotPicked::None | NotPicked::Unknown(_)) if Instant::now() < until => {
            sleep(POLL_INTERVAL);
            try_to_start(word, all, environment, until)
        }
        Err(NotPicked::None) => fail(&selector::nothing_to_bring_back()),
        Err(NotPicked::Unknown(word)) => {
            let Ok(meant) = registry::pick(&running, Some(&word)) else {
                return fail(&selector::not_to_bring_back());
            };
            match SilentHost::ask(meant) {
                Some(silent) => fail(&host::runs_and_is_silent(&word, silent.into())),
                None => tell_that_it_runs(meant),
            }
        }
        Err(error @ NotPicked::Several(_)) => fail(&(&error).into()),
    }
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
        Ok(()) => print(&format!(
            "{}: started, without a terminal. Take it into this one with: cckw attach {}\n",
            escape(&session.name),
            session.word()
        )),
        Err(error) => fail(&error.about(&session.name)),
    }
}

/// There is nothing to do, which is as good.
fn tell_that_it_runs(session: &Session) -> ExitCode {
    print(&format!(
        "{}: runs already. Take it into this terminal with: cckw attach {}\n",
        escape(&session.name),
        session.word()
    ))
}

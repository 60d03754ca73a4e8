//! `cckw start`.

use std::process::ExitCode;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::output::fail;
use crate::fleet::{self, NotPicked, Session};
use crate::platform::signals;
use crate::session::record::State;
use crate::terminal::launch::Launch;

/// How long a killed host may take to be gone.
const PATIENCE: Duration = Duration::from_millis(500);
const PACE: Duration = Duration::from_millis(20);

/// Brings back sessions whose host is gone, without a terminal: one, or all that had not ended.
pub fn main(word: Option<&str>, all: bool) -> ExitCode {
    signals::inherited();
    try_to_start(word, all, Instant::now() + PATIENCE)
}

fn try_to_start(word: Option<&str>, all: bool, until: Instant) -> ExitCode {
    let sessions = match fleet::sessions() {
        Ok(sessions) => sessions,
        Err(error) => return fail(&error.to_string()),
    };
    let candidates: Vec<Session> = sessions
        .into_iter()
        .filter(|session| !session.is_running && (word.is_some() || !has_ended(session)))
        .collect();
    if all {
        let failed = candidates.iter().filter(|session| start(session) != ExitCode::SUCCESS).count();
        return if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    match fleet::pick(&candidates, word) {
        Ok(session) => start(session),
        // A host that was killed a moment ago may still be ending, and until then its session seems to run.
        Err(NotPicked::None | NotPicked::Unknown(_)) if Instant::now() < until => {
            sleep(PACE);
            try_to_start(word, all, until)
        }
        Err(NotPicked::None) => fail("there is no session to bring back; see `cckw list --all`"),
        Err(NotPicked::Unknown(_)) => {
            fail("no session of that name is to be brought back; see `cckw list --all`")
        }
        Err(error @ NotPicked::Several(_)) => fail(&error.to_string()),
    }
}

fn has_ended(session: &Session) -> bool {
    matches!(session.record.state, State::Stopped | State::Crashed)
}

fn start(session: &Session) -> ExitCode {
    match Launch::revival(&session.record).without_terminal() {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => fail(&format!("{}: {reason}", crate::escape::escape(&session.name))),
    }
}

//! `cckw continue`: claude goes on with a turn that broke off.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use super::inside;
use super::output::{fail, print};
use super::session_watch::{Look, SeenSession, SessionWatch, WaitEnd};
use super::target::{as_it_is, running, with_socket};
use crate::claude::state_file::is_rest;
use crate::client::launch::{EnvironmentFrom, HostLaunch};
use crate::escape::escape;
use crate::os::signals;
use crate::protocol::{Request, Response};
use crate::registry;
use crate::registry::Session;
use crate::registry::environment::revival::By;
use crate::registry::record::SessionState;
use crate::registry::stop_marker;
use crate::user_error::{UserError, host, turn};

/// How long claude may take until it begins the turn. A start takes about a second, and more on a machine that
/// is busy.
const TURN_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a claude that has come up may wait for a prompt before it counts as one that found no turn.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Has the claude of a session go on with the turn that broke off. Waits until the turn runs.
pub fn main(word: Option<&str>) -> ExitCode {
    signals::inherited();
    match go_on(word) {
        Ok(line) => print(&line),
        Err(error) => fail(&error),
    }
}

fn go_on(word: Option<&str>) -> Result<String, UserError> {
    let session = match word {
        // It is not brought back before it is known that claude is to go on.
        Some(word) => as_it_is(word)?,
        None => running(inside().as_deref())?,
    };
    let about = |error: UserError| error.about(&session.name);
    let before = session.record.turns_continued;
    let restarts = session.record.restarts;
    if session.has_host() {
        ask(&session).map_err(about)?;
    } else {
        revive(&session).map_err(about)?;
    }
    let mut watch = SessionWatch::new(vec![session.clone()])?;
    let begun = Instant::now();
    let mut idle_since = None;
    let end = watch.until(|now, seen| {
        let seen = turn_seen(&seen[0], before, restarts);
        idle_since = if seen == TurnSeen::Idle { idle_since.or(Some(now)) } else { None };
        let until = idle_since.map_or(begun + TURN_TIMEOUT, |since| since + IDLE_TIMEOUT);
        match seen {
            TurnSeen::Nothing | TurnSeen::Idle if now < until => Look::Wait(Some(until)),
            seen => Look::Done(seen),
        }
    })?;
    let word = session.word();
    let error = match end {
        WaitEnd::Done(TurnSeen::Runs) => {
            return Ok(format!("{}: claude goes on with its turn\n", escape(&session.name)));
        }
        WaitEnd::Done(TurnSeen::Idle) => turn::nothing_to_go_on_with(&word),
        WaitEnd::Done(TurnSeen::Ended) => turn::ended_meanwhile(&word),
        WaitEnd::Done(TurnSeen::Nothing) | WaitEnd::Signalled(_) => {
            turn::went_unseen(&word, begun.elapsed().as_secs())
        }
    };
    Err(about(error))
}

/// Asks the host.
fn ask(session: &Session) -> Result<(), UserError> {
    let session = with_socket(session.clone())?;
    match registry::ask(&session, &Request::ContinueTurn) {
        Ok(Response::Done) => Ok(()),
        Ok(Response::Refused { reason }) => Err(host::refused(&reason)),
        Ok(_) => Err(host::wrong_answer()),
        Err(error) => Err(error.into()),
    }
}

/// Brings the session back, with a claude that goes on.
fn revive(session: &Session) -> Result<(), UserError> {
    let record = &session.record;
    if record.broken_turn.is_none() && !record.is_in_turn() {
        return Err(turn::none_broke_off(&session.word(), false));
    }
    stop_marker::clear(&session.directory);
    let mut launch = HostLaunch::revival(record, &session.directory, By::Request, EnvironmentFrom::Session)?;
    launch.continue_turn = true;
    launch.without_terminal()
}

/// What is seen of the turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TurnSeen {
    /// It runs, or has run.
    Runs,
    /// Claude has come up, and waits for a prompt.
    Idle,
    /// The session has ended.
    Ended,
    /// Nothing.
    Nothing,
}

/// What the record says, compared with what it said before: how often claude had gone on, and how often it had
/// been started again.
fn turn_seen(seen: &SeenSession, continued: u32, restarts: u32) -> TurnSeen {
    let record = &seen.session.record;
    let is_idle = record.state == SessionState::Running && record.status.as_deref().is_some_and(is_rest);
    match () {
        () if record.turns_continued > continued => TurnSeen::Runs,
        () if seen.is_removed || !seen.session.lives => TurnSeen::Ended,
        () if record.restarts > restarts && is_idle => TurnSeen::Idle,
        () => TurnSeen::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::registry::record::Record;

    fn seen(record: Record, lives: bool) -> SeenSession {
        let session = Session {
            directory: "/state/x".into(),
            name: "work".into(),
            own_name: "work".into(),
            lives,
            is_running: lives,
            is_coming: false,
            is_unreachable: false,
            silent: None,
            damage: None,
            record,
        };
        SeenSession { session, is_removed: false }
    }

    fn record(restarts: u32, status: Option<&str>, turns_continued: u32) -> Record {
        let status = status.map(str::to_owned);
        Record { restarts, status, turns_continued, state: SessionState::Running, ..Record::of(Uuid::nil()) }
    }

    #[test]
    fn a_turn_counts_when_the_host_has_seen_it_begin() {
        let look = |record, lives| turn_seen(&seen(record, lives), 4, 1);
        assert_eq!(look(record(1, Some("idle"), 4), true), TurnSeen::Nothing, "before the restart");
        assert_eq!(look(record(2, None, 4), true), TurnSeen::Nothing);
        assert_eq!(look(record(2, Some("idle"), 4), true), TurnSeen::Idle);
        assert_eq!(look(record(2, Some("busy"), 5), true), TurnSeen::Runs);
        assert_eq!(look(record(2, Some("idle"), 5), true), TurnSeen::Runs, "it was short");
        assert_eq!(look(record(2, None, 4), false), TurnSeen::Ended);
    }
}

//! How the last turn of a session stands, and what it means for the state that a user sees.

use std::path::PathBuf;

use super::topic;
use crate::claude::state_file::is_rest;
use crate::claude::transcript::failure::{ApiFailure, FailureKind};
use crate::claude::transcript::last_turn;
use crate::claude::transcript::turn::{TurnEnd, TurnStatus};
use crate::os::clock::LocalTime;
use crate::os::parallel::share;
use crate::registry::Session;
use crate::registry::record::{SessionState, now};

/// How the last turns of these sessions stand; nothing where that is not known.
pub fn of_all(sessions: &[&Session]) -> Vec<Option<TurnStatus>> {
    share(sessions, |part| part.iter().map(|session| of(session)).collect())
}

/// How the last turn of a session stands. Its host knows while claude rests; otherwise the end of the
/// transcript says it.
pub fn of(session: &Session) -> Option<TurnStatus> {
    let record = &session.record;
    let is_busy = session.is_running && record.status.as_deref() == Some("busy");
    let known = record.turn.as_ref().filter(|_| session.is_running && !is_busy);
    if let Some(known) = known {
        return Some(known.clone());
    }
    let path: PathBuf = topic::transcript_of(session)?;
    last_turn::of_file(&path, is_busy).ok()
}

/// The error that the last turn of a session ended in, where claude runs and rests since.
pub fn failure(session: &Session) -> Option<&ApiFailure> {
    let record = &session.record;
    let rests = session.is_running
        && record.state == SessionState::Running
        && record.status.as_deref().is_some_and(is_rest);
    record.turn.as_ref().filter(|_| rests)?.failure()
}

/// The state of a session whose last turn ended so.
pub fn state(failure: &ApiFailure) -> &'static str {
    match failure.kind {
        FailureKind::RateLimit if limited_until(failure).is_some() || failure.resets_at.is_none() => {
            "limited"
        }
        FailureKind::Unauthorized => "unauthorized",
        _ => "failed",
    }
}

/// When the limit is over, in seconds since 1970, where that is known and is to come.
pub fn limited_until(failure: &ApiFailure) -> Option<u64> {
    failure.resets_at.filter(|at| *at > now())
}

/// A time of this day, or with the date.
pub fn moment(seconds: u64) -> Option<String> {
    let at = |seconds: u64| LocalTime::at(seconds.checked_mul(1000)?).map(|time| time.to_the_minute());
    let (then, today) = (at(seconds)?, at(now())?);
    let (day, time) = then.split_once(' ')?;
    Some(if today.starts_with(day) { time.to_owned() } else { then })
}

/// The first line of a text that has words.
pub fn first_line(text: &str) -> Option<&str> {
    text.lines().map(str::trim).find(|line| !line.is_empty())
}

/// The word for how a turn stands.
pub fn word(status: &TurnStatus) -> Option<&'static str> {
    status.end.as_ref().map(TurnEnd::word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_says_what_there_is_to_do() {
        let failure = |kind, resets_at| ApiFailure { kind, resets_at, ..ApiFailure::default() };
        assert_eq!(state(&failure(FailureKind::Overloaded, None)), "failed");
        assert_eq!(state(&failure(FailureKind::Unauthorized, None)), "unauthorized");
        assert_eq!(state(&failure(FailureKind::RateLimit, None)), "limited");
        assert_eq!(state(&failure(FailureKind::RateLimit, Some(now() + 60))), "limited");
        // The limit is over, and the turn has failed all the same.
        assert_eq!(state(&failure(FailureKind::RateLimit, Some(now() - 60))), "failed");
    }

    #[test]
    fn a_moment_of_another_day_has_its_date() {
        assert_eq!(moment(now()).map(|time| time.len()), Some("15:00".len()));
        assert_eq!(moment(0).map(|time| time.len()), Some("1970-01-01 15:00".len()));
        assert_eq!(moment(u64::MAX), None);
    }

    #[test]
    fn the_first_line_has_words() {
        assert_eq!(first_line("\n  \n one \ntwo"), Some("one"));
        assert_eq!(first_line(" \n"), None);
    }
}

//! The name that a session is given: at its start, when it is brought back, and when its user renames it.
//!
//! It is looked for under the open lock, and is in the record before that is let go. So of two starts at the
//! same moment one sees the other.

use std::collections::HashSet;
use std::path::Path;

use super::event_log::now_ms;
use super::lock::Lock;
use super::log_event::LogEvent;
use super::record::{GivenName, Record, SessionKind, SessionState};
use super::{names, recovery, recovery_marker, service_state, session_of, stop_marker, with_socket};
use crate::config;
use crate::config::OnHangup;
use crate::os::process;
use crate::user_error::{UserError, session};

/// Whether another session that has not ended has the name that this one is to get.
pub fn is_taken(record: &Record) -> bool {
    taken(record).contains(&record.plain_name())
}

/// Gives a session its name, and tells whether that is another one than it had.
///
/// A session that is brought back keeps the name that it had, if no living session has it. Else, and for one
/// that begins, it is the first free one: what the user wants, or what the directory is called, and then with
/// a number.
pub fn give(record: &mut Record) -> bool {
    let taken = taken(record);
    let is_taken = |name: &str| taken.contains(name);
    let before = record.called.take();
    let own = before.as_ref().map(|called| names::typable(&called.name));
    let name = match own {
        Some(own) if !is_taken(&own) => own,
        _ => names::free(&record.wanted_name(before.as_ref()), is_taken),
    };
    let wanted = before.as_ref().map_or_else(|| record.name.clone(), |called| called.wanted.clone());
    let to_tell = before.as_ref().is_some_and(|called| called.to_tell);
    let is_other = before.is_some_and(|called| called.name != name);
    record.called = Some(GivenName { name, wanted, since_ms: now_ms(), to_tell });
    is_other
}

/// Gives a session the name that its user wants from now on, or that name with a number. Tells whether that
/// is another one than it had.
pub fn rename(record: &mut Record, wanted: &str) -> bool {
    let taken = taken(record);
    let name = names::free(&names::typable(wanted), |name| taken.contains(name));
    let is_other = record.own_name().is_none_or(|own| own != name);
    let kept = record.called.as_ref().filter(|_| !is_other).map(|called| called.since_ms);
    let since_ms = kept.unwrap_or_else(now_ms);
    record.called = Some(GivenName { name, wanted: Some(wanted.to_owned()), since_ms, to_tell: false });
    is_other
}

/// Gives a session exactly this name, which claude hears with its next launch.
///
/// # Errors
/// When nobody could call a session so, or another one that has not ended has the name.
pub fn rename_to(record: &mut Record, name: &str) -> Result<(), UserError> {
    if let Some(why) = names::unfit(name) {
        return Err(session::unfit_name(name, why));
    }
    if taken(record).contains(name) {
        return Err(session::name_is_taken(name));
    }
    let to_tell = record.kind == SessionKind::Conversation;
    record.called =
        Some(GivenName { name: name.to_owned(), wanted: Some(name.to_owned()), since_ms: now_ms(), to_tell });
    Ok(())
}

/// What the log says of a session that has got another name.
pub fn renamed(record: &Record) -> LogEvent {
    let wanted = record.called.as_ref().and_then(|called| called.wanted.clone());
    LogEvent::Renamed { name: record.plain_name(), wanted }
}

/// The names of the other sessions that have not ended. These have a socket; the others, of which there may
/// be a thousand, are not read.
fn taken(own: &Record) -> HashSet<String> {
    let of_another = |directory: &Path| {
        if session_of(directory) == Some(own.session) {
            return None;
        }
        let record = recovery::read(directory).ok()?.record;
        let lives = Lock::is_held(directory) || comes_back(directory, &record);
        lives.then(|| record.plain_name())
    };
    with_socket().iter().filter_map(|directory| of_another(directory)).collect()
}

/// Whether a session that has no host is brought back by itself: by its client, or by the next command. It
/// has not ended, and keeps its name.
pub fn comes_back(directory: &Path, record: &Record) -> bool {
    let has_ended = record.ended_at.is_some()
        || matches!(record.state, SessionState::Stopped | SessionState::Crashed | SessionState::Terminated);
    let same_boot = record.boot.is_some() && record.boot == process::boot();
    if has_ended || !same_boot || stop_marker::is_set(directory) {
        return false;
    }
    if record.client_lives() {
        return true;
    }
    // The same as what `revive_lost` and the service look at.
    let began = record.child_pid.is_some() || record.restarts > 0 || record.state == SessionState::Restarting;
    let was_to_end = || {
        record.client_pid.is_some() && config::load().is_ok_and(|config| config.on_hangup == OnHangup::Exit)
    };
    let is_tried = || {
        let state = directory.parent();
        !recovery_marker::is_set(directory)
            || (!recovery_marker::is_given_up(directory) && state.is_some_and(service_state::is_running))
    };
    began && is_tried() && !was_to_end()
}

//! Bringing back the sessions that have lost their host while nobody was attached.
//!
//! Nobody notices that when it happens, and nothing watches over it: the next command that has to do with
//! sessions does.

use std::ffi::OsString;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::unistd::Pid;
use uuid::Uuid;

use crate::client::launch::{EnvironmentFrom, HostLaunch};
use crate::config::OnHangup;
use crate::os::process;
use crate::registry::control_socket;
use crate::registry::environment::revival::By;
use crate::registry::event_log::EventLog;
use crate::registry::lock::Lock;
use crate::registry::log_event::LogEvent;
use crate::registry::record::{Record, SessionState};
use crate::registry::recovery_marker;
use crate::registry::stop_marker;
use crate::registry::{homeless, maybe_lost, misplaced};

const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// How long the last thread of a host that was killed may take to write.
const LAST_WRITE_TIMEOUT: Duration = Duration::from_secs(1);

/// Starts a new host for each session whose host was killed while nobody was attached, and does not wait for
/// it; with a directory, only for those that were started there. Gives their ids.
///
/// A host that is killed leaves its socket, so only the sessions that have one are looked at, and those in
/// which something was changed lately, which are few. One that ended or was given up, that was told to end by
/// SIGTERM, or that went down with the machine, is left alone, and so is one that has a client, for the
/// client replaces the host, and one whose last revival was not followed by ten seconds of a living host.
pub fn revive_lost(cwd: Option<&Path>, on_hangup: OnHangup) -> Vec<Uuid> {
    maybe_lost().iter().filter_map(|directory| revive(directory, cwd, on_hangup)).collect()
}

/// The session of this directory, if it was lost and is being brought back now.
fn revive(directory: &Path, cwd: Option<&Path>, on_hangup: OnHangup) -> Option<Uuid> {
    // It has a host, or somebody is faster. Asked first: of nearly every session this is all that is asked.
    if Lock::is_held(directory) && !is_let_go_by_dying_host(directory) {
        return None;
    }
    let wanted = |record: &Record| {
        is_lost(record, on_hangup)
            && !record.host_lives()
            && crate::registry::session_of(directory) == Some(record.session)
            && !misplaced::is_elsewhere(directory, record)
            && cwd.is_none_or(|cwd| OsString::from(record.cwd.clone()) == cwd)
            && !recovery_marker::is_set(directory)
            && !stop_marker::is_set(directory)
    };
    Record::read(directory).ok().filter(&wanted)?;
    // An older copy of its record names another host than the one that runs.
    let state = directory.parent()?;
    if homeless::hosts(state)
        .iter()
        .any(|(_, session)| crate::registry::session_of(directory) == Some(*session))
    {
        return None;
    }
    // With a little patience: a process that was killed lets go of what it had one after another.
    let lock = Lock::take(directory).ok()?;
    // What has happened until the lock was taken: the host has come to its end, or another command was
    // faster.
    let record = Record::read(directory).ok().filter(&wanted)?;
    recovery_marker::set(directory).ok()?;
    control_socket::remove(directory, &record);
    let launch = HostLaunch::revival(&record, directory, By::Command, EnvironmentFrom::Session);
    let launch = launch.map_err(|error| {
        EventLog::in_directory(directory).write(LogEvent::NotTakenUp { reason: error.to_string() });
    });
    launch.ok()?.in_the_background(lock).ok()?;
    Some(record.session)
}

/// Whether the lock is free now that was held by a host which was killed, and whose last thread waited for
/// the disk.
fn is_let_go_by_dying_host(directory: &Path) -> bool {
    let is_dying =
        |record: &Record| record.host_pid > 0 && process::is_exiting(Pid::from_raw(record.host_pid));
    if !Record::read(directory).is_ok_and(|record| is_dying(&record)) {
        return false;
    }
    let until = Instant::now() + LAST_WRITE_TIMEOUT;
    while Lock::is_held(directory) {
        if Instant::now() >= until {
            return false;
        }
        sleep(POLL_INTERVAL);
    }
    true
}

/// Whether a session that has no host was not meant to end.
fn is_lost(record: &Record, on_hangup: OnHangup) -> bool {
    let ended =
        matches!(record.state, SessionState::Stopped | SessionState::Crashed | SessionState::Terminated);
    let has_ended = record.ended_at.is_some() || ended;
    let same_boot = record.boot.is_some() && record.boot == process::boot();
    // Killed with its client before claude was there, it has nothing to bring back.
    let began = record.child_pid.is_some() || record.restarts > 0 || record.state == SessionState::Restarting;
    // Its terminal has gone without the host, which would have ended it for that.
    let was_to_end = record.client_pid.is_some() && on_hangup == OnHangup::Exit;
    !has_ended && same_boot && began && !record.client_lives() && !was_to_end
}

//! Bringing back the sessions that have lost their host while nobody was attached.
//!
//! Where no service runs (`src/service/`), nobody notices that when it happens: the next command that has to do
//! with sessions does.

use std::ffi::OsString;
use std::fs;
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
use crate::registry::lost::is_lost;
use crate::registry::record::{Record, SessionState};
use crate::registry::recovery_marker;
use crate::registry::service_state::ServiceState;
use crate::registry::stop_marker;
use crate::registry::stop_marker::StopRequest;
use crate::registry::{homeless, maybe_lost, misplaced};
use crate::update::trial;

const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// How long the last thread of a host that was killed may take to write.
const LAST_WRITE_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a claude counts as one that comes up: it may show something that cckw does not know.
const CLAUDE_UP_TIMEOUT: Duration = Duration::from_secs(20);
const UP_POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Starts a new host for each session whose host was killed while nobody was attached, and does not wait for
/// it; with a directory, only for those that were started there. Gives their ids.
///
/// A host that is killed leaves its socket, so only the sessions that have one are looked at, and those in
/// which something was changed lately, which are few. One that ended or was given up, that was told to end by
/// SIGTERM, or that went down with the machine, is left alone, and so is one that has a client, for the
/// client replaces the host, and one whose last revival was not followed by ten seconds of a living host.
pub fn revive_lost(cwd: Option<&Path>, on_hangup: OnHangup) -> Vec<Uuid> {
    let revived = maybe_lost();
    let is_new = |directory: &Path| !recovery_marker::is_set(directory);
    let revived = revived.iter().filter_map(|directory| revive(directory, cwd, on_hangup, is_new));
    revived.map(|record| record.session).collect()
}

/// The record of the session of this directory as it was, if it was lost and is being brought back now. `may_try`
/// says whether it is to be, as its mark stands.
fn revive(
    directory: &Path,
    cwd: Option<&Path>,
    on_hangup: OnHangup,
    may_try: impl Fn(&Path) -> bool,
) -> Option<Record> {
    let wanted = |record: &Record| {
        is_lost(record, on_hangup)
            && cwd.is_none_or(|cwd| OsString::from(record.cwd.clone()) == cwd)
            && may_try(directory)
            && !stop_marker::is_set(directory)
    };
    revive_wanted(directory, By::Command, wanted)
}

/// Brings back the session of this directory for the service: if its host was killed, or if it went down with
/// the machine or its login and is to come back. Waits until its claude is up, or has been up to something for
/// long enough. So whoever waits for this has few claudes begin at once. Says whether it has a host now. How often
/// it is tried is the service's to know.
pub fn revive_for_service(directory: &Path, service: &ServiceState, on_hangup: OnHangup) -> bool {
    let comes_back = |record: &Record| {
        service.is_to_come_back(record, on_hangup)
            && record.missing.is_none()
            && !recovery_marker::is_given_up(directory)
            && stop_marker::read(directory) != Some(StopRequest::User)
    };
    let may_try = |directory: &Path| !recovery_marker::is_given_up(directory);
    let before = revive(directory, None, on_hangup, may_try)
        .or_else(|| revive_wanted(directory, By::Service, comes_back));
    let Some(before) = before else { return Lock::is_held(directory) };
    let until = Instant::now() + CLAUDE_UP_TIMEOUT;
    while Instant::now() < until && Lock::is_held(directory) {
        let is_up = |record: &Record| {
            let is_new = record.host_pid != before.host_pid || record.host_start != before.host_start;
            is_new && (record.state != SessionState::Starting || record.asks_first.is_some())
        };
        if Record::read(directory).is_ok_and(|record| is_up(&record)) {
            return true;
        }
        sleep(UP_POLL_INTERVAL);
    }
    Lock::is_held(directory)
}

/// The record of the session of this directory as it was, if `wanted` holds for it and it is being brought back
/// now.
fn revive_wanted(directory: &Path, by: By, wanted: impl Fn(&Record) -> bool) -> Option<Record> {
    // It has a host, or somebody is faster. Asked first: of nearly every session this is all that is asked.
    if Lock::is_held(directory) && !is_let_go_by_dying_host(directory) {
        return None;
    }
    let wanted = |record: &Record| {
        !record.host_lives()
            && crate::registry::session_of(directory) == Some(record.session)
            && !misplaced::is_elsewhere(directory, record)
            && wanted(record)
    };
    let found = Record::read(directory).ok()?;
    let has_died =
        is_lost(&found, OnHangup::Detach) && !found.host_lives() && !stop_marker::is_set(directory);
    if has_died && trial::host_ended_early(directory).is_some() {
        // The next command is of the program that came back, which has not failed here.
        let _ = fs::remove_file(recovery_marker::path(directory));
        return None;
    }
    if !wanted(&found) {
        return None;
    }
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
    if by == By::Service {
        // It was told to end, and its time has come again.
        stop_marker::clear(directory);
    }
    control_socket::remove(directory, &record);
    let launch = HostLaunch::revival(&record, directory, by, EnvironmentFrom::Session);
    let launch = launch.map_err(|error| {
        EventLog::in_directory(directory).write(LogEvent::NotTakenUp { reason: error.to_string() });
    });
    launch.ok()?.in_the_background(lock).ok()?;
    Some(record)
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

//! Bringing back the sessions that have lost their host while nobody was attached.
//!
//! Nobody notices that when it happens, and nothing watches over it: the next command that has to do with sessions does.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::unistd::Pid;
use uuid::Uuid;

use super::{Session, connect, session_of};
use crate::config::OnHangup;
use crate::paths;
use crate::platform::process;
use crate::session::record::{self, Record, State};
use crate::session::revive::Lock;
use crate::session::stamp;
use crate::terminal::launch::Launch;

/// How long a host may take to come, what is left of the last claude included.
const PATIENCE: Duration = Duration::from_secs(30);
const PACE: Duration = Duration::from_millis(20);

/// Starts a new host for each session whose host was killed while nobody was attached, and does not wait for it; with a
/// directory, only for those that were started there. Gives their ids.
///
/// A host that is killed leaves its socket, so only the sessions that have one are looked at, which are few. One that
/// ended or was given up, or that went down with the machine, is left alone, and so is one that has a client, for the
/// client replaces the host, and one whose last revival was not followed by ten seconds of a living host.
pub fn revive_lost(cwd: Option<&Path>, on_hangup: OnHangup) -> Vec<Uuid> {
    let Ok(sockets) = fs::read_dir(paths::runtime_dir()) else { return Vec::new() };
    sockets
        .flatten()
        .map(|entry| entry.path())
        .filter(|socket| socket.extension().is_some_and(|extension| extension == "sock"))
        .filter_map(|socket| session_of(&socket.with_extension("")))
        .filter(|session| revive(session, cwd, on_hangup).is_some())
        .collect()
}

fn revive(session: &Uuid, cwd: Option<&Path>, on_hangup: OnHangup) -> Option<()> {
    let directory = record::directory(session).ok()?;
    // It has a host, or somebody is faster. Asked first: of nearly every session this is all that is asked.
    if Lock::is_held(&directory) {
        return None;
    }
    let wanted = |record: &Record| {
        is_lost(record, on_hangup)
            && cwd.is_none_or(|cwd| OsString::from(record.cwd.clone()) == cwd)
            && !stamp::is_set(&directory)
    };
    Record::read(&directory).ok().filter(&wanted)?;
    // With a little patience: a process that was killed lets go of what it had one after another.
    let lock = Lock::take(&directory).ok()?;
    // What has happened until the lock was taken: the host has come to its end, or another command was faster.
    let record = Record::read(&directory).ok().filter(&wanted)?;
    stamp::set(&directory).ok()?;
    // Nobody is to take the one who is gone for the one who comes.
    let _ = fs::remove_file(PathBuf::from(OsString::from(record.socket.clone())));
    Launch::revival(&record).in_the_background(lock).ok()
}

/// Whether a session that has no host was not meant to end.
fn is_lost(record: &Record, on_hangup: OnHangup) -> bool {
    let has_ended = record.ended_at.is_some() || matches!(record.state, State::Stopped | State::Crashed);
    let same_boot = record.boot.is_some() && record.boot == process::boot();
    // Killed with its client before claude was there, it has nothing to bring back.
    let began = record.child_pid.is_some() || record.restarts > 0 || record.state == State::Restarting;
    let client_lives =
        record.client_pid.is_some_and(|client| process::look_up(Pid::from_raw(client)).is_some());
    // Its terminal has gone without the host, which would have ended it for that.
    let was_to_end = record.client_pid.is_some() && on_hangup == OnHangup::Exit;
    !has_ended && same_boot && began && !client_lives && !was_to_end
}

/// Waits until a session that is about to get a host has it. Gives the session as it is then.
///
/// # Errors
/// When the host does not come up; the reason is for the user.
pub fn wait_for_host(session: &Session) -> Result<Session, String> {
    let until = Instant::now() + PATIENCE;
    loop {
        // In this order: a host that is there holds the lock.
        let is_held = Lock::is_held(&session.directory);
        let record = Record::read(&session.directory).unwrap_or_else(|_| session.record.clone());
        if connect(&record).is_some() {
            return Ok(Session { record, is_running: true, is_coming: false, ..session.clone() });
        }
        let word = session.word();
        if !is_held {
            return Err(format!("the new host of {word} could not bring it back; see: cckw logs {word}"));
        }
        if Instant::now() > until {
            return Err(format!("the new host of {word} does not come up; see: cckw logs {word}"));
        }
        sleep(PACE);
    }
}

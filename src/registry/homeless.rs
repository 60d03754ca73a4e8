//! Hosts that run and whose session is not found on disk. Somebody has just removed, moved or replaced its
//! files, and the host makes them anew within a second. Until then the process table says that it is there.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::unistd::Pid;
use uuid::Uuid;

use super::Session;
use crate::os::{process, processes};
use crate::paths;

/// How long a list waits for the files of such hosts.
const FILES_TIMEOUT: Duration = Duration::from_millis(1500);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// So long after a change of the state directory, or of one above it, the process table is looked at.
const RECENT_CHANGE: Duration = Duration::from_secs(3);

/// The hosts of this user that have their sessions in this state directory, as far as the process table
/// tells.
pub fn hosts(state: &Path) -> Vec<(Pid, Uuid)> {
    let own = |(pid, word): (Pid, std::ffi::OsString)| {
        let session = Uuid::parse_str(word.to_str()?).ok()?;
        let variable = |name| process::variable(pid, name).map(Into::into);
        let theirs = paths::state_dir_of(variable("XDG_STATE_HOME"), variable("HOME"))?;
        (theirs == state).then_some((pid, session))
    };
    processes::of_this_user_with(&["cckw", "host"]).into_iter().filter_map(own).collect()
}

/// Waits for the files of hosts that are not found, and adds their sessions. Where nothing was changed
/// lately, nobody can miss any.
pub fn wait_for_files(sessions: &mut Vec<Session>, state: &Path) {
    if !changed_lately(state) {
        return;
    }
    let until = Instant::now() + FILES_TIMEOUT;
    let mut missing = hosts(state);
    loop {
        missing
            .retain(|(pid, session)| !is_found(sessions, *pid, session) && process::look_up(*pid).is_some());
        if missing.is_empty() || Instant::now() >= until {
            return;
        }
        std::thread::sleep(POLL_INTERVAL);
        for (_, session) in &missing {
            if let Some(found) = super::read(&state.join(session.to_string())) {
                sessions.retain(|known| known.record.session != *session);
                sessions.push(found);
            }
        }
    }
}

/// Whether a host need not be waited for. One whose record says that it has ended is about to be gone.
fn is_found(sessions: &[Session], pid: Pid, session: &Uuid) -> bool {
    let found = sessions.iter().find(|found| found.record.session == *session);
    found.is_some_and(|found| {
        let is_its_record = found.record.host_pid == pid.as_raw();
        // The host writes its record last, so one that cannot be read yet is not what it will be.
        found.damage.is_none() && (found.is_running || found.is_coming || is_its_record)
    })
}

/// Whether an entry of the state directory, or of one above it, was removed, renamed or made lately.
fn changed_lately(state: &Path) -> bool {
    state.ancestors().any(|directory| {
        let changed = fs::metadata(directory).and_then(|found| found.modified());
        changed.map_or(true, |at| at.elapsed().is_ok_and(|age| age < RECENT_CHANGE))
    })
}

//! What is seen of a program on trial, and its way back. Whoever notices that a process has ended early says so
//! here: a client, a command that brings sessions back, the service. It may be of the version before, too.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::guard::{Event, Guard};
use super::hash;
use super::install::Place;
use super::marker::{Marker, Swap, own_trial, trial_file};
use crate::os::process;
use crate::paths;
use crate::registry::OpenLock;
use crate::registry::lock::Lock;

use nix::unistd::Pid;

/// How long a process of a program on trial must live.
pub const PROBATION: Duration = Duration::from_secs(10);
/// How long others may write down what they have seen.
const LOCK_TIMEOUT: Duration = Duration::from_secs(1);

/// The host that had this session's lock has ended without having said so, or did not come up. To be said
/// before somebody else takes the lock: its time says when that host started.
///
/// Gives what came back, if that was one early end too many.
pub fn host_ended_early(directory: &Path, host: &str) -> Option<Swap> {
    let state = directory.parent()?;
    let swapped_at = Marker::read(state).on_trial()?.at_ms;
    let started = SystemTime::now().checked_sub(Lock::age(directory)?)?;
    let started_ms = started.duration_since(UNIX_EPOCH).ok()?.as_millis();
    // Of an older program it says nothing of this one.
    if started_ms < u128::from(swapped_at) {
        return None;
    }
    note(state, &Event::EndedEarly(host.to_owned()))
}

/// The service has started, as this process. Gives what came back, if it has started too often.
pub fn service_started() -> Option<Swap> {
    note(&paths::state_dir().ok()?, &Event::ServiceStarted(own_process()?))
}

/// The service was told to end, and does.
pub fn service_ends() {
    let end = || note(&paths::state_dir().ok()?, &Event::ServiceEnds(own_process()?));
    end();
}

/// Where this program is on trial: the file that is to be removed when it has lived for long enough.
pub fn own_file() -> Option<PathBuf> {
    own_trial(&paths::state_dir().ok()?)
}

/// A process by its pid and its start.
fn own_process() -> Option<String> {
    let pid = std::process::id();
    Some(format!("{pid}:{}", process::look_up(Pid::from_raw(pid.cast_signed()))?.start))
}

/// Writes down what was seen, and brings the program before it back if that is one thing too many.
fn note(state: &Path, event: &Event) -> Option<Swap> {
    Marker::read(state).on_trial()?;
    let _lock = OpenLock::take(state, LOCK_TIMEOUT)?;
    let mut marker = Marker::read(state);
    let before = marker.clone();
    let swap = marker.swap.as_mut().filter(|swap| matches!(swap.guard, Guard::Trial { .. }))?;
    if !trial_file(state, &swap.release.to_string()).exists() {
        swap.guard.handle(Event::LivedLongEnough);
    }
    let mut comes_back = None;
    if swap.guard.handle(event.clone()) {
        if bring_back(swap) {
            comes_back = Some(swap.clone());
            let release = swap.release.clone();
            marker.not_kept.push(release);
        } else {
            // Somebody has put another program there meanwhile, which is on no trial.
            swap.guard = Guard::Healthy;
        }
    }
    if marker != before {
        let _ = marker.write(state);
    }
    comes_back
}

/// Whether the program before it is installed again.
fn bring_back(swap: &Swap) -> bool {
    let program = PathBuf::from(std::ffi::OsString::from(swap.program.clone()));
    let Some(place) = Place::of(&program) else { return false };
    // An update that runs puts another one there by itself.
    let Some(_lock) = place.lock() else { return false };
    let is_on_trial = |path: &Path| hash::of_file(path).is_ok_and(|found| found == swap.sha256);
    if place.settle().is_err() {
        return false;
    }
    // Of one that was killed in the middle of this, the program before it is back already.
    if is_on_trial(&place.old) && !is_on_trial(&place.program) {
        return true;
    }
    is_on_trial(&place.program) && place.has_old() && place.exchange().is_ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use semver::Version;

    use super::*;
    use crate::registry::lock::LOCK_NAME;

    /// A state directory with a session, and a place in which "new" was put over "old".
    fn swapped(scratch: &Path) -> (PathBuf, PathBuf) {
        let (session, program) = (scratch.join("state/session"), scratch.join("cckw"));
        fs::create_dir_all(&session).expect("directories");
        fs::write(&program, "old").expect("writes");
        fs::write(scratch.join("download"), "new").expect("writes");
        let place = Place::of(&program).expect("a place");
        place.stage(&scratch.join("download")).and_then(|_| place.swap()).expect("swaps");
        let swap = Swap {
            program: program.as_path().into(),
            release: Version::new(0, 2, 0),
            previous: Version::new(0, 1, 0),
            sha256: hash::of_file(&program).expect("a hash"),
            at_ms: 7,
            guard: Guard::trial(),
        };
        Marker::default().begin_trial(&scratch.join("state"), swap).expect("writes");
        fs::write(session.join(LOCK_NAME), "").expect("a lock");
        (session, program)
    }

    #[test]
    fn after_three_hosts_the_program_before_is_back_and_the_release_is_not_taken_again() {
        let scratch = tempfile::tempdir().expect("a directory");
        let (session, program) = swapped(scratch.path());
        let said = ["1:1", "2:2", "2:2", "3:3", "4:4"].map(|host| host_ended_early(&session, host).is_some());
        assert_eq!(said, [false, false, false, true, false]);
        assert_eq!(fs::read(&program).expect("reads"), b"old");
        let marker = Marker::read(&scratch.path().join("state"));
        assert_eq!(marker.not_kept, [Version::new(0, 2, 0)]);
        assert_eq!(marker.swap.expect("a swap").guard, Guard::Reverted);
    }

    #[test]
    fn a_program_that_has_lived_for_long_enough_stays() {
        let scratch = tempfile::tempdir().expect("a directory");
        let (session, program) = swapped(scratch.path());
        host_ended_early(&session, "1:1");
        // As a host does it.
        fs::remove_file(trial_file(&scratch.path().join("state"), "0.2.0")).expect("is there");
        for host in ["2:2", "3:3", "4:4"] {
            assert_eq!(host_ended_early(&session, host), None);
        }
        assert_eq!(fs::read(&program).expect("reads"), b"new");
    }

    #[test]
    fn a_host_of_the_program_before_says_nothing_of_the_new_one() {
        let scratch = tempfile::tempdir().expect("a directory");
        let (session, program) = swapped(scratch.path());
        let lock = fs::File::options().write(true).open(session.join(LOCK_NAME)).expect("opens");
        lock.set_modified(UNIX_EPOCH).expect("a time");
        for host in ["1:1", "2:2", "3:3"] {
            assert_eq!(host_ended_early(&session, host), None);
        }
        assert_eq!(fs::read(&program).expect("reads"), b"new");
    }

    #[test]
    fn what_somebody_else_has_installed_stays() {
        let scratch = tempfile::tempdir().expect("a directory");
        let (session, program) = swapped(scratch.path());
        fs::write(&program, "by hand").expect("writes");
        for host in ["1:1", "2:2", "3:3", "4:4"] {
            assert_eq!(host_ended_early(&session, host), None);
        }
        assert_eq!(fs::read(&program).expect("reads"), b"by hand");
    }
}

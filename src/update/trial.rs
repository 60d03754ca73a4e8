//! What is seen of a program on trial, and its way back. Whoever notices that a process has ended early says so
//! here: a client, a command that brings sessions back, the service. It may be of the version before, too.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::guard::{Event, Guard};
use super::hash;
use super::install::Place;
use super::marker::{Marker, Swap, own_trial, trial_file};
use crate::os::files::read_plain;
use crate::os::process;
use crate::paths;
use crate::registry::OpenLock;
use crate::registry::event_log::now_ms;

use nix::unistd::Pid;

/// How long others may write down what they have seen.
const LOCK_TIMEOUT: Duration = Duration::from_secs(1);
/// In a session's directory: which program on trial its host is, and the host's pid.
const MARK_NAME: &str = "on-trial";

/// A host has the lock of this session. If its program is on trial, it leaves a mark for whoever finds it dead.
pub fn host_started(directory: &Path) {
    let mark = directory.join(MARK_NAME);
    if file_of(directory).is_some() {
        let text = format!("{} {}", env!("CARGO_PKG_VERSION"), std::process::id());
        let _ = paths::write_unsynced(&mark, text.as_bytes());
    } else if mark.exists() {
        let _ = fs::remove_file(mark);
    }
}

/// If the program of the host of this session is on trial: the file that it removes when it has lived for long
/// enough.
pub fn file_of(directory: &Path) -> Option<PathBuf> {
    own_trial(directory.parent()?)
}

/// The host of this session has ended without having said so. If it was of a program on trial, that has one
/// early end more. Gives what came back, if that was one too many.
pub fn host_ended_early(directory: &Path) -> Option<Swap> {
    let state = directory.parent()?;
    let mark = String::from_utf8(read_plain(&directory.join(MARK_NAME), 256).ok()?).ok()?;
    let (version, host) = mark.split_once(' ')?;
    let is_on_trial = Marker::read(state).on_trial()?.release.to_string() == version;
    is_on_trial.then(|| note(state, &Event::EndedEarly(host.to_owned()))).flatten()
}

/// A host that this process has started did not come up; it is of the same program. Gives what came back, if
/// that was one early end too many.
pub fn host_did_not_come_up(host: Pid) -> Option<Swap> {
    let state = paths::state_dir().ok()?;
    own_trial(&state)?;
    note(&state, &Event::EndedEarly(host.to_string()))
}

/// The exchange after which the program before came back by itself, if it was the last one.
pub fn reverted() -> Option<Swap> {
    let marker = Marker::read(&paths::state_dir().ok()?);
    let swap = marker.swap.filter(|swap| swap.guard == Guard::Reverted)?;
    marker.not_kept.contains(&swap.release).then_some(swap)
}

/// The service has started, as this process. Gives what came back, if it has started too often.
pub fn service_started() -> Option<Swap> {
    note(&paths::state_dir().ok()?, &Event::ServiceStarted(own_process()?, now_ms()))
}

/// The service was told to end, and does.
pub fn service_ends() {
    let end = || note(&paths::state_dir().ok()?, &Event::ServiceEnds(own_process()?));
    end();
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
    use semver::Version;

    use super::*;

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
        (session, program)
    }

    /// A host of this version dies in the session.
    fn dies(session: &Path, version: &str, host: u32) -> bool {
        fs::write(session.join(MARK_NAME), format!("{version} {host}")).expect("writes");
        host_ended_early(session).is_some()
    }

    #[test]
    fn after_three_hosts_the_program_before_is_back_and_the_release_is_not_taken_again() {
        let scratch = tempfile::tempdir().expect("a directory");
        let (session, program) = swapped(scratch.path());
        let said = [1, 2, 2, 3, 4].map(|host| dies(&session, "0.2.0", host));
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
        dies(&session, "0.2.0", 1);
        // As a host does it.
        fs::remove_file(trial_file(&scratch.path().join("state"), "0.2.0")).expect("is there");
        assert!(!(2..10).any(|host| dies(&session, "0.2.0", host)));
        assert_eq!(fs::read(&program).expect("reads"), b"new");
    }

    #[test]
    fn a_host_of_the_program_before_says_nothing_of_the_new_one() {
        let scratch = tempfile::tempdir().expect("a directory");
        let (session, program) = swapped(scratch.path());
        assert_eq!(host_ended_early(&session), None);
        assert!(!(1..10).any(|host| dies(&session, "0.1.0", host)));
        assert_eq!(fs::read(&program).expect("reads"), b"new");
    }

    #[test]
    fn what_somebody_else_has_installed_stays() {
        let scratch = tempfile::tempdir().expect("a directory");
        let (session, program) = swapped(scratch.path());
        fs::write(&program, "by hand").expect("writes");
        assert!(!(1..10).any(|host| dies(&session, "0.2.0", host)));
        assert_eq!(fs::read(&program).expect("reads"), b"by hand");
    }
}

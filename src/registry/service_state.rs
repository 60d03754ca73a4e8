//! What the service knows beyond the sessions: which of them it is to bring back, and that it runs. The file
//! `service.json` in the state directory, and the lock `service.lock` beside it.

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::record::{Record, SessionState};
use crate::config::OnHangup;
use crate::os::files::{open_own, open_plain, read_plain};
use crate::os::own_program::FileIdentity;
use crate::os::process;
use crate::os::text::LosslessText;
use crate::paths;

const STATE_NAME: &str = "service.json";
const LOCK_NAME: &str = "service.lock";
/// The version of the form. Fields may be added within a version.
const STATE_VERSION: u32 = 1;
const MAX_STATE_BYTES: u64 = 1 << 20;

/// How long a lock that somebody has may turn out to be only looked at.
const ONLY_LOOKED_AT: Duration = Duration::from_millis(50);
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// What the service has written down.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceState {
    #[serde(default)]
    pub version: u32,
    /// The run of the machine in which this was written.
    #[serde(default)]
    pub boot: Option<String>,
    /// The run of the machine before it in which sessions ran.
    #[serde(default)]
    pub boot_before: Option<String>,
    /// Whether the sessions of that run come back in this one.
    #[serde(default)]
    pub brings_back: bool,
    /// The user manager below which the service runs: its pid and its start. Another one means that the user
    /// has logged out of everything, and in again.
    #[serde(default)]
    pub manager: Option<String>,
    /// Sessions of this run of the machine that were told to end (SIGTERM) up to this time come back: a logout
    /// has ended them. Seconds since 1970.
    #[serde(default)]
    pub ended_by_logout_until: Option<u64>,
    /// The service's process.
    #[serde(default)]
    pub pid: i32,
    /// When that process started; tells it from a later process with its pid.
    #[serde(default)]
    pub start: Option<String>,
    /// The same, in seconds since 1970.
    #[serde(default)]
    pub since: u64,
    /// The version of cckw that it is.
    #[serde(default)]
    pub cckw: String,
    /// The file that it executes.
    #[serde(default)]
    pub program: Option<ServiceProgram>,
    /// Why it does not go on as the program that has taken the place of its own.
    #[serde(default)]
    pub not_taken: Option<String>,
}

/// The program of a service: the path with which it was started, and which file stood there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceProgram {
    path: LosslessText,
    file: FileIdentity,
}

impl ServiceProgram {
    /// The one at this path.
    pub fn new(path: &Path, file: FileIdentity) -> Self {
        Self { path: path.into(), file }
    }

    /// Where it is, or was before it was replaced.
    pub fn path(&self) -> PathBuf {
        OsString::from(self.path.clone()).into()
    }

    /// What stands at its path, if that is another file.
    ///
    /// # Errors
    /// When there is no file.
    pub fn replacement(&self) -> io::Result<Option<FileIdentity>> {
        let there = FileIdentity::at(&self.path())?;
        Ok((!there.is_same_file(&self.file)).then_some(there))
    }
}

/// When a service starts, or is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    pub boot: Option<String>,
    /// The last run of the machine before this one in which sessions ran.
    pub boot_before: Option<String>,
    pub manager: Option<String>,
    /// Seconds since 1970.
    pub now: u64,
}

impl ServiceState {
    /// What is written down at a start. `last` is what the service before this one has written.
    ///
    /// After a boot the sessions of the run before come back, unless they were left alone in an earlier run
    /// already. What a service has begun, the next one goes on with.
    pub fn at_start(last: Option<&Self>, moment: &Moment) -> Self {
        let mut state = Self {
            version: STATE_VERSION,
            boot: moment.boot.clone(),
            boot_before: moment.boot_before.clone(),
            manager: moment.manager.clone(),
            ..Self::default()
        };
        let last_before = last.and_then(|last| last.boot_before.as_ref());
        match last.filter(|last| last.boot.is_some() && last.boot == moment.boot) {
            Some(last) => {
                state.boot_before.clone_from(&last.boot_before);
                state.brings_back = last.brings_back;
                let is_new_login =
                    last.manager.is_some() && moment.manager.is_some() && last.manager != moment.manager;
                state.ended_by_logout_until =
                    if is_new_login { Some(moment.now) } else { last.ended_by_logout_until };
            }
            None => {
                state.brings_back =
                    moment.boot_before.is_some() && moment.boot_before.as_ref() != last_before;
            }
        }
        state
    }

    /// What is written down when the service is installed: what ran before stays as it is.
    pub fn at_install(moment: &Moment) -> Self {
        Self { brings_back: false, ..Self::at_start(None, moment) }
    }

    /// Whether the session with this record is to come back, because the machine or its login went down while
    /// it ran. One that was attached is not, where it would have ended with its terminal.
    pub fn is_to_come_back(&self, record: &Record, on_hangup: OnHangup) -> bool {
        let was_told = record.state == SessionState::Terminated;
        let has_ended = matches!(record.state, SessionState::Stopped | SessionState::Crashed)
            || record.ended_at.is_some() && !was_told;
        let began = was_told
            || record.child_pid.is_some()
            || record.restarts > 0
            || record.state == SessionState::Restarting;
        let was_to_end = record.client_pid.is_some() && on_hangup == OnHangup::Exit;
        if has_ended || !began || was_to_end || record.boot.is_none() {
            return false;
        }
        let went_down = self.brings_back && record.boot == self.boot_before && record.boot != self.boot;
        let logged_out = was_told
            && record.boot == self.boot
            && self
                .ended_by_logout_until
                .is_some_and(|until| record.ended_at.is_some_and(|ended| ended <= until));
        went_down || logged_out
    }

    /// Reads it; nothing where there is none, or it is not understood.
    pub fn read(state: &Path) -> Option<Self> {
        let contents = read_plain(&state.join(STATE_NAME), MAX_STATE_BYTES).ok()?;
        serde_json::from_slice::<Self>(&contents).ok().filter(|found| found.version <= STATE_VERSION)
    }

    /// Writes it, and waits until it is on the disk.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub fn write(&self, state: &Path) -> io::Result<()> {
        paths::write_atomically(&state.join(STATE_NAME), &serde_json::to_vec_pretty(self)?)
    }

    /// Whether its process runs.
    pub fn lives(&self) -> bool {
        let pid = nix::unistd::Pid::from_raw(self.pid);
        self.boot.is_some()
            && self.boot == process::boot()
            && self.pid > 0
            && process::look_up(pid).is_some_and(|found| Some(found.start) == self.start)
    }
}

/// Held by the service as long as it runs.
pub struct ServiceLock {
    _file: File,
}

impl ServiceLock {
    /// Takes it; nothing where another service has it.
    ///
    /// # Errors
    /// When the state directory cannot be written.
    pub fn take(state: &Path) -> io::Result<Option<Self>> {
        let file = open_own(&state.join(LOCK_NAME), false)?;
        let until = Instant::now() + ONLY_LOOKED_AT;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(Self { _file: file })),
                Err(TryLockError::WouldBlock) if Instant::now() < until => sleep(POLL_INTERVAL),
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }
}

/// Whether a service runs for this state directory.
pub fn is_running(state: &Path) -> bool {
    let held = |file: File| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
    open_plain(&state.join(LOCK_NAME)).is_ok_and(held)
}

/// Removes what a service has left, which does not run any more.
pub fn forget(state: &Path) {
    for path in [state.join(STATE_NAME), super::service_bell::path(state), state.join(LOCK_NAME)] {
        let _ = std::fs::remove_file::<PathBuf>(path);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn moment(boot: &str, before: Option<&str>, manager: &str) -> Moment {
        Moment {
            boot: Some(boot.into()),
            boot_before: before.map(Into::into),
            manager: Some(manager.into()),
            now: 1000,
        }
    }

    fn record(boot: &str, state: SessionState) -> Record {
        let ended = matches!(state, SessionState::Stopped | SessionState::Crashed | SessionState::Terminated);
        Record {
            boot: Some(boot.into()),
            state,
            child_pid: Some(7),
            ended_at: ended.then_some(900),
            ..Record::of(Uuid::nil())
        }
    }

    #[test]
    fn after_a_boot_the_sessions_of_the_run_before_come_back_once() {
        let running = record("a", SessionState::Running);
        let back = |state: &ServiceState, record: &Record| state.is_to_come_back(record, OnHangup::Detach);
        let first = ServiceState::at_start(None, &moment("b", Some("a"), "1"));
        assert!(back(&first, &running) && back(&first, &record("a", SessionState::Terminated)));
        assert!(!back(&first, &record("a", SessionState::Stopped)));
        assert!(!back(&first, &record("a", SessionState::Crashed)));
        assert!(!back(&first, &record("earlier", SessionState::Running)));
        assert!(!back(&first, &record("b", SessionState::Running)));
        let attached = Record { client_pid: Some(8), ..running.clone() };
        assert!(back(&first, &attached) && !first.is_to_come_back(&attached, OnHangup::Exit));
        // Killed, the service goes on where it was, although sessions run by now.
        let again = ServiceState::at_start(Some(&first), &moment("b", Some("a"), "1"));
        assert!(back(&again, &running));
        // Another boot, and nothing ran meanwhile: what did not come back then does not now.
        let later = ServiceState::at_start(Some(&again), &moment("c", Some("a"), "1"));
        assert!(!back(&later, &running));
        let later = ServiceState::at_start(Some(&again), &moment("c", Some("b"), "1"));
        assert!(!back(&later, &running) && back(&later, &record("b", SessionState::Running)));
    }

    #[test]
    fn what_ran_before_the_service_was_installed_stays_as_it_is() {
        let installed = ServiceState::at_install(&moment("b", Some("a"), "1"));
        for boot in ["b", "c"] {
            let state = ServiceState::at_start(Some(&installed), &moment(boot, Some("a"), "1"));
            assert!(!state.is_to_come_back(&record("a", SessionState::Running), OnHangup::Detach));
        }
        let state = ServiceState::at_start(Some(&installed), &moment("c", Some("b"), "1"));
        assert!(state.is_to_come_back(&record("b", SessionState::Running), OnHangup::Detach));
    }

    #[test]
    fn what_a_logout_has_ended_comes_back_with_the_next_user_manager() {
        let told = record("b", SessionState::Terminated);
        let back = |state: &ServiceState| state.is_to_come_back(&told, OnHangup::Detach);
        let first = ServiceState::at_start(None, &moment("b", None, "1"));
        assert!(!back(&first));
        let restarted = ServiceState::at_start(Some(&first), &moment("b", None, "1"));
        assert!(!back(&restarted));
        let login = ServiceState::at_start(Some(&restarted), &moment("b", None, "2"));
        assert!(back(&login));
        let restarted = ServiceState::at_start(Some(&login), &moment("b", None, "2"));
        assert!(back(&restarted));
        // Told to end after that login.
        let later = Record { ended_at: Some(1001), ..told.clone() };
        assert!(!restarted.is_to_come_back(&later, OnHangup::Detach));
    }

    #[test]
    fn there_is_one_service_and_what_it_wrote_is_read() {
        let scratch = tempfile::tempdir().expect("a directory");
        let state = scratch.path();
        assert!(!is_running(state) && ServiceState::read(state).is_none());
        let lock = ServiceLock::take(state).expect("locks").expect("free");
        assert!(is_running(state) && ServiceLock::take(state).expect("looks").is_none());
        let written = ServiceState::at_start(None, &moment("b", Some("a"), "1"));
        written.write(state).expect("writes");
        assert_eq!(ServiceState::read(state), Some(written));
        drop(lock);
        assert!(!is_running(state));
        forget(state);
        assert_eq!(std::fs::read_dir(state).expect("lists").count(), 0);
    }
}

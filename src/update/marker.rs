//! What is remembered of updates, in cckw's state directory: `update.json`, and beside it a file that is there
//! as long as a program is on trial. A host of the program removes that when it has lived for long enough: it
//! has nothing to read for it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use semver::Version;
use serde::{Deserialize, Serialize};

use super::guard::Guard;
use crate::os::files::{open_own, read_plain};
use crate::os::text::LosslessText;
use crate::paths;

/// The version of the format.
const MARKER_VERSION: u32 = 1;
const NAME: &str = "update.json";
const LOCK_NAME: &str = "update.lock";
const MAX_MARKER_BYTES: u64 = 1 << 20;
/// So many releases that were not kept are remembered, the last ones.
const MAX_NOT_KEPT: usize = 20;

/// What is remembered. Fields that a later version adds are lost when this one writes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Marker {
    /// Of the format.
    pub version: u32,
    /// The last exchange of programs.
    pub swap: Option<Swap>,
    /// The releases that were swapped back by themselves. They are not installed again without being asked.
    pub not_kept: Vec<Version>,
    /// When a release was looked for last without being asked, in seconds since 1970.
    pub checked_at: Option<u64>,
    /// The newest release that was seen.
    pub available: Option<Version>,
}

/// An exchange of programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swap {
    /// Where.
    pub program: LosslessText,
    /// What was installed.
    pub release: Version,
    /// What was there before.
    pub previous: Version,
    /// The hash of what was installed.
    pub sha256: String,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// Whether it is kept.
    pub guard: Guard,
}

impl Marker {
    /// What is remembered here; nothing where nothing can be read.
    pub fn read(state: &Path) -> Self {
        let read = || -> io::Result<Self> {
            Ok(serde_json::from_slice(&read_plain(&state.join(NAME), MAX_MARKER_BYTES)?)?)
        };
        read().ok().filter(|marker| marker.version == MARKER_VERSION).unwrap_or_default()
    }

    /// Writes it down, and puts the file of the trial in its place or away.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&mut self, state: &Path) -> io::Result<()> {
        self.version = MARKER_VERSION;
        let excess = self.not_kept.len().saturating_sub(MAX_NOT_KEPT);
        self.not_kept.drain(..excess);
        paths::write_atomically(&state.join(NAME), &serde_json::to_vec_pretty(self)?)?;
        for file in trial_files(state) {
            if self.on_trial().is_none_or(|swap| trial_file(state, &swap.release.to_string()) != file) {
                let _ = fs::remove_file(file);
            }
        }
        Ok(())
    }

    /// The same for a trial that begins: with its file.
    ///
    /// # Errors
    /// As `write`.
    pub fn begin_trial(&mut self, state: &Path, swap: Swap) -> io::Result<()> {
        let file = trial_file(state, &swap.release.to_string());
        self.swap = Some(swap);
        self.write(state)?;
        open_own(&file, false)?.sync_all()?;
        paths::sync_directory(state)
    }

    /// The exchange whose program is on trial.
    pub fn on_trial(&self) -> Option<&Swap> {
        self.swap.as_ref().filter(|swap| matches!(swap.guard, Guard::Trial { .. }))
    }
}

/// Keeps others from updating at the same time; nothing where somebody else does.
pub fn lock(state: &Path) -> io::Result<Option<fs::File>> {
    let file = open_own(&state.join(LOCK_NAME), false)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}

/// The file that is there as long as this version is on trial.
pub fn trial_file(state: &Path, version: &str) -> PathBuf {
    state.join(format!("update-trial-{version}"))
}

/// The file of this program's own trial, if it is on trial.
pub fn own_trial(state: &Path) -> Option<PathBuf> {
    Some(trial_file(state, env!("CARGO_PKG_VERSION"))).filter(|file| file.exists())
}

fn trial_files(state: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(state).into_iter().flatten().flatten();
    let is_trial =
        |name: &std::ffi::OsStr| name.to_str().is_some_and(|name| name.starts_with("update-trial-"));
    entries.filter(|entry| is_trial(&entry.file_name())).map(|entry| entry.path()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn swap() -> Swap {
        Swap {
            program: Path::new("/bin/cckw").into(),
            release: Version::new(0, 2, 0),
            previous: Version::new(0, 1, 0),
            sha256: "0f".repeat(32),
            at_ms: 7,
            guard: Guard::trial(),
        }
    }

    #[test]
    fn what_is_remembered_is_read_again_and_what_is_damaged_is_nothing() {
        let scratch = tempfile::tempdir().expect("a directory");
        let state = scratch.path();
        assert_eq!(Marker::read(state), Marker::default());
        let mut marker = Marker::default();
        marker.begin_trial(state, swap()).expect("writes");
        assert_eq!(Marker::read(state), marker);
        assert!(trial_file(state, "0.2.0").exists());
        marker.swap.as_mut().expect("a swap").guard = Guard::Healthy;
        marker.write(state).expect("writes");
        assert!(!trial_file(state, "0.2.0").exists());
        fs::write(state.join(NAME), "{").expect("writes");
        assert_eq!(Marker::read(state), Marker::default());
    }

    #[test]
    fn one_at_a_time_changes_it() {
        let scratch = tempfile::tempdir().expect("a directory");
        let held = lock(scratch.path()).expect("locks").expect("is free");
        assert!(lock(scratch.path()).expect("looks").is_none());
        drop(held);
        assert!(lock(scratch.path()).expect("looks").is_some());
    }
}

//! The files by which others find a session: its directory, the lock, the socket and the record. Somebody may
//! remove, move or replace them, or a directory above them (a cleaner, a script, a user), while the session
//! runs. Then they are made anew.
//!
//! What counts is the path by which others look for the session. A directory that has another name now is not
//! followed, because nobody looks there. Only where no directory can be made under the path, the host goes on
//! in the one that was moved away.

mod directory;
mod repairs;

use crate::registry::lock;
use crate::registry::log_event::LogEvent;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::Host;
use super::file_changes::Watcher;
use crate::escape::escape;
use crate::host::control_server::ControlServer;
use crate::os::fd_store::{FdStore, ReceivedFds, StoredFd};
use crate::os::file_watch::{Change, FileWatch, Told};
use crate::os::mounts::Mounts;
use crate::os::poll::{Interest, Poll, Token};
use crate::os::text::LosslessText;
use crate::registry::control_socket;
use crate::registry::environment;
use crate::registry::environment::recorded;
use crate::registry::lock::Lock;
use crate::registry::record;
use directory::inode;
use repairs::{At, FilesSeen, Repair, repairs, words};

/// How long after a change the files are looked at: who removes one file often removes the next one, too, and
/// a directory that is moved away may be moved back.
const SETTLE_TIME: Duration = Duration::from_millis(200);
/// How long after a failure it is tried again.
const RETRY_INTERVAL: Duration = Duration::from_secs(2);

/// Whether the files of a session are where others look for them.
pub(super) struct SessionFiles {
    /// The path of the session's directory by which others find it.
    by_name: PathBuf,
    /// Not where a limit of watchers is reached. Then the files are looked at when the record is written.
    is_watched: bool,
    /// Tells when something was mounted over the path.
    mounts: Option<Mounts>,
    /// Device and inode of the session's directory.
    directory: Option<(u64, u64)>,
    /// When the files are to be looked at.
    look_at: Option<Instant>,
    /// Why they could not be made anew the last time.
    failure: Option<String>,
    /// The session's environment is on disk.
    has_environment: bool,
    /// Who has it is the session's host.
    lock: Lock,
    /// How long the records of sessions that have ended are kept; nothing where they stay.
    pub(super) keep: Option<Duration>,
    /// Another host has the lock. This one leaves the files alone.
    pub(super) displaced: bool,
}

/// Where what is waited for stands in a `Poll`.
pub(super) struct FileTokens {
    mounts: Option<Token>,
}

/// The same as it is handed over to the program that goes on with it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FilesState {
    by_name: LosslessText,
    #[serde(default)]
    directory: Option<(u64, u64)>,
    #[serde(default)]
    failure: Option<String>,
    #[serde(default)]
    has_environment: bool,
    lock: StoredFd,
    #[serde(default)]
    displaced: bool,
}

impl SessionFiles {
    /// All that is needed to go on.
    pub(super) fn hand_over(&self, fds: &FdStore) -> FilesState {
        FilesState {
            by_name: self.by_name.as_path().into(),
            directory: self.directory,
            failure: self.failure.clone(),
            has_environment: self.has_environment,
            lock: fds.add(&self.lock),
            displaced: self.displaced,
        }
    }

    /// Goes on with what another program has handed over, in `current`.
    ///
    /// # Errors
    /// When a descriptor is missing.
    pub(super) fn take_over(
        state: FilesState,
        watch: &mut FileWatch<Watcher>,
        current: &Path,
        keep: Option<Duration>,
        fds: &ReceivedFds,
    ) -> io::Result<Self> {
        let by_name = PathBuf::from(OsString::from(state.by_name));
        let mut files = Self {
            by_name,
            is_watched: false,
            mounts: Mounts::new().ok(),
            directory: state.directory,
            // Something may have happened while nothing was watched.
            look_at: Some(Instant::now()),
            failure: state.failure,
            has_environment: state.has_environment,
            lock: Lock::from(fds.get(state.lock)?),
            keep,
            displaced: state.displaced,
        };
        files.watch(watch, current);
        Ok(files)
    }

    /// Watches the session's directory and those above it. `lock` is the session's, and `keep` how long the
    /// records of others are kept.
    pub(super) fn new(
        watch: &mut FileWatch<Watcher>,
        directory: &Path,
        lock: Lock,
        keep: Option<Duration>,
    ) -> Self {
        let mut files = Self {
            by_name: directory.to_owned(),
            is_watched: false,
            mounts: Mounts::new().ok(),
            directory: inode(directory),
            // Something may have happened before the watch was there.
            look_at: Some(Instant::now()),
            failure: None,
            has_environment: recorded::is_there(directory),
            lock,
            keep,
            displaced: false,
        };
        files.watch(watch, directory);
        files
    }

    /// The session's lock.
    pub(super) fn lock(&self) -> &Lock {
        &self.lock
    }

    /// Watches the path, and the directory in which the files are now.
    pub(super) fn watch(&mut self, watch: &mut FileWatch<Watcher>, directory: &Path) {
        watch.unwatch_all(Watcher::Files);
        watch.try_again();
        watch.watch_path(Watcher::Files, &self.by_name);
        let is_watched = watch.watch(Watcher::Files, directory, Told::Entries);
        self.is_watched = is_watched.is_ok() || watch.fd().is_some() && inode(directory).is_none();
        if !self.is_watched {
            watch.unwatch_all(Watcher::Files);
        }
    }

    /// Adds what is waited for.
    pub(super) fn prepare(&self, poll: &mut Poll) -> FileTokens {
        FileTokens { mounts: self.mounts.as_ref().map(|mounts| poll.add(mounts, Interest::End)) }
    }

    /// Something was mounted, perhaps.
    pub(super) fn hear(&mut self, poll: &Poll, places: &FileTokens) {
        if places.mounts.is_some_and(|place| poll.is_ready(place)) {
            self.look_soon();
        }
    }

    /// Something was removed, moved or written. Most of it is the host's own work: it replaces its record by
    /// renaming.
    pub(super) fn note_change(&mut self, change: &Change) {
        if concerns_others(change) {
            self.look_soon();
        }
    }

    pub(super) fn look_soon(&mut self) {
        if !self.displaced {
            let soon = Instant::now() + SETTLE_TIME;
            self.look_at = Some(self.look_at.map_or(soon, |at| at.min(soon)));
        }
    }

    /// When the files are to be looked at.
    pub(super) fn look_at(&self) -> Option<Instant> {
        self.look_at
    }

    /// Whether nothing is told by itself.
    pub(super) fn is_blind(&self) -> bool {
        !self.is_watched
    }

    /// `current` is where the host has its files now.
    fn see(&self, current: &Path, server: &ControlServer, record_is_own: bool) -> FilesSeen {
        let is_known = self.directory.is_some() && inode(&self.by_name) == self.directory;
        let is_file = fs::symlink_metadata(record::path(&self.by_name)).is_ok_and(|found| found.is_file());
        FilesSeen {
            directory: match is_known {
                true if current == self.by_name => At::Same,
                true => At::Back,
                false => At::Gone,
            },
            lock: self.lock.is_in(&self.by_name),
            socket: server.is_in_place_below(&self.by_name),
            record: is_file && record_is_own,
        }
    }

    /// Where the directory is now that was moved away; nothing where it was removed. The lock's file is open,
    /// and so the system knows.
    fn moved_to(&self) -> Option<PathBuf> {
        let now = self.lock.path()?.parent()?.to_owned();
        (inode(&now) == self.directory && now != self.by_name).then_some(now)
    }
}

/// Whether a change may be of a file by which others find the session.
fn concerns_others(change: &Change) -> bool {
    let is_one_of = |name: &OsStr, names: &[&str]| names.iter().any(|known| name == *known);
    match change {
        Change::Itself | Change::Contents | Change::Missed => true,
        Change::Left(name) => is_one_of(
            name,
            &[
                lock::LOCK_NAME,
                control_socket::SOCKET_NAME,
                record::FILE_NAME,
                environment::AGENT_LINK,
                recorded::FILE_NAME,
            ],
        ),
        // The host's own record comes by a rename, too. It is told from another one when it is looked at.
        Change::Came(name) => {
            is_one_of(name, &[lock::LOCK_NAME, control_socket::SOCKET_NAME, record::FILE_NAME])
        }
        Change::Written(name) => name == record::FILE_NAME,
    }
}

impl Host {
    /// Looks at the files of the session, and makes anew what is missing.
    pub(super) fn look_after_files(&mut self, server: &mut ControlServer) {
        self.files.look_at = None;
        self.look_at_program();
        let record_is_own = self.journal.has_written(&record::path(&self.files.by_name));
        let seen = self.files.see(&self.directory, server, record_is_own);
        let repairs = repairs(&seen);
        if repairs.is_empty() {
            self.renew_others();
            return;
        }
        let moved_to = self.files.moved_to();
        for repair in &repairs {
            if let Err(reason) = self.repair(*repair, moved_to.as_deref(), server) {
                return self.not_repaired(reason, moved_to, server);
            }
        }
        if let Some(old) = moved_to.filter(|_| seen.directory == At::Gone) {
            directory::let_go(&old);
            // Whoever looks there reads where the session is.
            let _ = self.record.write_unsynced(&old);
        }
        self.renew_others();
        let failure = self.files.failure.take();
        self.files.displaced = false;
        self.files.directory = inode(&self.directory);
        self.files.watch(&mut self.file_watch, &self.directory);
        self.events.write(LogEvent::FilesMadeAnew {
            what: words(&repairs),
            directory: escape(&self.directory).to_string(),
            could_not_before: failure,
        });
        // Something may have happened before the new watch was there.
        self.files.look_soon();
    }

    /// Says once why others cannot find the session, and tries again later, or as soon as something changes
    /// on the way to its directory.
    fn not_repaired(&mut self, reason: String, moved_to: Option<PathBuf>, server: &mut ControlServer) {
        if let Some(now) = moved_to.filter(|now| *now != self.directory && !self.files.displaced) {
            // Under another path is better than nowhere.
            server.moved_to(&now);
            self.go_on_in(now);
            self.record.socket = server.path().into();
            self.save();
        }
        if self.files.failure.is_none() && !self.files.displaced {
            self.events.write(LogEvent::FilesNotMadeAnew { error: reason.clone() });
            self.notices.add(&format!(
                "the files by which other commands find this session were removed, and cannot be made anew: {reason}"
            ));
        }
        self.files.failure = Some(reason);
        self.files.watch(&mut self.file_watch, &self.directory);
        self.files.look_at = Some(Instant::now() + RETRY_INTERVAL);
    }

    /// Makes anew what others do not need to find the session, but its claude does.
    fn renew_others(&mut self) {
        self.claude.launcher().environment.renew_link();
        if self.files.has_environment && !recorded::is_there(&self.directory) {
            // Without it a claude that is brought back gets the environment of the one who does that.
            if let Err(error) = self.claude.launcher().environment.record(&self.directory) {
                self.events.write(LogEvent::EnvironmentNotRecorded { error: error.to_string() });
            }
        }
    }

    fn repair(
        &mut self,
        repair: Repair,
        moved_to: Option<&Path>,
        server: &mut ControlServer,
    ) -> Result<(), String> {
        match repair {
            Repair::GoBack => {
                self.go_on_in(self.files.by_name.clone());
                Ok(())
            }
            Repair::MakeDirectory => {
                directory::make(&self.files.by_name)?;
                if let Some(old) = moved_to {
                    directory::copy_files(old, &self.files.by_name);
                }
                self.go_on_in(self.files.by_name.clone());
                Ok(())
            }
            Repair::TakeLock => match Lock::take(&self.directory) {
                Ok(lock) => {
                    self.files.lock = lock;
                    self.journal.lock_is_old();
                    Ok(())
                }
                Err(error) if Lock::is_held(&self.directory) => {
                    self.displace();
                    Err(error.to_string())
                }
                Err(error) => Err(error.to_string()),
            },
            Repair::WriteRecord => {
                self.files.displaced = false;
                let path = record::path(&self.directory);
                if fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir()) {
                    // No file takes the place of a directory.
                    directory::put_aside(&path)?;
                }
                self.save();
                Ok(())
            }
            Repair::MakeSocket => {
                server.make_anew(&self.directory, &self.record.session).map_err(|error| error.to_string())?;
                if self.record.socket != server.path().into() {
                    self.record.socket = server.path().into();
                    self.save();
                }
                Ok(())
            }
        }
    }

    /// The session's files are in this directory from now on.
    fn go_on_in(&mut self, directory: PathBuf) {
        if let Some(events) = self.journal.moved_to(&directory) {
            self.events = events;
        }
        self.record.directory = Some(directory.as_path().into());
        self.directory = directory;
    }

    /// Another host has taken the session. This one writes none of its files and brings no claude back, but
    /// does not end the claude that runs: that is for its user to decide.
    fn displace(&mut self) {
        if std::mem::replace(&mut self.files.displaced, true) {
            return;
        }
        self.events.write(LogEvent::Displaced);
        self.notices.add(
            "another host has taken this session, because its lock was removed; this claude goes on here, and is not brought back; \
             `cckw list` shows the other one",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_s_own_work_concerns_nobody() {
        let came = |name: &str| Change::Came(name.into());
        let left = |name: &str| Change::Left(name.into());
        let written = |name: &str| Change::Written(name.into());
        for own in
            [left("session.json.7.new"), left("revived"), came("events.old.jsonl"), written("events.jsonl")]
        {
            assert!(!concerns_others(&own), "{own:?}");
        }
        for other in [
            left("session.json"),
            left("host.lock"),
            came("control.sock"),
            written("session.json"),
            Change::Itself,
        ] {
            assert!(concerns_others(&other), "{other:?}");
        }
    }
}

//! Waiting for files to change, without looking when nothing happened.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use notify::EventKind;

use crate::os::watcher::Watcher;
use crate::user_error::{UserError, files};

/// Has something to read when something in the watched directories has changed.
pub struct RegistryWatcher {
    woken: UnixStream,
    watcher: Watcher,
    watched: BTreeSet<PathBuf>,
}

impl RegistryWatcher {
    /// Watches nothing yet.
    ///
    /// # Errors
    /// When the system's limit of watchers is reached.
    pub fn new() -> Result<Self, UserError> {
        let said = |error: io::Error| files::nothing_can_be_waited_for(error);
        let (woken, wake) = UnixStream::pair().map_err(said)?;
        woken.set_nonblocking(true).map_err(said)?;
        wake.set_nonblocking(true).map_err(said)?;
        let watcher = Watcher::new(move |event: notify::Result<notify::Event>| {
            // Opening and reading are no changes; the one who waits does that.
            if !event.is_ok_and(|event| matches!(event.kind, EventKind::Access(_))) {
                // Full, it says already what it would say.
                let _ = (&wake).write(&[0]);
            }
        });
        let watcher = watcher.map_err(files::cannot_be_watched)?;
        Ok(Self { woken, watcher, watched: BTreeSet::new() })
    }

    /// Watches these directories from now on, and no others; one that has gone is left out. Says whether any
    /// is new: what was known of it may be old by then.
    ///
    /// # Errors
    /// When the system's limit of watches is reached.
    pub fn watch(&mut self, directories: BTreeSet<PathBuf>) -> Result<bool, UserError> {
        for gone in self.watched.difference(&directories) {
            let _ = self.watcher.unwatch(gone);
        }
        let mut any = false;
        for new in directories.difference(&self.watched) {
            if let Err(error) = self.watcher.watch(new)
                && new.exists()
            {
                return Err(files::cannot_be_watched(error));
            }
            any = true;
        }
        self.watched = directories;
        Ok(any)
    }

    /// Forgets what has changed so far.
    pub fn take(&self) {
        let mut wakes = [0; 64];
        while (&self.woken).read(&mut wakes).is_ok_and(|count| count == wakes.len()) {}
    }
}

impl AsFd for RegistryWatcher {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.woken.as_fd()
    }
}

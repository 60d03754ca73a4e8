//! Waiting for files to change, without looking when nothing happened.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use notify::EventKind;

use crate::os::watcher::Watcher;
use crate::user_error::{UserError, files};

/// So many changed paths are told apart at most. With more, anything may have changed.
const MAX_CHANGED_PATHS: usize = 4096;

/// What has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    /// These paths, each with the directory that it is in.
    Paths(BTreeSet<PathBuf>),
    /// It is not known what.
    Anything,
}

impl Default for Changed {
    fn default() -> Self {
        Self::Paths(BTreeSet::new())
    }
}

impl Changed {
    /// Whether this path may have changed, or something directly in it.
    pub fn has(&self, path: &Path) -> bool {
        match self {
            Self::Paths(paths) => paths.contains(path),
            Self::Anything => true,
        }
    }

    fn add(&mut self, event: &notify::Event) {
        let Self::Paths(paths) = self else { return };
        for path in &event.paths {
            paths.extend(path.parent().map(Path::to_owned));
            paths.insert(path.clone());
        }
        // The system tells no paths where it has lost some.
        if event.paths.is_empty() || event.need_rescan() || paths.len() > MAX_CHANGED_PATHS {
            *self = Self::Anything;
        }
    }
}

/// Has something to read when something in the watched directories has changed.
pub struct RegistryWatcher {
    woken: UnixStream,
    watcher: Watcher,
    watched: BTreeSet<PathBuf>,
    changed: Arc<Mutex<Changed>>,
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
        let changed = Arc::new(Mutex::new(Changed::default()));
        let noted = Arc::clone(&changed);
        let watcher = Watcher::new(move |event: notify::Result<notify::Event>| {
            // Opening and reading are no changes; the one who waits does that.
            if event.as_ref().is_ok_and(|event| matches!(event.kind, EventKind::Access(_))) {
                return;
            }
            let mut changed = noted.lock().unwrap_or_else(PoisonError::into_inner);
            match &event {
                Ok(event) => changed.add(event),
                Err(_) => *changed = Changed::Anything,
            }
            drop(changed);
            // Full, it says already what it would say.
            let _ = (&wake).write(&[0]);
        });
        let watcher = watcher.map_err(files::cannot_be_watched)?;
        Ok(Self { woken, watcher, watched: BTreeSet::new(), changed })
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
        let mut gone = Vec::new();
        for new in directories.difference(&self.watched) {
            match self.watcher.watch(new) {
                Ok(()) => any = true,
                Err(error) if new.exists() => return Err(files::cannot_be_watched(error)),
                Err(_) => gone.push(new.clone()),
            }
        }
        self.watched = directories;
        // Should it come back, it is new.
        self.watched.retain(|directory| !gone.contains(directory));
        Ok(any)
    }

    /// What is watched.
    pub fn watched(&self) -> &BTreeSet<PathBuf> {
        &self.watched
    }

    /// What has changed so far, which is forgotten here.
    pub fn take(&self) -> Changed {
        let mut wakes = [0; 64];
        while (&self.woken).read(&mut wakes).is_ok_and(|count| count == wakes.len()) {}
        // After that: what comes now wakes again.
        std::mem::take(&mut *self.changed.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl AsFd for RegistryWatcher {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.woken.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::poll::{Interest, Poll};
    use std::fs;
    use std::time::{Duration, Instant};

    /// What changes until this path is among it.
    fn until_changed(watcher: &RegistryWatcher, path: &Path) {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let mut poll = Poll::default();
            poll.add(watcher, Interest::Reading);
            poll.wait(Some(Duration::from_secs(60))).expect("waits");
            if watcher.take().has(path) {
                return;
            }
            assert!(Instant::now() < end, "{} is never said to have changed", path.display());
        }
    }

    #[test]
    fn the_directory_of_a_change_is_told_and_no_other() {
        let scratch = tempfile::tempdir().expect("a directory");
        let path = |below: &str| scratch.path().canonicalize().expect("a path").join(below);
        for directory in ["a", "b"] {
            fs::create_dir(path(directory)).expect("a directory");
        }
        let mut watcher = RegistryWatcher::new().expect("watches");
        watcher.watch([path("a"), path("b")].into()).expect("watches");
        watcher.take();
        fs::write(path("a/x"), "1").expect("writes");
        until_changed(&watcher, &path("a"));
        fs::write(path("b/x"), "1").expect("writes");
        until_changed(&watcher, &path("b"));
        assert!(!watcher.take().has(&path("a")));
    }

    #[test]
    fn what_has_gone_is_new_when_it_comes_back() {
        let scratch = tempfile::tempdir().expect("a directory");
        let path = scratch.path().join("a");
        let mut watcher = RegistryWatcher::new().expect("watches");
        assert!(!watcher.watch([path.clone()].into()).expect("is left out"));
        fs::create_dir(&path).expect("a directory");
        assert!(watcher.watch([path.clone()].into()).expect("watches"));
        assert_eq!(*watcher.watched(), [path].into());
    }

    #[test]
    fn too_many_changes_may_be_any() {
        let mut changed = Changed::default();
        assert!(!changed.has(Path::new("/x")));
        for at in 0..=MAX_CHANGED_PATHS {
            changed.add(&notify::Event::new(EventKind::Any).add_path(format!("/d/{at}").into()));
        }
        assert_eq!(changed, Changed::Anything);
        assert!(changed.has(Path::new("/x")));
        let mut lost = Changed::default();
        lost.add(&notify::Event::new(EventKind::Other));
        assert_eq!(lost, Changed::Anything);
    }
}

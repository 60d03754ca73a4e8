//! Waiting for files to change, without looking when nothing happened.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use crate::os::file_watch::{Change, FileChange, FileWatch, Told};
use crate::user_error::{UserError, files};

/// So many changed paths are told apart at most. With more, anything may have changed.
const MAX_CHANGED_PATHS: usize = 4096;
/// How often the system is asked in one call. What is left then is there to read again.
const MAX_TAKES: usize = 64;

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

    fn add(&mut self, change: FileChange<()>) {
        let Self::Paths(paths) = self else { return };
        let FileChange { path, what, .. } = change;
        match what {
            Change::Came(name) | Change::Left(name) | Change::Written(name) => {
                paths.insert(path.join(name));
            }
            Change::Itself | Change::Contents => paths.extend(path.parent().map(Path::to_owned)),
            Change::Missed => {
                *self = Self::Anything;
                return;
            }
        }
        paths.insert(path);
        if paths.len() > MAX_CHANGED_PATHS {
            *self = Self::Anything;
        }
    }
}

/// Has something to read when something in the watched directories has changed.
pub struct RegistryWatcher {
    files: FileWatch<()>,
    /// Where the watcher of the system is waited for.
    fd: OwnedFd,
    watched: BTreeSet<PathBuf>,
    /// Those of `watched` of which only the names of the entries are told.
    by_names: BTreeSet<PathBuf>,
}

impl RegistryWatcher {
    /// Watches nothing yet.
    ///
    /// # Errors
    /// When the system's limit of watchers is reached.
    pub fn new() -> Result<Self, UserError> {
        let files = FileWatch::open();
        let none_left = || files::cannot_be_watched(io::Error::from_raw_os_error(libc::EMFILE));
        let fd = files.fd().ok_or_else(none_left)?.try_clone_to_owned();
        let fd = fd.map_err(files::nothing_can_be_waited_for)?;
        Ok(Self { files, fd, watched: BTreeSet::new(), by_names: BTreeSet::new() })
    }

    /// Watches these directories and files from now on, and nothing else. What has gone is left out. Says whether any
    /// is new: what was known of it may be old by then.
    ///
    /// # Errors
    /// When the system's limit of watches is reached.
    pub fn watch(&mut self, paths: BTreeSet<PathBuf>) -> Result<bool, UserError> {
        self.watch_some_by_names(paths, BTreeSet::new())
    }

    /// The same, with directories of which only the names of the entries are told: those that come and go. That is for a
    /// directory that is on the way to something and may have many files, as a home directory.
    ///
    /// # Errors
    /// As `watch`.
    pub fn watch_some_by_names(
        &mut self,
        paths: BTreeSet<PathBuf>,
        by_names: BTreeSet<PathBuf>,
    ) -> Result<bool, UserError> {
        let by_names: BTreeSet<PathBuf> = by_names.difference(&paths).cloned().collect();
        let wanted: BTreeSet<PathBuf> = paths.union(&by_names).cloned().collect();
        let is_kept =
            |path: &PathBuf| wanted.contains(path) && by_names.contains(path) == self.by_names.contains(path);
        let kept: BTreeSet<PathBuf> = self.watched.iter().filter(|path| is_kept(path)).cloned().collect();
        for gone in self.watched.difference(&kept) {
            self.files.unwatch((), gone);
        }
        self.watched = kept;
        self.by_names = by_names;
        let mut any = false;
        for new in wanted.difference(&self.watched.clone()) {
            let told = if self.by_names.contains(new) { Told::Names } else { Told::Contents };
            match self.files.watch((), new, told) {
                Ok(()) => any |= self.watched.insert(new.clone()),
                Err(error) if is_limit(&error) => return Err(files::cannot_be_watched(error)),
                // Should it come back, it is new.
                Err(_) => {}
            }
        }
        Ok(any)
    }

    /// What is watched.
    pub fn watched(&self) -> &BTreeSet<PathBuf> {
        &self.watched
    }

    /// What has changed so far, which is forgotten here. A directory that was removed or moved is not watched any
    /// more.
    pub fn take(&mut self) -> Changed {
        let mut changed = Changed::default();
        for _ in 0..MAX_TAKES {
            let told = self.files.take();
            if told.is_empty() {
                return changed;
            }
            for change in told {
                if change.what == Change::Itself && self.watched.remove(&change.path) {
                    self.files.unwatch((), &change.path);
                }
                changed.add(change);
            }
        }
        changed
    }
}

/// Whether the system is out of something that a watch needs.
fn is_limit(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOSPC | libc::EMFILE | libc::ENFILE | libc::ENOMEM))
}

impl AsFd for RegistryWatcher {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::poll::{Interest, Poll};
    use std::fs;
    use std::time::{Duration, Instant};

    /// What changes until this path is among it.
    fn until_changed(watcher: &mut RegistryWatcher, path: &Path) {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let mut poll = Poll::default();
            poll.add(&*watcher, Interest::Reading);
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
        until_changed(&mut watcher, &path("a"));
        fs::write(path("b/x"), "1").expect("writes");
        until_changed(&mut watcher, &path("b"));
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
    fn what_was_removed_and_made_again_is_new() {
        let scratch = tempfile::tempdir().expect("a directory");
        let path = scratch.path().join("a");
        fs::create_dir(&path).expect("a directory");
        let mut watcher = RegistryWatcher::new().expect("watches");
        assert!(watcher.watch([path.clone()].into()).expect("watches"));
        assert!(!watcher.watch([path.clone()].into()).expect("goes on"));
        fs::remove_dir(&path).expect("removes");
        fs::create_dir(&path).expect("a directory");
        until_changed(&mut watcher, &path);
        assert!(watcher.watch([path.clone()].into()).expect("watches"));
        watcher.take();
        fs::write(path.join("x"), "1").expect("writes");
        until_changed(&mut watcher, &path.join("x"));
    }

    #[test]
    fn of_a_directory_on_the_way_only_the_names_are_told() {
        let scratch = tempfile::tempdir().expect("a directory");
        let path = |below: &str| scratch.path().join(below);
        fs::write(path("old"), "1").expect("writes");
        let mut watcher = RegistryWatcher::new().expect("watches");
        let on_the_way = BTreeSet::from([scratch.path().to_owned()]);
        assert!(watcher.watch_some_by_names(BTreeSet::new(), on_the_way.clone()).expect("watches"));
        fs::write(path("old"), "2").expect("writes");
        assert_eq!(watcher.take(), Changed::default());
        fs::create_dir(path("new")).expect("a directory");
        until_changed(&mut watcher, &path("new"));
        // Somebody wants to know more of it by now.
        assert!(watcher.watch(on_the_way).expect("watches"));
        fs::write(path("old"), "3").expect("writes");
        until_changed(&mut watcher, &path("old"));
    }

    #[test]
    fn too_many_changes_may_be_any() {
        let told = |what| FileChange { who: (), path: "/d".into(), what };
        let mut changed = Changed::default();
        assert!(!changed.has(Path::new("/x")));
        for at in 0..=MAX_CHANGED_PATHS {
            changed.add(told(Change::Came(at.to_string().into())));
        }
        assert_eq!(changed, Changed::Anything);
        assert!(changed.has(Path::new("/x")));
        let mut lost = Changed::default();
        lost.add(told(Change::Missed));
        assert_eq!(lost, Changed::Anything);
    }
}

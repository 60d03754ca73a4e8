//! Notifications of changed files. The crate behind it starts a thread and takes it for granted that it got
//! one: without, it panics at the first use and when it is dropped. Here that is an error.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use notify::{RecommendedWatcher, RecursiveMode};

use super::threads;

/// Watches files and directories.
pub struct Watcher(Option<RecommendedWatcher>);

impl Watcher {
    /// Calls `tell`, in a thread of its own, with what changes.
    ///
    /// # Errors
    /// When no thread can be started, or the system has no watcher left (`fs.inotify.max_user_instances`).
    pub fn new(tell: impl Fn(notify::Result<notify::Event>) + Send + 'static) -> notify::Result<Self> {
        threads::check()?;
        notify::recommended_watcher(tell).map(|watcher| Self(Some(watcher)))
    }

    /// Watches this file, or what is directly in this directory.
    ///
    /// # Errors
    /// When it is not there, the system's limit of watches is reached, or the thread could not be started.
    pub fn watch(&mut self, path: &Path) -> notify::Result<()> {
        self.with(|watcher| notify::Watcher::watch(watcher, path, RecursiveMode::NonRecursive))
    }

    /// Does not watch it any more.
    ///
    /// # Errors
    /// When it was not watched.
    pub fn unwatch(&mut self, path: &Path) -> notify::Result<()> {
        self.with(|watcher| notify::Watcher::unwatch(watcher, path))
    }

    fn with(
        &mut self,
        work: impl FnOnce(&mut RecommendedWatcher) -> notify::Result<()>,
    ) -> notify::Result<()> {
        let gone = || notify::Error::generic("no thread could be started");
        let watcher = self.0.as_mut().ok_or_else(gone)?;
        // The thread was there when it was checked, but not when the crate wanted one.
        catch_unwind(AssertUnwindSafe(|| work(watcher))).unwrap_or_else(|_| {
            // Dropped, it would panic again. One descriptor stays open.
            std::mem::forget(self.0.take());
            Err(gone())
        })
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let watcher = self.0.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(watcher)));
    }
}

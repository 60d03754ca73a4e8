//! One start at a time: who looks whether anybody has a conversation or a name, and then says in a record of
//! its own that it has, must not be overtaken in between by another one that does the same.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long another start may take between its look and its record. Seen: a few milliseconds.
pub const OPEN_LOCK_TIMEOUT: Duration = Duration::from_secs(5);
/// The same where only a name is looked for. Without the lock two sessions may get the same one, and then are
/// told apart by their ids.
pub const NAME_LOCK_TIMEOUT: Duration = Duration::from_secs(1);
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// The right to look and to say so; it ends with this, or with the process.
pub struct OpenLock {
    _directory: File,
}

impl OpenLock {
    /// Waits for the turn, for all that use this state directory: those that have another runtime directory,
    /// or run in a container with the same home, too. The lock is one of the directory itself, so no file is
    /// left of it.
    ///
    /// Nothing where it cannot be had in time: a process that was stopped in the middle of its turn must not
    /// keep every other conversation from being opened.
    pub fn take(state: &Path, timeout: Duration) -> Option<Self> {
        let directory = File::open(state).ok()?;
        let until = Instant::now() + timeout;
        loop {
            match directory.try_lock() {
                Ok(()) => return Some(Self { _directory: directory }),
                Err(TryLockError::WouldBlock) if Instant::now() < until => sleep(POLL_INTERVAL),
                Err(_) => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn only_one_has_it_and_nothing_is_left() {
        let scratch = tempfile::tempdir().expect("a directory");
        let taken = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let turn = OpenLock::take(scratch.path(), OPEN_LOCK_TIMEOUT).expect("a turn");
                        assert!(!taken.swap(true, Ordering::SeqCst), "two have it");
                        std::thread::yield_now();
                        taken.store(false, Ordering::SeqCst);
                        drop(turn);
                    }
                });
            }
        });
        assert_eq!(std::fs::read_dir(scratch.path()).expect("lists").count(), 0);
    }
}

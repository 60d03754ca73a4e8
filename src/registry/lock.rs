//! The lock of a session: who has it is, or is about to be, the session's host.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use crate::os::files;
use crate::os::files::{open_own, open_plain};
use crate::paths;
use crate::user_error;

/// How long a lock that somebody has may turn out to be only looked at.
const ONLY_LOOKED_AT: Duration = Duration::from_millis(50);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The name of the lock in a session's directory.
pub const LOCK_NAME: &str = "host.lock";

/// Held by the host of a session for as long as it runs, and by whoever starts one until that has it; gone
/// with them, however they end.
pub struct Lock(File);

impl Lock {
    /// Takes the lock of a session.
    ///
    /// # Errors
    /// When another host has it, or the directory cannot be written.
    pub fn take(directory: &Path) -> io::Result<Self> {
        let path = directory.join(LOCK_NAME);
        let file = open_own(&path, false).map_err(|error| cannot_lock(&path, &error))?;
        let until = Instant::now() + ONLY_LOOKED_AT;
        loop {
            match file.try_lock() {
                Ok(()) => {
                    // Says since when it is held.
                    let _ = file.set_modified(SystemTime::now());
                    return Ok(Self(file));
                }
                // Perhaps somebody has only looked whether it is held.
                Err(TryLockError::WouldBlock) if Instant::now() < until => sleep(POLL_INTERVAL),
                Err(TryLockError::WouldBlock) => {
                    return Err(io::Error::other(user_error::session::has_a_host()));
                }
                Err(TryLockError::Error(error)) => return Err(cannot_lock(&path, &error)),
            }
        }
    }

    /// Where the locked file is now, which somebody may have moved; nothing where it was removed, or that is
    /// not known.
    pub fn path(&self) -> Option<PathBuf> {
        files::path_of(&self.0)
    }

    /// Whether it is the lock of this directory, and not of one that had its name before.
    pub fn is_in(&self, directory: &Path) -> bool {
        let identity = |found: fs::Metadata| (found.dev(), found.ino());
        let there = fs::symlink_metadata(directory.join(LOCK_NAME)).ok().map(identity);
        there.is_some() && there == self.0.metadata().ok().map(identity)
    }

    /// How long ago somebody took the lock of this directory last; nothing where nobody has.
    pub fn age(directory: &Path) -> Option<Duration> {
        let taken =
            fs::symlink_metadata(directory.join(LOCK_NAME)).and_then(|found| found.modified()).ok()?;
        taken.elapsed().ok()
    }

    /// Whether a session has a host, or is about to get one.
    pub fn is_held(directory: &Path) -> bool {
        // Two who look do not see each other.
        let held = |file: File| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
        open_plain(&directory.join(LOCK_NAME)).is_ok_and(held)
    }
}

/// Why a lock cannot be taken. Some network and FUSE file systems know no locks: that is told apart.
fn cannot_lock(path: &Path, error: &io::Error) -> io::Error {
    let unknown =
        matches!(error.raw_os_error(), Some(libc::ENOLCK | libc::ENOSYS | libc::EOPNOTSUPP | libc::EINVAL));
    let reason = if unknown {
        user_error::files::has_no_locks(path, error)
    } else {
        user_error::files::cannot_be_locked(path, error, paths::advice_for(error))
    };
    io::Error::new(error.kind(), reason)
}

/// The lock as another process has taken it, which has sent it here.
impl From<OwnedFd> for Lock {
    fn from(fd: OwnedFd) -> Self {
        Self(fd.into())
    }
}

impl AsFd for Lock {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// It stays locked for as long as one duplicate of the descriptor is open anywhere.
impl From<Lock> for OwnedFd {
    fn from(lock: Lock) -> Self {
        lock.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_known_where_it_was_moved_and_not_in_another_one_s_place() {
        let scratch = tempfile::tempdir().expect("a directory");
        let (before, after) = (scratch.path().join("before"), scratch.path().join("after"));
        fs::create_dir(&before).expect("makes it");
        let lock = Lock::take(&before).expect("locks");
        assert!(lock.is_in(&before) && Lock::is_held(&before));
        assert!(Lock::age(&before).is_some_and(|age| age < Duration::from_secs(3)));
        fs::rename(&before, &after).expect("moves it");
        assert!(lock.is_in(&after) && !lock.is_in(&before));
        if cfg!(target_os = "linux") {
            assert_eq!(lock.path(), Some(after.join(LOCK_NAME)));
        }
        fs::remove_file(after.join(LOCK_NAME)).expect("removes it");
        assert_eq!(lock.path(), None);
        let _other = Lock::take(&after).expect("another file");
        assert!(!lock.is_in(&after));
    }

    #[test]
    fn a_file_system_without_locks_is_told_apart() {
        let said =
            |number| cannot_lock(Path::new("/a\nb"), &io::Error::from_raw_os_error(number)).to_string();
        for number in [libc::ENOLCK, libc::EOPNOTSUPP, libc::ENOSYS] {
            let said = said(number);
            assert!(
                said.starts_with("/a\\nb cannot be locked: ") && said.contains("has no file locks"),
                "{said}"
            );
            assert!(said.contains("set XDG_STATE_HOME"), "{said}");
        }
        assert!(!said(libc::EACCES).contains("no file locks"));
    }
}

//! Waits for somebody to log in: the file with claude's login changes.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use notify::EventKind;

use crate::claude::config_dir;
use crate::claude::resumed_turn::CREDENTIALS;
use crate::os::watcher::Watcher;

/// A watch of the directory that the file is in: it is replaced, not rewritten.
pub struct LoginWatch {
    woken: UnixStream,
    _watcher: Watcher,
}

impl LoginWatch {
    /// Begins to watch. Nothing where there is no directory, or where the system has no watcher left.
    pub fn new() -> Option<Self> {
        let directory = config_dir()?;
        let (woken, wake) = Self::pair().ok()?;
        let is_login = |path: &std::path::PathBuf| path.file_name() == Path::new(CREDENTIALS).file_name();
        let watcher = Watcher::new(move |event| {
            let is_change = event.is_ok_and(|event| {
                !matches!(event.kind, EventKind::Access(_)) && event.paths.iter().any(is_login)
            });
            if is_change {
                // Full, it says already what it would say.
                let _ = (&wake).write(&[0]);
            }
        });
        let mut watcher = watcher.ok()?;
        watcher.watch(&directory).ok()?;
        Some(Self { woken, _watcher: watcher })
    }

    fn pair() -> io::Result<(UnixStream, UnixStream)> {
        let (woken, wake) = UnixStream::pair()?;
        woken.set_nonblocking(true)?;
        wake.set_nonblocking(true)?;
        Ok((woken, wake))
    }

    /// Takes note of the changes that were told.
    pub fn take(&self) {
        let mut bytes = [0; 64];
        while (&self.woken).read(&mut bytes).is_ok_and(|count| count == bytes.len()) {}
    }
}

impl AsFd for LoginWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.woken.as_fd()
    }
}

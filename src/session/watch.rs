//! Waits for claude's state file to appear and to change, without looking when nothing happened.

use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use nix::unistd::Pid;
use notify::event::ModifyKind;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use crate::claude::state_file::{self, StateFile};

/// More changed paths than this, and the directory is searched instead.
const MOST_PATHS: usize = 64;

/// The state file of one child.
///
/// Until it is found its directory is watched, which all of the user's sessions write to; then the file alone.
pub struct StateWatch {
    child: Pid,
    directory: PathBuf,
    changes: Arc<Changes>,
    /// Has something to read when something may have changed.
    woken: UnixStream,
    watcher: Option<RecommendedWatcher>,
    watched: Option<PathBuf>,
    file: Option<PathBuf>,
}

/// What a watch wakes the host with; made before claude is started, when it may still fail.
pub struct Wake(UnixStream, UnixStream);

impl Wake {
    /// # Errors
    /// When the process is out of descriptors.
    pub fn new() -> io::Result<Self> {
        let (woken, wake) = UnixStream::pair()?;
        woken.set_nonblocking(true)?;
        wake.set_nonblocking(true)?;
        Ok(Self(woken, wake))
    }
}

struct Changes {
    wake: UnixStream,
    noted: Mutex<Noted>,
}

#[derive(Default)]
struct Noted {
    paths: HashSet<PathBuf>,
    /// What was watched has been removed or replaced, so that nothing is watched any more.
    lost: bool,
}

impl Changes {
    fn wake(&self) {
        // Full, it says already what it would say.
        let _ = (&self.wake).write(&[0]);
    }

    fn note(&self, event: notify::Result<notify::Event>) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            // Opening and reading are no changes; we do that ourselves.
            Ok(event) if matches!(event.kind, EventKind::Access(_)) => return,
            Ok(event) => {
                noted.lost |=
                    matches!(event.kind, EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)));
                noted.paths.extend(event.paths);
            }
            Err(_) => noted.lost = true,
        }
        drop(noted);
        self.wake();
    }

    fn take(&self) -> Noted {
        std::mem::take(&mut self.noted.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl StateWatch {
    /// Begins to watch. Without a directory to watch, or where the system refuses (its limit of watches is reached),
    /// nothing is ever found, and the session runs all the same.
    pub fn new(child: Pid, Wake(woken, wake): Wake) -> Self {
        let changes = Arc::new(Changes { wake, noted: Mutex::default() });
        let noted = Arc::clone(&changes);
        let watcher = notify::recommended_watcher(move |event| noted.note(event));
        let mut watch = Self {
            child,
            directory: state_file::directory().unwrap_or_default(),
            changes,
            woken,
            watcher: watcher.ok(),
            watched: None,
            file: None,
        };
        watch.aim();
        // What is there already raises no event.
        watch.changes.wake();
        watch
    }

    /// Whether nothing is watched, so that no change is ever told.
    pub fn is_blind(&self) -> bool {
        self.watched.is_none()
    }

    /// Looks at what changed. The state file's pid and contents, when it is there and whole.
    pub fn look(&mut self) -> Option<(Pid, StateFile)> {
        let mut wakes = [0; 64];
        while (&self.woken).read(&mut wakes).is_ok_and(|count| count == wakes.len()) {}
        let Noted { paths, lost } = self.changes.take();
        if lost {
            self.stop_watching();
            self.aim();
        }
        if self
            .file
            .as_ref()
            .is_some_and(|file| state_file::distance(file, self.child).is_none() && !file.exists())
        {
            self.file = None;
        }
        if self.file.is_none() {
            self.aim();
            let direct = paths.iter().all(|path| path.parent() == Some(&self.directory));
            self.file = if direct && !paths.is_empty() && paths.len() < MOST_PATHS {
                let nearest =
                    paths.iter().filter_map(|path| Some((state_file::distance(path, self.child)?, path)));
                nearest.min().map(|(_, path)| path.clone())
            } else {
                state_file::find(&self.directory, self.child)
            };
            if self.file.is_some() {
                self.aim();
            }
        }
        let file = self.file.as_ref()?;
        Some((state_file::pid_of(file)?, StateFile::read(file)?))
    }

    fn stop_watching(&mut self) {
        if let (Some(watcher), Some(before)) = (&mut self.watcher, self.watched.take()) {
            let _ = watcher.unwatch(&before);
        }
    }

    /// Watches what there is to watch: the file, its directory, or the nearest directory above that exists.
    fn aim(&mut self) {
        let target = match &self.file {
            Some(file) => Some(file.as_path()),
            None => self.directory.ancestors().find(|path| path.is_dir()),
        };
        let Some(target) = target.map(Path::to_path_buf) else { return };
        if self.watched.as_ref() == Some(&target) {
            return;
        }
        self.stop_watching();
        let Some(watcher) = &mut self.watcher else { return };
        if watcher.watch(&target, RecursiveMode::NonRecursive).is_ok() {
            // It may have changed, or the next directory may have been made, before the watch was there.
            if self.file.is_none()
                && target != self.directory
                && self.directory.ancestors().find(|path| path.is_dir()) != Some(&target)
            {
                self.changes.wake();
            }
            self.watched = Some(target);
        }
    }
}

impl AsFd for StateWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.woken.as_fd()
    }
}

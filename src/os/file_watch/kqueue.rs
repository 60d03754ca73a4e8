//! The watcher on macOS. Never run: see `docs/user/platforms.md`.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::sys::event::{EvFlags, EventFilter, FilterFlag, KEvent, Kqueue};

use super::{Change, FileChange, Told};

/// No time to wait.
const NOTHING: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 0 };

/// Has something to read when something has happened. What has happened to which entry is not told. A symbolic
/// link itself is not watched, because a queue needs what it watches open.
pub struct FileWatch<W> {
    /// Nothing while no descriptor is left.
    queue: Option<Kqueue>,
    wishes: Vec<Wish<W>>,
}

/// What somebody wants to be told.
struct Wish<W> {
    who: W,
    path: PathBuf,
    told: Told,
    file: File,
}

impl<W: Copy + PartialEq> FileWatch<W> {
    /// Watches nothing yet. Where no descriptor is left, nothing can be watched before
    /// [`try_again`](Self::try_again).
    pub fn open() -> Self {
        Self { queue: Kqueue::new().ok(), wishes: Vec::new() }
    }

    /// Asks the system again for the watcher that it did not have.
    pub fn try_again(&mut self) {
        if self.queue.is_none() {
            self.queue = Kqueue::new().ok();
        }
    }

    /// Has this path watched, too.
    ///
    /// # Errors
    /// When it cannot be opened, or no descriptor is left.
    pub fn watch(&mut self, who: W, path: &Path, told: Told) -> io::Result<()> {
        let queue = self.queue.as_ref().ok_or_else(|| io::Error::from_raw_os_error(libc::EMFILE))?;
        // Somebody may have put a pipe there, which would keep its reader waiting.
        let file =
            OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)?;
        let itself = FilterFlag::NOTE_DELETE | FilterFlag::NOTE_RENAME;
        let what = match told {
            Told::Itself => FilterFlag::NOTE_ATTRIB,
            Told::Entries | Told::Arrival(_) => FilterFlag::NOTE_WRITE,
            Told::Contents => FilterFlag::NOTE_WRITE | FilterFlag::NOTE_EXTEND,
        };
        let place = file.as_raw_fd() as usize;
        let flags = EvFlags::EV_ADD | EvFlags::EV_CLEAR;
        let change = KEvent::new(place, EventFilter::EVFILT_VNODE, flags, itself | what, 0, 0);
        queue.kevent(&[change], &mut [], Some(NOTHING))?;
        self.wishes.push(Wish { who, path: path.to_owned(), told, file });
        Ok(())
    }

    /// Tells this one nothing more of this path.
    pub fn unwatch(&mut self, who: W, path: &Path) {
        // A queue forgets what is closed.
        self.wishes.retain(|wish| wish.who != who || wish.path != path);
    }

    /// Tells this one nothing more.
    pub fn unwatch_all(&mut self, who: W) {
        self.wishes.retain(|wish| wish.who != who);
    }

    /// What has happened since the last call.
    pub fn take(&mut self) -> Vec<FileChange<W>> {
        let none = KEvent::new(0, EventFilter::EVFILT_VNODE, EvFlags::empty(), FilterFlag::empty(), 0, 0);
        let (mut events, mut found) = ([none; 8], Vec::new());
        let Some(queue) = &self.queue else { return found };
        while let Ok(count @ 1..) = queue.kevent(&[], &mut events, Some(NOTHING)) {
            for event in &events[..count] {
                let is_it = |wish: &&Wish<W>| wish.file.as_raw_fd() as usize == event.ident();
                let Some(wish) = self.wishes.iter().find(is_it) else { continue };
                let is_gone = event.fflags().intersects(FilterFlag::NOTE_DELETE | FilterFlag::NOTE_RENAME);
                let what = match wish.told {
                    Told::Contents if !is_gone => Change::Contents,
                    _ => Change::Itself,
                };
                found.push(FileChange { who: wish.who, path: wish.path.clone(), what });
            }
        }
        found
    }

    /// What has something to read; nothing while there is no watcher.
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.queue.as_ref().map(AsFd::as_fd)
    }
}

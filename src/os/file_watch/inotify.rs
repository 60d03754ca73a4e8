//! The watcher on Linux.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent, WatchDescriptor};

use super::{Change, FileChange, Told};

/// How often is read in one call. What is left then is there to read again.
const MAX_READS: usize = 16;

/// Has something to read when something has happened.
pub struct FileWatch<W> {
    /// Nothing while the system has none left.
    inotify: Option<Inotify>,
    watches: Vec<Watch<W>>,
}

/// The system watches a file once, however many want to be told of it.
struct Watch<W> {
    descriptor: WatchDescriptor,
    wishes: Vec<Wish<W>>,
}

/// What somebody wants to be told.
struct Wish<W> {
    who: W,
    path: PathBuf,
    told: Told,
    /// What the system is asked for.
    flags: AddWatchFlags,
}

impl Told {
    /// What the system is asked for of this path.
    ///
    /// Of a directory it tells each change of an entry's mode or times together with those of the directory. On
    /// the way to a path these are of no use, and would wake whoever waits at every one in the home directory.
    fn flags_for(&self, path: &Path) -> AddWatchFlags {
        let is_directory = || path.symlink_metadata().is_ok_and(|found| found.is_dir());
        if *self == Self::Names || *self == Self::Itself && is_directory() {
            return self.flags() - AddWatchFlags::IN_ATTRIB;
        }
        self.flags()
    }

    fn flags(&self) -> AddWatchFlags {
        // A change of the mode may be what allows the next try; the last link to a symbolic link is told as
        // such a change, too.
        let itself = AddWatchFlags::IN_DELETE_SELF | AddWatchFlags::IN_MOVE_SELF | AddWatchFlags::IN_ATTRIB;
        let comes = AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO;
        let leaves = AddWatchFlags::IN_DELETE | AddWatchFlags::IN_MOVED_FROM;
        match self {
            Self::Itself => itself,
            Self::Names => itself | comes | leaves,
            Self::Entries => itself | leaves | AddWatchFlags::IN_MOVED_TO | AddWatchFlags::IN_CLOSE_WRITE,
            Self::Arrival(_) => itself | comes,
            Self::Contents => itself | comes | leaves | AddWatchFlags::IN_MODIFY,
        }
    }

    /// How a path is looked up.
    fn lookup(&self) -> AddWatchFlags {
        match self {
            Self::Itself | Self::Arrival(_) => AddWatchFlags::IN_DONT_FOLLOW,
            Self::Names => AddWatchFlags::IN_ONLYDIR,
            Self::Entries => AddWatchFlags::IN_DONT_FOLLOW | AddWatchFlags::IN_ONLYDIR,
            Self::Contents => AddWatchFlags::empty(),
        }
    }

    /// What this event means to somebody who wants to be told this; nothing where it means nothing.
    fn change(&self, event: &InotifyEvent) -> Option<Change> {
        let is = |flags: AddWatchFlags| event.mask.intersects(flags & self.flags());
        match &event.name {
            None if event.mask.contains(AddWatchFlags::IN_UNMOUNT) => Some(Change::Itself),
            None if is(AddWatchFlags::IN_MODIFY) => Some(Change::Contents),
            None => is(self.flags()).then_some(Change::Itself),
            Some(name) => match self {
                Self::Itself => None,
                Self::Arrival(awaited) => {
                    let comes = is(AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO);
                    (comes && name == awaited).then_some(Change::Itself)
                }
                Self::Names | Self::Entries | Self::Contents => {
                    let name = || name.clone();
                    if is(AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO) {
                        Some(Change::Came(name()))
                    } else if is(AddWatchFlags::IN_DELETE | AddWatchFlags::IN_MOVED_FROM) {
                        Some(Change::Left(name()))
                    } else {
                        // Anything else is the mode or the times of an entry.
                        is(AddWatchFlags::IN_CLOSE_WRITE | AddWatchFlags::IN_MODIFY)
                            .then(|| Change::Written(name()))
                    }
                }
            },
        }
    }
}

impl<W: Copy + PartialEq> FileWatch<W> {
    /// Watches nothing yet. Where the system has no watcher left, nothing can be watched before
    /// [`try_again`](Self::try_again).
    pub fn open() -> Self {
        Self { inotify: inotify(), watches: Vec::new() }
    }

    /// Asks the system again for the watcher that it did not have.
    pub fn try_again(&mut self) {
        if self.inotify.is_none() {
            self.inotify = inotify();
        }
    }

    /// Has this path watched, too.
    ///
    /// # Errors
    /// When it is not there, cannot be read or is no directory where one is meant, and when a limit of the
    /// system is reached.
    pub fn watch(&mut self, who: W, path: &Path, told: Told) -> io::Result<()> {
        let inotify = self.inotify.as_ref().ok_or_else(|| io::Error::from_raw_os_error(libc::EMFILE))?;
        // What others want of this file stays.
        let added = AddWatchFlags::from_bits_retain(libc::IN_MASK_ADD);
        let flags = told.flags_for(path);
        let descriptor = inotify.add_watch(path, flags | told.lookup() | added)?;
        let wish = Wish { who, path: path.to_owned(), told, flags };
        match self.watches.iter_mut().find(|watch| watch.descriptor == descriptor) {
            Some(watch) => watch.wishes.push(wish),
            None => self.watches.push(Watch { descriptor, wishes: vec![wish] }),
        }
        Ok(())
    }

    /// Tells this one nothing more of this path.
    pub fn unwatch(&mut self, who: W, path: &Path) {
        self.drop_wishes(|wish| wish.who == who && wish.path == path);
    }

    /// Tells this one nothing more.
    pub fn unwatch_all(&mut self, who: W) {
        self.drop_wishes(|wish| wish.who == who);
    }

    fn drop_wishes(&mut self, is_dropped: impl Fn(&Wish<W>) -> bool) {
        let Some(inotify) = &self.inotify else { return };
        for watch in &mut self.watches {
            let before = watch.wishes.len();
            watch.wishes.retain(|wish| !is_dropped(wish));
            if watch.wishes.is_empty() {
                let _ = inotify.rm_watch(watch.descriptor);
            } else if watch.wishes.len() < before {
                narrow(inotify, watch);
            }
        }
        self.watches.retain(|watch| !watch.wishes.is_empty());
    }

    /// What has happened since the last call.
    pub fn take(&mut self) -> Vec<FileChange<W>> {
        let mut found = Vec::new();
        for _ in 0..MAX_READS {
            let Some(Ok(events)) = self.inotify.as_ref().map(Inotify::read_events) else { break };
            for event in events {
                self.note(&event, &mut found);
            }
        }
        found
    }

    fn note(&mut self, event: &InotifyEvent, found: &mut Vec<FileChange<W>>) {
        let is_overflow = event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW);
        // The end of a watch follows what has ended it.
        if event.mask.contains(AddWatchFlags::IN_IGNORED) {
            self.watches.retain(|watch| watch.descriptor != event.wd);
            return;
        }
        for watch in self.watches.iter().filter(|watch| is_overflow || watch.descriptor == event.wd) {
            for wish in &watch.wishes {
                let what = if is_overflow { Some(Change::Missed) } else { wish.told.change(event) };
                let change = what.map(|what| FileChange { who: wish.who, path: wish.path.clone(), what });
                found.extend(change.filter(|change| found.last() != Some(change)));
            }
        }
    }

    /// What has something to read; nothing while there is no watcher.
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.inotify.as_ref().map(AsFd::as_fd)
    }
}

fn inotify() -> Option<Inotify> {
    if crate::fault::is_set("no-watcher") {
        return None;
    }
    Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK).ok()
}

/// Has the system tell no more of a file than is still wanted.
fn narrow<W>(inotify: &Inotify, watch: &Watch<W>) {
    let flags = watch.wishes.iter().fold(AddWatchFlags::empty(), |flags, wish| flags | wish.flags);
    let Some(wish) = watch.wishes.first() else { return };
    let Ok(descriptor) = inotify.add_watch(&wish.path, flags | wish.told.lookup()) else { return };
    if descriptor != watch.descriptor {
        // Something else has this path by now. It is told soon, and the watch goes on as it was.
        let _ = inotify.rm_watch(descriptor);
    }
}

//! Says when directories, and what is in them, were removed or moved. Nothing is looked at while nothing
//! happens.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

/// What has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removal {
    /// A part of a watched path was removed, moved or replaced, or something has changed that the system does
    /// not name.
    Unnamed,
    /// An entry of a watched directory was removed or moved away.
    Left(OsString),
    /// An entry was moved into a watched directory, perhaps in place of another one.
    Came(OsString),
    /// An entry of a watched directory was written.
    Written(OsString),
}

/// Has something to read when something was removed, moved or replaced.
pub struct Removals {
    #[cfg(target_os = "linux")]
    inotify: nix::sys::inotify::Inotify,
    /// The directory whose entries are told.
    #[cfg(target_os = "linux")]
    entries: Option<nix::sys::inotify::WatchDescriptor>,
    /// The part of a watched path that does not exist: its name, and the directory in which it is to appear.
    #[cfg(target_os = "linux")]
    missing: Option<(nix::sys::inotify::WatchDescriptor, OsString)>,
    #[cfg(not(target_os = "linux"))]
    queue: nix::sys::event::Kqueue,
    /// What a queue watches it must have open.
    #[cfg(not(target_os = "linux"))]
    open: Vec<std::fs::File>,
}

/// The most symbolic links that are followed in one path, as the kernel has it.
const MAX_LINKS: usize = 40;

/// What a path leads through, from the root: directories, and the symbolic links themselves. Ends at the
/// first part that does not exist, which is included.
fn parts_of(path: &Path) -> Vec<PathBuf> {
    let own =
        |path: &Path| path.components().map(|part| part.as_os_str().to_owned()).rev().collect::<Vec<_>>();
    let (mut rest, mut at, mut parts, mut links) = (own(path), PathBuf::new(), Vec::new(), 0);
    while let Some(part) = rest.pop() {
        if part == ".." {
            at.pop();
            continue;
        }
        let next = at.join(&part);
        let Ok(found) = std::fs::symlink_metadata(&next) else {
            parts.push(next);
            break;
        };
        parts.push(next.clone());
        if !found.is_symlink() {
            at = next;
            continue;
        }
        links += 1;
        match std::fs::read_link(&next) {
            // An absolute target begins with the root, which takes the place of all before it.
            Ok(target) if links <= MAX_LINKS => rest.extend(own(&target)),
            _ => break,
        }
    }
    parts
}

#[cfg(target_os = "linux")]
impl Removals {
    /// Watches nothing yet.
    ///
    /// # Errors
    /// When the system's limit of watchers (`fs.inotify.max_user_instances`) is reached.
    pub fn new() -> io::Result<Self> {
        use nix::sys::inotify::{InitFlags, Inotify};
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        Ok(Self { inotify, entries: None, missing: None })
    }

    /// Watches a directory, whether something leaves it or is moved into it, and what is written in it.
    ///
    /// # Errors
    /// When it is no directory, cannot be read, or the limit of watches is reached.
    pub fn watch_entries(&mut self, directory: &Path) -> io::Result<()> {
        use nix::sys::inotify::AddWatchFlags;
        let entries = AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_MOVED_FROM
            | AddWatchFlags::IN_MOVED_TO
            | AddWatchFlags::IN_CLOSE_WRITE;
        self.entries = Some(self.add(directory, entries | AddWatchFlags::IN_ONLYDIR)?);
        Ok(())
    }

    /// Watches all that a path leads through, symbolic links included: whether it is removed, moved or
    /// replaced. Where a part does not exist, the directory is watched in which it is to appear.
    ///
    /// Parts that cannot be watched are left out. They are not this user's, and not for this user to move.
    pub fn watch_path(&mut self, path: &Path) {
        use nix::sys::inotify::AddWatchFlags;
        for part in parts_of(path) {
            if self.add(&part, AddWatchFlags::empty()).is_ok() {
                continue;
            }
            let (Some(above), Some(name)) = (part.parent(), part.file_name()) else { continue };
            if std::fs::symlink_metadata(&part).is_err() {
                let comes = AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO;
                self.missing = self.add(above, comes).ok().map(|watch| (watch, name.to_owned()));
            }
        }
    }

    /// Watches a file, whether it is removed, moved or replaced. One that cannot be watched is left out.
    pub fn watch_file(&mut self, file: &Path) {
        let _ = self.add(file, nix::sys::inotify::AddWatchFlags::empty());
    }

    fn add(
        &mut self,
        path: &Path,
        what: nix::sys::inotify::AddWatchFlags,
    ) -> io::Result<nix::sys::inotify::WatchDescriptor> {
        use nix::sys::inotify::AddWatchFlags;
        // A change of the mode may be what allows the next try; the last link to a symbolic link is told as
        // such a change, too.
        let itself = AddWatchFlags::IN_DELETE_SELF | AddWatchFlags::IN_MOVE_SELF | AddWatchFlags::IN_ATTRIB;
        let how = AddWatchFlags::IN_DONT_FOLLOW | AddWatchFlags::from_bits_retain(libc::IN_MASK_ADD);
        Ok(self.inotify.add_watch(path, itself | how | what)?)
    }

    fn is_missing(&self, directory: nix::sys::inotify::WatchDescriptor, name: &std::ffi::OsStr) -> bool {
        self.missing.as_ref().is_some_and(|missing| missing.0 == directory && missing.1 == name)
    }

    /// What has happened since the last call.
    pub fn take(&self) -> Vec<Removal> {
        use nix::sys::inotify::AddWatchFlags;
        let mut found = Vec::new();
        while let Ok(events) = self.inotify.read_events() {
            for event in events {
                let is_entry = self.entries == Some(event.wd);
                found.push(match event.name {
                    // The mode or the times of an entry.
                    Some(_) if event.mask.contains(AddWatchFlags::IN_ATTRIB) => continue,
                    Some(name) if is_entry && event.mask.contains(AddWatchFlags::IN_MOVED_TO) => {
                        Removal::Came(name)
                    }
                    Some(name) if is_entry && event.mask.contains(AddWatchFlags::IN_CLOSE_WRITE) => {
                        Removal::Written(name)
                    }
                    Some(name) if is_entry => Removal::Left(name),
                    Some(name) if self.is_missing(event.wd, &name) => Removal::Unnamed,
                    Some(_) => continue,
                    // The end of a watch follows what has ended it.
                    None if event.mask.contains(AddWatchFlags::IN_IGNORED) => continue,
                    None => Removal::Unnamed,
                });
            }
        }
        found
    }
}

#[cfg(target_os = "linux")]
impl AsFd for Removals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}

/// Never run: see `docs/user/platforms.md`.
#[cfg(not(target_os = "linux"))]
impl Removals {
    /// Watches nothing yet.
    ///
    /// # Errors
    /// When no descriptor is left.
    pub fn new() -> io::Result<Self> {
        Ok(Self { queue: nix::sys::event::Kqueue::new()?, open: Vec::new() })
    }

    /// Watches a directory and its entries. What has happened to which entry is not told.
    ///
    /// # Errors
    /// When it cannot be opened, or no descriptor is left.
    pub fn watch_entries(&mut self, directory: &Path) -> io::Result<()> {
        self.add(directory, nix::sys::event::FilterFlag::NOTE_WRITE)
    }

    /// Watches all that a path leads through: whether it is removed or moved. Where a part does not exist,
    /// the directory is watched in which it is to appear. A symbolic link itself is not watched, because a
    /// queue needs what it watches open.
    pub fn watch_path(&mut self, path: &Path) {
        use nix::sys::event::FilterFlag;
        for part in parts_of(path) {
            if self.add(&part, FilterFlag::NOTE_ATTRIB).is_err()
                && let Some(above) = part.parent()
            {
                let _ = self.add(above, FilterFlag::NOTE_WRITE);
            }
        }
    }

    /// Watches a file, whether it is removed, moved or replaced. One that cannot be watched is left out.
    pub fn watch_file(&mut self, file: &Path) {
        let _ = self.add(file, nix::sys::event::FilterFlag::NOTE_ATTRIB);
    }

    fn add(&mut self, directory: &Path, what: nix::sys::event::FilterFlag) -> io::Result<()> {
        use nix::sys::event::{EvFlags, EventFilter, FilterFlag, KEvent};
        use std::os::fd::AsRawFd;
        let file = std::fs::File::open(directory)?;
        let what = what | FilterFlag::NOTE_DELETE | FilterFlag::NOTE_RENAME;
        let flags = EvFlags::EV_ADD | EvFlags::EV_CLEAR;
        let place = file.as_raw_fd() as usize;
        let change = KEvent::new(place, EventFilter::EVFILT_VNODE, flags, what, 0, 0);
        self.queue.kevent(&[change], &mut [], Some(NOTHING))?;
        self.open.push(file);
        Ok(())
    }

    /// Whether something has happened since the last call.
    pub fn take(&self) -> Vec<Removal> {
        use nix::sys::event::{EvFlags, EventFilter, FilterFlag, KEvent};
        let none = KEvent::new(0, EventFilter::EVFILT_VNODE, EvFlags::empty(), FilterFlag::empty(), 0, 0);
        let mut events = [none; 8];
        let mut found = Vec::new();
        while self.queue.kevent(&[], &mut events, Some(NOTHING)).is_ok_and(|count| count > 0) {
            found = vec![Removal::Unnamed];
        }
        found
    }
}

/// No time to wait.
#[cfg(not(target_os = "linux"))]
const NOTHING: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 0 };

#[cfg(not(target_os = "linux"))]
impl AsFd for Removals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::fs;

    use super::*;

    fn directory(path: &Path) {
        fs::create_dir(path).expect("makes it");
    }

    #[test]
    fn what_leaves_a_directory_and_what_is_written_in_it_is_told() {
        let scratch = tempfile::tempdir().expect("a directory");
        let watched = scratch.path().join("watched");
        directory(&watched);
        let mut removals = Removals::new().expect("a watcher");
        removals.watch_entries(&watched).expect("watches");
        let name = OsString::from;
        fs::write(watched.join("a"), "1").expect("writes");
        assert_eq!(removals.take(), [Removal::Written(name("a"))]);
        fs::rename(watched.join("a"), watched.join("b")).expect("renames");
        fs::remove_file(watched.join("b")).expect("removes");
        assert_eq!(
            removals.take(),
            [Removal::Left(name("a")), Removal::Came(name("b")), Removal::Left(name("b"))]
        );
        fs::rename(&watched, scratch.path().join("moved")).expect("renames");
        assert_eq!(removals.take(), [Removal::Unnamed]);
        fs::remove_dir(scratch.path().join("moved")).expect("removes");
        assert!(removals.take().contains(&Removal::Unnamed));
    }

    #[test]
    fn of_a_path_each_part_is_watched_for_itself_alone() {
        let scratch = tempfile::tempdir().expect("a directory");
        let above = scratch.path().join("above");
        directory(&above);
        directory(&above.join("below"));
        let mut removals = Removals::new().expect("a watcher");
        removals.watch_path(&above.join("below"));
        fs::write(above.join("a"), "").expect("writes");
        fs::remove_file(above.join("a")).expect("removes");
        assert_eq!(removals.take(), []);
        fs::rename(&above, scratch.path().join("moved")).expect("renames");
        assert_eq!(removals.take(), [Removal::Unnamed]);
    }

    #[test]
    fn a_link_in_a_path_that_is_replaced_is_told() {
        use std::os::unix::fs::symlink;
        let scratch = tempfile::tempdir().expect("a directory");
        let path = |name: &str| scratch.path().join(name);
        for name in ["one", "two", "one/below", "two/below"] {
            directory(&path(name));
        }
        symlink("one", path("link")).expect("links");
        let mut removals = Removals::new().expect("a watcher");
        removals.watch_path(&path("link/below"));
        assert_eq!(removals.take(), []);
        symlink(path("two"), path("new")).expect("links");
        assert_eq!(removals.take(), []);
        fs::rename(path("new"), path("link")).expect("replaces");
        assert!(removals.take().contains(&Removal::Unnamed));
        assert!(parts_of(&path("link/below")).ends_with(&[path("two"), path("two/below")]));
    }

    #[test]
    fn a_part_that_is_missing_is_told_when_it_comes() {
        let scratch = tempfile::tempdir().expect("a directory");
        let mut removals = Removals::new().expect("a watcher");
        removals.watch_path(&scratch.path().join("missing/below"));
        directory(&scratch.path().join("another"));
        assert_eq!(removals.take(), []);
        directory(&scratch.path().join("missing"));
        assert_eq!(removals.take(), [Removal::Unnamed]);
    }
}

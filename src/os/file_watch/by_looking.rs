//! The watcher for a system that says only which of the open files has changed: what has changed is seen by a
//! full look at it. So nothing is ever taken from an event but that there is one.
//!
//! A file is watched only while it is open. Of a directory so many files are open at most as
//! [`listing::files_of_each`] says: those that were written last. Of a directory on the way to something no file
//! is open.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::path::{Path, PathBuf};

use nix::sys::resource::{Resource, getrlimit};

use super::listing::{self, FileId, Found, Stamp};
use super::{Change, FileChange, Told};

/// The most files of directories that are open at once.
const MAX_OPEN_FILES: usize = 256;

/// What says that an open file has changed. It forgets a file that is closed.
pub trait EventQueue: Sized {
    /// One that watches nothing.
    ///
    /// # Errors
    /// When no descriptor is left.
    fn open() -> io::Result<Self>;

    /// Opens a file in order to watch it. A symbolic link itself, where it is not followed.
    ///
    /// # Errors
    /// When it cannot be opened.
    fn open_file(path: &Path, is_followed: bool) -> io::Result<File>;

    /// Tells from now on when this file is removed or moved or has another mode; and when it is written, or an
    /// entry of it comes or goes, where that is wanted. May be called again for the same file.
    ///
    /// # Errors
    /// When the system refuses.
    fn add(&self, file: &File, with_contents: bool) -> io::Result<()>;

    /// The descriptors of the files that have changed.
    fn take(&self) -> BTreeSet<RawFd>;

    /// What has something to read when a file has changed.
    fn fd(&self) -> BorrowedFd<'_>;
}

/// Has something to read when something has happened.
pub struct ByLooking<W, Q> {
    /// Nothing while no descriptor is left.
    queue: Option<Q>,
    wishes: Vec<Wish<W>>,
    open: BTreeMap<Place, OpenFile>,
    max_files: usize,
}

/// What somebody wants to be told.
struct Wish<W> {
    who: W,
    path: PathBuf,
    told: Told,
    /// What was found there last.
    found: Found,
}

/// A path, and whether a symbolic link there is followed.
type Place = (PathBuf, bool);

/// A file that is watched.
struct OpenFile {
    file: File,
    id: Option<FileId>,
    with_contents: bool,
}

/// What is to be watched at a place.
#[derive(Debug, Clone, Copy)]
struct Need {
    id: Option<FileId>,
    with_contents: bool,
}

impl<W> Wish<W> {
    fn place(&self) -> Place {
        (self.path.clone(), self.told.follows())
    }
}

/// What is to be watched for these wishes.
fn needs<W>(wishes: &[Wish<W>], max_files: usize) -> BTreeMap<Place, Need> {
    let of_files = |wish: &&Wish<W>| wish.told.wants_files() && wish.found.entries().is_some();
    let directories: BTreeSet<&Path> =
        wishes.iter().filter(of_files).map(|wish| wish.path.as_path()).collect();
    let of_each = listing::files_of_each(max_files, directories.len());
    let mut needs = BTreeMap::<Place, Need>::new();
    let mut add = |place, need: Need| {
        let known = needs.entry(place).or_insert(need);
        known.with_contents |= need.with_contents;
    };
    for wish in wishes {
        let id = wish.found.stamp().map(|stamp| stamp.id);
        add(wish.place(), Need { id, with_contents: wish.told != Told::Itself });
    }
    for wish in wishes.iter().filter(of_files) {
        for (name, id) in wish.found.newest_files(of_each) {
            add((wish.path.join(name), false), Need { id: Some(id), with_contents: true });
        }
    }
    needs
}

/// What is told of a path after an event there or at one of its entries.
fn told_of<W>(wish: &Wish<W>, after: &Found, is_touched: bool, entries: &BTreeSet<&Path>) -> Vec<Change> {
    let mut found = listing::changes(&wish.told, &wish.found, after);
    // The times of files are coarse on some file systems. The event itself says that something was written.
    if found.is_empty() && is_touched && wish.told == Told::Contents && matches!(after, Found::Other(_)) {
        found.push(Change::Contents);
    }
    for name in entries.iter().filter_map(|path| path.file_name()) {
        let is_told = found.iter().any(|change| match change {
            Change::Left(told) | Change::Came(told) | Change::Written(told) => told == name,
            change => matches!(change, Change::Missed),
        });
        if !is_told && after.entries().is_some_and(|entries| entries.contains_key(name)) {
            found.push(Change::Written(name.to_owned()));
        }
    }
    found
}

impl<W: Copy + PartialEq, Q: EventQueue> ByLooking<W, Q> {
    /// Watches nothing yet. Where no descriptor is left, nothing can be watched before
    /// [`try_again`](Self::try_again).
    pub fn open() -> Self {
        let allowed = getrlimit(Resource::RLIMIT_NOFILE).map_or(0, |(soft, _)| soft);
        // Others in this process need some, too.
        let max_files =
            usize::try_from(allowed / 4).map_or(MAX_OPEN_FILES, |files| files.min(MAX_OPEN_FILES));
        Self { queue: Q::open().ok(), wishes: Vec::new(), open: BTreeMap::new(), max_files }
    }

    /// Asks the system again for the watcher that it did not have.
    pub fn try_again(&mut self) {
        if self.queue.is_none() {
            self.queue = Q::open().ok();
        }
    }

    /// Has this path watched, too.
    ///
    /// # Errors
    /// When it is not there, cannot be opened or is no directory where one is meant, and when no descriptor is
    /// left.
    pub fn watch(&mut self, who: W, path: &Path, told: Told) -> io::Result<()> {
        let queue = self.queue.as_ref().ok_or_else(|| io::Error::from_raw_os_error(libc::EMFILE))?;
        let place = (path.to_owned(), told.follows());
        let before = self.open.get(&place).is_some_and(|open| open.with_contents);
        let with_contents = before || told != Told::Itself;
        // It is watched before it is looked at: what changes after the look is told.
        let open = open_file(queue, &place, with_contents)?;
        let found = Found::at(path, &told);
        match &found {
            Found::Nothing => return Err(io::ErrorKind::NotFound.into()),
            Found::Other(_) if matches!(told, Told::Names | Told::Entries) => {
                return Err(io::Error::from_raw_os_error(libc::ENOTDIR));
            }
            _ => {}
        }
        self.open.insert(place, open);
        self.wishes.push(Wish { who, path: path.to_owned(), told, found });
        self.open_and_close();
        Ok(())
    }

    /// Tells this one nothing more of this path.
    pub fn unwatch(&mut self, who: W, path: &Path) {
        self.wishes.retain(|wish| wish.who != who || wish.path != path);
        self.open_and_close();
    }

    /// Tells this one nothing more.
    pub fn unwatch_all(&mut self, who: W) {
        self.wishes.retain(|wish| wish.who != who);
        self.open_and_close();
    }

    /// What has happened since the last call.
    pub fn take(&mut self) -> Vec<FileChange<W>> {
        let changed = self.queue.as_ref().map(EventQueue::take).unwrap_or_default();
        if changed.is_empty() {
            return Vec::new();
        }
        let touched: BTreeSet<Place> = self
            .open
            .iter()
            .filter(|(_, open)| changed.contains(&open.file.as_raw_fd()))
            .map(|(place, _)| place.clone())
            .collect();
        let mut found = Vec::new();
        self.wishes.retain_mut(|wish| {
            let is_touched = touched.contains(&wish.place());
            let is_entry = |path: &&Path| path.parent() == Some(&wish.path) && wish.told.wants_files();
            let entries: BTreeSet<&Path> =
                touched.iter().map(|(path, _)| path.as_path()).filter(is_entry).collect();
            if !is_touched && entries.is_empty() {
                return true;
            }
            let after = Found::at(&wish.path, &wish.told);
            let what = told_of(wish, &after, is_touched, &entries);
            found.extend(what.into_iter().map(|what| FileChange {
                who: wish.who,
                path: wish.path.clone(),
                what,
            }));
            let is_over = after.is_another_than(&wish.found);
            wish.found = after;
            !is_over
        });
        self.open_and_close();
        found
    }

    /// Opens what is to be watched and is not open, and closes the rest. Of a file that cannot be opened nothing
    /// is told.
    fn open_and_close(&mut self) {
        let Some(queue) = &self.queue else { return };
        let needs = needs(&self.wishes, self.max_files);
        self.open.retain(|place, open| needs.get(place).is_some_and(|need| need.id == open.id));
        for (place, need) in needs {
            let open = self.open.get_mut(&place);
            match open {
                Some(open) if open.with_contents == need.with_contents => {}
                Some(open) => {
                    if queue.add(&open.file, need.with_contents).is_ok() {
                        open.with_contents = need.with_contents;
                    }
                }
                None => {
                    if let Ok(open) = open_file(queue, &place, need.with_contents) {
                        self.open.insert(place, open);
                    }
                }
            }
        }
    }

    /// What has something to read; nothing while there is no watcher.
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.queue.as_ref().map(EventQueue::fd)
    }
}

fn open_file<Q: EventQueue>(queue: &Q, place: &Place, with_contents: bool) -> io::Result<OpenFile> {
    let file = Q::open_file(&place.0, place.1)?;
    queue.add(&file, with_contents)?;
    let id = file.metadata().ok().map(|metadata| Stamp::from(&metadata).id);
    Ok(OpenFile { file, id, with_contents })
}

#[cfg(all(test, target_os = "linux"))]
mod tests;

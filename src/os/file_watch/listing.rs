//! What a path was found to be, and what has changed between two looks at it. No event is needed to say that, so
//! it is used where the system tells only that something has changed, and not what.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{Change, Told};

/// The most entries of a directory that are told apart.
const MAX_ENTRIES: usize = 4096;
/// The most files of one directory that are watched, the ones that were written last.
const MAX_FILES: usize = 32;

/// Which file it is: device and number.
pub type FileId = (u64, u64);

/// What is compared of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    pub id: FileId,
    is_file: bool,
    mode: u32,
    size: u64,
    written: (i64, i64),
}

impl Told {
    /// Whether a symbolic link is followed.
    pub(super) fn follows(&self) -> bool {
        matches!(self, Self::Names | Self::Contents)
    }

    /// Whether files of a directory are watched, too.
    pub(super) fn wants_files(&self) -> bool {
        matches!(self, Self::Entries | Self::Contents)
    }
}

impl Stamp {
    /// Whether this file was written since an earlier look at it.
    fn is_written_since(&self, before: &Self) -> bool {
        (self.size, self.written) != (before.size, before.written)
    }
}

impl From<&Metadata> for Stamp {
    fn from(metadata: &Metadata) -> Self {
        Self {
            id: (metadata.dev(), metadata.ino()),
            is_file: metadata.is_file(),
            mode: metadata.mode(),
            size: metadata.size(),
            written: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

/// The entries of a directory.
pub type Entries = BTreeMap<OsString, Stamp>;

/// What was found at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nothing, or nothing that can be looked at.
    Nothing,
    /// A directory with those entries that are told of; without any where there are too many, or it cannot be
    /// read.
    Directory(Stamp, Option<Entries>),
    /// Anything else.
    Other(Stamp),
}

impl Found {
    /// Looks at a path, as far as it is to be told of.
    pub fn at(path: &Path, told: &Told) -> Self {
        let metadata = if told.follows() { fs::metadata(path) } else { fs::symlink_metadata(path) };
        let Ok(metadata) = metadata else { return Self::Nothing };
        let stamp = Stamp::from(&metadata);
        if !metadata.is_dir() {
            return Self::Other(stamp);
        }
        Self::Directory(
            stamp,
            match told {
                Told::Itself => Some(Entries::new()),
                Told::Arrival(name) => Some(stamp_of(path, name.clone()).into_iter().collect()),
                Told::Names | Told::Entries | Told::Contents => entries(path),
            },
        )
    }

    /// What it is; nothing where nothing is.
    pub fn stamp(&self) -> Option<&Stamp> {
        match self {
            Self::Nothing => None,
            Self::Directory(stamp, _) | Self::Other(stamp) => Some(stamp),
        }
    }

    fn id(&self) -> Option<FileId> {
        self.stamp().map(|stamp| stamp.id)
    }

    /// Whether it is another file than before, or none, so that a watch of it has ended.
    pub fn is_another_than(&self, before: &Self) -> bool {
        self.id() != before.id()
    }

    /// The entries that are told apart.
    pub fn entries(&self) -> Option<&Entries> {
        match self {
            Self::Directory(_, entries) => entries.as_ref(),
            _ => None,
        }
    }

    /// The files of a directory that are watched: those that were written last.
    pub fn newest_files(&self, most: usize) -> Vec<(&OsStr, FileId)> {
        let mut files: Vec<_> =
            self.entries().into_iter().flatten().filter(|(_, stamp)| stamp.is_file).collect();
        files.sort_by_key(|(_, stamp)| std::cmp::Reverse(stamp.written));
        files.into_iter().take(most).map(|(name, stamp)| (name.as_os_str(), stamp.id)).collect()
    }
}

fn stamp_of(directory: &Path, name: OsString) -> Option<(OsString, Stamp)> {
    let metadata = fs::symlink_metadata(directory.join(&name)).ok()?;
    Some((name, Stamp::from(&metadata)))
}

fn entries(directory: &Path) -> Option<Entries> {
    let mut found = Entries::new();
    for entry in fs::read_dir(directory).ok()? {
        if found.len() == MAX_ENTRIES {
            return None;
        }
        // One that has gone since is none.
        found.extend(stamp_of(directory, entry.ok()?.file_name()));
    }
    Some(found)
}

/// What has changed from one look to the next.
pub fn changes(told: &Told, before: &Found, after: &Found) -> Vec<Change> {
    let (Some(old), Some(new)) = (before.stamp(), after.stamp()) else {
        return if before.is_another_than(after) { vec![Change::Itself] } else { Vec::new() };
    };
    if old.id != new.id {
        return vec![Change::Itself];
    }
    let mut found = Vec::new();
    if old.mode != new.mode {
        found.push(Change::Itself);
    }
    match (before, after) {
        (Found::Directory(_, old), Found::Directory(_, new)) => match (old, new) {
            (Some(old), Some(new)) => found.extend(entry_changes(told, old, new)),
            _ => found.push(Change::Missed),
        },
        _ if *told == Told::Contents && new.is_written_since(old) => found.push(Change::Contents),
        _ => {}
    }
    found.dedup();
    found
}

fn entry_changes(told: &Told, before: &Entries, after: &Entries) -> Vec<Change> {
    let is_same = |name: &OsString, stamp: &Stamp| after.get(name).is_some_and(|new| new.id == stamp.id);
    let left = before.keys().filter(|name| !after.contains_key(*name));
    let left = left.map(|name| Change::Left(name.clone()));
    let came = after.iter().filter(|(name, stamp)| before.get(*name).is_none_or(|old| old.id != stamp.id));
    let came = came.map(|(name, _)| Change::Came(name.clone()));
    let written = before.iter().filter(|(name, old)| {
        is_same(name, old) && after.get(*name).is_some_and(|new| new.is_file && new.is_written_since(old))
    });
    let written = written.map(|(name, _)| Change::Written(name.clone()));
    match told {
        Told::Itself => Vec::new(),
        Told::Arrival(_) => came.map(|_| Change::Itself).collect(),
        Told::Names => left.chain(came).collect(),
        Told::Entries | Told::Contents => left.chain(came).chain(written).collect(),
    }
}

/// How many files of each directory are watched, of so many directories, where so many may be open in all.
pub fn files_of_each(most: usize, directories: usize) -> usize {
    (most / directories.max(1)).clamp(1, MAX_FILES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(id: u64, written: i64) -> Stamp {
        Stamp { id: (1, id), is_file: true, mode: 0o600, size: 1, written: (written, 0) }
    }

    fn directory(id: u64, entries: &[(&str, Stamp)]) -> Found {
        let entries = entries.iter().map(|(name, stamp)| (OsString::from(name), stamp.clone())).collect();
        Found::Directory(Stamp { is_file: false, mode: 0o700, ..stamp(id, 0) }, Some(entries))
    }

    fn left(name: &str) -> Change {
        Change::Left(name.into())
    }

    fn came(name: &str) -> Change {
        Change::Came(name.into())
    }

    fn written(name: &str) -> Change {
        Change::Written(name.into())
    }

    #[test]
    fn each_entry_is_told_by_its_own_name() {
        let before = directory(1, &[("foo", stamp(2, 1)), ("gone", stamp(3, 1)), ("grown", stamp(4, 1))]);
        let after = directory(1, &[("foo", stamp(2, 1)), ("bar", stamp(5, 1)), ("grown", stamp(4, 2))]);
        let all = [left("gone"), came("bar"), written("grown")];
        for (told, expected) in [
            (Told::Itself, &all[..0]),
            (Told::Names, &all[..2]),
            (Told::Entries, &all[..]),
            (Told::Contents, &all[..]),
        ] {
            assert_eq!(changes(&told, &before, &after), expected, "{told:?}");
            assert_eq!(changes(&told, &after, &after), [], "{told:?}");
        }
    }

    #[test]
    fn a_file_that_takes_the_place_of_another_has_come() {
        let before = directory(1, &[("a", stamp(2, 1))]);
        let after = directory(1, &[("a", stamp(3, 1))]);
        assert_eq!(changes(&Told::Contents, &before, &after), [came("a")]);
    }

    #[test]
    fn what_is_awaited_is_told_when_it_comes() {
        let (without, with) = (directory(1, &[]), directory(1, &[("a", stamp(2, 1))]));
        let told = Told::Arrival("a".into());
        assert_eq!(changes(&told, &without, &with), [Change::Itself]);
        assert_eq!(changes(&told, &with, &with), []);
        assert_eq!(changes(&told, &with, &without), []);
    }

    #[test]
    fn what_is_removed_or_replaced_or_has_another_mode_is_told_to_all() {
        let (one, other) = (directory(1, &[]), directory(2, &[]));
        let file = Found::Other(stamp(3, 1));
        let closed = Found::Other(Stamp { mode: 0, ..stamp(3, 1) });
        for told in [Told::Itself, Told::Names, Told::Entries, Told::Contents, Told::Arrival("a".into())] {
            for (before, after) in
                [(&one, &other), (&one, &Found::Nothing), (&Found::Nothing, &one), (&file, &closed)]
            {
                assert_eq!(changes(&told, before, after), [Change::Itself], "{told:?}");
            }
            assert_eq!(changes(&told, &Found::Nothing, &Found::Nothing), []);
        }
        let grown = Found::Other(stamp(3, 2));
        assert_eq!(changes(&Told::Contents, &file, &grown), [Change::Contents]);
        assert_eq!(changes(&Told::Itself, &file, &grown), []);
    }

    #[test]
    fn of_too_many_entries_any_may_have_changed() {
        let Found::Directory(of, _) = directory(1, &[]) else { unreachable!("a directory") };
        let many = Found::Directory(of, None);
        assert_eq!(changes(&Told::Contents, &many, &many), [Change::Missed]);
        assert_eq!(changes(&Told::Contents, &directory(1, &[]), &many), [Change::Missed]);
    }

    #[test]
    fn the_files_that_were_written_last_are_watched_and_not_many() {
        let names: Vec<String> = (0..100).map(|at| format!("{at}")).collect();
        let entries: Vec<_> =
            names.iter().map(String::as_str).zip((0..).map(|at| stamp(at as u64, at))).collect();
        let many = directory(200, &entries);
        let newest = many.newest_files(3);
        assert_eq!(newest.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["99", "98", "97"]);
        let mixed = directory(1, &[("a", stamp(2, 1))]);
        assert_eq!(mixed.newest_files(9), [(OsStr::new("a"), (1, 2))]);
        assert_eq!((files_of_each(64, 0), files_of_each(64, 1)), (MAX_FILES, MAX_FILES));
        assert_eq!((files_of_each(64, 8), files_of_each(64, 200)), (8, 1));
    }
}

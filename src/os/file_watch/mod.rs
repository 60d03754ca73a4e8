//! Says when files and directories have changed, were removed or moved. One watcher of the system serves all
//! who want to be told, because a user may have only so many of them (`fs.inotify.max_user_instances`, 128
//! without a setting). No thread is needed, and nothing is looked at while nothing happens.
//!
//! inotify says what has happened to which entry. kqueue says only which open file has changed: there the rest is
//! seen by looking (`by_looking.rs`).

#[cfg(any(not(target_os = "linux"), test))]
mod by_looking;
#[cfg(target_os = "linux")]
mod inotify;
#[cfg(not(target_os = "linux"))]
mod kqueue;
#[cfg(any(not(target_os = "linux"), test))]
mod listing;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

#[cfg(target_os = "linux")]
pub use inotify::FileWatch;
#[cfg(not(target_os = "linux"))]
pub use kqueue::FileWatch;

/// What is told of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// That it is removed, moved or replaced. A symbolic link is watched itself. Nobody is woken for what happens to
    /// the entries of a directory.
    Itself,
    /// The same, and that an entry of this name comes.
    Arrival(OsString),
    /// The same as of itself, and which entries of the directory come and go. A symbolic link is followed.
    Names,
    /// The same as of the names, and which entries are written. On macOS that is told of the files that were written
    /// last, and of the others when an entry comes or goes.
    Entries,
    /// The same as of itself, and each change of what is in it: of a file's bytes, or of a directory's entries
    /// and of theirs, as of entries. A symbolic link is followed.
    Contents,
}

/// What has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// What is watched was removed, moved or replaced, or has another mode; or an entry has come that was
    /// waited for.
    Itself,
    /// An entry was removed or moved away.
    Left(OsString),
    /// An entry was made or moved here, perhaps in place of another one.
    Came(OsString),
    /// An entry was written.
    Written(OsString),
    /// The file was written, or something has changed that the system does not name.
    Contents,
    /// So much has happened that the system has not told all of it.
    Missed,
}

/// A change, and who is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange<W> {
    /// Who has asked for it.
    pub who: W,
    /// The path that was asked for.
    pub path: PathBuf,
    /// What has happened.
    pub what: Change,
}

/// The most symbolic links that are followed in one path, as the kernel has it.
const MAX_LINKS: usize = 40;

impl<W: Copy + PartialEq> FileWatch<W> {
    /// Watches all that a path leads through, symbolic links included: whether it is removed, moved or
    /// replaced. Where a part does not exist, the directory is watched in which it is to appear.
    ///
    /// Parts that cannot be watched are left out. They are not this user's, and not for this user to move.
    pub fn watch_path(&mut self, who: W, path: &Path) {
        watch_parts(path, |part, told| self.watch(who, part, told));
    }
}

fn watch_parts(path: &Path, mut watch: impl FnMut(&Path, Told) -> io::Result<()>) {
    for part in parts_of(path) {
        if watch(&part, Told::Itself).is_ok() {
            continue;
        }
        let (Some(above), Some(name)) = (part.parent(), part.file_name()) else { continue };
        if std::fs::symlink_metadata(&part).is_err() {
            let _ = watch(above, Told::Arrival(name.to_owned()));
        }
    }
}

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

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests;

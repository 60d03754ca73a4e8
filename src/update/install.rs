//! Putting another program in the place of the installed one. At every moment there is a whole program under
//! its name, and one older program is kept beside it.
//!
//! | name | what it is |
//! | --- | --- |
//! | `cckw` | the installed program |
//! | `cckw.old` | the one before it |
//! | `.cckw.new` | the one that is to be installed; left over only if cckw was killed |
//! | `.cckw.parked` | the installed one by a second name, for the moment of the exchange |

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access};

use crate::os::files::open_plain;
use crate::paths::sync_directory;

/// What is added to the name of the program for the one that is kept.
const OLD_SUFFIX: &str = ".old";

/// Where a program is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The program.
    pub program: PathBuf,
    /// The one before it.
    pub old: PathBuf,
    staged: PathBuf,
    parked: PathBuf,
    directory: PathBuf,
}

impl Place {
    /// Of the program at this path; the kept one knows which place it was kept for.
    pub fn of(path: &Path) -> Option<Self> {
        let directory = path.parent()?.to_owned();
        let name = path.file_name()?;
        let suffixed =
            name.to_str().and_then(|name| name.strip_suffix(OLD_SUFFIX)).filter(|name| !name.is_empty());
        let name = suffixed.map_or(name, OsStr::new);
        let beside = |before: &str, after: &str| {
            let mut text = OsString::from(before);
            text.push(name);
            text.push(after);
            directory.join(text)
        };
        Some(Self {
            program: directory.join(name),
            old: beside("", OLD_SUFFIX),
            staged: beside(".", ".new"),
            parked: beside(".", ".parked"),
            directory,
        })
    }

    /// Whether this user can put another program there.
    ///
    /// # Errors
    /// When they cannot.
    pub fn check_writable(&self) -> io::Result<()> {
        Ok(access(&self.directory, AccessFlags::W_OK | AccessFlags::X_OK)?)
    }

    /// A directory that has a name which an exchange needs. It is somebody's, and stays.
    pub fn directory_in_the_way(&self) -> Option<&Path> {
        let names = [&self.old, &self.staged, &self.parked];
        let is_directory = |path: &Path| fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
        names.into_iter().map(PathBuf::as_path).find(|path| is_directory(path))
    }

    /// The directory of the program, for advice.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Keeps others from doing the same in this directory, whatever their state directory is. Nothing where
    /// somebody does. A file system without locks for directories has none to take.
    pub fn lock(&self) -> Option<Option<File>> {
        let directory = File::open(&self.directory).ok();
        match directory.as_ref().map(File::try_lock) {
            Some(Err(TryLockError::WouldBlock)) => None,
            Some(Ok(())) => Some(directory),
            _ => Some(None),
        }
    }

    /// Puts in order what somebody has left who was killed in the middle of it.
    ///
    /// # Errors
    /// When that cannot be done.
    pub fn settle(&self) -> io::Result<()> {
        remove(&self.staged)?;
        if !exists(&self.parked) {
            return Ok(());
        }
        // Of an exchange the kept program is installed already, and the other one not yet kept.
        if is_same(&self.program, &self.old) && !is_same(&self.parked, &self.program) {
            fs::rename(&self.parked, &self.old)?;
        } else {
            remove(&self.parked)?;
        }
        sync_directory(&self.directory)
    }

    /// Copies a program beside the installed one. It is whole on the disk when this returns, and can be run.
    ///
    /// # Errors
    /// When it cannot be written; then nothing is left of it.
    pub fn stage(&self, from: &Path) -> io::Result<PathBuf> {
        let installed = fs::metadata(&self.program)?;
        let write = || -> io::Result<()> {
            remove(&self.staged)?;
            let mut options = OpenOptions::new();
            let mut file = options.write(true).create_new(true).mode(0o700).open(&self.staged)?;
            io::copy(&mut open_plain(from)?, &mut file)?;
            if installed.uid() != file.metadata()?.uid() {
                // Only root can be another user here, and it stays the other one's program.
                std::os::unix::fs::fchown(&file, Some(installed.uid()), Some(installed.gid()))?;
            }
            file.set_permissions(fs::Permissions::from_mode(installed.mode() & 0o755 | 0o500))?;
            file.sync_all()
        };
        write().inspect_err(|_| self.discard())?;
        Ok(self.staged.clone())
    }

    /// Removes what was staged.
    pub fn discard(&self) {
        let _ = fs::remove_file(&self.staged);
    }

    /// Installs what was staged, and keeps what was installed.
    ///
    /// # Errors
    /// When that cannot be done; the installed program is the one that it was.
    pub fn swap(&self) -> io::Result<()> {
        self.park()?;
        self.keep_parked()?;
        fs::rename(&self.staged, &self.program)?;
        sync_directory(&self.directory)
    }

    /// Exchanges the installed program and the kept one.
    ///
    /// # Errors
    /// When that cannot be done.
    pub fn exchange(&self) -> io::Result<()> {
        self.park()?;
        remove(&self.staged)?;
        link(&self.old, &self.staged)?;
        fs::rename(&self.staged, &self.program)?;
        self.keep_parked()?;
        sync_directory(&self.directory)
    }

    /// Whether another program than the installed one is kept.
    pub fn has_old(&self) -> bool {
        exists(&self.old) && !is_same(&self.old, &self.program)
    }

    fn park(&self) -> io::Result<()> {
        remove(&self.parked)?;
        link(&self.program, &self.parked)
    }

    fn keep_parked(&self) -> io::Result<()> {
        fs::rename(&self.parked, &self.old)?;
        // Of two names of one file the system renames none.
        remove(&self.parked)
    }
}

fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

fn is_same(one: &Path, other: &Path) -> bool {
    let identity = |path| fs::symlink_metadata(path).map(|found| (found.dev(), found.ino())).ok();
    identity(one).is_some() && identity(one) == identity(other)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A second name of a file; on a file system that has none, a copy.
fn link(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Err(error)
            if error.kind() != io::ErrorKind::NotFound && error.kind() != io::ErrorKind::StorageFull =>
        {
            let copied = fs::copy(from, to).and_then(|_| File::open(to)?.sync_all());
            copied.inspect_err(|_| drop(fs::remove_file(to)))
        }
        linked => linked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(scratch: &Path) -> Place {
        fs::write(scratch.join("cckw"), "one").expect("writes");
        fs::set_permissions(scratch.join("cckw"), fs::Permissions::from_mode(0o755)).expect("a mode");
        Place::of(&scratch.join("cckw")).expect("a place")
    }

    fn programs(place: &Place) -> (String, Option<String>) {
        (fs::read_to_string(&place.program).expect("installed"), fs::read_to_string(&place.old).ok())
    }

    fn install(place: &Place, text: &str) {
        let from = place.directory.join("download");
        fs::write(&from, text).expect("writes");
        place.stage(&from).expect("stages");
        fs::remove_file(from).expect("removes");
        place.swap().expect("swaps");
    }

    #[test]
    fn one_old_program_is_kept_and_an_exchange_brings_it_back() {
        let scratch = tempfile::tempdir().expect("a directory");
        let place = place(scratch.path());
        assert!(!place.has_old());
        install(&place, "two");
        assert_eq!(programs(&place), ("two".into(), Some("one".into())));
        install(&place, "three");
        assert_eq!(programs(&place), ("three".into(), Some("two".into())));
        assert!(place.has_old());
        place.exchange().expect("exchanges");
        assert_eq!(programs(&place), ("two".into(), Some("three".into())));
        place.exchange().expect("exchanges");
        assert_eq!(programs(&place), ("three".into(), Some("two".into())));
        assert_eq!(fs::read_dir(scratch.path()).expect("lists").count(), 2);
        assert_eq!(fs::metadata(&place.program).expect("is there").mode() & 0o777, 0o755);
    }

    #[test]
    fn the_kept_program_knows_its_place() {
        let of = |path: &str| Place::of(Path::new(path)).expect("a place").program;
        assert_eq!(of("/bin/cckw"), Path::new("/bin/cckw"));
        assert_eq!(of("/bin/cckw.old"), Path::new("/bin/cckw"));
        assert_eq!(of("/bin/.old"), Path::new("/bin/.old"));
    }

    #[test]
    fn what_a_killed_update_has_left_is_put_in_order() {
        let scratch = tempfile::tempdir().expect("a directory");
        let place = place(scratch.path());
        install(&place, "two");
        // Killed before anything was exchanged.
        fs::write(&place.staged, "half").expect("writes");
        fs::hard_link(&place.program, &place.parked).expect("links");
        place.settle().expect("settles");
        assert_eq!(programs(&place), ("two".into(), Some("one".into())));
        // Killed in the middle of an exchange.
        fs::hard_link(&place.program, &place.parked).expect("links");
        fs::remove_file(&place.program).expect("removes");
        fs::hard_link(&place.old, &place.program).expect("links");
        place.settle().expect("settles");
        assert_eq!(programs(&place), ("one".into(), Some("two".into())));
        assert_eq!(fs::read_dir(scratch.path()).expect("lists").count(), 2);
        // Killed after the installed one was kept, before the other one was installed.
        fs::remove_file(&place.old).expect("removes");
        fs::hard_link(&place.program, &place.old).expect("links");
        assert!(!place.has_old());
        install(&place, "three");
        assert_eq!(programs(&place), ("three".into(), Some("one".into())));
        assert_eq!(fs::read_dir(scratch.path()).expect("lists").count(), 2);
    }
}

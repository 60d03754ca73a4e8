//! Where this program is on disk.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// As many links lead to each other in what the system opens.
const MAX_LINKS: usize = 40;

use serde::{Deserialize, Serialize};

/// The file that this process executes, and what stands at its path.
#[derive(Debug)]
pub struct ProgramFile {
    path: PathBuf,
    file: OwnedFd,
    identity: FileIdentity,
}

/// Device, inode, size, and the time of the last change of a file: another one after each replacement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileIdentity(u64, u64, u64, i64, i64);

impl FileIdentity {
    fn of(found: &Metadata) -> Self {
        Self(found.dev(), found.ino(), found.size(), found.mtime(), found.mtime_nsec())
    }

    /// That of what this path leads to, if it is a file.
    ///
    /// # Errors
    /// When there is none.
    pub fn at(path: &Path) -> io::Result<Self> {
        let found = std::fs::metadata(path)?;
        if !found.is_file() {
            return Err(io::Error::other("it is no file"));
        }
        Ok(Self::of(&found))
    }

    /// Whether it is the same file, whoever has touched it since.
    pub fn is_same_file(&self, other: &Self) -> bool {
        (self.0, self.1) == (other.0, other.1)
    }
}

impl ProgramFile {
    /// The one of this process. On Linux it is found also after it was replaced. `path` is the one by which it was
    /// started, where that is known: since then the file may have another name, because whoever replaces it keeps it.
    ///
    /// # Errors
    /// When the system cannot say it, or no descriptor is left.
    pub fn known_as(path: Option<&Path>) -> io::Result<Self> {
        let path = match path {
            Some(path) => path.to_owned(),
            None => without_mark(std::env::current_exe()?),
        };
        let opened = if cfg!(target_os = "linux") { PathBuf::from("/proc/self/exe") } else { path.clone() };
        let file = File::open(opened)?;
        let identity = FileIdentity::of(&file.metadata()?);
        Ok(Self { path, file: file.into(), identity })
    }

    /// Where it is, or was before it was replaced.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Which file it is.
    pub fn identity(&self) -> &FileIdentity {
        &self.identity
    }

    /// The file itself, which stays when it was replaced.
    pub fn file(&self) -> &OwnedFd {
        &self.file
    }

    /// What stands at its path, if that is another file; an error where nothing does.
    ///
    /// # Errors
    /// When there is no file.
    pub fn replacement(&self) -> io::Result<Option<FileIdentity>> {
        let there = FileIdentity::at(&self.path)?;
        Ok((!there.is_same_file(&self.identity)).then_some(there))
    }
}

/// The kernel marks the path of a program whose file was removed.
fn without_mark(path: PathBuf) -> PathBuf {
    let bytes = path.as_os_str().as_bytes();
    match bytes.strip_suffix(b" (deleted)") {
        Some(before) if !path.exists() => OsStr::from_bytes(before).into(),
        _ => path,
    }
}

/// The path by which this process was started, links in it as they are: what is put there later is the newer program,
/// whoever installs it and however.
static CALLED: OnceLock<Option<PathBuf>> = OnceLock::new();

/// Takes note of the path by which this process was started. `started_as` is its first argument, and `name` what a program
/// is called that counts as this one.
pub fn note_call(started_as: &OsStr, name: &str) {
    CALLED.get_or_init(|| {
        let here = std::env::current_dir().unwrap_or_default();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let own = FileIdentity::at(&without_mark(std::env::current_exe().ok()?)).ok();
        called(started_as, &here, &path, own.as_ref(), name)
    });
}

/// The path by which this process was started; where that is not known, the one of its file.
///
/// # Errors
/// When the system cannot say that.
pub fn called_program() -> io::Result<PathBuf> {
    match CALLED.get() {
        Some(Some(called)) => Ok(called.clone()),
        _ => std::env::current_exe().map(without_mark),
    }
}

/// Where a program is that was started as this: a path, or a name to be found in the directories of `path`. A link of
/// another name is followed to the name, because somebody else may put something in its place. Nothing where
/// that is not known: the first argument is what the one who starts a program says.
fn called(
    started_as: &OsStr,
    here: &Path,
    path: &OsStr,
    own: Option<&FileIdentity>,
    name: &str,
) -> Option<PathBuf> {
    let is_own =
        |found: &Path| own.is_some_and(|own| FileIdentity::at(found).is_ok_and(|at| at.is_same_file(own)));
    let is_path = started_as.as_bytes().contains(&b'/');
    let mut at = if is_path {
        here.join(started_as)
    } else {
        let mut found = std::env::split_paths(path).map(|directory| here.join(directory).join(started_as));
        found.find(|found| is_own(found))?
    };
    for _ in 0..MAX_LINKS {
        if at.file_name() == Some(OsStr::new(name)) {
            // Another file may have taken its place since the start.
            return (is_own(&at) || is_path && Path::new(started_as).is_absolute()).then_some(at);
        }
        at = at.parent()?.join(std::fs::read_link(&at).ok()?);
    }
    None
}

/// This program, also after an upgrade has replaced it on disk.
///
/// # Errors
/// When the system cannot say it.
pub fn own_program() -> io::Result<PathBuf> {
    let path = std::env::current_exe()?;
    if cfg!(target_os = "linux") && !path.exists() { Ok("/proc/self/exe".into()) } else { Ok(path) }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_program_is_known_by_the_path_that_it_was_called_by() {
        let scratch = tempfile::tempdir().expect("a directory");
        let at = |name: &str| scratch.path().join(name);
        for folder in ["bin", "other", "versions/1", "versions/2"] {
            fs::create_dir_all(at(folder)).expect("a directory");
        }
        for program in ["versions/1/cckw", "versions/2/cckw", "other/cckw"] {
            fs::write(at(program), program).expect("is written");
        }
        symlink("../versions/1/cckw", at("bin/cckw")).expect("a link");
        symlink("cckw", at("bin/claude")).expect("a link");
        symlink("../versions/1/cckw", at("bin/keeper")).expect("a link");
        let own = FileIdentity::at(&at("versions/1/cckw")).expect("a file");
        let path = std::env::join_paths([at("other"), at("bin")]).expect("a PATH");
        let called = |word: &str| {
            called(OsStr::new(word), scratch.path(), &path, Some(&own), "cckw").map(|found| {
                found
                    .strip_prefix(scratch.path())
                    .expect("is there")
                    .to_str()
                    .expect("text")
                    .replace("../", "<")
            })
        };
        // The one of another directory is not this program.
        assert_eq!(called("cckw").as_deref(), Some("bin/cckw"));
        assert_eq!(called("bin/cckw").as_deref(), Some("bin/cckw"));
        assert_eq!(called("claude").as_deref(), Some("bin/cckw"));
        assert_eq!(called("keeper").as_deref(), Some("bin/<versions/1/cckw"));
        assert_eq!(called(at("bin/cckw").to_str().expect("text")).as_deref(), Some("bin/cckw"));
        assert_eq!(called("nothing"), None);
        assert_eq!(called("other/cckw"), None);
        // A service that was started by this path, before the link led elsewhere.
        fs::remove_file(at("bin/cckw")).expect("is removed");
        symlink("../versions/2/cckw", at("bin/cckw")).expect("a link");
        assert_eq!(called(at("bin/cckw").to_str().expect("text")).as_deref(), Some("bin/cckw"));
        assert_eq!(called("cckw"), None);
    }
}

//! Where this program is on disk.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The file that this process executes, and what stands at its path.
#[derive(Debug)]
pub struct ProgramFile {
    path: PathBuf,
    file: OwnedFd,
    identity: FileIdentity,
}

/// Device, inode, size, and the time of the last change of a file: another one after each replacement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// The one of this process. On Linux it is found also after it was replaced.
    ///
    /// # Errors
    /// When the system cannot say it, or no descriptor is left.
    pub fn own() -> io::Result<Self> {
        Self::known_as(None)
    }

    /// The same, where it is known under which path it was started: since then the file may have another name,
    /// because whoever replaces it keeps it.
    ///
    /// # Errors
    /// As [`Self::own`].
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

/// This program, also after an upgrade has replaced it on disk.
///
/// # Errors
/// When the system cannot say it.
pub fn own_program() -> io::Result<PathBuf> {
    let path = std::env::current_exe()?;
    if cfg!(target_os = "linux") && !path.exists() { Ok("/proc/self/exe".into()) } else { Ok(path) }
}

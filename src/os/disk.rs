//! Whether a file system takes what is to be written.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::sys::statvfs::{FsFlags, statvfs};

/// With less room than this a file system counts as full, in bytes.
const LITTLE_ROOM: u64 = 64 << 10;

/// Why a file system takes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskObstacle {
    /// It is mounted read-only.
    ReadOnly,
    /// It has less than 64 KiB of room for this user, or no file more.
    Full,
}

/// What keeps files from being written in the file system of `path`; nothing where that cannot be told.
pub fn obstacle(path: &Path) -> Option<DiskObstacle> {
    let path = CString::new(path.as_os_str().as_bytes()).ok()?;
    let system = statvfs(path.as_c_str()).ok()?;
    if system.flags().contains(FsFlags::ST_RDONLY) {
        return Some(DiskObstacle::ReadOnly);
    }
    // The types of the fields differ from system to system.
    #[allow(clippy::unnecessary_cast)]
    let room = (system.blocks_available() as u64).saturating_mul(system.fragment_size() as u64);
    // Some file systems count no files: they say 0 of 0.
    let is_out_of_files = system.files() > 0 && system.files_available() == 0;
    (room < LITTLE_ROOM || is_out_of_files).then_some(DiskObstacle::Full)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_takes_a_file_has_none_and_one_that_is_not_there_tells_nothing() {
        let scratch = tempfile::tempdir().expect("a directory");
        assert_eq!(obstacle(scratch.path()), None);
        assert_eq!(obstacle(&scratch.path().join("gone")), None);
    }
}

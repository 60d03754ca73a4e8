//! Directories that look like that of a session and are not: a copy, one that was renamed, one that was moved
//! away. The host of a session has its files under one path, and only that counts.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::registry::record::Record;

/// Whether the host that has written this record keeps the session's files in another directory, which is
/// there.
pub fn is_elsewhere(directory: &Path, record: &Record) -> bool {
    let Some(own) = record.directory.clone().map(|own| PathBuf::from(OsString::from(own))) else {
        return false;
    };
    let inode = |path: &Path| fs::metadata(path).ok().map(|found| (found.dev(), found.ino()));
    own != directory && inode(&own).is_some_and(|own| Some(own) != inode(directory))
}

/// Whether a directory with a record of this other session is a rest of it: it was renamed, and the session's
/// own directory is there or will be in a moment.
pub fn is_renamed(directory: &Path, record: &Record) -> bool {
    let own = record.directory.clone().map(|own| PathBuf::from(OsString::from(own)));
    let own_name = own.as_deref().and_then(Path::file_name);
    let is_there = own_name.is_some_and(|name| directory.with_file_name(name).is_dir());
    is_there || record.host_lives()
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_copy_is_elsewhere_and_a_path_through_a_link_is_not() {
        let scratch = tempfile::tempdir().expect("a directory");
        let path = |name: &str| scratch.path().join(name);
        for name in ["own", "copy"] {
            fs::create_dir(path(name)).expect("makes it");
        }
        std::os::unix::fs::symlink(path("own"), path("link")).expect("links");
        let record = Record { directory: Some(path("own").as_path().into()), ..Record::of(Uuid::nil()) };
        assert!(is_elsewhere(&path("copy"), &record));
        assert!(!is_elsewhere(&path("own"), &record) && !is_elsewhere(&path("link"), &record));
        // One that was moved, with the home of its user, is still that of its session.
        fs::rename(path("own"), path("moved")).expect("moves");
        assert!(!is_elsewhere(&path("moved"), &record));
        // A record of an earlier version does not say where.
        assert!(!is_elsewhere(&path("copy"), &Record::of(Uuid::nil())));
    }
}

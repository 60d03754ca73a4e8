//! The session's directory is made anew: a private one with what the old one holds.

use crate::registry::lock;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

use crate::escape::escape;
use crate::paths;
use crate::registry::control_socket;
use crate::registry::environment;
use crate::registry::record;
use crate::user_error::UserError;

/// How many names are tried for what is put aside.
const MAX_NAMES: usize = 10;

/// Files that name a place or a process. Another directory gets them from the host itself.
const OWN_FILES: [&str; 4] =
    [lock::LOCK_NAME, control_socket::SOCKET_NAME, record::FILE_NAME, environment::AGENT_LINK];

/// Device and inode of what a path leads to.
pub(super) fn inode(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

/// Makes a session's directory, and the state directory above it, and closes both to others. What stands in
/// the way of the session's directory is put aside.
///
/// # Errors
/// When that is not possible; the reason is for the user.
pub(super) fn make(directory: &Path) -> Result<(), String> {
    let said = |error: UserError| error.to_string();
    if let Some(state) = directory.parent() {
        close_to_others(state);
        paths::make_private(state).map_err(said)?;
    }
    if fs::symlink_metadata(directory).is_ok_and(|found| !found.is_dir()) {
        put_aside(directory)?;
    }
    close_to_others(directory);
    paths::make_private(directory).map_err(said)
}

/// A copy that was made without its mode can be read by others. One that others can write stays as it is, and
/// is refused.
fn close_to_others(directory: &Path) {
    let Ok(found) = fs::symlink_metadata(directory) else { return };
    let mode = found.permissions().mode();
    if found.is_dir() && found.uid() == geteuid().as_raw() && mode & 0o022 == 0 && mode & 0o055 != 0 {
        let _ = fs::set_permissions(directory, fs::Permissions::from_mode(0o700));
    }
}

/// Gives what stands at this path another name beside it.
///
/// # Errors
/// When that is not possible; the reason is for the user.
pub(super) fn put_aside(path: &Path) -> Result<(), String> {
    let named = |number: usize| {
        let mut name = path.as_os_str().to_owned();
        name.push(if number == 0 { ".replaced".into() } else { format!(".replaced-{number}") });
        PathBuf::from(name)
    };
    let free = (0..MAX_NAMES).map(named).find(|name| fs::symlink_metadata(name).is_err());
    let renamed = match free {
        Some(name) => fs::rename(path, name),
        None => Err(io::Error::other("too much was put aside already")),
    };
    renamed
        .map_err(|error| format!("{} is in the way and cannot be renamed: {error}; remove it", escape(path)))
}

/// Copies the files of the old directory, but for those that name a place or a process.
pub(super) fn copy_files(old: &Path, new: &Path) {
    for entry in fs::read_dir(old).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_own = OWN_FILES.iter().any(|own| name == *own);
        if !is_own && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            let _ = fs::copy(entry.path(), new.join(name));
        }
    }
}

/// Removes from a directory that was moved away what makes it look like that of a session that runs. The rest
/// stays: somebody may have meant it as a copy.
pub(super) fn let_go(old: &Path) {
    for name in [lock::LOCK_NAME, control_socket::SOCKET_NAME, environment::AGENT_LINK] {
        let _ = fs::remove_file(old.join(name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_the_way_is_put_aside_and_a_copy_is_closed() {
        let scratch = tempfile::tempdir().expect("a directory");
        let state = scratch.path().join("a/cckw");
        let directory = state.join("session");
        make(&directory).expect("makes all of it");
        for number in 0..3 {
            fs::remove_dir(&directory).expect("removes it");
            fs::write(&directory, number.to_string()).expect("a file");
            make(&directory).expect("makes it anew");
        }
        assert_eq!(fs::read_to_string(state.join("session.replaced-2")).expect("is kept"), "2");
        for path in [&state, &directory] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("opens it");
        }
        make(&directory).expect("closes them");
        for path in [&state, &directory] {
            assert_eq!(fs::metadata(path).expect("is there").permissions().mode() & 0o777, 0o700);
        }
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o777)).expect("opens it");
        assert!(make(&directory).expect_err("refuses").contains("chmod 700"));
    }

    #[test]
    fn a_directory_that_was_moved_away_gives_its_files_and_keeps_what_is_a_copy() {
        let scratch = tempfile::tempdir().expect("a directory");
        let (old, new) = (scratch.path().join("old"), scratch.path().join("new"));
        for directory in [&old, &new] {
            fs::create_dir(directory).expect("makes it");
        }
        for name in ["session.json", "events.jsonl", "host.lock"] {
            fs::write(old.join(name), "old").expect("a file");
        }
        fs::write(new.join("events.jsonl"), "of a copy that is older").expect("a file");
        copy_files(&old, &new);
        let_go(&old);
        assert_eq!(fs::read_to_string(new.join("events.jsonl")).expect("is there"), "old");
        assert!(!new.join("session.json").exists() && !new.join("host.lock").exists());
        assert!(old.join("session.json").exists() && !old.join("host.lock").exists());
    }
}

//! A session whose host runs another cckw than the one on disk.

use std::ffi::OsString;
use std::path::PathBuf;

use nix::unistd::Pid;

use crate::os::running_program::{ProgramOnDisk, at_path, on_disk};
use crate::registry::Session;

/// Whether the program that its host runs was replaced on disk, or removed. False where that cannot be known.
pub fn is_older(session: &Session) -> bool {
    let host = Pid::from_raw(session.record.host_pid);
    let found = match &session.record.host_program {
        // What stands there counts, and not what has become of its file: that may have another name by now.
        Some(path) => at_path(host, &PathBuf::from(OsString::from(path.clone()))),
        None => on_disk(host),
    };
    let is_other = matches!(found, Some(ProgramOnDisk::Replaced | ProgramOnDisk::Removed));
    session.is_running && is_other && session.record.host_lives()
}

/// What to do about it.
pub fn hint(session: &Session) -> Option<String> {
    is_older(session).then(|| {
        format!(
            "its host runs another cckw than the one on disk; to renew it, which claude does not notice: cckw restart --hosts {}",
            session.word()
        )
    })
}

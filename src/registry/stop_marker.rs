//! The marker of a session that was told to end: a file in the session's directory.
//!
//! At a shutdown everything gets SIGTERM, in any order, and SIGKILL a moment later. Whoever is told first,
//! the host or the client, leaves the marker before it does anything else. So the other one, and every later
//! command, knows that nothing is to be brought back, also where the one who left it was killed before it
//! could say so.
//!
//! The host leaves it as well when the user ends the session (`cckw stop`), before it ends claude. The file's
//! name says who asked: after a SIGTERM `cckw start --all` brings the session back, after a stop it does not.
//!
//! The marker means something only while the record says that the session has not ended. `cckw start` takes
//! it away.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::os::descriptors;

/// How long a disk may take for an empty file.
const WRITE_TIMEOUT: Duration = Duration::from_millis(500);

/// Who told the session to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopRequest {
    /// The system, or somebody with `kill`: by SIGTERM.
    System,
    /// The user: by `cckw stop`, by a closed terminal with `on_hangup = "exit"`, by what ends an idle
    /// session.
    User,
}

impl StopRequest {
    /// The name of the file. It is empty, for an empty file has room on most full disks.
    fn file_name(self) -> &'static str {
        match self {
            Self::System => "stop-requested",
            Self::User => "stop-requested-by-user",
        }
    }
}

/// Leaves the marker. Where there is one already, it stays as it is.
///
/// # Errors
/// When the directory cannot be written.
pub fn set(directory: &Path, request: StopRequest) -> io::Result<()> {
    if is_set(directory) {
        return Ok(());
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    match options.open(directory.join(request.file_name())) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// The same, and does not wait for a disk that hangs: whoever was told to end has other things to do, and is
/// killed soon.
///
/// # Errors
/// As `set`, and when it takes too long. It may be written later.
pub fn set_soon(directory: &Path, request: StopRequest) -> io::Result<()> {
    let (done, result) = mpsc::channel();
    let owned = directory.to_owned();
    let write = move || {
        // Should this process be killed while the thread waits for the disk, nobody at a socket of its hears
        // of it later for that.
        let _ = descriptors::unshare_in_this_thread(&[]);
        let _ = done.send(set(&owned, request));
    };
    match thread::Builder::new().spawn(write) {
        Ok(_) => result.recv_timeout(WRITE_TIMEOUT).unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())),
        // No thread can be started.
        Err(_) => set(directory, request),
    }
}

/// Whether the session was told to end.
pub fn is_set(directory: &Path) -> bool {
    read(directory).is_some()
}

/// Who told the session to end; nothing where nobody did.
pub fn read(directory: &Path) -> Option<StopRequest> {
    let is_there = |request: &StopRequest| fs::symlink_metadata(directory.join(request.file_name())).is_ok();
    [StopRequest::System, StopRequest::User].into_iter().find(is_there)
}

/// Takes the marker away: claude goes on, or somebody wants the session back.
pub fn clear(directory: &Path) {
    for request in [StopRequest::System, StopRequest::User] {
        let _ = fs::remove_file(directory.join(request.file_name()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_there_from_set_to_clear_and_follows_no_link() {
        let scratch = tempfile::tempdir().expect("a directory");
        let directory = scratch.path();
        clear(directory);
        assert!(!is_set(directory));
        set_soon(directory, StopRequest::System).expect("writes");
        assert_eq!(read(directory), Some(StopRequest::System));
        set(directory, StopRequest::User).expect("finds it there");
        assert_eq!(read(directory), Some(StopRequest::System), "the first request counts");
        clear(directory);
        set_soon(directory, StopRequest::User).expect("writes");
        assert_eq!(read(directory), Some(StopRequest::User));
        clear(directory);
        assert_eq!(read(directory), None);
        assert!(!is_set(directory));
        std::os::unix::fs::symlink("elsewhere", directory.join("stop-requested")).expect("links");
        set(directory, StopRequest::User).expect("finds it there");
        assert!(is_set(directory) && !directory.join("elsewhere").exists());
        assert!(set(&directory.join("gone"), StopRequest::User).is_err());
    }
}

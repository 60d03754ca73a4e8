//! Removing what is left of a session.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nix::unistd::{Pid, getsid};
use uuid::Uuid;

use super::{Session, connect, session_of};
use crate::escape::escape;
use crate::paths;
use crate::platform::process;
use crate::session::record::{Record, State};

/// Whether a session's record may go.
///
/// # Errors
/// When it runs, or may be about to; the reason is for the user.
pub fn check_removable(session: &Session) -> Result<(), String> {
    let word = session.word();
    if session.is_running || connect(&session.record).is_some() {
        return Err(format!("{word} is running; end it first: cckw stop {word}"));
    }
    // A host is there before its socket. It leads a process session of its own, which tells it from most others that
    // have its pid by now.
    let host = Pid::from_raw(session.record.host_pid);
    let is_host = || process::look_up(host).is_some() && getsid(Some(host)) == Ok(host);
    if session.record.state != State::Stopped && host.as_raw() > 1 && is_host() {
        return Err(format!(
            "{word} has a host, process {host}, that does not answer yet, or any more: try again, or kill it"
        ));
    }
    Ok(())
}

/// The directory of a session whose record cannot be read, and that has no host: all that can be said of it is its id.
pub fn unreadable(word: &str) -> Option<PathBuf> {
    let session = Uuid::parse_str(word).ok().filter(|session| session.to_string() == word)?;
    let directory = paths::state_dir().ok()?.join(session.to_string());
    let is_gone = |socket: PathBuf| std::os::unix::net::UnixStream::connect(socket).is_err();
    let is_left = is_directory(&directory)
        && Record::read(&directory).is_err()
        && is_gone(paths::runtime_dir().join(format!("{session}.sock")));
    is_left.then_some(directory)
}

/// Removes a session's directory: only one that has a session's name and stands in cckw's own state directory, and
/// nothing that a link in it leads to.
///
/// # Errors
/// When it is anything else, or cannot be removed; the reason is for the user.
pub fn remove(directory: &Path) -> Result<(), String> {
    let state = paths::state_dir().map_err(|error| error.to_string())?;
    paths::check_private(&state).map_err(|error| error.to_string())?;
    if directory.parent() != Some(&state) || session_of(directory).is_none() || !is_directory(directory) {
        return Err(format!("{} is not a session's directory, and was left alone", escape(directory)));
    }
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(format!("{} cannot be removed: {error}", escape(directory)))
        }
        _ => Ok(()),
    }
}

/// Whether it is a directory, and not a link to one.
fn is_directory(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

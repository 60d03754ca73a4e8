//! Where the control socket of a session is.
//!
//! It is in the session's own directory, below the state directory, which a logout does not remove. Where no
//! socket can be made there, it is in [`crate::paths::short_dir`], and a link of its name in the session's
//! directory leads to it. So one look at the session's directory says whether there is a socket, whatever the
//! environment of the one who looks is.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::record::Record;
use crate::os::socket;

/// The name of the socket, or of the link to it, in the session's directory.
pub const SOCKET_NAME: &str = "control.sock";

/// The place of the socket in a session's directory.
pub fn in_directory(directory: &Path) -> PathBuf {
    directory.join(SOCKET_NAME)
}

/// The place of the socket that a session gets where its directory cannot hold one; `short` is
/// [`crate::paths::short_dir`] or stands for it.
pub fn in_short_dir(short: &Path, session: &Uuid) -> PathBuf {
    short.join(format!("{session}.sock"))
}

/// Whether a session's directory has a socket. Its host is alive, or was killed.
pub fn is_there(directory: &Path) -> bool {
    fs::symlink_metadata(in_directory(directory)).is_ok()
}

/// The socket of a session. The directory comes first, because it may have been moved since the record was
/// written. A host of an earlier version has its socket elsewhere: its record says where.
pub fn of(directory: &Path, record: &Record) -> PathBuf {
    let path = in_directory(directory);
    match fs::symlink_metadata(&path) {
        Ok(found) if found.is_symlink() => fs::read_link(&path).unwrap_or(path),
        Ok(_) => path,
        Err(_) => PathBuf::from(OsString::from(record.socket.clone())),
    }
}

/// Lets a link in the session's directory lead to a socket that is elsewhere.
///
/// # Errors
/// When the directory cannot be written.
pub fn link(directory: &Path, socket: &Path) -> io::Result<()> {
    let path = in_directory(directory);
    let _ = fs::remove_file(&path);
    symlink(socket, path)
}

/// Removes what a host that was killed has left of its sockets: nobody is to take the one who is gone for the
/// one who comes.
pub fn remove(directory: &Path, record: &Record) {
    let path = of(directory, record);
    // What the record names is removed only where it is a socket.
    if socket::is_own(&path) {
        let _ = fs::remove_file(path);
    }
    let _ = fs::remove_file(in_directory(directory));
}

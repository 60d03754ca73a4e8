//! The umask: closed to others for the files of this process, the user's own for claude.

use std::sync::OnceLock;

use nix::sys::stat::{Mode, umask};

static INHERITED: OnceLock<Mode> = OnceLock::new();

/// From now on, what this process makes is its user's alone, who can use it all: a umask may take the
/// permissions of the owner too.
pub fn make_private() {
    let before = umask(Mode::S_IRWXG | Mode::S_IRWXO);
    // The first one is the user's.
    let _ = INHERITED.set(before);
}

/// Gives this process the umask that it was started with. Between fork(2) and exec(2) too: it makes one
/// system call.
pub fn restore() {
    if let Some(before) = INHERITED.get() {
        umask(*before);
    }
}

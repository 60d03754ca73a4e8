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

/// The umask that this process was started with, for the program that goes on in its place.
#[allow(clippy::useless_conversion, reason = "the type of a mode differs between systems")]
pub fn inherited() -> u32 {
    INHERITED.get().copied().unwrap_or(Mode::empty()).bits().into()
}

/// Goes on in the place of a program that was started with this umask.
#[allow(clippy::useless_conversion, reason = "the type of a mode differs between systems")]
pub fn take_over(inherited: u32) {
    umask(Mode::S_IRWXG | Mode::S_IRWXO);
    let bits = inherited.try_into().unwrap_or_default();
    let _ = INHERITED.set(Mode::from_bits_truncate(bits));
}

/// Gives this process the umask that it was started with. Between fork(2) and exec(2) too: it makes one
/// system call.
pub fn restore() {
    if let Some(before) = INHERITED.get() {
        umask(*before);
    }
}

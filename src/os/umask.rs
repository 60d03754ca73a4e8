//! The umask: closed to others for the files of this process, the user's own for claude.

use std::sync::atomic::{AtomicU32, Ordering};

use nix::sys::stat::{Mode, umask};

/// No umask: it has more bits than any.
const NONE: u32 = u32::MAX;

static INHERITED: AtomicU32 = AtomicU32::new(NONE);

/// From now on, what this process makes is its user's alone, who can use it all: a umask may take the
/// permissions of the owner too.
#[allow(clippy::useless_conversion, reason = "the type of a mode differs between systems")]
pub fn make_private() {
    let before = umask(Mode::S_IRWXG | Mode::S_IRWXO).bits().into();
    // The first one is the user's.
    let _ = INHERITED.compare_exchange(NONE, before, Ordering::Relaxed, Ordering::Relaxed);
}

/// The umask that this process was started with, or that it has taken over: the one for the programs that it starts,
/// or that goes on in its place.
pub fn inherited() -> u32 {
    match INHERITED.load(Ordering::Relaxed) {
        NONE => 0,
        bits => bits,
    }
}

/// From now on the programs that this process starts get this umask. It stays private itself.
pub fn take_over(inherited: u32) {
    umask(Mode::S_IRWXG | Mode::S_IRWXO);
    INHERITED.store(inherited & 0o777, Ordering::Relaxed);
}

/// Gives this process the umask that it was started with, or that it has taken over. Between fork(2) and exec(2) too:
/// it makes one system call.
#[allow(clippy::useless_conversion, reason = "the type of a mode differs between systems")]
pub fn restore() {
    let bits = INHERITED.load(Ordering::Relaxed);
    if let (true, Ok(bits)) = (bits != NONE, bits.try_into()) {
        umask(Mode::from_bits_truncate(bits));
    }
}

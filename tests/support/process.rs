//! What the system says about a process, and signals by pid. On Linux it is `/proc` that says it.

#[cfg_attr(target_os = "linux", path = "process/linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "process/macos.rs")]
mod system;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

pub use system::{
    all, arguments, descriptors, environment, executable, limit, processor_time, signal_mask, sleeps, stat,
};

/// What tests look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Name of the program, at most 15 bytes.
    pub name: String,
    /// `R`unning, `S`leeping, `T` stopped, `Z`ombie …
    pub state: char,
    /// Parent process.
    pub parent: i32,
    /// Process group.
    pub group: i32,
    /// Session.
    pub session: i32,
    /// Device number of the controlling terminal, 0 for none.
    pub terminal: i32,
    /// Foreground process group of that terminal, -1 for none.
    pub foreground: i32,
    /// How many threads it has; one for a zombie whose other threads are gone.
    pub threads: u64,
    /// Start, in clock ticks after boot on Linux: with the pid it names a process for good.
    pub started: u64,
}

/// Whether `pid` exists and has not ended (a zombie has). The first thread of a process that is killed may be a
/// zombie a moment before the others are gone. Until then the files of the process are open and its locks are
/// held, so it counts as one that runs.
pub fn runs(pid: i32) -> bool {
    stat(pid).is_some_and(|stat| !matches!(stat.state, 'Z' | 'X') || stat.threads > 1)
}

/// Whether the first thread of `pid` has ended, though others may be a moment behind.
pub fn first_thread_has_ended(pid: i32) -> bool {
    stat(pid).is_none_or(|stat| matches!(stat.state, 'Z' | 'X'))
}

/// Whether `pid` is stopped, as by ctrl-z.
pub fn is_stopped(pid: i32) -> bool {
    stat(pid).is_some_and(|stat| stat.state == 'T')
}

/// The processes whose parent is `pid`.
pub fn children(pid: i32) -> Vec<i32> {
    all().into_iter().filter(|other| stat(*other).is_some_and(|stat| stat.parent == pid)).collect()
}

/// The children of `pid`, their children, and so on; those that have ended and not been waited for too.
pub fn descendants(pid: i32) -> Vec<i32> {
    let parents: Vec<(i32, i32)> =
        all().into_iter().filter_map(|other| Some((other, stat(other)?.parent))).collect();
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(child, _)| *child));
        next += 1;
    }
    found.split_off(1)
}

/// Sends `signal` to the one process `pid`; false when it is gone.
pub fn signal(pid: i32, signal: Signal) -> bool {
    assert!(pid > 1, "{pid} is no process of a test");
    kill(Pid::from_raw(pid), signal).is_ok()
}

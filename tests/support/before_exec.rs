//! What a test changes in the process that is about to become a program.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::sys::resource::{Resource, setrlimit};

/// Calls `act` there, between fork and exec: it may make system calls, and nothing else.
/// In a terminal such a command needs `Builder::fork`.
pub fn before_exec(command: &mut Command, act: impl FnMut() -> io::Result<()> + Send + Sync + 'static) {
    // SAFETY: every closure given to this function makes system calls only.
    unsafe { command.pre_exec(act) };
}

/// Sets a resource limit of this process: soft, hard.
pub fn limit(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
    Ok(setrlimit(resource, soft, hard)?)
}

/// Gives signals that whoever started the tests ignores (`nohup`, or a shell's `&`) back their default
/// action.
pub fn default_signals() -> io::Result<()> {
    for number in [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM] {
        // SAFETY: SIG_DFL runs no code of this process.
        if unsafe { libc::signal(number, libc::SIG_DFL) } == libc::SIG_ERR {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

//! What tests ask of the system, and Linux and macOS do not do alike. `process` and `pty` have such parts of
//! their own. The parts for macOS were never run.

use std::fs::File;
use std::io;

use nix::errno::Errno;

/// Two signals that hardly anybody uses. On Linux they are real-time ones, which macOS does not have.
#[cfg(target_os = "linux")]
pub fn rare_signals() -> [i32; 2] {
    [libc::SIGRTMIN() + 3, libc::SIGRTMIN() + 4]
}

/// The same.
#[cfg(not(target_os = "linux"))]
pub fn rare_signals() -> [i32; 2] {
    [libc::SIGINFO, libc::SIGEMT]
}

/// What connect(2) says on a socket that does not block when the listener's queue is full.
pub const QUEUE_IS_FULL: Errno = if cfg!(target_os = "linux") { Errno::EAGAIN } else { Errno::ECONNREFUSED };

/// Makes the calling thread, and no other one, the user `user`.
#[cfg(target_os = "linux")]
pub fn become_another(user: u32) -> io::Result<()> {
    // The C library's setresuid(3) would change every thread.
    // SAFETY: touches no memory.
    let changed = unsafe { libc::syscall(libc::SYS_setresuid, -1, user, -1) };
    if changed == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The same. The group becomes one of the same number.
#[cfg(target_os = "macos")]
pub fn become_another(user: u32) -> io::Result<()> {
    unsafe extern "C" {
        fn pthread_setugid_np(user: libc::uid_t, group: libc::gid_t) -> libc::c_int;
    }
    // SAFETY: touches no memory.
    if unsafe { pthread_setugid_np(user, user) } == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Moves the calling thread, and no other one, into this network namespace.
#[cfg(target_os = "linux")]
pub fn enter_network(network: &File) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    // SAFETY: touches no memory.
    let moved = unsafe { libc::setns(network.as_raw_fd(), libc::CLONE_NEWNET) };
    if moved == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The same; only Linux has them.
#[cfg(not(target_os = "linux"))]
pub fn enter_network(_network: &File) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

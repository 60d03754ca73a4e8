//! What terminals and their descriptors need, and Linux and macOS do not do alike. The part for macOS was
//! never run.

use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::pty::PtyMaster;
use nix::sys::socket::MsgFlags;

/// Has descriptors that come with a message close-on-exec from the beginning, where the system can do that.
#[cfg(target_os = "linux")]
pub const RECEIVE: MsgFlags = MsgFlags::MSG_CMSG_CLOEXEC;

/// The same: macOS cannot.
#[cfg(not(target_os = "linux"))]
pub const RECEIVE: MsgFlags = MsgFlags::empty();

/// Makes a descriptor that came with a message close-on-exec. Linux has done it ([`RECEIVE`]).
pub fn keep_private(fd: &OwnedFd) {
    fcntl(fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).expect("close-on-exec");
}

/// The path of a terminal, of which this is the master.
#[cfg(target_os = "linux")]
pub fn path_of(master: &PtyMaster) -> io::Result<PathBuf> {
    Ok(nix::pty::ptsname_r(master)?.into())
}

/// The same. ptsname(3) has one place for the answers of all threads.
#[cfg(not(target_os = "linux"))]
pub fn path_of(master: &PtyMaster) -> io::Result<PathBuf> {
    use std::ffi::{CStr, OsStr};
    use std::os::fd::AsRawFd;
    use std::os::unix::ffi::OsStrExt;
    let mut name = [0_u8; 128];
    // SAFETY: the request fills 128 bytes, as its number says.
    if unsafe { libc::ioctl(master.as_raw_fd(), libc::TIOCPTYGNAME as _, name.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let name = CStr::from_bytes_until_nul(&name).map_err(io::Error::other)?;
    Ok(OsStr::from_bytes(name.to_bytes()).into())
}

/// From now on this thread has descriptors of its own. Those that it has so far are copied.
#[cfg(target_os = "linux")]
pub fn own_descriptors() -> io::Result<()> {
    // SAFETY: touches no memory.
    if unsafe { libc::unshare(libc::CLONE_FILES) } == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Nothing: macOS has no such descriptors, so the child of another test may get a terminal that is being
/// opened.
#[cfg(not(target_os = "linux"))]
pub fn own_descriptors() -> io::Result<()> {
    Ok(())
}

/// Makes the calling process, which stands between fork and exec, the leader of a session whose terminal is
/// its descriptor 0.
pub fn lead_session() -> io::Result<()> {
    // SAFETY: takes no arguments; a fresh child is no group leader, so it succeeds.
    if unsafe { libc::setsid() } < 0 {
        return Err(io::Error::last_os_error());
    }
    // The type of a request is another one in musl and on macOS.
    // SAFETY: descriptor 0 is the slave by now, and the argument 0 means "do not steal".
    if unsafe { libc::ioctl(0, libc::TIOCSCTTY as _, 0) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

//! Unix sockets: receiving, descriptors included, and whether anybody listens.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket};
use nix::unistd::geteuid;

/// What one recvmsg(2) brought.
pub struct Received {
    /// How many bytes; zero at the end of the connection.
    pub bytes: usize,
    /// The descriptors, owned, so that none that nobody wanted stays open.
    pub fds: Vec<OwnedFd>,
    /// More descriptors came than there was room for, or than this process may have open.
    pub cut_off: bool,
}

/// Receives what fits into `buffer`, and up to about 30 descriptors.
///
/// nix's own recvmsg gives nothing but an error when descriptors were cut off, and those that the kernel had handed
/// over by then would stay open for ever.
///
/// # Errors
/// What recvmsg(2) says.
pub fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<Received> {
    // Of numbers, so that it is aligned as the headers in it need.
    let mut control = [0_u64; 18];
    let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // SAFETY: plain numbers and pointers, for which all zero is valid.
    let mut message = unsafe { std::mem::zeroed::<libc::msghdr>() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = size_of_val(&control) as _;
    // SAFETY: all that the header leads to lives in this function and is as long as the header says.
    let bytes = Errno::result(unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, FLAGS) })?;
    let mut fds = Vec::new();
    // SAFETY: the kernel has filled in the header.
    let mut next = unsafe { libc::CMSG_FIRSTHDR(&raw const message) };
    // SAFETY: not null then, aligned, and written by the kernel.
    while let Some(header) = unsafe { next.as_ref() } {
        if header.cmsg_level == libc::SOL_SOCKET && header.cmsg_type == libc::SCM_RIGHTS {
            // SAFETY: arithmetic on the header's address.
            let data = unsafe { libc::CMSG_DATA(next) }.cast::<RawFd>();
            // SAFETY: arithmetic only.
            let head = unsafe { libc::CMSG_LEN(0) } as usize;
            #[allow(clippy::unnecessary_cast, reason = "the field's type differs between systems")]
            let length = (header.cmsg_len as usize).saturating_sub(head);
            for nth in 0..length / size_of::<RawFd>() {
                // SAFETY: within what the header says is there.
                let place = unsafe { data.add(nth) };
                // SAFETY: as above; it may lie unaligned.
                let number = unsafe { place.read_unaligned() };
                // SAFETY: the kernel has just made this descriptor for this process.
                fds.push(unsafe { OwnedFd::from_raw_fd(number) });
            }
        }
        // SAFETY: both are the kernel's work.
        next = unsafe { libc::CMSG_NXTHDR(&raw const message, next) };
    }
    super::descriptors::keep_private(&fds);
    Ok(Received { bytes: bytes as usize, fds, cut_off: message.msg_flags & libc::MSG_CTRUNC != 0 })
}

/// Whether nobody listens at this path any more: there is nothing, or nothing that accepts a connection. What cannot be told (a
/// permission is missing, the listener is busy) is not dead. Never waits.
pub fn is_dead(path: &Path) -> bool {
    let Ok(address) = UnixAddr::new(path) else { return false };
    let Ok(ours) = socket(AddressFamily::Unix, SockType::Stream, SockFlag::empty(), None) else {
        return false;
    };
    if super::io::set_nonblocking(&ours).is_err() {
        return false;
    }
    let connected = connect(ours.as_raw_fd(), &address);
    matches!(connected, Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ECONNREFUSED))
}

/// A connection to who listens at this path, if that is this user.
///
/// A socket's directory may have gone (a reboot, a cleaner of `/tmp`) and be somebody else's by now, who could have the terminal
/// handed over. So the socket itself must be this user's, before anything waits for its listener to accept; and so must the
/// process that listens.
///
/// # Errors
/// When nobody listens, or another user does.
pub fn connect_to_own(path: &Path) -> io::Result<UnixStream> {
    connect_to(path, geteuid().as_raw())
}

/// Whether there is a socket of this user, which says nothing of who listens.
pub fn is_own(path: &Path) -> bool {
    is_socket_of(path, geteuid().as_raw()).unwrap_or(false)
}

fn is_socket_of(path: &Path, user: u32) -> io::Result<bool> {
    let metadata = std::fs::symlink_metadata(path)?;
    Ok(metadata.file_type().is_socket() && metadata.uid() == user)
}

fn connect_to(path: &Path, user: u32) -> io::Result<UnixStream> {
    let refused = || io::Error::new(io::ErrorKind::PermissionDenied, "another user's socket");
    if !is_socket_of(path, user)? {
        return Err(refused());
    }
    let stream = UnixStream::connect(path)?;
    // It may have been replaced in between.
    if peer_user(stream.as_fd())? == user { Ok(stream) } else { Err(refused()) }
}

/// The user that the other side of a connection runs as. For one who has connected that is the user who listens.
///
/// # Errors
/// When the system does not say.
#[cfg(target_os = "linux")]
pub fn peer_user(socket: BorrowedFd<'_>) -> io::Result<u32> {
    use nix::sys::socket::{getsockopt, sockopt};
    Ok(getsockopt(&socket, sockopt::PeerCredentials)?.uid())
}

/// The user that the other side of a connection runs as. Never run: see `docs/platforms.md`.
///
/// # Errors
/// When the system does not say.
#[cfg(not(target_os = "linux"))]
pub fn peer_user(socket: BorrowedFd<'_>) -> io::Result<u32> {
    Ok(nix::unistd::getpeereid(socket)?.0.as_raw())
}

#[cfg(target_os = "linux")]
const FLAGS: libc::c_int = libc::MSG_CMSG_CLOEXEC;
#[cfg(not(target_os = "linux"))]
const FLAGS: libc::c_int = 0;

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn only_a_listener_of_one_s_own_is_connected_to() {
        let scratch = tempfile::tempdir().expect("a directory");
        let path = scratch.path().join("socket");
        let own = geteuid().as_raw();
        assert_eq!(connect_to(&path, own).expect_err("nobody").kind(), io::ErrorKind::NotFound);
        let listener = UnixListener::bind(&path).expect("binds");
        connect_to(&path, own).expect("connects");
        assert_eq!(connect_to(&path, own + 1).expect_err("theirs").kind(), io::ErrorKind::PermissionDenied);
        // Whose it is that a link leads to can change.
        let link = scratch.path().join("link");
        std::os::unix::fs::symlink(&path, &link).expect("links");
        assert_eq!(connect_to(&link, own).expect_err("a link").kind(), io::ErrorKind::PermissionDenied);
        drop(listener);
        assert_eq!(connect_to(&path, own).expect_err("gone").kind(), io::ErrorKind::ConnectionRefused);
    }
}

//! Unix sockets: receiving, descriptors included, and whether anybody listens.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket};
use nix::unistd::{Pid, geteuid};

/// How long a listener whose queue is full may take to accept one.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const CONNECT_RETRY_INTERVAL: Duration = Duration::from_millis(20);

/// What one recvmsg(2) brought.
pub struct ReceivedBytes {
    /// How many bytes; zero at the end of the connection.
    pub bytes: usize,
    /// The descriptors, owned, so that none that nobody wanted stays open.
    pub fds: Vec<OwnedFd>,
    /// More descriptors came than there was room for, or than this process may have open.
    pub cut_off: bool,
}

/// Receives what fits into `buffer`, and up to about 30 descriptors.
///
/// nix's own recvmsg gives nothing but an error when descriptors were cut off, and those that the kernel had
/// handed over by then would stay open for ever.
///
/// # Errors
/// What recvmsg(2) says.
pub fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<ReceivedBytes> {
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
    Ok(ReceivedBytes { bytes: bytes as usize, fds, cut_off: message.msg_flags & libc::MSG_CTRUNC != 0 })
}

/// Has the kernel keep no more than about so many bytes that the other side of a socket has not read.
///
/// # Errors
/// What setsockopt(2) says.
pub fn limit_unread(socket: BorrowedFd<'_>, bytes: usize) -> io::Result<()> {
    use nix::sys::socket::{setsockopt, sockopt};
    Ok(setsockopt(&socket, sockopt::SndBuf, &bytes)?)
}

/// Whether nobody listens at this path any more: there is nothing, or nothing that accepts a connection. What
/// cannot be told (a permission is missing, the listener is busy) is not dead. Never waits.
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
/// A socket's directory may have gone (a reboot, a cleaner of `/tmp`) and be somebody else's by now, who
/// could have the terminal handed over. So the socket itself must be this user's, before anything waits for
/// its listener to accept; and so must the process that listens.
///
/// # Errors
/// When nobody listens, or another user does.
pub fn connect_to_own(path: &Path) -> io::Result<UnixStream> {
    connect_to(path, geteuid().as_raw(), CONNECT_TIMEOUT)
}

/// The same without a wait: [`io::ErrorKind::TimedOut`] where the listener has no room for one more at this
/// moment.
///
/// # Errors
/// As [`connect_to_own`].
pub fn connect_to_own_at_once(path: &Path) -> io::Result<UnixStream> {
    connect_to(path, geteuid().as_raw(), Duration::ZERO)
}

/// Whether there is a socket of this user, which says nothing of who listens.
pub fn is_own(path: &Path) -> bool {
    is_socket_of(path, geteuid().as_raw()).unwrap_or(false)
}

/// Makes a socket at this path and listens there. A path that is too long for an address is no error where
/// the system has a way around it.
///
/// # Errors
/// What bind(2) says, and [`io::ErrorKind::InvalidInput`] where the path is too long.
pub fn listen(path: &Path) -> io::Result<UnixListener> {
    UnixListener::bind(&Address::of(path)?.path)
}

/// Whether an error of [`listen`] means that there can be no socket of this name, though the directory can be
/// written: the path is too long, or the file system holds no sockets (vfat, some FUSE and network file
/// systems).
pub fn has_no_place(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidInput
        || matches!(
            error.raw_os_error(),
            Some(libc::EPERM | libc::EOPNOTSUPP | libc::ENOSYS | libc::EINVAL | libc::ENAMETOOLONG)
        )
}

/// Whether a path fits into a socket's address: 107 bytes on Linux, 103 on macOS.
pub fn fits(path: &Path) -> bool {
    UnixAddr::new(path).is_ok()
}

/// A path that fits into a socket's address.
struct Address {
    path: PathBuf,
    /// What the path leads through, where it is not the socket's own.
    _directory: Option<OwnedFd>,
}

impl Address {
    fn of(path: &Path) -> io::Result<Self> {
        if fits(path) {
            return Ok(Self { path: path.into(), _directory: None });
        }
        through_directory(path)
    }
}

/// A short way to the same file, through a descriptor of its directory.
#[cfg(target_os = "linux")]
fn through_directory(path: &Path) -> io::Result<Address> {
    use nix::fcntl::{OFlag, open};
    use nix::sys::stat::Mode;
    let too_long = || io::Error::new(io::ErrorKind::InvalidInput, "the path is too long for a socket");
    let (parent, name) = path.parent().zip(path.file_name()).ok_or_else(too_long)?;
    let directory = open(parent, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
    let path = Path::new("/proc/self/fd").join(directory.as_raw_fd().to_string()).join(name);
    // Without a /proc there is no such way.
    if !fits(&path) || !path.parent().is_some_and(Path::is_dir) {
        return Err(too_long());
    }
    Ok(Address { path, _directory: Some(directory) })
}

/// There is no short way here.
#[cfg(not(target_os = "linux"))]
fn through_directory(_path: &Path) -> io::Result<Address> {
    Err(io::Error::new(io::ErrorKind::InvalidInput, "the path is too long for a socket"))
}

fn is_socket_of(path: &Path, user: u32) -> io::Result<bool> {
    let metadata = std::fs::symlink_metadata(path)?;
    Ok(metadata.file_type().is_socket() && metadata.uid() == user)
}

fn connect_to(path: &Path, user: u32, timeout: Duration) -> io::Result<UnixStream> {
    let refused = || io::Error::new(io::ErrorKind::PermissionDenied, "another user's socket");
    if !is_socket_of(path, user)? {
        return Err(refused());
    }
    let stream = connect_in_time(&Address::of(path)?.path, timeout)?;
    // It may have been replaced in between.
    if peer_user(stream.as_fd())? == user { Ok(stream) } else { Err(refused()) }
}

/// Connects to a listener, but does not wait for ever for one that accepts nobody (its process is stopped)
/// and has a full queue: connect(2) would. [`io::ErrorKind::TimedOut`] then.
fn connect_in_time(path: &Path, timeout: Duration) -> io::Result<UnixStream> {
    let address = UnixAddr::new(path)?;
    let ours = socket(AddressFamily::Unix, SockType::Stream, SockFlag::empty(), None)?;
    super::descriptors::keep_private_here(&ours);
    super::io::set_nonblocking(&ours)?;
    let until = Instant::now() + timeout;
    loop {
        match connect(ours.as_raw_fd(), &address) {
            Ok(()) => break,
            // The queue is full; nothing can be waited for that tells when it has room.
            Err(Errno::EAGAIN) if Instant::now() < until => std::thread::sleep(CONNECT_RETRY_INTERVAL),
            Err(Errno::EAGAIN) => return Err(io::ErrorKind::TimedOut.into()),
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let stream = UnixStream::from(ours);
    stream.set_nonblocking(false)?;
    Ok(stream)
}

/// The user that the other side of a connection runs as. For one who has connected that is the user who
/// listens.
///
/// # Errors
/// When the system does not say.
#[cfg(target_os = "linux")]
pub fn peer_user(socket: BorrowedFd<'_>) -> io::Result<u32> {
    use nix::sys::socket::{getsockopt, sockopt};
    Ok(getsockopt(&socket, sockopt::PeerCredentials)?.uid())
}

/// The user that the other side of a connection runs as. Never run: see `docs/user/platforms.md`.
///
/// # Errors
/// When the system does not say.
#[cfg(not(target_os = "linux"))]
pub fn peer_user(socket: BorrowedFd<'_>) -> io::Result<u32> {
    Ok(nix::unistd::getpeereid(socket)?.0.as_raw())
}

/// The process on the other side of a connection, as it was when the connection was made; nothing where it
/// cannot be seen from here.
#[cfg(target_os = "linux")]
pub fn peer_process(socket: BorrowedFd<'_>) -> Option<Pid> {
    use nix::sys::socket::{getsockopt, sockopt};
    let pid = getsockopt(&socket, sockopt::PeerCredentials).ok()?.pid();
    // 0: it has no number in this PID namespace.
    (pid > 0).then(|| Pid::from_raw(pid))
}

/// The same. Never run: see `docs/user/platforms.md`.
#[cfg(target_os = "macos")]
pub fn peer_process(socket: BorrowedFd<'_>) -> Option<Pid> {
    use nix::sys::socket::{getsockopt, sockopt};
    let pid = getsockopt(&socket, sockopt::LocalPeerPid).ok()?;
    (pid > 0).then(|| Pid::from_raw(pid))
}

#[cfg(target_os = "linux")]
const FLAGS: libc::c_int = libc::MSG_CMSG_CLOEXEC;
#[cfg(not(target_os = "linux"))]
const FLAGS: libc::c_int = 0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_too_long_for_an_address_is_listened_at_and_connected_to() {
        let scratch = tempfile::tempdir().expect("a directory");
        let directory = scratch.path().join("long".repeat(40));
        std::fs::create_dir(&directory).expect("makes it");
        let path = directory.join("socket");
        assert!(!fits(&path) && fits(&scratch.path().join("socket")));
        if cfg!(target_os = "linux") {
            let _listener = listen(&path).expect("listens");
            assert!(is_own(&path));
            connect_to_own(&path).expect("connects");
        } else {
            assert!(has_no_place(&listen(&path).expect_err("too long")));
        }
    }

    #[test]
    fn only_a_listener_of_one_s_own_is_connected_to() {
        let scratch = tempfile::tempdir().expect("a directory");
        let path = scratch.path().join("socket");
        let own = geteuid().as_raw();
        assert_eq!(
            connect_to(&path, own, CONNECT_TIMEOUT).expect_err("nobody").kind(),
            io::ErrorKind::NotFound
        );
        let listener = UnixListener::bind(&path).expect("binds");
        connect_to(&path, own, CONNECT_TIMEOUT).expect("connects");
        assert_eq!(
            connect_to(&path, own + 1, CONNECT_TIMEOUT).expect_err("theirs").kind(),
            io::ErrorKind::PermissionDenied
        );
        // Whose it is that a link leads to can change.
        let link = scratch.path().join("link");
        std::os::unix::fs::symlink(&path, &link).expect("links");
        assert_eq!(
            connect_to(&link, own, CONNECT_TIMEOUT).expect_err("a link").kind(),
            io::ErrorKind::PermissionDenied
        );
        drop(listener);
        assert_eq!(
            connect_to(&path, own, CONNECT_TIMEOUT).expect_err("gone").kind(),
            io::ErrorKind::ConnectionRefused
        );
    }
}

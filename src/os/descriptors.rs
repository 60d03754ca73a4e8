//! Which descriptors this process has, and which of them a program it starts may see.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::signal::SigSet;
use nix::unistd::Pid;

/// Keeps every descriptor above stderr from the programs started from now on, but for those that
/// `arguments` name as `/dev/fd/N` or `/proc/self/fd/N` (process substitution of the shell).
pub fn close_on_exec(arguments: &[OsString]) {
    let wanted = named_in(arguments);
    if wanted.is_empty() && close_all_on_exec() {
        return;
    }
    for fd in open() {
        if fd > 2 && !wanted.contains(&fd) {
            set_close_on_exec(fd);
        }
    }
}

/// Sees to it that so many more descriptors can be opened.
///
/// # Errors
/// When they cannot. The error says what to do.
pub fn check_room(count: usize) -> io::Result<()> {
    if is_roomy(count) {
        return Ok(());
    }
    let held: io::Result<Vec<File>> = (0..count).map(|_| File::open("/dev/null")).collect();
    held.map(drop).map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("fewer than {count} more files can be opened: {error}; raise the limit, as with ulimit -n 1024"),
        )
    })
}

/// Whether a descriptor of this number is open.
pub fn is_open(fd: RawFd) -> bool {
    // SAFETY: the call reads a mark of the descriptor, if there is one.
    unsafe { libc::fcntl(fd, libc::F_GETFD) >= 0 }
}

/// Whether so many of the lowest numbers are free, and allowed. One poll(2), which says of each whether it is
/// open, in the place of as many opens and closes before each start; what it does not settle, those do.
fn is_roomy(count: usize) -> bool {
    const LOOKED_AT: usize = 128;
    let allowed = getrlimit(Resource::RLIMIT_NOFILE).map_or(0, |(soft, _)| soft);
    let looked_at = usize::try_from(allowed).unwrap_or(LOOKED_AT).min(LOOKED_AT);
    let mut fds: Vec<libc::pollfd> =
        (0..looked_at).map(|fd| libc::pollfd { fd: fd as RawFd, events: 0, revents: 0 }).collect();
    // SAFETY: the array is as long as its length says; closed descriptors are reported, not touched.
    let answered = unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, 0) };
    answered >= 0 && fds.iter().filter(|fd| fd.revents & libc::POLLNVAL != 0).count() >= count
}

/// Keeps every descriptor above stderr from the programs started from now on, in one call. False where the
/// system has none (Linux before 5.11).
fn close_all_on_exec() -> bool {
    #[cfg(target_os = "linux")]
    {
        // From linux/close_range.h; the C library's own function is newer than the call.
        const CLOSE_RANGE_CLOEXEC: libc::c_uint = 4;
        // SAFETY: with this flag it changes a mark of each descriptor, and closes none.
        unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, CLOSE_RANGE_CLOEXEC) == 0 }
    }
    #[cfg(not(target_os = "linux"))]
    false
}

/// Gives the calling thread a table of descriptors of its own. The standard streams and `kept` are in it,
/// nothing else.
///
/// A process that is killed closes its descriptors when the last thread has ended that shares them. A thread
/// that waits for a disk ends only when the disk has answered, so it must not share the terminal, the sockets
/// and the PTY: whoever is at their other end would hear of the death that much later. From now on a
/// descriptor of another thread means nothing in this one, and the other way round. So this thread gets no
/// signal any more: the handlers write to descriptors of the process.
///
/// # Errors
/// When the system cannot do this (Linux before 5.9, macOS). Then the descriptors are as before.
pub fn unshare_in_this_thread(kept: &[RawFd]) -> io::Result<()> {
    let mut kept: Vec<libc::c_uint> = kept.iter().filter_map(|fd| (*fd).try_into().ok()).collect();
    kept.sort_unstable();
    SigSet::all().thread_block()?;
    // The first call copies the table, and nothing of the part that it closes.
    let mut last = libc::c_uint::MAX;
    let mut flags = CLOSE_RANGE_UNSHARE;
    for fd in kept.into_iter().rev().filter(|fd| *fd > 2) {
        close_range(fd + 1, last, flags)?;
        (last, flags) = (fd - 1, 0);
    }
    close_range(3, last, flags)
}

/// From linux/close_range.h.
const CLOSE_RANGE_UNSHARE: libc::c_uint = 2;

/// Closes the descriptors from `first` to `last`. With [`CLOSE_RANGE_UNSHARE`] those of this thread alone,
/// which gets its own table.
#[cfg(target_os = "linux")]
fn close_range(first: libc::c_uint, last: libc::c_uint, flags: libc::c_uint) -> io::Result<()> {
    if first > last {
        return Ok(());
    }
    // SAFETY: called with a flag that makes the table this thread's own, or after such a call. So it closes
    // what no other thread uses, and this thread owns no descriptor but those that are kept.
    let done = unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// There is nothing like it here.
#[cfg(not(target_os = "linux"))]
fn close_range(_first: libc::c_uint, _last: libc::c_uint, _flags: libc::c_uint) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// The descriptors that are open in this process.
fn open() -> Vec<RawFd> {
    // Linux has it as a link to /proc/self/fd; macOS as a file system of its own.
    let Ok(entries) = std::fs::read_dir("/dev/fd") else { return (3..256).collect() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn set_close_on_exec(fd: RawFd) {
    // SAFETY: used for one fcntl(2) only, which checks the number and fails on a closed one.
    let borrowed = unsafe { BorrowedFd::borrow_raw(fd) };
    let _ = fcntl(borrowed, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC));
}

/// Keeps this one from the programs started from now on.
pub fn keep_private_here(fd: &OwnedFd) {
    set_close_on_exec(fd.as_raw_fd());
}

/// Keeps these from the programs started from now on. Linux does it as they are received; macOS cannot.
pub fn keep_private<'a>(fds: impl IntoIterator<Item = &'a OwnedFd>) {
    if cfg!(not(target_os = "linux")) {
        for fd in fds {
            set_close_on_exec(fd.as_raw_fd());
        }
    }
}

fn named_in(arguments: &[OsString]) -> HashSet<RawFd> {
    const PLACES: [&[u8]; 2] = [b"/dev/fd/", b"/proc/self/fd/"];
    let mut found = HashSet::new();
    for argument in arguments {
        let bytes = argument.as_bytes();
        for place in PLACES {
            let at = |start: usize| bytes[start..].strip_prefix(place);
            for rest in
                bytes.iter().enumerate().filter(|(_, byte)| **byte == b'/').filter_map(|(start, _)| at(start))
            {
                let digits = rest.iter().take_while(|byte| byte.is_ascii_digit());
                let digits: Vec<u8> = digits.copied().collect();
                if let Some(fd) = std::str::from_utf8(&digits).ok().and_then(|text| text.parse().ok()) {
                    found.insert(fd);
                }
            }
        }
    }
    found
}

/// Whether a process of this user can open no more files. False where that is not known.
pub fn are_used_up(pid: Pid) -> bool {
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap_or_default();
    let soft = limits.lines().find_map(|line| {
        line.strip_prefix("Max open files")?.split_ascii_whitespace().next()?.parse::<usize>().ok()
    });
    let numbers = std::fs::read_dir(format!("/proc/{pid}/fd")).map(|open| {
        open.flatten().filter_map(|one| one.file_name().to_str()?.parse::<usize>().ok()).collect::<Vec<_>>()
    });
    let (Some(soft), Ok(numbers)) = (soft, numbers) else { return false };
    // A number from the limit on does not count: what was open before it was lowered.
    numbers.iter().filter(|number| **number < soft).count() >= soft
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn process_substitutions_are_recognised() {
        let arguments =
            ["--mcp-config=/dev/fd/63", "x", "/proc/self/fd/7,/dev/fd/8", "/dev/fd/"].map(OsString::from);
        assert_eq!(named_in(&arguments), HashSet::from([63, 7, 8]));
    }

    #[test]
    fn room_is_seen_without_opening_anything() {
        assert!(is_roomy(16) && !is_roomy(1000));
        assert!(check_room(1).is_ok() && check_room(usize::MAX).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn all_are_kept_private_at_once() {
        let (read, _write) = nix::unistd::pipe().expect("a pipe");
        let private = || fcntl(&read, FcntlArg::F_GETFD).expect("is open") & libc::FD_CLOEXEC != 0;
        assert!(!private());
        close_on_exec(&[]);
        assert!(private());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_thread_with_a_table_of_its_own_has_what_it_keeps_and_delays_no_end() {
        use std::io::{Read, Write};
        use std::os::unix::net::UnixStream;
        use std::sync::mpsc;
        let (kept, mut other) = UnixStream::pair().expect("a socket pair");
        let (shared, mut end) = UnixStream::pair().expect("a socket pair");
        let number = shared.as_raw_fd();
        let (ready, is_ready) = mpsc::channel();
        let (go_on, may_end) = mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            unshare_in_this_thread(&[kept.as_raw_fd()]).expect("a table of its own");
            ready.send(()).expect("sent");
            (&kept).write_all(b"x").expect("writes");
            // A handler would write to a number that means something else here, or nothing.
            assert!(SigSet::thread_get_mask().expect("a mask").contains(nix::sys::signal::SIGCHLD));
            let _ = may_end.recv();
            // SAFETY: used for one fcntl(2) only, which checks the number and fails on a closed one.
            let gone = unsafe { BorrowedFd::borrow_raw(number) };
            fcntl(gone, FcntlArg::F_GETFD)
        });
        is_ready.recv().expect("ready");
        let mut byte = [0];
        other.read_exact(&mut byte).expect("what it keeps works");
        // The other end hears of it while the thread is still there.
        drop(shared);
        assert_eq!(end.read(&mut byte).expect("an end"), 0);
        drop(go_on);
        assert_eq!(thread.join().expect("ends"), Err(nix::Error::EBADF));
    }

    #[test]
    fn the_standard_streams_are_listed() {
        assert!(open().contains(&2));
    }
}

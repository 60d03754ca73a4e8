//! Which descriptors this process has, and which of them a program it starts may see.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};

/// Keeps every descriptor above stderr from the programs started from now on, but for those that
/// `arguments` name as `/dev/fd/N` or `/proc/self/fd/N` (process substitution of the shell).
pub fn close_on_exec(arguments: &[OsString]) {
    let wanted = named_in(arguments);
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
    let held: io::Result<Vec<File>> = (0..count).map(|_| File::open("/dev/null")).collect();
    held.map(drop).map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("fewer than {count} more files can be opened: {error}; raise the limit, as with ulimit -n 1024"),
        )
    })
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
            for start in memchr::memmem::find_iter(bytes, place) {
                let digits = bytes[start + place.len()..].iter().take_while(|byte| byte.is_ascii_digit());
                let digits: Vec<u8> = digits.copied().collect();
                if let Some(fd) = std::str::from_utf8(&digits).ok().and_then(|text| text.parse().ok()) {
                    found.insert(fd);
                }
            }
        }
    }
    found
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
    fn the_standard_streams_are_listed() {
        assert!(open().contains(&2));
    }
}

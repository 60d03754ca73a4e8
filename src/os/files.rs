//! Reading files whose place others may have chosen: a repository that holds a link to a device, a pipe in
//! place of a file.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// More than nearly all of them have, in bytes.
const USUAL_FILE_BYTES: usize = 8 << 10;

/// Opens a regular file to be read. Anything else that has the name is neither waited for nor made this
/// process's terminal.
///
/// # Errors
/// When it cannot be opened, or is no regular file.
pub fn open_plain(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    // A pipe would keep its reader waiting for a writer; neither flag matters to a regular file.
    let file = options.read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("not a regular file")) }
}

/// Opens a file of cckw's own to be written, and makes it where there is none, for this user only. What was
/// there stays.
///
/// # Errors
/// When it cannot be opened, or something else than a regular file has the name: a link is not followed, a
/// pipe is not waited for, a device is not written to.
pub fn open_own(path: &Path, append: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).append(append).create(true).truncate(false).mode(0o600);
    options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_NOFOLLOW);
    let is_plain = |file: File| {
        if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("not a regular file")) }
    };
    options.open(path).and_then(is_plain)
}

/// Whether the name is somebody's that is no regular file: a link, a pipe, a directory.
pub fn is_odd(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|found| !found.is_file())
}

/// All of a regular file, if it has at most so many bytes.
///
/// # Errors
/// When it cannot be read, is no regular file, or is longer.
pub fn read_plain(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut file = open_plain(path)?;
    // Nearly every one fits, and one read brings it, and its end: there may be a thousand to read.
    let mut usual = [0; USUAL_FILE_BYTES];
    let length = file.read(&mut usual)?;
    let mut contents = usual[..length].to_vec();
    if length == USUAL_FILE_BYTES {
        file.take((most + 1).saturating_sub(USUAL_FILE_BYTES as u64)).read_to_end(&mut contents)?;
    }
    if contents.len() as u64 > most {
        return Err(io::Error::other(format!("longer than {most} bytes")));
    }
    Ok(contents)
}

/// The path that an open file has now; nothing where it was removed, or the system does not say.
#[cfg(target_os = "linux")]
pub fn path_of(file: &File) -> Option<PathBuf> {
    use std::os::fd::AsRawFd;
    let path = std::fs::read_link(Path::new("/proc/self/fd").join(file.as_raw_fd().to_string())).ok()?;
    leads_to(&path, file).then_some(path)
}

/// The path that an open file has now; nothing where it was removed, or the system does not say. Never run:
/// see `docs/user/platforms.md`.
#[cfg(target_os = "macos")]
pub fn path_of(file: &File) -> Option<PathBuf> {
    let mut path = PathBuf::new();
    nix::fcntl::fcntl(file, nix::fcntl::FcntlArg::F_GETPATH(&mut path)).ok()?;
    leads_to(&path, file).then_some(path)
}

/// Whether a path leads to this open file, and through no link.
pub fn leads_to(path: &Path, file: &File) -> bool {
    let identity = |found: std::fs::Metadata| (found.dev(), found.ino());
    let there = std::fs::symlink_metadata(path).ok().map(identity);
    there.is_some() && there == file.metadata().ok().map(identity)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn what_is_no_regular_file_or_too_long_is_an_error_at_once() {
        let scratch = tempfile::tempdir().expect("a directory");
        let path = |name: &str| scratch.path().join(name);
        fs::write(path("file"), "12345").expect("writes");
        symlink(path("file"), path("link")).expect("links");
        for name in ["file", "link"] {
            assert_eq!(read_plain(&path(name), 5).expect("reads"), b"12345");
            assert!(read_plain(&path(name), 4).is_err());
        }
        nix::unistd::mkfifo(&path("pipe"), nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
        symlink("/dev/zero", path("zero")).expect("links");
        symlink("/dev/tty", path("tty")).expect("links");
        symlink("nowhere", path("gone")).expect("links");
        let _listener = std::os::unix::net::UnixListener::bind(path("socket")).expect("binds");
        for name in ["pipe", "zero", "tty", "gone", "socket", "."] {
            assert!(open_plain(&path(name)).is_err(), "{name}");
        }
        for name in ["pipe", "zero", "tty", "gone", "link", "socket", "."] {
            for append in [false, true] {
                assert!(open_own(&path(name), append).is_err(), "{name}");
            }
            assert!(is_odd(&path(name)), "{name}");
        }
        // A pipe that somebody reads could be opened.
        let _reader = open_options_of_a_reader(&path("pipe"));
        assert!(open_own(&path("pipe"), true).is_err());
        assert!(!is_odd(&path("file")) && !is_odd(&path("nothing")));
        open_own(&path("new"), true).expect("makes it");
        assert_eq!(fs::metadata(path("new")).expect("is there").permissions().mode() & 0o777, 0o600);
    }

    fn open_options_of_a_reader(pipe: &Path) -> File {
        OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(pipe).expect("opens")
    }
}

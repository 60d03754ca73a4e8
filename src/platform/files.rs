//! Reading files whose place others may have chosen: a repository that holds a link to a device, a pipe in place of a file.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// More than nearly all of them have, in bytes.
const USUAL: usize = 8 << 10;

/// Opens a regular file to be read. Anything else that has the name is neither waited for nor made this process's terminal.
///
/// # Errors
/// When it cannot be opened, or is no regular file.
pub fn open_plain(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    // A pipe would keep its reader waiting for a writer; neither flag matters to a regular file.
    let file = options.read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("not a regular file")) }
}

/// All of a regular file, if it has at most so many bytes.
///
/// # Errors
/// When it cannot be read, is no regular file, or is longer.
pub fn read_plain(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut file = open_plain(path)?;
    // Nearly every one fits, and one read brings it, and its end: there may be a thousand to read.
    let mut usual = [0; USUAL];
    let length = file.read(&mut usual)?;
    let mut contents = usual[..length].to_vec();
    if length == USUAL {
        file.take((most + 1).saturating_sub(USUAL as u64)).read_to_end(&mut contents)?;
    }
    if contents.len() as u64 > most {
        return Err(io::Error::other(format!("longer than {most} bytes")));
    }
    Ok(contents)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

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
    }
}

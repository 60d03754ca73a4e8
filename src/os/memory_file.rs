//! A file that has no name: it is gone when the last descriptor of it is closed.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::fd::OwnedFd;

/// A file without a name, with these bytes in it. It is read from its beginning.
///
/// # Errors
/// When the system has no room for it, or no descriptor is left.
pub fn with(bytes: &[u8]) -> io::Result<OwnedFd> {
    let mut file = File::from(new()?);
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file.into())
}

/// What is in such a file, from the beginning, up to `most` bytes.
///
/// # Errors
/// When it cannot be read, or is longer.
pub fn read(file: OwnedFd, most: u64) -> io::Result<Vec<u8>> {
    let mut file = File::from(file);
    file.rewind()?;
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::other("it is too long"));
    }
    Ok(bytes)
}

#[cfg(target_os = "linux")]
fn new() -> io::Result<OwnedFd> {
    use nix::sys::memfd::{MFdFlags, memfd_create};
    Ok(memfd_create(c"cckw-state", MFdFlags::MFD_CLOEXEC)?)
}

/// Never run: see `docs/user/platforms.md`.
#[cfg(not(target_os = "linux"))]
fn new() -> io::Result<OwnedFd> {
    use std::os::unix::fs::OpenOptionsExt;
    let path = std::env::temp_dir().join(format!("cckw-state.{}", uuid::Uuid::new_v4()));
    // A new file: a link that somebody has put there is refused. The standard library sets close-on-exec.
    let file = File::options().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
    std::fs::remove_file(path)?;
    Ok(file.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_more_than_once() {
        let file = with(b"state").expect("is made");
        let copy = file.try_clone().expect("is duplicated");
        assert_eq!(read(copy, 5).expect("is read"), b"state");
        assert_eq!(read(file.try_clone().expect("is duplicated"), 100).expect("is read"), b"state");
        assert!(read(file, 4).is_err());
    }
}

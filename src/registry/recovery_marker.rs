//! The mark of a revival that has yet to prove itself: a file in the session's directory.
//!
//! It is there from before a new host is started until that host has held its session for a while. So it
//! outlives every process, whichever is killed, and where it is found without a host, the last one has died
//! of something that another one would die of too.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::escape::escape;
use crate::os::files::{open_own, read_plain};
use crate::os::process;
use crate::paths;

/// How long a new host must hold its session. A session is not revived by itself more often than that.
pub const PROBATION: Duration = Duration::from_secs(10);

const MARKER_NAME: &str = "revived";

/// Leaves the mark, with the run of the machine in which it was left.
///
/// # Errors
/// When the directory cannot be written: then nothing would keep a revival from being tried for ever.
pub fn set(directory: &Path) -> io::Result<()> {
    let path = path(directory);
    let mut file = open_own(&path, false)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", escape(&path))))?;
    // A full disk has room for an empty file only, which counts too.
    let boot = process::boot().unwrap_or_default();
    let _ = file.set_len(0).and_then(|()| file.write_all(boot.as_bytes()));
    paths::sync_directory(directory)
}

/// Whether the last revival has proved nothing yet.
pub fn is_set(directory: &Path) -> bool {
    path(directory).exists()
}

/// Whether the last revival has proved nothing yet, and was in this run of the machine: what went down with the
/// machine was not the session's fault. A mark that does not say when it was left, as earlier versions left
/// it, counts.
pub fn is_of_this_boot(directory: &Path) -> bool {
    const MAX_BOOT_BYTES: u64 = 256;
    let Ok(boot) = read_plain(&path(directory), MAX_BOOT_BYTES) else { return is_set(directory) };
    boot.is_empty() || process::boot().is_some_and(|now| now.as_bytes() == boot)
}

/// The mark, which is removed when the host has held its session for long enough.
pub fn path(directory: &Path) -> PathBuf {
    directory.join(MARKER_NAME)
}

//! The mark of a revival that has yet to prove itself: a file in the session's directory.
//!
//! It is there from before a new host is started until that host has held its session for a while. So it
//! outlives every process, whichever is killed, and where it is found without a host, the last one has died
//! of something that another one would die of too.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::escape::escape;
use crate::os::files::open_own;
use crate::paths;

/// How long a new host must hold its session. A session is not revived by itself more often than that.
pub const PROBATION: Duration = Duration::from_secs(10);

const MARKER_NAME: &str = "revived";

/// Leaves the mark.
///
/// # Errors
/// When the directory cannot be written: then nothing would keep a revival from being tried for ever.
pub fn set(directory: &Path) -> io::Result<()> {
    let path = path(directory);
    open_own(&path, false)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", escape(&path))))?;
    paths::sync_directory(directory)
}

/// Whether the last revival has proved nothing yet.
pub fn is_set(directory: &Path) -> bool {
    path(directory).exists()
}

/// The mark, which is removed when the host has held its session for long enough.
pub fn path(directory: &Path) -> PathBuf {
    directory.join(MARKER_NAME)
}

//! The mark of a revival that has yet to prove itself: a file in the session's directory.
//!
//! It is there from before a new host is started until that host has held its session for a while. So it outlives every
//! process, whichever is killed, and where it is found without a host, the last one has died of something that another
//! one would die of too.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

/// How long a new host must hold its session. A session is not revived by itself more often than that.
pub const PROOF: Duration = Duration::from_secs(10);

const NAME: &str = "revived";

/// Leaves the mark.
///
/// # Errors
/// When the directory cannot be written: then nothing would keep a revival from being tried for ever.
pub fn set(directory: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    options.open(directory.join(NAME)).map(drop)
}

/// Whether the last revival has proved nothing yet.
pub fn is_set(directory: &Path) -> bool {
    directory.join(NAME).exists()
}

/// The host has held its session for long enough.
pub fn clear(directory: &Path) {
    let _ = fs::remove_file(directory.join(NAME));
}

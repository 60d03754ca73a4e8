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
/// What stands in its second line, if nobody tries it again by itself.
const GIVEN_UP: &str = "given up";
const MAX_BYTES: u64 = 256;

/// Leaves the mark, with the run of the machine in which it was left.
///
/// # Errors
/// When the directory cannot be written: then nothing would keep a revival from being tried for ever.
pub fn set(directory: &Path) -> io::Result<()> {
    write(directory, "")
}

/// Leaves the mark of a session that the service has tried for long enough.
///
/// # Errors
/// As `set`.
pub fn give_up(directory: &Path) -> io::Result<()> {
    write(directory, GIVEN_UP)
}

fn write(directory: &Path, word: &str) -> io::Result<()> {
    let path = path(directory);
    let mut file = open_own(&path, false)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", escape(&path))))?;
    // A full disk has room for an empty file only, which counts too.
    let mut text = process::boot().unwrap_or_default();
    if !word.is_empty() {
        text += &format!("\n{word}");
    }
    let _ = file.set_len(0).and_then(|()| file.write_all(text.as_bytes()));
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
    let Ok(text) = read_plain(&path(directory), MAX_BYTES) else { return is_set(directory) };
    let boot = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    boot.is_empty() || process::boot().is_some_and(|now| now.as_bytes() == boot)
}

/// Whether the service has tried it for long enough, in this run of the machine.
pub fn is_given_up(directory: &Path) -> bool {
    let text = read_plain(&path(directory), MAX_BYTES).unwrap_or_default();
    text.split(|byte| *byte == b'\n').nth(1) == Some(GIVEN_UP.as_bytes()) && is_of_this_boot(directory)
}

/// The mark, which is removed when the host has held its session for long enough.
pub fn path(directory: &Path) -> PathBuf {
    directory.join(MARKER_NAME)
}

//! The last turn of a transcript on disk. Only the end of the file is read.

use std::io;
use std::path::Path;

use super::entry::Entry;
use super::tail::Tail;
use super::turn::{TurnReader, TurnStatus};
use crate::os::files::open_plain;

/// The most that is read of a transcript, in bytes. A turn with many calls of tools can be longer; then its
/// prompt is taken from what claude repeats near the end.
const MAX_READ_BYTES: u64 = 4 << 20;

/// How the last turn stands. `is_busy` is whether a claude works on this conversation now. Lines that cannot
/// be read are passed over: half of one, NULs, what a newer version writes.
///
/// # Errors
/// When the file cannot be read.
pub fn of_file(path: &Path, is_busy: bool) -> io::Result<TurnStatus> {
    let mut tail = Tail::new(open_plain(path)?, MAX_READ_BYTES)?;
    let mut reader = TurnReader::default();
    while let Some(line) = tail.previous()? {
        if let Some(entry) = line.bytes.as_deref().and_then(Entry::parse) {
            reader.take(entry);
        }
        if reader.knows_all() {
            break;
        }
    }
    Ok(reader.finish(is_busy))
}

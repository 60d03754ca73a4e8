//! Single lines of a transcript, found without reading all of it: a transcript can be hundreds of megabytes
//! long.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use serde_json::Value;

use crate::os::files::open_plain;

/// How much is read at each end of a transcript, in bytes. Claude itself repeats a title near the end of the
/// file whenever it opens the conversation (seen with 2.1.332).
const EACH_END: u64 = 256 << 10;

/// The last line of this type in a transcript. `None` if there is none near the start or the end of the file,
/// or if the file cannot be read.
///
/// The lines between the first and the last 256 KiB are not looked at.
pub(super) fn last_of_type(path: &Path, kind: &str) -> Option<Value> {
    let mut file = open_plain(path).ok()?;
    let length = file.metadata().ok()?.len();
    let end = part(&mut file, length.saturating_sub(EACH_END), EACH_END).ok()?;
    find_last(&end, kind).or_else(|| {
        if length <= EACH_END {
            return None;
        }
        find_last(&part(&mut file, 0, EACH_END).ok()?, kind)
    })
}

/// So many bytes at the end of a transcript, and as many at its start, where that is longer. Nothing where
/// the file cannot be read.
pub(super) fn ends(path: &Path, each: u64) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
    let mut file = open_plain(path).ok()?;
    let length = file.metadata().ok()?.len();
    let end = part(&mut file, length.saturating_sub(each), each).ok()?;
    let start = (length > each).then(|| part(&mut file, 0, each).ok()).flatten();
    Some((end, start))
}

fn part(file: &mut File, from: u64, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(from))?;
    file.by_ref().take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The last line of this type.
pub(super) fn find_last(bytes: &[u8], kind: &str) -> Option<Value> {
    find_last_that(bytes, kind, |line| Some(line.clone()))
}

/// What is found in the last line of this type that has it.
pub(super) fn find_last_that<T>(bytes: &[u8], kind: &str, found: impl Fn(&Value) -> Option<T>) -> Option<T> {
    // Most lines are long and of another type. Only those that hold the word are looked at.
    let word = format!("\"{kind}\"");
    let word = memchr::memmem::FinderRev::new(&word);
    let mut before = bytes;
    while let Some(at) = word.rfind(before) {
        let start = memchr::memrchr(b'\n', &before[..at]).map_or(0, |end| end + 1);
        let end = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |length| at + length);
        let line = serde_json::from_slice::<Value>(&bytes[start..end]).ok();
        let found = line.filter(|line| line["type"] == kind).and_then(|line| found(&line));
        if found.is_some() {
            return found;
        }
        before = &bytes[..start];
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_of_the_type_is_found_at_either_end() {
        let scratch = tempfile::tempdir().expect("a directory");
        let path = scratch.path().join("x.jsonl");
        let line = |title: &str| format!("{{\"type\":\"custom-title\",\"customTitle\":\"{title}\"}}\n");
        let filler = format!("{{\"type\":\"user\",\"text\":\"custom-title {}\"}}\n", "x".repeat(1000));
        let found = |contents: &str| {
            std::fs::write(&path, contents).expect("writes");
            last_of_type(&path, "custom-title").map(|line| line["customTitle"].clone())
        };
        assert_eq!(found(""), None);
        assert_eq!(found(&filler), None);
        assert_eq!(found(&(line("a") + &line("b") + &filler)), Some("b".into()));
        assert_eq!(found(&(line("a") + &filler.repeat(600))), Some("a".into()));
        assert_eq!(found(&(filler.repeat(600) + &line("b") + "{\"type\":\"custom-ti")), Some("b".into()));
        assert_eq!(last_of_type(&scratch.path().join("none"), "custom-title"), None);
    }
}

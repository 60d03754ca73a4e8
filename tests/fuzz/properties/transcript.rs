//! The transcript reader: a conversation is found in a file if and only if one of its lines is an object with
//! a `uuid`, and the names of directories stay below `projects`.
//!
//! Input: the path that a conversation was begun in, up to the first newline; then the file.

use std::ffi::OsStr;
use std::io::BufReader;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

use cckw::claude::transcript::{TranscriptOnDisk, directory_name, find, holds_message, is_id};
use serde_json::Value;

const ID: &str = "0f0e0d0c-1111-4111-8111-0123456789ab";

pub fn check(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (cwd, file) = (Path::new(OsStr::from_bytes(&data[..end])), data.get(end + 1..).unwrap_or_default());
    let name = directory_name(cwd);
    assert!(
        name.len() <= 200 + 1 + 7
            && name.as_bytes().iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
    );

    if let Ok(id) = std::str::from_utf8(&data[..end]) {
        let one = |id: &str| Path::new(id).components().count() == 1 && !id.starts_with('-');
        assert!(
            !is_id(id) || one(id) && matches!(Path::new(id).components().next(), Some(Component::Normal(_)))
        );
    }

    let found = holds_message(file).expect("memory can be read");
    for capacity in [1, 7] {
        assert_eq!(
            holds_message(BufReader::with_capacity(capacity, file)).expect("memory can be read"),
            found
        );
    }
    let mut unclear = false;
    let said = file.split(|byte| *byte == b'\n').any(|line| match serde_json::from_slice(line) {
        // serde_json has a meaning of its own for such a key.
        Ok(Value::Object(_)) if line.windows(11).any(|key| key == b"$serde_json") => {
            unclear = true;
            false
        }
        Ok(Value::Object(object)) => matches!(object.get("uuid"), Some(Value::String(_))),
        // A line may be fine for one who looks for one key only, and the other way round.
        Ok(_) | Err(_) => {
            unclear |= line.windows(4).any(|four| four == b"uuid") || line.contains(&b'\\');
            false
        }
    });
    assert!(unclear || said == found, "found: {found}, is there: {said}");
    if said != found || data.len().is_multiple_of(16) {
        on_disk(cwd, file, found);
    }
}

/// The same from a file, where it belongs and from anywhere.
fn on_disk(cwd: &Path, file: &[u8], found: bool) {
    let projects = tempfile::tempdir().expect("a directory");
    // A conversation is never begun in a directory without a name.
    let directory =
        projects.path().join(Path::new("x").join(directory_name(cwd)).file_name().expect("a name"));
    std::fs::create_dir_all(&directory).expect("a directory");
    let path = directory.join(format!("{ID}.jsonl"));
    std::fs::write(&path, file).expect("a file");
    let expected =
        if found { TranscriptOnDisk::Conversation(path) } else { TranscriptOnDisk::Unusable(path) };
    assert_eq!(find(projects.path(), ID, None), expected);
    if !directory_name(cwd).is_empty() {
        assert_eq!(find(projects.path(), ID, Some(cwd)), expected);
    }
}

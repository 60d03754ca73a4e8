//! The session's log: `events.jsonl` in its directory, one JSON object a line.

use std::cell::Cell;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};

/// The size at which the log is put aside, in bytes; one older log is kept.
const LIMIT: u64 = 256 * 1024;

/// Appends to a session's log. A log that cannot be written is not a reason to disturb the session.
pub struct Events {
    path: PathBuf,
    /// How many events could not be written since the last one that was.
    missed: Cell<u64>,
}

impl Events {
    /// The log in a session's directory.
    pub fn in_directory(directory: &Path) -> Self {
        Self { path: directory.join("events.jsonl"), missed: Cell::new(0) }
    }

    /// Appends `event` with its details, and the time in milliseconds since 1970.
    pub fn write(&self, event: &str, details: Value) {
        let mut bytes = Vec::new();
        if self.missed.get() > 0 {
            bytes = line("events-missed", serde_json::json!({ "count": self.missed.get() }));
        }
        bytes.extend(line(event, details));
        if fs::metadata(&self.path).is_ok_and(|metadata| metadata.len() > LIMIT) {
            let _ = fs::rename(&self.path, self.path.with_extension("old.jsonl"));
        }
        self.missed.set(if self.append(&bytes).is_ok() { 0 } else { self.missed.get() + 1 });
    }

    /// Appends all of it or, where the disk is full, nothing: half a line would spoil the next one.
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let mut file = fs::OpenOptions::new().append(true).create(true).mode(0o600).open(&self.path)?;
        let before = file.metadata()?.len();
        file.write_all(bytes).inspect_err(|_| drop(file.set_len(before)))
    }
}

fn line(event: &str, details: Value) -> Vec<u8> {
    let mut line = Map::new();
    line.insert("at".into(), now_ms().into());
    line.insert("event".into(), event.into());
    if let Value::Object(details) = details {
        line.extend(details);
    }
    let mut bytes = Value::Object(line).to_string().into_bytes();
    bytes.push(b'\n');
    bytes
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// Seconds since 1970.
pub fn now() -> u64 {
    now_ms() / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn what_could_not_be_written_is_counted() {
        let scratch = tempfile::tempdir().expect("a directory");
        let mut events = Events::in_directory(scratch.path());
        let path = std::mem::replace(&mut events.path, "/dev/full".into());
        for _ in 0..3 {
            events.write("lost", serde_json::json!({}));
        }
        events.path = path.clone();
        events.write("kept", serde_json::json!({}));
        events.write("kept", serde_json::json!({}));
        let kept = fs::read_to_string(path).expect("reads");
        let lines: Vec<Value> =
            kept.lines().map(|line| serde_json::from_str(line).expect("whole lines")).collect();
        let names: Vec<&str> = lines.iter().map(|line| line["event"].as_str().expect("a name")).collect();
        assert_eq!(names, ["events-missed", "kept", "kept"]);
        assert_eq!(lines[0]["count"], 3);
    }

    #[test]
    fn the_log_is_bounded_and_keeps_the_newest() {
        let scratch = tempfile::tempdir().expect("a directory");
        let events = Events::in_directory(scratch.path());
        for number in 0..200 {
            events.write("test", serde_json::json!({ "number": number, "filler": "x".repeat(4000) }));
        }
        let kept = fs::read_to_string(scratch.path().join("events.jsonl")).expect("reads");
        let last: Value = serde_json::from_str(kept.lines().last().expect("a line")).expect("JSON");
        assert_eq!(last["number"], 199);
        let total: u64 = fs::read_dir(scratch.path())
            .expect("lists")
            .flatten()
            .map(|entry| entry.metadata().expect("is there").len())
            .sum();
        assert!(total < 2 * LIMIT + 10_000, "{total}");
    }
}

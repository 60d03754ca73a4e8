//! The session's log: `events.jsonl` in its directory, one event a line.

use std::cell::RefCell;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::log_event::LogEvent;
use crate::os::files::open_own;

/// The size at which the log is put aside, in bytes; one older log is kept.
const MAX_LOG_BYTES: u64 = 256 * 1024;

/// Takes lines of a log, for somebody who writes them.
pub trait LineQueue {
    /// Hands a line over, its end included. Never waits.
    fn append(&self, line: Vec<u8>);
}

/// Appends to a session's log. A log that cannot be written is not a reason to disturb the session.
pub struct EventLog {
    sink: Sink,
}

/// Who writes the lines.
enum Sink {
    /// This process, at once.
    File(RefCell<LogFile>),
    /// Somebody else, in order.
    Queue(Box<dyn LineQueue>),
}

impl EventLog {
    /// The log in a session's directory. Each event is in the file when `write` returns.
    pub fn in_directory(directory: &Path) -> Self {
        Self { sink: Sink::File(RefCell::new(LogFile::in_directory(directory))) }
    }

    /// A log whose lines go to a queue.
    pub fn queued(queue: Box<dyn LineQueue>) -> Self {
        Self { sink: Sink::Queue(queue) }
    }

    /// Appends an event, with the time.
    pub fn write(&self, event: LogEvent) {
        let line = line(&event);
        match &self.sink {
            Sink::File(file) => file.borrow_mut().append(&line, 0),
            Sink::Queue(queue) => queue.append(line),
        }
    }
}

/// The file itself.
pub(crate) struct LogFile {
    path: PathBuf,
    /// How many events could not be written since the last one that was.
    missed: u64,
}

impl LogFile {
    pub(crate) fn in_directory(directory: &Path) -> Self {
        Self { path: directory.join("events.jsonl"), missed: 0 }
    }

    /// Appends a line, and before it how many are missing, `dropped` among them: so many never came here.
    pub(crate) fn append(&mut self, event: &[u8], dropped: u64) {
        self.missed += dropped;
        let mut bytes = Vec::new();
        if self.missed > 0 {
            bytes = line(&LogEvent::EventsMissed { count: self.missed });
        }
        bytes.extend_from_slice(event);
        let metadata = fs::symlink_metadata(&self.path);
        if metadata.as_ref().is_ok_and(|metadata| metadata.is_file() && metadata.len() > MAX_LOG_BYTES) {
            let _ = fs::rename(&self.path, self.path.with_extension("old.jsonl"));
        } else if metadata.is_ok_and(|metadata| is_put_there(metadata.file_type()))
            // It is kept, and the log goes on beside it.
            && fs::rename(&self.path, self.path.with_extension("jsonl.not-a-log")).is_ok()
        {
            bytes = [line(&LogEvent::LogReplaced), bytes].concat();
        }
        self.missed = if self.write(&bytes).is_ok() { 0 } else { self.missed + 1 };
    }

    /// Appends all of it or, where the disk is full, nothing: half a line would spoil the next one.
    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut file = open_own(&self.path, true)?;
        let before = file.metadata()?.len();
        file.write_all(bytes).inspect_err(|_| drop(file.set_len(before)))
    }
}

/// Whether this is something that somebody has put in the place of a file: a pipe, a socket, a link, a
/// directory. A device is left where it is.
fn is_put_there(kind: fs::FileType) -> bool {
    kind.is_fifo() || kind.is_socket() || kind.is_symlink() || kind.is_dir()
}

/// An event as it stands in the log, with the time.
pub(crate) fn line(event: &LogEvent) -> Vec<u8> {
    event.line(now_ms())
}

/// Milliseconds since 1970.
pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// Seconds since 1970.
pub fn now() -> u64 {
    now_ms() / 1000
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn what_could_not_be_written_is_counted() {
        let scratch = tempfile::tempdir().expect("a directory");
        let mut log = LogFile::in_directory(scratch.path());
        let path = std::mem::replace(&mut log.path, "/dev/full".into());
        let write = |log: &mut LogFile, event: LogEvent| log.append(&line(&event), 0);
        for _ in 0..3 {
            write(&mut log, LogEvent::Detached);
        }
        log.path = path.clone();
        write(&mut log, LogEvent::Resumed);
        write(&mut log, LogEvent::Resumed);
        let kept = fs::read_to_string(path).expect("reads");
        let lines: Vec<Value> =
            kept.lines().map(|line| serde_json::from_str(line).expect("whole lines")).collect();
        let names: Vec<&str> = lines.iter().map(|line| line["event"].as_str().expect("a name")).collect();
        assert_eq!(names, ["events-missed", "resumed", "resumed"]);
        assert_eq!(lines[0]["count"], 3);
    }

    #[test]
    fn what_took_the_place_of_the_log_is_put_aside() {
        use std::os::unix::fs::symlink;
        type Put = fn(&Path);
        let put: [Put; 3] = [
            |path| nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).expect("a pipe"),
            |path| symlink("/dev/zero", path).expect("a link"),
            |path| fs::create_dir(path).expect("a directory"),
        ];
        for put in put {
            let scratch = tempfile::tempdir().expect("a directory");
            let path = scratch.path().join("events.jsonl");
            put(&path);
            let events = EventLog::in_directory(scratch.path());
            for _ in 0..2 {
                events.write(LogEvent::Resumed);
            }
            let kept = fs::read_to_string(&path).expect("a file");
            assert_eq!(kept.lines().count(), 3, "{kept}");
            assert!(kept.contains("log-replaced"));
        }
    }

    #[test]
    fn the_log_is_bounded_and_keeps_the_newest() {
        let scratch = tempfile::tempdir().expect("a directory");
        let events = EventLog::in_directory(scratch.path());
        for number in 0..200 {
            events.write(LogEvent::Relaunched { child: number, how: "x".repeat(4000) });
        }
        let kept = fs::read_to_string(scratch.path().join("events.jsonl")).expect("reads");
        let last: Value = serde_json::from_str(kept.lines().last().expect("a line")).expect("JSON");
        assert_eq!(last["child"], 199);
        let total: u64 = fs::read_dir(scratch.path())
            .expect("lists")
            .flatten()
            .map(|entry| entry.metadata().expect("is there").len())
            .sum();
        assert!(total < 2 * MAX_LOG_BYTES + 10_000, "{total}");
    }
}

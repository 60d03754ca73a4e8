//! Reading a session's log while its host goes on writing it.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::os::files::open_plain;

/// A line longer than this is no event; it is cut there, in bytes.
const MAX_LINE_BYTES: usize = 1 << 20;
/// The most that is read of a log at a time, in bytes: far more than a host lets it have.
const MAX_READ_BYTES: u64 = 16 << 20;

/// A session's log from its beginning, the older half that was put aside included.
///
/// The host puts the log aside by renaming it, and writes no more to what it has renamed.
pub struct Log {
    older: PathBuf,
    newest: PathBuf,
    /// What is to be read to its end, oldest first; the last one may grow.
    files: Vec<File>,
    rest: Vec<u8>,
}

impl Log {
    /// The log in a session's directory.
    pub fn open(directory: &Path) -> Self {
        let newest = directory.join("events.jsonl");
        let older = newest.with_extension("old.jsonl");
        // The newest first: if it is put aside in between, it is found twice rather than not at all.
        let last = open_plain(&newest).ok();
        let first =
            open_plain(&older).ok().filter(|first| !last.as_ref().is_some_and(|last| same(first, last)));
        Self { older, newest, files: first.into_iter().chain(last).collect(), rest: Vec::new() }
    }

    /// The whole lines that were written since the last call, without their ends.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn lines(&mut self) -> io::Result<Vec<Vec<u8>>> {
        let mut lines = Vec::new();
        loop {
            for at in 0..self.files.len() {
                let bytes = read(&mut self.files[at])?;
                self.split(&bytes, &mut lines);
            }
            let fresh = self.fresh();
            if fresh.is_empty() {
                return Ok(lines);
            }
            // What was put aside may have grown after it was read, and before it was put aside.
            if let Some(last) = self.files.last_mut() {
                let bytes = read(last)?;
                self.split(&bytes, &mut lines);
            }
            self.files = fresh;
        }
    }

    /// What is left when nothing comes any more: a line whose writer was killed in the middle of it.
    pub fn finish(&mut self) -> Option<Vec<u8>> {
        Some(std::mem::take(&mut self.rest)).filter(|rest| !rest.is_empty())
    }

    /// The files that have begun since the last one that is known. All but that one are forgotten.
    fn fresh(&mut self) -> Vec<File> {
        if self.files.len() > 1 {
            self.files.drain(..self.files.len() - 1);
        }
        let known = self.files.last();
        let is_known = |file: &File| known.is_some_and(|known| same(known, file));
        let Ok(newest) = open_plain(&self.newest) else { return Vec::new() };
        if is_known(&newest) {
            return Vec::new();
        }
        let between = open_plain(&self.older).ok().filter(|older| !is_known(older) && !same(older, &newest));
        between.into_iter().chain([newest]).collect()
    }

    fn split(&mut self, bytes: &[u8], lines: &mut Vec<Vec<u8>>) {
        self.rest.extend_from_slice(bytes);
        while let Some(end) = memchr::memchr(b'\n', &self.rest) {
            let mut line: Vec<u8> = self.rest.drain(..=end).collect();
            line.pop();
            lines.push(line);
        }
        self.rest.truncate(MAX_LINE_BYTES);
    }
}

fn read(file: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(MAX_READ_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn same(one: &File, other: &File) -> bool {
    let identity = |file: &File| file.metadata().ok().map(|metadata| (metadata.dev(), metadata.ino()));
    identity(one).is_some_and(|one| identity(other) == Some(one))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::registry::event_log::EventLog;
    use crate::registry::log_event::LogEvent;

    fn numbers(log: &mut Log) -> Vec<u64> {
        let lines = log.lines().expect("reads");
        let number = |line: &Vec<u8>| {
            let line: serde_json::Value = serde_json::from_slice(line).expect("JSON");
            line["child"].as_u64().expect("a number")
        };
        lines.iter().map(number).collect()
    }

    fn write(events: &EventLog, number: i32) {
        events.write(LogEvent::Relaunched { child: number, how: "x".repeat(20_000) });
    }

    #[test]
    fn every_line_comes_once_however_often_the_log_is_put_aside() {
        let scratch = tempfile::tempdir().expect("a directory");
        let events = EventLog::in_directory(scratch.path());
        let mut log = Log::open(scratch.path());
        let mut seen = numbers(&mut log);
        for number in 0..100 {
            write(&events, number);
            // Not at each one: so a look finds one that was put aside, or none, or two.
            if number % 9 == 0 {
                seen.extend(numbers(&mut log));
            }
        }
        seen.extend(numbers(&mut log));
        assert_eq!(seen, (0..100).collect::<Vec<u64>>());
        let kept = numbers(&mut Log::open(scratch.path()));
        assert_eq!(kept, (100 - kept.len() as u64..100).collect::<Vec<u64>>());
        assert!(kept.len() > 13, "the older half was not read: {kept:?}");
    }

    #[test]
    fn a_line_is_given_when_it_is_whole() {
        let scratch = tempfile::tempdir().expect("a directory");
        let path = scratch.path().join("events.jsonl");
        fs::write(&path, "one\ntw").expect("writes");
        let mut log = Log::open(scratch.path());
        assert_eq!(log.lines().expect("reads"), [b"one"]);
        fs::write(&path, "one\ntwo\nthr").expect("writes");
        assert_eq!(log.lines().expect("reads"), [b"two"]);
        assert_eq!((log.finish(), log.finish()), (Some(b"thr".to_vec()), None));
    }

    #[test]
    fn no_log_has_no_lines() {
        let scratch = tempfile::tempdir().expect("a directory");
        assert_eq!(Log::open(scratch.path()).lines().expect("reads"), Vec::<Vec<u8>>::new());
        assert_eq!(Log::open(&scratch.path().join("gone")).lines().expect("reads"), Vec::<Vec<u8>>::new());
    }
}

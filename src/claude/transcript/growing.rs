//! The lines of a file from some place on, while another program goes on writing it. Its memory is bounded by
//! the longest line.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::tail::MAX_LINE_BYTES;
use crate::os::files::open_plain;

/// How much is read at once, in bytes.
const CHUNK_BYTES: u64 = 64 << 10;
/// How many of the last lines are known again in a file that has become shorter.
const MAX_KNOWN_LINES: usize = 64;
/// How much of each is kept, in bytes. The ids and times of messages differ within that.
const MAX_KNOWN_BYTES: usize = 512;

/// A line that has its newline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrowingLine {
    /// What it holds, without the newline.
    Whole(Vec<u8>),
    /// It is longer than any that is looked at.
    TooLong,
}

/// What has become of the file since it was opened, apart from growing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileChange {
    /// It is the same.
    None,
    /// It is shorter than what was read of it.
    Shorter,
    /// Another file has its name.
    Replaced,
    /// Nothing has its name.
    Gone,
}

/// A file that is read while it grows.
#[derive(Debug)]
pub struct GrowingFile {
    path: PathBuf,
    file: File,
    /// Up to here everything was read.
    at: u64,
    /// What was read and belongs to no line that was returned.
    pending: Vec<u8>,
    /// How much of that holds no newline.
    searched: usize,
    is_too_long: bool,
    /// The last lines that were returned, oldest first: where each begins, and what it held.
    known: VecDeque<(u64, Vec<u8>)>,
}

impl GrowingFile {
    /// Begins at this place, which is the start of a line.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(path: &Path, at: u64) -> io::Result<Self> {
        let mut file = open_plain(path)?;
        file.seek(SeekFrom::Start(at))?;
        let (pending, known) = (vec![], VecDeque::new());
        Ok(Self { path: path.to_owned(), file, at, pending, searched: 0, is_too_long: false, known })
    }

    /// The next line; nothing where none is whole yet. Empty ones are left out.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn next_line(&mut self) -> io::Result<Option<GrowingLine>> {
        loop {
            if let Some(found) = memchr::memchr(b'\n', &self.pending[self.searched..]) {
                let rest = self.pending.split_off(self.searched + found + 1);
                let mut line = std::mem::replace(&mut self.pending, rest);
                self.searched = 0;
                line.pop();
                if std::mem::take(&mut self.is_too_long) {
                    return Ok(Some(GrowingLine::TooLong));
                }
                if !line.is_empty() {
                    self.remember(&line);
                    return Ok(Some(GrowingLine::Whole(line)));
                }
                continue;
            }
            self.searched = self.pending.len();
            if self.searched > MAX_LINE_BYTES {
                self.is_too_long = true;
                self.pending.clear();
                self.searched = 0;
            }
            let count = (&mut self.file).take(CHUNK_BYTES).read_to_end(&mut self.pending)?;
            self.at += count as u64;
            if count == 0 {
                return Ok(None);
            }
        }
    }

    /// What stands behind the last newline, if there is something.
    pub fn unfinished(&self) -> Option<GrowingLine> {
        if self.is_too_long {
            return Some(GrowingLine::TooLong);
        }
        (!self.pending.is_empty()).then(|| GrowingLine::Whole(self.pending.clone()))
    }

    /// What has become of the file.
    pub fn change(&self) -> FileChange {
        let (Ok(own), Ok(named)) = (self.file.metadata(), std::fs::metadata(&self.path)) else {
            return FileChange::Gone;
        };
        if (own.dev(), own.ino()) != (named.dev(), named.ino()) {
            return FileChange::Replaced;
        }
        if own.len() < self.at { FileChange::Shorter } else { FileChange::None }
    }

    /// Goes on with a file that has become shorter: behind the last line that is still there as it was read,
    /// or else at its beginning.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn resume(&mut self) -> io::Result<()> {
        let mut known = None;
        while let Some((start, begin)) = self.known.pop_back() {
            self.file.seek(SeekFrom::Start(start))?;
            let mut found = vec![];
            (&mut self.file).take(begin.len() as u64).read_to_end(&mut found)?;
            if found == begin {
                known = Some(start);
                break;
            }
        }
        self.at = known.unwrap_or(0);
        self.file.seek(SeekFrom::Start(self.at))?;
        (self.searched, self.is_too_long) = (0, false);
        self.pending.clear();
        if known.is_some() {
            // Only its beginning was kept, so its end is looked for.
            self.next_line()?;
        }
        Ok(())
    }

    /// Keeps the beginning of a line, by which it is known again.
    fn remember(&mut self, line: &[u8]) {
        let start = self.at - self.pending.len() as u64 - line.len() as u64 - 1;
        if self.known.len() == MAX_KNOWN_LINES {
            self.known.pop_front();
        }
        self.known.push_back((start, line[..line.len().min(MAX_KNOWN_BYTES)].to_vec()));
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, OpenOptions};
    use std::io::Write;

    use super::*;

    fn lines(file: &mut GrowingFile) -> Vec<String> {
        let next = || file.next_line().expect("reads");
        std::iter::from_fn(next)
            .map(|line| match line {
                GrowingLine::Whole(line) => String::from_utf8(line).expect("text"),
                GrowingLine::TooLong => "too long".into(),
            })
            .collect()
    }

    #[test]
    fn a_line_is_returned_when_it_is_whole() {
        let scratch = tempfile::tempdir().expect("a directory");
        let path = scratch.path().join("x.jsonl");
        fs::write(&path, "one\n\ntwo\nthr").expect("writes");
        let mut file = GrowingFile::open(&path, 4).expect("opens");
        assert_eq!(lines(&mut file), ["two"]);
        assert_eq!(file.unfinished(), Some(GrowingLine::Whole(b"thr".to_vec())));
        let mut more = OpenOptions::new().append(true).open(&path).expect("opens");
        more.write_all(b"ee\nfour\n").expect("writes");
        assert_eq!(lines(&mut file), ["three", "four"]);
        assert_eq!((file.unfinished(), file.change()), (None, FileChange::None));
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over() {
        let scratch = tempfile::tempdir().expect("a directory");
        let path = scratch.path().join("x.jsonl");
        fs::write(
            &path,
            [b"a\n".to_vec(), vec![b'x'; MAX_LINE_BYTES + (1 << 20)], b"\nb\n".to_vec()].concat(),
        )
        .expect("writes");
        let mut file = GrowingFile::open(&path, 0).expect("opens");
        assert_eq!(lines(&mut file), ["a", "too long", "b"]);
        assert!(file.pending.capacity() < 2 * MAX_LINE_BYTES + (1 << 20));
    }

    #[test]
    fn what_becomes_of_the_file_is_seen() {
        let scratch = tempfile::tempdir().expect("a directory");
        let path = scratch.path().join("x.jsonl");
        fs::write(&path, "one\ntwo\nthree\n").expect("writes");
        let mut file = GrowingFile::open(&path, 0).expect("opens");
        assert_eq!(lines(&mut file).len(), 3);
        OpenOptions::new().write(true).open(&path).and_then(|file| file.set_len(6)).expect("cuts");
        let mut more = OpenOptions::new().append(true).open(&path).expect("opens");
        more.write_all(b"-again\n").expect("writes");
        assert_eq!(file.change(), FileChange::Shorter);
        file.resume().expect("reads");
        assert_eq!((lines(&mut file), file.change()), (vec!["tw-again".to_owned()], FileChange::None));
        // Nothing is left of what was there.
        fs::write(&path, "new\n").expect("writes");
        assert_eq!(file.change(), FileChange::Shorter);
        file.resume().expect("reads");
        assert_eq!(lines(&mut file), ["new"]);
        fs::write(scratch.path().join("y"), "other\n").expect("writes");
        fs::rename(scratch.path().join("y"), &path).expect("renames");
        assert_eq!(file.change(), FileChange::Replaced);
        fs::remove_file(&path).expect("removes");
        assert_eq!(file.change(), FileChange::Gone);
    }
}

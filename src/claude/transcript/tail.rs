//! The lines of a file from its end, with bounded memory: a transcript can be hundreds of megabytes long.

use std::io::{self, Read, Seek, SeekFrom};

/// How much is read at once, in bytes.
const CHUNK_BYTES: usize = 64 << 10;
/// The longest line that is looked at, in bytes. A line with pictures can be longer; it is passed over.
pub const MAX_LINE_BYTES: usize = 8 << 20;

/// A line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TailLine {
    /// Where it begins in the file.
    pub start: u64,
    /// What it holds, without its newline; nothing where it is longer than [`MAX_LINE_BYTES`].
    pub bytes: Option<Vec<u8>>,
    /// Whether a newline ends it. Only the last line of a file may have none.
    pub is_ended: bool,
}

/// Reads lines backwards. Empty ones are left out.
#[derive(Debug)]
pub struct Tail<R> {
    file: R,
    /// What is before this has not been read.
    at: u64,
    /// What was read and not yet returned: the bytes from `at` on. Of a line that is too long only as much as
    /// was read last.
    buffer: Vec<u8>,
    /// The buffer's end belongs to a line that is too long, whose rest was dropped.
    is_too_long: bool,
    /// Whether a newline stands behind the buffer.
    is_ended: bool,
    /// How much may still be read, in bytes.
    budget: u64,
    max_line: usize,
}

impl<R: Read + Seek> Tail<R> {
    /// Begins at the end of a file, of which at most so many bytes are read.
    ///
    /// # Errors
    /// When its length cannot be told.
    pub fn new(mut file: R, budget: u64) -> io::Result<Self> {
        let at = file.seek(SeekFrom::End(0))?;
        Ok(Self {
            file,
            at,
            buffer: vec![],
            is_too_long: false,
            is_ended: false,
            budget,
            max_line: MAX_LINE_BYTES,
        })
    }

    /// The line before the last one that was returned; nothing at the start of the file, and where no more
    /// may be read.
    ///
    /// # Errors
    /// When the file cannot be read, or has become shorter.
    pub fn previous(&mut self) -> io::Result<Option<TailLine>> {
        loop {
            if let Some(newline) = memchr::memrchr(b'\n', &self.buffer) {
                let bytes = self.buffer.split_off(newline + 1);
                self.buffer.pop();
                let start = self.at + newline as u64 + 1;
                if let Some(line) = self.line(start, bytes) {
                    return Ok(Some(line));
                }
                continue;
            }
            if self.at == 0 {
                let bytes = std::mem::take(&mut self.buffer);
                return Ok(self.line(0, bytes));
            }
            if self.buffer.len() > self.max_line {
                self.is_too_long = true;
                self.buffer.clear();
            }
            if !self.read_more()? {
                return Ok(None);
            }
        }
    }

    /// The line that has these last bytes, where it is not empty. The newline before it ends the next one.
    fn line(&mut self, start: u64, bytes: Vec<u8>) -> Option<TailLine> {
        let is_ended = std::mem::replace(&mut self.is_ended, true);
        let is_too_long = std::mem::take(&mut self.is_too_long) || bytes.len() > self.max_line;
        let line = TailLine { start, is_ended, bytes: (!is_too_long).then_some(bytes) };
        Some(line).filter(|line| line.bytes.as_ref().is_none_or(|bytes| !bytes.is_empty()))
    }

    /// Puts what stands before the buffer in front of it. False where no more may be read.
    fn read_more(&mut self) -> io::Result<bool> {
        let length = (CHUNK_BYTES as u64).min(self.at).min(self.budget);
        if length == 0 {
            return Ok(false);
        }
        self.at -= length;
        self.budget -= length;
        self.file.seek(SeekFrom::Start(self.at))?;
        let mut chunk =
            Vec::with_capacity(usize::try_from(length).unwrap_or(CHUNK_BYTES) + self.buffer.len());
        if (&mut self.file).take(length).read_to_end(&mut chunk)? as u64 != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        chunk.append(&mut self.buffer);
        self.buffer = chunk;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn all(contents: &[u8], max_line: usize) -> Vec<TailLine> {
        let mut tail = Tail::new(Cursor::new(contents), u64::MAX).expect("memory");
        tail.max_line = max_line;
        std::iter::from_fn(|| tail.previous().expect("memory")).collect()
    }

    /// Counts what is read.
    struct CountingFile<R>(R, u64);

    impl<R: Read> Read for CountingFile<R> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.read(buffer)?;
            self.1 += count as u64;
            Ok(count)
        }
    }

    impl<R: Seek> Seek for CountingFile<R> {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }

    #[test]
    fn the_last_line_may_have_no_end() {
        let line = |start, bytes: &[u8], is_ended| TailLine { start, bytes: Some(bytes.to_vec()), is_ended };
        assert_eq!(all(b"a\n\nbc\nd", 10), [line(6, b"d", false), line(3, b"bc", true), line(0, b"a", true)]);
        assert_eq!(all(b"a\n", 10), [line(0, b"a", true)]);
        assert_eq!(all(b"", 10), []);
    }

    #[test]
    fn of_two_hundred_megabytes_only_the_end_is_read() {
        let mut file = tempfile::tempfile().expect("a file");
        // A hole: the disk holds nothing of it.
        file.set_len(200 << 20).expect("a long file");
        file.seek(SeekFrom::End(0)).expect("its end");
        std::io::Write::write_all(&mut file, b"\nfirst\nlast\n").expect("writes");
        let mut file = CountingFile(file, 0);
        let mut tail = Tail::new(&mut file, 1 << 20).expect("a tail");
        let line = |tail: &mut Tail<_>| tail.previous().expect("reads").and_then(|line| line.bytes);
        assert_eq!(line(&mut tail).as_deref(), Some(&b"last"[..]));
        assert_eq!(line(&mut tail).as_deref(), Some(&b"first"[..]));
        // The hole is a line without an end, of which no more than is allowed is read.
        assert_eq!(tail.previous().expect("reads"), None);
        assert!(tail.buffer.len() <= MAX_LINE_BYTES);
        assert_eq!(file.1, 1 << 20);
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_in_bounded_memory() {
        let contents = [b"before\n".to_vec(), vec![b'x'; 3 << 20], b"\nafter\n".to_vec()].concat();
        let mut tail = Tail::new(Cursor::new(&contents), u64::MAX).expect("memory");
        tail.max_line = 100_000;
        let mut found = vec![];
        while let Some(line) = tail.previous().expect("memory") {
            assert!(tail.buffer.capacity() < 400_000);
            found.push((line.start, line.bytes.map(|bytes| bytes.len())));
        }
        assert_eq!(found, [(8 + (3 << 20), Some(5)), (7, None), (0, Some(6))]);
    }

    proptest! {
        /// The lines are those of the file, whatever their lengths are.
        #[test]
        fn they_are_the_lines_of_the_file(lines in prop::collection::vec((any::<u8>(), 0..70_000usize), 0..6), ended: bool) {
            let lines: Vec<Vec<u8>> = lines.into_iter().map(|(byte, count)| vec![if byte == b'\n' { 0 } else { byte }; count]).collect();
            let mut contents = lines.join(&b'\n');
            if ended {
                contents.push(b'\n');
            }
            let max = 66_000;
            let mut expected: Vec<(u64, Option<Vec<u8>>)> = vec![];
            let mut start = 0;
            for line in contents.split(|byte| *byte == b'\n') {
                if !line.is_empty() {
                    expected.push((start, (line.len() <= max).then(|| line.to_vec())));
                }
                start += line.len() as u64 + 1;
            }
            expected.reverse();
            let found: Vec<_> = all(&contents, max).into_iter().map(|line| (line.start, line.bytes)).collect();
            prop_assert_eq!(found, expected);
        }
    }
}

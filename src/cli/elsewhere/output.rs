//! Where the output of other machines goes.

use std::io::{self, Write};

use crate::machines::call::Sink;

/// The longest line that is kept together, in bytes.
const MAX_LINE_BYTES: usize = 1 << 20;

/// This process's own stdout and stderr, byte for byte.
pub struct Passed;

impl Sink for Passed {
    fn stdout(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(bytes)?;
        stdout.flush()
    }

    fn stderr(&mut self, bytes: &[u8]) -> io::Result<()> {
        // With stderr gone there is nobody to tell, and no reason to end for it.
        let _ = io::stderr().lock().write_all(bytes);
        Ok(())
    }
}

/// The same in whole lines, for several that speak at once.
#[derive(Default)]
pub struct Lines {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Lines {
    /// Passes on what has no end of a line.
    pub fn finish(&mut self) {
        for (left, is_stdout) in [(&mut self.stdout, true), (&mut self.stderr, false)] {
            if left.is_empty() {
                continue;
            }
            left.push(b'\n');
            let left = std::mem::take(left);
            let _ = if is_stdout { Passed.stdout(&left) } else { Passed.stderr(&left) };
        }
    }
}

impl Sink for Lines {
    fn stdout(&mut self, bytes: &[u8]) -> io::Result<()> {
        Passed.stdout(&whole_lines(&mut self.stdout, bytes))
    }

    fn stderr(&mut self, bytes: &[u8]) -> io::Result<()> {
        Passed.stderr(&whole_lines(&mut self.stderr, bytes))
    }
}

/// Adds to what waits, and takes the whole lines out of it.
pub fn whole_lines(waiting: &mut Vec<u8>, bytes: &[u8]) -> Vec<u8> {
    waiting.extend_from_slice(bytes);
    match memchr::memrchr(b'\n', waiting) {
        Some(end) => waiting.drain(..=end).collect(),
        None if waiting.len() > MAX_LINE_BYTES => std::mem::take(waiting),
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_kept_together() {
        let mut waiting = Vec::new();
        assert_eq!(whole_lines(&mut waiting, b"a"), b"");
        assert_eq!(whole_lines(&mut waiting, b"b\nc\nd"), b"ab\nc\n");
        assert_eq!(whole_lines(&mut waiting, b"\n"), b"d\n");
        assert!(waiting.is_empty());
    }
}

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

/// Stderr alone.
pub struct OnlyErrors;

impl Sink for OnlyErrors {
    fn stdout(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn stderr(&mut self, bytes: &[u8]) -> io::Result<()> {
        Passed.stderr(bytes)
    }
}

/// Stdout and stderr in whole lines, for several that speak at once.
pub struct Lines {
    /// What stands before a session of this place.
    prefix: String,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Lines {
    /// For the place whose sessions have this before their names; nothing where that is here.
    pub fn of(prefix: String) -> Self {
        Self { prefix, stdout: Vec::new(), stderr: Vec::new() }
    }
    /// Passes on what has no end of a line.
    pub fn finish(&mut self) {
        for (left, is_stdout) in [(&mut self.stdout, true), (&mut self.stderr, false)] {
            if left.is_empty() {
                continue;
            }
            left.push(b'\n');
            let left = std::mem::take(left);
            let _ = if is_stdout {
                Passed.stdout(&left)
            } else {
                Passed.stderr(&with_place(&self.prefix, &left))
            };
        }
    }
}

impl Sink for Lines {
    fn stdout(&mut self, bytes: &[u8]) -> io::Result<()> {
        Passed.stdout(&whole_lines(&mut self.stdout, bytes))
    }

    fn stderr(&mut self, bytes: &[u8]) -> io::Result<()> {
        let lines = whole_lines(&mut self.stderr, bytes);
        Passed.stderr(&with_place(&self.prefix, &lines))
    }
}

/// Has every complaint say which place it is about.
fn with_place(prefix: &str, lines: &[u8]) -> Vec<u8> {
    const COMPLAINT: &[u8] = b"cckw: ";
    let mut changed = Vec::with_capacity(lines.len());
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_prefix(COMPLAINT) {
            Some(rest) if !prefix.is_empty() && !rest.starts_with(prefix.as_bytes()) => {
                changed.extend_from_slice(&[COMPLAINT, prefix.as_bytes(), b" ", rest].concat());
            }
            _ => changed.extend_from_slice(line),
        }
    }
    changed
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
    fn a_complaint_says_which_machine_it_is_about() {
        let said = b"cckw: no session runs\ncckw: box:api: it hangs\n  more\n";
        let expected = b"cckw: box: no session runs\ncckw: box:api: it hangs\n  more\n";
        assert_eq!(with_place("box:", said), expected);
        assert_eq!(with_place("", said), said);
    }

    #[test]
    fn lines_are_kept_together() {
        let mut waiting = Vec::new();
        assert_eq!(whole_lines(&mut waiting, b"a"), b"");
        assert_eq!(whole_lines(&mut waiting, b"b\nc\nd"), b"ab\nc\n");
        assert_eq!(whole_lines(&mut waiting, b"\n"), b"d\n");
        assert!(waiting.is_empty());
    }
}

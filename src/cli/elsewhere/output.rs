//! Where the output of other machines goes.

use std::io::{self, IsTerminal, Write};

use super::terminal_text::TerminalText;
use crate::machines::call::Sink;

/// The longest line that is kept together, in bytes.
const MAX_LINE_BYTES: usize = 1 << 20;

/// This process's own stdout and stderr: byte for byte, but for what a terminal would obey.
pub struct Passed {
    stdout: Option<TerminalText>,
    stderr: Option<TerminalText>,
}

impl Passed {
    /// Looks where this process writes to.
    pub fn new() -> Self {
        Self {
            stdout: io::stdout().is_terminal().then(TerminalText::default),
            stderr: io::stderr().is_terminal().then(TerminalText::default),
        }
    }

    /// Passes on what has come in part only.
    pub fn finish(&mut self) {
        if let Some(text) = &mut self.stdout {
            let _ = write_stdout(&text.finish());
        }
        if let Some(text) = &mut self.stderr {
            write_stderr(&text.finish());
        }
    }
}

impl Sink for Passed {
    fn stdout(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.stdout {
            Some(text) => write_stdout(&text.feed(bytes)),
            None => write_stdout(bytes),
        }
    }

    fn stderr(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.stderr {
            Some(text) => write_stderr(&text.feed(bytes)),
            None => write_stderr(bytes),
        }
        Ok(())
    }
}

fn write_stdout(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()
}

fn write_stderr(bytes: &[u8]) {
    // With stderr gone there is nobody to tell, and no reason to end for it.
    let _ = io::stderr().lock().write_all(bytes);
}

/// Stderr alone.
pub struct OnlyErrors {
    passed: Passed,
}

impl OnlyErrors {
    /// Looks where this process writes to.
    pub fn new() -> Self {
        Self { passed: Passed::new() }
    }
}

impl Sink for OnlyErrors {
    fn stdout(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn stderr(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.passed.stderr(bytes)
    }
}

/// Stdout and stderr in whole lines, for several that speak at once.
pub struct Lines {
    /// What stands before a session of this place.
    prefix: String,
    passed: Passed,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Lines {
    /// For the place whose sessions have this before their names; nothing where that is here.
    pub fn of(prefix: String) -> Self {
        Self { prefix, passed: Passed::new(), stdout: Vec::new(), stderr: Vec::new() }
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
                self.passed.stdout(&left)
            } else {
                self.passed.stderr(&with_place(&self.prefix, &left))
            };
        }
    }
}

impl Sink for Lines {
    fn stdout(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.passed.stdout(&whole_lines(&mut self.stdout, bytes))
    }

    fn stderr(&mut self, bytes: &[u8]) -> io::Result<()> {
        let lines = whole_lines(&mut self.stderr, bytes);
        self.passed.stderr(&with_place(&self.prefix, &lines))
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

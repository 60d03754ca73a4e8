//! Prints the lines of a transcript, and counts those that it leaves out.

use std::io::{self, Write};

use super::render::{Said, as_json, readable, said};
use crate::claude::transcript::entry::{Entry, EntryKind};
use crate::claude::transcript::growing::{GrowingFile, GrowingLine};
use crate::client::complain;

/// What was left out, so many lines of each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct LeftOut {
    unreadable: usize,
    too_long: usize,
    unknown: usize,
}

/// Prints a conversation.
pub struct Printer<W> {
    out: W,
    as_json: bool,
    conversation: String,
    /// So many are not printed: they stand in the first line, before those that were asked for.
    skip: usize,
    left_out: LeftOut,
}

impl<W: Write> Printer<W> {
    pub fn new(out: W, as_json: bool, conversation: &str, skip: usize) -> Self {
        let left_out = LeftOut::default();
        Self { out, as_json, conversation: conversation.to_owned(), skip, left_out }
    }

    /// Prints all whole lines that are there by now.
    ///
    /// # Errors
    /// When the file cannot be read, or nothing can be written.
    pub fn print(&mut self, file: &mut GrowingFile) -> io::Result<()> {
        while let Some(line) = file.next_line()? {
            self.line(line)?;
        }
        self.out.flush()
    }

    /// Prints what stands behind the last newline, if it is whole all the same. Nothing more will come.
    ///
    /// # Errors
    /// As `print`.
    pub fn finish(&mut self, file: &GrowingFile) -> io::Result<()> {
        if let Some(line) = file.unfinished() {
            self.line(line)?;
        }
        self.out.flush()
    }

    /// Another conversation begins.
    ///
    /// # Errors
    /// When nothing can be written.
    pub fn begin(&mut self, conversation: &str) -> io::Result<()> {
        conversation.clone_into(&mut self.conversation);
        self.say(&Said::Conversation, None)?;
        self.out.flush()
    }

    fn line(&mut self, line: GrowingLine) -> io::Result<()> {
        let entry = match line {
            GrowingLine::TooLong => {
                self.left_out.too_long += 1;
                return Ok(());
            }
            GrowingLine::Whole(bytes) => Entry::parse(&bytes),
        };
        let Some(entry) = entry else {
            self.left_out.unreadable += 1;
            return Ok(());
        };
        self.left_out.unknown += usize::from(entry.kind == EntryKind::Unknown);
        let at = entry.at;
        for said in said(entry) {
            if self.skip > 0 {
                self.skip -= 1;
            } else {
                self.say(&said, at)?;
            }
        }
        Ok(())
    }

    fn say(&mut self, said: &Said, at: Option<u64>) -> io::Result<()> {
        let text = if self.as_json { as_json(said, at, &self.conversation) } else { readable(said, at) };
        self.out.write_all(text.as_bytes())
    }

    /// Says on stderr what was left out.
    pub fn tell_what_was_left_out(&self) {
        if let Some(text) = self.left_out.text() {
            complain(text);
        }
    }
}

impl LeftOut {
    fn text(self) -> Option<String> {
        let Self { unreadable, too_long, unknown } = self;
        let all = unreadable + too_long + unknown;
        let parts = [
            (unreadable, "cannot be read"),
            (too_long, "too long"),
            (unknown, "of a kind that cckw does not know"),
        ];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        let lines = if all == 1 { "line was" } else { "lines were" };
        (all > 0).then(|| format!("{all} {lines} left out of the transcript: {}", parts.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_counted() {
        let scratch = tempfile::tempdir().expect("a directory");
        let path = scratch.path().join("x.jsonl");
        let prompt = r#"{"type":"user","message":{"content":"one"}}"#;
        let lines = format!(
            "{prompt}\n{{\"half\n\0\0\0\n{{\"type\":\"mode\"}}\n{{\"type\":\"newer\"}}\n{prompt}\n{{\"type\":"
        );
        std::fs::write(&path, lines).expect("writes");
        let mut file = GrowingFile::open(&path, 0).expect("opens");
        let mut printer = Printer::new(vec![], false, "c", 1);
        printer.print(&mut file).and_then(|()| printer.finish(&file)).expect("memory");
        assert_eq!(String::from_utf8(printer.out).expect("text"), "-  you\n  one\n");
        let said = printer.left_out.text().expect("some were");
        assert_eq!(
            said,
            "4 lines were left out of the transcript: 3 cannot be read, 1 of a kind that cckw does not know"
        );
        assert_eq!(LeftOut::default().text(), None);
    }
}

//! The lines that scrolled off the top, as what a terminal would have to be sent to show them: some 100 bytes
//! a line, where the emulator's cells take 32 bytes a column.

use std::collections::VecDeque;
use std::fmt::{self, Write};

use vt100::capture::{BasicFormattedCaptureState, RowContents};

/// What a line may take on average, in bytes.
const MEAN_LINE_BYTES: usize = 1024;

/// The lines, oldest first, and how many there may be.
pub struct History {
    lines: VecDeque<HistoryLine>,
    bytes: usize,
    most: usize,
}

struct HistoryLine {
    /// Text and styles; the styles are those of a fresh terminal before it and after it.
    text: Box<str>,
    /// The text goes on in the next line, without an end of line.
    wrapped: bool,
}

impl History {
    /// Keeps at most `most` lines.
    pub fn new(most: usize) -> Self {
        Self { lines: VecDeque::new(), bytes: 0, most }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.lines = VecDeque::new();
        self.bytes = 0;
    }

    /// How many lines may be kept.
    pub fn most(&self) -> usize {
        self.most
    }

    /// Changes how many lines may be kept.
    pub fn set_most(&mut self, most: usize) {
        self.most = most;
        self.trim();
    }

    fn push(&mut self, line: HistoryLine) {
        self.bytes += line.text.len();
        self.lines.push_back(line);
        self.trim();
    }

    fn trim(&mut self) {
        while self.lines.len() > self.most || self.bytes > self.most.saturating_mul(MEAN_LINE_BYTES) {
            let Some(line) = self.lines.pop_front() else { return };
            self.bytes -= line.text.len();
        }
    }

    /// Writes the last of these lines and of `later`, as many as may be kept, each ended.
    pub fn write(&self, later: &History, out: &mut String) {
        let skipped = (self.lines.len() + later.lines.len()).saturating_sub(self.most);
        let mut lines = self.lines.iter().chain(&later.lines).skip(skipped).peekable();
        while let Some(line) = lines.next() {
            out.push_str(&line.text);
            // A terminal wraps when the next character comes; a line without any needs an end before it.
            if !(line.wrapped && lines.peek().is_some_and(|next| !next.text.is_empty())) {
                out.push_str("\r\n");
            }
        }
    }
}

impl vt100::Callbacks for History {
    fn on_scroll(&mut self, contents: RowContents<'_>, alternate_screen: bool) {
        if alternate_screen || self.most == 0 {
            return;
        }
        let mut state = BasicFormattedCaptureState::new();
        let mut writer = LineWriter { text: String::with_capacity(256), ..LineWriter::default() };
        let mut probe = Probe(false);
        // Writing to a string does not fail; what the probe says is in the probe.
        let _ = contents.write_formatted_basic(&mut writer, &mut state);
        let _ = contents.write_formatted_basic(&mut probe, &mut state);
        self.push(HistoryLine { text: writer.finish(), wrapped: !probe.0 });
    }
}

/// Takes a line as the emulator writes it: blanks one by one, in whatever style is on, although a cell that
/// nothing was written to has none. Which of them were erased in that style cannot be told; those right
/// behind a change of style and those at the end were.
#[derive(Default)]
struct LineWriter {
    text: String,
    /// The sequences that make up the style that is on.
    style: String,
    within_style: bool,
    /// Blanks that are not written yet, and whether they have the style.
    blanks: usize,
    styled: bool,
}

impl LineWriter {
    fn write_blanks(&mut self, styled: bool) {
        let blanks = std::mem::take(&mut self.blanks);
        let bare = blanks > 0 && !styled && !self.style.is_empty();
        if bare {
            self.text.push_str("\x1b[m");
        }
        self.text.extend(std::iter::repeat_n(' ', blanks));
        if bare {
            self.text.push_str(&self.style);
        }
    }

    fn finish(mut self) -> Box<str> {
        self.write_blanks(true);
        if !self.style.is_empty() {
            self.text.push_str("\x1b[m");
        }
        self.text.into()
    }
}

impl Write for LineWriter {
    fn write_char(&mut self, char: char) -> fmt::Result {
        if char != ' ' || self.within_style {
            return self.write_str(char.encode_utf8(&mut [0; 4]));
        }
        if self.blanks == 0 {
            self.styled = self.style.is_empty() || self.text.ends_with(&self.style);
        }
        self.blanks += 1;
        Ok(())
    }

    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.blanks > 0 && !text.is_empty() {
            self.write_blanks(self.styled);
        }
        self.text.push_str(text);
        self.within_style |= text.starts_with('\x1b');
        if self.within_style {
            self.style.push_str(text);
            self.within_style = !text.ends_with('m');
            if self.style.ends_with("\x1b[m") {
                self.style.clear();
            }
        }
        Ok(())
    }
}

/// Finds out whether a line is ended, which the emulator says by what it writes before the next one.
struct Probe(bool);

impl Write for Probe {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = text == "\n";
        // That is all there is to know.
        Err(fmt::Error)
    }
}

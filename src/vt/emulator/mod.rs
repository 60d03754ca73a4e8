//! The terminal emulator: reads what a program writes, and knows what a terminal would show.
//!
//! It keeps everything that a reader can see: colours and attributes, hyperlinks, clusters of characters, both
//! screens, margins, tab stops, character sets and the lines above the screen. Input modes (mouse, paste,
//! keyboard) are not its business: [`crate::vt::modes`] follows them.
//!
//! The parser is the crate vte, without its feature `std`: so the text of an OSC has a bound.

mod cell;
pub mod charset;
mod cluster;
mod draw;
mod edit;
mod history;
mod perform;
mod print;
mod replay;
mod row;
mod sgr;
pub mod style;
mod tables;
mod tabs;
mod terminal;
mod whole;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use cell::Cell;
use charset::Charsets;
use style::Style;
use terminal::Terminal;
pub use whole::WholeCharacters;

/// Longest text of an OSC that the parser keeps, in bytes: the longest hyperlink that is taken, and more.
const MAX_OSC_BYTES: usize = 4096;

/// A terminal that shows what it is sent.
pub struct Emulator {
    parser: vte::Parser<MAX_OSC_BYTES>,
    terminal: Terminal,
}

/// The parser stands between two sequences: see [`WholeCharacters`] and the splitter of the screen model.
impl Serialize for Emulator {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.terminal.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Emulator {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let terminal = Terminal::deserialize(deserializer)?;
        if !terminal.is_sound() {
            return Err(D::Error::custom("a screen whose parts do not fit together"));
        }
        Ok(Self { parser: vte::Parser::new_with_size(), terminal })
    }
}

/// What stands in one column.
#[derive(Debug, Clone, Copy)]
pub struct CellView<'a> {
    cell: &'a Cell,
    terminal: &'a Terminal,
}

impl CellView<'_> {
    /// Adds its text: nothing where nothing was written, and for the second half of a wide character.
    pub fn push_text(&self, out: &mut String) {
        self.terminal.tables.push_text(self.cell, out);
    }

    /// Whether it is the second half of a wide character.
    pub fn continues(&self) -> bool {
        self.cell.continues()
    }

    /// Whether it is as wide as two columns, and the next one is its second half.
    pub fn is_wide(&self) -> bool {
        self.cell.is_wide()
    }

    /// Whether something was written in it.
    pub fn is_written(&self) -> bool {
        self.cell.is_written()
    }

    /// Its hyperlink: parameters and address.
    pub fn link(&self) -> Option<(&str, &str)> {
        let link = self.terminal.tables.link(self.style().link)?;
        Some((&link.params, &link.address))
    }

    /// How it looks.
    pub fn style(&self) -> &Style {
        self.terminal.tables.style(self.cell.style)
    }
}

impl Emulator {
    /// An empty one of so many rows and columns, at least one of each, that keeps so many lines above the
    /// screen.
    pub fn new(rows: u16, columns: u16, lines: usize) -> Self {
        Self {
            parser: vte::Parser::new_with_size(),
            terminal: Terminal::new(rows.max(1).into(), columns.max(1).into(), lines),
        }
    }

    /// Reads on in what the program writes. A character must not be cut in two: see [`WholeCharacters`].
    pub fn process(&mut self, bytes: &[u8]) {
        // Bytes that are no text count as in other programs. The parser counts them in another way at the end
        // of what it gets.
        for chunk in bytes.utf8_chunks() {
            self.parser.advance(&mut self.terminal, chunk.valid().as_bytes());
            if !chunk.invalid().is_empty() {
                self.parser.advance(&mut self.terminal, "\u{fffd}".as_bytes());
            }
        }
    }

    /// Gives it another size.
    pub fn resize(&mut self, rows: u16, columns: u16) {
        self.terminal.resize(rows.max(1).into(), columns.max(1).into());
    }

    /// How many lines above the screen are kept.
    pub fn lines_kept(&self) -> usize {
        self.terminal.history.most()
    }

    /// Changes that.
    pub fn keep_lines(&mut self, lines: usize) {
        self.terminal.history.set_most(lines);
    }

    /// How many rows and columns it has.
    pub fn size(&self) -> (u16, u16) {
        (number(self.terminal.rows), number(self.terminal.columns))
    }

    /// Where the cursor is, row and column from 0. On the last column it may also be about to wrap.
    pub fn cursor(&self) -> (u16, u16) {
        let cursor = self.terminal.cursor;
        (number(cursor.row), number(cursor.column.min(self.terminal.columns - 1)))
    }

    /// Whether the cursor is shown.
    pub fn cursor_shown(&self) -> bool {
        !self.terminal.modes.cursor_hidden
    }

    /// Whether the alternate screen is shown.
    pub fn on_alternate_screen(&self) -> bool {
        self.terminal.on_alternate
    }

    /// The cells of a row; none below the screen.
    pub fn cells(&self, row: u16) -> impl ExactSizeIterator<Item = CellView<'_>> + DoubleEndedIterator {
        let terminal = &self.terminal;
        let cells = terminal.grid().rows.get(usize::from(row)).map_or(&[][..], |row| &row.cells);
        cells.iter().map(move |cell| CellView { cell, terminal })
    }

    /// The text of a row, up to a column and to the last character that was written before it.
    pub fn row_text(&self, row: u16, columns: u16) -> String {
        let (mut text, mut gap) = (String::new(), 0);
        for cell in self.cells(row).take(columns.into()) {
            if cell.is_written() {
                text.extend(std::iter::repeat_n(' ', std::mem::take(&mut gap)));
                cell.push_text(&mut text);
            } else if !cell.continues() {
                gap += 1;
            }
        }
        text
    }

    /// The text of all rows.
    pub fn text(&self) -> impl Iterator<Item = String> {
        let (rows, columns) = self.size();
        (0..rows).map(move |row| self.row_text(row, columns))
    }

    /// The text of the screen with lines that were too long for it in one piece.
    pub fn unwrapped_text(&self) -> String {
        let mut all = String::new();
        for (row, text) in self.terminal.grid().rows.iter().zip(self.text()) {
            all.push_str(&text);
            if !row.wrapped {
                all.push('\n');
            }
        }
        all.truncate(all.trim_end_matches('\n').len());
        all
    }

    /// Writes the lines above the screen, each ended, for a terminal without a style. Whether there are any.
    pub fn write_history(&self, out: &mut String) -> bool {
        self.terminal.history.write(&self.terminal.tables, self.terminal.columns, out)
    }

    /// Writes the main screen, or the alternate one while it is shown, for a terminal where it is empty, without style and
    /// margins. The terminal saves its cursor where it is saved here, and has it there afterwards, with the
    /// style and the character sets that were saved.
    pub fn write_screen(&self, alternate: bool, out: &mut String) {
        self.terminal.write_grid(alternate, out);
    }

    /// Writes what undoes the state that [`Self::write_screen`] has left the terminal in.
    pub fn write_end_of_screen(&self, alternate: bool, out: &mut String) {
        self.terminal.write_end_of_grid(alternate, out);
        out.push_str("\x1b[m");
    }

    /// Writes tab stops and margins, where they are not those of a terminal that was just switched on.
    pub fn write_margins(&self, out: &mut String) {
        self.terminal.tabs.write(out);
        self.terminal.write_margins(out);
    }

    /// Places the cursor, with style and character sets, on a terminal that has everything else. It counts
    /// rows from the margin if `has_origin`, and has these character sets.
    pub fn write_end(&self, has_origin: bool, has_charsets: Charsets, out: &mut String) {
        self.terminal.write_end(has_origin, has_charsets, out);
    }
}

fn number(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests;

//! The lines that scrolled off the top, as what a terminal would have to be sent to show them: some 100 bytes
//! a line, where cells take eight bytes a column.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::cell::Cell;
use super::draw::{self, Drawer, Gaps};
use super::row::Row;
use super::tables::Tables;

/// How many lines are kept as cells: they come back when the screen grows.
const RECENT: usize = 100;
/// What a line may take on average, in bytes.
const MEAN_LINE_BYTES: usize = 1024;
/// How much the addresses of hyperlinks may take of one line, in bytes.
const MAX_LINK_BYTES_OF_LINE: usize = 8 * 1024;

/// The lines, oldest first, and how many there may be.
#[derive(Debug, Serialize, Deserialize)]
pub struct History {
    lines: VecDeque<PackedLine>,
    bytes: usize,
    recent: VecDeque<Row>,
    most: usize,
}

#[derive(Debug, Serialize, Deserialize)]
struct PackedLine {
    /// Text and styles; no style is on before it and after it.
    text: Box<str>,
    /// How many columns it takes.
    columns: u16,
    /// The text goes on in the next line, without an end of line.
    wrapped: bool,
    /// How many columns are left of the row that it was.
    room: u16,
    begins_wide: bool,
    has_wide: bool,
}

impl PackedLine {
    /// Whether a terminal goes on with the next line by itself.
    fn goes_on(&self, next: &Self) -> bool {
        // It does so when the next character comes.
        self.wrapped && next.columns > 0 && (self.room == 0 || self.room == 1 && next.begins_wide)
    }
}

impl History {
    /// Keeps at most `most` lines.
    pub fn new(most: usize) -> Self {
        Self { lines: VecDeque::new(), bytes: 0, recent: VecDeque::new(), most }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::new(self.most);
    }

    /// Changes how many lines may be kept.
    pub fn set_most(&mut self, most: usize) {
        self.most = most;
        self.trim();
    }

    pub fn most(&self) -> usize {
        self.most
    }

    /// Takes a row, and leaves an empty one in its place.
    pub fn take(&mut self, row: &mut Row, tables: &Tables, blank: Cell) {
        let columns = row.cells.len();
        let mut next = if self.recent.len() < RECENT {
            Row::new(columns, blank)
        } else {
            let oldest = self.recent.pop_front().unwrap_or_else(|| Row::new(columns, blank));
            if self.most > self.recent.len() {
                self.push(pack(&oldest, tables));
            }
            oldest
        };
        next.cells.resize(columns, blank);
        next.clear(blank);
        self.recent.push_back(std::mem::replace(row, next));
    }

    /// Gives back the latest rows, oldest first: as many as are there and asked for.
    pub fn give_back(&mut self, count: usize) -> Vec<Row> {
        self.recent.split_off(self.recent.len().saturating_sub(count)).into()
    }

    /// The rows that are kept as cells.
    pub fn rows_mut(&mut self) -> impl Iterator<Item = &mut Row> {
        self.recent.iter_mut()
    }

    /// The same, to look at.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.recent.iter()
    }

    fn push(&mut self, line: PackedLine) {
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

    /// Writes the last of the lines, as many as may be kept on a terminal that is so wide, each ended.
    /// Whether there are any.
    pub fn write(&self, tables: &Tables, columns: usize, out: &mut String) -> bool {
        let recent: Vec<PackedLine> = self.recent.iter().map(|row| pack(row, tables)).collect();
        let lines: Vec<&PackedLine> = self.lines.iter().chain(&recent).collect();
        let lines = &lines[first_that_fits(&lines, columns, self.most)..];
        for (index, line) in lines.iter().enumerate() {
            out.push_str(&line.text);
            if !lines.get(index + 1).is_some_and(|next| line.goes_on(next)) {
                out.push_str("\r\n");
            }
        }
        !lines.is_empty()
    }
}

fn pack(row: &Row, tables: &Tables) -> PackedLine {
    let mut text = String::with_capacity(row.written() + 64);
    let mut drawer = Drawer::new(tables, MAX_LINK_BYTES_OF_LINE, &mut text);
    let columns = drawer.row(row, Gaps::Blanks);
    drawer.finish();
    let room = u16::try_from(row.cells.len() - columns).unwrap_or(u16::MAX);
    let begins_wide = row.cells.first().is_some_and(|first| draw::begins_wide(tables, first));
    let has_wide = row.cells.iter().any(Cell::is_wide);
    let columns = u16::try_from(columns).unwrap_or(u16::MAX);
    PackedLine { text: text.into(), columns, wrapped: row.wrapped, room, begins_wide, has_wide }
}

/// With which line to begin so that no more than `most` rows of a terminal with so many columns are filled.
fn first_that_fits(lines: &[&PackedLine], columns: usize, most: usize) -> usize {
    let (mut first, mut rows) = (lines.len(), 0);
    // The width of the line that is being put together from its end, and the rows below it.
    let (mut width, mut has_wide, mut below) = (0, false, 0);
    while first > 0 {
        let line = lines[first - 1];
        if first == lines.len() || !line.wrapped {
            (width, has_wide, below) = (0, false, rows);
        }
        width += usize::from(line.columns);
        has_wide |= line.has_wide;
        // A wide character may leave the last column of a row empty, except where the line is as it was.
        let fits = width <= columns;
        let usable = if has_wide && !fits { columns.saturating_sub(1).max(1) } else { columns };
        rows = below + width.div_ceil(usable).max(1);
        if rows > most {
            break;
        }
        first -= 1;
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(columns: u16, wrapped: bool) -> PackedLine {
        let text = "x".repeat(columns.into()).into();
        PackedLine { text, columns, wrapped, room: 0, begins_wide: false, has_wide: false }
    }

    #[test]
    fn the_bound_counts_the_rows_of_the_terminal_that_shows_them() {
        let lines: Vec<PackedLine> = (0..10).map(|_| line(20, false)).collect();
        let lines: Vec<&PackedLine> = lines.iter().collect();
        for (columns, expected) in [(80, 4), (20, 4), (10, 7), (5, 9)] {
            assert_eq!(first_that_fits(&lines, columns, 6), expected, "{columns} columns");
        }
        let wrapped = [line(20, true), line(20, true), line(5, false), line(3, false)];
        let wrapped: Vec<&PackedLine> = wrapped.iter().collect();
        for (columns, most, expected) in
            [(80, 2, 0), (80, 1, 3), (21, 4, 0), (24, 3, 0), (24, 2, 2), (24, 0, 4)]
        {
            assert_eq!(first_that_fits(&wrapped, columns, most), expected, "{columns} columns, {most} rows");
        }
    }
}

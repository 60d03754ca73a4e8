//! Writes rows as what a terminal has to be sent to show them.

use std::fmt::Write as _;

use super::cell::Cell;
use super::cluster;
use super::row::Row;
use super::style::{PLAIN, Style};
use super::tables::Tables;

/// How much the addresses of hyperlinks may take of one screen, in bytes: hundreds of usual ones. Beyond
/// that they are text.
pub const MAX_LINK_BYTES_OF_SCREEN: usize = 256 * 1024;

/// What becomes of cells that nothing was written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gaps {
    /// The cursor is moved over them: nothing is there.
    Moves,
    /// Blanks are written: it is not known in which column the row begins.
    Blanks,
}

/// Whether a cell is wide from its first character on, which therefore does not go into the last column.
pub fn begins_wide(tables: &Tables, cell: &Cell) -> bool {
    let mut text = String::new();
    tables.push_text(cell, &mut text);
    text.chars().next().and_then(cluster::width) == Some(2)
}

/// Draws on a terminal whose style is known.
pub struct Drawer<'a> {
    tables: &'a Tables,
    style: Style,
    link_bytes: usize,
    pub out: &'a mut String,
}

impl<'a> Drawer<'a> {
    /// On a terminal that has no style on. `link_bytes` is how much all addresses together may take.
    pub fn new(tables: &'a Tables, link_bytes: usize, out: &'a mut String) -> Self {
        Self { tables, style: PLAIN, link_bytes, out }
    }

    /// Changes the style of what is drawn next.
    pub fn switch(&mut self, style: &Style) {
        let mut style = *style;
        if style.link != self.style.link {
            let link = self.tables.link(style.link);
            let bytes = link.map_or(0, |link| link.params.len() + link.address.len());
            if bytes > self.link_bytes {
                style.link = 0;
            }
            self.link_bytes -= bytes.min(self.link_bytes);
        }
        if style.link != self.style.link {
            let _ = match self.tables.link(style.link) {
                Some(link) => write!(self.out, "\x1b]8;{};{}\x1b\\", link.params, link.address),
                None => write!(self.out, "\x1b]8;;\x1b\\"),
            };
        }
        style.write(&self.style, self.out);
        self.style = style;
    }

    /// Draws a cell where the cursor is. An empty one becomes a blank.
    pub fn cell(&mut self, cell: &Cell) {
        let style = *self.tables.style(cell.style);
        self.switch(&style);
        let length = self.out.len();
        self.tables.push_text(cell, self.out);
        if self.out.len() == length {
            self.out.push(' ');
        }
    }

    /// Draws a row from its first column, where the cursor is. Returns the column where the cursor is then:
    /// the number of columns where the next character will wrap.
    pub fn row(&mut self, row: &Row, gaps: Gaps) -> usize {
        let end = row.cells.iter().rposition(|cell| !cell.is_untouched()).map_or(0, |last| last + 1);
        let (mut column, mut cursor) = (0, 0);
        // Where the text of the cell before begins in what was written, if it is right before this one.
        let mut before = None;
        while column < end {
            let cell = row.cells[column];
            if !cell.is_written() {
                let length = row.cells[column..end].iter().take_while(|other| **other == cell).count();
                let is_to_the_end = column + length == row.cells.len();
                cursor = self.gap(&cell, cursor..column + length, column, is_to_the_end, gaps);
                column += length;
                before = None;
                continue;
            }
            let style = *self.tables.style(cell.style);
            if cursor < column {
                let _ = write!(self.out, "\x1b[{}C", column - cursor);
            }
            self.switch(&style);
            let start = self.out.len();
            self.tables.push_text(&cell, self.out);
            if gaps == Gaps::Moves && before.is_some_and(|before: usize| self.would_join(before, start)) {
                let apart = format!("\x1b[{}G", column + 1);
                self.out.insert_str(start, &apart);
                before = Some(start + apart.len());
            } else {
                before = Some(start);
            }
            column += 1 + usize::from(cell.is_wide());
            cursor = column;
        }
        cursor
    }

    /// Draws cells that nothing was written in. Returns where the cursor is then.
    fn gap(
        &mut self,
        cell: &Cell,
        range: std::ops::Range<usize>,
        from: usize,
        is_to_the_end: bool,
        gaps: Gaps,
    ) -> usize {
        let is_untouched = cell.is_untouched();
        if is_untouched && gaps == Gaps::Moves {
            return range.start;
        }
        if range.start < from {
            let _ = write!(self.out, "\x1b[{}C", from - range.start);
        }
        let style = *self.tables.style(cell.style);
        self.switch(&style);
        let length = range.end - from;
        if is_to_the_end && !is_untouched {
            self.out.push_str("\x1b[K");
        } else if gaps == Gaps::Moves {
            let _ = write!(self.out, "\x1b[{length}X");
        } else {
            self.out.extend(std::iter::repeat_n(' ', length));
            return range.end;
        }
        from
    }

    /// Whether a terminal would take two cells for one, which were drawn at different times.
    fn would_join(&self, before: usize, start: usize) -> bool {
        let Some(char) = self.out[start..].chars().next().filter(|char| cluster::may_join(*char)) else {
            return false;
        };
        // A change of style stands between the two, and joins nothing.
        let before = &self.out[before..start];
        let text = before.split('\x1b').next().unwrap_or_default();
        cluster::joins(text, char)
    }

    /// Draws a whole screen that is empty and has the cursor in its first corner.
    pub fn screen(&mut self, rows: &[Row]) {
        let mut cursor = (0, 0);
        let mut goes_on = false;
        for (index, row) in rows.iter().enumerate() {
            if row.cells.iter().all(Cell::is_untouched) {
                goes_on = false;
                continue;
            }
            if !goes_on && cursor != (index, 0) {
                if cursor.0 + 1 == index {
                    self.out.push_str("\r\n");
                } else {
                    let _ = write!(self.out, "\x1b[{}H", index + 1);
                }
            }
            let column = self.row(row, Gaps::Moves);
            cursor = (index, column);
            goes_on = row.wrapped && rows.get(index + 1).is_some_and(|next| self.goes_on(row, next, column));
        }
    }

    /// Whether a terminal that has the cursor in this column begins the next row by itself, when it is sent
    /// what is there.
    fn goes_on(&self, row: &Row, next: &Row, column: usize) -> bool {
        let first = next.cells[0];
        let is_full =
            column == row.cells.len() || column + 1 == row.cells.len() && begins_wide(self.tables, &first);
        let (mut text, mut last) = (String::new(), String::new());
        self.tables.push_text(&first, &mut text);
        if let Some(cell) = row.cells.iter().rfind(|cell| cell.is_written()) {
            self.tables.push_text(cell, &mut last);
        }
        first.is_written() && is_full && !text.chars().next().is_some_and(|char| cluster::joins(&last, char))
    }

    /// Ends what was drawn: no style is on.
    pub fn finish(mut self) {
        self.switch(&PLAIN);
    }
}

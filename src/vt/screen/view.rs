//! The screen as plain cells: what the emulator knows, as far as a look at it needs that.

use crate::vt::emulator::style::{self, Color};
use crate::vt::emulator::{CellView, Emulator};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Cell {
    /// Where its text begins in [`ScreenCells::text`], in bytes.
    start: u32,
    /// How long its text is, in bytes; a blank has one, the second half of a wide character none.
    length: u8,
    /// Whether it is the second half of a wide character.
    pub continues: bool,
    /// Drawn faint: hints, placeholders, ghost text.
    pub dim: bool,
    /// Drawn bold.
    pub bold: bool,
    /// Drawn inverted: how claude draws its own cursor.
    pub inverse: bool,
    /// The colour of the text.
    pub colour: Color,
}

/// A screen as plain cells, independent of the emulator that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScreenCells {
    /// The text of all cells, row after row, so that a row is a piece of it.
    text: String,
    cells: Vec<Cell>,
    rows: usize,
    columns: usize,
    /// Row and column, from 0; on the screen.
    cursor: (usize, usize),
    cursor_shown: bool,
    alternate: bool,
}

impl ScreenCells {
    /// Takes down what the emulator shows now.
    pub fn of(emulator: &Emulator) -> Self {
        let (rows, columns) = emulator.size();
        let (row, column) = emulator.cursor();
        let count = usize::from(rows) * usize::from(columns);
        let mut view = Self {
            text: String::with_capacity(count),
            cells: Vec::with_capacity(count),
            rows: rows.into(),
            columns: columns.into(),
            cursor: (row.into(), column.into()),
            cursor_shown: emulator.cursor_shown(),
            alternate: emulator.on_alternate_screen(),
        };
        for row in 0..rows {
            for cell in emulator.cells(row) {
                let cell = view.cell_of(&cell);
                view.cells.push(cell);
            }
        }
        view
    }

    fn cell_of(&mut self, cell: &CellView<'_>) -> Cell {
        let start = self.text.len();
        if cell.is_written() {
            cell.push_text(&mut self.text);
        } else if !cell.continues() {
            self.text.push(' ');
        }
        let style = cell.style();
        Cell {
            start: u32::try_from(start).unwrap_or(u32::MAX),
            length: u8::try_from(self.text.len() - start).unwrap_or(0),
            continues: cell.continues(),
            dim: style.has(style::DIM),
            bold: style.has(style::BOLD),
            inverse: style.has(style::INVERSE),
            colour: style.foreground,
        }
    }

    /// How many rows and columns it has; at least one of each.
    pub fn size(&self) -> (usize, usize) {
        (self.rows, self.columns)
    }

    /// Where the terminal's cursor is, row and column from 0.
    pub fn cursor(&self) -> (usize, usize) {
        self.cursor
    }

    /// Whether the terminal's cursor is shown. Claude hides it and draws its own as an inverted cell.
    pub fn cursor_shown(&self) -> bool {
        self.cursor_shown
    }

    /// Whether it is the alternate screen.
    pub fn alternate(&self) -> bool {
        self.alternate
    }

    /// The cells of a row; none below the screen.
    pub(crate) fn cells(&self, row: usize) -> &[Cell] {
        let start = row.saturating_mul(self.columns);
        self.cells.get(start..start + self.columns).unwrap_or_default()
    }

    /// The text of a row, with the blanks at its end; empty below the screen.
    pub(crate) fn row(&self, row: usize) -> &str {
        match self.cells(row) {
            [first, .., last] | [first @ last] => {
                self.text.get(first.from()..last.from() + usize::from(last.length)).unwrap_or_default()
            }
            [] => "",
        }
    }

    /// Where the text of a cell begins in the text of its row, in bytes.
    pub(crate) fn place(&self, row: usize, cell: &Cell) -> usize {
        cell.from() - self.cells(row).first().map_or(0, |first| first.from())
    }

    pub(crate) fn text(&self, cell: &Cell) -> &str {
        self.text.get(cell.from()..cell.from() + usize::from(cell.length)).unwrap_or_default()
    }

    /// Whether nothing is written in a cell, or a blank.
    pub(crate) fn blank(&self, cell: &Cell) -> bool {
        self.text(cell) == " "
    }
}

impl Cell {
    fn from(&self) -> usize {
        self.start.try_into().unwrap_or(usize::MAX)
    }

    /// Drawn to be overlooked: faint, or in a grey, which is how claude's themes draw hints. What was typed
    /// has the terminal's own colour, or one that is no grey.
    pub fn faint(&self) -> bool {
        match self.colour {
            Color::Default => self.dim,
            Color::Idx(index) => self.dim || matches!(index, 7 | 8 | 232..=255),
            Color::Rgb(red, green, blue) => self.dim || (red == green && green == blue),
        }
    }
}

//! A row of cells. A wide character is always whole: of one that loses a half, the other becomes a blank.

use serde::{Deserialize, Serialize};

use super::cell::{self, Cell};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    #[serde(with = "cell::runs")]
    pub cells: Vec<Cell>,
    /// Its text goes on in the next row, without an end of line.
    pub wrapped: bool,
}

impl Row {
    pub fn new(columns: usize, blank: Cell) -> Self {
        Self { cells: vec![blank; columns], wrapped: false }
    }

    /// Empties all of it.
    pub fn clear(&mut self, blank: Cell) {
        self.cells.fill(blank);
        self.wrapped = false;
    }

    /// Makes a cut before a column, through a wide character if one stands there.
    fn cut(&mut self, column: usize) {
        if column > 0 && self.cells.get(column).is_some_and(Cell::continues) {
            for cell in &mut self.cells[column - 1..=column] {
                *cell = Cell::of_char(' ', false, cell.style);
            }
        }
    }

    /// Writes a cell, and its second half where it is wide. There must be room for it.
    pub fn put(&mut self, column: usize, cell: Cell) {
        let is_wide = cell.is_wide();
        self.cut(column);
        self.cut(column + 1 + usize::from(is_wide));
        self.cells[column] = cell;
        if is_wide {
            self.cells[column + 1] = Cell::second_half(cell.style);
        }
    }

    /// Erases from a column up to another one.
    pub fn erase(&mut self, from: usize, to: usize, blank: Cell) {
        let to = to.min(self.cells.len());
        if from >= to {
            return;
        }
        self.cut(from);
        self.cut(to);
        self.cells[from..to].fill(blank);
        if to == self.cells.len() {
            self.wrapped = false;
        }
    }

    /// Moves what is right of a column to the right. What is moved off the row is lost.
    pub fn insert(&mut self, column: usize, count: usize, blank: Cell) {
        self.wrapped = false;
        let count = count.min(self.cells.len().saturating_sub(column));
        if count == 0 {
            return;
        }
        self.cut(column);
        self.cut(self.cells.len() - count);
        self.cells[column..].rotate_right(count);
        self.cells[column..column + count].fill(blank);
    }

    /// Removes cells; what is right of them moves to the left.
    pub fn remove(&mut self, column: usize, count: usize, blank: Cell) {
        self.wrapped = false;
        let count = count.min(self.cells.len().saturating_sub(column));
        if count == 0 {
            return;
        }
        self.cut(column);
        self.cut(column + count);
        self.cells[column..].rotate_left(count);
        let end = self.cells.len() - count;
        self.cells[end..].fill(blank);
    }

    /// Gives it another width, as xterm does: nothing moves to another row.
    pub fn resize(&mut self, columns: usize) {
        if columns == self.cells.len() {
            return;
        }
        self.cut(columns);
        self.cells.resize(columns, Cell::default());
        self.cells.shrink_to_fit();
        self.wrapped = false;
    }

    /// How many cells there are up to the last one that something was written in.
    pub fn written(&self) -> usize {
        self.cells.iter().rposition(|cell| cell.is_written() || cell.continues()).map_or(0, |last| last + 1)
    }
}

//! Moving the cursor, and erasing, inserting and removing cells and lines.

use super::terminal::Terminal;

impl Terminal {
    /// Moves the cursor to a place that counts from the margin in origin mode.
    pub fn go_to(&mut self, row: usize, column: usize) {
        let (top, bottom) = if self.modes.origin { self.margins } else { (0, self.rows - 1) };
        self.cursor.row = (top + row).min(bottom);
        self.go_to_column(column);
    }

    pub fn go_to_column(&mut self, column: usize) {
        self.cursor.column = column.min(self.columns - 1);
    }

    pub fn up(&mut self, count: usize) {
        let top = if self.cursor.row < self.margins.0 { 0 } else { self.margins.0 };
        self.cursor.row = self.cursor.row.saturating_sub(count).max(top);
        self.go_to_column(self.cursor.column);
    }

    pub fn down(&mut self, count: usize) {
        let bottom = if self.cursor.row > self.margins.1 { self.rows - 1 } else { self.margins.1 };
        self.cursor.row = (self.cursor.row + count).min(bottom);
        self.go_to_column(self.cursor.column);
    }

    pub fn right(&mut self, count: usize) {
        self.go_to_column(self.cursor.column + count);
    }

    /// Where the next character will wrap, the cursor is still on the last column.
    pub fn left(&mut self, count: usize) {
        self.cursor.column = self.cursor.column.min(self.columns - 1).saturating_sub(count);
    }

    pub fn tab(&mut self, count: usize) {
        for _ in 0..count.min(self.columns) {
            self.cursor.column = self.tabs.next(self.cursor.column, self.columns);
        }
    }

    pub fn tab_back(&mut self, count: usize) {
        for _ in 0..count.min(self.columns) {
            self.cursor.column = self.tabs.previous(self.cursor.column);
        }
    }

    /// First and last row of what scrolls, the last one counted from 1, or 0 for that of the screen.
    pub fn set_margins(&mut self, top: usize, bottom: usize) {
        let bottom = if bottom == 0 { self.rows } else { bottom.min(self.rows) };
        if top + 1 < bottom {
            self.margins = (top, bottom - 1);
            self.go_to(0, 0);
        } else if self.rows == 1 && top == 0 {
            self.go_to(0, 0);
        }
    }

    /// Below the cursor (0), above it (1), everything (2), what is above the screen (3).
    pub fn erase_screen(&mut self, what: usize) {
        let (row, blank) = (self.cursor.row, self.blank());
        let range = match what {
            0 => row + 1..self.rows,
            1 => 0..row,
            2 => 0..self.rows,
            3 if !self.on_alternate => return self.history.clear(),
            _ => return,
        };
        for row in &mut self.grid_mut().rows[range] {
            row.clear(blank);
        }
        if what < 2 {
            self.erase_line(what);
        }
    }

    /// Right of the cursor (0), left of it (1), everything (2).
    pub fn erase_line(&mut self, what: usize) {
        let (column, blank) = (self.cursor.column, self.blank());
        let columns = self.columns;
        let row = self.row_mut();
        match what {
            0 => row.erase(column, columns, blank),
            1 => row.erase(0, column + 1, blank),
            2 => row.clear(blank),
            _ => {}
        }
    }

    pub fn erase_cells(&mut self, count: usize) {
        let (column, blank) = (self.cursor.column, self.blank());
        self.row_mut().erase(column, column + count, blank);
    }

    pub fn insert_cells(&mut self, count: usize) {
        let (column, blank) = (self.cursor.column, self.blank());
        self.row_mut().insert(column, count, blank);
    }

    pub fn remove_cells(&mut self, count: usize) {
        let (column, blank) = (self.cursor.column, self.blank());
        self.row_mut().remove(column, count, blank);
    }

    pub fn insert_lines(&mut self, count: usize) {
        if self.is_within_margins() {
            self.scroll_down(self.cursor.row, count);
            self.cursor.column = 0;
        }
    }

    pub fn remove_lines(&mut self, count: usize) {
        if self.is_within_margins() {
            self.delete_lines(self.cursor.row, count);
            self.cursor.column = 0;
        }
    }

    fn is_within_margins(&self) -> bool {
        (self.margins.0..=self.margins.1).contains(&self.cursor.row)
    }
}

//! Text: a character goes to where the cursor is, or to the character before it.

use super::cell::Cell;
use super::cluster::{self, EMOJI_PRESENTATION, MAX_CLUSTER_BYTES};
use super::terminal::Terminal;

impl Terminal {
    /// Writes a character.
    pub fn print_char(&mut self, char: char) {
        let char = self.charsets.translate(char);
        match cluster::width(char) {
            None => {}
            Some(0) => self.combine(char),
            Some(width) if width > self.columns => {}
            Some(width) => {
                let joins = cluster::may_join(char) && self.cursor.is_fresh && self.joins(char);
                if joins {
                    self.combine(char);
                } else {
                    self.put(char, width);
                }
                self.last_char = Some(char);
            }
        }
    }

    /// `CSI n b`: the character that was written last, again. Nine bytes can ask for 65,535 of them, of which
    /// a screen can show a few thousand, so the rest is left out. The screen and the cursor are as if none
    /// was; of the equal lines above the screen those are missing.
    pub fn repeat(&mut self, count: usize) {
        let Some(char) = self.last_char else { return };
        let width = cluster::width(char).unwrap_or(1).min(2);
        if width > self.columns {
            return;
        }
        // Then they have filled the screen, and the part of it that scrolls, from wherever they began.
        let settled = 2 * self.rows * self.columns + 2 * self.columns;
        let in_a_line = (self.columns / width).max(1);
        let count = if count <= settled { count } else { settled + (count - settled) % in_a_line };
        for _ in 0..count {
            self.put(char, width);
        }
    }

    fn put(&mut self, char: char, width: usize) {
        if self.cursor.column + width > self.columns {
            if self.modes.autowrap {
                self.wrap();
            } else {
                self.cursor.column = self.columns - width;
            }
        }
        let column = self.cursor.column;
        if self.modes.insert {
            let blank = self.blank();
            self.row_mut().insert(column, width, blank);
        }
        // Only now: whatever erases may give the styles other numbers.
        let style = self.style_number();
        self.row_mut().put(column, Cell::of_char(char, width == 2, style));
        self.cursor.column = column + width;
        self.cursor.is_fresh = true;
    }

    /// Goes to the next line within a text.
    fn wrap(&mut self) {
        let goes_on = self.cursor.row == self.margins.1 || self.cursor.row + 1 < self.rows;
        self.row_mut().wrapped = goes_on;
        self.line_feed();
        self.cursor.column = 0;
    }

    /// The column of the cell right before the cursor.
    fn column_before(&mut self) -> Option<usize> {
        let column = self.cursor.column.checked_sub(1)?;
        let is_second = self.row_mut().cells[column].continues();
        column.checked_sub(usize::from(is_second))
    }

    fn text_before(&mut self) -> String {
        let mut text = String::new();
        if let Some(column) = self.column_before() {
            let cell = self.row_mut().cells[column];
            self.tables.push_text(&cell, &mut text);
        }
        text
    }

    fn joins(&mut self, char: char) -> bool {
        cluster::joins(&self.text_before(), char)
    }

    /// Adds a character to the one before the cursor.
    fn combine(&mut self, char: char) {
        let Some(column) = self.column_before() else { return };
        let mut text = self.text_before();
        if text.is_empty() {
            text.push(' ');
        }
        if text.len() + char.len_utf8() > MAX_CLUSTER_BYTES {
            return;
        }
        text.push(char);
        self.collect_if_full();
        let cell = self.row_mut().cells[column];
        let number = self.tables.cluster_number(&text);
        // What is in the last column, or was written over, stays as wide as it is.
        let next = self.cursor.column;
        let widens = char == EMOJI_PRESENTATION && !cell.is_wide() && next < self.columns;
        let is_wide = cell.is_wide() || widens && cluster::is_wide(&text);
        let cell = Cell::of_cluster(number, is_wide, cell.style);
        if is_wide == self.row_mut().cells[column].is_wide() {
            self.row_mut().cells[column] = cell;
        } else {
            self.row_mut().put(column, cell);
            self.cursor.column = next + 1;
        }
    }
}

//! What a terminal has to be sent to be where this one is.

use std::fmt::Write as _;

use super::charset::Charsets;
use super::draw::{Drawer, MAX_LINK_BYTES_OF_SCREEN};
use super::style::Style;
use super::terminal::{Cursor, DrawingModes, Grid, Terminal};

impl Terminal {
    /// Draws one of the screens on an empty one, and has the terminal save the cursor where it is saved. The
    /// cursor is there then, with the style and the character sets that were saved with it.
    pub fn write_grid(&self, alternate: bool, out: &mut String) {
        let grid = if alternate { &self.alternate } else { &self.main };
        let mut drawer = Drawer::new(&self.tables, MAX_LINK_BYTES_OF_SCREEN, out);
        drawer.screen(&grid.rows);
        drawer.finish();
        let saved = &grid.saved;
        if saved.origin {
            // No margins are set yet, so rows count from the first one all the same.
            out.push_str("\x1b[?6h");
        }
        let cursor = Cursor { row: saved.row, column: saved.column, is_fresh: false };
        self.write_cursor(grid, cursor, 0, &saved.style, out);
        saved.charsets.write(out);
        out.push_str("\x1b7");
    }

    /// Undoes what [`Self::write_grid`] has left on besides the style.
    pub fn write_end_of_grid(&self, alternate: bool, out: &mut String) {
        let saved = if alternate { &self.alternate.saved } else { &self.main.saved };
        if saved.origin {
            out.push_str("\x1b[?6l");
        }
        saved.charsets.write_undo(out);
    }

    /// Sets the margins where there are any. The cursor is moved.
    pub fn write_margins(&self, out: &mut String) {
        if self.margins != (0, self.rows - 1) {
            let _ = write!(out, "\x1b[{};{}r", self.margins.0 + 1, self.margins.1 + 1);
        }
    }

    /// Places the cursor on a terminal that shows everything and has all modes on. `has_origin` is whether
    /// its rows count from the margin, `has_charsets` are its character sets: both may have changed when the
    /// cursor was restored.
    pub fn write_end(&self, has_origin: bool, has_charsets: Charsets, out: &mut String) {
        let DrawingModes { origin, insert, .. } = self.modes;
        has_charsets.write_undo(out);
        if origin != has_origin {
            out.push_str(if origin { "\x1b[?6h" } else { "\x1b[?6l" });
        }
        if insert {
            out.push_str("\x1b[4l");
        }
        let above = if origin { self.margins.0 } else { 0 };
        self.write_cursor(self.grid(), self.cursor, above, &self.pen.style, out);
        self.charsets.write(out);
        if insert {
            out.push_str("\x1b[4h");
        }
    }

    /// Places the cursor, where rows count from the one below the first `above`, and switches a style on. No
    /// style is on before.
    fn write_cursor(&self, grid: &Grid, cursor: Cursor, above: usize, style: &Style, out: &mut String) {
        let wraps = cursor.column >= self.columns;
        let cells = &grid.rows[cursor.row].cells;
        // The next character wraps, or may belong to the one before it: a terminal comes to that only by
        // writing that one.
        let again = (wraps || cursor.is_fresh).then(|| {
            let last = cursor.column.min(self.columns).saturating_sub(1);
            last - usize::from(cells[last].continues() && last > 0)
        });
        let column = again.unwrap_or(cursor.column);
        let _ = write!(out, "\x1b[{};{}H", cursor.row.saturating_sub(above) + 1, column + 1);
        let mut drawer = Drawer::new(&self.tables, MAX_LINK_BYTES_OF_SCREEN, out);
        if let Some(column) = again {
            drawer.cell(&cells[column]);
        }
        drawer.switch(style);
    }
}

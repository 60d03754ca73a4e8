//! A terminal: its two screens, the cursor, and everything that what is written depends on.

use serde::{Deserialize, Serialize};

use super::cell::Cell;
use super::charset::Charsets;
use super::history::History;
use super::row::Row;
use super::style::{PLAIN, Style};
use super::tables::Tables;
use super::tabs::TabStops;

/// Where the cursor is, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Cursor {
    pub row: usize,
    /// The number of columns where the next character will wrap.
    pub column: usize,
    /// Nothing has moved it or changed the screen since the character before it was written.
    pub is_fresh: bool,
}

/// What `ESC 7` keeps.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SavedCursor {
    pub row: usize,
    pub column: usize,
    pub style: Style,
    pub charsets: Charsets,
    pub origin: bool,
}

/// One of the two screens.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Grid {
    /// None of the alternate screen while it is not shown.
    pub rows: Vec<Row>,
    pub saved: SavedCursor,
}

/// How what comes next will look, with its number in the table of styles once it was asked for.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Pen {
    pub style: Style,
    #[serde(skip)]
    number: Option<u32>,
    #[serde(skip)]
    erased: Option<u32>,
}

impl Pen {
    fn changed(style: Style) -> Self {
        Self { style, number: None, erased: None }
    }
}

/// Modes that change what is drawn.
#[derive(Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct DrawingModes {
    /// Rows count from the margin.
    pub origin: bool,
    pub autowrap: bool,
    pub insert: bool,
    /// A new line returns, too.
    pub newline: bool,
    pub cursor_hidden: bool,
}

impl Default for DrawingModes {
    fn default() -> Self {
        Self { origin: false, autowrap: true, insert: false, newline: false, cursor_hidden: false }
    }
}

/// The terminal. Rows and columns count from 0, and there is at least one of each.
#[derive(Debug, Serialize, Deserialize)]
pub struct Terminal {
    pub rows: usize,
    pub columns: usize,
    pub main: Grid,
    pub alternate: Grid,
    pub on_alternate: bool,
    pub history: History,
    pub tables: Tables,
    pub cursor: Cursor,
    pub pen: Pen,
    pub charsets: Charsets,
    pub tabs: TabStops,
    pub modes: DrawingModes,
    /// First and last row of what scrolls, on both screens.
    pub margins: (usize, usize),
    /// What REP repeats.
    pub last_char: Option<char>,
}

impl Terminal {
    pub fn new(rows: usize, columns: usize, lines: usize) -> Self {
        let main = Grid { rows: vec![Row::new(columns, Cell::default()); rows], ..Grid::default() };
        Self {
            rows,
            columns,
            main,
            alternate: Grid::default(),
            on_alternate: false,
            history: History::new(lines),
            tables: Tables::new(),
            cursor: Cursor::default(),
            pen: Pen::default(),
            charsets: Charsets::default(),
            tabs: TabStops::default(),
            modes: DrawingModes::default(),
            margins: (0, rows - 1),
            last_char: None,
        }
    }

    /// Whether everything in it fits together. Of one that another program has written that is not certain.
    pub fn is_sound(&self) -> bool {
        let Self { rows, columns, main, alternate, history, tables, cursor, margins, .. } = self;
        let fits =
            |grid: &Grid| grid.rows.len() == *rows && grid.rows.iter().all(|row| row.cells.len() == *columns);
        let is_inside = |row: usize, column: usize| row < *rows && column <= *columns;
        let mut all = main.rows.iter().chain(&alternate.rows).chain(history.rows());
        let styles = [&self.pen.style, &main.saved.style, &alternate.saved.style];
        *rows > 0
            && *columns > 0
            && fits(main)
            && (fits(alternate) || alternate.rows.is_empty() && !self.on_alternate)
            && is_inside(cursor.row, cursor.column)
            && [main, alternate].iter().all(|grid| is_inside(grid.saved.row, grid.saved.column))
            && margins.0 <= margins.1
            && margins.1 < *rows
            && all.all(|row| row.cells.iter().all(|cell| tables.have_all_of(cell)))
            && tables.have_links_of(styles)
    }

    /// The screen that is shown.
    pub fn grid(&self) -> &Grid {
        if self.on_alternate { &self.alternate } else { &self.main }
    }

    pub fn grid_mut(&mut self) -> &mut Grid {
        if self.on_alternate { &mut self.alternate } else { &mut self.main }
    }

    /// The row of the cursor.
    pub fn row_mut(&mut self) -> &mut Row {
        let row = self.cursor.row;
        &mut self.grid_mut().rows[row]
    }

    pub fn set_style(&mut self, style: Style) {
        self.pen = Pen::changed(style);
    }

    /// The number of the style that is on.
    pub fn style_number(&mut self) -> u32 {
        if let Some(number) = self.pen.number {
            return number;
        }
        self.collect_if_full();
        *self.pen.number.insert(self.tables.style_number(&self.pen.style))
    }

    /// What erasing leaves behind now.
    pub fn blank(&mut self) -> Cell {
        if let Some(number) = self.pen.erased {
            return Cell::erased(number);
        }
        self.collect_if_full();
        let number = self.tables.style_number(&self.pen.style.erased());
        Cell::erased(*self.pen.erased.insert(number))
    }

    /// Takes back numbers that are not used any more, when there are many.
    pub fn collect_if_full(&mut self) {
        if !self.tables.are_full() {
            return;
        }
        let Self { main, alternate, history, tables, pen, .. } = self;
        let count = (main.rows.len() + alternate.rows.len()) * self.columns;
        let rows = |each: &mut dyn FnMut(&mut Cell)| {
            for row in main.rows.iter_mut().chain(&mut alternate.rows).chain(history.rows_mut()) {
                row.cells.iter_mut().for_each(&mut *each);
            }
        };
        let mut styles = [&mut pen.style, &mut main.saved.style, &mut alternate.saved.style];
        tables.collect(&mut styles, rows, count);
        *pen = Pen::changed(pen.style);
    }

    /// Moves the lines within the margins up. What leaves the main screen at its top is kept above it.
    pub fn scroll_up(&mut self, count: usize) {
        let (top, bottom) = self.margins;
        let count = count.min(bottom - top + 1);
        let blank = self.blank();
        let is_kept = !self.on_alternate && top == 0;
        let Self { main, alternate, history, tables, on_alternate, .. } = self;
        let rows = if *on_alternate { &mut alternate.rows } else { &mut main.rows };
        for row in &mut rows[top..top + count] {
            if is_kept {
                history.take(row, tables, blank);
            } else {
                row.clear(blank);
            }
        }
        rows[top..=bottom].rotate_left(count);
        if top > 0 {
            rows[top - 1].wrapped = false;
        }
    }

    /// Moves the lines from this one to the lower margin down.
    pub fn scroll_down(&mut self, top: usize, count: usize) {
        let bottom = self.margins.1;
        let count = count.min(bottom + 1 - top);
        if count == 0 {
            return;
        }
        let blank = self.blank();
        let rows = &mut self.grid_mut().rows;
        rows[top..=bottom].rotate_right(count);
        for row in &mut rows[top..top + count] {
            row.clear(blank);
        }
        rows[bottom].wrapped = false;
    }

    /// Moves the lines between this one and the lower margin up; nothing is kept.
    pub fn delete_lines(&mut self, top: usize, count: usize) {
        let bottom = self.margins.1;
        let count = count.min(bottom + 1 - top);
        let blank = self.blank();
        let rows = &mut self.grid_mut().rows;
        for row in &mut rows[top..top + count] {
            row.clear(blank);
        }
        rows[top..=bottom].rotate_left(count);
    }

    /// Moves the cursor down; at the lower margin the lines move up.
    pub fn line_feed(&mut self) {
        if self.cursor.row == self.margins.1 {
            self.scroll_up(1);
        } else if self.cursor.row + 1 < self.rows {
            self.cursor.row += 1;
        }
    }

    /// Moves the cursor up; at the upper margin the lines move down.
    pub fn reverse_line_feed(&mut self) {
        if self.cursor.row == self.margins.0 {
            self.scroll_down(self.margins.0, 1);
        } else {
            self.cursor.row = self.cursor.row.saturating_sub(1);
        }
    }

    /// Keeps the cursor of the screen that is shown. A hyperlink is no part of that.
    pub fn save_cursor(&mut self) {
        self.grid_mut().saved = SavedCursor {
            row: self.cursor.row,
            column: self.cursor.column,
            style: Style { link: 0, ..self.pen.style },
            charsets: self.charsets,
            origin: self.modes.origin,
        };
    }

    pub fn restore_cursor(&mut self) {
        let saved = self.grid().saved;
        let (top, bottom) = if saved.origin { self.margins } else { (0, self.rows - 1) };
        self.cursor = Cursor { row: saved.row.clamp(top, bottom), column: saved.column, is_fresh: false };
        self.set_style(Style { link: self.pen.style.link, ..saved.style });
        self.charsets = saved.charsets;
        self.modes.origin = saved.origin;
    }

    /// Shows the alternate screen, or the main one. What was on the alternate screen is forgotten when it is
    /// left: programs clear it when they come.
    pub fn show_alternate(&mut self, alternate: bool) {
        if alternate && !self.on_alternate {
            self.alternate.rows = vec![Row::new(self.columns, Cell::default()); self.rows];
        } else if !alternate {
            self.alternate = Grid::default();
        }
        self.on_alternate = alternate;
    }

    /// Starts anew, without what is above the screen.
    pub fn reset(&mut self) {
        *self = Self::new(self.rows, self.columns, self.history.most());
    }

    /// `CSI ! p`
    pub fn soft_reset(&mut self) {
        self.cursor.is_fresh = false;
        let DrawingModes { autowrap, newline, .. } = self.modes;
        self.modes = DrawingModes { autowrap, newline, ..DrawingModes::default() };
        self.margins = (0, self.rows - 1);
        self.charsets = Charsets::default();
        self.set_style(Style { link: self.pen.style.link, ..PLAIN });
        self.grid_mut().saved = SavedCursor::default();
    }

    /// Gives it another size, as xterm does: lines leave at the top or come back there, no line is broken
    /// anew. The cursor stays on its line.
    pub fn resize(&mut self, rows: usize, columns: usize) {
        if (rows, columns) == (self.rows, self.columns) {
            return;
        }
        self.cursor.is_fresh = false;
        for of_alternate in [false, true] {
            let is_shown = of_alternate == self.on_alternate;
            let row = if is_shown { self.cursor.row } else { self.grid_of(of_alternate).saved.row };
            let row = self.resize_grid(of_alternate, row, rows, columns);
            if is_shown {
                self.cursor.row = row.min(rows - 1);
            }
        }
        self.cursor.column = self.cursor.column.min(columns - 1);
        (self.rows, self.columns) = (rows, columns);
        self.margins = (0, rows - 1);
    }

    fn grid_of(&mut self, alternate: bool) -> &mut Grid {
        if alternate { &mut self.alternate } else { &mut self.main }
    }

    /// Where the row of the cursor is then.
    fn resize_grid(&mut self, alternate: bool, row: usize, rows: usize, columns: usize) -> usize {
        let Self { main, alternate: other, history, tables, .. } = self;
        let grid = if alternate { other } else { main };
        if grid.rows.is_empty() {
            return row;
        }
        let before = grid.rows.len();
        let row = if rows < before {
            let gone = (before - rows).saturating_sub(before - row - 1);
            for row in grid.rows.iter_mut().take(if alternate { 0 } else { gone }) {
                history.take(row, tables, Cell::default());
            }
            grid.rows.drain(..gone);
            grid.rows.truncate(rows);
            grid.saved.row = grid.saved.row.saturating_sub(gone);
            row.saturating_sub(gone)
        } else {
            let back = if alternate { Vec::new() } else { history.give_back(rows - before) };
            let count = back.len();
            grid.rows.splice(0..0, back);
            grid.rows.resize(rows, Row::new(columns, Cell::default()));
            grid.saved.row += count;
            row + count
        };
        if let Some(last) = grid.rows.last_mut() {
            last.wrapped = false;
        }
        grid.rows.iter_mut().for_each(|row| row.resize(columns));
        grid.saved.row = grid.saved.row.min(rows - 1);
        grid.saved.column = grid.saved.column.min(columns - 1);
        row
    }
}

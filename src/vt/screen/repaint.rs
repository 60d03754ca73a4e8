//! Puts on a terminal what the model shows.

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::history::History;
use super::{RECENT, Screen};
use crate::vt::modes::ModeTracker;

/// Where a terminal that has had claude's modes undone should be, whatever else has run on it: text style,
/// character sets, insert mode, margins, autowrap. The cursor is not shown while things are drawn.
const CLEAN_START: &str = "\x1b[m\x1b(B\x0f\x1b[4l\x1b7\x1b[r\x1b8\x1b[?7h\x1b[?25l";

impl Screen {
    /// The bytes that make a terminal of the same size, in any state but with claude's modes undone, show
    /// what one that had never left would show, and go on from there: the lines above the screen as far as
    /// they are kept, the screen, the main screen behind an alternate one, the saved cursor, margins, modes,
    /// title, cursor, and the beginning of a sequence that is not whole. What the terminal showed before is
    /// moved into its own scrollback, as far as it is above the cursor.
    ///
    /// Where the model is stale, the screen is empty: claude has to be asked to draw it anew.
    pub fn repaint(&mut self, modes: &ModeTracker) -> Vec<u8> {
        self.paint(modes, true)
    }

    /// The same for a terminal that has been shown claude's output, but not all of it: without the lines
    /// above the screen, and nothing is moved there.
    pub fn redraw(&mut self, modes: &ModeTracker) -> Vec<u8> {
        self.paint(modes, false)
    }

    fn paint(&mut self, modes: &ModeTracker, with_history: bool) -> Vec<u8> {
        self.read_all();
        let mut out = String::from(CLEAN_START);
        if with_history {
            // From wherever the cursor is: what is above it is moved off the screen, and no blank lines with
            // it.
            feed_lines(self.rows(), &mut out);
        }
        out.push_str("\x1b[H\x1b[J");
        let picture = if self.is_stale() { None } else { self.picture(modes, with_history) };
        match picture {
            Some(picture) => out.push_str(&picture),
            None => {
                out.push_str(&modes.redo_screen());
                out.push_str("\x1b[H\x1b[J");
                out.push_str(&modes.redo_rest());
            }
        }
        if modes.is_on(25) == Some(true) {
            out.push_str("\x1b[?25h");
        }
        let mut out = out.into_bytes();
        out.extend_from_slice(self.pieces.unfinished());
        out
    }

    fn rows(&self) -> u16 {
        self.parser.screen().size().0.get()
    }

    /// Everything from the lines above the screen to the position of the cursor. Nothing where the emulator
    /// fails.
    fn picture(&mut self, modes: &ModeTracker, with_history: bool) -> Option<String> {
        // The emulator answers some questions only by doing: it is asked, and put back afterwards.
        let before = self.parser.screen().clone();
        let drawn = catch_unwind(AssertUnwindSafe(|| self.draw(&before, modes, with_history)));
        match drawn {
            Ok(picture) => {
                *self.parser.screen_mut() = before;
                self.parser.process(self.pieces.resume());
                Some(picture)
            }
            Err(_) => {
                self.forget();
                None
            }
        }
    }

    fn draw(&mut self, before: &vt100::Screen, modes: &ModeTracker, with_history: bool) -> String {
        let mut out = String::new();
        self.parser.process(b"\x1b[?25l\x1b[?47l");
        if with_history {
            let recent = self.take_recent();
            let length = out.len();
            self.parser.callbacks().write(&recent, &mut out);
            if out.len() > length {
                feed_lines(self.rows(), &mut out);
            }
        }
        let main = Grid::ask(&mut self.parser, &mut out);
        if modes.on_alternate_screen() {
            // Left by `CSI ? 1049 l`, the main screen has the cursor where it was saved.
            out.push_str(&modes.redo_screen());
            if before.alternate_screen() {
                *self.parser.screen_mut() = before.clone();
                self.parser.process(b"\x1b[?25l");
                if main.margins.is_some() {
                    out.push_str("\x1b[r");
                }
            }
            let alternate = Grid::ask(&mut self.parser, &mut out);
            alternate.finish(before, modes, &mut out);
        } else {
            out.push_str(&modes.redo_screen());
            main.finish(before, modes, &mut out);
        }
        out
    }

    /// The lines above the screen that the emulator has.
    fn take_recent(&mut self) -> History {
        let older = std::mem::replace(self.parser.callbacks_mut(), History::new(RECENT));
        // Tells each line that it gives up.
        self.parser.process(b"\x1b[3J");
        std::mem::replace(self.parser.callbacks_mut(), older)
    }
}

/// What has been drawn of a screen, and what is still to be done when everything is.
struct Grid {
    /// First and last row, from 0, where they are not those of the screen.
    margins: Option<(u16, u16)>,
}

impl Grid {
    /// Draws the emulator's screen and leaves the cursor where it is saved. The emulator's cursor is lost.
    fn ask(parser: &mut vt100::Parser<History>, out: &mut String) -> Self {
        out.push_str(&parser.screen().contents_formatted());
        let rows = parser.screen().size().0.get();
        parser.process(b"\x1b8");
        let screen = parser.screen();
        place(screen, 0, out);
        out.push_str(&screen.attributes_formatted());
        out.push_str("\x1b7");
        parser.process(b"\x1b[?6h\x1b[H");
        let top = parser.screen().cursor_position().0;
        parser.process(b"\x1b[9999H");
        let bottom = parser.screen().cursor_position().0;
        let margins = (top, bottom) != (0, rows - 1);
        if margins {
            // Moves the cursor home; where it has to be saved again by going to another screen, it was saved
            // just now.
            let _ = write!(out, "\x1b[{};{}r\x1b8", top + 1, bottom + 1);
        }
        Self { margins: margins.then_some((top, bottom)) }
    }

    /// Switches the modes on and places the cursor.
    fn finish(&self, screen: &vt100::Screen, modes: &ModeTracker, out: &mut String) {
        out.push_str(&modes.redo_rest());
        let above = self.margins.filter(|_| modes.is_on(6) == Some(true)).map_or(0, |margins| margins.0);
        place(screen, above, out);
        out.push_str(&screen.attributes_formatted());
    }
}

/// Places the cursor, where rows count from the one below the first `above`.
fn place(screen: &vt100::Screen, above: u16, out: &mut String) {
    let (row, column) = screen.cursor_position();
    let last = screen.size().1.get() - 1;
    let wraps = column > last;
    let wide = screen.cell(row, last).is_some_and(vt100::Cell::is_wide_continuation);
    let column = if wraps { last.saturating_sub(u16::from(wide)) } else { column };
    let _ = write!(out, "\x1b[{};{}H", row.saturating_sub(above) + 1, column + 1);
    if let Some(cell) = screen.cell(row, column).filter(|_| wraps) {
        // The next character wraps. A terminal comes to that only by writing into the last column.
        out.push_str(&style(cell));
        out.push_str(if cell.has_contents() { cell.contents() } else { " " });
    }
}

/// Moves what is above the cursor off a screen of so many rows.
fn feed_lines(rows: u16, out: &mut String) {
    for _ in 1..rows {
        out.push_str("\r\n");
    }
}

/// The sequence for the style of a cell.
fn style(cell: &vt100::Cell) -> String {
    let mut out = String::from("\x1b[0");
    for (on, number) in
        [(cell.bold(), 1), (cell.dim(), 2), (cell.italic(), 3), (cell.underline(), 4), (cell.inverse(), 7)]
    {
        if on {
            let _ = write!(out, ";{number}");
        }
    }
    for (colour, number) in [(cell.fgcolor(), 38), (cell.bgcolor(), 48)] {
        let _ = match colour {
            vt100::Color::Default => Ok(()),
            vt100::Color::Idx(index) => write!(out, ";{number};5;{index}"),
            vt100::Color::Rgb(red, green, blue) => write!(out, ";{number};2;{red};{green};{blue}"),
        };
    }
    out.push('m');
    out
}

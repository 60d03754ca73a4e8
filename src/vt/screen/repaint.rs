//! Puts on a terminal what the model shows.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Screen;
use crate::vt::emulator::Emulator;
use crate::vt::emulator::charset::Charsets;
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
            feed_lines(self.emulator.size().0, &mut out);
        } else {
            // The output that was not shown may have ended a hyperlink.
            out.push_str("\x1b]8;;\x1b\\");
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

    /// Everything from the lines above the screen to the position of the cursor. Nothing where the emulator
    /// fails.
    fn picture(&mut self, modes: &ModeTracker, with_history: bool) -> Option<String> {
        let drawn = catch_unwind(AssertUnwindSafe(|| draw(&self.emulator, modes, with_history)));
        if drawn.is_err() {
            self.forget();
        }
        drawn.ok()
    }
}

fn draw(emulator: &Emulator, modes: &ModeTracker, with_history: bool) -> String {
    let mut out = String::new();
    if with_history && emulator.write_history(&mut out) {
        feed_lines(emulator.size().0, &mut out);
        out.push_str("\x1b[H");
    }
    emulator.write_screen(false, &mut out);
    // Going to the alternate screen saves the cursor once more, where it was saved just now.
    out.push_str(&modes.redo_screen());
    emulator.write_end_of_screen(false, &mut out);
    if modes.on_alternate_screen() {
        out.push_str("\x1b[H\x1b[J");
        emulator.write_screen(emulator.on_alternate_screen(), &mut out);
        emulator.write_end_of_screen(emulator.on_alternate_screen(), &mut out);
    }
    emulator.write_margins(&mut out);
    out.push_str(&modes.redo_rest());
    let (draws_lines, shifted) = modes.line_drawing();
    emulator.write_end(modes.is_on(6) == Some(true), Charsets { draws_lines, shifted }, &mut out);
    out
}

/// Moves what is above the cursor off a screen of so many rows.
fn feed_lines(rows: u16, out: &mut String) {
    for _ in 1..rows {
        out.push_str("\r\n");
    }
}

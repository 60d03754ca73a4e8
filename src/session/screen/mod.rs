//! The screen model: what a terminal that saw all of claude's output would show.
//!
//! It is the seam to the emulator crate, and never stands between claude and the terminal: bytes are queued here after
//! they were written there, and read when there is nothing else to do.

pub mod colours;
mod history;
mod pieces;
mod repaint;

use std::num::NonZeroU16;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::claude::screen::View;
use crate::platform::tty::Size;
use history::History;
use pieces::{Does, Pieces};

/// The most that may wait to be read, in bytes.
const BACKLOG: usize = 1 << 20;
/// So much less is nearly as much: then output is given up where that is cheap.
const MARGIN: usize = 64 * 1024;
/// Read at a time, in bytes: some ten microseconds, so that a key never waits longer for it.
const SLICE: usize = 4096;
/// How many of the lines above the screen the emulator has itself: they come back when the screen grows.
const RECENT: usize = 100;

/// The longest screen with colours that is handed out, in bytes. A large one has some tens of kilobytes.
const MOST_FORMATTED: usize = 256 * 1024;

/// How many lines above the screen are kept where nothing else is said.
pub const HISTORY: usize = 1000;

/// The model, and the output that it has not read yet.
pub struct Screen {
    parser: vt100::Parser<History>,
    pieces: Pieces,
    size: Size,
    backlog: Vec<u8>,
    read: usize,
    stale: Option<Renewal>,
}

/// What was seen since output was given up: with both, the model knows everything again.
#[derive(Debug, Clone, Copy, Default)]
struct Renewal {
    cleared: bool,
    placed: bool,
    /// Lines that were cleared since the cursor was placed: on the main screen claude clears one after the other.
    lines: u16,
}

impl Screen {
    /// An empty screen.
    pub fn new(size: Size) -> Self {
        Self {
            parser: parser(size, HISTORY),
            pieces: Pieces::default(),
            size,
            backlog: Vec::new(),
            read: 0,
            stale: None,
        }
    }

    /// Changes how many lines above the screen are kept.
    pub fn keep_lines(&mut self, lines: usize) {
        self.parser.callbacks_mut().set_most(lines);
    }

    /// Queues output. When too much waits, what is older is given up, and the model is stale until the next repaint.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.waiting() + bytes.len() > BACKLOG {
            // Where a sequence begins and ends is followed all the same.
            self.pieces.feed(&self.backlog[self.read..], |_, _| {});
            self.backlog.clear();
            self.read = 0;
            self.forget();
        }
        if self.read > 0 && self.read == self.backlog.len() {
            self.backlog.clear();
            self.read = 0;
        }
        self.backlog.extend_from_slice(bytes);
    }

    /// Whether so much waits that with `more` bytes it should be given up, at the next place between two sequences.
    pub fn is_nearly_full(&self, more: usize) -> bool {
        self.waiting() + more > BACKLOG - MARGIN
    }

    /// Gives up all that waits, and what was not pushed since, up to a place between two sequences. The model is stale then.
    pub fn give_up(&mut self) {
        self.backlog.clear();
        self.read = 0;
        self.pieces = Pieces::default();
        self.forget();
    }

    /// How many bytes wait to be read.
    pub fn waiting(&self) -> usize {
        self.backlog.len() - self.read
    }

    /// Whether output was given up, so that the model may show what claude does not. Over when claude has cleared the
    /// screen and placed the cursor.
    pub fn is_stale(&self) -> bool {
        self.stale.is_some()
    }

    /// Reads a little of what waits.
    pub fn work(&mut self) {
        let end = self.backlog.len().min(self.read + SLICE);
        let Self { parser, pieces, backlog, stale, .. } = self;
        let slice = &backlog[self.read..end];
        // The emulator has panicked on strange sequences before; that must not end the session.
        if catch_unwind(AssertUnwindSafe(|| {
            pieces.feed(slice, |bytes, does| {
                process(parser, bytes);
                note(parser, stale, does);
            });
        }))
        .is_err()
        {
            self.pieces = Pieces::default();
            self.forget();
        }
        self.read = end;
        if self.waiting() == 0 {
            self.read = 0;
            self.backlog.clear();
            self.backlog.shrink_to(16 * SLICE);
        }
    }

    /// Applies a new size, after what was written at the old one.
    pub fn resize(&mut self, size: Size) {
        self.read_all();
        self.size = size;
        let (rows, columns) = bounded(size);
        let parser = &mut self.parser;
        if catch_unwind(AssertUnwindSafe(|| parser.set_size(rows, columns))).is_err() {
            self.forget();
        }
    }

    /// The text of the screen, a string a line, after everything that waits was read.
    pub fn text(&mut self) -> Vec<String> {
        self.read_all();
        let screen = self.parser.screen();
        screen.rows(0, screen.size().1.get()).collect()
    }

    /// The same with colours, in one piece. Empty where that is more than an answer on the control socket should carry.
    pub fn formatted(&mut self) -> String {
        self.read_all();
        Some(colours::lines(self.parser.screen()).join("\n"))
            .filter(|text| text.len() <= MOST_FORMATTED)
            .unwrap_or_default()
    }

    /// Where the cursor is, row and column from 0, after everything that waits was read.
    pub fn cursor(&mut self) -> (u16, u16) {
        self.read_all();
        let screen = self.parser.screen();
        let (row, column) = screen.cursor_position();
        // Behind the last column is where the next character will wrap; the cursor is shown on it.
        (row, column.min(screen.size().1.get() - 1))
    }

    /// What can be looked at, after everything that waits was read.
    pub fn view(&mut self) -> View {
        self.read_all();
        View::of(self.parser.screen())
    }

    /// The text of the cursor's row that is left of the cursor, after everything that waits was read.
    pub fn before_cursor(&mut self) -> String {
        let (row, column) = self.cursor();
        self.parser.screen().rows(0, column).nth(row.into()).unwrap_or_default()
    }

    fn read_all(&mut self) {
        while self.waiting() > 0 {
            self.work();
        }
    }

    /// Starts anew, with nothing known.
    fn forget(&mut self) {
        let lines = self.parser.callbacks().most();
        self.parser = parser(self.size, lines);
        self.stale = Some(Renewal::default());
    }
}

/// Makes the character before it as wide as an emoji.
const WIDENS: &[u8] = "\u{fe0f}".as_bytes();

/// Has the emulator read whole pieces. It goes wrong, and panics later, where a character is widened in the last column
/// of the last row (vt100 0.18.1): there, and in other last columns, it stays as it is.
fn process(parser: &mut vt100::Parser<History>, bytes: &[u8]) {
    let mut rest = bytes;
    while let Some(at) = memchr::memmem::find(rest, WIDENS) {
        parser.process(&rest[..at]);
        let screen = parser.screen();
        if screen.cursor_position().1 < screen.size().1.get() {
            parser.process(WIDENS);
        }
        rest = &rest[at + WIDENS.len()..];
    }
    parser.process(rest);
}

/// Does what the emulator does not.
fn note(parser: &mut vt100::Parser<History>, stale: &mut Option<Renewal>, does: Does) {
    match does {
        Does::Draw => {}
        Does::ClearHistory if parser.screen().alternate_screen() => {}
        Does::ClearHistory => parser.callbacks_mut().clear(),
        Does::Reset => {
            parser.callbacks_mut().clear();
            *stale = None;
        }
        Does::ClearScreen | Does::Place | Does::ClearLine => {
            let Some(renewal) = stale else { return };
            match does {
                Does::Place => (renewal.placed, renewal.lines) = (true, 0),
                Does::ClearLine => renewal.lines = renewal.lines.saturating_add(1),
                _ => renewal.cleared = true,
            }
            renewal.cleared |= renewal.placed && renewal.lines >= parser.screen().size().0.get();
            if renewal.cleared && renewal.placed {
                *stale = None;
            }
        }
    }
}

fn parser(size: Size, lines: usize) -> vt100::Parser<History> {
    let (rows, columns) = bounded(size);
    vt100::Parser::new_with_callbacks(rows, columns, RECENT, History::new(lines))
}

/// A terminal may say that it has no size, and a hostile one that it is enormous.
fn bounded(size: Size) -> (NonZeroU16, NonZeroU16) {
    const ROWS: NonZeroU16 = NonZeroU16::new(24).unwrap();
    const COLUMNS: NonZeroU16 = NonZeroU16::new(80).unwrap();
    const MOST: NonZeroU16 = NonZeroU16::new(1000).unwrap();
    (
        NonZeroU16::new(size.rows).unwrap_or(ROWS).min(MOST),
        NonZeroU16::new(size.columns).unwrap_or(COLUMNS).min(MOST),
    )
}

#[cfg(test)]
mod tests;

//! The screen model: what a terminal that saw all of claude's output would show.
//!
//! It is the seam to the emulator crate, and never stands between claude and the terminal: bytes are queued here after
//! they were written there, and read when there is nothing else to do.

mod colours;

use std::num::NonZeroU16;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::modes::ModeTracker;
use crate::platform::tty::Size;

/// The most that may wait to be read, in bytes.
const BACKLOG: usize = 1 << 20;
/// Read at a time, in bytes: some ten microseconds, so that a key never waits longer for it.
const SLICE: usize = 4096;

/// The longest screen with colours that is handed out, in bytes. A large one has some tens of kilobytes.
const MOST_FORMATTED: usize = 256 * 1024;

/// The model, and the output that it has not read yet.
pub struct Screen {
    parser: vt100::Parser,
    size: Size,
    backlog: Vec<u8>,
    read: usize,
    stale: bool,
}

impl Screen {
    /// An empty screen.
    pub fn new(size: Size) -> Self {
        Self { parser: parser(size), size, backlog: Vec::new(), read: 0, stale: false }
    }

    /// Queues output. When too much waits, what is older is given up, and the model is stale until the next repaint.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.waiting() + bytes.len() > BACKLOG {
            self.backlog.clear();
            self.read = 0;
            self.stale = true;
        }
        if self.read > 0 && self.read == self.backlog.len() {
            self.backlog.clear();
            self.read = 0;
        }
        self.backlog.extend_from_slice(bytes);
    }

    /// How many bytes wait to be read.
    pub fn waiting(&self) -> usize {
        self.backlog.len() - self.read
    }

    /// Whether output was given up, so that the model may show what claude does not.
    pub fn is_stale(&self) -> bool {
        self.stale
    }

    /// Reads a little of what waits.
    pub fn work(&mut self) {
        let end = self.backlog.len().min(self.read + SLICE);
        let slice = &self.backlog[self.read..end];
        let parser = &mut self.parser;
        // The emulator has panicked on strange sequences before; that must not end the session.
        if catch_unwind(AssertUnwindSafe(|| parser.process(slice))).is_err() {
            self.parser = self::parser(self.size);
            self.stale = true;
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
        while self.waiting() > 0 {
            self.work();
        }
        self.size = size;
        let (rows, columns) = bounded(size);
        let parser = &mut self.parser;
        if catch_unwind(AssertUnwindSafe(|| parser.screen_mut().set_size(rows, columns))).is_err() {
            self.parser = self::parser(size);
            self.stale = true;
        }
    }

    /// The bytes that make an empty terminal of this size show the screen, with these modes switched on.
    pub fn repaint(&mut self, modes: &ModeTracker) -> Vec<u8> {
        while self.waiting() > 0 {
            self.work();
        }
        let mut bytes = b"\x1b[H\x1b[2J".to_vec();
        bytes.extend_from_slice(self.parser.screen().contents_formatted().as_bytes());
        bytes.extend_from_slice(modes.redo().as_bytes());
        bytes
    }

    /// The text of the screen, a string a line, after everything that waits was read.
    pub fn text(&mut self) -> Vec<String> {
        while self.waiting() > 0 {
            self.work();
        }
        let screen = self.parser.screen();
        screen.rows(0, screen.size().1.get()).collect()
    }

    /// The same with colours. Empty where that would be more than a message of the control protocol should carry.
    pub fn formatted(&mut self) -> String {
        while self.waiting() > 0 {
            self.work();
        }
        Some(colours::lines(self.parser.screen()).join("\n"))
            .filter(|text| text.len() <= MOST_FORMATTED)
            .unwrap_or_default()
    }
}

fn parser(size: Size) -> vt100::Parser {
    let (rows, columns) = bounded(size);
    vt100::Parser::new(rows, columns, 0)
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SIZE: Size = Size { rows: 3, columns: 10, width: 0, height: 0 };

    #[test]
    fn it_shows_what_a_terminal_would() {
        let mut screen = Screen::new(SIZE);
        screen.push(b"hello\r\n\x1b[31mred\x1b[m");
        assert_eq!(screen.text(), ["hello", "red", ""]);
        screen.push(b"\x1b[2Jx");
        screen.resize(Size { rows: 2, columns: 4, ..SIZE });
        assert_eq!(screen.text().len(), 2);
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut screen = Screen::new(SIZE);
        for _ in 0..100 {
            screen.push(&[b'x'; 65536]);
            assert!(screen.waiting() <= BACKLOG);
        }
        assert!(screen.is_stale());
        screen.push(b"\x1b[2J\x1b[Hnew");
        assert_eq!(screen.text()[0], "new");
        assert!(screen.backlog.capacity() <= 16 * SLICE);
    }

    proptest! {
        // A screen of a million cells is slow without optimisation.
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn nothing_that_is_written_or_resized_ends_it(
            pieces in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..200), 0u16..2000, 0u16..2000), 0..10)
        ) {
            let mut screen = Screen::new(SIZE);
            for (bytes, rows, columns) in pieces {
                screen.push(&bytes);
                screen.resize(Size { rows, columns, ..SIZE });
            }
            screen.text();
        }
    }
}

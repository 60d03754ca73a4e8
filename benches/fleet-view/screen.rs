//! The terminal of somebody who looks at the view: it draws what comes, at once, and can tell when.

use std::num::NonZeroU16;
use std::process::Command;
use std::time::{Duration, Instant};

use memchr::memmem;

use crate::support::Size;
pub use crate::terminal::Missing;
use crate::terminal::{Next, Terminal};

/// The end of a synchronized update: a frame is on the screen.
const FRAME_END: &[u8] = b"\x1b[?2026l";

/// A terminal with a program in it.
pub struct Screen {
    terminal: Terminal,
    model: vt100::Parser,
    /// The last bytes that came, for a frame's end that comes in two pieces.
    tail: Vec<u8>,
    /// How many synchronized updates have ended.
    pub frames: usize,
    /// How many bytes have come.
    pub bytes: usize,
}

/// What is selected in a list: its row on the screen, and the text there.
pub type Selection = (u16, String);

impl Screen {
    /// Starts the program in a terminal of so many rows and columns.
    pub fn start((rows, columns): (u16, u16), command: Command) -> Self {
        let terminal = Terminal::start(Size::cells(rows, columns), command);
        let some = |count| NonZeroU16::new(count).expect("a size that is not nothing");
        let model = vt100::Parser::new(some(rows), some(columns), 0);
        Self { terminal, model, tail: Vec::new(), frames: 0, bytes: 0 }
    }

    /// The program.
    pub fn pid(&self) -> i32 {
        self.terminal.pid()
    }

    /// Types.
    ///
    /// # Errors
    /// When the terminal has ended.
    pub fn send(&self, keys: &[u8]) -> Result<(), Missing> {
        self.terminal.send(keys)
    }

    /// Waits until the screen is as it should be, and returns when that was.
    ///
    /// # Errors
    /// When it is not by then, or the terminal has ended.
    pub fn wait_for(
        &mut self,
        what: &str,
        until: Instant,
        mut condition: impl FnMut(&vt100::Screen) -> bool,
    ) -> Result<Instant, Missing> {
        loop {
            if condition(self.model.screen()) {
                return Ok(Instant::now());
            }
            if !self.take_in(until)? {
                return Err(format!("no {what} in time, but:\n{}", self.text()));
            }
        }
    }

    /// Takes in what comes for so long.
    ///
    /// # Errors
    /// When the terminal has ended.
    pub fn rest(&mut self, time: Duration) -> Result<(), Missing> {
        let until = Instant::now() + time;
        while self.take_in(until)? {}
        Ok(())
    }

    /// Takes in what comes until nothing has come for so long.
    ///
    /// # Errors
    /// When the terminal has ended.
    pub fn settle(&mut self, quiet: Duration) -> Result<(), Missing> {
        while self.take_in(Instant::now() + quiet)? {}
        Ok(())
    }

    /// What is on it.
    pub fn text(&self) -> String {
        self.model.screen().contents()
    }

    /// What is selected.
    pub fn selection(&self) -> Option<Selection> {
        selection(self.model.screen())
    }

    /// Takes in the next piece; false when none has come until then.
    fn take_in(&mut self, until: Instant) -> Result<bool, Missing> {
        match self.terminal.next(until)? {
            Next::Bytes(bytes) => self.show(&bytes),
            Next::Nothing => return Ok(false),
            Next::End => return Err(format!("the terminal has ended, with this on it:\n{}", self.text())),
        }
        Ok(true)
    }

    fn show(&mut self, bytes: &[u8]) {
        self.model.process(bytes);
        self.bytes += bytes.len();
        self.tail.extend_from_slice(bytes);
        self.frames += memmem::find_iter(&self.tail, FRAME_END).count();
        let kept = self.tail.len().min(FRAME_END.len() - 1);
        self.tail.drain(..self.tail.len() - kept);
    }

    /// Closes the terminal, and waits for the end of the program.
    pub fn close(self) {
        self.terminal.close();
    }
}

/// Whether this stands on the screen.
pub fn has(screen: &vt100::Screen, text: &str) -> bool {
    rows(screen).any(|row| row.contains(text))
}

/// The rows of the screen.
pub fn rows(screen: &vt100::Screen) -> impl Iterator<Item = String> + '_ {
    screen.rows(0, screen.size().1.get())
}

/// The row of a list that stands out: reversed, or on a ground of its own.
pub fn selection(screen: &vt100::Screen) -> Option<Selection> {
    let (count, columns) = screen.size();
    let stands_out = |row: &u16| {
        let cells = (2..columns.get().min(14)).filter_map(|column| screen.cell(*row, column));
        cells.filter(|cell| cell.inverse() || cell.bgcolor() != vt100::Color::Default).count() >= 8
    };
    let row = (0..count.get()).find(stands_out)?;
    rows(screen).nth(row.into()).map(|text| (row, text))
}

//! Somebody at a terminal: presses keys, waits for what comes of them, and keeps pictures of it.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::num::NonZero;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use cckw::os::poll::{Interest, Poll};

use super::cells::{BACKGROUND, Cell, FOREGROUND, Frame, Style};
use super::pty::{self, Size, Started};

/// How long one thing may take.
const STEP_TIMEOUT: Duration = Duration::from_secs(20);
/// What has not changed for so long is not about to change: it was drawn by then.
const REST: Duration = Duration::from_millis(60);
/// Between two keys that are typed, in the picture.
const KEY_HOLD: u32 = 60;

/// A terminal with a program, and the pictures taken so far.
pub struct Player {
    master: File,
    child: Child,
    screen: vt100::Parser,
    caption: &'static str,
    /// A text that is another one each time, and what stands in its place.
    renamed: (String, &'static str),
    frames: Vec<Frame>,
}

impl Player {
    /// Starts the program in a terminal of this size.
    pub fn start(command: Command, rows: u16, columns: u16) -> Self {
        let Started { master, child, .. } = pty::start(Size::cells(rows, columns), command);
        let cells = |number| NonZero::new(number).expect("a size");
        let screen = vt100::Parser::new(cells(rows), cells(columns), 0);
        Self {
            master: master.into(),
            child,
            screen,
            caption: "",
            renamed: (String::new(), ""),
            frames: Vec::new(),
        }
    }

    /// What stands above the terminal from now on.
    pub fn say(&mut self, caption: &'static str) {
        self.caption = caption;
    }

    /// Calls something that is another one each time by one name.
    pub fn call(&mut self, text: String, name: &'static str) {
        self.renamed = (text, name);
    }

    /// Presses a key, or several.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn press(&mut self, keys: &str) -> Result<(), String> {
        self.master.write_all(keys.as_bytes()).map_err(|error| format!("cannot type {keys:?}: {error}"))
    }

    /// Types a text, with a picture of each key.
    ///
    /// # Errors
    /// When it is not to be seen.
    pub fn type_text(&mut self, text: &str) -> Result<(), String> {
        for (at, key) in text.char_indices() {
            self.press(key.encode_utf8(&mut [0; 4]))?;
            let typed = &text[..at + key.len_utf8()];
            self.until(typed, |screen| screen.contains(typed.trim_end()))?;
            self.keep(KEY_HOLD);
        }
        Ok(())
    }

    /// Waits until the screen is as it should be, and rests.
    ///
    /// # Errors
    /// When it does not come to that: with what the screen shows instead.
    pub fn until(&mut self, what: &str, holds: impl Fn(&str) -> bool) -> Result<(), String> {
        let deadline = Instant::now() + STEP_TIMEOUT;
        loop {
            let has_changed = self.take_in()?;
            let text = Frame::of(self.screen.screen()).text();
            if !has_changed && holds(&text) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(format!("waited in vain for {what}:\n{text}"));
            }
        }
    }

    /// Takes in what comes. Gives whether anything came before the time of rest was over.
    fn take_in(&mut self) -> Result<bool, String> {
        let mut poll = Poll::default();
        let output = poll.add(&self.master, Interest::Reading);
        poll.wait(Some(REST)).map_err(|error| format!("cannot wait: {error}"))?;
        if !poll.is_ready(output) {
            return Ok(false);
        }
        let mut buffer = [0; 64 * 1024];
        match self.master.read(&mut buffer) {
            Ok(count) if count > 0 => self.screen.process(&buffer[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            _ => return Err(format!("the terminal was closed:\n{}", self.screen.screen().contents())),
        }
        Ok(true)
    }

    /// Keeps a picture of what the screen shows, for so many milliseconds.
    pub fn keep(&mut self, hold: u32) {
        let screen = self.screen.screen();
        let mut frame = Frame::of(screen);
        let (row, column) = screen.cursor_position();
        let under = frame.rows.get_mut(usize::from(row)).and_then(|row| row.get_mut(usize::from(column)));
        if let Some(cell) = under.filter(|_| !screen.hide_cursor()) {
            cell.style.foreground = Some(BACKGROUND);
            cell.style.background = Some(FOREGROUND);
        }
        frame.rows.iter_mut().for_each(|row| rename(row, &self.renamed));
        let width = frame.rows.first().map_or(0, Vec::len);
        frame.rows.insert(0, vec![Cell::blank(); width]);
        frame.rows.insert(0, caption(self.caption, width));
        frame.hold = hold;
        match self.frames.last_mut().filter(|last| last.rows == frame.rows) {
            Some(last) => last.hold += hold,
            None => self.frames.push(frame),
        }
    }

    /// The pictures. The program ends with its terminal.
    ///
    /// # Errors
    /// When it does not end.
    pub fn finish(mut self) -> Result<Vec<Frame>, String> {
        drop(self.master);
        self.child.wait().map_err(|error| format!("the end of the shell: {error}"))?;
        Ok(self.frames)
    }
}

/// Puts the name in the place of the text. What stands behind it on the line is its rest.
fn rename(row: &mut Vec<Cell>, (text, name): &(String, &'static str)) {
    let letters: Vec<String> = text.chars().map(String::from).collect();
    let is_there = |cells: &[Cell]| cells.iter().map(|cell| &cell.text).eq(&letters);
    let Some(at) = row.windows(letters.len().max(1)).position(is_there) else { return };
    let (style, width) = (row[at].style, row.len());
    let new: Vec<Cell> = name.chars().map(|c| Cell { text: c.into(), style }).collect();
    row.splice(at..at + letters.len(), new);
    row.resize(width, Cell::blank());
}

/// The line above the terminal.
fn caption(text: &str, width: usize) -> Vec<Cell> {
    let style = Style { bold: true, ..Style::default() };
    let letters = text.chars().map(|c| Cell { text: c.into(), style });
    letters.chain(std::iter::repeat_with(Cell::blank)).take(width).collect()
}

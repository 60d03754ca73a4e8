//! The colours that a program has given to the terminal: of its palette, of text, of the ground and of the cursor.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

/// The numbers of the commands (OSC) that set them. The first is that of the palette.
pub const COLOURS: [u16; 4] = [4, 10, 11, 12];

/// The longest name of a colour that is kept.
const NAME_LIMIT: usize = 64;

/// Each colour as it was named. One that cannot be written again is not here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Colours {
    palette: BTreeMap<u8, String>,
    /// Of text, of the ground and of the cursor.
    others: [Option<String>; 3],
}

impl Colours {
    /// Takes note of what is set by the command of this number. Says of which of [`COLOURS`] something was set.
    pub fn set(&mut self, number: u16, text: &[u8]) -> [bool; 4] {
        let mut is_set = [false; 4];
        let mut words = text.split(|byte| *byte == b';');
        if number == COLOURS[0] {
            while let (Some(index), Some(name)) = (words.next(), words.next()) {
                if name == b"?" {
                    continue;
                }
                is_set[0] = true;
                let index = std::str::from_utf8(index).ok().and_then(|index| index.parse().ok());
                if let (Some(index), Some(name)) = (index, readable(name)) {
                    self.palette.insert(index, name);
                }
            }
            return is_set;
        }
        // Of several names each is that of the next command.
        let first = COLOURS.iter().position(|colour| *colour == number).unwrap_or(COLOURS.len());
        for (at, name) in (first..COLOURS.len()).zip(words).filter(|(_, name)| *name != b"?") {
            is_set[at] = true;
            self.others[at - 1] = readable(name);
        }
        is_set
    }

    /// Takes note of colours of the palette that are as they were: those with these numbers, or all. Says whether none
    /// is left that was set.
    pub fn reset_palette(&mut self, text: &[u8]) -> bool {
        if text.is_empty() {
            self.palette.clear();
        }
        for index in text.split(|byte| *byte == b';') {
            if let Some(index) = std::str::from_utf8(index).ok().and_then(|index| index.parse().ok()) {
                self.palette.remove::<u8>(&index);
            }
        }
        text.is_empty()
    }

    /// Takes note that the colour at this place of [`COLOURS`] is as it was.
    pub fn reset(&mut self, at: usize) {
        self.others[at - 1] = None;
    }

    /// The commands that set them again.
    pub fn redo(&self, out: &mut String) {
        for (index, name) in &self.palette {
            let _ = write!(out, "\x1b]{};{index};{name}\x07", COLOURS[0]);
        }
        for (number, name) in COLOURS[1..].iter().zip(&self.others) {
            if let Some(name) = name {
                let _ = write!(out, "\x1b]{number};{name}\x07");
            }
        }
    }
}

/// A colour as XParseColor(3) has it, such as `#ff8000`, `rgb:ff/80/00` or `orange`: nothing in it asks for something,
/// or ends the command that it is in.
fn readable(name: &[u8]) -> Option<String> {
    let begins = name.first().is_some_and(|byte| *byte == b'#' || byte.is_ascii_alphabetic());
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"#:/.,+-".contains(byte);
    let is_colour = begins && name.len() <= NAME_LIMIT && name.iter().all(is_plain);
    is_colour.then(|| String::from_utf8_lossy(name).into_owned())
}

//! Character sets: DEC's line drawing, which is chosen for one of two slots, and which slot is in use.

use serde::{Deserialize, Serialize};

/// What each of the characters from `_` to `~` is in the line drawing set.
const LINE_DRAWING: [char; 32] = [
    '\u{a0}', '◆', '▒', '␉', '␌', '␍', '␊', '°', '±', '␤', '␋', '┘', '┐', '┌', '└', '┼', '⎺', '⎻', '─', '⎼',
    '⎽', '├', '┤', '┴', '┬', '│', '≤', '≥', 'π', '≠', '£', '·',
];

/// The two slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Charsets {
    /// Whether G0 and G1 have the line drawing set.
    pub draws_lines: [bool; 2],
    /// G1 is in use.
    pub shifted: bool,
}

impl Charsets {
    /// What a program means with a character.
    pub fn translate(&self, char: char) -> char {
        match char {
            '_'..='~' if self.draws_lines[usize::from(self.shifted)] => {
                LINE_DRAWING[char as usize - '_' as usize]
            }
            _ => char,
        }
    }

    /// Writes what a terminal needs that is as it was switched on.
    pub fn write(&self, out: &mut String) {
        for (draws_lines, sequence) in self.draws_lines.iter().zip(["\x1b(0", "\x1b)0"]) {
            if *draws_lines {
                out.push_str(sequence);
            }
        }
        if self.shifted {
            out.push('\x0e');
        }
    }

    /// Writes what makes a terminal with these as it was switched on.
    pub fn write_undo(&self, out: &mut String) {
        if *self != Self::default() {
            out.push_str("\x1b(B\x1b)B\x0f");
        }
    }
}

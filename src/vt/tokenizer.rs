//! Where a stream that a program writes to a terminal stands: in text, or in which kind of escape sequence.
//!
//! The mode tracker, the splitter and the meter all ask this, so none of them can read a stream otherwise
//! than the others. What they keep of a sequence is their own.

use serde::{Deserialize, Serialize};

/// Begins a sequence; inside one it ends that, and begins another.
pub const ESC: u8 = 0x1b;
/// Ends a sequence without effect.
pub const CAN: u8 = 0x18;
/// The same.
pub const SUB: u8 = 0x1a;
/// Ends an OSC.
pub const BEL: u8 = 0x07;

/// Where a stream stands between two bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Position {
    /// Outside sequences.
    #[default]
    Text,
    /// Right behind an ESC.
    Escape,
    /// Behind an ESC and intermediate bytes.
    Intermediate,
    /// Behind CSI: parameters and intermediates, up to a last byte.
    Control,
    /// Behind OSC: up to BEL or ST.
    Command,
    /// Behind DCS, SOS, PM or APC: up to ST.
    String,
}

impl Position {
    /// Where the stream stands behind this byte. ST is ESC and a backslash: the ESC ends the string, and the
    /// two are a sequence that does nothing. A control character inside a sequence is acted on and changes
    /// nothing here, and so does what is no ASCII.
    #[must_use]
    pub fn next(self, byte: u8) -> Self {
        match (self, byte) {
            (_, ESC) => Self::Escape,
            (_, CAN | SUB) => Self::Text,
            (Self::Escape, b'[') => Self::Control,
            (Self::Escape, b']') => Self::Command,
            (Self::Escape, b'P' | b'X' | b'^' | b'_') => Self::String,
            (Self::Escape | Self::Intermediate, 0x20..=0x2f) => Self::Intermediate,
            (Self::Escape | Self::Intermediate, 0x30..=0x7e) => Self::Text,
            (Self::Control, 0x40..=0x7e) => Self::Text,
            (Self::Command, BEL) => Self::Text,
            (unchanged, _) => unchanged,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn behind(bytes: &[u8]) -> Position {
        bytes.iter().fold(Position::Text, |position, byte| position.next(*byte))
    }

    #[test]
    fn each_kind_of_sequence_has_its_end() {
        for (open, within, end) in [
            (&b"\x1b"[..], Position::Escape, &b"c"[..]),
            (b"\x1b( ", Position::Intermediate, b"["),
            (b"\x1b[?25;1 ", Position::Control, b"h"),
            (b"\x1b]0;a title", Position::Command, b"\x07"),
            (b"\x1b]0;a title", Position::Command, b"\x1b\\"),
            (b"\x1bP1;2q..\x07..", Position::String, b"\x1b\\"),
            (b"\x1b_words", Position::String, b"\x1b\\"),
            (b"\x1b[1\n\xe2\x94\x80", Position::Control, b"m"),
        ] {
            assert_eq!(behind(open), within, "{}", open.escape_ascii());
            let all = [open, end].concat();
            assert_eq!(behind(&all), Position::Text, "{}", all.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn an_esc_begins_and_a_can_ends_wherever_they_come(bytes in prop::collection::vec(any::<u8>(), 0..50)) {
            prop_assert_eq!(behind(&bytes).next(ESC), Position::Escape);
            prop_assert_eq!(behind(&bytes).next(CAN), Position::Text);
            prop_assert_eq!(behind(&bytes).next(SUB), Position::Text);
        }
    }
}

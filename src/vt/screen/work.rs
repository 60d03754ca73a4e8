//! What the emulator has to do for a stretch of output, counted before it does it.
//!
//! A few bytes can ask for a lot: `ESC c` for a new screen, `CSI 65535 b` for as many characters. So the
//! model does not read a number of bytes at a time but an amount of work. The count is a sum of fixed prices
//! and depends on nothing but the output and the size of the screen; a test that bounds it is the same on
//! every machine. One unit was at most a nanosecond of an optimised build on the machine where it was measured
//! (screens of 1 to 300,000 cells), and two for styles that were never there before.

use serde::{Deserialize, Serialize};

use crate::vt::tokenizer::{CAN, ESC, Position, SUB};

/// For a byte of text: the character, its width and its cell.
const CHARACTER: u64 = 40;
/// For a byte within a sequence.
const SEQUENCE_BYTE: u64 = 10;
/// For a change of style: it gets a number.
const STYLE: u64 = 200;
/// For a line that scrolls off the screen: at least, for each of its cells (they become text), and for each
/// row (the others move).
const SCROLLED_LINE_COST: u64 = 500;
const LINE_CELL: u64 = 9;
const LINE_ROW: u64 = 2;
/// For a cell that is erased or moved.
const CELL: u64 = 2;
/// For a cell of a screen that is made anew: the system has to find memory for it.
const NEW_CELL: u64 = 12;

/// The most rows and columns that were ever given to `Prices::of`, multiplied: see `bounded` in `mod.rs`.
#[derive(Debug, Clone, Copy)]
pub struct Prices {
    rows: u64,
    columns: u64,
    line: u64,
    character: u64,
}

impl Prices {
    /// The prices on a screen of this size, in cells.
    pub fn of(rows: u16, columns: u16) -> Self {
        let (rows, columns) = (u64::from(rows.max(1)), u64::from(columns.max(1)));
        let line = SCROLLED_LINE_COST + LINE_CELL * columns + LINE_ROW * rows;
        // A character in the last column has the next one begin a line.
        Self { rows, columns, line, character: CHARACTER + line / columns }
    }

    fn cells(&self) -> u64 {
        self.rows * self.columns
    }

    /// To give the screen another size.
    pub fn resize(&self) -> u64 {
        self.cells() * NEW_CELL
    }

    /// How many characters the emulator writes at most for one REP (`CSI n b`).
    fn most_repeated(&self) -> u64 {
        2 * self.cells() + 3 * self.columns
    }

    fn control_character(&self, byte: u8) -> u64 {
        match byte {
            b'\n' | 0x0b | 0x0c => self.line,
            // The next tab stop may be far away.
            b'\t' => CHARACTER + self.columns,
            _ => CHARACTER,
        }
    }

    fn escape(&self, last: u8) -> u64 {
        match last {
            b'c' => self.cells() * NEW_CELL,
            b'D' | b'E' | b'M' => self.line,
            b'H' => CHARACTER + self.columns,
            _ => CHARACTER,
        }
    }
}

/// Counts the work in a stream that may be cut anywhere.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Meter {
    position: Position,
    /// Of the control sequence that is read: its bytes, its first number, the number that is read, and how
    /// many of its numbers choose the alternate screen.
    length: usize,
    first: Option<u32>,
    number: u32,
    alternates: u64,
    /// It has a prefix (`?`).
    private: bool,
    /// It has something that makes it none of those with a price.
    other: bool,
}

impl Meter {
    /// Reads `bytes` until their price is `limit`, or to their end. Gives how many bytes that was, and their
    /// price: the last sequence may have made it more.
    pub fn read(&mut self, bytes: &[u8], prices: &Prices, limit: u64) -> (usize, u64) {
        let mut work = 0_u64;
        for (index, byte) in bytes.iter().enumerate() {
            work = work.saturating_add(self.step(*byte, prices));
            if work >= limit {
                return (index + 1, work);
            }
        }
        (bytes.len(), work)
    }

    fn step(&mut self, byte: u8, prices: &Prices) -> u64 {
        let before = self.position;
        self.position = before.next(byte);
        match (before, byte) {
            (_, ESC | CAN | SUB) | (Position::Command | Position::String, _) => SEQUENCE_BYTE,
            // The emulator acts on these within a sequence, too.
            (_, 0..=0x1f) => prices.control_character(byte),
            (Position::Text, _) => prices.character,
            (Position::Escape, 0x30..=0x7e) => {
                (self.length, self.first, self.number, self.alternates) = (2, None, 0, 0);
                (self.private, self.other) = (false, false);
                if self.position == Position::Text { prices.escape(byte) } else { SEQUENCE_BYTE }
            }
            (Position::Control, 0x20..=0x3f) => {
                self.parameter(byte);
                SEQUENCE_BYTE
            }
            (Position::Control, 0x40..=0x7e) => {
                self.end_number();
                self.control(byte, prices)
            }
            // DECALN: fills the screen.
            (Position::Intermediate, b'8') => prices.cells() * CELL,
            (Position::Escape | Position::Intermediate | Position::Control, _) => SEQUENCE_BYTE,
        }
    }

    fn parameter(&mut self, byte: u8) {
        self.length += 1;
        match byte {
            b'0'..=b'9' => {
                self.number = self.number.saturating_mul(10).saturating_add(u32::from(byte - b'0'));
            }
            b';' | b':' => self.end_number(),
            b'?' if self.length == 3 => self.private = true,
            _ => self.other = true,
        }
    }

    fn end_number(&mut self) {
        self.first.get_or_insert(self.number);
        // The emulator's parser reads so many numbers of a sequence.
        self.alternates = (self.alternates + u64::from(matches!(self.number, 47 | 1047 | 1049))).min(32);
        self.number = 0;
    }

    /// The price of a control sequence that ends with this byte.
    fn control(&self, last: u8, prices: &Prices) -> u64 {
        let count = u64::from(self.first.unwrap_or(0).clamp(1, u16::MAX.into()));
        let row = prices.columns * CELL;
        let work = match last {
            _ if self.other => 0,
            b'h' | b'l' if self.private => self.alternates * prices.cells() * NEW_CELL,
            b'J' => prices.cells() * CELL,
            _ if self.private => row,
            b'@' | b'P' | b'X' | b'K' => row,
            b'L' | b'M' | b'T' => count.min(prices.rows) * row + prices.rows * LINE_ROW,
            b'S' => count.min(prices.rows) * prices.line,
            b'b' => count.min(prices.most_repeated()) * prices.character,
            b'm' => STYLE,
            b'g' => row,
            b'I' | b'Z' => count.min(prices.columns) * prices.columns,
            _ => 0,
        };
        work + CHARACTER
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The price of a stream that arrives in these parts, on a screen of 24 rows and 80 columns.
    fn price(parts: &[&[u8]]) -> u64 {
        let (prices, mut meter, mut price) = (Prices::of(24, 80), Meter::default(), 0);
        for part in parts {
            let (length, work) = meter.read(part, &prices, u64::MAX);
            assert_eq!(length, part.len());
            price += work;
        }
        price
    }

    #[test]
    fn what_asks_for_more_costs_more() {
        let letter = price(&[b"x"]);
        assert!(price(&[b"\x1b[25l"]) < 4 * letter);
        let screen = 24 * 80;
        for costly in [
            &b"\x1bc"[..],
            b"\x1b[2J",
            b"\x1b[J",
            b"\x1b[?1049h",
            b"\x1b[?25;1049h",
            b"\x1b[65535L",
            b"\x1b[65535S",
            b"\x1b[65535b",
            b"\x1b[0065535;7b",
            b"\x1b[\x006\x7f5535b",
        ] {
            assert!(price(&[costly]) > screen, "{}: {}", costly.escape_ascii(), price(&[costly]));
        }
        assert!(price(&[b"\x1b[2J"]) < 200 * letter);
    }

    #[test]
    fn a_number_that_has_no_end_is_one() {
        let endless = [b"\x1b[".to_vec(), vec![b'9'; 100_000], b"b".to_vec()].concat();
        assert!(price(&[&endless]) > 24 * 80 * CHARACTER);
        assert!(price(&[b"\x1b[99999999999999999999b"]) < 10_000_000);
    }

    #[test]
    fn the_cut_comes_behind_the_sequence_that_was_too_much() {
        let (prices, mut meter) = (Prices::of(24, 80), Meter::default());
        let (length, work) = meter.read(b"ab\x1bccd", &prices, 1000);
        assert!(length == 4 && work > 1000, "{length} bytes, {work}");
        let (length, work) = meter.read(b"cd", &prices, 1000);
        assert!(length == 2 && work < 1000, "{length} bytes, {work}");
    }

    proptest! {
        #[test]
        fn where_the_output_is_cut_makes_no_difference(
            bytes in prop::collection::vec(prop::sample::select(b"\x1b\x1b[[]P\\\x07;?3109HJmbcLx\n\xe2".to_vec()), 0..200),
            cut in 0usize..200,
        ) {
            let (before, after) = bytes.split_at(cut.min(bytes.len()));
            prop_assert_eq!(price(&[before, after]), price(&[&bytes]));
        }
    }
}

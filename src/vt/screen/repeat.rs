//! REP (`CSI n b`): the character that was drawn last, once more. Nine bytes ask for up to 65,535 characters,
//! of which a screen can show a few thousand, so the rest is left out.

use vt100::{Callbacks, Parser};

/// After so many equal characters a screen of this size does not change any more but for the cursor: they
/// have filled it, and the part of it that scrolls, from wherever they began.
pub fn most(rows: u64, columns: u64) -> u64 {
    2 * rows * columns + 3 * columns
}

/// Repeats the last character. The screen and the cursor are as the emulator would have them. Of the lines
/// that would have scrolled off above the screen, equal ones, those that are left out are missing.
pub fn repeat<C: Callbacks>(parser: &mut Parser<C>, count: u16) {
    let (rows, columns) = parser.screen().size();
    let (rows, columns) = (u64::from(rows.get()), u64::from(columns.get()));
    let settled = most(rows, columns) - columns;
    let count = u64::from(count);
    if count <= settled {
        draw(parser, count);
        return;
    }
    draw(parser, settled);
    // Each line has as many as the last one. Only the emulator knows how wide the character is.
    let screen = parser.screen();
    let is_wide = screen.cell(screen.cursor_position().0, 0).is_some_and(vt100::Cell::is_wide);
    let in_a_line = if is_wide { (columns / 2).max(1) } else { columns };
    draw(parser, (count - settled) % in_a_line);
}

fn draw<C: Callbacks>(parser: &mut Parser<C>, count: u64) {
    if count > 0 {
        parser.process(format!("\x1b[{count}b").as_bytes());
    }
}

/// How often a sequence repeats, and what the emulator acts on within it; nothing where it is not REP.
pub fn count(sequence: &[u8]) -> Option<u16> {
    let [0x1b, b'[', params @ .., b'b'] = sequence else { return None };
    // Control characters, and bytes that are no ASCII, are no part of it.
    let mut params = params.iter().copied().filter(|byte| matches!(byte, 0x20..=0x3f));
    let mut number = 0_u32;
    let mut is_first = true;
    for byte in &mut params {
        match byte {
            b'0'..=b'9' if is_first => {
                number = number.saturating_mul(10).saturating_add(u32::from(byte - b'0'))
            }
            b'0'..=b'9' => {}
            b';' | b':' => is_first = false,
            _ => return None,
        }
    }
    Some(u16::try_from(number.max(1)).unwrap_or(u16::MAX))
}

/// The characters that the emulator acts on before it acts on the sequence which they stand in.
pub fn within(sequence: &[u8]) -> Vec<u8> {
    sequence.iter().copied().filter(|byte| matches!(byte, 0..=0x17 | 0x19 | 0x1c..=0x1f)).collect()
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use proptest::prelude::*;

    use super::*;

    fn parser(rows: u16, columns: u16) -> Parser {
        let size = |number| NonZeroU16::new(number).expect("a size");
        Parser::new(size(rows), size(columns), 10)
    }

    #[test]
    fn only_a_plain_sequence_repeats() {
        for (sequence, expected) in [
            (&b"\x1b[b"[..], Some(1)),
            (b"\x1b[0b", Some(1)),
            (b"\x1b[7b", Some(7)),
            (b"\x1b[007;9b", Some(7)),
            (b"\x1b[7:9b", Some(7)),
            (b"\x1b[65535b", Some(65_535)),
            (b"\x1b[99999999999b", Some(65_535)),
            (b"\x1b[6\n5b", Some(65)),
            (b"\x1b[?7b", None),
            (b"\x1b[7 b", None),
            (b"\x1b[7H", None),
            (b"\x1bb", None),
        ] {
            assert_eq!(count(sequence), expected, "{}", sequence.escape_ascii());
        }
        assert_eq!(within(b"\x1b[6\n5\rb"), b"\n\r");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_screen_is_that_of_all_of_them(
            rows in 1u16..7,
            columns in 1u16..12,
            before in prop::sample::select(vec!["", "\x1b[2;3r", "\x1b[2;4r\x1b[99H", "\x1b[3;3Hab", "\n\n\n"]),
            character in prop::sample::select(vec!["x", "\u{65e5}", "\x1b[31mx", "e\u{301}"]),
            count in prop_oneof![1u16..300, 1u16..=u16::MAX],
        ) {
            let (mut short, mut long) = (parser(rows, columns), parser(rows, columns));
            for parser in [&mut short, &mut long] {
                parser.process(before.as_bytes());
                parser.process(character.as_bytes());
            }
            repeat(&mut short, count);
            long.process(format!("\x1b[{count}b").as_bytes());
            prop_assert_eq!(short.screen().contents_formatted(), long.screen().contents_formatted());
            prop_assert_eq!(short.screen().cursor_position(), long.screen().cursor_position());
        }
    }
}

//! What another machine says, for a terminal here: its text and its colours, and nothing else that a terminal obeys.
//!
//! The cckw there escapes what it prints. But it is another machine's program, and what stands at its path may be
//! anything.

use std::fmt::Write;

use crate::escape::{escape, prose};

/// The longest sequence that sets colours, in bytes. A longer one is shown as text.
const MAX_COLOURS_BYTES: usize = 64;
/// So many bytes of characters that may be joined wait at most.
const MAX_JOINED_BYTES: usize = 64;
const ESC: u8 = 0x1b;

/// Takes the output of another machine in pieces, and gives what may be written to a terminal.
#[derive(Debug, Default)]
pub struct TerminalText {
    /// The beginning of a sequence that sets colours, or characters that may be joined to the next one.
    waiting: Vec<u8>,
}

/// What stands at the beginning of some bytes.
enum Piece {
    /// A sequence that sets colours, with so many bytes.
    Colours(usize),
    /// What may become one.
    Incomplete,
    /// Something else.
    Other,
}

impl TerminalText {
    /// Adds a piece. Gives what is complete.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.waiting.extend_from_slice(bytes);
        let all = std::mem::take(&mut self.waiting);
        let mut shown = String::with_capacity(all.len());
        let mut rest = &all[..];
        while let Some(first) = rest.first() {
            match (first, colours(rest)) {
                (b'\n' | b'\t', _) => {
                    shown.push(char::from(*first));
                    rest = &rest[1..];
                }
                (_, Piece::Colours(length)) => {
                    shown.push_str(&String::from_utf8_lossy(&rest[..length]));
                    rest = &rest[length..];
                }
                (_, Piece::Incomplete) => break,
                (&ESC, Piece::Other) => {
                    let _ = write!(shown, "{}", escape("\x1b"));
                    rest = &rest[1..];
                }
                (_, Piece::Other) => {
                    let is_end = |byte: &u8| matches!(*byte, b'\n' | b'\t' | ESC);
                    let end = rest.iter().position(is_end);
                    let taken = end.unwrap_or_else(|| rest.len() - incomplete(rest));
                    push_text(&mut shown, &rest[..taken]);
                    rest = &rest[taken..];
                    if end.is_none() {
                        break;
                    }
                }
            }
        }
        self.waiting = rest.to_vec();
        shown.into_bytes()
    }

    /// Gives what was never completed.
    pub fn finish(&mut self) -> Vec<u8> {
        let mut shown = String::new();
        push_text(&mut shown, &std::mem::take(&mut self.waiting));
        shown.into_bytes()
    }
}

fn push_text(shown: &mut String, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        shown.push_str(&prose(chunk.valid()));
        for byte in chunk.invalid() {
            let _ = write!(shown, "\\x{byte:02x}");
        }
    }
}

/// Looks for `ESC [ … m` at the beginning.
fn colours(bytes: &[u8]) -> Piece {
    if bytes.first() != Some(&ESC) {
        return Piece::Other;
    }
    let is_parameter = |byte: &u8| byte.is_ascii_digit() || matches!(*byte, b';' | b':');
    match bytes.get(1) {
        None => return Piece::Incomplete,
        Some(b'[') => {}
        Some(_) => return Piece::Other,
    }
    let parameters = bytes[2..].iter().take_while(|byte| is_parameter(byte)).count();
    match bytes.get(2 + parameters) {
        _ if 3 + parameters > MAX_COLOURS_BYTES => Piece::Other,
        None => Piece::Incomplete,
        Some(b'm') => Piece::Colours(3 + parameters),
        Some(_) => Piece::Other,
    }
}

/// How many bytes at the end wait for what comes next: a character may be incomplete, or be joined to the next one.
fn incomplete(bytes: &[u8]) -> usize {
    let joined = bytes.iter().rev().take_while(|byte| !byte.is_ascii()).count();
    if joined > MAX_JOINED_BYTES { 0 } else { joined }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(pieces: &[&[u8]]) -> String {
        let mut text = TerminalText::default();
        let mut all: Vec<u8> = pieces.iter().flat_map(|piece| text.feed(piece)).collect();
        all.extend(text.finish());
        String::from_utf8(all).expect("UTF-8")
    }

    #[test]
    fn text_and_colours_pass_and_nothing_else() {
        let usual = "api\tidle\n\x1b[1;38:2::1:2:3mé 日本 👩\u{200d}💻\x1b[m\n";
        assert_eq!(shown(&[usual.as_bytes()]), usual);
        assert_eq!(
            shown(&[b"a\x1b]0;title\x07b\x1b[2Jc\rd\x9b"]),
            "a\\u{1b}]0;title\\u{7}b\\u{1b}[2Jc\\rd\\x9b"
        );
        let long = format!("\x1b[{}m", "1;".repeat(MAX_COLOURS_BYTES));
        assert!(shown(&[long.as_bytes()]).starts_with("\\u{1b}[1;"));
    }

    #[test]
    fn what_is_complete_is_given_at_once() {
        let mut text = TerminalText::default();
        assert_eq!(text.feed(b"Name: \xc3"), b"Name: ");
        assert_eq!(text.feed(b"\xa9\x1b["), "é".as_bytes());
        assert_eq!(text.feed(b"1mx"), b"\x1b[1mx");
        assert_eq!(text.feed(b"\x1b"), b"");
        assert_eq!(text.finish(), b"\\u{1b}");
        assert_eq!(text.finish(), b"");
    }

    proptest! {
        /// However it is divided, it is shown alike, and no byte but those of colours can move a terminal.
        #[test]
        fn where_it_is_divided_does_not_matter(
            text in "[a-c\u{1b}\\[\\]0-9;m\n\t\r日é👩\u{200d}\u{7}\u{9b}]{0,60}",
            cuts in proptest::collection::vec(0..200usize, 0..6),
        ) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut from = 0;
            for cut in cuts {
                pieces.push(&bytes[from..cut]);
                from = cut;
            }
            pieces.push(&bytes[from..]);
            let whole = shown(&[bytes]);
            prop_assert_eq!(shown(&pieces), whole.clone());
            for (at, _) in whole.match_indices('\u{1b}') {
                let after = &whole[at + 1..];
                let end = after.find(|c: char| !c.is_ascii_digit() && !"[;:".contains(c));
                prop_assert!(end.is_some_and(|end| after[end..].starts_with('m')));
            }
        }

        #[test]
        fn no_bytes_are_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = shown(&[&bytes]);
        }
    }
}

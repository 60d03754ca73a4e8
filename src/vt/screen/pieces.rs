//! Divides claude's output into whole pieces: a terminal that takes over between two of them misses nothing.

use serde::{Deserialize, Serialize};

use crate::os::raw_text;
use crate::vt::tokenizer::{ESC, Position};

/// Longest sequence that is held until it is whole, in bytes; what is longer is passed on in part.
pub const LONGEST_SEQUENCE: usize = 1024;

/// What a piece does to a model that does not know everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SequenceEffect {
    /// Nothing of note.
    Draw,
    /// Clears the screen: `CSI 2 J`.
    ClearScreen,
    /// Puts the cursor somewhere, wherever it was: `CSI H`.
    Place,
    /// Clears the line of the cursor: `CSI 2 K`.
    ClearLine,
    /// Starts anew: `ESC c`.
    Reset,
}

/// How a sequence goes on.
enum SequenceEnd {
    /// It is so many bytes long.
    After(usize),
    /// It is not whole.
    Open(Position),
}

/// What is not whole yet.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SequenceSplitter {
    #[serde(with = "raw_text")]
    tail: Vec<u8>,
    /// A sequence was too long to be held, and goes on.
    overlong: Option<Position>,
}

impl SequenceSplitter {
    /// Reads on, and passes on what is whole.
    pub fn feed(&mut self, bytes: &[u8], mut whole: impl FnMut(&[u8], SequenceEffect)) {
        let joined;
        let mut rest = bytes;
        if !self.tail.is_empty() {
            self.tail.extend_from_slice(bytes);
            joined = std::mem::take(&mut self.tail);
            rest = &joined;
        }
        if let Some(mut position) = self.overlong {
            let ends = |byte: &u8| {
                position = position.next(*byte);
                *byte == ESC || position == Position::Text
            };
            let Some(end) = rest.iter().position(ends) else {
                self.overlong = Some(position);
                whole(rest, SequenceEffect::Draw);
                return;
            };
            self.overlong = None;
            // An ESC begins something of its own.
            let end = end + usize::from(rest[end] != ESC);
            whole(&rest[..end], SequenceEffect::Draw);
            rest = &rest[end..];
        }
        // Pieces that do nothing of note are passed on together.
        let mut at = 0;
        loop {
            let Some(found) = memchr::memchr(ESC, &rest[at..]) else {
                let cut = rest.len() - unfinished_char(&rest[at..]);
                pass(&rest[..cut], SequenceEffect::Draw, &mut whole);
                self.tail.extend_from_slice(&rest[cut..]);
                return;
            };
            let start = at + found;
            match end(&rest[start..]) {
                SequenceEnd::After(length) => {
                    at = start + length;
                    let does = does(&rest[start..at]);
                    if does != SequenceEffect::Draw {
                        pass(&rest[..at], does, &mut whole);
                        rest = &rest[at..];
                        at = 0;
                    }
                }
                SequenceEnd::Open(position) if rest.len() - start > LONGEST_SEQUENCE => {
                    self.overlong = Some(position);
                    pass(rest, SequenceEffect::Draw, &mut whole);
                    return;
                }
                SequenceEnd::Open(_) => {
                    pass(&rest[..start], SequenceEffect::Draw, &mut whole);
                    self.tail.extend_from_slice(&rest[start..]);
                    return;
                }
            }
        }
    }

    /// Whether a sequence goes on that was too long to be held.
    pub fn is_overlong(&self) -> bool {
        self.overlong.is_some()
    }

    /// What puts a terminal that has got everything up to the last whole piece where the stream stands.
    pub fn unfinished(&self) -> &[u8] {
        match self.overlong {
            None => &self.tail,
            overlong => opening(overlong),
        }
    }
}

/// A beginning whose end does nothing, whatever it says.
fn opening(position: Option<Position>) -> &'static [u8] {
    match position {
        None | Some(Position::Text) => b"",
        Some(Position::Escape | Position::Intermediate) => b"\x1b  ",
        Some(Position::Control) => b"\x1b[?9999;",
        Some(Position::Command) => b"\x1b]9999;",
        Some(Position::String) => b"\x1b^",
    }
}

fn pass(bytes: &[u8], does: SequenceEffect, whole: &mut impl FnMut(&[u8], SequenceEffect)) {
    if !bytes.is_empty() {
        whole(bytes, does);
    }
}

/// Where the sequence that `bytes` begin with ends.
fn end(bytes: &[u8]) -> SequenceEnd {
    // Nearly every one is a control sequence that is whole, with nothing odd in it.
    if let Some(body) = bytes.strip_prefix(b"\x1b[") {
        let params = body.iter().take_while(|byte| matches!(byte, 0x20..=0x3f)).count();
        if matches!(body.get(params), Some(0x40..=0x7e)) {
            return SequenceEnd::After(params + 3);
        }
    }
    let mut position = Position::Escape;
    for (index, byte) in bytes.iter().enumerate().skip(1) {
        let next = position.next(*byte);
        if *byte != ESC && next != Position::Text {
            position = next;
            continue;
        }
        // ST ends a string, and belongs to it.
        let takes_st = matches!(position, Position::Command | Position::String);
        return match (byte, bytes.get(index + 1)) {
            (&ESC, None) if takes_st => SequenceEnd::Open(position),
            (&ESC, Some(b'\\')) if takes_st => SequenceEnd::After(index + 2),
            (&ESC, _) => SequenceEnd::After(index),
            _ => SequenceEnd::After(index + 1),
        };
    }
    SequenceEnd::Open(position)
}

/// How many bytes at the end begin a character that is not whole.
fn unfinished_char(bytes: &[u8]) -> usize {
    for (index, byte) in bytes.iter().rev().take(3).enumerate() {
        let length = match byte {
            0x80..=0xbf => continue,
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => return 0,
        };
        return if index + 1 < length { index + 1 } else { 0 };
    }
    0
}

fn does(sequence: &[u8]) -> SequenceEffect {
    match sequence {
        [ESC, b'c'] => SequenceEffect::Reset,
        [ESC, b'[', params @ .., b'H' | b'f'] if params.iter().all(|byte| matches!(byte, b'0'..=b';')) => {
            SequenceEffect::Place
        }
        b"\x1b[2K" => SequenceEffect::ClearLine,
        [ESC, b'[', params @ .., b'J'] => {
            let params = params.strip_prefix(b"?").unwrap_or(params);
            let first = params.split(|byte| *byte == b';').next().unwrap_or_default();
            match std::str::from_utf8(first).ok().and_then(|first| first.parse::<u32>().ok()) {
                Some(2) => SequenceEffect::ClearScreen,
                _ => SequenceEffect::Draw,
            }
        }
        _ => SequenceEffect::Draw,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The pieces of a stream that arrives as `parts`, and what is left.
    fn pieces(parts: &[&[u8]]) -> (Vec<(Vec<u8>, SequenceEffect)>, Vec<u8>) {
        let (mut found, mut pieces) = (Vec::new(), SequenceSplitter::default());
        for part in parts {
            pieces.feed(part, |bytes, does| found.push((bytes.to_vec(), does)));
        }
        (found, pieces.unfinished().to_vec())
    }

    #[test]
    fn what_is_not_whole_is_held() {
        for tail in [
            &b"\x1b"[..],
            b"\x1b[",
            b"\x1b[?25",
            b"\x1b]0;title",
            b"\x1b]0;title\x1b",
            b"\x1bPq...",
            b"\x1b(",
            b"\xe2\x94",
            b"\xf0",
        ] {
            let (found, left) = pieces(&[&[b"text", tail].concat()]);
            assert_eq!((found, left.as_slice()), (vec![(b"text".to_vec(), SequenceEffect::Draw)], tail));
        }
    }

    #[test]
    fn what_is_whole_is_not_held() {
        for text in [
            &b"text"[..],
            b"\x1b[31mred",
            b"\x1b]0;t\x07",
            b"\x1b]0;t\x1b\\",
            b"\x1bP...\x1b\\",
            b"\x1b(B",
            b"\x1b[3\x18",
            "┌日".as_bytes(),
            b"\xff",
            b"\x80\x80\x80\x80",
        ] {
            assert_eq!(
                pieces(&[text]),
                (vec![(text.to_vec(), SequenceEffect::Draw)], Vec::new()),
                "{text:?}"
            );
        }
    }

    #[test]
    fn what_clears_is_told_at_its_place() {
        let (found, _) = pieces(&[b"a\x1b[2", b"Jb\x1b[2K\x1b[Hc\x1bcd"]);
        let told: Vec<SequenceEffect> = found.iter().map(|piece| piece.1).collect();
        assert_eq!(
            told,
            [
                SequenceEffect::Draw,
                SequenceEffect::ClearScreen,
                SequenceEffect::ClearLine,
                SequenceEffect::Place,
                SequenceEffect::Reset,
                SequenceEffect::Draw
            ]
        );
    }

    #[test]
    fn a_sequence_without_end_is_not_held_for_ever() {
        for (begin, end, left) in [
            (&b"\x1b]52;c;"[..], &b"\x07"[..], &b"\x1b]9999;"[..]),
            (b"\x1b_", b"\x1b\\", b"\x1b^"),
            (b"\x1b[0", b"m", b"\x1b[?9999;"),
        ] {
            let (long, mut held) = (vec![b'1'; 5000], SequenceSplitter::default());
            held.feed(begin, |_, _| panic!("not whole"));
            held.feed(&long, |_, _| {});
            held.feed(&long, |_, _| {});
            assert_eq!(held.unfinished(), left);
            held.feed(end, |_, _| {});
            assert_eq!(held.unfinished(), b"");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost_or_moved(
            parts in prop::collection::vec(
                prop_oneof![
                    prop::collection::vec(any::<u8>(), 0..20),
                    prop::collection::vec(prop::sample::select(b"\x1b\x1b[]P\\\x07;?3HJmx\xe2\x94\x80".to_vec()), 0..30),
                ],
                0..20
            )
        ) {
            let all = parts.concat();
            let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
            let (found, left) = pieces(&parts);
            let passed: Vec<u8> = found.into_iter().flat_map(|piece| piece.0).chain(left).collect();
            prop_assert_eq!(passed, all);
        }
    }
}

//! Finds the escape sequences in a stream that may be cut anywhere, and that may be anything at all.

use serde::{Deserialize, Serialize};

use crate::vt::tokenizer::{BEL, CAN, ESC, Position, SUB};

/// Longest sequence whose contents are kept, in bytes; a longer one is skipped, and a longer string cut.
const MAX_SEQUENCE_BYTES: usize = 512;

/// One thing that the terminal would act on.
#[derive(Debug, PartialEq, Eq)]
pub enum Sequence<'a> {
    /// SO: the characters of G1.
    ShiftOut,
    /// SI: the characters of G0.
    ShiftIn,
    /// ESC, intermediates, and a last byte.
    Escape { intermediates: &'a [u8], last: u8 },
    /// CSI: a prefix (`<`, `=`, `>`, `?`), parameters, intermediates, and a last byte.
    Control { prefix: Option<u8>, params: &'a [u8], intermediates: &'a [u8], last: u8 },
    /// OSC with a number.
    Command { number: u16, text: &'a [u8] },
}

/// Where in a sequence the stream stands.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SequenceScanner {
    position: Position,
    /// Of an escape sequence; apart from `kept`, so that the ESC of an ST leaves the string's text alone.
    intermediates: Vec<u8>,
    /// Of a control sequence or a command.
    kept: Vec<u8>,
    overlong: bool,
}

const SO: u8 = 0x0e;
const SI: u8 = 0x0f;

impl SequenceScanner {
    /// Whether the stream stands within a sequence.
    pub fn is_within(&self) -> bool {
        self.position != Position::Text
    }

    /// Reads on, and calls `found` for each sequence that ends. True if there was one.
    pub fn feed(&mut self, bytes: &[u8], mut found: impl FnMut(Sequence<'_>)) -> bool {
        let mut any = false;
        let mut rest = bytes;
        loop {
            if self.position == Position::Text {
                let Some(at) = begins(rest) else { return any };
                rest = &rest[at..];
                // Nearly all sequences are control sequences that were not cut: those are read where they
                // stand.
                if let Some((sequence, after)) = whole_control_sequence(rest) {
                    any = true;
                    found(sequence);
                    rest = after;
                    continue;
                }
            }
            let Some((byte, after)) = rest.split_first() else { return any };
            rest = after;
            if let Some(sequence) = self.step(*byte) {
                any = true;
                found(sequence);
            }
        }
    }

    fn step(&mut self, byte: u8) -> Option<Sequence<'_>> {
        let before = self.position;
        self.position = before.next(byte);
        match (before, byte) {
            (Position::Command, ESC) => {
                self.intermediates.clear();
                self.command()
            }
            (_, ESC) => {
                self.intermediates.clear();
                None
            }
            (_, CAN | SUB) => None,
            (Position::Command, BEL) => self.command(),
            (Position::Command, _) => {
                self.keep(byte);
                None
            }
            (Position::String, _) => None,
            (_, SO) => Some(Sequence::ShiftOut),
            (_, SI) => Some(Sequence::ShiftIn),
            (Position::Text, _) => None,
            (Position::Escape | Position::Intermediate, 0x20..=0x2f) => {
                if self.intermediates.len() < MAX_SEQUENCE_BYTES {
                    self.intermediates.push(byte);
                }
                None
            }
            (Position::Escape | Position::Intermediate, 0x30..=0x7e) if self.position == Position::Text => {
                Some(Sequence::Escape { intermediates: &self.intermediates, last: byte })
            }
            (Position::Escape | Position::Intermediate, 0x30..=0x7e) => {
                self.kept.clear();
                self.overlong = false;
                None
            }
            (Position::Control, 0x20..=0x3f) => {
                self.keep(byte);
                None
            }
            (Position::Control, 0x40..=0x7e) => self.control(byte),
            (Position::Escape | Position::Intermediate | Position::Control, _) => None,
        }
    }

    /// The control sequence that was read, up to this byte.
    fn control(&self, last: u8) -> Option<Sequence<'_>> {
        if self.overlong {
            return None;
        }
        let (prefix, body) = match self.kept.split_first() {
            Some((first @ b'<'..=b'?', body)) => (Some(*first), body),
            _ => (None, &self.kept[..]),
        };
        let end = body.iter().position(|byte| *byte < 0x30).unwrap_or(body.len());
        Some(Sequence::Control { prefix, params: &body[..end], intermediates: &body[end..], last })
    }

    fn keep(&mut self, byte: u8) {
        if self.kept.len() < MAX_SEQUENCE_BYTES {
            self.kept.push(byte);
        } else {
            self.overlong = true;
        }
    }

    /// The command that was read, if it begins with a number. One that was too long keeps its beginning.
    fn command(&self) -> Option<Sequence<'_>> {
        let split = self.kept.iter().position(|byte| *byte == b';');
        let (number, text) = match split {
            Some(at) => (&self.kept[..at], &self.kept[at + 1..]),
            None => (&self.kept[..], &[][..]),
        };
        let number = std::str::from_utf8(number).ok()?.parse().ok()?;
        Some(Sequence::Command { number, text })
    }
}

/// Where the next sequence begins. In colourful output the next one is near, and a call to find it far.
fn begins(bytes: &[u8]) -> Option<usize> {
    const NEAR: usize = 16;
    let near = &bytes[..bytes.len().min(NEAR)];
    near.iter()
        .position(|byte| matches!(*byte, ESC | SO | SI))
        .or_else(|| Some(near.len() + memchr::memchr3(ESC, SO, SI, &bytes[near.len()..])?))
}

/// A control sequence at the very beginning, if it is all there, short enough and built as all are that mean
/// something; and what follows it.
fn whole_control_sequence(bytes: &[u8]) -> Option<(Sequence<'_>, &[u8])> {
    let body = bytes.strip_prefix(b"\x1b[")?;
    let head = &body[..body.len().min(MAX_SEQUENCE_BYTES)];
    let params = leading(head, 0x30);
    let end = params + head[params..].iter().position(|byte| byte & 0xf0 != 0x20)?;
    let last = head[end];
    if !(0x40..=0x7e).contains(&last) {
        return None;
    }
    let (params, intermediates) = head[..end].split_at(params);
    let (prefix, params) = match params.split_first() {
        Some((first @ b'<'..=b'?', params)) => (Some(*first), params),
        _ => (None, params),
    };
    Some((Sequence::Control { prefix, params, intermediates, last }, &body[end + 1..]))
}

/// How many bytes at the beginning have `high` as the upper half of their bits; eight are looked at at once.
fn leading(bytes: &[u8], high: u8) -> usize {
    const UPPER: u64 = u64::from_ne_bytes([0xf0; 8]);
    let (eights, _) = bytes.as_chunks();
    for (index, eight) in eights.iter().enumerate() {
        let others = (u64::from_le_bytes(*eight) & UPPER) ^ u64::from_ne_bytes([high; 8]);
        if others != 0 {
            return 8 * index + others.trailing_zeros() as usize / 8;
        }
    }
    let read = 8 * eights.len();
    read + bytes[read..].iter().take_while(|byte| **byte & 0xf0 == high).count()
}

//! Finds the escape sequences in a stream that may be cut anywhere, and that may be anything at all.

/// Longest sequence whose contents are kept, in bytes; a longer one is skipped, and a longer string cut.
const LIMIT: usize = 512;

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

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    Escape,
    Control,
    /// OSC: ends with BEL or ST.
    Command,
    /// DCS, SOS, PM, APC: end with ST.
    String,
}

/// Where in a sequence the stream stands.
#[derive(Debug, Clone, Default)]
pub struct Scanner {
    state: State,
    /// Of an escape sequence; apart from `kept`, so that the ESC of an ST leaves the string's text alone.
    intermediates: Vec<u8>,
    /// Of a control sequence or a command.
    kept: Vec<u8>,
    overlong: bool,
}

const ESC: u8 = 0x1b;
const CAN: u8 = 0x18;
const SUB: u8 = 0x1a;
const BEL: u8 = 0x07;
const SO: u8 = 0x0e;
const SI: u8 = 0x0f;

impl Scanner {
    /// Whether the stream stands within a sequence.
    pub fn is_within(&self) -> bool {
        self.state != State::Text
    }

    /// Reads on, and calls `found` for each sequence that ends. True if there was one.
    pub fn feed(&mut self, bytes: &[u8], mut found: impl FnMut(Sequence<'_>)) -> bool {
        let mut any = false;
        let mut rest = bytes;
        loop {
            if self.state == State::Text {
                let Some(at) = begins(rest) else { return any };
                rest = &rest[at..];
                // Nearly all sequences are control sequences that were not cut: those are read where they stand.
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
        match (self.state, byte) {
            (State::Text | State::Escape | State::Control, SO) => Some(Sequence::ShiftOut),
            (State::Text | State::Escape | State::Control, SI) => Some(Sequence::ShiftIn),
            (State::Command, ESC) => {
                // Either way the command is over; ST is ESC and a backslash, which means nothing by itself.
                self.state = State::Escape;
                self.intermediates.clear();
                self.command()
            }
            (_, ESC) => {
                self.state = State::Escape;
                self.intermediates.clear();
                None
            }
            (_, CAN | SUB) => {
                self.state = State::Text;
                None
            }
            (State::Text, _) => None,
            (State::Escape, _) => self.escape(byte),
            (State::Control, 0x20..=0x3f) => {
                self.keep(byte);
                None
            }
            (State::Control, 0x40..=0x7e) => {
                self.state = State::Text;
                if self.overlong {
                    return None;
                }
                let (prefix, body) = match self.kept.split_first() {
                    Some((first @ b'<'..=b'?', body)) => (Some(*first), body),
                    _ => (None, &self.kept[..]),
                };
                let end = body.iter().position(|byte| *byte < 0x30).unwrap_or(body.len());
                Some(Sequence::Control {
                    prefix,
                    params: &body[..end],
                    intermediates: &body[end..],
                    last: byte,
                })
            }
            (State::Command, BEL) => {
                self.state = State::Text;
                self.command()
            }
            (State::Command, _) => {
                self.keep(byte);
                None
            }
            (State::Control | State::String, _) => None,
        }
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.kept.clear();
        self.overlong = false;
    }

    fn keep(&mut self, byte: u8) {
        if self.kept.len() < LIMIT {
            self.kept.push(byte);
        } else {
            self.overlong = true;
        }
    }

    fn escape(&mut self, byte: u8) -> Option<Sequence<'_>> {
        match byte {
            0x20..=0x2f => {
                if self.intermediates.len() < LIMIT {
                    self.intermediates.push(byte);
                }
                None
            }
            b'[' => {
                self.enter(State::Control);
                None
            }
            b']' => {
                self.enter(State::Command);
                None
            }
            b'P' | b'X' | b'^' | b'_' => {
                self.enter(State::String);
                None
            }
            0x30..=0x7e => {
                self.state = State::Text;
                Some(Sequence::Escape { intermediates: &self.intermediates, last: byte })
            }
            // Other controls act without ending the sequence; what is no ASCII is passed over, as the screen model has it.
            0x00..=0x1f | 0x7f.. => None,
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

/// A control sequence at the very beginning, if it is all there, short enough and built as all are that mean something;
/// and what follows it.
fn whole_control_sequence(bytes: &[u8]) -> Option<(Sequence<'_>, &[u8])> {
    let body = bytes.strip_prefix(b"\x1b[")?;
    let head = &body[..body.len().min(LIMIT)];
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

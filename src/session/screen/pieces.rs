//! Divides claude's output into whole pieces: a terminal that takes over between two of them misses nothing.

/// Longest sequence that is held until it is whole, in bytes; what is longer is passed on in part.
const LIMIT: usize = 1024;

const ESC: u8 = 0x1b;
const CAN: u8 = 0x18;
const SUB: u8 = 0x1a;
const BEL: u8 = 0x07;

/// What a piece does, beyond what the emulator makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    /// Nothing of note.
    Draw,
    /// Clears the lines above the screen: `CSI 3 J`.
    ClearHistory,
    /// Clears the screen: `CSI 2 J`.
    ClearScreen,
    /// Puts the cursor somewhere, wherever it was: `CSI H`.
    Place,
    /// Clears the line of the cursor: `CSI 2 K`.
    ClearLine,
    /// Starts anew: `ESC c`.
    Reset,
}

/// What began and has no end yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Escape,
    Control,
    /// OSC.
    Command,
    /// DCS, SOS, PM, APC.
    String,
}

/// How a sequence goes on.
enum End {
    /// It is so many bytes long.
    After(usize),
    /// It is not whole.
    Open(Kind),
}

/// What is not whole yet.
#[derive(Debug, Default)]
pub struct Pieces {
    tail: Vec<u8>,
    /// A sequence was too long to be held, and goes on.
    overlong: Option<Kind>,
}

impl Pieces {
    /// Reads on, and passes on what is whole.
    pub fn feed(&mut self, bytes: &[u8], mut whole: impl FnMut(&[u8], Does)) {
        let joined;
        let mut rest = bytes;
        if !self.tail.is_empty() {
            self.tail.extend_from_slice(bytes);
            joined = std::mem::take(&mut self.tail);
            rest = &joined;
        }
        if let Some(kind) = self.overlong {
            let Some(end) = rest.iter().position(|byte| ends(kind, *byte)) else {
                whole(rest, Does::Draw);
                return;
            };
            self.overlong = None;
            // An ESC begins something of its own.
            let end = end + usize::from(rest[end] != ESC);
            whole(&rest[..end], Does::Draw);
            rest = &rest[end..];
        }
        // Pieces that do nothing of note are passed on together.
        let mut at = 0;
        loop {
            let Some(found) = memchr::memchr(ESC, &rest[at..]) else {
                let cut = rest.len() - unfinished_char(&rest[at..]);
                pass(&rest[..cut], Does::Draw, &mut whole);
                self.tail.extend_from_slice(&rest[cut..]);
                return;
            };
            let start = at + found;
            match end(&rest[start..]) {
                End::After(length) => {
                    at = start + length;
                    let does = does(&rest[start..at]);
                    if does != Does::Draw {
                        pass(&rest[..at], does, &mut whole);
                        rest = &rest[at..];
                        at = 0;
                    }
                }
                End::Open(kind) if rest.len() - start > LIMIT => {
                    self.overlong = Some(kind);
                    pass(rest, Does::Draw, &mut whole);
                    return;
                }
                End::Open(_) => {
                    pass(&rest[..start], Does::Draw, &mut whole);
                    self.tail.extend_from_slice(&rest[start..]);
                    return;
                }
            }
        }
    }

    /// What puts a terminal that has got everything up to the last whole piece where the stream stands.
    pub fn unfinished(&self) -> &[u8] {
        match self.overlong {
            None => &self.tail,
            overlong => opening(overlong),
        }
    }

    /// What brings an emulator that has got every piece, and other sequences since, back to where it was.
    pub fn resume(&self) -> &'static [u8] {
        opening(self.overlong)
    }
}

/// A beginning whose end does nothing, whatever it says.
fn opening(kind: Option<Kind>) -> &'static [u8] {
    match kind {
        None => b"",
        Some(Kind::Escape) => b"\x1b  ",
        Some(Kind::Control) => b"\x1b[?9999;",
        Some(Kind::Command) => b"\x1b]9999;",
        Some(Kind::String) => b"\x1b^",
    }
}

fn pass(bytes: &[u8], does: Does, whole: &mut impl FnMut(&[u8], Does)) {
    if !bytes.is_empty() {
        whole(bytes, does);
    }
}

/// Whether a byte ends a sequence; ESC ends each, and belongs to the next.
fn ends(kind: Kind, byte: u8) -> bool {
    match (kind, byte) {
        (_, ESC | CAN | SUB) => true,
        (Kind::Escape, _) => matches!(byte, 0x30..=0x7e),
        (Kind::Control, _) => matches!(byte, 0x40..=0x7e),
        (Kind::Command, _) => byte == BEL,
        (Kind::String, _) => false,
    }
}

/// Where the sequence that `bytes` begin with ends.
fn end(bytes: &[u8]) -> End {
    // Nearly every one is a control sequence that is whole, with nothing odd in it.
    if let Some(body) = bytes.strip_prefix(b"\x1b[") {
        let params = body.iter().take_while(|byte| matches!(byte, 0x20..=0x3f)).count();
        if matches!(body.get(params), Some(0x40..=0x7e)) {
            return End::After(params + 3);
        }
    }
    let mut kind = Kind::Escape;
    for (index, byte) in bytes.iter().enumerate().skip(1) {
        let begins = match (kind, byte) {
            (Kind::Escape, b'[') => Some(Kind::Control),
            (Kind::Escape, b']') => Some(Kind::Command),
            (Kind::Escape, b'P' | b'X' | b'^' | b'_') => Some(Kind::String),
            _ => None,
        };
        // Only right behind the ESC: after an intermediate byte these are last bytes.
        if let Some(begins) =
            begins.filter(|_| bytes[1..index].iter().all(|byte| !(0x20..0x30).contains(byte)))
        {
            kind = begins;
            continue;
        }
        if !ends(kind, *byte) {
            continue;
        }
        return match (byte, bytes.get(index + 1)) {
            (&ESC, None) if matches!(kind, Kind::Command | Kind::String) => End::Open(kind),
            (&ESC, Some(b'\\')) if matches!(kind, Kind::Command | Kind::String) => End::After(index + 2),
            (&ESC, _) => End::After(index),
            _ => End::After(index + 1),
        };
    }
    End::Open(kind)
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

fn does(sequence: &[u8]) -> Does {
    match sequence {
        [ESC, b'c'] => Does::Reset,
        [ESC, b'[', params @ .., b'H' | b'f'] if params.iter().all(|byte| matches!(byte, b'0'..=b';')) => {
            Does::Place
        }
        b"\x1b[2K" => Does::ClearLine,
        [ESC, b'[', params @ .., b'J'] => {
            let params = params.strip_prefix(b"?").unwrap_or(params);
            let first = params.split(|byte| *byte == b';').next().unwrap_or_default();
            match std::str::from_utf8(first).ok().and_then(|first| first.parse::<u32>().ok()) {
                Some(2) => Does::ClearScreen,
                Some(3) => Does::ClearHistory,
                _ => Does::Draw,
            }
        }
        _ => Does::Draw,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The pieces of a stream that arrives as `parts`, and what is left.
    fn pieces(parts: &[&[u8]]) -> (Vec<(Vec<u8>, Does)>, Vec<u8>) {
        let (mut found, mut pieces) = (Vec::new(), Pieces::default());
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
            assert_eq!((found, left.as_slice()), (vec![(b"text".to_vec(), Does::Draw)], tail));
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
            assert_eq!(pieces(&[text]), (vec![(text.to_vec(), Does::Draw)], Vec::new()), "{text:?}");
        }
    }

    #[test]
    fn what_clears_is_told_at_its_place() {
        let (found, _) = pieces(&[b"a\x1b[2", b"Jb\x1b[3J\x1b[Hc\x1bcd"]);
        let told: Vec<Does> = found.iter().map(|piece| piece.1).collect();
        assert_eq!(
            told,
            [Does::Draw, Does::ClearScreen, Does::ClearHistory, Does::Place, Does::Reset, Does::Draw]
        );
    }

    #[test]
    fn a_sequence_without_end_is_not_held_for_ever() {
        for (begin, end, left) in [
            (&b"\x1b]52;c;"[..], &b"\x07"[..], &b"\x1b]9999;"[..]),
            (b"\x1b_", b"\x1b\\", b"\x1b^"),
            (b"\x1b[0", b"m", b"\x1b[?9999;"),
        ] {
            let (long, mut held) = (vec![b'1'; 5000], Pieces::default());
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

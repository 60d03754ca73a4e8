//! What the terminal sends, decoded: keys in the legacy and the kitty encoding, pastes, reports.

/// One thing the terminal sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FakeInput {
    /// A key press.
    Key(FakeKey),
    /// The text of a bracketed paste.
    Paste(String),
    /// The terminal's kitty keyboard flags: it knows that protocol.
    KittyFlags,
    /// A report that is nobody's typing: focus, device attributes, mouse, colour scheme, …
    Report,
}

/// A key press with its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FakeKey {
    pub code: Code,
    /// Whether ctrl was held.
    pub ctrl: bool,
    /// Whether alt was held.
    pub alt: bool,
}

/// The keys that the stand-in tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// A character; with ctrl, the lower-case letter.
    Char(char),
    /// The return key.
    Enter,
    /// Escape.
    Esc,
    Backspace,
    /// Delete, the one that deletes to the right.
    Delete,
    Tab,
    /// Cursor up.
    Up,
    /// Cursor down.
    Down,
    /// Cursor left.
    Left,
    /// Cursor right.
    Right,
    Home,
    End,
    /// A key that nothing here reacts to.
    Unknown,
}

impl FakeKey {
    /// A key without modifiers.
    pub const fn plain(code: Code) -> Self {
        Self { code, ctrl: false, alt: false }
    }

    /// A letter with ctrl held.
    pub const fn ctrl(letter: char) -> Self {
        Self { code: Code::Char(letter), ctrl: true, alt: false }
    }

    /// The character that this key types, if it types one.
    pub fn text(&self) -> Option<char> {
        match self.code {
            Code::Char(c) if !self.ctrl && !self.alt => Some(c),
            _ => None,
        }
    }
}

const PASTE_START: &[u8] = b"\x1b[200~";
const PASTE_END: &[u8] = b"\x1b[201~";

/// Turns the bytes of successive reads into [`FakeInput`]s and keeps what is incomplete for the next one.
#[derive(Debug, Default)]
pub struct Decoder {
    pending: Vec<u8>,
    paste: Option<Vec<u8>>,
}

impl Decoder {
    /// Decodes one read.
    ///
    /// Keys that share a read with the end of a paste are dropped. Claude Code 2.1.329 was seen to accept
    /// them, its issue 91205 says that some versions do not: what is tested against the stand-in must not
    /// depend on it.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<FakeInput> {
        self.pending.extend_from_slice(bytes);
        let mut inputs = Vec::new();
        let mut pasted = false;
        while !self.pending.is_empty() {
            if let Some(paste) = &mut self.paste {
                let Some(end) = memchr::memmem::find(&self.pending, PASTE_END) else {
                    // The end marker may be cut in two: its first bytes wait for the rest.
                    let keep = partial_suffix(&self.pending, PASTE_END);
                    let taken = self.pending.len() - keep;
                    paste.extend(self.pending.drain(..taken));
                    break;
                };
                paste.extend(self.pending.drain(..end));
                self.pending.drain(..PASTE_END.len());
                let text = String::from_utf8_lossy(paste).replace("\r\n", "\n").replace('\r', "\n");
                self.paste = None;
                inputs.push(FakeInput::Paste(text));
                pasted = true;
                continue;
            }
            if self.pending.starts_with(PASTE_START) {
                self.pending.drain(..PASTE_START.len());
                self.paste = Some(Vec::new());
                continue;
            }
            let Some((input, used)) = decode(&self.pending) else { break };
            self.pending.drain(..used);
            if !(pasted && matches!(input, FakeInput::Key(_))) {
                inputs.push(input);
            }
        }
        inputs
    }

    /// Whether an escape sequence is half through, or an Esc key waits to be told from one.
    pub fn is_pending(&self) -> bool {
        !self.pending.is_empty() && self.paste.is_none()
    }

    /// Nothing followed in time: what was taken for the start of a sequence were keys.
    pub fn flush(&mut self) -> Vec<FakeInput> {
        if self.paste.is_some() || self.pending.is_empty() {
            return Vec::new();
        }
        let rest = std::mem::take(&mut self.pending);
        let mut inputs = vec![FakeInput::Key(first_key(rest[0]))];
        inputs.extend(self.feed(&rest[1..]));
        inputs
    }
}

fn first_key(byte: u8) -> FakeKey {
    if byte == 0x1b { FakeKey::plain(Code::Esc) } else { FakeKey::plain(Code::Unknown) }
}

/// How many bytes at the end of `data` are a proper beginning of `needle`.
fn partial_suffix(data: &[u8], needle: &[u8]) -> usize {
    (1..needle.len()).rev().find(|&n| data.ends_with(&needle[..n])).unwrap_or(0)
}

/// One input from the front of `bytes`, with its length; `None` when it is incomplete.
fn decode(bytes: &[u8]) -> Option<(FakeInput, usize)> {
    let key = |key, used| Some((FakeInput::Key(key), used));
    match bytes[0] {
        0x1b => decode_escape(bytes),
        b'\r' => key(FakeKey::plain(Code::Enter), 1),
        // ctrl-j: a line break at the prompt, like alt-enter.
        b'\n' => key(FakeKey { code: Code::Enter, ctrl: false, alt: true }, 1),
        b'\t' => key(FakeKey::plain(Code::Tab), 1),
        0x7f | 0x08 => key(FakeKey::plain(Code::Backspace), 1),
        0 => key(FakeKey::ctrl(' '), 1),
        byte @ 1..=26 => key(FakeKey::ctrl(char::from(byte - 1 + b'a')), 1),
        byte @ 28..=31 => key(FakeKey::ctrl(char::from(byte + 0x40).to_ascii_lowercase()), 1),
        byte if byte < 0x80 => key(FakeKey::plain(Code::Char(char::from(byte))), 1),
        first => {
            let length = match first {
                0xc0..=0xdf => 2,
                0xe0..=0xef => 3,
                0xf0..=0xf7 => 4,
                _ => 1,
            };
            let part = bytes.get(..length)?;
            match std::str::from_utf8(part).ok().and_then(|s| s.chars().next()) {
                Some(c) => key(FakeKey::plain(Code::Char(c)), length),
                None => key(FakeKey::plain(Code::Unknown), 1),
            }
        }
    }
}

fn decode_escape(bytes: &[u8]) -> Option<(FakeInput, usize)> {
    match bytes.get(1)? {
        b'[' => decode_csi(bytes),
        b'O' => {
            let code = arrow_or_home(*bytes.get(2)?);
            Some((FakeInput::Key(FakeKey::plain(code)), 3))
        }
        // OSC, DCS and APC replies (colours, version): up to BEL or ST.
        b']' | b'P' | b'_' => {
            let end = bytes.iter().skip(2).position(|&b| b == 0x07 || b == b'\\')?;
            Some((FakeInput::Report, end + 3))
        }
        0x1b => Some((FakeInput::Key(FakeKey::plain(Code::Esc)), 1)),
        _ => {
            let (input, used) = decode(&bytes[1..])?;
            let FakeInput::Key(key) = input else { return Some((FakeInput::Report, used + 1)) };
            Some((FakeInput::Key(FakeKey { alt: true, ..key }), used + 1))
        }
    }
}

fn decode_csi(bytes: &[u8]) -> Option<(FakeInput, usize)> {
    let end = bytes.iter().skip(2).position(|b| (0x40..=0x7e).contains(b))? + 2;
    let body = std::str::from_utf8(&bytes[2..end]).unwrap_or("");
    let used = end + 1;
    let final_byte = bytes[end];
    if final_byte == b'u' && body.starts_with('?') {
        return Some((FakeInput::KittyFlags, used));
    }
    if body.starts_with(['?', '<', '>', '=']) || matches!(final_byte, b'I' | b'O' | b'n' | b't' | b'R' | b'y')
    {
        return Some((FakeInput::Report, used));
    }
    let mut parameters = body.split(';');
    let number =
        |text: Option<&str>| text.and_then(|t| t.split(':').next()).and_then(|t| t.parse::<u32>().ok());
    let first = number(parameters.next());
    let modifier_field = parameters.next().unwrap_or("");
    let modifiers = number(Some(modifier_field)).unwrap_or(1).saturating_sub(1);
    // The kitty protocol reports a release as event type 3, when asked to.
    if modifier_field.split(':').nth(1) == Some("3") {
        return Some((FakeInput::Report, used));
    }
    let code = match (final_byte, first) {
        (b'u', Some(13)) => Code::Enter,
        (b'u', Some(27)) => Code::Esc,
        (b'u', Some(9)) => Code::Tab,
        (b'u', Some(127)) => Code::Backspace,
        (b'u', Some(point)) => char::from_u32(point).map_or(Code::Unknown, Code::Char),
        (b'~', Some(3)) => Code::Delete,
        (b'~', Some(1 | 7)) => Code::Home,
        (b'~', Some(4 | 8)) => Code::End,
        (letter, _) => arrow_or_home(letter),
    };
    let mut key = FakeKey { code, ctrl: modifiers & 4 != 0, alt: modifiers & 2 != 0 };
    if key.code == Code::Enter && modifiers & 1 != 0 {
        // shift-enter, which only the kitty encoding can tell from enter, is a line break as alt-enter is.
        key.alt = true;
    }
    Some((FakeInput::Key(key), used))
}

fn arrow_or_home(letter: u8) -> Code {
    match letter {
        b'A' => Code::Up,
        b'B' => Code::Down,
        b'C' => Code::Right,
        b'D' => Code::Left,
        b'H' => Code::Home,
        b'F' => Code::End,
        _ => Code::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(bytes: &[u8]) -> Vec<FakeInput> {
        let mut decoder = Decoder::default();
        let mut inputs = decoder.feed(bytes);
        inputs.extend(decoder.flush());
        inputs
    }

    #[test]
    fn both_encodings_of_a_ctrl_key_are_the_same_key() {
        for (legacy, kitty, letter) in [
            (&b"\x03"[..], &b"\x1b[99;5u"[..], 'c'),
            (b"\x13", b"\x1b[115;5u", 's'),
            (b"\x1a", b"\x1b[122;5u", 'z'),
        ] {
            assert_eq!(keys(legacy), [FakeInput::Key(FakeKey::ctrl(letter))]);
            assert_eq!(keys(kitty), [FakeInput::Key(FakeKey::ctrl(letter))]);
        }
        assert_eq!(keys(b"\x1b"), keys(b"\x1b[27u"));
    }

    #[test]
    fn a_sequence_cut_anywhere_gives_the_same_inputs() {
        let bytes = "a\x1b[200~two\rlines\x1b[201~\x1b[I\x1b[D\u{e9}\x1b[99;5u".as_bytes();
        let whole = keys(&[bytes, b""].concat());
        for cut in 1..bytes.len() {
            let mut decoder = Decoder::default();
            let mut inputs = decoder.feed(&bytes[..cut]);
            inputs.extend(decoder.feed(&bytes[cut..]));
            let pastes = |list: &[FakeInput]| {
                list.iter().filter(|i| matches!(i, FakeInput::Paste(_))).cloned().collect::<Vec<_>>()
            };
            assert_eq!(pastes(&inputs), pastes(&whole), "cut at {cut}");
            assert!(!decoder.is_pending(), "cut at {cut}");
        }
    }

    #[test]
    fn a_key_in_the_read_that_ends_a_paste_is_lost_and_a_later_one_is_not() {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.feed(b"\x1b[200~x\x1b[201~\r"), [FakeInput::Paste("x".into())]);
        assert_eq!(decoder.feed(b"\r"), [FakeInput::Key(FakeKey::plain(Code::Enter))]);
    }

    #[test]
    fn replies_of_the_terminal_are_not_keys() {
        assert_eq!(keys(b"\x1b[?62;22c"), [FakeInput::Report]);
        assert_eq!(keys(b"\x1b[?1u"), [FakeInput::KittyFlags]);
        assert_eq!(keys(b"\x1b[<0;3;4M"), [FakeInput::Report]);
        assert_eq!(keys(b"\x1bP>|term 1\x1b\\"), [FakeInput::Report]);
        assert_eq!(keys(b"\x1b[O"), [FakeInput::Report]);
    }

    #[test]
    fn escape_alone_waits_and_then_is_a_key() {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.feed(b"\x1b"), []);
        assert!(decoder.is_pending());
        assert_eq!(decoder.flush(), [FakeInput::Key(FakeKey::plain(Code::Esc))]);
        assert_eq!(keys(b"\x1b\r"), [FakeInput::Key(FakeKey { code: Code::Enter, ctrl: false, alt: true })]);
    }
}

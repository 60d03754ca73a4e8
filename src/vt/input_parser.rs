//! Reads what comes from the terminal, cut anywhere: finds the detach key, and tells typing from the
//! terminal's replies.
//!
//! Everything is passed on as it came but the detach key. Where the terminal may send that key as an escape
//! sequence, the beginning of one at the end of a read is held until more comes or [`InputParser::flush`] is
//! called; nothing else is ever held.

use crate::vt::tokenizer::{BEL, ESC};
use std::borrow::Cow;

/// ctrl-\ as a terminal sends it that knows of no other encoding.
const LEGACY: u8 = 0x1c;
/// The same key's code point, in encodings that have one.
const DETACH_CODE_POINT: u32 = 0x5c;
/// Longest sequence that is kept to be looked at, in bytes. A longer one is passed on, and not looked at.
const MAX_SEQUENCE_BYTES: usize = 512;
/// How much of a sequence is held. What is longer is no form of the detach key, even if it came in one read.
const HELD: usize = 32;

/// What came of a read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Scanned<'a> {
    /// What is to be passed on, in one write. It is the read itself where nothing was cut out or held.
    pub forward: Cow<'a, [u8]>,
    /// Where in `forward` the detach key was pressed first, if it was.
    pub detach: Option<usize>,
    /// Whether the user did something at the keyboard: typed, or pasted. Replies, mouse and focus do not
    /// count.
    pub typed: bool,
    /// What the terminal answered: whole sequences, in order.
    pub replies: Vec<Vec<u8>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum InputState {
    #[default]
    Text,
    Escape,
    /// `ESC O` and a byte: function keys.
    Single,
    Control,
    /// `CSI M` and so many bytes more: where the mouse is.
    Mouse(u8),
    /// OSC, DCS and the like, up to BEL or ST.
    String,
    /// The same, behind an ESC.
    StringEscape,
    /// Behind `CSI 200 ~`.
    Paste,
}

/// What a sequence is.
enum InputKind {
    Typing,
    /// Mouse and focus: not typing, and nothing to remember.
    Report,
    Reply,
    Paste,
    /// The detach key; true where it goes down.
    Detach(bool),
}

/// Where the stream stands.
#[derive(Debug, Default)]
pub struct InputParser {
    state: InputState,
    /// The sequence so far; of a paste, what may be the beginning of its end.
    kept: Vec<u8>,
    /// Bytes at the end of `kept` that were not passed on.
    held: usize,
    extended: bool,
    /// No key detaches: everything is passed on, and nothing held.
    passive: bool,
}

impl InputParser {
    /// One for which no key detaches.
    pub fn passive() -> Self {
        Self { passive: true, ..Self::default() }
    }

    /// Says whether the terminal may send keys as `CSI … u` or `CSI 27 ; … ~`. Where it may not, nothing is
    /// held, so that a lone Esc is never late.
    pub fn expect_extended_keys(&mut self, extended: bool) {
        self.extended = extended;
    }

    /// Whether it looks for no detach key.
    pub fn is_passive(&self) -> bool {
        self.passive
    }

    /// Whether a paste is half through.
    pub fn is_in_paste(&self) -> bool {
        self.state == InputState::Paste
    }

    /// Whether an escape sequence is half through. [`Self::flush`] ends that.
    pub fn is_in_sequence(&self) -> bool {
        !matches!(self.state, InputState::Text | InputState::Paste)
    }

    /// Whether bytes are held, so that [`Self::flush`] should be called when nothing has come for a moment.
    pub fn is_holding(&self) -> bool {
        self.held > 0
    }

    /// Takes a read.
    pub fn feed<'a>(&mut self, bytes: &'a [u8]) -> Scanned<'a> {
        let mut found = Scanned::default();
        if self.kept.is_empty() && self.is_plain(bytes) {
            found.typed = !bytes.is_empty();
            found.forward = Cow::Borrowed(bytes);
            return found;
        }
        let held_before = self.take_held();
        // Where the detach key was: from and to, counted from the first byte that was held.
        let offset = held_before.len();
        let mut cuts: Vec<(usize, usize)> = Vec::new();
        for (index, byte) in bytes.iter().enumerate() {
            let end = offset + index + 1;
            if *byte == LEGACY
                && !self.passive
                && !matches!(self.state, InputState::Paste | InputState::Mouse(_))
            {
                // Inside a sequence it is no part of it: what looked like one was the Esc key.
                found.typed = true;
                self.rest();
                cuts.push((end - 1, end));
                found.detach.get_or_insert(end - 1);
                continue;
            }
            let length = self.kept.len() + 1;
            match self.step(*byte) {
                None | Some(InputKind::Report) => {}
                Some(InputKind::Typing) => found.typed = true,
                Some(InputKind::Paste) => found.typed = true,
                Some(InputKind::Reply) => found.replies.push(std::mem::take(&mut self.kept)),
                Some(InputKind::Detach(down)) if length <= end.min(HELD + 1) && !self.passive => {
                    found.typed = true;
                    cuts.push((end - length, end));
                    if down {
                        found.detach.get_or_insert(end - length);
                    }
                }
                // Its beginning was passed on before; so is the rest.
                Some(InputKind::Detach(_)) => found.typed = true,
            }
            if self.state == InputState::Text {
                self.kept.clear();
            }
        }
        let total = offset + bytes.len();
        let hold = self.may_be_detach().min(total);
        self.held = hold;
        if cuts.is_empty() && offset == 0 {
            found.forward = Cow::Borrowed(&bytes[..total - hold]);
            return found;
        }
        let mut all = held_before;
        all.extend_from_slice(bytes);
        all.truncate(total - hold);
        for (from, to) in cuts.into_iter().rev() {
            all.drain(from..to);
            if let Some(at) = found.detach.filter(|at| *at > from) {
                found.detach = Some(at - (to - from));
            }
        }
        found.forward = Cow::Owned(all);
        found
    }

    /// Whether this is text, typed or pasted, without anything to look for in it.
    fn is_plain(&self, bytes: &[u8]) -> bool {
        // All of them are looked at, whatever is found, so that many are looked at at once.
        let none = |none, byte: &u8| none & (*byte != ESC) & (*byte != LEGACY);
        matches!(self.state, InputState::Text | InputState::Paste) && bytes.iter().fold(true, none)
    }

    /// Gives what is held, when nothing has come for a moment: what looked like the beginning of a sequence
    /// was a key. A paste goes on. The second is true when that was typing.
    pub fn flush(&mut self) -> (Vec<u8>, bool) {
        let held = self.take_held();
        let typed = matches!(self.state, InputState::Escape | InputState::Single)
            || self.state == InputState::Control && self.kept.len() == 2;
        if self.state != InputState::Paste {
            self.rest();
        }
        (held, typed)
    }

    fn rest(&mut self) {
        self.state = InputState::Text;
        self.kept.clear();
    }

    fn take_held(&mut self) -> Vec<u8> {
        let held = self.kept[self.kept.len() - self.held..].to_vec();
        self.held = 0;
        held
    }

    /// How many of the bytes at the end of what was kept may go on as a form of the detach key.
    fn may_be_detach(&self) -> usize {
        let length = self.kept.len();
        if !self.extended || self.passive {
            return 0;
        }
        match self.state {
            InputState::Escape => length,
            // What looked like a string was the Esc or Alt key, and another key begins.
            InputState::StringEscape => 1,
            InputState::Control if length <= HELD && are_fields(&self.kept[2..]) => length,
            _ => 0,
        }
    }

    fn keep(&mut self, byte: u8) {
        if self.kept.len() < MAX_SEQUENCE_BYTES {
            self.kept.push(byte);
        }
    }

    /// Takes a byte, and says what has ended with it.
    fn step(&mut self, byte: u8) -> Option<InputKind> {
        match (self.state, byte) {
            (InputState::Paste, _) => {
                self.paste(byte);
                // The paste's bytes themselves were typed, all the way through.
                Some(InputKind::Paste)
            }
            (InputState::Mouse(left), _) => {
                self.state = if left > 1 { InputState::Mouse(left - 1) } else { InputState::Text };
                (left <= 1).then_some(InputKind::Report)
            }
            (InputState::String, ESC) => {
                // Kept even if the rest is not: it may begin a key.
                self.kept.truncate(MAX_SEQUENCE_BYTES - 1);
                self.keep(byte);
                self.state = InputState::StringEscape;
                None
            }
            (InputState::String, BEL) | (InputState::StringEscape, b'\\') => self.end_string(byte),
            (InputState::String, _) => {
                self.keep(byte);
                None
            }
            (_, ESC) => {
                // What stood before was a key of its own.
                let typed = self.state == InputState::Escape;
                self.kept.clear();
                self.kept.push(byte);
                self.state = InputState::Escape;
                typed.then_some(InputKind::Typing)
            }
            (InputState::Text, _) => Some(InputKind::Typing),
            // The string was left without an end; this byte follows its ESC.
            (InputState::Escape | InputState::StringEscape, _) => {
                if self.state == InputState::StringEscape {
                    self.kept.clear();
                    self.kept.push(ESC);
                }
                self.escape(byte)
            }
            (InputState::Single, _) => {
                self.state = InputState::Text;
                Some(InputKind::Typing)
            }
            (InputState::Control, 0x20..=0x3f) => {
                self.keep(byte);
                None
            }
            (InputState::Control, b'[') if self.kept.len() == 2 => {
                // `CSI [` and a letter: function keys of the Linux console.
                self.state = InputState::Single;
                None
            }
            (InputState::Control, b'M') if self.kept.len() == 2 => {
                self.state = InputState::Mouse(3);
                None
            }
            (InputState::Control, 0x40..=0x7e) => {
                self.state = InputState::Text;
                if self.kept.len() == MAX_SEQUENCE_BYTES {
                    return Some(InputKind::Typing);
                }
                self.keep(byte);
                let kind = classify(&self.kept[2..]);
                if matches!(kind, InputKind::Paste) {
                    self.state = InputState::Paste;
                    self.kept.clear();
                }
                Some(kind)
            }
            (InputState::Control, _) => {
                self.state = InputState::Text;
                Some(InputKind::Typing)
            }
        }
    }

    fn escape(&mut self, byte: u8) -> Option<InputKind> {
        self.keep(byte);
        self.state = match byte {
            b'[' => InputState::Control,
            b'O' => InputState::Single,
            b']' | b'P' | b'X' | b'^' | b'_' => InputState::String,
            // The Alt key, with some other.
            _ => InputState::Text,
        };
        (self.state == InputState::Text).then_some(InputKind::Typing)
    }

    fn end_string(&mut self, byte: u8) -> Option<InputKind> {
        let whole = self.kept.len() < MAX_SEQUENCE_BYTES;
        self.keep(byte);
        self.state = InputState::Text;
        Some(if whole { InputKind::Reply } else { InputKind::Report })
    }

    /// Looks for the end of a paste; `kept` is as much of it as has come.
    fn paste(&mut self, byte: u8) {
        const PASTE_END: &[u8] = b"\x1b[201~";
        if byte != PASTE_END[self.kept.len()] {
            self.kept.clear();
        }
        if byte == PASTE_END[self.kept.len()] {
            self.kept.push(byte);
        }
        if self.kept == PASTE_END {
            self.rest();
        }
    }
}

/// What a control sequence is, from what follows its CSI.
fn classify(body: &[u8]) -> InputKind {
    let (last, rest) = body.split_last().map_or((0, body), |(last, rest)| (*last, rest));
    match (rest, last) {
        ([b'<', ..], b'M' | b'm') | ([], b'I' | b'O') => return InputKind::Report,
        ([b'<'..=b'?', ..], _) => return InputKind::Reply,
        (b"200", b'~') => return InputKind::Paste,
        _ => {}
    }
    let is_key = are_fields(rest);
    let text = std::str::from_utf8(rest).unwrap_or_default();
    // Fields, and the parts of each; what was left out is nothing.
    let fields: Vec<Vec<Option<u32>>> =
        text.split(';').map(|field| field.split(':').map(|part| part.parse().ok()).collect()).collect();
    let number = |field: usize, part: usize| fields.get(field).and_then(|parts| *parts.get(part)?);
    match last {
        // <https://sw.kovidgoyal.net/kitty/keyboard-protocol/>: the key, shifted, and where it is on a
        // PC-101; then the modifiers and whether it goes down (1), repeats (2) or comes up (3).
        b'u' if is_key
            && (number(0, 0) == Some(DETACH_CODE_POINT) || number(0, 2) == Some(DETACH_CODE_POINT)) =>
        {
            if is_control(number(1, 0)) {
                return InputKind::Detach(!matches!(number(1, 1), Some(2 | 3)));
            }
            InputKind::Typing
        }
        // xterm's modifyOtherKeys.
        b'~' if is_key
            && number(0, 0) == Some(27)
            && number(2, 0) == Some(DETACH_CODE_POINT)
            && is_control(number(1, 0)) =>
        {
            InputKind::Detach(true)
        }
        // urxvt's mouse.
        b'M' if fields.len() == 3 => InputKind::Report,
        // `1 ; n R` is F3 with modifiers as well: taken for typing, which only makes cckw wait.
        b'R' if fields.len() == 2 && number(0, 0) != Some(1) => InputKind::Reply,
        b'R' if fields.len() == 2 && number(1, 0) > Some(16) => InputKind::Reply,
        b'n' | b'c' | b't' | b'y' | b'x' => InputKind::Reply,
        _ => InputKind::Typing,
    }
}

/// Whether this is nothing but numbers and what stands between them.
fn are_fields(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| matches!(byte, b'0'..=b'9' | b':' | b';'))
}

/// Whether the modifiers are ctrl alone; the locks (caps 64, num 128) do not matter.
fn is_control(modifiers: Option<u32>) -> bool {
    modifiers.is_some_and(|modifiers| modifiers.wrapping_sub(1) & !(64 | 128) == 4)
}

#[cfg(test)]
mod tests;

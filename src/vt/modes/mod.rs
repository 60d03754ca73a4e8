//! What claude has switched on in the terminal, read from its output, so that exactly that can be switched
//! off again.
//!
//! The emulator does not know this: focus reports, the kitty keyboard protocol, modifyOtherKeys, titles and
//! more change nothing on the screen, and a terminal left with one of them on is a terminal that types rubbish
//! into the shell.

mod colours;
mod replay;
pub(crate) mod scanner;

use serde::{Deserialize, Serialize};

use colours::Colours;
use scanner::{Sequence, SequenceScanner};

/// The private modes (`CSI ? n h`) that are followed, and whether a terminal has them on from the start.
/// Modes whose initial state differs between terminals (?12, ?1007) are left alone.
const PRIVATE: [(u16, bool); 26] = [
    (1, false),    // cursor keys send SS3
    (5, false),    // reverse video
    (6, false),    // origin: rows count from the margin
    (7, true),     // autowrap
    (9, false),    // mouse, X10
    (25, true),    // cursor shown
    (45, false),   // reverse wrap
    (66, false),   // keypad sends sequences
    (69, false),   // left and right margins
    (1000, false), // mouse buttons
    (1001, false), // mouse highlight
    (1002, false), // mouse drag
    (1003, false), // mouse motion
    (1004, false), // focus reports
    (1005, false), // mouse coordinates as UTF-8
    (1006, false), // mouse coordinates as SGR
    (1015, false), // mouse coordinates as urxvt
    (1016, false), // mouse coordinates in pixels
    (2004, false), // bracketed paste
    (2026, false), // synchronised update
    (2031, false), // colour scheme reports
    (2048, false), // size reports
    (9001, false), // keys as Windows has them
    (47, false),   // alternate screen, three spellings
    (1047, false),
    (1049, false),
];
/// The modes of `CSI n h` that are followed, in the same way.
const ANSI: [(u16, bool); 4] = [
    (2, false),  // keyboard locked
    (4, false),  // insert
    (12, true),  // no echo by the terminal itself
    (20, false), // a new line returns, and the return key sends both
];
const ALTERNATE: [u16; 3] = [47, 1047, 1049];
const SYNCHRONISED: u16 = 2026;
const CURSOR: u16 = 25;

/// Deepest kitty keyboard stack that is followed; terminals keep less.
const KITTY_LIMIT: usize = 64;
/// Longest title that is remembered, in bytes.
const TITLE_LIMIT: usize = 256;

/// Follows the terminal's modes through claude's output, cut anywhere.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModeTracker {
    scanner: SequenceScanner,
    modes: Modes,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Modes {
    /// One bit an entry of `PRIVATE`, set where the mode is not as it was from the start.
    changed: u32,
    /// The same for `ANSI`.
    ansi: u8,
    keypad: bool,
    /// The kitty keyboard flags of the main and the alternate screen; the first entry was there before
    /// claude.
    kitty: [Vec<u8>; 2],
    modify_other_keys: u8,
    cursor_shape: u8,
    margins: Option<String>,
    /// What G0 and G1 were designated as, where that is not ASCII.
    charsets: [Option<u8>; 2],
    shifted: bool,
    title: Vec<u8>,
    saved_titles: u8,
    hyperlink: bool,
    progress: bool,
    /// What the progress is, as it was set by OSC 9;4.
    progress_value: String,
    /// Colours set by OSC 4, 10, 11, 12.
    colours: [bool; 4],
    /// What they were set to.
    colour_values: Colours,
    /// One bit for each text attribute that is not as it was from the start.
    style: u16,
}

impl Default for Modes {
    fn default() -> Self {
        Self {
            changed: 0,
            ansi: 0,
            keypad: false,
            kitty: [vec![0], vec![0]],
            modify_other_keys: 0,
            cursor_shape: 0,
            margins: None,
            charsets: [None; 2],
            shifted: false,
            title: Vec::new(),
            saved_titles: 0,
            hyperlink: false,
            progress: false,
            progress_value: String::new(),
            colours: [false; 4],
            colour_values: Colours::default(),
            style: 0,
        }
    }
}

impl ModeTracker {
    /// Reads on in claude's output. True when an escape sequence ended in it, so that `undo_blindly` may say
    /// something new.
    pub fn feed(&mut self, bytes: &[u8]) -> bool {
        let modes = &mut self.modes;
        self.scanner.feed(bytes, |sequence| modes.apply(sequence))
    }

    /// Where in a sequence the output stands.
    pub fn position(&self) -> SequenceScanner {
        self.scanner.clone()
    }

    /// The bytes that set the title that claude has set.
    pub fn title(&self) -> String {
        let mut out = String::new();
        self.modes.redo_title(&mut out);
        out
    }

    /// Whether claude has set a title, and has not taken it away.
    pub fn has_title(&self) -> bool {
        !self.modes.title.is_empty()
    }

    /// Whether the stream stands within a sequence.
    pub fn is_within(&self) -> bool {
        self.scanner.is_within()
    }

    /// Whether the stream stands between two sequences, outside a synchronised update: something may be
    /// written there.
    pub fn is_between(&self) -> bool {
        !self.scanner.is_within() && !self.modes.is_changed(SYNCHRONISED)
    }

    /// The bytes that bring the terminal back to where it was before claude; empty when it is there.
    pub fn undo(&self) -> String {
        let mut out = String::new();
        if self.scanner.is_within() {
            // A sequence that was cut off would swallow what follows.
            out.push('\x18');
        }
        self.modes.undo(false, &mut out);
        out
    }

    /// The same without the title, which a program that is stopped leaves where it is.
    pub fn undo_but_title(&self) -> String {
        let mut without = self.clone();
        without.modes.title.clear();
        without.undo()
    }

    /// The same as [`Self::undo`] for somebody who may not have seen the latest output: what changes from one frame to the next
    /// is undone whether it is on or not, so that these bytes stay the same for long.
    pub fn undo_blindly(&self) -> String {
        let mut out = String::from("\x18");
        self.modes.undo(true, &mut out);
        out
    }

    /// The bytes that switch on what is on, for a terminal where it was undone. Never a synchronised update,
    /// which would leave the terminal waiting, and no text attributes: the next repaint has them.
    pub fn redo(&self) -> String {
        let mut out = String::new();
        self.modes.redo(&mut out);
        out
    }

    /// The part of [`Self::redo`] that chooses the screen, with the keyboard flags of either.
    pub fn redo_screen(&self) -> String {
        let mut out = String::new();
        self.modes.redo_screen(&mut out);
        out
    }

    /// The rest of [`Self::redo`], for when everything has been drawn. Without the margins, and the cursor
    /// may be moved: both are for the caller, who knows where they belong.
    pub fn redo_rest(&self) -> String {
        let mut out = String::new();
        self.modes.redo_rest(&mut out);
        out
    }

    /// Whether the private mode `number` is on; `None` for one that is not followed.
    pub fn is_on(&self, number: u16) -> Option<bool> {
        let entry = PRIVATE.iter().find(|entry| entry.0 == number)?;
        Some(self.modes.is_changed(number) != entry.1)
    }

    /// The flags of the kitty keyboard protocol that are in force; 0 where it is off.
    pub fn kitty_flags(&self) -> u8 {
        self.modes.kitty[usize::from(self.modes.alternate())].last().copied().unwrap_or(0)
    }

    /// Whether the terminal may send keys as `CSI … u` or `CSI 27 ; … ~`.
    pub fn has_extended_keys(&self) -> bool {
        self.kitty_flags() != 0 || self.modes.modify_other_keys != 0
    }

    /// Whether G0 and G1 have DEC's line drawing set, and whether G1 is in use.
    pub fn line_drawing(&self) -> ([bool; 2], bool) {
        (self.modes.charsets.map(|set| set == Some(b'0')), self.modes.shifted)
    }

    /// Whether claude draws on the alternate screen.
    pub fn on_alternate_screen(&self) -> bool {
        self.modes.alternate()
    }
}

impl Modes {
    fn apply(&mut self, sequence: Sequence<'_>) {
        match sequence {
            Sequence::ShiftOut => self.shifted = true,
            Sequence::ShiftIn => self.shifted = false,
            Sequence::Escape { intermediates: [], last } => match last {
                b'c' => *self = Self::default(),
                b'=' => self.keypad = true,
                b'>' => self.keypad = false,
                _ => {}
            },
            Sequence::Escape { intermediates: [slot @ (b'(' | b')')], last } => {
                self.charsets[usize::from(*slot == b')')] = (last != b'B').then_some(last);
            }
            Sequence::Escape { .. } => {}
            Sequence::Control { prefix, params, intermediates, last } => {
                self.control(prefix, params, intermediates, last);
            }
            Sequence::Command { number, text } => self.command(number, text),
        }
    }

    fn control(&mut self, prefix: Option<u8>, params: &[u8], intermediates: &[u8], last: u8) {
        match (prefix, intermediates, last) {
            (Some(b'?'), [], b'h' | b'l') => {
                for number in numbers(params).flatten() {
                    self.set_private(number, last == b'h');
                }
            }
            (None, [], b'h' | b'l') => {
                for number in numbers(params).flatten() {
                    self.set_ansi(number, last == b'h');
                }
            }
            (None, [], b'm') => self.style = restyle(self.style, params),
            (None, [], b'r') => {
                self.margins = (!params.is_empty()).then(|| String::from_utf8_lossy(params).into())
            }
            (None, [b' '], b'q') => self.cursor_shape = byte(numbers(params).next().flatten()),
            (None, [b'!'], b'p') => self.soft_reset(),
            (None, [], b't') => match numbers(params).next().flatten() {
                Some(22) => self.saved_titles = self.saved_titles.saturating_add(1),
                Some(23) => self.saved_titles = self.saved_titles.saturating_sub(1),
                _ => {}
            },
            (Some(b'>'), [], b'm') => {
                let mut numbers = numbers(params);
                match numbers.next().flatten() {
                    Some(4) => self.modify_other_keys = byte(numbers.next().flatten()),
                    None => self.modify_other_keys = 0,
                    Some(_) => {}
                }
            }
            (Some(prefix @ (b'>' | b'<' | b'=')), [], b'u') => self.kitty(prefix, params),
            _ => {}
        }
    }

    fn set_private(&mut self, number: u16, on: bool) {
        let Some(index) = PRIVATE.iter().position(|entry| entry.0 == number) else { return };
        let bit = 1 << index;
        if on == PRIVATE[index].1 {
            self.changed &= !bit;
        } else {
            self.changed |= bit;
        }
        if ALTERNATE.contains(&number) && !on {
            // Whichever spelling was used to go there, each leads back.
            for (index, _) in PRIVATE.iter().enumerate().filter(|(_, entry)| ALTERNATE.contains(&entry.0)) {
                self.changed &= !(1 << index);
            }
            self.kitty[1] = vec![0];
        }
    }

    fn set_ansi(&mut self, number: u16, on: bool) {
        let Some(index) = ANSI.iter().position(|entry| entry.0 == number) else { return };
        let bit = 1 << index;
        self.ansi = if on == ANSI[index].1 { self.ansi & !bit } else { self.ansi | bit };
    }

    fn is_changed(&self, number: u16) -> bool {
        PRIVATE
            .iter()
            .position(|entry| entry.0 == number)
            .is_some_and(|index| self.changed & (1 << index) != 0)
    }

    fn alternate(&self) -> bool {
        ALTERNATE.iter().any(|number| self.is_changed(*number))
    }

    /// <https://sw.kovidgoyal.net/kitty/keyboard-protocol/>: `>` pushes, `<` pops, `=` changes the top.
    fn kitty(&mut self, prefix: u8, params: &[u8]) {
        let screen = usize::from(self.alternate());
        let stack = &mut self.kitty[screen];
        let mut numbers = numbers(params);
        let first = numbers.next().flatten();
        match prefix {
            b'>' => {
                if stack.len() < KITTY_LIMIT {
                    stack.push(byte(first));
                }
            }
            b'<' => {
                let count = usize::from(first.unwrap_or(1));
                if count >= stack.len() {
                    // Popping all of it resets the flags.
                    *stack = vec![0];
                } else {
                    stack.truncate(stack.len() - count);
                }
            }
            _ => {
                let flags = byte(first);
                if let Some(top) = stack.last_mut() {
                    *top = match numbers.next().flatten() {
                        Some(2) => *top | flags,
                        Some(3) => *top & !flags,
                        _ => flags,
                    };
                }
            }
        }
    }

    fn soft_reset(&mut self) {
        for number in [1, 6, 66] {
            self.set_private(number, false);
        }
        for number in [2, 4] {
            self.set_ansi(number, false);
        }
        self.set_private(25, true);
        *self = Self { keypad: false, margins: None, charsets: [None; 2], ..std::mem::take(self) };
        self.shifted = false;
        self.style = 0;
    }

    fn command(&mut self, number: u16, text: &[u8]) {
        match number {
            0 | 2 => self.title = text[..text.len().min(TITLE_LIMIT)].to_vec(),
            8 => self.hyperlink = !text.ends_with(b";"),
            9 => {
                if let Some(rest) = text.strip_prefix(b"4;") {
                    self.progress = !rest.starts_with(b"0");
                    let is_plain = |byte: &u8| byte.is_ascii_digit() || *byte == b';';
                    let kept = self.progress && rest.len() < 16 && rest.iter().all(is_plain);
                    self.progress_value = String::from_utf8_lossy(if kept { rest } else { b"" }).into_owned();
                }
            }
            104 => self.colours[0] &= !self.colour_values.reset_palette(text),
            110..=112 => {
                let at = usize::from(number) - 109;
                self.colours[at] = false;
                self.colour_values.reset(at);
            }
            4 | 10..=12 => {
                let is_set = self.colour_values.set(number, text);
                self.colours.iter_mut().zip(is_set).for_each(|(colour, is_set)| *colour |= is_set);
            }
            _ => {}
        }
    }
}

/// Applies a text style (SGR) to what is on: a bit for each attribute, whichever way it was set.
///
/// In colourful output every third byte is one of these, and nearly all are plain numbers: those are read
/// quickly.
fn restyle(mut style: u16, params: &[u8]) -> u16 {
    let mut rest = params;
    loop {
        let (number, after) = match *rest {
            [] => return 0,
            [a @ b'0'..=b'9'] => return styled(style, digit(a)),
            [a @ b'0'..=b'9', b @ b'0'..=b'9'] => return styled(style, 10 * digit(a) + digit(b)),
            [a @ b'0'..=b'9', b';', ref after @ ..] => (digit(a), after),
            [a @ b'0'..=b'9', b @ b'0'..=b'9', b';', ref after @ ..] => (10 * digit(a) + digit(b), after),
            _ => return restyle_oddly(style, rest),
        };
        if matches!(number, 38 | 48 | 58) {
            let parts = match after {
                [b'5', b';', parts @ ..] => Some((parts, 0)),
                [b'2', b';', parts @ ..] => Some((parts, 2)),
                _ => None,
            };
            // A colour that ends the sequence, as nearly all do, need not be read.
            let ends = parts.filter(|(parts, separators)| {
                let count = parts.iter().fold(0, |count, byte| count + usize::from(*byte == b';'));
                count == *separators
                    && parts.iter().fold(true, |plain, byte| plain & (*byte <= b';' && *byte != b':'))
            });
            return if ends.is_some() { styled(style, number) } else { restyle_oddly(style, rest) };
        }
        style = styled(style, number);
        rest = after;
    }
}

fn digit(byte: u8) -> u16 {
    (byte - b'0').into()
}

/// The same for anything at all.
fn restyle_oddly(mut style: u16, params: &[u8]) -> u16 {
    // The number so far, whether a colon has cut it off, and whether it is none.
    let (mut value, mut is_cut, mut is_odd) = (0u32, false, false);
    // After 38 and its like a colour follows, as `5;N` or `2;R;G;B`; with colons it is part of the word.
    let (mut is_colour, mut skipped) = (false, 0);
    for byte in params.iter().chain(b";") {
        match byte {
            b'0'..=b'9' if !is_cut => value = value.saturating_mul(10).saturating_add(u32::from(byte - b'0')),
            b';' => {
                let number = if is_odd { 0 } else { u16::try_from(value).unwrap_or(0) };
                if skipped > 0 {
                    skipped -= 1;
                } else if std::mem::take(&mut is_colour) {
                    skipped = match number {
                        5 if !is_cut => 1,
                        2 if !is_cut => 3,
                        _ => 0,
                    };
                } else {
                    style = styled(style, number);
                    is_colour = !is_cut && matches!(number, 38 | 48 | 58);
                }
                (value, is_cut, is_odd) = (0, false, false);
            }
            b':' => is_cut = true,
            _ => is_odd |= !is_cut,
        }
    }
    style
}

/// What one number of SGR does: the bits that it switches off, and then those that it switches on.
const STYLES: [(u16, u16); 108] = {
    let mut styles = [(0, 0); 108];
    let mut number = 0;
    while number < styles.len() {
        let (bit, on) = match number {
            1 | 2 => (0, true),
            22 => (0, false),
            3 => (1, true),
            23 => (1, false),
            4 | 21 => (2, true),
            24 => (2, false),
            5 | 6 => (3, true),
            25 => (3, false),
            7..=9 => (number - 3, true),
            27..=29 => (number - 23, false),
            30..=38 | 90..=97 => (7, true),
            39 => (7, false),
            40..=48 | 100..=107 => (8, true),
            49 => (8, false),
            53 => (9, true),
            55 => (9, false),
            58 => (10, true),
            59 => (10, false),
            _ => (11, true),
        };
        styles[number] = if on { (0, 1 << bit) } else { (1 << bit, 0) };
        number += 1;
    }
    styles[0] = (u16::MAX, 0);
    styles
};

/// The style after one number of SGR.
fn styled(style: u16, number: u16) -> u16 {
    // What is not known counts as switched on.
    let (off, on) = STYLES.get(usize::from(number)).copied().unwrap_or((0, 1 << 11));
    style & !off | on
}

/// The numbers of a sequence; nothing for one that was left out, or is none. Subparameters (`4:3`) are
/// dropped.
fn numbers(params: &[u8]) -> impl Iterator<Item = Option<u16>> {
    params.split(|byte| *byte == b';').map(number)
}

fn number(param: &[u8]) -> Option<u16> {
    let digits = param.split(|byte| *byte == b':').next().filter(|digits| !digits.is_empty())?;
    digits.iter().try_fold(0u16, |number, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit <= 9)?;
        number.checked_mul(10)?.checked_add(u16::from(digit))
    })
}

fn byte(number: Option<u16>) -> u8 {
    number.and_then(|number| number.try_into().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests;

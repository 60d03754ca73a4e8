//! One key, or one sequence that stands for a key or for the mouse.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use crate::cli::top::event::Event;
use crate::vt::tokenizer::{BEL, ESC};

/// The longest sequence that is waited for, in bytes. The replies of terminals are shorter.
const MAX_SEQUENCE_BYTES: usize = 256;

/// What stands at the beginning of some bytes.
#[derive(Debug, PartialEq)]
pub enum Found {
    /// So many bytes, and what they mean; nothing where that is of no interest.
    Event(Option<Event>, usize),
    /// More is needed to say it.
    Incomplete,
}

/// What stands at the beginning of these bytes, of which there is one at least.
pub fn first(bytes: &[u8]) -> Found {
    if bytes[0] != ESC {
        return plain(bytes);
    }
    match bytes.get(1) {
        None => Found::Incomplete,
        Some(&ESC) => Found::Event(key(KeyCode::Esc, KeyModifiers::NONE), 1),
        Some(b'[') => control(bytes),
        Some(b'O') => single(bytes),
        Some(b']' | b'P' | b'X' | b'^' | b'_') => string(bytes),
        Some(_) => match plain(&bytes[1..]) {
            Found::Event(event, length) => Found::Event(event.map(with_alt), length + 1),
            Found::Incomplete => Found::Incomplete,
        },
    }
}

/// The key with Alt held.
pub fn alt(bytes: &[u8]) -> Option<Event> {
    match plain(bytes) {
        Found::Event(event, _) => event.map(with_alt),
        Found::Incomplete => None,
    }
}

fn key(code: KeyCode, modifiers: KeyModifiers) -> Option<Event> {
    Some(Event::Key(KeyEvent::new(code, modifiers)))
}

fn with_alt(event: Event) -> Event {
    match event {
        Event::Key(key) => Event::Key(KeyEvent::new(key.code, key.modifiers | KeyModifiers::ALT)),
        other => other,
    }
}

/// A key that is no sequence.
fn plain(bytes: &[u8]) -> Found {
    let (none, ctrl) = (KeyModifiers::NONE, KeyModifiers::CONTROL);
    let (code, modifiers) = match bytes[0] {
        b'\r' => (KeyCode::Enter, none),
        b'\t' => (KeyCode::Tab, none),
        // Some terminals send the one for Backspace, and others the other.
        0x7f | 0x08 => (KeyCode::Backspace, none),
        0 => (KeyCode::Char(' '), ctrl),
        letter @ 1..=0x1a => (KeyCode::Char(char::from(letter - 1 + b'a')), ctrl),
        ESC => (KeyCode::Esc, none),
        // As crossterm calls them: ctrl-\ is ctrl-4 on the terminals of old.
        digit @ 0x1c..=0x1f => (KeyCode::Char(char::from(digit - 0x1c + b'4')), ctrl),
        _ => return character(bytes),
    };
    Found::Event(key(code, modifiers), 1)
}

/// A character of UTF-8.
fn character(bytes: &[u8]) -> Found {
    let length = match bytes[0] {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        0x80.. => return Found::Event(None, 1),
        _ => 1,
    };
    let there = &bytes[..length.min(bytes.len())];
    match std::str::from_utf8(there) {
        Ok(text) => Found::Event(text.chars().next().and_then(typed), length),
        Err(error) if error.error_len().is_none() && there.len() < length => Found::Incomplete,
        Err(_) => Found::Event(None, 1),
    }
}

fn typed(c: char) -> Option<Event> {
    // Of an upper-case letter crossterm says so.
    key(KeyCode::Char(c), if c.is_uppercase() { KeyModifiers::SHIFT } else { KeyModifiers::NONE })
}

/// `ESC O` and a letter: keys of the application modes.
fn single(bytes: &[u8]) -> Found {
    let Some(last) = bytes.get(2) else { return Found::Incomplete };
    match letter(*last) {
        Some(code) => Found::Event(key(code, KeyModifiers::NONE), 3),
        None if *last == b'M' => Found::Event(key(KeyCode::Enter, KeyModifiers::NONE), 3),
        None => Found::Event(alt(b"O"), 2),
    }
}

/// What the terminal says of itself, up to BEL or ST.
fn string(bytes: &[u8]) -> Found {
    let end = bytes[2..].iter().position(|byte| matches!(*byte, BEL | ESC)).map(|at| at + 2);
    match end {
        Some(at) if bytes[at] == BEL => Found::Event(None, at + 1),
        Some(at) => match bytes.get(at + 1) {
            None => Found::Incomplete,
            Some(b'\\') => Found::Event(None, at + 2),
            // It has no end; another sequence begins.
            Some(_) => Found::Event(None, at),
        },
        None if bytes.len() > MAX_SEQUENCE_BYTES => Found::Event(None, bytes.len()),
        None => Found::Incomplete,
    }
}

/// `CSI`, parameters, and a last byte.
fn control(bytes: &[u8]) -> Found {
    let body = &bytes[2..];
    match body {
        // Function keys of the Linux console.
        [b'[', last, ..] => {
            let number = last.wrapping_sub(b'A').wrapping_add(1);
            return Found::Event(
                if (1..=5).contains(&number) { key(KeyCode::F(number), KeyModifiers::NONE) } else { None },
                4,
            );
        }
        [b'['] => return Found::Incomplete,
        [b'M', rest @ ..] if rest.len() < 3 => return Found::Incomplete,
        [b'M', button, column, row, ..] => {
            let number = |byte: u8| u16::from(byte.saturating_sub(32));
            return Found::Event(mouse(number(*button), number(*column), number(*row), false), 6);
        }
        _ => {}
    }
    let length = body.iter().take_while(|byte| matches!(**byte, 0x20..=0x3f)).count();
    match body.get(length) {
        _ if length > MAX_SEQUENCE_BYTES => Found::Event(None, bytes.len()),
        None => Found::Incomplete,
        Some(last @ 0x40..=0x7e) => Found::Event(meaning(&body[..length], *last), length + 3),
        // No sequence at all.
        Some(_) => Found::Event(alt(b"["), 2),
    }
}

/// What a control sequence means.
fn meaning(parameters: &[u8], last: u8) -> Option<Event> {
    let text = std::str::from_utf8(parameters).ok()?;
    if let Some(report) = text.strip_prefix('<') {
        let mut numbers = report.split(';').map(|number| number.parse::<u16>().ok());
        let mut next = || numbers.next().flatten();
        return match last {
            b'M' | b'm' => mouse(next()?, next()?, next()?, last == b'm'),
            _ => None,
        };
    }
    if text.starts_with(['?', '>', '=']) {
        return None;
    }
    let fields: Vec<Vec<Option<u32>>> =
        text.split(';').map(|field| field.split(':').map(|part| part.parse().ok()).collect()).collect();
    let number = |field: usize, part: usize| fields.get(field).and_then(|parts| *parts.get(part)?);
    // Of a key that comes up nothing is said.
    if number(1, 1) == Some(3) {
        return None;
    }
    let modifiers = modifiers(number(1, 0).unwrap_or(1));
    match last {
        b'~' if number(0, 0) == Some(27) => coded(number(2, 0)?, modifiers),
        b'~' => key(numbered(number(0, 0)?)?, modifiers),
        b'u' => coded(number(0, 0)?, modifiers),
        b'Z' => key(KeyCode::BackTab, modifiers | KeyModifiers::SHIFT),
        // The place of the cursor, unless it is F3 with modifiers.
        b'R' if number(0, 0).is_some_and(|row| row != 1) => None,
        _ => key(letter(last)?, modifiers),
    }
}

/// A key by its last letter.
fn letter(last: u8) -> Option<KeyCode> {
    Some(match last {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'F' => KeyCode::End,
        b'H' => KeyCode::Home,
        b'P' => KeyCode::F(1),
        b'Q' => KeyCode::F(2),
        b'R' => KeyCode::F(3),
        b'S' => KeyCode::F(4),
        _ => return None,
    })
}

/// A key by its number before `~`.
fn numbered(number: u32) -> Option<KeyCode> {
    let function = |first: u32, key: u32| u8::try_from(number - first + key).ok().map(KeyCode::F);
    match number {
        1 | 7 => Some(KeyCode::Home),
        2 => Some(KeyCode::Insert),
        3 => Some(KeyCode::Delete),
        4 | 8 => Some(KeyCode::End),
        5 => Some(KeyCode::PageUp),
        6 => Some(KeyCode::PageDown),
        11..=15 => function(11, 1),
        17..=21 => function(17, 6),
        23..=24 => function(23, 11),
        _ => None,
    }
}

/// A key by its code point, as the kitty protocol and xterm's modifyOtherKeys send it.
fn coded(code: u32, modifiers: KeyModifiers) -> Option<Event> {
    let code = match char::from_u32(code)? {
        '\r' => KeyCode::Enter,
        '\t' if modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
        '\t' => KeyCode::Tab,
        '\u{1b}' => KeyCode::Esc,
        '\u{7f}' | '\u{8}' => KeyCode::Backspace,
        // Keys without a character, such as those of the keypad.
        '\u{e000}'..='\u{f8ff}' => return None,
        c if c.is_control() => return None,
        c if modifiers.contains(KeyModifiers::SHIFT) => KeyCode::Char(c.to_uppercase().next().unwrap_or(c)),
        c => KeyCode::Char(c),
    };
    key(code, modifiers)
}

/// As they stand in a sequence: one more than a bit for each.
fn modifiers(number: u32) -> KeyModifiers {
    let bits = number.saturating_sub(1);
    let mut found = KeyModifiers::NONE;
    for (bit, modifier) in [
        (1, KeyModifiers::SHIFT),
        (2, KeyModifiers::ALT),
        (4, KeyModifiers::CONTROL),
        (8, KeyModifiers::SUPER),
    ] {
        found.set(modifier, bits & bit != 0);
    }
    found
}

/// What the mouse does. Column and row count from 1.
fn mouse(code: u16, column: u16, row: u16, is_release: bool) -> Option<Event> {
    let button = match code & 3 {
        0 => Some(MouseButton::Left),
        1 => Some(MouseButton::Middle),
        2 => Some(MouseButton::Right),
        _ => None,
    };
    let kind = match (code & 64 != 0, code & 32 != 0, button) {
        (true, ..) => match code & 3 {
            0 => MouseEventKind::ScrollUp,
            1 => MouseEventKind::ScrollDown,
            2 => MouseEventKind::ScrollLeft,
            _ => MouseEventKind::ScrollRight,
        },
        (_, true, Some(button)) => MouseEventKind::Drag(button),
        (_, true, None) => MouseEventKind::Moved,
        (_, _, Some(button)) if is_release => MouseEventKind::Up(button),
        (_, _, Some(button)) => MouseEventKind::Down(button),
        // The oldest reports do not say which one.
        (_, _, None) => MouseEventKind::Up(MouseButton::Left),
    };
    let mut modifiers = KeyModifiers::NONE;
    modifiers.set(KeyModifiers::SHIFT, code & 4 != 0);
    modifiers.set(KeyModifiers::ALT, code & 8 != 0);
    modifiers.set(KeyModifiers::CONTROL, code & 16 != 0);
    let (column, row) = (column.checked_sub(1)?, row.checked_sub(1)?);
    Some(Event::Mouse(MouseEvent { kind, column, row, modifiers }))
}

//! Keys as a terminal sends them: in the legacy encoding or, where a program asked for it, in kitty's.

use super::modes::Modes;

/// A key press.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Return.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Erase the character before the cursor.
    Backspace,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow right.
    Right,
    /// Arrow left.
    Left,
    /// A character.
    Char(char),
    /// A character of the Latin letters or `\`, `]`, `[`, `_` with control held.
    Ctrl(char),
}

impl Key {
    /// The bytes that a terminal in these modes sends for this key.
    pub fn encode(self, modes: &Modes) -> Vec<u8> {
        // Bit 1 of the flags, "disambiguate escape codes", is the one that changes these keys.
        let disambiguate = modes.kitty_flags() & 1 != 0;
        let cursor = if modes.is_on(1) { "\x1bO" } else { "\x1b[" };
        match self {
            Self::Enter => b"\r".to_vec(),
            Self::Tab => b"\t".to_vec(),
            Self::Backspace => b"\x7f".to_vec(),
            Self::Esc if disambiguate => b"\x1b[27u".to_vec(),
            Self::Esc => b"\x1b".to_vec(),
            Self::Up => format!("{cursor}A").into_bytes(),
            Self::Down => format!("{cursor}B").into_bytes(),
            Self::Right => format!("{cursor}C").into_bytes(),
            Self::Left => format!("{cursor}D").into_bytes(),
            Self::Char(character) => character.to_string().into_bytes(),
            Self::Ctrl(character) if disambiguate => {
                format!("\x1b[{};5u", u32::from(character.to_ascii_lowercase())).into_bytes()
            }
            Self::Ctrl(character) => vec![(character.to_ascii_uppercase() as u8) & 0x1f],
        }
    }
}

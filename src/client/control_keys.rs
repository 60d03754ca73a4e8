//! The keys with a meaning beyond their text, among those that were read: ctrl-c, ctrl-\, ctrl-s and ctrl-z.
//!
//! A terminal sends such a key as a control character, or as an escape sequence in an encoding that claude
//! may have asked for.

const ESC: u8 = 0x1b;

const CTRL_C: ControlKey = ControlKey { character: 0x03, sequences: &[b"\x1b[99;5u"] };
const CTRL_BACKSLASH: ControlKey = ControlKey { character: 0x1c, sequences: &[b"\x1b[92;5u"] };
const CTRL_S: ControlKey = ControlKey { character: 0x13, sequences: &[b"\x1b[115;5u", b"\x1b[27;5;115~"] };
const CTRL_Z: ControlKey = ControlKey { character: 0x1a, sequences: &[b"\x1b[122;5u", b"\x1b[27;5;122~"] };

/// One key, in all its encodings.
struct ControlKey {
    character: u8,
    sequences: &'static [&'static [u8]],
}

impl ControlKey {
    fn is_among(&self, typed: &[u8]) -> bool {
        typed.contains(&self.character)
            || (0..typed.len())
                .filter(|at| typed[*at] == ESC)
                .any(|at| self.sequences.iter().any(|sequence| typed[at..].starts_with(sequence)))
    }
}

/// Which of the keys were typed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ControlKeys {
    /// The signal that a key stands for: ctrl-c for SIGINT, ctrl-\ for SIGQUIT.
    ///
    /// The terminal driver makes a signal of it before claude has switched that off, and after claude has
    /// switched it on again. Otherwise claude reads a key, and may end because of it as it would by the
    /// signal.
    pub signal: Option<i32>,
    /// ctrl-s: it stashes a draft in claude.
    pub stashes: bool,
    /// ctrl-z: it suspends claude.
    pub suspends: bool,
}

impl ControlKeys {
    /// Those among the keys of one read.
    pub fn among(typed: &[u8]) -> Self {
        if !may_hold_one(typed) {
            return Self::default();
        }
        let signal = match () {
            () if CTRL_C.is_among(typed) => Some(libc::SIGINT),
            () if CTRL_BACKSLASH.is_among(typed) => Some(libc::SIGQUIT),
            () => None,
        };
        Self { signal, stashes: CTRL_S.is_among(typed), suspends: CTRL_Z.is_among(typed) }
    }
}

/// Whether one of the bytes is there that every such key begins with. Every key that is typed is looked at,
/// and a paste may be long.
fn may_hold_one(typed: &[u8]) -> bool {
    memchr::memchr3(ESC, CTRL_C.character, CTRL_BACKSLASH.character, typed).is_some()
        || memchr::memchr2(CTRL_S.character, CTRL_Z.character, typed).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: ControlKeys = ControlKeys { signal: None, stashes: false, suspends: false };

    #[test]
    fn each_key_is_known_in_every_encoding() {
        let c = ControlKeys { signal: Some(libc::SIGINT), ..NONE };
        let backslash = ControlKeys { signal: Some(libc::SIGQUIT), ..NONE };
        let s = ControlKeys { stashes: true, ..NONE };
        let z = ControlKeys { suspends: true, ..NONE };
        let cases: [(&[u8], ControlKeys); 12] = [
            (b"\x03", c),
            (b"a\x03b", c),
            (b"\x1b[99;5u", c),
            (b"\x1c", backslash),
            (b"\x1b[A\x1b[92;5u", backslash),
            (b"\x13", s),
            (b"\x1b[115;5u", s),
            (b"\x1b[27;5;115~", s),
            (b"x\x1ay", z),
            (b"\x1b[122;5u", z),
            (b"\x1b\x1b[27;5;122~", z),
            (b"\x13\x1a", ControlKeys { stashes: true, ..z }),
        ];
        for (typed, found) in cases {
            assert_eq!(ControlKeys::among(typed), found, "{typed:?}");
        }
    }

    #[test]
    fn other_keys_are_none_of_them() {
        for typed in [&b""[..], b"szc\\", b"\r", b"\x1b[115u", b"\x1b[122u", b"\x1b[I", b"[99;5u", b"\x1b"] {
            assert_eq!(ControlKeys::among(typed), NONE, "{typed:?}");
        }
    }
}

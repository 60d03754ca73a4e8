//! The answer to cckw's question while claude is gone: come back now, go on with the turn, or quit?

use super::Client;
use super::host_hung::HostWish;
use crate::protocol::FromClient;
use crate::vt::tokenizer::{BEL, ESC};

/// Enter, ctrl-c and c as the kitty keyboard has them, which was on a moment ago.
const ENTER: &[u8] = b"\x1b[13u";
const CTRL_C: &[u8] = b"\x1b[99;5u";
const C: &[u8] = b"\x1b[99u";

impl Client {
    /// Keys that were typed while claude is gone: the detach key detaches, and what is no answer is dropped.
    pub(super) fn decide(&mut self, count: usize) {
        let is_leaving = self.input.is_leaving();
        let can_continue = self.input.can_continue();
        let scanned = self.input.scan(count);
        if is_leaving {
            if scanned.detach.is_some() {
                self.insist();
            }
            return;
        }
        let before = scanned.detach.unwrap_or(scanned.forward.len());
        if let Some(message) = answer(&scanned.forward[..before], can_continue) {
            self.link.send(&message);
            if message == FromClient::Quit {
                self.expect(HostWish::Quit);
            }
        } else if scanned.detach.is_some() {
            self.detach();
        }
    }
}

/// The first answer in what was typed. The terminal's replies to what claude had asked can stand around it.
/// `can_continue` is whether a turn can be gone on with.
fn answer(mut typed: &[u8], can_continue: bool) -> Option<FromClient> {
    while let Some((first, after)) = typed.split_first() {
        match first {
            b'\r' | b'\n' => return Some(FromClient::Now),
            0x03 => return Some(FromClient::Quit),
            b'c' if can_continue => return Some(FromClient::Continue),
            &ESC => {
                let (sequence, rest) = typed.split_at(length(typed));
                match sequence {
                    ENTER => return Some(FromClient::Now),
                    CTRL_C => return Some(FromClient::Quit),
                    C if can_continue => return Some(FromClient::Continue),
                    _ => typed = rest,
                }
            }
            _ => typed = after,
        }
    }
    None
}

/// How long the escape sequence is that these bytes begin with; one that does not end is all there is, an Esc
/// by itself one byte.
fn length(bytes: &[u8]) -> usize {
    let end = |from: usize, found: fn(u8) -> bool| {
        let at = bytes.iter().skip(from).position(|byte| found(*byte));
        at.map_or(bytes.len(), |at| from + at + 1)
    };
    match bytes.get(1) {
        Some(b'[') => end(2, |byte| (0x40..=0x7e).contains(&byte)),
        Some(b'O') => bytes.len().min(3),
        Some(b']' | b'P' | b'X' | b'^' | b'_') => {
            let end = end(2, |byte| byte == ESC || byte == BEL);
            // Its end may be ESC and a backslash.
            end + usize::from(bytes[end - 1] == ESC && bytes.get(end) == Some(&b'\\'))
        }
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_between_what_the_terminal_replies() {
        for typed in
            ["\r", "\n", "\x1b[13u", "y\r", "\x1b[?62;c\r", "\x1b]11;rgb:0/0/0\x1b\\\r", "\x1b]11;?\x07\r"]
        {
            assert!(matches!(answer(typed.as_bytes(), false), Some(FromClient::Now)), "{typed:?}");
        }
        for typed in ["\x03", "\x1b[99;5u", "\x1b[I\x03", "\x1bP>|term 1\x1b\\\x03", "\x1b\x03", "\x03\r"] {
            assert!(matches!(answer(typed.as_bytes(), false), Some(FromClient::Quit)), "{typed:?}");
        }
    }

    #[test]
    fn a_turn_is_gone_on_with_only_where_there_is_one() {
        for typed in ["c", "\x1b[99u", "xc\r", "\x1b[Ic"] {
            assert_eq!(answer(typed.as_bytes(), true), Some(FromClient::Continue), "{typed:?}");
        }
        for typed in ["c", "\x1b[99u", "C", "\x1b]0;c\x07"] {
            assert_eq!(answer(typed.as_bytes(), false), None, "{typed:?}");
        }
    }

    #[test]
    fn anything_else_is_no_answer() {
        for typed in [
            "",
            "q",
            "\x1b",
            "\x1b[",
            "\x1b[A",
            "\x1bOM",
            "\x1b[13;2u",
            "\x1b]0;a\rb\x07",
            "\x1b]0;",
            "\x1b[?1u",
        ] {
            assert!(answer(typed.as_bytes(), false).is_none(), "{typed:?}");
        }
    }
}

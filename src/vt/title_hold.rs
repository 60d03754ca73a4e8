//! Keeps a program's title out of what goes to a terminal, while something else stands in that title.
//!
//! Everything else of the stream goes through, byte for byte. What is kept back for a moment is the beginning
//! of a sequence of which it cannot be told yet whether it sets a title.

use serde::{Deserialize, Serialize};

use super::tokenizer::{ESC, Position};

/// Follows a stream from a place between two sequences on.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TitleHold {
    position: Position,
    /// The beginning of a sequence that may turn out to set a title.
    beginning: Vec<u8>,
    /// The stream stands within a sequence that sets a title.
    is_title: bool,
    /// The last byte was an ESC that ended a title; a backslash behind it belongs to that.
    ended_title: bool,
}

impl TitleHold {
    /// What goes to the terminal of these bytes, and of what was kept back before.
    pub fn pass(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        for byte in bytes {
            self.step(*byte, &mut out);
        }
        out
    }

    fn step(&mut self, byte: u8, out: &mut Vec<u8>) {
        self.position = self.position.next(byte);
        if self.is_title {
            // BEL ends it, CAN and SUB break it off, and an ESC does either.
            self.is_title = self.position == Position::Command;
            self.ended_title = byte == ESC;
            if self.ended_title {
                self.beginning.push(byte);
            }
            return;
        }
        let ended_title = std::mem::take(&mut self.ended_title);
        if byte == ESC {
            out.append(&mut self.beginning);
            self.beginning.push(byte);
        } else if self.beginning.is_empty() {
            out.push(byte);
        } else if ended_title && byte == b'\\' {
            self.beginning.clear();
        } else if byte == b';' && sets_title(&self.beginning) {
            self.beginning.clear();
            self.is_title = true;
        } else {
            self.beginning.push(byte);
            if !may_set_title(&self.beginning) {
                out.append(&mut self.beginning);
            }
        }
    }
}

/// Whether this is `ESC ]` and the number of a sequence that sets the title of a window, of its icon, or both.
fn sets_title(beginning: &[u8]) -> bool {
    matches!(beginning.strip_prefix(b"\x1b]"), Some(b"0" | b"1" | b"2"))
}

/// Whether this can become that.
fn may_set_title(beginning: &[u8]) -> bool {
    beginning == b"\x1b]" || sets_title(beginning)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn passed(reads: &[&[u8]]) -> String {
        let mut hold = TitleHold::default();
        let out: Vec<u8> = reads.iter().flat_map(|read| hold.pass(read)).collect();
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn titles_are_left_out_wherever_they_are_cut() {
        for title in ["\x1b]0;a title\x07", "\x1b]2;\u{2733} x\x1b\\", "\x1b]1;\x07", "\x1b]0;cut\x18"] {
            let all = format!("a\x1b[1m{title}b");
            for cut in 0..=all.len() {
                let (first, last) = all.as_bytes().split_at(cut);
                assert_eq!(passed(&[first, last]), "a\x1b[1mb", "{title:?} cut at {cut}");
            }
        }
        assert_eq!(passed(&[b"\x1b]0;one\x1b]2;two\x07x"]), "x");
        assert_eq!(passed(&[b"\x1b]0;one\x1b[2Jx"]), "\x1b[2Jx");
    }

    #[test]
    fn all_else_goes_through() {
        for text in [
            "words \u{1f980}",
            "\x1b[2J\x1b[1;2H\x1b]8;;http://x\x07y\x1b]8;;\x07",
            "\x1b]10;?\x1b\\",
            "\x1b]22;pointer\x07",
            "\x1b]0\x07",
            "\x1b\x1b\\",
            "\x1bP0;1|17/17\x1b\\",
        ] {
            for cut in 0..=text.len() {
                let (first, last) = text.as_bytes().split_at(cut);
                assert_eq!(
                    passed(&[first, last]).as_bytes(),
                    String::from_utf8_lossy(text.as_bytes()).as_bytes()
                );
            }
        }
    }

    proptest! {
        #[test]
        fn what_has_no_title_is_as_it_was(bytes in prop::collection::vec(prop::sample::select(b"a;0123\x1b]\\\x07[m".to_vec()), 0..60)) {
            let mut hold = TitleHold::default();
            let out = hold.pass(&bytes);
            let has_title = [b"\x1b]0;", b"\x1b]1;", b"\x1b]2;"].iter().any(|title| bytes.windows(4).any(|found| found == *title));
            if !has_title {
                prop_assert_eq!([out, hold.beginning].concat(), bytes);
            } else {
                prop_assert!(out.len() < bytes.len());
            }
        }
    }
}

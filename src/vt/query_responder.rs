//! Answers what claude asks the terminal while there is none.
//!
//! What the last terminal said is said again; without one, what any terminal would say. A question that is
//! left open costs claude its patience: Claude Code asks for its device attributes (`CSI c`) last, and takes
//! the answer for the sign that no other is coming.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::modes::ModeTracker;
use super::modes::scanner::{Sequence, SequenceScanner};

/// Longest answer that is remembered, in bytes.
const MAX_ANSWER_BYTES: usize = 256;
/// The most that is answered to one read of claude's output, in bytes: what a PTY takes before somebody reads
/// it. A program that asks for more does not wait for it.
pub const MOST_ANSWERS: usize = 4096;
/// Most private modes whose support is remembered.
const MODES: usize = 64;

/// A VT220 with colours: what is said for a terminal that nobody has asked.
const ATTRIBUTES: &[u8] = b"\x1b[?62;22c";

/// What a terminal said when it was asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TerminalProfile {
    /// To `CSI c`.
    attributes: Option<Vec<u8>>,
    /// To `CSI > c`.
    secondary: Option<Vec<u8>>,
    /// To `CSI > q`.
    version: Option<Vec<u8>>,
    /// It has answered `CSI ? u`.
    kitty: bool,
    /// To `OSC 10 ; ?`, 11 and 12.
    colours: [Option<Vec<u8>>; 3],
    /// To `CSI ? 996 n`.
    scheme: Option<Vec<u8>>,
    /// To `CSI ? n $ p`: the states (0 unknown, 3 always on, 4 always off) that do not depend on what claude
    /// does.
    fixed: BTreeMap<u16, u8>,
}

impl TerminalProfile {
    /// Takes a whole reply of the terminal, as [`crate::vt::input_parser::InputParser`] finds it. One that is
    /// of no use later, such as a cursor position, is not kept.
    pub fn learn(&mut self, reply: &[u8]) {
        // What is said again is typed at claude: so nothing in it may be a key.
        if !is_harmless(reply) {
            return;
        }
        let kept = || (reply.len() <= MAX_ANSWER_BYTES).then(|| reply.to_vec());
        if let Some(rest) = reply.strip_prefix(b"\x1b]") {
            for (slot, start) in self.colours.iter_mut().zip([b"10;", b"11;", b"12;"]) {
                if rest.starts_with(start) && !rest.ends_with(b"?") {
                    *slot = kept();
                }
            }
            return;
        }
        if reply.starts_with(b"\x1bP>|") {
            self.version = kept();
            return;
        }
        let Some(body) = reply.strip_prefix(b"\x1b[") else { return };
        match body {
            [b'?', .., b'c'] => self.attributes = kept(),
            [b'>', .., b'c'] => self.secondary = kept(),
            [b'?', .., b'u'] => self.kitty = true,
            [b'?', b'9', b'9', b'7', b';', .., b'n'] => self.scheme = kept(),
            [b'?', middle @ .., b'$', b'y'] => self.learn_mode(middle),
            _ => {}
        }
    }

    fn learn_mode(&mut self, text: &[u8]) {
        let mut numbers = text.split(|byte| *byte == b';').map(number);
        let (Some(Some(mode)), Some(Some(state))) = (numbers.next(), numbers.next()) else { return };
        match u8::try_from(state) {
            Ok(state @ (0 | 3 | 4)) if self.fixed.len() < MODES || self.fixed.contains_key(&mode) => {
                self.fixed.insert(mode, state);
            }
            _ => drop(self.fixed.remove(&mode)),
        }
    }
}

/// Finds claude's questions in its output, cut anywhere, and answers them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TerminalResponder {
    scanner: SequenceScanner,
    remembered: TerminalProfile,
}

impl TerminalResponder {
    /// Answers as the terminal did whose replies these are.
    pub fn new(remembered: TerminalProfile) -> Self {
        Self { scanner: SequenceScanner::default(), remembered }
    }

    /// What is remembered, to take more replies when there is a terminal.
    pub fn remembered(&mut self) -> &mut TerminalProfile {
        &mut self.remembered
    }

    /// Reads on in claude's output and returns what is to be written to claude; empty where it asks nothing.
    ///
    /// `modes` have seen the same output. `cursor` is called where claude asks for the position: row and
    /// column from 0, after the same output. (A question is the last thing that a program writes before it
    /// waits.)
    pub fn answer(
        &mut self,
        bytes: &[u8],
        modes: &ModeTracker,
        mut cursor: impl FnMut() -> (u16, u16),
    ) -> Vec<u8> {
        let mut out = Vec::new();
        let remembered = &self.remembered;
        self.scanner.feed(bytes, |sequence| match sequence {
            // Whole answers alone.
            _ if out.len() > MOST_ANSWERS - MAX_ANSWER_BYTES => {}
            Sequence::Control { prefix, params, intermediates, last } => {
                remembered.control((prefix, params, intermediates, last), modes, &mut cursor, &mut out);
            }
            Sequence::Command { number: number @ 10..=12, text: b"?" } => {
                out.extend(remembered.colours[usize::from(number) - 10].iter().flatten());
            }
            _ => {}
        });
        out
    }

    /// Begins to answer at this position in the output: up to here there was a terminal that did.
    pub fn begin(&mut self, position: SequenceScanner) {
        self.scanner = position;
    }
}

impl TerminalProfile {
    fn control(
        &self,
        question: (Option<u8>, &[u8], &[u8], u8),
        modes: &ModeTracker,
        cursor: &mut impl FnMut() -> (u16, u16),
        out: &mut Vec<u8>,
    ) {
        let mut position = |private: &str| {
            let (row, column) = cursor();
            format!("\x1b[{private}{};{}R", u32::from(row) + 1, u32::from(column) + 1)
        };
        match question {
            (None, b"" | b"0", [], b'c') => out.extend(self.attributes.as_deref().unwrap_or(ATTRIBUTES)),
            (Some(b'>'), b"" | b"0", [], b'c') => out.extend(self.secondary.iter().flatten()),
            (Some(b'>'), b"" | b"0", [], b'q') => out.extend(self.version.iter().flatten()),
            (Some(b'?'), b"", [], b'u') if self.kitty => {
                out.extend(format!("\x1b[?{}u", modes.kitty_flags()).bytes());
            }
            (None, b"5", [], b'n') => out.extend(b"\x1b[0n"),
            (None, b"6", [], b'n') => out.extend(position("").bytes()),
            (Some(b'?'), b"6", [], b'n') => out.extend(position("?").bytes()),
            (Some(b'?'), b"996", [], b'n') => out.extend(self.scheme.iter().flatten()),
            (Some(b'?'), params, b"$", b'p') => {
                let Some(mode) = number(params) else { return };
                let state = match (self.fixed.get(&mode), modes.is_on(mode)) {
                    (Some(state), _) => *state,
                    (None, Some(true)) => 1,
                    (None, Some(false)) => 2,
                    (None, None) => 0,
                };
                out.extend(format!("\x1b[?{mode};{state}$y").bytes());
            }
            _ => {}
        }
    }
}

/// Whether nothing stands between the beginning and the end of a reply but printable ASCII.
fn is_harmless(reply: &[u8]) -> bool {
    let inner = reply.strip_prefix(b"\x1b").unwrap_or(reply);
    let inner = inner.strip_suffix(b"\x1b\\").or_else(|| inner.strip_suffix(b"\x07")).unwrap_or(inner);
    inner.iter().all(|byte| matches!(byte, b' '..=b'~'))
}

fn number(digits: &[u8]) -> Option<u16> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is answered to output that arrives as `parts`, after a terminal that gave `replies`.
    fn answers(replies: &[&[u8]], parts: &[&[u8]]) -> String {
        let mut answerer = TerminalResponder::default();
        replies.iter().for_each(|reply| answerer.remembered().learn(reply));
        let (mut modes, mut out) = (ModeTracker::default(), Vec::new());
        for part in parts {
            modes.feed(part);
            out.extend(answerer.answer(part, &modes, || (4, 9)));
        }
        String::from_utf8_lossy(&out).into_owned()
    }

    const TERMINAL: [&[u8]; 9] = [
        b"\x1b[?64;1;2c",
        b"\x1b[>1;4000;12c",
        b"\x1bP>|kitty(0.40.0)\x1b\\",
        b"\x1b[?0u",
        b"\x1b]10;rgb:dd/dd/dd\x1b\\",
        b"\x1b]11;rgb:11/11/11\x07",
        b"\x1b[?997;1n",
        b"\x1b[?2026;0$y",
        b"\x1b[24;80R",
    ];

    #[test]
    fn without_a_terminal_ever_claude_gets_what_ends_its_wait() {
        // As Claude Code 2.1.329 asks at its start.
        assert_eq!(answers(&[], &[b"\x1b[>0q\x1b[?u\x1b]7501;?\x07\x1b[c"]), "\x1b[?62;22c");
        assert_eq!(answers(&[], &[b"\x1b]10;?\x07\x1b]11;?\x1b\\\x1b[>c\x1b[?996n"]), "");
    }

    #[test]
    fn what_a_terminal_said_is_said_again() {
        assert_eq!(
            answers(&TERMINAL, &[b"\x1b[>0q\x1b[?u\x1b]7501;?\x07\x1b[c\x1b[>c"]),
            "\x1bP>|kitty(0.40.0)\x1b\\\x1b[?0u\x1b[?64;1;2c\x1b[>1;4000;12c"
        );
        assert_eq!(
            answers(&TERMINAL, &[b"\x1b]10;?\x07\x1b]11;?\x1b\\\x1b[?996n"]),
            "\x1b]10;rgb:dd/dd/dd\x1b\\\x1b]11;rgb:11/11/11\x07\x1b[?997;1n"
        );
    }

    #[test]
    fn what_holds_a_key_is_not_said_again() {
        let queries: &[u8] = b"\x1b[>0q\x1b]10;?\x07";
        for reply in [&b"\x1bP>|term(1)\r\x1b\\"[..], b"\x1b]10;rgb:0/0/0\x03\x07", b"\x1b]10;\x9b1m\x07"] {
            assert_eq!(answers(&[reply], &[queries]), "", "{reply:?}");
        }
        assert_eq!(answers(&[b"\x1bP>|term(1)\x1b\\"], &[queries]), "\x1bP>|term(1)\x1b\\");
    }

    #[test]
    fn what_claude_has_changed_is_answered_as_it_is_now() {
        assert_eq!(answers(&TERMINAL, &[b"\x1b[>5u\x1b[?u"]), "\x1b[?5u");
        assert_eq!(
            answers(&TERMINAL, &[b"\x1b[?2004h\x1b[?2004$p\x1b[?1004$p\x1b[?2026$p\x1b[?9999$p"]),
            "\x1b[?2004;1$y\x1b[?1004;2$y\x1b[?2026;0$y\x1b[?9999;0$y"
        );
        assert_eq!(answers(&[], &[b"\x1b[5n\x1b[6n\x1b[?6n"]), "\x1b[0n\x1b[5;10R\x1b[?5;10R");
    }

    #[test]
    fn what_is_no_question_is_not_answered() {
        for output in [
            &b"text\x1b[2J\x1b[31m\x1b]0;title\x07"[..],
            b"\x1b[?62;22c\x1b[24;80R\x1b[0n",
            b"\x1b]11;#000000\x07",
            b"\x1b[1c",
            b"\x1b[u\x1b[>1u\x1b[<u",
            b"\x1bP\x1b[c",
        ] {
            let expected = if output.starts_with(b"\x1bP") { "\x1b[?64;1;2c" } else { "" };
            assert_eq!(answers(&TERMINAL, &[output]), expected, "{output:?}");
        }
    }

    proptest! {
        #[test]
        fn where_the_output_is_cut_makes_no_difference(cuts in prop::collection::vec(1usize..7, 1..20)) {
            let output = b"ab\x1b[>0q\x1b[?u\x1b]7501;?\x07\x1b[c\x1b]11;?\x1b\\\x1b[?2031$p\x1b[5n";
            let (mut rest, mut parts, mut cuts) = (&output[..], Vec::new(), cuts.iter().cycle());
            while !rest.is_empty() {
                let (now, later) = rest.split_at((*cuts.next().expect("cycles")).min(rest.len()));
                parts.push(now);
                rest = later;
            }
            prop_assert_eq!(answers(&TERMINAL, &parts), answers(&TERMINAL, &[output]));
        }

        #[test]
        fn nothing_that_is_learnt_or_read_is_too_much(
            replies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..600), 0..20),
            output in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let replies: Vec<&[u8]> = replies.iter().map(Vec::as_slice).collect();
            answers(&replies, &[&output]);
        }
    }
}

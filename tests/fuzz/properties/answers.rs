//! The answers to claude's questions where there is no terminal: the same however the output is cut, bounded,
//! and never anything that claude could take for typing.
//!
//! Input: how much of the rest is what a terminal sent (in eights of bytes), how claude's output is cut, both
//! streams.

use cckw::vt::input_parser::InputParser;
use cckw::vt::modes::ModeTracker;
use cckw::vt::query_responder::TerminalResponder;

use super::cut;

/// The longest answer to one question, in bytes; the shortest question has three.
const LONGEST: usize = 256;

pub fn check(data: &[u8]) {
    let Some((&[part, seed], bytes)) = data.split_first_chunk() else { return };
    let (terminal, output) = bytes.split_at((usize::from(part) * 8).min(bytes.len()));
    let mut answerer = TerminalResponder::default();
    let mut keyboard = InputParser::passive();
    for reply in keyboard.feed(terminal).replies {
        answerer.remembered().learn(&reply);
    }
    let modes = ModeTracker::default();
    // Away from where a position looks like a key (`CSI 1 ; 2 R` is F3 with shift).
    let cursor = || (4, 9);

    let whole = answerer.clone().answer(output, &modes, cursor);
    let mut in_pieces = answerer.clone();
    let pieces: Vec<u8> =
        cut(output, seed).iter().flat_map(|piece| in_pieces.answer(piece, &modes, cursor)).collect();
    assert_eq!(whole, pieces, "cut, it is another stream");

    // With the modes as they are, answers may differ by when they are given, but not in kind.
    let (mut live, mut in_turn, mut modes) = (Vec::new(), answerer.clone(), ModeTracker::default());
    for piece in cut(output, seed) {
        modes.feed(piece);
        live.extend(in_turn.answer(piece, &modes, cursor));
    }
    for answers in [whole, live] {
        assert!(answers.len() <= output.len() / 3 * LONGEST, "{} bytes", answers.len());
        let mut claude = InputParser::passive();
        let found = claude.feed(&answers);
        assert!(!found.typed, "{:?}", answers.escape_ascii());
        assert_eq!(found.replies.concat(), answers);
        assert!(!claude.is_in_sequence() && !claude.is_in_paste());
    }

    // What was read while there was a terminal that answered is followed all the same: the modes know where
    // it stands.
    let (before, after) = output.split_at(output.len() / 2);
    let (mut silent, mut aloud, modes) = (answerer.clone(), answerer, ModeTracker::default());
    let mut reader = ModeTracker::default();
    reader.feed(before);
    silent.begin(reader.position());
    aloud.answer(before, &modes, cursor);
    assert_eq!(silent.answer(after, &modes, cursor), aloud.answer(after, &modes, cursor));
}

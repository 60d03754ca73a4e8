//! What output costs the host: no output, however it asks, makes one turn of the host's loop long.
//!
//! It is counted, not measured, so that it is the same on each machine: the work of the screen model in the
//! units of `session::screen::work`, the length of what is answered, and of what is remembered.
//! `tests/suite/security/freeze/output.rs` measures the same in time.
//!
//! Input: rows, columns, how often what follows is repeated, and that.

use cckw::os::tty::Size;
use cckw::vt::input_parser::InputParser;
use cckw::vt::modes::ModeTracker;
use cckw::vt::query_responder::{MOST_ANSWERS, TerminalResponder};
use cckw::vt::screen::{Screen, TURN_RESERVE, TURN_WORK};

/// A quarter of what the host reads of claude's output in one turn, in bytes, and what it reads at a time.
const TURN: usize = 16 * 1024;
const READ: usize = 4095;
/// More than what undoes or switches on the modes may have, in bytes: a title of 256 bytes, the kitty stacks
/// of two screens.
const MOST_MODES: usize = 4096;

pub fn check(data: &[u8]) {
    let Some((&[rows, columns, times], piece)) = data.split_first_chunk() else { return };
    let size = Size { rows: rows.into(), columns: u16::from(columns) * 4, width: 0, height: 0 };
    let bytes: Vec<u8> = piece.repeat(1 << (times % 15)).into_iter().take(TURN).collect();
    let mut screen = Screen::new(size);
    // One sequence, or one screen that is made anew, may go beyond the bounds.
    let cells = u64::from(size.rows.max(24)) * u64::from(size.columns.max(80));
    let largest = cells * 12 * 33 + u64::from(u16::MAX) * 20_000;

    screen.begin_turn();
    let before = screen.work_done();
    let (mut modes, mut answerer) = (ModeTracker::default(), TerminalResponder::default());
    for read in bytes.chunks(READ) {
        modes.feed(read);
        screen.push(read);
        let answer = answerer.answer(read, &modes, || screen.cursor());
        assert!(answer.len() <= MOST_ANSWERS, "{} bytes are answered", answer.len());
    }
    screen.text();
    let done = screen.work_done() - before;
    assert!(done <= TURN_WORK + TURN_RESERVE + 20 * largest, "{done} units in one turn");
    for bytes in [modes.undo(), modes.undo_blindly(), modes.redo()] {
        assert!(bytes.len() <= MOST_MODES, "{} bytes for the modes", bytes.len());
    }

    // The same from the keyboard: as much as the client reads at a time.
    let mut scanner = InputParser::default();
    scanner.expect_extended_keys(true);
    for read in bytes.chunks(8192) {
        let scanned = scanner.feed(read);
        assert!(scanned.forward.len() <= read.len() + 64);
        let replies: usize = scanned.replies.iter().map(Vec::len).sum();
        assert!(replies <= read.len() + 1024, "{replies} bytes of replies");
    }
}

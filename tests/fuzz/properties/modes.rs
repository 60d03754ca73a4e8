//! The mode tracker: it ends in the same state however claude's output is cut, what it undoes is undone, and
//! what it switches on again is what was on.
//!
//! Input: how the stream is cut, and the stream.

use cckw::vt::modes::ModeTracker;

use super::cut;

/// More than undoing, or switching on again, ever takes, in bytes: two stacks of keyboard flags, a title, and
/// some modes.
const MOST: usize = 4096;
/// In how many pieces of a stream what it says is looked at.
const ASKED: usize = 100;

pub fn check(data: &[u8]) {
    let Some((seed, bytes)) = data.split_first() else { return };
    let mut whole = ModeTracker::default();
    whole.feed(bytes);
    let mut pieces = ModeTracker::default();
    let mut before = said(&pieces);
    for (number, piece) in cut(bytes, *seed).into_iter().enumerate() {
        let told = pieces.feed(piece);
        // The client is told what to undo only where a sequence ended. Asking for all of it takes its time.
        if number < ASKED {
            let after = said(&pieces);
            assert!(told || after == before, "a change that is not told: {before:?}, {after:?}");
            before = after;
        }
    }
    assert_eq!(said(&whole), said(&pieces), "cut, it is another stream");
    assert_eq!((whole.undo(), whole.is_between()), (pieces.undo(), pieces.is_between()));
    for said in said(&whole) {
        assert!(said.len() <= MOST, "{} bytes", said.len());
    }
    is_undone(whole.clone());
    is_redone(whole);
}

/// All that it says, but for what depends on a sequence that is not whole.
fn said(tracker: &ModeTracker) -> [String; 5] {
    let flags = (tracker.kitty_flags(), tracker.has_extended_keys(), tracker.on_alternate_screen());
    [
        tracker.undo().trim_start_matches('\x18').to_owned(),
        tracker.undo_blindly(),
        tracker.redo(),
        tracker.title(),
        format!("{flags:?}"),
    ]
}

/// A terminal that gets what undoes has nothing left on.
fn is_undone(tracker: ModeTracker) {
    for undo in [tracker.undo(), tracker.undo_blindly()] {
        let mut terminal = tracker.clone();
        terminal.feed(undo.as_bytes());
        // A saved title comes back with the value it had, which nobody here knows.
        terminal.feed(b"\x1b]0;\x07");
        // More saved titles than anybody has are not all taken back.
        for _ in 0..255 {
            terminal.feed(b"\x1b[23t");
        }
        assert_eq!(terminal.undo(), "");
        assert!(terminal.is_between() && terminal.kitty_flags() == 0 && !terminal.on_alternate_screen());
    }
}

/// A terminal without any modes that gets what switches on again has the same on.
fn is_redone(mut tracker: ModeTracker) {
    // What a repaint brings, or claude's next frame: an update, text attributes, links, progress, colours.
    // And a title, which is set again without what no title should hold.
    tracker.feed(b"\x18\x1b[?2026l\x1b[m\x1b]8;;\x07\x1b]9;4;0\x07\x1b]104\x07\x1b]110\x07\x1b]111\x07\x1b]112\x07\x1b]0;\x07");
    let mut terminal = ModeTracker::default();
    terminal.feed(tracker.redo().as_bytes());
    assert_eq!((terminal.undo(), terminal.redo()), (tracker.undo(), tracker.redo()));
}

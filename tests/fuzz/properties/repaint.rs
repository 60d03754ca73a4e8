//! The screen model and what is sent to a terminal that attaches: it survives whatever claude writes, in
//! bounded memory, and what the repaint shows is what claude has drawn.
//!
//! Input: rows, columns, where in the stream somebody attaches, and the stream.

use cckw::os::tty::Size;
use cckw::vt::modes::ModeTracker;
use cckw::vt::screen::Screen;
use cckw::vt::tokenizer::Position;

/// More than the repaint of such a small screen may have, in bytes: 1,000 lines above it, and the screen
/// itself twice.
const MOST: usize = 2 << 20;

/// A terminal, as far as it can be seen.
struct Terminal {
    screen: Screen,
    modes: ModeTracker,
}

impl Terminal {
    fn new(size: Size) -> Self {
        Self { screen: Screen::new(size), modes: ModeTracker::default() }
    }

    fn show(&mut self, bytes: &[u8]) {
        self.modes.feed(bytes);
        self.screen.push(bytes);
        self.screen.cursor();
        assert!(!self.screen.is_stale(), "the emulator has panicked at {:?}", bytes.escape_ascii());
    }

    /// Text, text with colours, and the cursor. A blank at the end of a row looks like none.
    fn looks(&mut self) -> (Vec<String>, String, (u16, u16)) {
        let text = self.screen.text().iter().map(|row| row.trim_end_matches(' ').to_owned()).collect();
        (text, self.screen.formatted(), self.screen.cursor())
    }
}

/// Whether there is something in the stream that a repaint does not keep (docs/reports/fuzzing.md), and that
/// nothing that was seen of Claude Code uses: REP, when the cursor was moved since the character was written
/// that it repeats.
fn is_left_out(bytes: &[u8]) -> bool {
    let mut position = Position::Text;
    bytes.iter().any(|byte| {
        let before = std::mem::replace(&mut position, Position::Text);
        position = before.next(*byte);
        before == Position::Control && *byte == b'b'
    })
}

pub fn check(data: &[u8]) {
    let Some((&[rows, columns, at], bytes)) = data.split_first_chunk() else { return };
    let size =
        Size { rows: 1 + u16::from(rows) % 60, columns: 1 + u16::from(columns) % 120, width: 0, height: 0 };
    let (before, after) = bytes.split_at(bytes.len() * usize::from(at) / 255);
    if is_left_out(bytes) {
        return;
    }

    let mut always = Terminal::new(size);
    always.show(before);
    let looks = always.looks();
    let repaint = always.screen.repaint(&always.modes);
    assert!(repaint.len() <= MOST, "{} bytes", repaint.len());
    assert_eq!(always.looks(), looks, "asking changed the model");
    assert!(!always.screen.is_stale(), "the emulator has panicked while it was asked");
    assert_eq!(always.screen.repaint(&always.modes), repaint, "asked again it is another one");

    let mut late = Terminal::new(size);
    late.show(b"\x1b[32m$\x1b[m ls\r\nsome files\r\n$ cckw attach\r\n");
    late.show(&repaint);
    assert_eq!(late.looks(), looks);

    always.show(after);
    late.show(after);
    assert_eq!(late.looks(), always.looks(), "not the same at the end");
    let larger = Size { rows: size.rows + 3, columns: size.columns / 2 + 1, ..size };
    always.screen.resize(larger);
    assert!(!always.screen.is_stale(), "the emulator has panicked at a new size");
    always.looks();
}

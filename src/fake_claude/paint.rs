//! From one frame to the next: what to write so that the terminal shows it.

use std::fmt::Write as _;

use super::draw::Frame;
use super::terminal::Cells;

/// Remembers what the terminal shows.
#[derive(Debug)]
pub struct Painter {
    fullscreen: bool,
    shown: Option<(Frame, Cells)>,
}

impl Painter {
    /// A painter of a terminal whose cursor is where the first line goes.
    pub fn new(fullscreen: bool) -> Self {
        Self { fullscreen, shown: None }
    }

    /// The terminal was used by somebody else: the next frame begins where the cursor is.
    pub fn forget(&mut self) {
        self.shown = None;
    }

    /// The bytes that bring the cursor to the last line shown.
    pub fn finish(&self) -> String {
        let below = self.shown.as_ref().map_or(0, |(frame, _)| frame.live.len() - 1 - frame.cursor.0);
        if self.fullscreen || below == 0 { String::new() } else { format!("\x1b[{below}B") }
    }

    /// The bytes that turn what is shown into `frame`; nothing when it is shown already.
    pub fn paint(&mut self, frame: Frame, size: Cells) -> String {
        if self.shown.as_ref().is_some_and(|(old, old_size)| *old == frame && *old_size == size) {
            return String::new();
        }
        let bytes = if self.fullscreen { fill(&frame, size) } else { self.append(&frame, size) };
        self.shown = Some((frame, size));
        bytes
    }

    /// The normal screen: the conversation is printed once, and what is below it is printed anew.
    fn append(&self, frame: &Frame, size: Cells) -> String {
        let mut out = String::new();
        let mut first_new = 0;
        if let Some((old, old_size)) = &self.shown {
            let continues =
                *old_size == size && old.kind == frame.kind && frame.fixed.starts_with(&old.fixed);
            if continues {
                first_new = old.fixed.len();
                if old.cursor.0 > 0 {
                    let _ = write!(out, "\x1b[{}A", old.cursor.0);
                }
                out.push_str("\r\x1b[J");
            } else {
                out.push_str("\x1b[2J\x1b[3J\x1b[H");
            }
        }
        let lines: Vec<&str> =
            frame.fixed[first_new..].iter().chain(&frame.live).map(String::as_str).collect();
        out.push_str(&lines.join("\r\n"));
        let up = frame.live.len() - 1 - frame.cursor.0;
        if up > 0 {
            let _ = write!(out, "\x1b[{up}A");
        }
        let _ = write!(out, "\x1b[{}G", frame.cursor.1 + 1);
        out
    }
}

/// The alternate screen: every row anew, the prompt at the bottom.
fn fill(frame: &Frame, size: Cells) -> String {
    let room = size.rows - frame.live.len();
    let fixed = &frame.fixed[frame.fixed.len().saturating_sub(room)..];
    let mut out = String::from("\x1b[H");
    for row in 0..size.rows {
        let line = match row.checked_sub(room) {
            Some(row) => frame.live.get(row),
            None => fixed.get(row),
        };
        let end = if row + 1 < size.rows { "\r\n" } else { "" };
        // Erase first: behind a line that fills the row, the cursor still stands on its last cell.
        let _ = write!(out, "\x1b[K{}{end}", line.map_or("", String::as_str));
    }
    let _ = write!(out, "\x1b[{};{}H", room + frame.cursor.0 + 1, frame.cursor.1 + 1);
    out
}

#[cfg(test)]
mod tests {
    use std::num::NonZero;

    use super::*;

    fn frame(fixed: &[&str], live: &[&str], cursor: (usize, usize)) -> Frame {
        let own = |lines: &[&str]| lines.iter().map(|&l| l.to_owned()).collect();
        Frame { fixed: own(fixed), live: own(live), cursor, kind: 0 }
    }

    /// Frames that grow, shrink and change in the middle, on a screen that they scroll.
    #[test]
    fn the_screen_shows_the_last_frame_whatever_came_before() {
        let frames = [
            frame(&["head"], &["rule", "a", "rule", "foot"], (1, 1)),
            frame(&["head", "one"], &["rule", "ab", "c", "rule", "foot"], (2, 1)),
            frame(&["head", "one", "two"], &["rule", "", "rule"], (1, 0)),
            frame(&["head"], &["0123456789", "x", "0123456789", "foot"], (1, 1)),
            frame(&["head", "1", "2", "3", "4"], &["0123456789", "x", "0123456789", "foot"], (1, 1)),
        ];
        let size = Cells { rows: 6, cols: 10 };
        for fullscreen in [false, true] {
            let mut painter = Painter::new(fullscreen);
            let mut screen = vt100::Parser::new(NonZero::new(6).unwrap(), NonZero::new(10).unwrap(), 0);
            for frame in &frames {
                screen.process(painter.paint(frame.clone(), size).as_bytes());
                let shown = screen.screen().contents();
                let visible: Vec<&str> = shown.lines().filter(|line| !line.is_empty()).collect();
                let all: Vec<String> =
                    frame.fixed.iter().chain(&frame.live).filter(|l| !l.is_empty()).cloned().collect();
                let tail = &all[all.len() - visible.len()..];
                assert_eq!(visible, tail);
                let (row, column) = screen.screen().cursor_position();
                let wanted = frame.live[frame.cursor.0].as_str();
                let row_text = shown.lines().nth(row.into()).unwrap_or("");
                assert_eq!((row_text, usize::from(column)), (wanted, frame.cursor.1));
            }
            assert_eq!(painter.paint(frames[4].clone(), size), "");
        }
    }
}

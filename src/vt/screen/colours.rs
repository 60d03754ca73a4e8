//! The screen with its colours, as lines that can be printed anywhere.
//!
//! A repaint moves the cursor about, which a pager or a file makes nothing of.

use crate::vt::emulator::style::{PLAIN, Style};
use crate::vt::emulator::{CellView, Emulator};

/// The lines of the screen with colours and attributes (SGR alone), each of which ends without any.
pub fn lines(emulator: &Emulator) -> impl Iterator<Item = String> {
    (0..emulator.size().0).map(|row| line(emulator, row))
}

fn line(emulator: &Emulator, row: u16) -> String {
    let cells: Vec<CellView<'_>> = emulator.cells(row).collect();
    let end = cells.iter().rposition(shows).map_or(0, |last| last + 1);
    let mut line = String::new();
    let mut now = PLAIN;
    for cell in cells[..end].iter().filter(|cell| !cell.continues()) {
        let style = *cell.style();
        style.write(&now, &mut line);
        now = style;
        if cell.is_written() {
            cell.push_text(&mut line);
        } else {
            line.push(' ');
        }
    }
    PLAIN.write(&now, &mut line);
    line
}

/// Whether there is something to be seen in a cell.
fn shows(cell: &CellView<'_>) -> bool {
    let mut text = String::new();
    cell.push_text(&mut text);
    !matches!(text.as_str(), "" | " ") || Style { link: 0, ..*cell.style() } != PLAIN || cell.continues()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(bytes: &str) -> Vec<String> {
        let mut emulator = Emulator::new(2, 8, 0);
        emulator.process(bytes.as_bytes());
        lines(&emulator).collect()
    }

    #[test]
    fn plain_text_is_itself() {
        assert_eq!(shown("ab  cd\r\n漢x"), ["ab  cd", "漢x"]);
    }

    #[test]
    fn colours_begin_and_end_on_their_line() {
        assert_eq!(
            shown("a\x1b[1;31mb\x1b[m c\r\n\x1b[48;2;1;2;3m "),
            ["a\x1b[1;31mb\x1b[m c", "\x1b[48;2;1;2;3m \x1b[m"]
        );
    }

    #[test]
    fn a_hyperlink_is_its_text() {
        assert_eq!(shown("\x1b]8;;http://x\x1b\\a\x1b[9mb"), ["a\x1b[9mb\x1b[m", ""]);
    }
}

//! The screen with its colours, as lines that can be printed anywhere.
//!
//! The emulator's own form of this moves the cursor about, which a pager or a file makes nothing of.

use std::fmt::Write;

use vt100::{Cell, Color};

/// The lines of the screen with colours and attributes (SGR alone), each of which ends without any.
pub fn lines(screen: &vt100::Screen) -> impl Iterator<Item = String> {
    let (rows, columns) = screen.size();
    (0..rows.get()).map(move |row| line(screen, row, columns.get()))
}

fn line(screen: &vt100::Screen, row: u16, columns: u16) -> String {
    let cells: Vec<&Cell> = (0..columns).filter_map(|column| screen.cell(row, column)).collect();
    let shows = |cell: &&Cell| cell.has_contents() && cell.contents() != " " || style(cell) != PLAIN;
    let end = cells.iter().rposition(shows).map_or(0, |last| last + 1);
    let mut line = String::new();
    let mut now = PLAIN.to_owned();
    for cell in &cells[..end] {
        if cell.is_wide_continuation() {
            continue;
        }
        let wanted = style(cell);
        if wanted != now {
            let _ = write!(line, "\x1b[{wanted}m");
            now = wanted;
        }
        line.push_str(if cell.has_contents() { cell.contents() } else { " " });
    }
    if now != PLAIN {
        line.push_str("\x1b[m");
    }
    line
}

/// The style of a cell that has none.
const PLAIN: &str = "0";

/// The parameters that switch a cell's style on from none or any other.
fn style(cell: &Cell) -> String {
    let mut style = PLAIN.to_owned();
    for (is_on, parameter) in [
        (cell.bold(), ";1"),
        (cell.dim(), ";2"),
        (cell.italic(), ";3"),
        (cell.underline(), ";4"),
        (cell.inverse(), ";7"),
    ] {
        if is_on {
            style.push_str(parameter);
        }
    }
    for (colour, base) in [(cell.fgcolor(), 38), (cell.bgcolor(), 48)] {
        let _ = match colour {
            Color::Default => Ok(()),
            Color::Idx(index) => write!(style, ";{base};5;{index}"),
            Color::Rgb(red, green, blue) => write!(style, ";{base};2;{red};{green};{blue}"),
        };
    }
    style
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use super::*;

    fn shown(bytes: &str) -> Vec<String> {
        let size = |number| NonZeroU16::new(number).expect("a size");
        let mut parser = vt100::Parser::new(size(2), size(8), 0);
        parser.process(bytes.as_bytes());
        lines(parser.screen()).collect()
    }

    #[test]
    fn plain_text_is_itself() {
        assert_eq!(shown("ab  cd\r\n漢x"), ["ab  cd", "漢x"]);
    }

    #[test]
    fn colours_begin_and_end_on_their_line() {
        assert_eq!(
            shown("a\x1b[1;31mb\x1b[m c\r\n\x1b[48;2;1;2;3m "),
            ["a\x1b[0;1;38;5;1mb\x1b[0m c", "\x1b[0;48;2;1;2;3m \x1b[m"]
        );
    }
}

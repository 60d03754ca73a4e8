//! The form in which a screen is kept: a head of lines `key: value`, a line `---`, and the rows with their
//! colours.

use std::fmt::Write as _;

use vt100::{Cell, Color, Screen};

/// The whole file.
pub fn file(screen: &Screen, verdict: &str) -> String {
    let (rows, columns) = screen.size();
    let (row, column) = screen.cursor_position();
    let mut file = format!("size: {rows} {columns}\n");
    let hidden = if screen.hide_cursor() { " hidden" } else { "" };
    let _ = writeln!(file, "cursor: {row} {column}{hidden}");
    if screen.alternate_screen() {
        file.push_str("screen: alternate\n");
    }
    for line in verdict.split("; ") {
        let _ = writeln!(file, "{}", line.trim_start());
    }
    file.push_str("---\n");
    for row in 0..rows.get() {
        let _ = writeln!(file, "{}", line(screen, row, columns.get()));
    }
    file
}

/// One row, without the blanks at its end, which ends without any colour.
fn line(screen: &Screen, row: u16, columns: u16) -> String {
    let cells: Vec<&Cell> = (0..columns).filter_map(|column| screen.cell(row, column)).collect();
    let end = cells.iter().rposition(|cell| shows(cell)).map_or(0, |last| last + 1);
    let mut line = String::new();
    let mut now = cells[0];
    let mut parameters = String::new();
    for cell in cells[..end].iter().filter(|cell| !cell.is_wide_continuation()) {
        // A blank can be in any colour.
        let wanted = if shows(cell) || colours_blanks(now) { style(cell) } else { parameters.clone() };
        if wanted != parameters {
            // An empty first parameter switches off what was on.
            let _ = write!(line, "\x1b[{wanted}m");
            (parameters, now) = (wanted, cell);
        }
        line.push_str(if cell.has_contents() { cell.contents() } else { " " });
    }
    if !parameters.is_empty() {
        line.push_str("\x1b[m");
    }
    line
}

/// Whether something is to be seen in a cell.
fn shows(cell: &Cell) -> bool {
    !matches!(cell.contents(), "" | " ") || colours_blanks(cell)
}

/// Whether a blank in the colours of this cell can be seen.
fn colours_blanks(cell: &Cell) -> bool {
    cell.bgcolor() != Color::Default || cell.inverse() || cell.underline()
}

/// The parameters of SGR that make a cell look so, each with a semicolon before it; none for a plain cell.
fn style(cell: &Cell) -> String {
    let mut style = String::new();
    for (on, parameter) in [
        (cell.bold(), ";1"),
        (cell.dim(), ";2"),
        (cell.italic(), ";3"),
        (cell.underline(), ";4"),
        (cell.inverse(), ";7"),
    ] {
        style.push_str(if on { parameter } else { "" });
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

//! Columns that stand below each other, also with wide characters.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Lines with the cells of each column below each other, two spaces between columns, and none at the end.
pub fn align<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.width().max(*width);
        }
    }
    let line = |row: &[String; N]| {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            line.push_str(cell);
            line.push_str(&" ".repeat(width - cell.width() + 2));
        }
        line.truncate(line.trim_end().len());
        line
    };
    rows.iter().map(line).collect()
}

/// As much of a line as fits into so many columns of a terminal.
pub fn cut(line: &str, columns: usize) -> &str {
    let mut width = 0;
    let fits = |c: &char| {
        width += c.width().unwrap_or(0);
        width <= columns
    };
    let length = line.chars().take_while(fits).map(char::len_utf8).sum();
    &line[..length]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let rows = [["NAME", "STATE"], ["日本", "idle"], ["cafe\u{301}", "busy"], ["x", ""]];
        let lines = align(&rows.map(|row| row.map(str::to_owned)));
        assert_eq!(lines, ["NAME  STATE", "日本  idle", "cafe\u{301}  busy", "x"]);
    }

    #[test]
    fn a_line_is_cut_where_the_terminal_ends() {
        for (columns, cut_to) in [(0, ""), (1, "a"), (2, "a"), (3, "a日"), (4, "a日b"), (9, "a日b")] {
            assert_eq!(cut("a日b", columns), cut_to);
        }
    }
}

//! Columns that stand below each other, also with wide characters.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What is always left of the last cells, in columns: `DIRECTORY` is as long.
const HEADING: usize = 9;

/// Lines with the cells of each column below each other, two spaces between columns, and none at the end.
pub fn align<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let all: Vec<usize> = (0..N).collect();
    lines(rows, &all, usize::MAX)
}

/// The same for a terminal with so many columns. What does not fit is taken from the beginnings of the last
/// cells, a path each, down to `least`; then from the columns that are `dispensable`, the first one first;
/// then what is still there of the last cells. If that is too wide, it is.
pub fn fit<const N: usize>(
    rows: &[[String; N]],
    columns: usize,
    least: usize,
    dispensable: &[usize],
) -> Vec<String> {
    let widths = widths(rows);
    let last = widths[N - 1];
    let mut kept: Vec<usize> = (0..N).collect();
    let mut dispensable = dispensable.iter();
    loop {
        let others: usize = kept.iter().filter(|at| **at < N - 1).map(|at| widths[*at] + 2).sum();
        let room = columns.saturating_sub(others);
        if room >= last.min(least) {
            return lines(rows, &kept, room);
        }
        match dispensable.next() {
            Some(next) => kept.retain(|at| at != next),
            None => return lines(rows, &kept, room.max(HEADING)),
        }
    }
}

fn widths<const N: usize>(rows: &[[String; N]]) -> [usize; N] {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.width().max(*width);
        }
    }
    widths
}

/// Lines of these columns, the last of which gets so much room.
fn lines<const N: usize>(rows: &[[String; N]], kept: &[usize], room: usize) -> Vec<String> {
    let widths = widths(rows);
    let line = |row: &[String; N]| {
        let mut line = String::new();
        for &at in kept {
            let cell = &row[at];
            if at == N - 1 {
                line.push_str(&shorten(cell, room));
            } else {
                line.push_str(cell);
                line.push_str(&" ".repeat(widths[at] - cell.width() + 2));
            }
        }
        line.truncate(line.trim_end().len());
        line
    };
    rows.iter().map(line).collect()
}

/// The end of a text, for the end of a path says most, with an ellipsis where something is missing.
fn shorten(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut width = 1;
    let fits = |c: &char| {
        width += c.width().unwrap_or(0);
        width <= columns
    };
    let kept: usize = text.chars().rev().take_while(fits).map(char::len_utf8).sum();
    format!("\u{2026}{}", &text[text.len() - kept..])
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
    fn a_table_fits_as_far_as_it_can() {
        let rows = [["NAME", "MORE", "DIR"], ["one", "12", "/home/you/src/日本"], ["two", "3", "/w"]];
        let rows = rows.map(|row| row.map(str::to_owned));
        assert_eq!(fit(&rows, 80, 8, &[1]), align(&rows));
        let fits = |columns: usize| {
            let lines = fit(&rows, columns, 8, &[1]);
            assert!(lines.iter().all(|line| line.width() <= columns), "{columns}: {lines:?}");
            lines
        };
        assert_eq!(fits(24)[1..], ["one   12    …ou/src/日本", "two   3     /w"]);
        assert_eq!(fits(20)[1..], ["one   12    …rc/日本", "two   3     /w"]);
        assert_eq!(fits(19)[0], "NAME  DIR");
        assert_eq!(fits(14)[1], "one   …rc/日本");
        // Here it ends.
        assert_eq!(fit(&rows, 5, 8, &[1])[1], "one   …src/日本");
    }

    #[test]
    fn a_line_is_cut_where_the_terminal_ends() {
        for (columns, cut_to) in [(0, ""), (1, "a"), (2, "a"), (3, "a日"), (4, "a日b"), (9, "a日b")] {
            assert_eq!(cut("a日b", columns), cut_to);
        }
    }
}

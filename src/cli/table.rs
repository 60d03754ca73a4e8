//! Columns that stand below each other, also with wide characters and colours.

use anstyle::Style;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The title of the column that stays longest, with the one behind it.
const NAME: &str = "NAME";

/// Begins a colour. Nothing else in a line begins with it, for all texts are escaped.
const ESC: char = '\u{1b}';

/// What stands in one place of a table.
#[derive(Debug, Clone, Default)]
pub struct Cell {
    /// Already escaped.
    text: String,
    /// Nothing where no colours are shown.
    style: Style,
}

impl Cell {
    /// The same in this style.
    pub fn styled(self, style: Style) -> Self {
        Self { style, ..self }
    }

    fn width(&self) -> usize {
        self.text.width()
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), style: Style::new() }
    }
}

/// A line of a table. The first one has the titles, and all have as many cells as that.
pub type Row = Vec<Cell>;

/// Lines with the cells of each column below each other, two spaces between columns, and none at the end.
pub fn align(rows: &[Row]) -> Vec<String> {
    let widths = widths(rows);
    let all: Vec<usize> = (0..widths.len()).collect();
    lines(rows, &all, &widths)
}

/// The same for a terminal with so many columns; the first row has the titles. The last cells are texts, and
/// those before them paths. A last column of which there is nothing but its title is left out.
///
/// What does not fit is taken from the ends of the texts and the beginnings of the paths, down to `least` of
/// paths and texts; then from the columns with the titles in `dispensable`, the first one first; then the
/// texts go, and the paths below `least`; then the columns behind STATE, the last one first, and the ends of the
/// names. No line is wider than the terminal.
pub fn fit(rows: &[Row], columns: usize, least: [usize; 2], dispensable: &[&str]) -> Vec<String> {
    let (mut widths, Some(titles)) = (widths(rows), rows.first()) else { return Vec::new() };
    let Some(texts) = titles.len().checked_sub(1) else { return Vec::new() };
    let Some(paths) = texts.checked_sub(1) else { return align(rows) };
    let [least_path, least_text] = [widths[paths].min(least[0]), widths[texts].min(least[1])];
    let mut kept: Vec<usize> = (0..titles.len()).filter(|at| *at < texts || has_texts(rows)).collect();
    let mut dispensable = dispensable.iter();
    loop {
        let others: usize = kept.iter().filter(|at| **at < paths).map(|at| widths[*at] + 2).sum();
        let room = columns.saturating_sub(others);
        let for_text = if kept.contains(&texts) { least_text + 2 } else { 0 };
        if room >= least_path + for_text {
            widths[paths] = widths[paths].min(room - for_text);
            widths[texts] = widths[texts].min(room.saturating_sub(widths[paths] + 2));
            return lines(rows, &kept, &widths);
        }
        match dispensable.next() {
            Some(next) => kept.retain(|at| titles[*at].text != *next),
            None if kept.contains(&texts) => kept.retain(|at| *at != texts),
            None if kept.contains(&paths) && room >= titles[paths].width() => {
                widths[paths] = room;
                return lines(rows, &kept, &widths);
            }
            None => break,
        }
    }
    // Where the name stands, and what is more than its state.
    let name = titles.iter().position(|title| title.text == NAME).unwrap_or_default();
    let behind_state = kept.iter().filter(|at| **at > name + 1 && **at < paths).count();
    kept.retain(|at| *at != paths);
    for _ in 0..behind_state {
        if total(&kept, &widths) > columns {
            kept.pop();
        }
    }
    let others = total(&kept, &widths) - widths[name];
    widths[name] = widths[name].min(columns.saturating_sub(others).max(NAME.len()));
    lines(rows, &kept, &widths).iter().map(|line| cut(line, columns)).collect()
}

/// How wide these columns are together.
fn total(kept: &[usize], widths: &[usize]) -> usize {
    kept.iter().map(|at| widths[*at]).sum::<usize>() + 2 * kept.len().saturating_sub(1)
}

/// Whether there is anything below the title of the last column.
fn has_texts(rows: &[Row]) -> bool {
    rows.iter().skip(1).any(|row| row.last().is_some_and(|cell| !cell.text.is_empty()))
}

/// The widths of the columns.
fn widths(rows: &[Row]) -> Vec<usize> {
    let mut widths = vec![0; rows.first().map_or(0, Vec::len)];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.width().max(*width);
        }
    }
    widths
}

/// Lines of these columns, each as wide as it may be.
fn lines(rows: &[Row], kept: &[usize], widths: &[usize]) -> Vec<String> {
    let line = |row: &Row| {
        let mut line = String::new();
        // Spaces come before the next text, so that none is left at the end.
        let mut gap = 0;
        for &at in kept {
            let Cell { text, style } = &row[at];
            let text =
                if at + 2 == row.len() { shorten(text, widths[at]) } else { cut_off(text, widths[at]) };
            if !text.is_empty() {
                line.push_str(&" ".repeat(gap));
                line.push_str(&format!("{style}{text}{style:#}"));
                gap = 0;
            }
            gap += widths[at].saturating_sub(text.width()) + 2;
        }
        line
    };
    rows.iter().map(line).collect()
}

/// The end of a text, for the end of a path says most, with an ellipsis where something is missing.
pub fn shorten(text: &str, columns: usize) -> String {
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

/// The beginning of a text, with an ellipsis where something is missing.
pub fn cut_off(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    format!("{}\u{2026}", cut(text, columns.saturating_sub(1)).trim_end())
}

/// As much of a line as fits into so many columns of a terminal. Its colours end where they did.
pub fn cut(line: &str, columns: usize) -> String {
    let (mut width, mut is_colour) = (0, false);
    let fits = |c: &char| {
        is_colour |= *c == ESC;
        if is_colour {
            is_colour = *c != 'm';
            return true;
        }
        width += c.width().unwrap_or(0);
        width <= columns
    };
    line.chars().filter(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let rows = [["NAME", "STATE"], ["日本", "idle"], ["cafe\u{301}", "busy"], ["x", ""]];
        let lines = align(&rows.map(|row| row.map(Cell::from).to_vec()));
        assert_eq!(lines, ["NAME  STATE", "日本  idle", "cafe\u{301}  busy", "x"]);
    }

    #[test]
    fn a_table_fits_as_far_as_it_can() {
        let rows = [
            ["NAME", "MORE", "DIR", "ABOUT"],
            ["one", "12", "/home/you/src/日本", ""],
            ["two", "3", "/w", ""],
        ];
        let rows = rows.map(|row| row.map(Cell::from).to_vec());
        assert_eq!(fit(&rows, 80, [8, 8], &["MORE"]), fit(&rows, usize::MAX, [8, 8], &["MORE"]));
        assert_eq!(
            fit(&rows, 80, [8, 8], &["MORE"])[..2],
            ["NAME  MORE  DIR", "one   12    /home/you/src/日本"]
        );
        let fits = |columns: usize| {
            let lines = fit(&rows, columns, [8, 8], &["MORE"]);
            assert!(lines.iter().all(|line| line.width() <= columns), "{columns}: {lines:?}");
            lines
        };
        assert_eq!(fits(24)[1..], ["one   12    …ou/src/日本", "two   3     /w"]);
        assert_eq!(fits(20)[1..], ["one   12    …rc/日本", "two   3     /w"]);
        assert_eq!(fits(19)[0], "NAME  DIR");
        assert_eq!(fits(14)[1], "one   …rc/日本");
        assert_eq!(fits(9)[1], "one   …本");
        assert_eq!(fits(5)[1], "one");
        assert_eq!(fits(2), ["NA", "on", "tw"]);
    }

    #[test]
    fn a_long_name_takes_no_more_lines() {
        let rows = [
            ["", "NAME", "STATE", "TERMINAL", "DIR", "ABOUT"],
            ["1", "the-name-of-the-first-one", "waiting", "detached", "/home/you/src/parser", "x"],
            ["2", "two", "idle", "attached", "/w", ""],
        ];
        let rows = rows.map(|row| row.map(Cell::from).to_vec());
        let fits = |columns: usize| {
            let lines = fit(&rows, columns, [8, 8], &[]);
            assert!(lines.iter().all(|line| line.width() <= columns), "{columns}: {lines:?}");
            lines
        };
        assert_eq!(fits(52)[1], "1  the-name-of-the-first-one  waiting  detached  …er");
        assert_eq!(fits(48)[1], "1  the-name-of-the-first-one  waiting  detached");
        assert_eq!(
            fits(40)[1..],
            ["1  the-name-of-the-first-one  waiting", "2  two                        idle"]
        );
        assert_eq!(fits(20)[1], "1  the-nam…  waiting");
        for columns in 0..80 {
            fits(columns);
        }
    }

    #[test]
    fn texts_are_cut_at_their_ends_and_paths_at_their_beginnings() {
        let rows = [
            ["NAME", "MORE", "DIR", "ABOUT"],
            ["one", "12", "/home/you/src/parser", "Fix the 日本 parser, and its tests"],
            ["two", "3", "/w", "short"],
        ];
        let rows = rows.map(|row| row.map(Cell::from).to_vec());
        let fits = |columns: usize| {
            let lines = fit(&rows, columns, [8, 8], &["MORE"]);
            assert!(lines.iter().all(|line| line.width() <= columns), "{columns}: {lines:?}");
            lines
        };
        assert_eq!(fit(&rows, 100, [8, 8], &["MORE"]), align(&rows));
        assert_eq!(fits(50)[1], "one   12    /home/you/src/parser  Fix the 日本 pa…");
        assert_eq!(fits(34)[1..], ["one   12    …/src/parser  Fix the…", "two   3     /w            short"]);
        assert_eq!(fits(28)[1], "one   …/src/parser  Fix the…");
        assert_eq!(fits(15)[1], "one   …c/parser");
    }

    #[test]
    fn a_line_is_cut_where_the_terminal_ends() {
        for (columns, cut_to) in [(0, ""), (1, "a"), (2, "a"), (3, "a日"), (4, "a日b"), (9, "a日b")] {
            assert_eq!(cut("a日b", columns), cut_to);
        }
    }

    fn with_text(rows: &[Row]) -> Vec<Row> {
        rows.iter().map(|row| [&row[..], &[Cell::from("")]].concat()).collect()
    }

    #[test]
    fn colours_take_no_room() {
        let red = anstyle::AnsiColor::Red.on_default();
        let rows = [
            vec![Cell::from("NAME"), "STATE".into(), "DIR".into()],
            vec!["one".into(), Cell::from("waiting").styled(red), "/w".into()],
        ];
        let line = "one   \u{1b}[31mwaiting\u{1b}[0m  /w";
        assert_eq!(align(&rows), ["NAME  STATE    DIR", line]);
        assert_eq!(fit(&with_text(&rows), 17, [2, 2], &[])[1], line);
        for (columns, cut_to) in
            [(80, line), (9, "one   \u{1b}[31mwai\u{1b}[0m"), (2, "on\u{1b}[31m\u{1b}[0m")]
        {
            assert_eq!(cut(line, columns), cut_to);
        }
    }
}

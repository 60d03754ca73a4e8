//! The lines of a text, wrapped to the width of the screen.

use std::ops::Range;

use crate::cli::top::view::wrap::wrap;
use crate::escape::prose;

/// At most so many lines are kept. The first half is dropped then.
const MAX_LINES: usize = 100_000;
/// A line is broken here, in bytes.
const MAX_LINE_BYTES: usize = 64 * 1024;
/// Tabs lead to the next multiple of this.
const TAB_COLUMNS: usize = 8;

/// A part of a line that stands on a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Which line.
    pub line: usize,
    /// Which bytes of it.
    pub range: Range<usize>,
}

/// The lines, escaped.
#[derive(Debug)]
pub struct Lines {
    lines: Vec<String>,
    parts: Vec<Part>,
    /// What has come of a line whose end has not.
    rest: String,
    columns: usize,
    /// How many lines were dropped.
    dropped: usize,
}

impl Default for Lines {
    fn default() -> Self {
        Self { lines: Vec::new(), parts: Vec::new(), rest: String::new(), columns: 80, dropped: 0 }
    }
}

impl Lines {
    /// Takes more text. Gives how many rows were dropped at the beginning.
    pub fn push(&mut self, text: &str) -> usize {
        for piece in text.split_inclusive('\n') {
            self.rest.push_str(piece);
            if self.rest.ends_with('\n') || self.rest.len() > MAX_LINE_BYTES {
                self.finish();
            }
        }
        self.drop_first()
    }

    /// What has come of the last line is all of it.
    pub fn finish(&mut self) {
        if self.rest.is_empty() {
            return;
        }
        let rest = std::mem::take(&mut self.rest);
        self.lines.push(shown(rest.strip_suffix('\n').unwrap_or(&rest)));
        self.lay_out(self.lines.len() - 1);
    }

    /// Drops the first half, where there are too many lines.
    fn drop_first(&mut self) -> usize {
        if self.lines.len() <= MAX_LINES {
            return 0;
        }
        let half = self.lines.len() / 2;
        let rows = self.first_part_of(half);
        self.lines.drain(..half);
        self.parts.drain(..rows);
        for part in &mut self.parts {
            part.line -= half;
        }
        self.dropped += half;
        rows
    }

    /// Makes rows of a line.
    fn lay_out(&mut self, line: usize) {
        let ranges = wrap(&self.lines[line], self.columns);
        self.parts.extend(ranges.into_iter().map(|range| Part { line, range }));
    }

    /// Makes rows of so many columns. Gives whether that is new.
    pub fn set_columns(&mut self, columns: usize) -> bool {
        if self.columns == columns {
            return false;
        }
        self.columns = columns;
        self.parts.clear();
        (0..self.lines.len()).for_each(|line| self.lay_out(line));
        true
    }

    /// How many rows there are.
    pub fn parts(&self) -> usize {
        self.parts.len()
    }

    /// What stands on a row.
    pub fn part(&self, at: usize) -> Option<&Part> {
        self.parts.get(at)
    }

    /// The text on a row.
    pub fn text(&self, part: &Part) -> &str {
        &self.lines[part.line][part.range.clone()]
    }

    /// The row on which a line begins.
    pub fn first_part_of(&self, line: usize) -> usize {
        self.parts.partition_point(|part| part.line < line)
    }

    /// How many lines were dropped.
    pub fn dropped(&self) -> usize {
        self.dropped
    }

    /// The next row after `from` on which a match begins, or the last one before it; from the other end where there is
    /// none.
    pub fn find(&self, pattern: &str, from: usize, forward: bool) -> Option<usize> {
        let all = self.parts.len();
        let is_there = |at: &usize| {
            let part = &self.parts[*at];
            matches(&self.lines[part.line], pattern).iter().any(|found| part.range.contains(&found.start))
        };
        if forward {
            (from + 1..all).chain(0..all.min(from + 1)).find(is_there)
        } else {
            (0..from.min(all)).rev().chain((from.min(all)..all).rev()).find(is_there)
        }
    }

    /// The matches on a row, in bytes of its text.
    pub fn matches(&self, part: &Part, pattern: &str) -> Vec<Range<usize>> {
        let within = |found: Range<usize>| {
            let (start, end) = (found.start.max(part.range.start), found.end.min(part.range.end));
            (start < end).then(|| start - part.range.start..end - part.range.start)
        };
        matches(&self.lines[part.line], pattern).into_iter().filter_map(within).collect()
    }
}

/// Where a pattern stands in a line. Capitals count if there is one in the pattern.
fn matches(line: &str, pattern: &str) -> Vec<Range<usize>> {
    if pattern.is_empty() {
        return Vec::new();
    }
    let counts_capitals = pattern.chars().any(char::is_uppercase);
    let is_same = |one: char, other: char| {
        one == other || !counts_capitals && one.to_lowercase().eq(other.to_lowercase())
    };
    let mut found: Vec<Range<usize>> = Vec::new();
    for (start, _) in line.char_indices() {
        if found.last().is_some_and(|last| start < last.end) {
            continue;
        }
        let mut rest = line[start..].char_indices();
        let mut end = start;
        let is_match = pattern.chars().all(|wanted| {
            rest.next().is_some_and(|(at, c)| {
                end = start + at + c.len_utf8();
                is_same(c, wanted)
            })
        });
        if is_match {
            found.push(start..end);
        }
    }
    found
}

/// A line made safe to show, with spaces in the place of tabs.
fn shown(line: &str) -> String {
    let line = line.strip_suffix('\r').unwrap_or(line);
    let mut shown = String::new();
    for (number, piece) in line.split('\t').enumerate() {
        if number > 0 {
            let width = unicode_width::UnicodeWidthStr::width(shown.as_str());
            shown.push_str(&" ".repeat(TAB_COLUMNS - width % TAB_COLUMNS));
        }
        shown.push_str(&prose(piece));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: &Lines) -> Vec<&str> {
        (0..lines.parts()).filter_map(|at| lines.part(at)).map(|part| lines.text(part)).collect()
    }

    #[test]
    fn a_text_comes_in_pieces_and_is_wrapped() {
        let mut lines = Lines::default();
        lines.set_columns(8);
        lines.push("one tw");
        assert_eq!(lines.parts(), 0);
        lines.push("o three\n\na\tb\x1b[2J");
        lines.finish();
        assert_eq!(texts(&lines), ["one two ", "three", "", "a       ", "b\\u{1b}[", "2J"]);
        assert!(lines.set_columns(80) && !lines.set_columns(80));
        assert_eq!(texts(&lines), ["one two three", "", "a       b\\u{1b}[2J"]);
        assert_eq!(lines.first_part_of(2), 2);
    }

    #[test]
    fn a_search_goes_around() {
        let mut lines = Lines::default();
        lines.push("One\ntwo\none\nthree\n");
        assert_eq!(lines.find("one", 0, true), Some(2));
        assert_eq!(lines.find("one", 2, true), Some(0));
        assert_eq!(lines.find("one", 2, false), Some(0));
        assert_eq!(lines.find("one", 0, false), Some(2));
        assert_eq!(lines.find("One", 0, true), Some(0));
        assert_eq!(lines.find("four", 0, true), None);
        let part = lines.part(2).expect("a row");
        assert_eq!(lines.matches(part, "NE").len() + lines.matches(part, "ne").len(), 1);
    }

    #[test]
    fn a_text_without_an_end_takes_no_more_room_for_ever() {
        let mut lines = Lines::default();
        let many = "x\n".repeat(MAX_LINES / 2);
        for _ in 0..5 {
            lines.push(&many);
            lines.push(&"y".repeat(MAX_LINE_BYTES / 2));
        }
        assert!(lines.lines.len() <= MAX_LINES && lines.dropped() > 0);
        assert_eq!(lines.part(0).expect("a row").line, 0);
    }
}

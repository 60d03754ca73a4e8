//! Texts in lines of so many columns.

use std::ops::Range;

use unicode_width::UnicodeWidthChar;

/// The parts of a line that stand below each other where there are so many columns: broken at spaces where that is
/// possible. There is at least one, and together they are the whole line.
pub fn wrap(line: &str, columns: usize) -> Vec<Range<usize>> {
    let columns = columns.max(2);
    let mut parts = Vec::new();
    let (mut start, mut width) = (0, 0);
    // Where the line may be broken, and how wide it is up to there.
    let mut space: Option<(usize, usize)> = None;
    for (at, c) in line.char_indices() {
        let more = c.width().unwrap_or(0);
        // A space at the end of a row need not have room.
        while c != ' ' && width + more > columns && at > start {
            let (end, used) = space.take().unwrap_or((at, width));
            parts.push(start..end);
            start = end;
            width -= used;
        }
        width += more;
        if c == ' ' {
            space = Some((at + 1, width));
        }
    }
    parts.push(start..line.len());
    parts
}

/// The row and the column of a place in a text whose lines are wrapped, both from 0.
pub fn place_of(text: &str, at: usize, columns: usize) -> (usize, usize) {
    let mut row = 0;
    let mut start = 0;
    for line in text.split('\n') {
        let parts = wrap(line, columns);
        if at <= start + line.len() {
            let offset = at - start;
            let (part, range) = parts
                .iter()
                .enumerate()
                .rev()
                .find(|(_, range)| range.start <= offset)
                .map_or((0, 0..0), |(part, range)| (part, range.clone()));
            let column = line[range.start..offset].chars().map(|c| c.width().unwrap_or(0)).sum();
            return (row + part, column);
        }
        row += parts.len();
        start += line.len() + 1;
    }
    (row, 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_width::UnicodeWidthStr;

    use super::*;

    fn wrapped(line: &str, columns: usize) -> Vec<&str> {
        wrap(line, columns).into_iter().map(|range| &line[range]).collect()
    }

    #[test]
    fn lines_break_at_spaces_where_they_can() {
        assert_eq!(wrapped("one two three", 8), ["one two ", "three"]);
        assert_eq!(wrapped("one two three", 7), ["one two ", "three"]);
        assert_eq!(wrapped("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrapped("日本語", 4), ["日本", "語"]);
        assert_eq!(wrapped("", 4), [""]);
        assert_eq!(place_of("one two three\nx", 8, 8), (1, 0));
        assert_eq!(place_of("one two three\nx", 15, 8), (2, 1));
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_part_is_too_wide(line in "[ab 日\u{301}]{0,40}", columns in 0usize..20) {
            let parts = wrapped(&line, columns);
            prop_assert_eq!(parts.concat(), line.clone());
            prop_assert!(parts.iter().all(|part| part.trim_end().width() <= columns.max(2)), "{:?}", parts);
            for (at, _) in line.char_indices() {
                place_of(&line, at, columns);
            }
        }
    }
}

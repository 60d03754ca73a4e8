//! The box that the main prompt is typed in: between two rules over the whole width, with the cursor in it.

use super::{Draft, DraftTail, Prompt};
use crate::vt::screen::view::{Cell, ScreenCells};

/// The mark before what is typed.
const PROMPT_MARK: char = '❯';
/// Stands behind the mark at the main prompt. What looks alike elsewhere (the agents view, lists, the
/// conversation) has a blank there.
const BEHIND_MARK: char = '\u{a0}';
/// Where typed text begins, in every row of the box.
const TEXT_MARGIN_COLUMNS: usize = 2;

pub(super) const NONE: &str = "there is no input box";
/// A box, or a dialog, of which only the lower rule is there.
pub(super) const CUT: &str = "the top of the input box is not on the screen";

/// The box of the main prompt, of which the upper part is not on the screen.
pub(super) const TALL: &str = "the input box with its draft is taller than the window";

/// A box of another kind.
const ANOTHER: &str = "the input box is another one than the main prompt";
/// A box that is filled in another way.
const ODD: &str = "the input box is not recognised";
/// A prompt that looks like no other; see [`Prompt::nameless`].
pub(super) const NAMELESS: [&str; 4] = [NONE, CUT, ANOTHER, ODD];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InputBox {
    /// The row of the rule above it, which may bear the session's name.
    pub upper: usize,
    /// The row of the rule below it.
    pub lower: usize,
}

/// The lowest box on the screen, or why there is none that is certain.
///
/// The lower rule is the lowest row that is nothing but a rule. In the conversation there are none: whatever
/// a model, a command or a status line writes is set in by two columns.
pub(super) fn find(view: &ScreenCells) -> Result<InputBox, &'static str> {
    let (rows, _) = view.size();
    let lower = (0..rows).rev().find(|&row| is_rule(view.row(row))).ok_or(NONE)?;
    let upper = (0..lower).rev().find(|&row| is_rule(view.row(row)) || is_named_rule(view.row(row)));
    let cut = |first| if is_rest_of_box(view, first, lower) { TALL } else { CUT };
    let upper = upper.ok_or_else(|| cut(0))?;
    let mut first = view.row(upper + 1).chars();
    match (first.next(), first.next()) {
        _ if upper + 1 == lower => return Err(NONE),
        (Some(PROMPT_MARK), Some(BEHIND_MARK)) => {}
        (Some(PROMPT_MARK), _) => return Err(ANOTHER),
        (Some('!'), _) => return Err("shell mode is on"),
        // `─── ↑ 24 more ───`, and the rest of a long draft below it.
        (Some(' '), Some(' ')) => return Err(cut(upper + 1)),
        _ => return Err(NONE),
    }
    let is_margin = |row| view.cells(row).iter().take(TEXT_MARGIN_COLUMNS).all(|cell| view.blank(cell));
    if !(upper + 2..lower).all(is_margin) {
        return Err(ODD);
    }
    Ok(InputBox { upper, lower })
}

/// Whether these rows are the lower part of the box: the cursor is among them, and all of them are set in as
/// a draft is.
fn is_rest_of_box(view: &ScreenCells, first: usize, lower: usize) -> bool {
    let (row, column) = view.cursor();
    let is_set_in = |row: usize| {
        let mut start = view.row(row).chars();
        match (start.next(), start.next()) {
            (Some(PROMPT_MARK), Some(BEHIND_MARK)) => row == first,
            start => start == (Some(' '), Some(' ')),
        }
    };
    (first..lower).contains(&row) && column >= TEXT_MARGIN_COLUMNS && (first..lower).all(is_set_in)
}

/// The box of a draft that has more rows than the alternate screen has room for, and the rows that are there.
/// The number of the others stands in its upper rule: `─── ↑ 24 more ───`.
pub(super) fn tail(view: &ScreenCells) -> Option<(InputBox, DraftTail)> {
    let (rows, _) = view.size();
    let lower = (0..rows).rev().find(|&row| is_rule(view.row(row)))?;
    let upper = (0..lower).rev().find(|&row| is_named_rule(view.row(row)))?;
    // The name of the session may follow: `─── ↑ 4 more ──────── s ─`.
    let hidden = view.row(upper).trim_start_matches('─').strip_prefix(" ↑ ")?;
    let (hidden, rest) = hidden.split_once(' ')?;
    let hidden_rows = hidden.parse().ok().filter(|_| rest.starts_with("more "))?;
    if !is_rest_of_box(view, upper + 1, lower) {
        return None;
    }
    let shown: Vec<&str> = (upper + 1..lower).map(|row| view.row(row).trim_end()).collect();
    let (row, column) = view.cursor();
    let is_behind = |at: usize| at > row || at == row && view.row(at).trim_end().chars().count() > column;
    let cursor_at_end = !(upper + 1..lower).any(|at| is_behind(at) && !view.row(at).trim().is_empty());
    let tail = DraftTail { text: shown.join("\n"), rows: shown.len(), hidden_rows, cursor_at_end };
    Some((InputBox { upper, lower }, tail))
}

fn is_rule(row: &str) -> bool {
    !row.is_empty() && row.chars().all(|c| c == '─')
}

/// `──── my name ─`, with more line than that on the left.
fn is_named_rule(row: &str) -> bool {
    let name = row.trim_matches('─');
    row.starts_with("──")
        && row.ends_with('─')
        && name.starts_with(' ')
        && name.ends_with(' ')
        && !name.trim().is_empty()
}

/// What stands in the box.
pub(super) fn prompt(view: &ScreenCells, input: InputBox) -> Prompt {
    let (row, column) = view.cursor();
    if !(input.upper < row && row < input.lower && column >= TEXT_MARGIN_COLUMNS) {
        return Prompt::Elsewhere("the cursor is not at the main prompt");
    }
    // Claude hides the terminal's cursor, parks it there all the same, and inverts the cell; without the
    // focus of the window it inverts none. An inverted cell elsewhere is a screen that is only half drawn.
    let is_inverse = |row| view.cells(row).iter().any(|cell| cell.inverse);
    if !view.cursor_shown()
        && !view.cells(row)[column].inverse
        && (input.upper + 1..input.lower).any(is_inverse)
    {
        return Prompt::Elsewhere("the cursor at the main prompt is not where it is drawn");
    }
    let hint = hint(view, input, (row, column));
    let hint = hint.unwrap_or((usize::MAX, 0));
    let typed = |at: (usize, usize), cell: &Cell| at < hint && !view.blank(cell);
    let mut text = String::new();
    let mut at_end = true;
    for line in input.upper + 1..input.lower {
        if line > input.upper + 1 {
            text.push('\n');
        }
        let cells = view.cells(line);
        let end = (TEXT_MARGIN_COLUMNS..cells.len())
            .rev()
            .find(|&at| typed((line, at), &cells[at]))
            .map_or(TEXT_MARGIN_COLUMNS, |at| at + 1);
        // Blanks before the cursor were typed; those behind the last character are not to be told from none.
        let end = if line == row { end.max(column) } else { end };
        text.extend(cells[TEXT_MARGIN_COLUMNS.min(end)..end].iter().map(|cell| view.text(cell)));
        at_end &= line < row || (line == row && end == column);
        at_end &= line <= row;
    }
    if text.is_empty() {
        return Prompt::Empty;
    }
    Prompt::Draft(Draft { lines: input.lower - input.upper - 1, text, cursor_at_end: at_end })
}

/// Where a hint begins that claude draws behind the cursor: a suggestion, the rest of a command, its
/// arguments. It reaches to the end of the box, and all of it is faint. The cursor stands on its first
/// character, and inverted that one is like any other: so one character alone is taken for typed.
fn hint(view: &ScreenCells, input: InputBox, cursor: (usize, usize)) -> Option<(usize, usize)> {
    let behind = (cursor.0..input.lower).flat_map(|row| {
        let from = if row == cursor.0 { cursor.1 + 1 } else { 0 };
        view.cells(row).iter().enumerate().skip(from)
    });
    let mut shown =
        behind.map(|(_, cell)| cell).filter(|cell| !view.blank(cell) && !cell.continues).peekable();
    shown.peek()?;
    shown.all(Cell::faint).then_some(cursor)
}

//! The end of the conversation, directly above the prompt.

use crate::vt::emulator::style::Color;

use super::input::InputBox;
use crate::vt::screen::view::{Cell, ScreenCells};

/// How much of it is looked at, in rows.
const MAX_ROWS_READ: usize = 20;

/// The rows of the last paragraph: from its mark (`●`, `❯`, `⎿`), or from the first row that belongs to it,
/// to the row behind it.
pub(super) fn last(view: &ScreenCells, input: InputBox) -> Option<(usize, usize)> {
    let row = |row: usize| view.row(row).trim_end();
    let mut end = input.upper;
    // On the alternate screen there are gaps, and hints at the right edge, between the conversation and the
    // prompt.
    while end > 0 && (row(end - 1).is_empty() || is_at_the_edge(row(end - 1))) {
        end -= 1;
    }
    let mut start = end;
    while start > 0 && !row(start - 1).is_empty() && end - start < MAX_ROWS_READ {
        start -= 1;
        if row(start).starts_with(['●', '❯']) || row(start).trim_start().starts_with('⎿') {
            break;
        }
    }
    (start < end).then_some((start, end))
}

/// Whether nothing but a hint at the right edge stands in a row.
pub(super) fn is_at_the_edge(row: &str) -> bool {
    row.starts_with("          ")
}

/// The first cell of what stands behind a row's mark.
pub(super) fn text(view: &ScreenCells, row: usize) -> Option<&Cell> {
    view.cells(row).iter().skip(1).find(|cell| !view.blank(cell))
}

/// Whether the last paragraph is one that says that something runs: `✻ Germinating… (3s · ↓ 2 tokens)`, in
/// colour from its mark on, or the `Running…` of a command.
pub(super) fn runs(view: &ScreenCells, input: InputBox) -> bool {
    let Some((start, end)) = last(view, input) else { return false };
    (start..end).any(|at| {
        let row = view.row(at).trim_end();
        let mut first = row.chars();
        let marked = first.next().is_some_and(|mark| !mark.is_alphanumeric() && !"❯ ⎿".contains(mark))
            && first.next() == Some(' ');
        let spins = marked
            && (row.contains("… (") || row.ends_with('…'))
            && text(view, at).is_some_and(|text| text.colour != Color::Default);
        let behind = row.trim_start().strip_prefix('⎿').map(str::trim_start);
        spins
            || row.contains("esc to interrupt") && marked
            || behind.is_some_and(|text| text.starts_with("Running…"))
    })
}

//! What is known of the selected session: what to do about it, what it is about, what was said last.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::hint::with_keys;
use super::{style, table, text};
use crate::cli::table::cut_off;
use crate::cli::top::row::{Row, Urgency};
use crate::cli::top::view::View;
use crate::cli::top::view::wrap::wrap;

/// With so many rows, what was said takes several lines.
const ROOMY_ROWS: usize = 8;

/// Draws as much of it as has room.
pub fn draw(view: &View, area: Rect, buffer: &mut Buffer) {
    let Some(row) = view.list().selected() else { return };
    let lines = lines(view, row, area.width.into(), area.height.into());
    for (at, (line, look)) in lines.iter().enumerate() {
        text::put(text::row(area, at), line, *look, buffer);
    }
}

/// The lines. What comes first is what matters most.
fn lines(view: &View, row: &Row, columns: usize, room: usize) -> Vec<(String, Style)> {
    let mut lines = Vec::new();
    if let Some(hint) = &row.hint {
        let look = match row.urgency {
            Urgency::NeedsYou => style::warning(view.colours()),
            Urgency::Busy | Urgency::Idle | Urgency::Gone => Style::new(),
        };
        lines.extend(
            wrapped(&text::written(&with_keys(hint)), columns, room).into_iter().map(|line| (line, look)),
        );
    }
    lines.push((about(row), Style::new()));
    let each = if room >= ROOMY_ROWS { 3 } else { 1 };
    let said = [("> ", &row.last_prompt), ("< ", &row.last_answer)];
    for (mark, words) in said.into_iter().filter_map(|(mark, words)| Some((mark, words.as_deref()?))) {
        let words = format!("{mark}{}", text::written(words));
        lines.extend(wrapped(&words, columns, each).into_iter().map(|line| (line, style::QUIET)));
    }
    lines.truncate(room);
    lines
}

/// What it is about, where it works, and with what.
fn about(row: &Row) -> String {
    let mut parts = vec![text::name(&row.full_name())];
    parts.extend(row.title.as_deref().map(text::written));
    parts.push(text::name(&row.directory));
    parts.extend(row.model.as_deref().map(table::model));
    parts.extend(row.context_tokens.map(|tokens| format!("{} tokens", table::tokens(tokens))));
    parts.retain(|part| !part.is_empty());
    parts.join(" · ")
}

/// A text in lines, at most so many: the last one is cut where it has to be.
fn wrapped(words: &str, columns: usize, most: usize) -> Vec<String> {
    let ranges = wrap(words, columns);
    let mut lines: Vec<String> =
        ranges.iter().map(|range| words[range.clone()].trim_end().to_owned()).collect();
    if lines.len() > most && most > 0 {
        lines.truncate(most);
        let rest = &words[ranges[most - 1].start..];
        lines[most - 1] = cut_off(rest, columns);
    }
    lines
}

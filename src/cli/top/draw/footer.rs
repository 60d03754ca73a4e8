//! The last two lines: what came of the last thing that was done, and the keys that matter now.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::style;
use super::text::{self, Spans};
use crate::cli::top::keys::{self, Command, Table};
use crate::cli::top::row::Row;
use crate::cli::top::view::input::TextInput;
use crate::cli::top::view::{Overlay, View, actions};

/// Draws the status line. Gives where the cursor is, if a filter is typed there.
pub fn draw_status(view: &View, area: Rect, buffer: &mut Buffer) -> Option<Position> {
    if let Overlay::Filter(typed) = view.overlay() {
        return draw_typed("/", typed, area, buffer);
    }
    match (view.status(), view.under_way()) {
        (Some(status), _) => {
            let look = if status.is_good { style::good(view.colours()) } else { style::bad(view.colours()) };
            text::put(area, &text::written(&status.text), look, buffer);
        }
        (None, []) => {}
        (None, [label]) => {
            text::put(area, &format!("{}…", text::written(label)), style::QUIET, buffer);
        }
        (None, [label, others @ ..]) => {
            let line = format!("{}… and {} more", text::written(label), others.len());
            text::put(area, &line, style::QUIET, buffer);
        }
    }
    None
}

/// Draws a line that is typed, with what stands before it. Gives where the cursor is. The part around the cursor is shown.
pub fn draw_typed(before: &str, typed: &TextInput, area: Rect, buffer: &mut Buffer) -> Option<Position> {
    if area.is_empty() {
        return None;
    }
    let used = text::put(area, before, style::KEY, buffer);
    let area = Rect { x: area.x + used, width: area.width - used, ..area };
    let (left, right) = typed.parts();
    let (left, right) = (text::written(left), text::written(right));
    let room = usize::from(area.width).saturating_sub(1);
    let shown = end_of(&left, room);
    let mut spans = Spans::default();
    spans.words(format!("{shown}{right}"));
    spans.draw(area, buffer);
    let column = u16::try_from(shown.width()).unwrap_or(u16::MAX).min(area.width.saturating_sub(1));
    Some(Position::new(area.x + column, area.y))
}

/// The end of a text that has room in so many columns. It looks at no more than that: a text may be a megabyte.
fn end_of(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices().rev() {
        used += c.width().unwrap_or(0);
        if used > columns {
            return &text[at + c.len_utf8()..];
        }
    }
    text
}

/// Draws the keys of what takes them now: as many as there is room for.
pub fn draw_keys(view: &View, area: Rect, buffer: &mut Buffer) {
    match view.overlay() {
        Overlay::None => {
            let (first, last) = of_list(view.list().selected());
            draw_commands(&keys::LIST, &first, &last, area, buffer);
        }
        Overlay::Filter(_) => {
            let pairs = [("enter", "keep the filter"), ("esc", "drop it"), ("up, down", "select")];
            draw_pairs(&pairs.map(|(key, words)| (key.to_owned(), words.to_owned())), area, buffer);
        }
        // They say their keys themselves.
        Overlay::Dialog(_) | Overlay::Pager(..) => {}
    }
}

/// The commands that matter for a row, and those that are always shown.
fn of_list(row: Option<&Row>) -> (Vec<Command>, Vec<Command>) {
    let last = vec![Command::Help, Command::Quit];
    let Some(row) = row else {
        return (vec![Command::New, Command::Search, Command::Machine, Command::Ended], last);
    };
    let about_row = actions::offered(row);
    let close = about_row.len().min(5);
    let mut first = about_row[..close].to_vec();
    first.extend([Command::New, Command::Search]);
    first.extend(&about_row[close..]);
    first.extend([Command::NextNeedy, Command::Machine, Command::Order, Command::Ended]);
    (first, last)
}

/// Draws keys with their words: the last ones in any case, as many of the first ones as there is room for before them.
pub fn draw_commands(table: &Table, first: &[Command], last: &[Command], area: Rect, buffer: &mut Buffer) {
    let pair = |command: &Command| {
        let binding = table.binding(*command)?;
        Some((binding.keys.first()?.name(), binding.short.to_owned()))
    };
    let last: Vec<_> = last.iter().filter_map(pair).collect();
    let needed: usize = last.iter().map(width).sum();
    let mut room = usize::from(area.width).saturating_sub(needed);
    let mut pairs = Vec::new();
    for pair in first.iter().filter_map(pair) {
        let Some(rest) = room.checked_sub(width(&pair)) else { continue };
        room = rest;
        pairs.push(pair);
    }
    pairs.extend(last);
    draw_pairs(&pairs, area, buffer);
}

/// How many columns a key takes with its words and the gap behind it.
fn width((key, words): &(String, String)) -> usize {
    key.width() + words.width() + 3
}

/// Draws keys with their words.
pub fn draw_pairs(pairs: &[(String, String)], area: Rect, buffer: &mut Buffer) {
    let mut spans = Spans::default();
    for (number, (key, words)) in pairs.iter().enumerate() {
        spans.words(if number == 0 { "" } else { "  " });
        spans.add(key.clone(), style::KEY);
        spans.add(format!(" {words}"), style::QUIET);
    }
    spans.draw(area, buffer);
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::cli::top::draw::draw;
    use crate::cli::top::event::Event;
    use crate::cli::top::row::Urgency;
    use crate::cli::top::view::testing::{NOW, drawn, loaded, press, row};

    #[test]
    fn the_end_of_a_text_has_room() {
        assert_eq!(end_of("abc", 3), "abc");
        assert_eq!(end_of("abc", 2), "bc");
        assert_eq!(end_of("日本", 3), "本");
        assert_eq!(end_of("", 0), "");
    }

    #[test]
    fn a_megabyte_that_is_pasted_into_a_line_holds_nothing_up() {
        let mut view = loaded((80, 24), [row("a", Urgency::Idle)]);
        let begun = Instant::now();
        for key in ["/", "R", "n"] {
            press(&mut view, key);
            view.handle(NOW, Event::Paste("abcd ".repeat(200_000)));
            drawn(&view, draw);
            press(&mut view, "\x1b");
        }
        // It took minutes.
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    }
}

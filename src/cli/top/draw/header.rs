//! The first lines: how many sessions there are, what is shown of them, and what troubles the sources.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::style;
use super::text::{self, Spans};
use crate::cli::top::order::Order;
use crate::cli::top::row::{Source, Urgency};
use crate::cli::top::view::View;
use crate::cli::top::view::list::Place;

/// Draws the counts, and on the right what is shown of the rows.
pub fn draw_header(view: &View, area: Rect, buffer: &mut Buffer) {
    let right = shown_part(view);
    let left = counts(view);
    left.draw(area, buffer);
    let width = u16::try_from(left.width() + 2).unwrap_or(u16::MAX).min(area.width);
    right.draw_right(Rect { x: area.x + width, width: area.width - width, ..area }, buffer);
}

/// How many rows there are.
fn counts(view: &View) -> Spans {
    let mut spans = Spans::default();
    spans.add("cckw", style::BOLD);
    if !view.list().is_loaded() {
        spans.add("  looking for sessions…", style::QUIET);
        return spans;
    }
    let counts = view.list().counts(view.list().place());
    let all = if counts.all == 1 { "1 session".to_owned() } else { format!("{} sessions", counts.all) };
    spans.words(format!("  {all}"));
    let need = if counts.needy == 1 { "needs you" } else { "need you" };
    let groups = [
        (counts.needy, need, Urgency::NeedsYou),
        (counts.busy, "busy", Urgency::Busy),
        (counts.idle, "idle", Urgency::Idle),
        (counts.gone, "gone", Urgency::Gone),
    ];
    let mut before = ": ";
    for (count, words, urgency) in groups.into_iter().filter(|(count, ..)| *count > 0) {
        spans.words(before);
        spans.add(format!("{count} {words}"), style::of_urgency(view.colours(), urgency));
        before = ", ";
    }
    spans
}

/// What is shown of the rows, where it is not all of them in the usual order.
fn shown_part(view: &View) -> Spans {
    let list = view.list();
    let mut parts = Vec::new();
    if !list.filter().is_empty() {
        parts.push(format!("/{} ({})", text::written(list.filter()), list.shown().len()));
    }
    match list.place() {
        Some(Place::Here) => parts.push("only here".to_owned()),
        Some(Place::Machine(name)) => parts.push(format!("only {}", text::name(name))),
        None => {}
    }
    if view.shows_ended() {
        parts.push("with ended ones".to_owned());
    }
    if list.order() != Order::default() {
        parts.push(list.order().words().to_owned());
    }
    let mut spans = Spans::default();
    spans.add(parts.join(" · "), style::BOLD);
    spans
}

/// Draws what troubles the sources: a line each, and how many more there are.
pub fn draw_troubles(view: &View, area: Rect, buffer: &mut Buffer) {
    let troubles: Vec<String> =
        view.list().troubles().map(|(source, words)| trouble(source, words)).collect();
    let room = usize::from(area.height);
    for (at, line) in troubles.iter().take(room).enumerate() {
        let more = troubles.len() - room.min(troubles.len());
        let line = match more {
            more if more > 0 && at + 1 == room => format!("{line} (and {more} more: m)"),
            _ => line.clone(),
        };
        text::put(text::row(area, at), &line, style::warning(view.colours()), buffer);
    }
}

/// Whose trouble, and which.
fn trouble(source: &Source, words: &str) -> String {
    let words = text::written(words);
    match source {
        Source::Machine(name) => {
            let name = text::name(name);
            if words.starts_with(&name) { words } else { format!("{name}: {words}") }
        }
        Source::Here | Source::Unwrapped | Source::Jobs => words,
    }
}

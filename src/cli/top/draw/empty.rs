//! What stands in the place of rows where there are none: what to do.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::style;
use super::text::{self, Spans};
use crate::cli::top::view::View;
use crate::cli::top::view::list::Place;

/// Draws it.
pub fn draw(view: &View, area: Rect, buffer: &mut Buffer) {
    for (at, line) in lines(view).iter().enumerate() {
        let row = text::row(area, at);
        line.draw(Rect { x: row.x + 2.min(row.width), width: row.width.saturating_sub(2), ..row }, buffer);
    }
}

fn lines(view: &View) -> Vec<Spans> {
    let list = view.list();
    if !list.filter().is_empty() {
        let words = format!("Nothing here has these words in it: {}", text::written(list.filter()));
        return vec![said(words), key("esc", "drop the filter")];
    }
    if let Some(place) = list.place() {
        let words = match place {
            Place::Here => "No session runs here.".to_owned(),
            Place::Machine(name) => format!("No session runs on {}.", text::name(name)),
        };
        return vec![said(words), key("esc", "show all machines"), key("n", "start a session there")];
    }
    if !list.is_loaded() {
        return Vec::new();
    }
    let mut lines = vec![said("No session runs.".to_owned()), Spans::default(), key("n", "start one")];
    if !view.shows_ended() {
        lines.push(key("e", "show those that have ended"));
    }
    lines.extend([Spans::default(), said("Or in a shell:".to_owned())]);
    lines.push(key("cckw claude", "start Claude Code here, in a session"));
    lines.push(key("cckw demo", "see what this is about, without an account"));
    lines
}

fn said(words: String) -> Spans {
    let mut spans = Spans::default();
    spans.words(words);
    spans
}

/// Something to type, and what it does.
fn key(typed: &str, words: &str) -> Spans {
    let mut spans = Spans::default();
    spans.add(format!("{typed:<12}"), style::KEY);
    spans.words(words);
    spans
}

//! Dialogs with something to type.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use super::{draw_box, draw_keys};
use crate::cli::table::shorten;
use crate::cli::top::draw::footer::draw_typed;
use crate::cli::top::draw::{style, text};
use crate::cli::top::view::View;
use crate::cli::top::view::dialog::new::{Field, NewForm};
use crate::cli::top::view::dialog::rename::RenameForm;
use crate::cli::top::view::dialog::send::SendForm;
use crate::cli::top::view::input::TextInput;
use crate::cli::top::view::wrap::{place_of, wrap};

/// So many directories have room below the form.
const OFFERED_ROWS: usize = 6;
/// A text to send has at least so many rows.
const MIN_TEXT_ROWS: usize = 4;

/// Draws the form of a new session.
pub fn draw_new(view: &View, form: &NewForm, buffer: &mut Buffer) -> Option<Position> {
    let inner = draw_box(view, "Start a session", 5 + OFFERED_ROWS, buffer);
    let mut cursor = None;
    for (at, field) in Field::ALL.into_iter().enumerate() {
        let label = match field {
            Field::Name => "Name          ",
            Field::Directory => "Directory     ",
            Field::Prompt => "First prompt  ",
        };
        let place = draw_typed(label, form.input(field), text::row(inner, at), buffer);
        cursor = if field == form.field() { place } else { cursor };
    }
    match &form.trouble {
        Some(trouble) => {
            text::put(text::row(inner, 3), trouble, style::bad(view.colours()), buffer);
        }
        None => draw_offered(form, inner, buffer),
    }
    let tab = if form.field() == Field::Directory { "complete" } else { "next field" };
    draw_keys(
        &[("enter", "start it"), ("esc", "leave"), ("tab", tab), ("up, down", "fields")],
        inner,
        buffer,
    );
    cursor
}

/// The directories that are offered while one is typed; above them what else the fields take.
fn draw_offered(form: &NewForm, inner: Rect, buffer: &mut Buffer) {
    let room = usize::from(inner.height).saturating_sub(4).min(OFFERED_ROWS);
    if form.field() != Field::Directory {
        let words = match form.field() {
            Field::Name => "MACHINE:NAME starts it on a machine; no name is that of the directory",
            Field::Directory | Field::Prompt => "it may stay empty",
        };
        text::put(text::row(inner, 3), words, style::QUIET, buffer);
        return;
    }
    let (offered, chosen) = form.offered();
    let top = chosen.map_or(0, |chosen| (chosen + 1).saturating_sub(room));
    for (at, directory) in offered.iter().enumerate().skip(top).take(room) {
        let row = text::row(inner, 3 + at - top);
        let row = Rect { x: row.x + 14.min(row.width), width: row.width.saturating_sub(14), ..row };
        let look = if chosen == Some(at) { style::SELECTED } else { style::QUIET };
        text::put(row, &shorten(&text::name(directory), row.width.into()), look, buffer);
    }
}

/// Draws the form of a new name.
pub fn draw_rename(view: &View, form: &RenameForm, buffer: &mut Buffer) -> Option<Position> {
    let inner = draw_box(view, &format!("Rename {}", text::name(&form.old_name())), 4, buffer);
    let cursor = draw_typed("New name  ", &form.name, text::row(inner, 0), buffer);
    if let Some(trouble) = &form.trouble {
        text::put(text::row(inner, 1), trouble, style::bad(view.colours()), buffer);
    }
    draw_keys(&[("enter", "rename it"), ("esc", "leave")], inner, buffer);
    cursor
}

/// Draws the form of a text to send.
pub fn draw_send(view: &View, form: &SendForm, buffer: &mut Buffer) -> Option<Position> {
    let columns = usize::from(view.size().width.min(super::BOX_COLUMNS)).saturating_sub(4);
    let rows = form.text.text().split('\n').map(|line| wrap(line, columns).len()).sum::<usize>();
    let most = usize::from(view.size().height).saturating_sub(8).max(1);
    let rows = rows.max(MIN_TEXT_ROWS).min(most);
    let inner = draw_box(view, &format!("Send to {}", text::name(&form.name())), rows + 3, buffer);
    let cursor = draw_text(&form.text, Rect { height: inner.height.saturating_sub(3), ..inner }, buffer);
    let when =
        if form.is_now { "typed at once; if it works, claude queues it" } else { "typed when it is idle" };
    let (line, look) = match form.trouble {
        Some(trouble) => (trouble, style::bad(view.colours())),
        None => (when, style::QUIET),
    };
    text::put(text::row(inner, usize::from(inner.height).saturating_sub(2)), line, look, buffer);
    draw_keys(
        &[("enter", "send"), ("esc", "leave, keep the draft"), ("alt-enter", "new line"), ("tab", "when")],
        inner,
        buffer,
    );
    cursor
}

/// Draws a text of several lines: the part around the cursor. Gives where the cursor is.
fn draw_text(input: &TextInput, area: Rect, buffer: &mut Buffer) -> Option<Position> {
    if area.is_empty() {
        return None;
    }
    // What is escaped is longer: the cursor stands behind as much of it.
    let shown = |text: &str| text.split('\n').map(text::written).collect::<Vec<_>>().join("\n");
    let (before, behind) = input.parts();
    let before = shown(before);
    let text = format!("{before}{}", shown(behind));
    let columns = usize::from(area.width).saturating_sub(1).max(2);
    let (row, column) = place_of(&text, before.len(), columns);
    let top = (row + 1).saturating_sub(area.height.into());
    let lines =
        text.split('\n').flat_map(|line| wrap(line, columns).into_iter().map(move |range| &line[range]));
    for (at, line) in lines.skip(top).take(area.height.into()).enumerate() {
        text::put(text::row(area, at), line, Style::new(), buffer);
    }
    let column = u16::try_from(column).unwrap_or(u16::MAX).min(area.width - 1);
    Some(Position::new(area.x + column, area.y + u16::try_from(row - top).unwrap_or(0)))
}

//! The screen of the selected session.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::{style, text};
use crate::cli::top::row::Row;
use crate::cli::top::view::View;
use crate::cli::top::view::layout::Areas;
use crate::cli::top::view::wrap::wrap;

/// Draws the screen, with a line above it, and one on its left where it stands beside the list.
pub fn draw(view: &View, areas: &Areas, buffer: &mut Buffer) {
    let Some(row) = view.list().selected() else { return };
    for at in 0..areas.divider.height {
        text::put(text::row(areas.divider, at.into()), "│", style::QUIET, buffer);
    }
    draw_title(view, row, areas.preview_title, buffer);
    if areas.preview.is_empty() {
        return;
    }
    match view.preview().why_nothing(row) {
        Some(why) => {
            let inner = Rect { x: areas.preview.x + 2.min(areas.preview.width), ..areas.preview };
            let inner = Rect { width: areas.preview.width.saturating_sub(2), ..inner };
            let why = text::written(&why);
            for (at, part) in wrap(&why, inner.width.into()).into_iter().enumerate() {
                text::put(text::row(inner, at), why[part].trim_end(), style::QUIET, buffer);
            }
        }
        None => {
            let screen = view.preview().screen();
            screen.render(areas.preview, buffer, view.colours().are_shown());
        }
    }
}

/// A line with the session's name, and with the size of its screen.
fn draw_title(view: &View, row: &Row, area: Rect, buffer: &mut Buffer) {
    let screen = view.preview().screen();
    let size = match (screen.is_begun(), screen.size()) {
        (true, (rows, columns)) => format!(" ({columns}x{rows})"),
        (false, _) => String::new(),
    };
    let title = format!("── {}{size} ", text::name(&row.full_name()));
    let rest = usize::from(area.width).saturating_sub(title.width());
    text::put(area, &format!("{title}{}", "─".repeat(rest)), style::QUIET, buffer);
}

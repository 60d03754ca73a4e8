//! What the fleet view looks like.

mod detail;
mod dialog;
mod empty;
mod footer;
mod header;
mod hint;
mod pager;
mod preview;
mod style;
mod table;
#[cfg(test)]
mod tests;
mod text;

use ratatui::Frame;

use super::view::{Overlay, View};

/// Draws the whole view.
pub fn draw(view: &View, frame: &mut Frame) {
    if let Overlay::Pager(pager, _) = view.overlay() {
        let cursor = pager::draw(view, pager, frame.buffer_mut());
        cursor.into_iter().for_each(|at| frame.set_cursor_position(at));
        return;
    }
    let areas = view.areas();
    let buffer = frame.buffer_mut();
    header::draw_header(view, areas.header, buffer);
    header::draw_troubles(view, areas.troubles, buffer);
    if view.list().shown().is_empty() {
        empty::draw(view, areas.body(), buffer);
    } else {
        table::draw(view, &areas, buffer);
        detail::draw(view, areas.detail, buffer);
        preview::draw(view, &areas, buffer);
    }
    let typed = footer::draw_status(view, areas.status, buffer);
    footer::draw_keys(view, areas.footer, buffer);
    let cursor = match view.overlay() {
        Overlay::Dialog(dialog) => dialog::draw(view, dialog, buffer),
        Overlay::None | Overlay::Filter(_) | Overlay::Pager(..) => typed,
    };
    cursor.into_iter().for_each(|at| frame.set_cursor_position(at));
}

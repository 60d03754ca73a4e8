//! What the fleet view looks like.

mod header;
mod style;
mod table;
mod text;

use ratatui::Frame;

use super::view::View;

/// Draws the whole view.
pub fn draw(view: &View, frame: &mut Frame) {
    let areas = view.areas();
    let buffer = frame.buffer_mut();
    header::draw_header(view, areas.header, buffer);
    header::draw_troubles(view, areas.troubles, buffer);
    table::draw(view, &areas, buffer);
}

//! Texts in a part of the screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use crate::cli::table::cut_off;
use crate::escape::{escape, prose};

/// Texts with their styles that stand behind each other on a line.
#[derive(Debug, Default)]
pub struct Spans(Vec<(String, Style)>);

impl Spans {
    /// Adds a text. It is shown as it is: whoever adds it has escaped it.
    pub fn add(&mut self, text: impl Into<String>, style: Style) {
        self.0.push((text.into(), style));
    }

    /// Adds words of our own.
    pub fn words(&mut self, text: impl Into<String>) {
        self.add(text, Style::new());
    }

    /// How many columns they take.
    pub fn width(&self) -> usize {
        self.0.iter().map(|(text, _)| text.width()).sum()
    }

    /// Draws them on the first row of an area, from the left.
    pub fn draw(&self, area: Rect, buffer: &mut Buffer) {
        let mut rest = first_row(area);
        for (text, style) in &self.0 {
            let used = put(rest, text, *style, buffer);
            rest.x += used;
            rest.width -= used;
        }
    }

    /// Draws them on the first row of an area, at its right end, if they have room.
    pub fn draw_right(&self, area: Rect, buffer: &mut Buffer) {
        let width = u16::try_from(self.width()).unwrap_or(u16::MAX);
        if width <= area.width {
            self.draw(Rect { x: area.right() - width, width, ..area }, buffer);
        }
    }
}

/// The first row of an area.
pub fn first_row(area: Rect) -> Rect {
    Rect { height: area.height.min(1), ..area }
}

/// A row of an area, by its number; empty where the area does not have it.
pub fn row(area: Rect, at: usize) -> Rect {
    let at = u16::try_from(at).unwrap_or(u16::MAX);
    match at < area.height {
        true => Rect { y: area.y + at, height: 1, ..area },
        false => Rect { height: 0, ..area },
    }
}

/// Puts a text on the first row of an area, cut at its end where it has to be. Gives how many columns it takes.
pub fn put(area: Rect, text: &str, style: Style, buffer: &mut Buffer) -> u16 {
    let area = area.intersection(buffer.area);
    if area.is_empty() {
        return 0;
    }
    let text = cut_off(text, area.width.into());
    let (end, _) = buffer.set_stringn(area.x, area.y, text, area.width.into(), style);
    end - area.x
}

/// A name of something, made safe to show.
pub fn name(text: &str) -> String {
    escape(text).to_string()
}

/// What somebody has written, made safe to show on one line.
pub fn written(text: &str) -> String {
    prose(text)
}

//! A copy of a session's screen, made of the frames that its host sends, and drawn into a part of a ratatui buffer.
//!
//! A frame may come from another machine. So nothing of it is taken but text and colours, and a screen is no larger
//! than those that hosts model.

use std::fmt;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use unicode_width::UnicodeWidthStr as _;

use crate::protocol::ScreenFrame;
use crate::vt::emulator::style::{self, Color as ScreenColor, Underline};
use crate::vt::emulator::{CellView, Emulator};
use crate::vt::screen::{bounded_size, colours};

/// What stands in place of a character that is wider here than on the screen.
const UNFIT: &str = "?";
/// The longest sequence that sets colours, in bytes. A longer one is left out.
const MAX_COLOURS_BYTES: usize = 128;
/// So many columns are shown beyond the cursor, where the screen is wider than its place.
const CURSOR_MARGIN: u16 = 8;

/// The copy. It is empty until the first whole frame has come.
pub struct ScreenCopy {
    emulator: Emulator,
    cursor: Option<(u16, u16)>,
    is_begun: bool,
}

impl Default for ScreenCopy {
    fn default() -> Self {
        Self { emulator: Emulator::new(1, 1, 0), cursor: None, is_begun: false }
    }
}

impl fmt::Debug for ScreenCopy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rows, columns) = self.size();
        write!(formatter, "ScreenCopy({columns}x{rows})")
    }
}

impl ScreenCopy {
    /// Takes what has changed. A change of a screen that was never seen whole is left out.
    pub fn apply(&mut self, frame: &ScreenFrame) {
        let (rows, columns) = bounded_size(frame.rows, frame.columns);
        if frame.is_whole {
            self.is_begun = true;
            self.emulator = Emulator::new(rows, columns, 0);
        } else if !self.is_begun {
            return;
        } else if self.emulator.size() != (rows, columns) {
            self.emulator.resize(rows, columns);
        }
        self.cursor = frame.cursor.filter(|(row, column)| *row < rows && *column < columns);
        for (row, line) in frame.changed.iter().filter(|(row, _)| *row < rows) {
            // Without autowrap, a line that is too long stays on its row.
            let place = format!("\x1b[?7l\x1b[{};1H\x1b[m\x1b[2K", row + 1);
            self.emulator.process(place.as_bytes());
            self.emulator.process(text_and_colours(line).as_bytes());
        }
    }

    /// Whether a whole frame has come.
    pub fn is_begun(&self) -> bool {
        self.is_begun
    }

    /// Rows and columns of the session's screen.
    pub fn size(&self) -> (u16, u16) {
        self.emulator.size()
    }

    /// The lines of the screen, with their colours or as text.
    pub fn lines(&self, with_colours: bool) -> Vec<String> {
        match with_colours {
            true => colours::lines(&self.emulator).collect(),
            false => self.emulator.text().collect(),
        }
    }

    /// Draws the screen into `area`: its part around the cursor, where it does not fit. Without colours the attributes
    /// stay: bold, inverted and so on.
    pub fn render(&self, area: Rect, buffer: &mut Buffer, with_colours: bool) {
        let area = area.intersection(buffer.area);
        if area.is_empty() {
            return;
        }
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                buffer[(x, y)].reset();
            }
        }
        if !self.is_begun {
            return;
        }
        let (top, left) = self.corner(area.height, area.width);
        for y in 0..area.height {
            let row = top + y;
            let mut cells = self.emulator.cells(row).enumerate().skip(left.into());
            for x in 0..area.width {
                let Some((column, cell)) = cells.next() else { break };
                let is_cursor =
                    self.cursor.is_some_and(|(at, in_column)| (row, column) == (at, usize::from(in_column)));
                let (text, style) = drawn(&cell, with_colours, is_cursor);
                let has_room = x + 1 < area.width;
                let symbol = symbol(&text, cell.is_wide(), has_room);
                buffer[(area.x + x, area.y + y)].set_symbol(symbol).set_style(style);
            }
        }
    }

    /// The row and the column of the screen that are shown first in a place of this size. The last row with something on
    /// it is shown last; but the cursor is always shown.
    fn corner(&self, height: u16, width: u16) -> (u16, u16) {
        let (rows, columns) = self.size();
        if rows <= height && columns <= width {
            return (0, 0);
        }
        let last = (0..rows).rev().find(|row| self.emulator.cells(*row).any(|cell| shows(&cell)));
        let mut top = (last.unwrap_or(0) + 1).saturating_sub(height);
        let mut left = 0;
        if let Some((row, column)) = self.cursor {
            top = top.clamp((row + 1).saturating_sub(height), row);
            left = (column + 1 + CURSOR_MARGIN).min(columns).saturating_sub(width).min(column);
        }
        (top, left)
    }
}

/// Whether there is something to be seen in a cell.
fn shows(cell: &CellView<'_>) -> bool {
    cell.is_written() && text_of(cell) != " " || cell.style().background != ScreenColor::Default
}

fn text_of(cell: &CellView<'_>) -> String {
    let mut text = String::new();
    cell.push_text(&mut text);
    text
}

/// What stands in a cell, and how it looks.
fn drawn(cell: &CellView<'_>, with_colours: bool, is_cursor: bool) -> (String, Style) {
    let look = cell.style();
    let mut style = Style::reset();
    if with_colours {
        style = style.fg(colour(look.foreground)).bg(colour(look.background));
    }
    let attributes = [
        (style::BOLD, Modifier::BOLD),
        (style::DIM, Modifier::DIM),
        (style::ITALIC, Modifier::ITALIC),
        (style::CONCEALED, Modifier::HIDDEN),
        (style::STRUCK, Modifier::CROSSED_OUT),
    ];
    for (_, modifier) in attributes.iter().filter(|(flag, _)| look.has(*flag)) {
        style = style.add_modifier(*modifier);
    }
    if look.underline != Underline::None {
        style = style.add_modifier(Modifier::UNDERLINED);
    }
    if look.has(style::INVERSE) != is_cursor {
        style = style.add_modifier(Modifier::REVERSED);
    }
    (text_of(cell), style)
}

/// What is written for a cell: as wide as on the screen, so that nothing moves what stands right of it.
fn symbol(text: &str, is_wide: bool, has_room: bool) -> &str {
    match (text.width(), is_wide) {
        (0, _) => " ",
        (1, _) => text,
        (_, true) if has_room => text,
        // Half of it is outside.
        (_, true) => " ",
        (_, false) => UNFIT,
    }
}

fn colour(colour: ScreenColor) -> Color {
    match colour {
        ScreenColor::Default => Color::Reset,
        ScreenColor::Idx(index) => Color::Indexed(index),
        ScreenColor::Rgb(red, green, blue) => Color::Rgb(red, green, blue),
    }
}

/// The line without anything but text and sequences that set colours.
fn text_and_colours(line: &str) -> String {
    let mut kept = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(char) = rest.chars().next() {
        let length = colours(rest);
        if length > 0 {
            kept.push_str(&rest[..length]);
            rest = &rest[length..];
            continue;
        }
        if !char.is_control() {
            kept.push(char);
        }
        rest = &rest[char.len_utf8()..];
    }
    kept
}

/// How long the sequence is that stands at the beginning and sets colours (`ESC [ … m`), in bytes; 0 where there is none.
fn colours(text: &str) -> usize {
    let Some(parameters) = text.strip_prefix("\x1b[") else { return 0 };
    let is_parameter = |char: char| char.is_ascii_digit() || matches!(char, ';' | ':');
    let end = parameters.find(|char| !is_parameter(char)).unwrap_or(parameters.len());
    if parameters[end..].starts_with('m') && end < MAX_COLOURS_BYTES { end + 3 } else { 0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole(rows: u16, columns: u16, lines: &[&str]) -> ScreenFrame {
        let changed = (0..).zip(lines).map(|(row, line)| (row, (*line).to_owned())).collect();
        ScreenFrame { rows, columns, is_whole: true, cursor: None, changed }
    }

    fn drawn_in(copy: &ScreenCopy, width: u16, height: u16, with_colours: bool) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        copy.render(buffer.area, &mut buffer, with_colours);
        buffer
    }

    fn lines(buffer: &Buffer) -> Vec<String> {
        let row = |y| (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        (0..buffer.area.height).map(row).map(|line| line.trim_end().to_owned()).collect()
    }

    #[test]
    fn frames_make_a_screen_with_its_colours() {
        let mut copy = ScreenCopy::default();
        copy.apply(&ScreenFrame { changed: vec![(0, "early".into())], ..ScreenFrame::default() });
        assert!(!copy.is_begun());
        copy.apply(&whole(3, 10, &["a\x1b[1;31mb\x1b[m c", "漢字", "x"]));
        copy.apply(&ScreenFrame {
            rows: 3,
            columns: 10,
            is_whole: false,
            cursor: Some((2, 1)),
            changed: vec![(2, "\x1b[48;2;1;2;3mnew\x1b[m".into())],
        });
        let buffer = drawn_in(&copy, 10, 3, true);
        assert_eq!(buffer[(1, 0)].symbol(), "b");
        assert_eq!((buffer[(1, 0)].fg, buffer[(1, 0)].modifier), (Color::Indexed(1), Modifier::BOLD));
        assert_eq!((buffer[(0, 1)].symbol(), buffer[(2, 1)].symbol()), ("漢", "字"));
        assert_eq!(buffer[(0, 2)].bg, Color::Rgb(1, 2, 3));
        assert_eq!(buffer[(1, 2)].modifier, Modifier::REVERSED);
        let plain = drawn_in(&copy, 10, 3, false);
        assert_eq!((plain[(1, 0)].fg, plain[(1, 0)].modifier), (Color::Reset, Modifier::BOLD));
        assert_eq!(plain[(0, 2)].bg, Color::Reset);
    }

    #[test]
    fn what_does_not_fit_is_cut_around_the_cursor() {
        let mut copy = ScreenCopy::default();
        let text: Vec<String> = (0..9).map(|row| format!("{row}abcdefghijklmnopqrs")).collect();
        let text: Vec<&str> = text.iter().map(String::as_str).collect();
        copy.apply(&whole(12, 20, &text));
        assert_eq!(lines(&drawn_in(&copy, 4, 2, true)), ["7abc", "8abc"]);
        copy.cursor = Some((2, 19));
        assert_eq!(lines(&drawn_in(&copy, 4, 2, true)), ["2pqrs".replace('2', ""), "pqrs".into()]);
        copy.cursor = Some((11, 0));
        assert_eq!(lines(&drawn_in(&copy, 4, 2, true)), ["", ""]);
        // Half of a wide character is none.
        copy.apply(&whole(1, 4, &["a漢b"]));
        assert_eq!(lines(&drawn_in(&copy, 2, 1, true)), ["a"]);
    }

    #[test]
    fn nothing_but_text_and_colours_is_taken() {
        let line = "a\x1b[2J\x1b]0;t\x07b\x1b[9;9Hc\x1b[1md\x1b[9999b\n\r\x1b[";
        assert_eq!(text_and_colours(line), "a[2J]0;tb[9;9Hc\x1b[1md[9999b[");
        let mut copy = ScreenCopy::default();
        copy.apply(&whole(2, 4, &["first and longer", "b"]));
        assert_eq!(lines(&drawn_in(&copy, 4, 2, true))[1], "b");
    }

    proptest! {
        #[test]
        fn no_frame_is_too_bad(
            frames in prop::collection::vec(
                (any::<u16>(), any::<u16>(), any::<bool>(), any::<Option<(u16, u16)>>(),
                 prop::collection::vec((0..50u16, "[a漢é👩\u{200d}\u{fe0f}\u{1f1e9}\u{1b}\\[;0-9mJ\n]{0,40}"), 0..5)),
                0..4,
            ),
            width in 0..30u16, height in 0..10u16,
        ) {
            let mut copy = ScreenCopy::default();
            for (rows, columns, is_whole, cursor, changed) in frames {
                copy.apply(&ScreenFrame { rows: rows % 60, columns: columns % 300, is_whole, cursor, changed });
                let mut buffer = Buffer::empty(Rect::new(0, 0, 20, 8));
                copy.render(Rect::new(3, 2, width, height), &mut buffer, true);
                for cell in buffer.content() {
                    prop_assert!(!cell.symbol().chars().any(char::is_control));
                }
            }
        }
    }
}

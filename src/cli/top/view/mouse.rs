//! What the mouse does.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use super::{Overlay, View};
use crate::cli::top::event::Effect;
use crate::cli::top::keys::Command;

/// Two clicks within this time are one double click.
const DOUBLE_CLICK_MS: u64 = 500;
/// The wheel scrolls so many rows.
const WHEEL_ROWS: isize = 3;

impl View {
    /// Something of the mouse.
    pub(super) fn mouse(&mut self, mouse: MouseEvent) -> Vec<Effect> {
        match mouse.kind {
            MouseEventKind::ScrollUp => self.wheel(-WHEEL_ROWS),
            MouseEventKind::ScrollDown => self.wheel(WHEEL_ROWS),
            MouseEventKind::Down(MouseButton::Left) => return self.click(mouse.column, mouse.row),
            _ => {}
        }
        Vec::new()
    }

    fn wheel(&mut self, by: isize) {
        match &mut self.overlay {
            Overlay::Pager(pager, _) => pager.scroll(by),
            Overlay::None | Overlay::Filter(_) => self.list.scroll(by),
            Overlay::Dialog(_) => {}
        }
    }

    /// A click selects a row. A second one attaches it.
    fn click(&mut self, column: u16, row: u16) -> Vec<Effect> {
        let area = self.areas().list;
        if !matches!(self.overlay, Overlay::None) || !area.contains(Position::new(column, row)) {
            return Vec::new();
        }
        let at = self.list.top + usize::from(row - area.y);
        let Some(id) = self.list.shown().get(at).map(|row| row.id.clone()) else { return Vec::new() };
        self.status = None;
        self.brought_back = None;
        self.list.select(at);
        let before = self.clicked.replace((self.now_ms, id.clone()));
        let is_double =
            before.is_some_and(|(at, of)| of == id && self.now_ms.saturating_sub(at) <= DOUBLE_CLICK_MS);
        if !is_double {
            return Vec::new();
        }
        self.clicked = None;
        self.about_row(Command::Attach)
    }
}

//! What `draw` shows of the view.

use ratatui::layout::Rect;

use super::list::List;
use super::preview::Preview;
use super::{Overlay, Status, View};
use crate::cli::colours::Colours;

impl View {
    /// The screen.
    pub fn size(&self) -> Rect {
        self.size
    }

    /// The time, in seconds since 1970.
    pub fn now(&self) -> u64 {
        self.now_ms / 1000
    }

    /// What is shown in which colour.
    pub fn colours(&self) -> Colours {
        self.colours
    }

    /// The rows.
    pub fn list(&self) -> &List {
        &self.list
    }

    /// The screen of the selected session.
    pub fn preview(&self) -> &Preview {
        &self.preview
    }

    /// Whether ended sessions are shown too.
    pub fn shows_ended(&self) -> bool {
        self.shows_ended
    }

    /// What takes the keys in place of the list.
    pub fn overlay(&self) -> &Overlay {
        &self.overlay
    }

    /// What came of the last thing that was done.
    pub fn status(&self) -> Option<&Status> {
        self.status.as_ref()
    }

    /// What was run and has not ended, by its labels.
    pub fn under_way(&self) -> &[String] {
        &self.under_way
    }
}

//! The screen of the selected session, as it is followed.

use crate::cli::top::event::PreviewUpdate;
use crate::cli::top::row::{Kind, Row, RowId};
use crate::cli::top::screen_copy::ScreenCopy;

use super::actions;

/// What is followed, and what has come of it.
#[derive(Debug, Default)]
pub struct Preview {
    /// Whose screen is followed.
    of: Option<RowId>,
    screen: ScreenCopy,
    /// Why there is nothing to be seen.
    nothing: Option<String>,
}

impl Preview {
    /// Follows this row from now on, or none. Gives whether that is something new.
    pub fn follow(&mut self, row: Option<RowId>) -> bool {
        if self.of == row {
            return false;
        }
        *self = Self { of: row, ..Self::default() };
        true
    }

    /// Takes what has come of a row. What is not followed any more is dropped.
    pub fn update(&mut self, id: &RowId, update: PreviewUpdate) {
        if self.of.as_ref() != Some(id) {
            return;
        }
        match update {
            PreviewUpdate::Frame(frame) => {
                self.screen.apply(&frame);
                self.nothing = None;
            }
            PreviewUpdate::Nothing(why) => self.nothing = Some(why),
        }
    }

    /// The screen, as far as it has come.
    pub fn screen(&self) -> &ScreenCopy {
        &self.screen
    }

    /// Whose screen is followed.
    #[cfg(test)]
    pub fn of(&self) -> Option<&RowId> {
        self.of.as_ref()
    }

    /// What stands in the place of a row's screen, if there is none.
    pub fn why_nothing(&self, row: &Row) -> Option<String> {
        if actions::has_screen(row) {
            return self.nothing.clone();
        }
        Some(match row.kind {
            Kind::Unwrapped => "cckw does not run this claude, so its screen is not known".into(),
            Kind::Job => "a background job of claude's has no screen".into(),
            Kind::Session => format!("it does not run ({})", row.state),
        })
    }
}

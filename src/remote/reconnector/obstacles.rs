//! What the last try or look ran into, and what was written down of it.

use std::time::Duration;

use super::block_reason::BlockReason;
use super::events::Action;
use crate::registry::log_event::LinkEvent;

/// Obstacles that were met, and told.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Obstacles {
    /// What was met last, and how long that counts unless something changes.
    met: Option<(BlockReason, Duration)>,
    /// What was told last.
    told: Option<BlockReason>,
    /// It was told that the main prompt was not recognised.
    unrecognised_told: bool,
}

impl Obstacles {
    /// This stands against typing until then.
    pub(super) fn meet(&mut self, why: BlockReason, until: Duration) {
        self.met = Some((why, until));
    }

    /// Something has changed, so that what was met may be gone.
    pub(super) fn clear(&mut self) {
        self.met = None;
    }

    /// What stands against typing now.
    pub(super) fn current(&self, at: Duration) -> Option<&(BlockReason, Duration)> {
        self.met.as_ref().filter(|(_, until)| at < *until)
    }

    /// Whether the next look at the screen may say something else.
    pub(super) fn is_of_the_screen(&self) -> bool {
        self.met.as_ref().is_some_and(|(why, _)| why.is_of_the_screen())
    }

    /// The same obstacle is news once more.
    pub(super) fn forget_told(&mut self) {
        self.told = None;
    }

    /// Writes down why nothing is typed into a session that should have a link, when that is news.
    pub(super) fn tell(&mut self, why: BlockReason) -> Option<Action> {
        if self.told.as_ref() == Some(&why) || why.is_fleeting() {
            return None;
        }
        let what = why.to_string();
        let note = match &why {
            BlockReason::TooOften | BlockReason::LeftAlone(_) | BlockReason::NeedsRestart(_) => {
                Some(LinkEvent::GaveUp { what })
            }
            BlockReason::OwnCommand(_) => Some(LinkEvent::GaveUp { what }),
            // Other obstacles may come in between; then it comes again, and says nothing new.
            BlockReason::Unrecognised { .. } if std::mem::replace(&mut self.unrecognised_told, true) => None,
            BlockReason::Unrecognised { .. } => Some(LinkEvent::Unrecognised { what }),
            _ => Some(LinkEvent::Waits { what }),
        };
        self.told = Some(why);
        note.map(Action::Note)
    }
}

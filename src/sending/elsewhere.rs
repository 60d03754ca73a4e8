//! How long claude has been somewhere else than at its main prompt.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::block::SendBlock;

/// How long a message waits for claude's main prompt while something else is there: a permission prompt, a
/// dialog, a view. Nobody may be there to close it, and who has sent the message is to hear of that soon. What
/// opens and closes by itself is gone by then.
const ELSEWHERE_TIMEOUT: Duration = Duration::from_secs(5);

/// Since when something else than the main prompt is there, while a message waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Elsewhere {
    since: Option<Duration>,
}

impl Elsewhere {
    /// Notes what stands against typing beside the screen.
    pub(super) fn note_status(&mut self, at: Duration, against: Option<&SendBlock>) {
        match against {
            Some(SendBlock::Status(_)) => drop(self.since.get_or_insert(at)),
            Some(_) => self.since = None,
            // The screen decides.
            None => {}
        }
    }

    /// Notes what a look has found to stand against typing.
    pub(super) fn note_look(&mut self, at: Duration, against: &SendBlock) {
        match against {
            SendBlock::Screen(_) => drop(self.since.get_or_insert(at)),
            // What is being drawn may be anything.
            SendBlock::Unsettled => {}
            _ => self.since = None,
        }
    }

    /// When it has been there for too long.
    pub(super) fn deadline(self) -> Option<Duration> {
        self.since.map(|since| since + ELSEWHERE_TIMEOUT)
    }

    /// Whether it has.
    pub(super) fn is_over(self, at: Duration) -> bool {
        self.deadline().is_some_and(|deadline| deadline <= at)
    }
}

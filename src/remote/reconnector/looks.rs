//! When the screen is looked at although nothing is under way.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The looks that are planned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct LookTimer {
    /// When to look.
    at: Option<Duration>,
    /// When the time to type may have come, for which a look is needed.
    wake_at: Option<Duration>,
    /// A look was ordered in order to type.
    is_to_type: bool,
}

impl LookTimer {
    pub(super) fn deadline(&self) -> Option<Duration> {
        [self.at, self.wake_at].into_iter().flatten().min()
    }

    /// When the next look is planned, apart from one in order to type.
    pub(super) fn at(&self) -> Option<Duration> {
        self.at
    }

    /// Plans a look for then, or none.
    pub(super) fn plan(&mut self, at: Option<Duration>) {
        self.at = at;
    }

    /// The time to type has come: a look is needed for it.
    pub(super) fn before_typing(&mut self) {
        self.wake_at = None;
        self.is_to_type = true;
    }

    /// Nothing is typed now; something may be from then on.
    pub(super) fn wake(&mut self, at: Option<Duration>) {
        self.wake_at = at;
        self.is_to_type = false;
    }

    /// Something may be due before that, too.
    pub(super) fn wake_before(&mut self, at: Duration) {
        self.wake_at = Some(self.wake_at.map_or(at, |wake| wake.min(at)));
    }

    /// Whether the look that has come was ordered in order to type.
    pub(super) fn take_typing(&mut self) -> bool {
        std::mem::take(&mut self.is_to_type)
    }

    /// Its time has come. Whether to look; in order to type only where the link is any business of ours.
    pub(super) fn handle_due(&mut self, at: Duration, cares: bool) -> bool {
        let look = self.at.take_if(|look| *look <= at).is_some();
        // What the screen said may be old by now.
        let wake = self.wake_at.take_if(|wake| *wake <= at).is_some();
        look || wake && cares
    }
}

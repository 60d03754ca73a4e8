//! When the screen is taken down for those who watch it.

use std::time::{Duration, Instant};

/// At least so much time is between two frames.
const FRAME_INTERVAL: Duration = Duration::from_millis(50);
/// So long the output must have rested: a frame of claude's is complete then, and nothing else is to be done.
const REST: Duration = Duration::from_millis(4);
/// So long the watchers wait for a rest at most. Then they are shown what the model knows.
const RESTLESS: Duration = Duration::from_secs(1);

/// Whom there is to show something to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Demand {
    /// Nobody, or nobody who takes anything.
    None,
    /// Somebody who has seen what there was.
    Followers,
    /// Somebody who has missed an edition.
    Behind,
    /// Somebody who has seen nothing yet.
    New,
}

/// Decides it. It reads no clock.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// How often the screen had changed when it was looked at last.
    changes: u64,
    /// When it changed first since it was taken down.
    changed_at: Option<Instant>,
    /// When it changed last.
    moved_at: Option<Instant>,
    /// When it was taken down last.
    made_at: Option<Instant>,
}

impl Pace {
    /// The screen has changed so often by now.
    pub(super) fn note(&mut self, now: Instant, changes: u64) {
        if changes != self.changes {
            self.changes = changes;
            self.changed_at.get_or_insert(now);
            self.moved_at = Some(now);
        }
    }

    /// When frames are to be made next.
    pub(super) fn due(&self, now: Instant, demand: Demand) -> Option<Instant> {
        let earliest = self.made_at.map(|at| at + FRAME_INTERVAL);
        let at = match (demand, self.changed_at) {
            (Demand::None, _) | (Demand::Followers, None) => return None,
            // Whoever has just come does not wait.
            (Demand::New, _) => return Some(now),
            (Demand::Behind, None) => Some(now),
            (_, Some(changed)) => {
                let latest = self.made_at.map_or(changed, |made| made.max(changed)) + RESTLESS;
                self.moved_at.map(|at| latest.min(at + REST))
            }
        };
        at.max(earliest)
    }

    /// Whether the output rests.
    pub(super) fn is_at_rest(&self, now: Instant) -> bool {
        self.moved_at.is_none_or(|at| at + REST <= now)
    }

    /// The screen was taken down.
    pub(super) fn made(&mut self, now: Instant) {
        (self.made_at, self.changed_at) = (Some(now), None);
    }

    /// It was not taken down, or not with all that was written, although its time had come. It is to be taken down again.
    pub(super) fn passed(&mut self, now: Instant) {
        self.made_at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(start: Instant, ms: u64) -> Instant {
        start + Duration::from_millis(ms)
    }

    #[test]
    fn nothing_is_due_while_nothing_changes_or_nobody_takes_it() {
        let start = Instant::now();
        let mut pace = Pace::default();
        assert_eq!(pace.due(start, Demand::Followers), None);
        pace.note(start, 1);
        assert_eq!(pace.due(start, Demand::None), None);
        assert_eq!(pace.due(start, Demand::Followers), Some(at(start, 4)));
        pace.made(at(start, 5));
        assert_eq!(pace.due(start, Demand::Followers), None);
        pace.note(at(start, 500), 1);
        assert_eq!(pace.due(start, Demand::Followers), None);
    }

    #[test]
    fn there_are_twenty_a_second_and_each_waits_for_a_rest() {
        let start = Instant::now();
        let mut pace = Pace::default();
        pace.made(start);
        pace.note(at(start, 10), 1);
        assert_eq!(pace.due(start, Demand::Followers), Some(at(start, 50)));
        pace.note(at(start, 49), 2);
        assert_eq!(pace.due(start, Demand::Followers), Some(at(start, 53)));
        assert!(!pace.is_at_rest(at(start, 52)) && pace.is_at_rest(at(start, 53)));
        // Where it never rests there is one a second.
        for ms in 50..2000 {
            pace.note(at(start, ms), ms);
        }
        assert_eq!(pace.due(start, Demand::Followers), Some(at(start, 1010)));
        pace.passed(at(start, 1010));
        assert_eq!(pace.due(start, Demand::Followers), Some(at(start, 2003)));
    }

    #[test]
    fn who_takes_something_again_gets_the_newest() {
        let start = Instant::now();
        let mut pace = Pace::default();
        pace.note(start, 1);
        pace.made(at(start, 10));
        assert_eq!(pace.due(at(start, 20), Demand::Behind), Some(at(start, 60)));
        assert_eq!(pace.due(at(start, 90), Demand::Behind), Some(at(start, 90)));
        // One who has just come does not wait.
        assert_eq!(pace.due(at(start, 20), Demand::New), Some(at(start, 20)));
    }
}

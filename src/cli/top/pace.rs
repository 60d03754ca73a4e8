//! When the next frame is drawn.

use std::time::{Duration, Instant};

/// Between two frames because of what others do: 30 a second at most.
const FRAME_INTERVAL: Duration = Duration::from_millis(33);
/// Between two frames because of what the user does: a key shows at once, and a wheel that is spun does not fill the
/// terminal.
const KEY_FRAME_INTERVAL: Duration = Duration::from_millis(8);

/// Says when a frame is due. It reads no clock.
#[derive(Debug, Default)]
pub struct Pace {
    drawn_at: Option<Instant>,
    wanted: Option<Duration>,
}

impl Pace {
    /// Something else is to be shown: because of the user, or of somebody else.
    pub fn want(&mut self, is_user: bool) {
        let interval = if is_user { KEY_FRAME_INTERVAL } else { FRAME_INTERVAL };
        self.wanted = Some(self.wanted.map_or(interval, |wanted| wanted.min(interval)));
    }

    /// When the next frame is due; nothing where none is wanted.
    pub fn deadline(&self, now: Instant) -> Option<Instant> {
        let interval = self.wanted?;
        Some(self.drawn_at.map_or(now, |drawn_at| drawn_at + interval))
    }

    /// Whether a frame is due.
    pub fn is_due(&self, now: Instant) -> bool {
        self.deadline(now).is_some_and(|deadline| deadline <= now)
    }

    /// One was drawn.
    pub fn drawn(&mut self, now: Instant) {
        *self = Self { drawn_at: Some(now), wanted: None };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_makes_thirty_frames_a_second_and_a_key_shows_at_once() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut pace = Pace::default();
        assert_eq!(pace.deadline(start), None);
        let mut frames = 0;
        for ms in 0..1000 {
            pace.want(false);
            if pace.is_due(at(ms)) {
                pace.drawn(at(ms));
                frames += 1;
            }
        }
        assert!((29..=31).contains(&frames), "{frames}");
        pace.drawn(at(1000));
        assert!(!pace.is_due(at(5000)));
        pace.want(false);
        assert!(!pace.is_due(at(1010)));
        pace.want(true);
        assert!(pace.is_due(at(1010)));
        // What others do makes it no later.
        pace.want(false);
        assert!(pace.is_due(at(1010)));
    }
}

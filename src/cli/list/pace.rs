//! When what has changed is told: changes that come together are told together, and not too often.

use std::time::{Duration, Instant};

/// What changes together is told together: a record is written and renamed, a session ends and its socket goes.
const JOIN_TIME: Duration = Duration::from_millis(50);
/// The least time between two updates.
const MIN_INTERVAL: Duration = Duration::from_millis(100);
/// So many bytes a second are told on the average, at most: an update has all sessions.
const MAX_BYTES_PER_SECOND: u64 = 256 << 10;

/// Says when the next update is due.
#[derive(Debug, Default)]
pub struct UpdatePace {
    due: Option<Instant>,
    free_at: Option<Instant>,
}

impl UpdatePace {
    /// Something has changed.
    pub fn note_change(&mut self, now: Instant) {
        let joined = now + JOIN_TIME;
        self.due.get_or_insert(self.free_at.map_or(joined, |free| free.max(joined)));
    }

    /// An update was told, with so many bytes.
    pub fn note_sent(&mut self, now: Instant, bytes: usize) {
        let for_bytes = Duration::from_micros(bytes as u64 * 1_000_000 / MAX_BYTES_PER_SECOND);
        self.free_at = Some(now + for_bytes.max(MIN_INTERVAL));
    }

    /// When the next update is due, if something has changed.
    pub fn deadline(&self) -> Option<Instant> {
        self.due
    }

    /// Whether an update is due, which is then taken as told.
    pub fn take_due(&mut self, now: Instant) -> bool {
        self.due.take_if(|due| *due <= now).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_that_come_together_are_told_once() {
        let now = Instant::now();
        let mut pace = UpdatePace::default();
        assert_eq!(pace.deadline(), None);
        pace.note_change(now);
        pace.note_change(now + JOIN_TIME / 2);
        assert_eq!(pace.deadline(), Some(now + JOIN_TIME));
        assert!(!pace.take_due(now));
        assert!(pace.take_due(now + JOIN_TIME));
        assert!(!pace.take_due(now + JOIN_TIME));
    }

    #[test]
    fn a_flood_of_changes_is_told_ten_times_a_second_and_a_large_list_less_often() {
        let mut now = Instant::now();
        for (bytes, at_most) in [(0, 101), (10_000, 101), (300 << 10, 9)] {
            let (mut pace, end, mut told) = (UpdatePace::default(), now + Duration::from_secs(10), 0);
            while now < end {
                pace.note_change(now);
                if pace.take_due(now) {
                    told += 1;
                    pace.note_sent(now, bytes);
                }
                now += Duration::from_millis(1);
            }
            assert!((at_most - 2..=at_most).contains(&told), "{bytes}: {told}");
        }
    }
}

//! Whether a download comes too slowly to be waited for. A slow line is: a few bytes a second are enough.

use std::time::{Duration, Instant};

/// In each of these spans so many bytes must come.
const SPAN: Duration = Duration::from_secs(60);
const LEAST_BYTES: u64 = 4 << 10;
/// However fast it is, nothing takes longer.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// What has come of a download, and since when.
pub struct Pace {
    began: Instant,
    span: Duration,
    span_began: Instant,
    in_span: u64,
}

impl Pace {
    /// A download that begins now.
    pub fn new(now: Instant) -> Self {
        Self::with_span(now, SPAN)
    }

    /// The same with another span, for tests.
    pub fn with_span(now: Instant, span: Duration) -> Self {
        Self { began: now, span, span_began: now, in_span: 0 }
    }

    /// So many bytes have come. False if that is to be given up.
    pub fn has_moved(&mut self, now: Instant, bytes: u64) -> bool {
        self.in_span = self.in_span.saturating_add(bytes);
        if now.saturating_duration_since(self.began) > LONGEST {
            return false;
        }
        if now.saturating_duration_since(self.span_began) < self.span {
            return true;
        }
        let is_enough = self.in_span >= LEAST_BYTES;
        (self.span_began, self.in_span) = (now, 0);
        is_enough
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_drip_is_given_up_and_a_slow_line_is_not() {
        let start = Instant::now();
        let run = |bytes: u64, seconds: u64| {
            let mut pace = Pace::new(start);
            (1..=seconds).find(|second| !pace.has_moved(start + Duration::from_secs(*second), bytes))
        };
        assert_eq!(run(1, 3600), Some(60));
        assert_eq!(run(100, 3600), None);
        assert_eq!(run(1 << 20, 2 * 24 * 3600), Some(24 * 3600 + 1));
    }

    proptest! {
        /// Whatever comes before, what is still a drip is given up within two spans.
        #[test]
        fn nothing_drips_for_ever(before in proptest::collection::vec((0u64..100, 0u64..100_000), 0..50)) {
            let mut now = Instant::now();
            let mut pace = Pace::new(now);
            for (seconds, bytes) in before {
                now += Duration::from_secs(seconds);
                pace.has_moved(now, bytes);
            }
            let given_up = (0..121).any(|_| {
                now += Duration::from_secs(1);
                !pace.has_moved(now, 1)
            });
            prop_assert!(given_up);
        }
    }
}

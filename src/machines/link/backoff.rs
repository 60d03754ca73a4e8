//! How long is waited before the next attempt to connect.

use std::time::Duration;

/// The pauses, in seconds. The last one is repeated.
const PAUSES: [u64; 6] = [1, 2, 4, 8, 15, 30];
/// A link that was there for so long was a good one: after it the pauses begin anew.
const GOOD: Duration = Duration::from_secs(10);

/// The pauses so far.
#[derive(Debug, Default)]
pub struct Backoff {
    tries: usize,
}

impl Backoff {
    /// A link was there for so long.
    pub fn note_up(&mut self, time: Duration) {
        if time >= GOOD {
            self.tries = 0;
        }
    }

    /// The next pause.
    pub fn next(&mut self) -> Duration {
        let pause = PAUSES[self.tries.min(PAUSES.len() - 1)];
        self.tries += 1;
        Duration::from_secs(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_begin_anew_after_a_good_link() {
        let mut backoff = Backoff::default();
        let pauses: Vec<u64> = (0..8).map(|_| backoff.next().as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 15, 30, 30, 30]);
        backoff.note_up(GOOD - Duration::from_secs(1));
        assert_eq!(backoff.next().as_secs(), 30);
        backoff.note_up(GOOD);
        assert_eq!(backoff.next().as_secs(), 1);
    }
}

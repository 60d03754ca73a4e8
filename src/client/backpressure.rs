//! Whether the terminal is read while claude does not take what was typed.
//!
//! While claude is slow the terminal is not read, and holds the rest of a paste itself. But the detach key
//! may stand behind that paste, and a claude that hangs (or whose output a hung host does not read) would
//! never let it through. So a terminal that has rested for a second is read all the same: what comes waits in
//! memory, and is looked through for the keys that are for cckw.
//!
//! These are plain values. They do no I/O and read no clock.

use std::time::{Duration, Instant};

/// When so much waits, the terminal is not read, in bytes.
pub const QUEUE_LIMIT: usize = 64 * 1024;
/// The most that waits while the terminal is read all the same, in bytes.
const MAX_QUEUED_BYTES: usize = 64 * 1024 * 1024;
/// How long the terminal is not read while claude takes less than [`QUEUE_LIMIT`].
const MAX_READ_PAUSE: Duration = Duration::from_secs(1);
/// After this time without a byte taken, what finds no room in memory is dropped.
const DROP_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the detach key waits for claude to read what was typed before it, while claude takes less than
/// [`LEAST_READ_BYTES`].
const UNREAD_KEYS_TIMEOUT: Duration = Duration::from_secs(2);
const LEAST_READ_BYTES: u64 = 4096;

/// How full the queue of keys is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Level {
    /// What waits, in bytes of memory.
    pub waiting: usize,
    /// How much was taken out of it since the queue was made, in bytes.
    pub taken: u64,
}

/// What becomes of the next key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum KeyAdmission {
    /// The terminal is read, and what comes is passed on or queued.
    #[default]
    Queue,
    /// The terminal is not read.
    Wait,
    /// The terminal is read, and what comes is only looked at.
    Drop,
}

/// Since when less than an amount was taken.
#[derive(Debug, Clone, Copy)]
struct Pace {
    since: Instant,
    taken: u64,
}

impl Pace {
    fn new(level: Level, now: Instant) -> Self {
        Self { since: now, taken: level.taken }
    }

    /// Begins anew where so many bytes were taken since the last time.
    fn note(&mut self, level: Level, least: u64, now: Instant) {
        if level.taken.wrapping_sub(self.taken) >= least {
            *self = Self::new(level, now);
        }
    }
}

/// Decides whether the terminal is read.
#[derive(Debug, Default)]
pub struct Backpressure {
    full: Option<Full>,
    input: KeyAdmission,
    due: Option<Instant>,
}

/// The queue is full, or what came behind it was dropped and it is not empty yet.
#[derive(Debug)]
struct Full {
    /// Since when claude is slow.
    slow: Pace,
    /// Since when it takes nothing.
    silent: Pace,
}

impl Backpressure {
    /// What becomes of the next key, as of the last [`Self::note`].
    pub fn input(&self) -> KeyAdmission {
        self.input
    }

    /// When the next [`Self::note`] is due although nothing happens. Nothing where it would change nothing.
    pub fn deadline(&self) -> Option<Instant> {
        self.due
    }

    /// Takes note of how full the queue is now. Called before each wait.
    pub fn note(&mut self, level: Level, now: Instant) {
        let is_dropping = self.input == KeyAdmission::Drop && level.waiting > 0;
        if level.waiting < QUEUE_LIMIT && !is_dropping {
            *self = Self::default();
            return;
        }
        let new = || Full { slow: Pace::new(level, now), silent: Pace::new(level, now) };
        let full = self.full.get_or_insert_with(new);
        full.slow.note(level, QUEUE_LIMIT as u64, now);
        full.silent.note(level, 1, now);
        let (slow_at, drop_at) = (full.slow.since + MAX_READ_PAUSE, full.silent.since + DROP_TIMEOUT);
        let has_room = level.waiting < MAX_QUEUED_BYTES;
        (self.input, self.due) = match () {
            () if is_dropping => (KeyAdmission::Drop, None),
            () if has_room && slow_at <= now => (KeyAdmission::Queue, None),
            () if has_room => (KeyAdmission::Wait, Some(slow_at)),
            () if drop_at <= now => (KeyAdmission::Drop, None),
            () => (KeyAdmission::Wait, Some(drop_at)),
        };
    }
}

/// The detach key was pressed behind keys that claude has not read. They go first, for as long as claude goes
/// on reading.
#[derive(Debug)]
pub struct UnreadKeys(Pace);

impl UnreadKeys {
    /// The key was pressed now.
    pub fn new(level: Level, now: Instant) -> Self {
        Self(Pace::new(level, now))
    }

    /// Takes note of how full the queue is now. Whether they are not waited for any longer.
    pub fn are_over(&mut self, level: Level, now: Instant) -> bool {
        self.0.note(level, LEAST_READ_BYTES, now);
        level.waiting == 0 || self.deadline() <= now
    }

    /// When they are not waited for any longer if claude takes nothing.
    pub fn deadline(&self) -> Instant {
        self.0.since + UNREAD_KEYS_TIMEOUT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small generator (xorshift), so that the same numbers come each time.
    struct Random(u64);

    impl Random {
        fn below(&mut self, limit: u64) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0 % limit
        }
    }

    fn level(waiting: usize, taken: u64) -> Level {
        Level { waiting, taken }
    }

    #[test]
    fn a_terminal_rests_while_claude_reads_and_is_read_after_a_second_in_which_it_does_not() {
        let (mut pressure, begun) = (Backpressure::default(), Instant::now());
        pressure.note(level(QUEUE_LIMIT - 1, 0), begun);
        assert_eq!((pressure.input(), pressure.deadline()), (KeyAdmission::Queue, None));
        let full = level(QUEUE_LIMIT, 0);
        pressure.note(full, begun);
        assert_eq!(
            (pressure.input(), pressure.deadline()),
            (KeyAdmission::Wait, Some(begun + MAX_READ_PAUSE))
        );
        pressure.note(full, begun + MAX_READ_PAUSE);
        assert_eq!((pressure.input(), pressure.deadline()), (KeyAdmission::Queue, None));
        // It is read on, whatever waits by then, until claude takes a whole queue.
        let later = begun + Duration::from_secs(3600);
        pressure.note(level(MAX_QUEUED_BYTES - 1, 100), later);
        assert_eq!(pressure.input(), KeyAdmission::Queue);
        pressure.note(level(MAX_QUEUED_BYTES - 1, QUEUE_LIMIT as u64), later);
        assert_eq!(pressure.input(), KeyAdmission::Wait);
    }

    #[test]
    fn a_claude_that_takes_a_byte_now_and_then_does_not_keep_the_terminal_from_being_read() {
        let (mut pressure, begun) = (Backpressure::default(), Instant::now());
        for tenth in 0..10 {
            pressure.note(level(QUEUE_LIMIT, tenth), begun + Duration::from_millis(100 * tenth));
            assert_eq!(pressure.input(), KeyAdmission::Wait);
        }
        pressure.note(level(QUEUE_LIMIT, 10), begun + MAX_READ_PAUSE);
        assert_eq!(pressure.input(), KeyAdmission::Queue);
    }

    #[test]
    fn nothing_is_dropped_before_memory_is_full_and_claude_has_taken_nothing_for_ten_seconds() {
        let (mut pressure, begun) = (Backpressure::default(), Instant::now());
        let mut now = begun;
        pressure.note(level(MAX_QUEUED_BYTES, 0), now);
        for taken in 1..100 {
            now += DROP_TIMEOUT - Duration::from_millis(1);
            pressure.note(level(MAX_QUEUED_BYTES, taken), now);
            assert_eq!(
                (pressure.input(), pressure.deadline()),
                (KeyAdmission::Wait, Some(now + DROP_TIMEOUT))
            );
        }
        pressure.note(level(MAX_QUEUED_BYTES, 99), now + DROP_TIMEOUT);
        assert_eq!(pressure.input(), KeyAdmission::Drop);
        // The rest of what was cut goes the same way.
        pressure.note(level(1, 100), now + DROP_TIMEOUT);
        assert_eq!(pressure.input(), KeyAdmission::Drop);
        pressure.note(level(0, 101), now + DROP_TIMEOUT);
        assert_eq!((pressure.input(), pressure.deadline()), (KeyAdmission::Queue, None));
    }

    /// Whatever claude and the user do: memory is bounded, no byte is dropped that has room, and a terminal
    /// is never left unread for long, but where claude takes a whole queue in that time, or where memory is
    /// full and claude has taken something lately.
    #[test]
    fn the_terminal_is_read_in_time_and_memory_is_bounded_for_any_claude_and_any_user() {
        const STEP: Duration = Duration::from_millis(50);
        for seed in 1..60_u64 {
            let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let (mut pressure, mut now) = (Backpressure::default(), Instant::now());
            let (mut waiting, mut taken) = (0_usize, 0_u64);
            let mut unread: Option<(Instant, u64, Instant)> = None;
            let (mut speed, mut typing) = (0, 0);
            for step in 0..2_000 {
                if step % 100 == 0 {
                    speed = [0, 1, 1_000, 100_000, 10_000_000][random.below(5) as usize];
                    typing = [0, 10, 100_000, 4_000_000][random.below(4) as usize];
                }
                let moved = waiting.min(random.below(speed + 1) as usize);
                (waiting, taken) = (waiting - moved, taken + moved as u64);
                pressure.note(level(waiting, taken), now);
                match pressure.input() {
                    KeyAdmission::Queue => {
                        assert!(waiting < MAX_QUEUED_BYTES);
                        waiting += random.below(typing + 1) as usize;
                        unread = None;
                    }
                    KeyAdmission::Drop => {
                        assert!(waiting > 0);
                        unread = None;
                    }
                    KeyAdmission::Wait => {
                        assert!(waiting >= QUEUE_LIMIT);
                        assert!(pressure.deadline().is_some_and(|due| due > now), "a wait without an end");
                        let (since, from, moved_at) = unread.get_or_insert((now, taken, now));
                        if moved > 0 {
                            *moved_at = now;
                        }
                        let is_full = waiting >= MAX_QUEUED_BYTES && now - *moved_at < DROP_TIMEOUT + STEP;
                        if is_full || taken - *from >= QUEUE_LIMIT as u64 {
                            (*since, *from) = (now, taken);
                        }
                        // The two periods may begin at different times.
                        assert!(now - *since < 2 * MAX_READ_PAUSE + STEP, "seed {seed}, step {step}");
                    }
                }
                assert!(waiting <= MAX_QUEUED_BYTES + 4_000_000);
                now += STEP;
            }
        }
    }

    #[test]
    fn the_detach_key_waits_for_keys_that_are_being_read_and_for_no_others() {
        let begun = Instant::now();
        let mut keys = UnreadKeys::new(level(1_000_000, 0), begun);
        let mut now = begun;
        for piece in 1..100 {
            now += Duration::from_secs(1);
            assert!(!keys.are_over(level(1_000_000, piece * LEAST_READ_BYTES), now));
        }
        assert!(!keys.are_over(level(1_000_000, 99 * LEAST_READ_BYTES + 10), now + Duration::from_secs(1)));
        assert_eq!(keys.deadline(), now + UNREAD_KEYS_TIMEOUT);
        assert!(keys.are_over(level(1_000_000, 99 * LEAST_READ_BYTES + 20), now + UNREAD_KEYS_TIMEOUT));
        assert!(UnreadKeys::new(level(1, 0), begun).are_over(level(0, 1), begun));
    }
}

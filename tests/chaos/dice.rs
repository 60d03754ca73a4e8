//! Chance that can be had again.

use std::time::Duration;

/// Numbers that look like chance and are the same every time (splitmix64).
pub struct Dice(u64);

impl Dice {
    /// The numbers of one purpose (`stream`) in one round.
    pub fn new(seed: u64, round: u64, stream: u64) -> Self {
        let mut dice = Self(seed ^ round.wrapping_mul(0xd1b5_4a32_d192_ed03) ^ stream << 56);
        dice.next();
        dice
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below `limit`, which is not 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// A time of up to so many milliseconds, in microseconds.
    pub fn up_to(&mut self, most: u64) -> Duration {
        Duration::from_micros(self.below(most * 1000 + 1))
    }
}

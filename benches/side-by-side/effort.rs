//! How much is measured.

use std::time::Duration;

const MIB: u64 = 1 << 20;

/// How much of each.
#[derive(Clone, Debug)]
pub struct Effort {
    /// Rounds that count. One more comes first and does not.
    pub rounds: usize,
    /// Bytes of a bulk transfer.
    pub bulk: u64,
    /// Keys of each tool in a round.
    pub keys: usize,
    /// Keys of each tool in a round, pressed into a flood.
    pub flood_keys: usize,
    /// Starts of each tool in a round.
    pub starts: usize,
    /// Attaches of each tool; one more comes first and does not count.
    pub attaches: usize,
    /// How long idle tools are watched.
    pub idle: Duration,
    /// Bytes of output before memory is looked at again.
    pub flood: u64,
    /// Numbers of sessions for `detect`, and of ended ones for `list`.
    pub sessions: &'static [usize],
    /// Numbers of live hosts for `list`.
    pub hosts: &'static [usize],
    /// Whether `claude-connection-keeper` is asked too.
    pub keeper: bool,
    /// Runs of a command for one number.
    pub commands: usize,
    /// Once a command has taken so long in all, it is not run again for this number.
    pub patience: Duration,
}

impl Effort {
    /// About ten minutes.
    pub fn full() -> Self {
        Self {
            rounds: 5,
            bulk: 32 * MIB,
            keys: 700,
            flood_keys: 150,
            starts: 10,
            attaches: 20,
            idle: Duration::from_secs(30),
            flood: 200_000_000,
            sessions: &[1, 10, 100, 1000],
            hosts: &[1, 10, 100, 200],
            keeper: true,
            commands: 20,
            patience: Duration::from_secs(8),
        }
    }

    /// Less than a minute: shows that everything arrives, and gives figures of one round.
    pub fn quick() -> Self {
        Self {
            rounds: 1,
            bulk: 4 * MIB,
            keys: 100,
            flood_keys: 30,
            starts: 3,
            attaches: 3,
            idle: Duration::from_secs(3),
            flood: 32 * MIB,
            sessions: &[1, 100],
            hosts: &[1, 20],
            // It starts a program for each file that was left behind.
            keeper: false,
            commands: 3,
            patience: Duration::from_secs(2),
        }
    }

    /// A second or two: shows that it works.
    pub fn smoke() -> Self {
        Self {
            bulk: MIB,
            keys: 20,
            flood_keys: 5,
            starts: 1,
            attaches: 1,
            idle: Duration::from_millis(50),
            flood: MIB,
            sessions: &[1, 10],
            hosts: &[1, 2],
            commands: 1,
            ..Self::quick()
        }
    }
}

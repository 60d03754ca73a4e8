//! What the programs have in common that play rounds at random: which rounds, from which seed, and how many
//! at a time.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, Parser};

/// The options of such a program.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// How many rounds.
    #[arg(long, default_value_t = 200, value_name = "N")]
    pub rounds: u64,
    /// What chance is made from; as it comes out when not given.
    #[arg(long, value_name = "S")]
    pub seed: Option<u64>,
    /// Only this round, to play it again.
    #[arg(long, value_name = "N")]
    pub round: Option<u64>,
    /// How many at a time.
    #[arg(long, default_value_t = 2, value_name = "N")]
    pub jobs: u64,
    /// A short run.
    #[arg(long)]
    pub quick: bool,
    /// Given by `cargo bench`. Without it `cargo test` is at work, which only wants to see that this runs.
    #[arg(long, hide = true)]
    pub bench: bool,
    /// Given by `cargo test` at times.
    #[arg(long, hide = true)]
    pub test: bool,
}

/// Reads the command line of a program; under `cargo test`, whose harness has arguments of its own, one round
/// is played.
pub fn parse<P: Parser>(name: &str) -> P {
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    if is_bench { P::parse() } else { P::parse_from([name, "--rounds", "1"]) }
}

impl Options {
    /// The seed: the one that was given, or one of this moment.
    pub fn seed(&self) -> u64 {
        self.seed.unwrap_or_else(|| {
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
        })
    }

    /// The numbers of the rounds.
    pub fn range(&self) -> Range<u64> {
        self.round.map_or(0..self.rounds, |round| round..round + 1)
    }
}

/// Calls `play` for each of these numbers, so many at a time.
pub fn in_turns(numbers: Range<u64>, jobs: u64, play: impl Fn(u64) + Sync) {
    let next = AtomicU64::new(numbers.start);
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= numbers.end {
                return;
            }
            play(number);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(work);
        }
    });
}

/// What a panic said.
pub fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic").to_owned()
}

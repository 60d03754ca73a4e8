//! Kills client, host or claude at random, many times, and counts what came of it. `docs/chaos.md` explains it.
//!
//! `cargo bench --bench chaos -- [--rounds N] [--seed S] [--round N] [--jobs N] [--quick]`

mod tally;

#[path = "../../tests/chaos/game.rs"]
mod game;
#[path = "../../tests/chaos/plan.rs"]
mod plan;
#[path = "../../tests/support/mod.rs"]
mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use clap::Parser;
use plan::Plan;
use tally::Tally;

/// Kills whatever cckw runs, and looks whether the conversation is back.
#[derive(Parser)]
struct Options {
    /// How many rounds; each dozen has every victim at every moment once.
    #[arg(long, default_value_t = 200, value_name = "N")]
    rounds: u64,
    /// What chance is made from; as it comes out when not given.
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// Only this round, to play it again.
    #[arg(long, value_name = "N")]
    round: Option<u64>,
    /// How many rounds at a time.
    #[arg(long, default_value_t = 2, value_name = "N")]
    jobs: u64,
    /// Two dozen rounds.
    #[arg(long)]
    quick: bool,
    /// Given by `cargo bench`. Without it `cargo test` is at work, which only wants to see that this runs.
    #[arg(long, hide = true)]
    bench: bool,
    /// Given by `cargo test` at times.
    #[arg(long, hide = true)]
    test: bool,
}

fn main() -> ExitCode {
    // The arguments of a harness that this program does not have are not its business under `cargo test`.
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let mut options =
        if is_bench { Options::parse() } else { Options::parse_from(["chaos", "--rounds", "1"]) };
    if options.quick {
        options.rounds = 24;
    }
    let seed = options.seed.unwrap_or_else(|| {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
    });
    let (first, end) = options.round.map_or((0, options.rounds), |round| (round, round + 1));
    println!("seed {seed}, {} rounds\n", end - first);
    let began = Instant::now();
    let tally = Mutex::new(Tally::default());
    let next = AtomicU64::new(first);
    let play = || {
        loop {
            let round = next.fetch_add(1, Ordering::Relaxed);
            if round >= end {
                return;
            }
            let plan = Plan::new(seed, round);
            let result = catch_unwind(AssertUnwindSafe(|| game::play(&plan)));
            let result = result.map_err(|panic| message(&*panic));
            let mut tally = tally.lock().expect("nobody panics with it");
            match &result {
                Ok(outcome) => println!("{plan}  {}", tally::line(outcome)),
                Err(_) => println!("{plan}  FAILED, above"),
            }
            tally.add(&plan, result);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..options.jobs.max(1) {
            scope.spawn(play);
        }
    });
    let tally = tally.into_inner().expect("nobody panicked with it");
    println!("\n{tally}\nin {:.0} s", began.elapsed().as_secs_f64());
    if tally.is_well() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The first line of what a panic said; all of it is on stderr.
fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic");
    text.lines().next().unwrap_or_default().to_owned()
}

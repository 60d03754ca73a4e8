//! Asks for the link of the real claude wherever it may be at the moment, many times, and counts what came of it.
//! `docs/remote-control.md` has the figures.
//!
//! `cargo bench --bench keeping -- [--rounds N] [--seed S] [--round N] [--jobs N] [--quick]`

mod evidence;
mod plan;
mod round;
mod session;
mod tally;

#[path = "../../tests/chaos/dice.rs"]
mod dice;
#[allow(dead_code)] // This program uses a part of it.
#[path = "../../tests/real-claude/driver.rs"]
mod driver;
#[allow(dead_code)] // The same.
#[path = "../../tests/real-claude/install.rs"]
mod install;
#[allow(dead_code)] // The same.
#[path = "../../tests/real-claude/mock.rs"]
mod mock;
#[path = "../../tests/support/mod.rs"]
mod support;
#[path = "../../tests/real-claude/versions.rs"]
mod versions;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use clap::Parser;
use plan::{BLOCK, Plan};
use session::Session;
use tally::Tally;

/// Has a block with vim's editor and one without.
const QUICK_SEED: u64 = 275;

/// Asks for the link of the real claude in every state that it can be in.
#[derive(Parser)]
struct Options {
    /// How many rounds.
    #[arg(long, default_value_t = 200, value_name = "N")]
    rounds: u64,
    /// What chance is made from; as it comes out when not given.
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// Only this round, to play it again, in a session of its own.
    #[arg(long, value_name = "N")]
    round: Option<u64>,
    /// How many sessions at a time, two at most.
    #[arg(long, default_value_t = 2, value_name = "N")]
    jobs: u64,
    /// A few rounds of a run that is always the same.
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
        if is_bench { Options::parse() } else { Options::parse_from(["keeping", "--rounds", "1"]) };
    // Of two sessions the first rounds, the same each time: one has vim's editor.
    let mut of_each = BLOCK;
    if options.quick {
        (options.rounds, of_each) = (2 * BLOCK, 4);
        options.seed = options.seed.or(Some(QUICK_SEED));
    }
    let seed = options.seed.unwrap_or_else(|| {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
    });
    let (first, end) = options.round.map_or((0, options.rounds), |round| (round, round + 1));
    println!("seed {seed}\n");
    let began = Instant::now();
    let tally = Mutex::new(Tally::default());
    // A block of rounds shares its sessions.
    let next = AtomicU64::new(first / BLOCK);
    let play = || {
        loop {
            let block = next.fetch_add(1, Ordering::Relaxed);
            if block * BLOCK >= end {
                return;
            }
            let rounds = (block * BLOCK).max(first)..(block * BLOCK + of_each).min(end);
            play_block(seed, rounds, &tally);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..options.jobs.clamp(1, 2) {
            scope.spawn(play);
        }
    });
    let tally = tally.into_inner().expect("nobody panicked with it");
    println!("\n{tally} in {:.0} s", began.elapsed().as_secs_f64());
    if tally.is_well() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn play_block(seed: u64, rounds: std::ops::Range<u64>, tally: &Mutex<Tally>) {
    let mut session = None;
    for round in rounds {
        let plan = Plan::new(seed, round);
        let began = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| {
            let here = session.get_or_insert_with(|| Session::start(plan.setup, plan.size));
            round::play(here, &plan)
        }));
        let result = result.map_err(|panic| message(&*panic));
        if !matches!(&result, Ok(outcome) if !outcome.worn) {
            session = None;
        }
        let mut tally = tally.lock().expect("nobody panics with it");
        let took = began.elapsed().as_secs_f64();
        match &result {
            Ok(outcome) => println!("{plan}  {} [{took:.1} s]", tally::line(outcome)),
            Err(_) => println!("{plan}  FAILED, above"),
        }
        tally.add(&plan, result);
    }
}

/// What a panic said.
fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic").to_owned()
}

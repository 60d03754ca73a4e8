//! Asks for the link of the real claude wherever it may be at the moment, many times, and counts what came of
//! it. `docs/user/remote-control.md` has the figures.
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
#[path = "../shared/options.rs"]
mod options;
#[path = "../shared/prompt.rs"]
mod prompt;
#[path = "../../tests/support/mod.rs"]
mod support;
#[allow(dead_code)] // What the suite alone asks for.
#[path = "../../tests/real-claude/versions.rs"]
mod versions;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Instant;

use clap::Parser;
use options::Options;
use plan::{BLOCK, Plan};
use session::Session;
use tally::Tally;

/// Has a block with vim's editor and one without.
const QUICK_SEED: u64 = 275;

/// Asks for the link of the real claude in every state that it can be in. A block of rounds shares its
/// sessions, two at a time at most; `--quick` plays a few rounds of a run that is always the same.
#[derive(Parser)]
struct Line {
    #[command(flatten)]
    options: Options,
}

fn main() -> ExitCode {
    let Line { mut options } = options::parse("keeping");
    // Of two sessions the first rounds, the same each time: one has vim's editor.
    let mut of_each = BLOCK;
    if options.quick {
        (options.rounds, of_each) = (2 * BLOCK, 4);
        options.seed = options.seed.or(Some(QUICK_SEED));
    }
    let (seed, wanted) = (options.seed(), options.range());
    println!("seed {seed}\n");
    let began = Instant::now();
    let tally = Mutex::new(Tally::default());
    // A block of rounds shares its sessions.
    let blocks = wanted.start / BLOCK..wanted.end.div_ceil(BLOCK);
    options::in_turns(blocks, options.jobs.min(2), |block| {
        let rounds = (block * BLOCK).max(wanted.start)..(block * BLOCK + of_each).min(wanted.end);
        play_block(seed, rounds, &tally);
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
        let result = result.map_err(|panic| options::message(&*panic));
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

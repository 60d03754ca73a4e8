//! Harms the link of the real claude at random, many times, and counts what came of it. The services behind
//! Remote Control are played on this machine, in a network namespace for each session.
//! `docs/reports/real-link.md` has the figures.
//!
//! `cargo bench --bench real-link -- [--rounds N] [--seed S] [--round N] [--jobs N] [--quick]`

mod plan;
mod round;
mod session;
mod tally;
mod throttle;

#[allow(dead_code)] // This program uses a part of it.
#[path = "../../tests/real-claude/remote/bed.rs"]
mod bed;
#[path = "../../tests/chaos/dice.rs"]
mod dice;
#[allow(dead_code)] // The same.
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
use std::time::{Duration, Instant};

use clap::Parser;
use options::Options;
use plan::{BLOCK, Plan};
use session::Session;
use tally::Tally;

/// Harms the link of the real claude in every way that is known, wherever claude is, and looks whether it is
/// brought back where claude advises that, and only there. Ten rounds share a session; `--quick` plays the
/// first of them.
#[derive(Parser)]
struct Line {
    #[command(flatten)]
    options: Options,
    /// Begins no more rounds after so many minutes.
    #[arg(long, value_name = "N")]
    minutes: Option<u64>,
}

fn main() -> ExitCode {
    let Line { mut options, minutes } = options::parse("real-link");
    if options.quick {
        options.rounds = BLOCK;
    }
    let (seed, wanted) = (options.seed(), options.range());
    println!("seed {seed}\n");
    driver::allow_at_once(usize::try_from(options.jobs).unwrap_or(usize::MAX));
    let began = Instant::now();
    let end = minutes.map(|minutes| began + Duration::from_secs(60 * minutes));
    let tally = Mutex::new(Tally::default());
    let blocks = wanted.start / BLOCK..wanted.end.div_ceil(BLOCK);
    options::in_turns(blocks, options.jobs, |block| {
        let rounds = (block * BLOCK).max(wanted.start)..((block + 1) * BLOCK).min(wanted.end);
        play_block(seed, rounds, end, &tally);
    });
    let tally = tally.into_inner().expect("nobody panicked with it");
    println!("\n{tally} in {:.0} s", began.elapsed().as_secs_f64());
    if tally.is_well() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn play_block(seed: u64, rounds: std::ops::Range<u64>, end: Option<Instant>, tally: &Mutex<Tally>) {
    let mut session = None;
    for round in rounds {
        if end.is_some_and(|end| Instant::now() >= end) {
            return;
        }
        let plan = Plan::new(seed, round);
        let began = Instant::now();
        let mut is_slowed = true;
        let result = catch_unwind(AssertUnwindSafe(|| {
            let here = session.get_or_insert_with(|| Session::start(plan.setup));
            is_slowed = here.is_throttled();
            round::play(here, &plan)
        }));
        let result = result.map_err(|panic| options::message(&*panic));
        if !matches!(&result, Ok(report) if !report.worn) {
            session = None;
        }
        let mut tally = tally.lock().expect("nobody panics with it");
        let took = began.elapsed().as_secs_f64();
        match &result {
            Ok(report) => println!("{plan}  {} [{took:.1} s]", tally::line(report)),
            Err(reason) => println!("{plan}  BROKEN {reason}"),
        }
        tally.not_slowed += usize::from(!is_slowed && plan.setup.processor_share.is_some());
        tally.add(&plan, result);
    }
}

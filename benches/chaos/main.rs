//! Harms sessions at random, many times, and counts what came of it: kills of client, host and claude, and
//! what else goes wrong around them. `docs/reports/chaos.md` explains it.
//!
//! `cargo bench --bench chaos -- [--rounds N] [--seed S] [--round N] [--jobs N] [--kind KIND] [--claude real]
//! [--quick]`

mod link;
mod real;
mod tally;

#[path = "../../tests/machines/bed.rs"]
mod bed;

#[allow(dead_code)] // This program uses a part of it.
#[path = "../../tests/real-claude/driver.rs"]
mod driver;
#[path = "../../tests/chaos/game.rs"]
mod game;
#[allow(dead_code)] // The same.
#[path = "../../tests/real-claude/install.rs"]
mod install;
#[allow(dead_code)] // The same.
#[path = "../../tests/real-claude/mock.rs"]
mod mock;
#[path = "../shared/options.rs"]
mod options;
#[path = "../../tests/chaos/plan.rs"]
mod plan;
#[path = "../../tests/support/mod.rs"]
mod support;
#[allow(dead_code)] // What the suite alone asks for.
#[path = "../../tests/real-claude/versions.rs"]
mod versions;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Instant;

use clap::{Parser, ValueEnum};
use game::claude::StandIn;
use game::trouble::Impossible;
use game::{Outcome, disk};
use options::Options;
use plan::{BLOCK, Kind, Plan};
use real::Real;
use tally::Tally;

/// Harms whatever cckw runs, and looks whether the conversation is back. Of each 29 rounds twelve are kills,
/// every victim at every moment once, and one is of each other kind. `--quick` plays 29.
#[derive(Parser)]
struct Line {
    #[command(flatten)]
    options: Options,
    /// Only rounds of this kind: kill, or one that docs/reports/chaos.md lists.
    #[arg(long, value_parser = kind)]
    kind: Option<Kind>,
    /// What runs in the sessions.
    #[arg(long, value_enum, default_value = "stand-in")]
    claude: Which,
}

/// Which claude.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Which {
    /// The stand-in of the tests.
    StandIn,
    /// The pinned release, with a mock of its API.
    Real,
}

fn kind(name: &str) -> Result<Kind, String> {
    let mut all = Kind::OTHERS.into_iter().chain([Kind::Kill, Kind::Link]);
    let names = || Kind::OTHERS.map(Kind::name).join(", ");
    all.find(|kind| kind.name() == name).ok_or_else(|| format!("the kinds are: kill, link, {}", names()))
}

fn main() -> ExitCode {
    // Before there is a second thread. Where it is not possible, the rounds that need it say so.
    let _ = disk::enter();
    let Line { mut options, kind, claude } = options::parse("chaos");
    if options.quick {
        options.rounds = BLOCK;
    }
    let (seed, wanted) = (options.seed(), options.range());
    println!("seed {seed}, {} rounds\n", wanted.end - wanted.start);
    hush_the_impossible();
    let began = Instant::now();
    let tally = Mutex::new(Tally::new(claude == Which::Real, kind));
    options::in_turns(wanted, options.jobs, |round| {
        let plan = kind.map_or_else(|| Plan::new(seed, round), |kind| Plan::of(kind, seed, round));
        let result = play(&plan, claude);
        let mut tally = tally.lock().expect("nobody panics with it");
        println!("{plan}  {}", tally::line(&result));
        tally.add(&plan, result);
    });
    let tally = tally.into_inner().expect("nobody panicked with it");
    println!("\n{tally}\nin {:.0} s", began.elapsed().as_secs_f64());
    if tally.is_well() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What came of a round.
pub enum Played {
    /// All was as it must be.
    Well(Outcome),
    /// It could not be played here, and why.
    Impossible(String),
    /// Something was wrong.
    Failed(String),
}

fn play(plan: &Plan, claude: Which) -> Played {
    let played = catch_unwind(AssertUnwindSafe(|| match claude {
        _ if plan.kind == Kind::Link => link::play(plan, claude == Which::Real),
        Which::StandIn => game::play(plan, StandIn::new(plan)),
        Which::Real => game::play(plan, Real::new(plan)),
    }));
    match played {
        Ok(outcome) if outcome.lost.unwrap_or(0) > 0 => {
            Played::Failed(format!("{} bytes were lost", outcome.lost.unwrap_or(0)))
        }
        Ok(outcome) => Played::Well(outcome),
        Err(panic) => match panic.downcast::<Impossible>() {
            Ok(why) => Played::Impossible(why.0),
            Err(panic) => {
                Played::Failed(options::message(&*panic).lines().next().unwrap_or_default().to_owned())
            }
        },
    }
}

/// A round that cannot be played is no news on stderr.
fn hush_the_impossible() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !info.payload().is::<Impossible>() {
            usual(info);
        }
    }));
}

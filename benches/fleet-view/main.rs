//! How soon the fleet view is there, how soon a key has its effect, and what all of it costs: with 200 sessions,
//! beside tmux's list of 200 windows. `docs/reports/benchmarks.md` has the figures.
//!
//! `cargo bench --bench fleet-view -- [--sessions N] [--running N] [--rounds N] [--quick] [--only paint|keys|rest|frames]`

mod cost;
mod fleet;
mod frames;
mod keys;
#[path = "../shared/parts.rs"]
mod parts;
#[allow(dead_code)] // This program uses a part of it.
#[path = "../side-by-side/processes.rs"]
mod processes;
mod screen;
mod source;
#[allow(dead_code)] // The same.
#[path = "../side-by-side/stats.rs"]
mod stats;
#[path = "../../tests/support/mod.rs"]
mod support;
mod tables;
#[path = "../shared/terminal.rs"]
mod terminal;
mod viewer;

use std::process::ExitCode;

use clap::Parser;
use fleet::Fleet;
use parts::Parts;

/// Measures the fleet view on a terminal.
#[derive(Parser)]
struct Options {
    /// How many sessions there are.
    #[arg(long, default_value_t = 200, value_name = "N")]
    sessions: usize,
    /// How many of them run.
    #[arg(long, default_value_t = 20, value_name = "N")]
    running: usize,
    /// How many rounds.
    #[arg(long, default_value_t = 5, value_name = "N")]
    rounds: usize,
    /// How many keys.
    #[arg(long, default_value_t = 500, value_name = "N")]
    keys: usize,
    /// How many seconds nothing happens.
    #[arg(long, default_value_t = 61, value_name = "N")]
    rest: usize,
    /// How many seconds a session writes.
    #[arg(long, default_value_t = 4, value_name = "N")]
    writing: u64,
    #[command(flatten)]
    parts: Parts,
}

impl Options {
    fn read() -> Self {
        let mut options: Self = parts::parse("fleet-view");
        if options.parts.quick {
            (options.sessions, options.running) = (options.sessions.min(20), options.running.min(4));
            (options.rounds, options.keys, options.rest, options.writing) = (1, 40, 3, 1);
        }
        options
    }
}

fn main() -> ExitCode {
    if source::is_wanted() {
        return if source::run().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let options = Options::read();
    println!("Load {} before.", load());
    let fleet = Fleet::new(options.sessions, options.running);
    println!("{} sessions, of which {} run.", fleet.count, fleet.running);
    let tmux = viewer::windows(&fleet);
    let mut all_well = true;
    type Part = fn(&Fleet, &support::Tmux<'_>, &Options) -> Result<(), String>;
    let parts: [(&str, Part); 4] = [
        ("paint", tables::paint),
        ("keys", tables::keys),
        ("rest", tables::rest),
        ("frames", tables::frames),
    ];
    for (name, part) in parts.into_iter().filter(|(name, _)| options.parts.wants(name)) {
        if let Err(missing) = part(&fleet, &tmux, &options) {
            println!("\n{name}: FAILED: {missing}");
            all_well = false;
        }
    }
    println!("\nLoad {} after.", load());
    if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The load of the last minute.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

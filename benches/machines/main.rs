//! How fast a program on another machine answers, over the ways that there are to it, and how soon it answers
//! again after the link was lost. All in one run, taking turns. `docs/reports/benchmarks.md` has the figures.
//!
//! `cargo bench --bench machines -- [--rounds N] [--quick] [--only echo|flood|loss]`

#[path = "../../tests/machines/bed.rs"]
mod bed;
mod far;
mod loss;
#[path = "../shared/parts.rs"]
mod parts;
mod screen;
#[allow(dead_code)] // This program uses a part of it.
#[path = "../side-by-side/stats.rs"]
mod stats;
#[path = "../../tests/support/mod.rs"]
mod support;
#[path = "../shared/terminal.rs"]
mod terminal;
mod way;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use bed::{Bed, Link};
use clap::Parser;
use parts::Parts;
use screen::{Missing, Screen};
use stats::{Spread, percentile};
use way::{ALL, HOST, Way};

/// The delay in each direction, in milliseconds, of the links that are measured.
const DELAYS: [u32; 2] = [0, 25];

/// What is waited for longer than this does not come.
const PATIENCE: Duration = Duration::from_secs(60);

/// Measures ways to a program on a host in a namespace, with an sshd. Needs root.
#[derive(Parser)]
struct Options {
    /// How many rounds.
    #[arg(long, default_value_t = 5, value_name = "N")]
    rounds: usize,
    /// How many keys a round.
    #[arg(long, default_value_t = 100, value_name = "N")]
    keys: usize,
    #[command(flatten)]
    parts: Parts,
}

fn main() -> ExitCode {
    if far::is_wanted() {
        return if far::run().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let mut options: Options = parts::parse("machines");
    if options.parts.quick {
        (options.rounds, options.keys) = (1, 10);
        options.parts.only = vec!["echo".into(), "flood".into()];
    }
    if let Some(reason) = way::not_here() {
        println!("NOT RUN: no hosts can be made here: {reason}");
        return ExitCode::SUCCESS;
    }
    if options.parts.wants("echo") || options.parts.wants("flood") {
        for delay in DELAYS {
            answers(delay, &options);
        }
    }
    if options.parts.wants("loss") {
        loss::measure(options.rounds.min(3));
    }
    ExitCode::SUCCESS
}

/// The host, with everything on it.
fn host(delay: u32, ways: &[Way]) -> Bed {
    let bed = Bed::new(&[HOST]).expect("hosts can be made here");
    way::furnish(&bed);
    for way in ways {
        way.prepare(&bed);
    }
    if delay > 0 {
        bed.link(HOST, Link::Slow(delay));
    }
    bed
}

/// A way, and what was measured on it.
struct Run {
    way: Way,
    screen: Screen,
    /// Milliseconds.
    keys: Vec<f64>,
    /// The median of each round, in milliseconds.
    medians: Vec<f64>,
    /// MiB a second.
    floods: Vec<f64>,
}

/// Keys and floods over a link with this delay in each direction.
fn answers(delay: u32, options: &Options) {
    let bed = host(delay, &ALL);
    let mut runs: Vec<Run> = Vec::new();
    for way in ALL {
        let mut screen = Screen::start(way.command(&bed));
        match first_answer(&mut screen) {
            Ok(()) => {
                runs.push(Run { way, screen, keys: vec![], medians: vec![], floods: vec![] });
            }
            Err(missing) => println!("{}: {missing}", way.name()),
        }
    }
    for round in 0..options.rounds {
        // Whoever is first is another one each time.
        let places = runs.len().max(1);
        runs.rotate_left(round % places);
        if options.parts.wants("echo") {
            press(&mut runs, options.keys).unwrap_or_else(|missing| println!("{missing}"));
        }
        if options.parts.wants("flood") {
            for run in &mut runs {
                let speed = flood(&mut run.screen);
                speed.map_or_else(
                    |missing| println!("{}: {missing}", run.way.name()),
                    |speed| run.floods.push(speed),
                );
            }
        }
    }
    runs.sort_by_key(|run| ALL.iter().position(|way| *way == run.way));
    print(delay, &runs, options);
    for run in runs {
        run.screen.close();
    }
}

/// Presses a key again and again until there is an answer: at first ssh still reads what is typed.
pub fn first_answer(screen: &mut Screen) -> Result<(), Missing> {
    let end = Instant::now() + PATIENCE;
    loop {
        match screen.press(0, Duration::from_millis(500)) {
            Ok(_) => break,
            Err(missing) if Instant::now() > end || missing.starts_with("the terminal") => {
                return Err(missing);
            }
            Err(_) => {}
        }
    }
    // What was typed before is answered too.
    screen.press(1, PATIENCE).map(|_| ())
}

/// Keys, one in flight; the ways take turns key by key.
fn press(runs: &mut [Run], keys: usize) -> Result<(), Missing> {
    let mut times = vec![Vec::new(); runs.len()];
    for number in 0..keys {
        for (run, times) in runs.iter_mut().zip(&mut times) {
            std::thread::sleep(Duration::from_micros(1000 + (number as u64 * 7919) % 3000));
            let time = run.screen.press(number, PATIENCE);
            let time = time.map_err(|missing| format!("{}: {missing}", run.way.name()))?;
            times.push(time.as_secs_f64() * 1e3);
        }
    }
    for (run, times) in runs.iter_mut().zip(times) {
        run.medians.extend(Spread::of(&times).map(|spread| spread.median));
        run.keys.extend(times);
    }
    Ok(())
}

/// Text of some MiB, in MiB a second, from the key that asks for it to the sign behind it.
fn flood(screen: &mut Screen) -> Result<f64, Missing> {
    let before = Instant::now();
    screen.send(&[far::FLOOD_KEY])?;
    let time = screen.wait_for(far::FLOOD_END, before + PATIENCE)? - before;
    Ok(far::FLOOD as f64 / f64::from(1 << 20) / time.as_secs_f64())
}

/// The tables of a link. Each figure beside that of `ssh -t box tmux attach` in the same round.
fn print(delay: u32, runs: &[Run], options: &Options) {
    let base = runs.iter().find(|run| run.way == Way::Tmux);
    let shown = |figures: &[f64], digits: usize| {
        Spread::of(figures).map_or_else(
            || "–".to_owned(),
            |s| format!("{:.digits$} ({:.digits$}–{:.digits$})", s.median, s.min, s.max),
        )
    };
    let ratio = |figures: &[f64], base: Option<&Vec<f64>>| {
        let base = base.map_or(&[][..], Vec::as_slice);
        let ratios: Vec<f64> = figures.iter().zip(base).map(|(figure, base)| figure / base).collect();
        shown(&ratios, 2)
    };
    println!("\nA link of {} ms there and back, {} rounds:\n", 2 * delay, options.rounds);
    println!(
        "| way | key to echo, ms: median of each round | 99 % of the keys, ms | of tmux | 8 MiB of output, MiB/s | of tmux |"
    );
    println!("| --- | --- | --- | --- | --- | --- |");
    for run in runs {
        println!(
            "| {} | {} | {:.2} | {} | {} | {} |",
            run.way.name(),
            shown(&run.medians, 2),
            percentile(&run.keys, 99.0).unwrap_or(f64::NAN),
            ratio(&run.medians, base.map(|base| &base.medians)),
            shown(&run.floods, 1),
            ratio(&run.floods, base.map(|base| &base.floods)),
        );
    }
}

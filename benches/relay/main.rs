//! How fast cckw is, next to nothing at all, to the least that a relay can be, and to its peers: all in one run, taking
//! turns, because figures of different minutes of one machine cannot be compared. `docs/benchmarks.md` explains it.
//!
//! `cargo bench --bench relay -- [--quick] [--only NAME] [--rounds N] [--markdown] [--gate]`

mod bare;
mod feed;
mod inner;
mod measure;
mod outer;
mod processes;
mod stats;
mod table;
mod tools;

use std::process::ExitCode;

use clap::Parser;
use measure::{Effort, Metric};
use tools::Tool;

/// Measures relays between a terminal and a program.
#[derive(Parser)]
struct Options {
    /// About a minute instead of under five.
    #[arg(long)]
    quick: bool,
    /// Only this measure: text, sgr, both, paste, echo, start, idle or memory. May be repeated.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Only this tool, and the bare relay: direct, bare-split, script, dtach or cckw. May be repeated.
    #[arg(long, value_name = "NAME")]
    tool: Vec<String>,
    /// How many rounds count; one more is thrown away.
    #[arg(long, value_name = "N")]
    rounds: Option<usize>,
    /// Print tables for a document.
    #[arg(long)]
    markdown: bool,
    /// End with status 1 if cckw misses a target or a tool fails.
    #[arg(long)]
    gate: bool,
    /// Given by `cargo bench`. Without it `cargo test` is at work, which only wants to see that this runs.
    #[arg(long, hide = true)]
    bench: bool,
    /// Given by `cargo test` at times.
    #[arg(long, hide = true)]
    test: bool,
}

fn main() -> ExitCode {
    // The roles come first: what they cost at the start is part of what is measured.
    let role = std::env::args().nth(1).unwrap_or_default();
    if role == tools::BARE || role == tools::SPLIT {
        let status = std::env::current_exe()
            .and_then(|program| bare::run(&program.to_string_lossy(), role == tools::SPLIT));
        return status.map_or(ExitCode::FAILURE, |status| ExitCode::from(u8::try_from(status).unwrap_or(1)));
    }
    if let Ok(mode) = std::env::var(inner::VARIABLE) {
        return if inner::run(&mode).is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    // The arguments of a harness that this benchmark does not have are not its business under `cargo test`.
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    if !is_bench || std::env::args().any(|argument| argument == "--test") {
        return smoke();
    }
    measure_all(&Options::parse())
}

fn measure_all(options: &Options) -> ExitCode {
    if let Err(unknown) = check_names(options) {
        eprintln!("{unknown}");
        return ExitCode::from(2);
    }
    if let Err(error) = processes::adopt_orphans() {
        eprintln!("cannot keep track of processes: {error}");
        return ExitCode::FAILURE;
    }
    let mut effort = if options.quick { Effort::quick() } else { Effort::full() };
    effort.rounds = options.rounds.unwrap_or(effort.rounds).max(1);
    let wanted = |tool: &Tool| {
        let always = matches!(tool, Tool::Bare | Tool::Control);
        always || options.tool.is_empty() || options.tool.iter().any(|name| name == tool.name())
    };
    let mut tools = Vec::new();
    for tool in Tool::ALL.into_iter().filter(wanted) {
        if tool.is_installed() {
            tools.push(tool);
        } else {
            println!("{}: missing, not measured", tool.name());
        }
    }
    println!("{}\n", machine());
    let results = measure::run(&tools, &effort, &options.only, &|step| eprintln!("{step}"));
    table::print(&results, &tools, options.markdown);
    let reached = table::targets(&results);
    let mut failures = results.failures;
    failures.dedup();
    for failure in &failures {
        println!("FAILED   {failure}");
    }
    println!("load afterwards: {}", load());
    if options.gate && !(reached && failures.is_empty()) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn check_names(options: &Options) -> Result<(), String> {
    let measures: Vec<&str> = Metric::ALL.iter().map(|(_, _, name)| *name).collect();
    let tools: Vec<&str> = Tool::ALL.iter().map(|tool| tool.name()).collect();
    for (names, known) in [(&options.only, measures), (&options.tool, tools)] {
        if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
            return Err(format!("{name}? There are: {}", known.join(", ")));
        }
    }
    Ok(())
}

/// The least of everything, with the tools that are always there.
fn smoke() -> ExitCode {
    if let Err(error) = processes::adopt_orphans() {
        eprintln!("cannot keep track of processes: {error}");
        return ExitCode::FAILURE;
    }
    let results = measure::run(&[Tool::Direct, Tool::Bare], &Effort::smoke(), &[], &|_| {});
    for failure in &results.failures {
        eprintln!("{failure}");
    }
    if results.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What the figures were taken on.
fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let info = read("/proc/cpuinfo");
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let model = model.map_or("unknown processor", |(_, name)| name);
    let kernel = read("/proc/sys/kernel/osrelease");
    format!("{cores} × {model}, Linux {}, load before: {}", kernel.trim(), load())
}

fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

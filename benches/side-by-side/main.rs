//! How fast cckw is, next to nothing at all, to the least that a relay can be, and to its peers: all in one
//! run, taking turns, because figures of different minutes of one machine cannot be compared.
//! `docs/reports/benchmarks.md` explains it.
//!
//! `cargo bench --bench side-by-side -- [--quick] [--only NAME] [--tool NAME] [--rounds N] [--markdown]
//! [--svg FILE] [--write]`

mod bare;
mod bulk;
mod commands;
mod document;
mod echo;
mod effort;
mod feed;
mod fleet;
mod hosts;
mod inner;
mod machine;
mod metric;
mod open;
mod outer;
mod panels;
mod picture;
mod plain;
mod processes;
mod rest;
mod results;
mod rounds;
mod static_program;
mod stats;
mod supervise;
mod table;
mod tables;
mod targets;
mod tools;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use effort::Effort;
use results::Results;
use tools::Tool;

/// The document that `--write` writes figures into, and its picture.
const DOCUMENT: &str = "docs/reports/benchmarks.md";
const PICTURE: &str = "docs/reports/benchmarks.svg";

/// Measures cckw beside relays, multiplexers and claude-connection-keeper.
#[derive(Parser)]
struct Options {
    /// Less than a minute: whether everything arrives; its figures are of one round.
    #[arg(long)]
    quick: bool,
    /// Only this: text, sgr, both, paste, echo, flood, start, attach, idle, memory, detect or list. May be
    /// repeated.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Only this tool, and the bare relay: direct, bare-split, script, dtach, screen, tmux, shpool, cckw or cckw-static.
    /// May be repeated.
    #[arg(long, value_name = "NAME")]
    tool: Vec<String>,
    /// How many rounds count; one more is thrown away.
    #[arg(long, value_name = "N")]
    rounds: Option<usize>,
    /// Print the tables as Markdown.
    #[arg(long)]
    markdown: bool,
    /// Draw the picture into this file.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Put tables and picture into docs/reports/benchmarks.md and docs/reports/benchmarks.svg.
    #[arg(long)]
    write: bool,
    /// End with status 1 also if cckw misses a target.
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
    let is_smoke = !is_bench || std::env::args().any(|argument| argument == "--test");
    // Mistakes in the arguments are told once, by this process.
    let options = if is_smoke { Options::parse_from(["side-by-side"]) } else { Options::parse() };
    if let Err(unknown) = check_names(&options) {
        eprintln!("{unknown}");
        return ExitCode::from(2);
    }
    if supervise::root().is_none() {
        return supervise::run();
    }
    if let Err(error) = processes::adopt_orphans() {
        eprintln!("cannot keep track of processes: {error}");
        return ExitCode::FAILURE;
    }
    if is_smoke { smoke() } else { measure(&options) }
}

fn measure(options: &Options) -> ExitCode {
    let began = Instant::now();
    let mut effort = if options.quick { Effort::quick() } else { Effort::full() };
    effort.rounds = options.rounds.unwrap_or(effort.rounds).max(1);
    let is_wanted = |tool: &Tool| {
        let always = matches!(tool, Tool::Bare | Tool::Control);
        always || options.tool.is_empty() || options.tool.iter().any(|name| name == tool.name())
    };
    let wanted: Vec<Tool> = Tool::ALL.into_iter().filter(is_wanted).collect();
    for tool in wanted.iter().filter(|tool| tool.is_asked_for() && !tool.is_installed()) {
        println!("{}: not installed, not measured", tool.name());
    }
    // What has to be fetched first is not for a quick look.
    if !options.quick
        && (options.only.is_empty() || options.only.iter().any(|name| name == "detect"))
        && let Err(why) = fleet::install_keeper()
    {
        println!("claude-connection-keeper: not installed, not measured: {why}");
    }
    let installed: Vec<Tool> = wanted.into_iter().filter(|tool| tool.is_installed()).collect();
    let before = machine::load();
    println!("{}\n", machine::describe());
    let results = rounds::run(&installed, &effort, &options.only, &|step| {
        eprintln!("{:4.0} s  {step}", began.elapsed().as_secs_f64());
    });
    let targets = targets::check(&results);
    let mut tables = tables::all(&results);
    if !targets.is_empty() {
        tables.insert(0, targets::table(&targets));
    }
    for table in &tables {
        println!("{}", if options.markdown { table.markdown() } else { table.plain() });
    }
    for failure in &results.failures {
        println!("FAILED  {}, {}: {}", failure.who, failure.suite, failure.why);
    }
    let conditions = format!(
        "{}, load {before} before and {} after, {:.0} s, rounds: {}{}",
        machine::describe(),
        machine::load(),
        began.elapsed().as_secs_f64(),
        effort.rounds,
        if options.quick { " (quick)" } else { "" }
    );
    println!("{conditions}");
    let mut written = Ok(());
    if let Some(file) = &options.svg {
        written = written.and_then(|()| draw(&results, file, &conditions));
    }
    if options.write {
        let versions = machine::versions(&installed);
        let figures = figures(&tables, &results, &format!("{conditions}. {versions}"));
        written = written.and_then(|()| write(&results, &figures, &conditions));
    }
    if let Err(error) = &written {
        eprintln!("{error}");
    }
    // A peer that fails is shown in the tables; what is ours has to arrive.
    let is_own = |who: &str| Tool::PEERS.iter().all(|peer| peer.name() != who) && who != commands::CCK;
    let failed = results.failures.iter().any(|failure| is_own(failure.who));
    let missed = options.gate && targets.iter().any(|target| !target.is_reached);
    if failed || missed || written.is_err() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn draw(results: &Results, file: &Path, conditions: &str) -> Result<(), String> {
    let said = "Bars that compare cckw with a bare relay and other tools; the tables have the same figures.";
    let picture = picture::draw(&panels::all(results), conditions, said);
    fs::write(file, picture).map_err(|error| format!("{}: {error}", file.display()))
}

/// What comes between the marks of the document.
fn figures(tables: &[table::Table], results: &Results, conditions: &str) -> String {
    let tables: Vec<String> = tables.iter().map(table::Table::markdown).collect();
    let failures = results.failures.iter().map(|failure| {
        // Whatever a program has said is not Markdown.
        let why: String = failure.why.chars().filter(|c| !c.is_control() && *c != '`').take(200).collect();
        format!("- **failed:** {}, {}: `{why}`\n", failure.who, failure.suite)
    });
    let failures: String = failures.collect();
    format!("Taken on {conditions}.\n\n{}\n{failures}", tables.join("\n"))
}

fn write(results: &Results, figures: &str, conditions: &str) -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = root.join(DOCUMENT);
    let words = |error: std::io::Error| format!("{}: {error}", file.display());
    let document = fs::read_to_string(&file).map_err(words)?;
    let document = document::with_figures(&document, figures).map_err(|why| format!("{DOCUMENT}: {why}"))?;
    fs::write(&file, document).map_err(words)?;
    draw(results, &root.join(PICTURE), conditions)
}

fn check_names(options: &Options) -> Result<(), String> {
    let tools: Vec<&str> = Tool::ALL.iter().map(|tool| tool.name()).collect();
    for (names, known) in [(&options.only, metric::suites()), (&options.tool, tools)] {
        if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
            return Err(format!("{name}? There are: {}", known.join(", ")));
        }
    }
    Ok(())
}

/// The least of everything, with the tools that are always there.
fn smoke() -> ExitCode {
    let tools = [Tool::Direct, Tool::Bare, Tool::Cckw];
    let results = rounds::run(&tools, &Effort::smoke(), &[], &|_| {});
    for failure in &results.failures {
        eprintln!("{}, {}: {}", failure.who, failure.suite, failure.why);
    }
    if results.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

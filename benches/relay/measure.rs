//! The measures, and the rounds in which the tools take turns.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::feed::Feed;
use crate::inner;
use crate::outer::Run;
use crate::processes;
use crate::stats::percentile;
use crate::tools::Tool;

const MIB: u64 = 1 << 20;

/// One figure that the tables show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// Text out, MiB/s.
    Text,
    /// Colourful text out, MiB/s.
    Sgr,
    /// Both directions at once, MiB/s each.
    Both,
    /// Text in, MiB/s.
    Paste,
    /// A key and its echo, median, µs.
    EchoP50,
    /// The same, 90th percentile.
    EchoP90,
    /// The same, 99th percentile.
    EchoP99,
    /// The same, the worst.
    EchoMax,
    /// From the start of the tool to the first byte of the inner program, ms.
    Start,
    /// Context switches a minute while nothing happens.
    Idle,
    /// MiB of memory after the start.
    MemoryStart,
    /// MiB of memory after much output.
    MemoryOutput,
}

impl Metric {
    /// All, in the order of the tables, each with its heading and the name that `--only` takes.
    pub const ALL: [(Self, &'static str, &'static str); 12] = [
        (Self::Text, "Text output, MiB/s", "text"),
        (Self::Sgr, "Output with colours, MiB/s", "sgr"),
        (Self::Both, "Both directions at once, MiB/s each way", "both"),
        (Self::Paste, "Input, MiB/s", "paste"),
        (Self::EchoP50, "Echo, median, µs", "echo"),
        (Self::EchoP90, "Echo, 90th percentile, µs", "echo"),
        (Self::EchoP99, "Echo, 99th percentile, µs", "echo"),
        (Self::EchoMax, "Echo, worst, µs", "echo"),
        (Self::Start, "Start-up, ms", "start"),
        (Self::Idle, "Context switches a minute at rest", "idle"),
        (Self::MemoryStart, "Memory after the start, MiB (PSS)", "memory"),
        (Self::MemoryOutput, "Memory after 200 MB of output, MiB (PSS)", "memory"),
    ];
}

/// How much is measured.
pub struct Effort {
    /// Rounds that count. One more comes first and does not.
    pub rounds: usize,
    /// Bytes of a bulk transfer.
    pub bulk: u64,
    /// Keys of each tool in a round.
    pub keys: usize,
    /// Starts of each tool in a round.
    pub starts: usize,
    /// How long idle tools are watched.
    pub idle: Duration,
    /// Bytes of output before memory is looked at again.
    pub flood: u64,
}

impl Effort {
    /// Somewhat under five minutes.
    pub fn full() -> Self {
        Self {
            rounds: 7,
            bulk: 32 * MIB,
            keys: 720,
            starts: 10,
            idle: Duration::from_secs(10),
            flood: 200_000_000,
        }
    }

    /// About a minute.
    pub fn quick() -> Self {
        Self { rounds: 2, bulk: 8 * MIB, keys: 200, starts: 3, idle: Duration::from_secs(4), ..Self::full() }
    }

    /// A second or two: shows that it works.
    pub fn smoke() -> Self {
        let idle = Duration::from_millis(50);
        Self { rounds: 1, bulk: MIB, keys: 20, starts: 1, idle, flood: MIB }
    }
}

/// What came out.
#[derive(Default)]
pub struct Results {
    /// The figure of each round; nothing for a round that failed.
    pub figures: BTreeMap<(Metric, &'static str), Vec<Option<f64>>>,
    /// The echo times of all rounds, µs.
    pub keys: BTreeMap<&'static str, Vec<f64>>,
    /// What went wrong, in words.
    pub failures: Vec<String>,
}

impl Results {
    /// The figures of a tool, round by round.
    pub fn of(&self, metric: Metric, tool: Tool) -> &[Option<f64>] {
        self.figures.get(&(metric, tool.name())).map_or(&[], Vec::as_slice)
    }

    fn add(&mut self, metric: Metric, tool: Tool, figure: Result<f64, String>) {
        if let Err(failure) = &figure {
            self.failures.push(format!("{}, {metric:?}: {failure}", tool.name()));
        }
        self.figures.entry((metric, tool.name())).or_default().push(figure.ok());
    }
}

/// Runs everything that is asked for.
pub fn run(tools: &[Tool], effort: &Effort, only: &[String], progress: &dyn Fn(&str)) -> Results {
    let wants = |name: &str| only.is_empty() || only.iter().any(|wanted| wanted == name);
    let mut results = Results::default();
    // The first round warms up, and is thrown away but for its failures.
    for round in 0..=effort.rounds {
        progress(&format!("round {round} of {}", effort.rounds));
        let mut figures = Results::default();
        let mut order = tools.to_vec();
        // No tool always follows the same one, and none is always first.
        order.rotate_left(round % tools.len());
        if round % 2 == 1 {
            order.reverse();
        }
        for (metric, _, name) in Metric::ALL {
            if !wants(name) {
                continue;
            }
            match metric {
                Metric::Text | Metric::Sgr | Metric::Both | Metric::Paste => {
                    for tool in &order {
                        figures.add(metric, *tool, bulk(metric, *tool, effort.bulk));
                    }
                }
                Metric::EchoP50 => echo(&order, effort.keys, round, &mut figures),
                Metric::Start => starts(&order, effort.starts, &mut figures),
                _ => {}
            }
        }
        results.failures.append(&mut figures.failures);
        if round > 0 {
            for (key, mut values) in figures.figures {
                results.figures.entry(key).or_default().append(&mut values);
            }
            for (tool, mut keys) in figures.keys {
                results.keys.entry(tool).or_default().append(&mut keys);
            }
        }
    }
    let wrappers: Vec<Tool> = tools.iter().copied().filter(|tool| *tool != Tool::Direct).collect();
    if wants("idle") {
        progress("at rest");
        idle(&wrappers, effort.idle, &mut results);
    }
    if wants("memory") {
        progress("memory");
        // A second look at the bare relay says nothing new.
        for tool in wrappers.into_iter().filter(|tool| !matches!(tool, Tool::Control | Tool::Split)) {
            memory(tool, effort.flood, &mut results);
        }
    }
    results
}

/// One bulk transfer, MiB/s.
fn bulk(metric: Metric, tool: Tool, bytes: u64) -> Result<f64, String> {
    let input = bytes / tool.input_share();
    let (program, bytes) = match metric {
        Metric::Text => (format!("text:{bytes}"), bytes),
        Metric::Sgr => (format!("sgr:{bytes}"), bytes),
        Metric::Both => (format!("both:{input}"), input),
        _ => (format!("paste:{input}"), input),
    };
    let mut run = Run::start(tool, &program)?;
    let time = match metric {
        Metric::Text => run.transfer(Feed::once(b"G"), Feed::text(bytes)),
        Metric::Sgr => run.transfer(Feed::once(b"G"), Feed::sgr(bytes)),
        Metric::Both => run.transfer(Feed::text(bytes), Feed::sgr(bytes).then(inner::GOOD)),
        _ => run.transfer(Feed::text(bytes), Feed::once(inner::GOOD)),
    };
    match time {
        Ok(time) => run.end().map(|()| bytes as f64 / MIB as f64 / time.as_secs_f64()),
        Err(failure) => {
            run.abort();
            Err(failure)
        }
    }
}

/// Keys, one in flight, at random intervals. All tools are open at once and take turns key by key, so that whatever
/// disturbs the machine disturbs them alike.
fn echo(order: &[Tool], keys: usize, round: usize, results: &mut Results) {
    let mut runs = Vec::new();
    for tool in order {
        match Run::start(*tool, "echo") {
            Ok(run) => runs.push((*tool, run, Vec::with_capacity(keys))),
            Err(failure) => results.failures.push(format!("{}, echo: {failure}", tool.name())),
        }
    }
    let mut random = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(round as u64 + 1);
    let mut failed = Vec::new();
    for number in 0..keys {
        for (tool, run, times) in &mut runs {
            if failed.contains(tool) {
                continue;
            }
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            // Shared among the tools, the gap makes 1 to 5 ms between two keys of anything.
            std::thread::sleep(Duration::from_micros(1000 + random % 4000));
            match run.key(b'a' + (number % 16) as u8) {
                Ok(time) => times.push(time.as_secs_f64() * 1e6),
                Err(failure) => {
                    failed.push(*tool);
                    results.failures.push(format!("{}, echo: {failure}", tool.name()));
                }
            }
        }
    }
    for (tool, run, times) in runs {
        if failed.contains(&tool) {
            run.abort();
        } else if let Err(failure) = run.end() {
            results.failures.push(format!("{}, echo: {failure}", tool.name()));
        }
        for (metric, percent) in [
            (Metric::EchoP50, 50.0),
            (Metric::EchoP90, 90.0),
            (Metric::EchoP99, 99.0),
            (Metric::EchoMax, 100.0),
        ] {
            results.add(metric, tool, percentile(&times, percent).ok_or_else(|| "no key came back".into()));
        }
        results.keys.entry(tool.name()).or_default().extend(times);
    }
}

/// The median start of a few, ms. The tools take turns start by start.
fn starts(order: &[Tool], count: usize, results: &mut Results) {
    let mut times: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for _ in 0..count {
        for tool in order {
            let start = Run::start(*tool, "idle").and_then(|run| {
                let time = run.start;
                run.end().map(|()| time)
            });
            match start {
                Ok(time) => times.entry(tool.name()).or_default().push(time.as_secs_f64() * 1e3),
                Err(failure) => results.failures.push(format!("{}, start: {failure}", tool.name())),
            }
        }
    }
    for tool in order {
        let figures = times.get(tool.name()).map_or(&[][..], Vec::as_slice);
        results.add(Metric::Start, *tool, percentile(figures, 50.0).ok_or_else(|| "never started".into()));
    }
}

/// Context switches of the tool's processes while nothing happens, a minute.
fn idle(tools: &[Tool], time: Duration, results: &mut Results) {
    let mut runs = Vec::new();
    for tool in tools {
        match Run::start(*tool, "idle") {
            Ok(run) => runs.push((*tool, run)),
            Err(failure) => results.failures.push(format!("{}, idle: {failure}", tool.name())),
        }
    }
    // What a start leaves to be done is not rest yet.
    std::thread::sleep(time.min(Duration::from_secs(2)));
    let count = |run: &Run| processes::wakeups(&run.wrapper()).map_err(|error| error.to_string());
    let before: Vec<_> = runs.iter().map(|(_, run)| count(run)).collect();
    std::thread::sleep(time);
    let after: Vec<_> = runs.iter().map(|(_, run)| count(run)).collect();
    for (((tool, run), before), after) in runs.into_iter().zip(before).zip(after) {
        let figure = before.and_then(|before| Ok((after? - before) * 60.0 / time.as_secs_f64()));
        results.add(Metric::Idle, tool, figure.and_then(|figure| run.end().map(|()| figure)));
    }
}

/// Memory of the tool's processes, after the start and after much output.
fn memory(tool: Tool, flood: u64, results: &mut Results) {
    let look = |run: &Run| {
        // What is left to be done, such as feeding a screen model, is to be done by then.
        std::thread::sleep(Duration::from_millis(500));
        processes::memory(&run.wrapper()).map_err(|error| error.to_string())
    };
    match Run::start(tool, &format!("text:{flood}")) {
        Ok(mut run) => {
            results.add(Metric::MemoryStart, tool, look(&run));
            let flooded = match run.transfer(Feed::once(b"G"), Feed::text(flood)) {
                Ok(_) => look(&run).and_then(|figure| run.end().map(|()| figure)),
                Err(failure) => {
                    run.abort();
                    Err(failure)
                }
            };
            results.add(Metric::MemoryOutput, tool, flooded);
        }
        Err(failure) => results.failures.push(format!("{}, memory: {failure}", tool.name())),
    }
}

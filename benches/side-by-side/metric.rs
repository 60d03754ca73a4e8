//! What is measured of every tool, and which way is better.

/// One figure of a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// Text out.
    Text,
    /// Colourful text out.
    Sgr,
    /// Both directions at once.
    Both,
    /// Text in.
    Paste,
    /// A key and its echo, median.
    EchoP50,
    /// The same, 99th percentile.
    EchoP99,
    /// The same, the worst.
    EchoMax,
    /// A key and its echo while the program floods the terminal, median.
    FloodP50,
    /// The same, 99th percentile.
    FloodP99,
    /// The same, the worst.
    FloodMax,
    /// From the start of the tool to the first byte of the inner program.
    Start,
    /// From the start of a second client to the whole screen.
    Attach,
    /// Context switches while nothing happens.
    Idle,
    /// Memory after the start.
    MemoryStart,
    /// Memory after much output.
    MemoryOutput,
}

/// Which figure is the better one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// The larger one.
    More,
    /// The smaller one.
    Less,
}

/// What a table says about a metric.
pub struct About {
    /// The metric.
    pub metric: Metric,
    /// Its heading.
    pub title: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// The name that `--only` takes.
    pub suite: &'static str,
    /// Which way is better.
    pub better: Better,
}

const fn about(
    metric: Metric,
    title: &'static str,
    unit: &'static str,
    suite: &'static str,
    better: Better,
) -> About {
    About { metric, title, unit, suite, better }
}

/// All, in the order of the tables.
pub const METRICS: [About; 15] = [
    about(Metric::Text, "text output", "MiB/s", "text", Better::More),
    about(Metric::Sgr, "output with colours", "MiB/s", "sgr", Better::More),
    about(Metric::Both, "both directions at once", "MiB/s", "both", Better::More),
    about(Metric::Paste, "input", "MiB/s", "paste", Better::More),
    about(Metric::EchoP50, "echo, median", "µs", "echo", Better::Less),
    about(Metric::EchoP99, "echo, p99", "µs", "echo", Better::Less),
    about(Metric::EchoMax, "echo, worst", "µs", "echo", Better::Less),
    about(Metric::FloodP50, "echo in a flood, median", "ms", "flood", Better::Less),
    about(Metric::FloodP99, "echo in a flood, p99", "ms", "flood", Better::Less),
    about(Metric::FloodMax, "echo in a flood, worst", "ms", "flood", Better::Less),
    about(Metric::Start, "start-up", "ms", "start", Better::Less),
    about(Metric::Attach, "attached and painted", "ms", "attach", Better::Less),
    about(Metric::Idle, "wake-ups a minute at rest", "", "idle", Better::Less),
    about(Metric::MemoryStart, "memory after the start", "MiB", "memory", Better::Less),
    about(Metric::MemoryOutput, "memory after much output", "MiB", "memory", Better::Less),
];

/// The suites that measure no tool but commands of cckw.
pub const COMMANDS: [&str; 2] = ["detect", "list"];

/// All names that `--only` takes.
pub fn suites() -> Vec<&'static str> {
    let mut names: Vec<_> = METRICS.iter().map(|about| about.suite).chain(COMMANDS).collect();
    names.dedup();
    names
}

impl Metric {
    /// What a table says about it.
    pub fn about(self) -> &'static About {
        METRICS.iter().find(|about| about.metric == self).expect("every metric is in the list")
    }

    /// Where the figure is a percentile over all keys of a run: which keys, and which percentile.
    pub fn percentile(self) -> Option<(Keys, f64)> {
        Some(match self {
            Self::EchoP50 => (Keys::AtRest, 50.0),
            Self::EchoP99 => (Keys::AtRest, 99.0),
            Self::EchoMax => (Keys::AtRest, 100.0),
            Self::FloodP50 => (Keys::InFlood, 50.0),
            Self::FloodP99 => (Keys::InFlood, 99.0),
            Self::FloodMax => (Keys::InFlood, 100.0),
            _ => return None,
        })
    }
}

/// When keys were pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keys {
    /// While nothing else happened.
    AtRest,
    /// While the program wrote as much as it could.
    InFlood,
}

impl Keys {
    /// The metrics that come of them.
    pub fn metrics(self) -> [Metric; 3] {
        match self {
            Self::AtRest => [Metric::EchoP50, Metric::EchoP99, Metric::EchoMax],
            Self::InFlood => [Metric::FloodP50, Metric::FloodP99, Metric::FloodMax],
        }
    }
}

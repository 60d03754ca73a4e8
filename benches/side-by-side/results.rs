//! What came out, and what the tables make of it.

use std::collections::BTreeMap;

use crate::metric::{Keys, Metric};
use crate::stats::{Spread, percentile, ratios};
use crate::tools::Tool;

/// A run that gave no figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Whose.
    pub who: &'static str,
    /// Of which suite.
    pub suite: &'static str,
    /// Why.
    pub why: String,
}

/// A command that was run for so many sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Command {
    /// What was asked.
    pub question: Question,
    /// Of which program.
    pub program: &'static str,
    /// The number of sessions.
    pub count: usize,
}

/// What a command is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// `detect`, where every state file was left behind by a process that is gone, and is left out.
    DetectLeft,
    /// The same with `--include-dead`.
    DetectDead,
    /// `detect` for processes that run.
    DetectLive,
    /// `--version`: nothing but the start and the end of the program.
    Version,
    /// `list --all` for sessions that have ended.
    ListEnded,
    /// `list` for sessions that run.
    ListLive,
}

/// All that came out.
#[derive(Default)]
pub struct Results {
    /// The figure of each round; nothing for a round that failed.
    pub figures: BTreeMap<(Metric, &'static str), Vec<Option<f64>>>,
    /// The echo times of all rounds.
    pub keys: BTreeMap<(Keys, &'static str), Vec<f64>>,
    /// How long commands took, ms.
    pub commands: BTreeMap<Command, Vec<f64>>,
    /// What went wrong.
    pub failures: Vec<Failure>,
}

impl Results {
    /// The figures of a tool, round by round.
    pub fn of(&self, metric: Metric, tool: Tool) -> &[Option<f64>] {
        self.figures.get(&(metric, tool.name())).map_or(&[], Vec::as_slice)
    }

    /// Adds the figure of a round, or why there is none.
    pub fn add(&mut self, metric: Metric, tool: Tool, figure: Result<f64, String>) {
        let figure = figure.map_err(|why| self.fail(tool.name(), metric.about().suite, why)).ok();
        self.figures.entry((metric, tool.name())).or_default().push(figure);
    }

    /// Adds the keys of a round.
    pub fn add_keys(&mut self, keys: Keys, tool: Tool, times: Vec<f64>) {
        for metric in keys.metrics() {
            let percent = metric.percentile().map_or(0.0, |(_, percent)| percent);
            self.figures.entry((metric, tool.name())).or_default().push(percentile(&times, percent));
        }
        self.keys.entry((keys, tool.name())).or_default().extend(times);
    }

    /// Notes a failure, once.
    pub fn fail(&mut self, who: &'static str, suite: &'static str, why: impl Into<String>) {
        let failure = Failure { who, suite, why: why.into() };
        if !self.failures.contains(&failure) {
            self.failures.push(failure);
        }
    }

    /// Takes in a round. Of one that warms up only the failures count.
    pub fn take(&mut self, round: Self, counts: bool) {
        for failure in round.failures {
            self.fail(failure.who, failure.suite, failure.why);
        }
        if counts {
            for (key, mut figures) in round.figures {
                self.figures.entry(key).or_default().append(&mut figures);
            }
            for (key, mut times) in round.keys {
                self.keys.entry(key).or_default().append(&mut times);
            }
        }
    }

    /// Whether a run of this tool in this suite gave no figure.
    pub fn has_failed(&self, suite: &str, who: &str) -> bool {
        self.failures.iter().any(|failure| failure.suite == suite && failure.who == who)
    }

    /// What stands in the tables: the percentile over all keys, or the median of the rounds.
    pub fn figure(&self, metric: Metric, tool: Tool) -> Option<f64> {
        if let Some((keys, percent)) = metric.percentile() {
            return percentile(self.keys.get(&(keys, tool.name()))?, percent);
        }
        let figures: Vec<f64> = self.of(metric, tool).iter().flatten().copied().collect();
        Spread::of(&figures).map(|spread| spread.median)
    }

    /// The same as a multiple of the bare relay's: of percentiles, or the median of the ratios within a
    /// round.
    pub fn ratio(&self, metric: Metric, tool: Tool) -> Option<f64> {
        self.ratio_to(metric, tool, Tool::Bare)
    }

    /// The same as a multiple of another tool's.
    pub fn ratio_to(&self, metric: Metric, tool: Tool, base: Tool) -> Option<f64> {
        if metric.percentile().is_some() {
            let base = self.figure(metric, base).filter(|base| *base > 0.0)?;
            return Some(self.figure(metric, tool)? / base);
        }
        Spread::of(&ratios(self.of(metric, tool), self.of(metric, base))).map(|spread| spread.median)
    }

    /// The median time of a command, ms.
    pub fn command(&self, question: Question, program: &'static str, count: usize) -> Option<f64> {
        let times = self.commands.get(&Command { question, program, count })?;
        Spread::of(times).map(|spread| spread.median)
    }
}

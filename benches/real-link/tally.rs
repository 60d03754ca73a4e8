//! What came of all the rounds.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use super::plan::{Fault, Outcome, Plan, State};
use super::round::{Problem, Report};

/// Tells whether a problem is of one kind.
type IsOfKind = fn(&Problem) -> bool;

/// The sum of a run.
#[derive(Default)]
pub struct Tally {
    rounds: Vec<(Plan, Report)>,
    /// Rounds that could not be played to their end.
    broken: Vec<(Plan, String)>,
    /// Rounds in which claude was to be slow, and could not be made so.
    pub not_slowed: usize,
}

impl Tally {
    /// Counts a round: what came of it, or what it stumbled over.
    pub fn add(&mut self, plan: &Plan, result: Result<Report, String>) {
        match result {
            Ok(report) => self.rounds.push((plan.clone(), report)),
            Err(reason) => self.broken.push((plan.clone(), reason)),
        }
    }

    /// Whether nothing was wrong.
    pub fn is_well(&self) -> bool {
        self.broken.is_empty() && self.rounds.iter().all(|(_, report)| report.problems.is_empty())
    }

    fn problems(&self, wanted: fn(&Problem) -> bool) -> usize {
        self.rounds.iter().flat_map(|(_, report)| &report.problems).filter(|problem| wanted(problem)).count()
    }

    /// From failure to link: how many rounds, the median, the 95th percentile and the slowest.
    fn times(&self, wanted: impl Fn(&Plan) -> bool) -> Option<(usize, [Duration; 3])> {
        let rounds = self.rounds.iter().filter(|(plan, _)| wanted(plan));
        let mut times: Vec<Duration> = rounds.filter_map(|(_, report)| report.took).collect();
        times.sort();
        let at = |share: usize| times[(times.len() * share).div_ceil(100).max(1) - 1];
        (!times.is_empty()).then(|| (times.len(), [at(50), at(95), at(100)]))
    }
}

/// What came of a round, in words.
pub fn line(report: &Report) -> String {
    let mut line = match report.expected {
        Some(Outcome::ClaudeMends) => "claude mended it".to_owned(),
        Some(Outcome::BroughtBack) => "to be brought back".to_owned(),
        Some(Outcome::LeftAlone) => "to be left alone".to_owned(),
        Some(Outcome::NeedsRestart) if report.restarted => "restarted".to_owned(),
        Some(Outcome::NeedsRestart) => "a restart was advised".to_owned(),
        None => "nothing known".to_owned(),
    };
    if let Some(took) = report.took {
        line.push_str(&format!(" in {:.1} s", took.as_secs_f64()));
    }
    for problem in &report.problems {
        line.push_str(&format!("\n  PROBLEM {problem:?}").replace("\\n", "\n    "));
    }
    line
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| what happens | rounds | claude mends it | brought back | left alone | restart advised | restarted | wrong |\n\
             | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
        )?;
        for name in Fault::NAMES {
            let rounds: Vec<_> = self.rounds.iter().filter(|(plan, _)| plan.fault.name() == name).collect();
            let broken = self.broken.iter().filter(|(plan, _)| plan.fault.name() == name).count();
            let is_well = |report: &Report| report.problems.is_empty();
            let count = |expected| {
                rounds
                    .iter()
                    .filter(|(_, report)| is_well(report) && report.expected == Some(expected))
                    .count()
            };
            let restarted = rounds.iter().filter(|(_, report)| is_well(report) && report.restarted).count();
            let wrong = broken + rounds.iter().filter(|(_, report)| !is_well(report)).count();
            writeln!(
                f,
                "| {name} | {} | {} | {} | {} | {} | {restarted} | {wrong} |",
                rounds.len() + broken,
                count(Outcome::ClaudeMends),
                count(Outcome::BroughtBack),
                count(Outcome::LeftAlone),
                count(Outcome::NeedsRestart) - restarted,
            )?;
        }
        writeln!(f, "\n| where claude is | rounds | wrong |\n| --- | ---: | ---: |")?;
        for state in State::ALL {
            let rounds: Vec<_> = self.rounds.iter().filter(|(plan, _)| plan.state == state).collect();
            let broken = self.broken.iter().filter(|(plan, _)| plan.state == state).count();
            let wrong = broken + rounds.iter().filter(|(_, report)| !report.problems.is_empty()).count();
            writeln!(f, "| {state} | {} | {wrong} |", rounds.len() + broken)?;
        }
        writeln!(
            f,
            "\n| from failure to link | rounds | median | 95 % | slowest |\n| --- | ---: | ---: | ---: | ---: |"
        )?;
        let slow = |plan: &Plan| plan.setup.processor_share.is_some();
        let rows = [
            ("default times", self.times(|plan| plan.setup.defaults && !slow(plan))),
            ("half a second in place of 15 and 3", self.times(|plan| !plan.setup.defaults && !slow(plan))),
            ("claude at 3 to 8 % of a core", self.times(slow)),
        ];
        for (name, times) in rows {
            if let Some((count, [median, most, slowest])) = times {
                let seconds = |time: Duration| format!("{:.1} s", time.as_secs_f64());
                writeln!(
                    f,
                    "| {name} | {count} | {} | {} | {} |",
                    seconds(median),
                    seconds(most),
                    seconds(slowest)
                )?;
            }
        }
        writeln!(f)?;
        let kinds: [(&str, IsOfKind); 6] = [
            ("not brought back:         ", |problem| matches!(problem, Problem::NotBack(_))),
            ("typed though the user's:  ", |problem| matches!(problem, Problem::Stolen(_))),
            ("third strikes:            ", |problem| matches!(problem, Problem::ThirdStrike(_))),
            ("keys lost or doubled:     ", |problem| matches!(problem, Problem::Keys(_))),
            ("submitted by cckw:        ", |problem| matches!(problem, Problem::Submitted(_))),
            ("unexpected words:         ", |problem| matches!(problem, Problem::Unexpected(_))),
        ];
        for (name, kind) in kinds {
            writeln!(f, "{name}{}", self.problems(kind))?;
        }
        writeln!(f, "rounds not finished:      {}", self.broken.len())?;
        if self.not_slowed > 0 {
            writeln!(f, "rounds in which claude could not be slowed down: {}", self.not_slowed)?;
        }
        let bad = self.rounds.iter().filter(|(_, report)| !report.problems.is_empty()).map(|(plan, _)| plan);
        let bad: BTreeSet<(u64, u64)> =
            bad.chain(self.broken.iter().map(|(plan, _)| plan)).map(|plan| (plan.seed, plan.round)).collect();
        for (seed, round) in bad {
            writeln!(f, "again: cargo bench --bench real-link -- --seed {seed} --round {round}")?;
        }
        write!(f, "{} rounds", self.rounds.len() + self.broken.len())
    }
}

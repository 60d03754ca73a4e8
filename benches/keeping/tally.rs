//! What came of all the rounds.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::plan::{Plan, State};
use super::round::{Outcome, Problem};

/// The sum of a run.
#[derive(Default)]
pub struct Tally {
    rounds: Vec<(Plan, Outcome)>,
    /// Rounds that could not be played to their end.
    broken: Vec<(Plan, String)>,
}

impl Tally {
    /// Counts a round: what came of it, or what it stumbled over.
    pub fn add(&mut self, plan: &Plan, result: Result<Outcome, String>) {
        match result {
            Ok(outcome) => self.rounds.push((plan.clone(), outcome)),
            Err(reason) => self.broken.push((plan.clone(), reason)),
        }
    }

    /// Whether nothing was wrong.
    pub fn is_well(&self) -> bool {
        self.broken.is_empty() && self.problems(|_| true) == 0
    }

    fn problems(&self, wanted: impl Fn(&Problem) -> bool) -> usize {
        self.rounds
            .iter()
            .flat_map(|(_, outcome)| &outcome.problems)
            .filter(|problem| wanted(problem))
            .count()
    }

    fn of(&self, state: State) -> Vec<&(Plan, Outcome)> {
        self.rounds.iter().filter(|(plan, _)| plan.state == state).collect()
    }
}

/// What came of a round, in words.
pub fn line(outcome: &Outcome) -> String {
    let mut line = match (&outcome.refused, outcome.served) {
        (None, true) => "served".to_owned(),
        (None, false) if outcome.covered => "submitted, the answer is covered by the list".to_owned(),
        (None, false) => "not served".to_owned(),
        (Some(why), false) => format!("nothing typed ({why})"),
        (Some(why), true) => format!("nothing typed ({why}), served at the prompt after it"),
    };
    for problem in &outcome.problems {
        line.push_str(&format!("\n  PROBLEM {problem:?}"));
    }
    line
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| claude is at | rounds | served there | nothing typed there | served after it | why nothing was typed |\n\
             | --- | ---: | ---: | ---: | ---: | --- |"
        )?;
        for state in State::ALL {
            let rounds = self.of(state);
            let count =
                |wanted: fn(&Outcome) -> bool| rounds.iter().filter(|(_, outcome)| wanted(outcome)).count();
            let mut whys: BTreeMap<&str, usize> = BTreeMap::new();
            for why in rounds.iter().filter_map(|(_, outcome)| outcome.refused.as_deref()) {
                *whys.entry(why).or_default() += 1;
            }
            let whys: Vec<String> = whys.into_iter().map(|(why, count)| format!("{count} × {why}")).collect();
            let safe = state.is_safe();
            let served = count(|outcome| outcome.served || outcome.covered);
            writeln!(
                f,
                "| {state} | {} | {} | {} | {} | {} |",
                rounds.len(),
                if safe { served.to_string() } else { "–".into() },
                count(|outcome| outcome.refused.is_some()),
                if safe { "–".into() } else { served.to_string() },
                whys.join("; "),
            )?;
        }
        let safe: Vec<_> = self.rounds.iter().filter(|(plan, _)| plan.state.is_safe()).collect();
        let served = safe.iter().filter(|(_, outcome)| outcome.served || outcome.covered).count();
        let covered = safe.iter().filter(|(_, outcome)| outcome.covered).count();
        writeln!(f, "\nsafe states served:  {served} of {}", safe.len())?;
        writeln!(f, "of these with the answer covered by a list: {covered}")?;
        writeln!(
            f,
            "wrong submissions:   {}",
            self.problems(|problem| matches!(problem, Problem::Wrong(_)))
        )?;
        writeln!(f, "keys lost:           {}", self.problems(|problem| matches!(problem, Problem::Keys(_))))?;
        writeln!(
            f,
            "drafts lost:         {}",
            self.problems(|problem| matches!(problem, Problem::Draft(_)))
        )?;
        writeln!(
            f,
            "states not kept:     {}",
            self.problems(|problem| matches!(problem, Problem::Moved(_)))
        )?;
        writeln!(f, "rounds not finished: {}", self.broken.len())?;
        let bad =
            self.rounds.iter().filter(|(_, outcome)| !outcome.problems.is_empty()).map(|(plan, _)| plan);
        let bad: BTreeSet<(u64, u64)> =
            bad.chain(self.broken.iter().map(|(plan, _)| plan)).map(|plan| (plan.seed, plan.round)).collect();
        for (plan, outcome) in self.rounds.iter().filter(|(_, outcome)| !outcome.problems.is_empty()) {
            writeln!(f, "FAILED   {plan}  {}", line(outcome))?;
        }
        for (plan, reason) in &self.broken {
            writeln!(f, "FAILED   {plan}: {reason}")?;
        }
        for (seed, round) in bad {
            writeln!(f, "again: cargo bench --bench keeping -- --seed {seed} --round {round}")?;
        }
        write!(f, "{} rounds", self.rounds.len() + self.broken.len())
    }
}

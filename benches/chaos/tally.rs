//! What came of all the rounds.

use std::fmt;
use std::time::Duration;

use super::game::Outcome;
use super::plan::{Moment, Plan, Victim};

/// The sum of a run.
#[derive(Default)]
pub struct Tally {
    rounds: Vec<(Plan, Option<Outcome>)>,
    failures: Vec<String>,
}

impl Tally {
    /// Counts a round: what came of it, or what was wrong.
    pub fn add(&mut self, plan: &Plan, result: Result<Outcome, String>) {
        if let Err(reason) = &result {
            let Plan { seed, round, .. } = plan;
            self.failures.push(format!(
                "{plan}: {reason}\n  again: cargo bench --bench chaos -- --seed {seed} --round {round}"
            ));
        }
        self.rounds.push((plan.clone(), result.ok()));
    }

    /// Whether nothing was wrong.
    pub fn is_well(&self) -> bool {
        self.failures.is_empty()
    }

    fn of(&self, victim: Option<Victim>, moment: Option<Moment>) -> Vec<&(Plan, Option<Outcome>)> {
        let wanted = |(plan, _): &&(Plan, _)| {
            victim.is_none_or(|victim| plan.victim() == victim)
                && moment.is_none_or(|moment| plan.moment == moment)
        };
        self.rounds.iter().filter(wanted).collect()
    }
}

/// What came of a round, in words.
pub fn line(outcome: &Outcome) -> String {
    if !outcome.began {
        return "nothing had begun, and nothing is left".into();
    }
    let how = if outcome.by_hand { ", by `cckw start`" } else { "" };
    format!("back after {}{how}", seconds(outcome.back_after))
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| killed | moment | rounds | nothing to keep yet | conversation kept | of these by `cckw start` | terminal usable | longest way back |\n\
             | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |"
        )?;
        let pairs = Victim::ALL.into_iter().flat_map(|victim| Moment::ALL.map(|moment| (victim, moment)));
        let lines = pairs.map(|(victim, moment)| (Some(victim), Some(moment))).chain([(None, None)]);
        for (victim, moment) in lines {
            let rounds = self.of(victim, moment);
            let well: Vec<&Outcome> = rounds.iter().filter_map(|(_, outcome)| outcome.as_ref()).collect();
            let kept: Vec<&&Outcome> = well.iter().filter(|outcome| outcome.began).collect();
            let longest = kept.iter().map(|outcome| outcome.back_after).max().unwrap_or_default();
            let name = |name: Option<String>| name.unwrap_or_else(|| "all".into());
            writeln!(
                f,
                "| {} | {} | {} | {} | {} | {} | {} | {} |",
                name(victim.map(|victim| victim.to_string())),
                name(moment.map(|moment| moment.to_string())),
                rounds.len(),
                well.len() - kept.len(),
                kept.len(),
                kept.iter().filter(|outcome| outcome.by_hand).count(),
                well.len(),
                seconds(longest),
            )?;
        }
        for failure in &self.failures {
            writeln!(f, "FAILED   {failure}")?;
        }
        write!(f, "{} of {} rounds failed", self.failures.len(), self.rounds.len())
    }
}

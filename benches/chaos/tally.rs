//! What came of all the rounds.

use std::fmt;
use std::time::Duration;

use super::Played;
use super::game::Outcome;
use super::plan::{Kind, Moment, Plan, Victim};

/// The sum of a run.
pub struct Tally {
    /// What to add to a command that plays a round again.
    more: String,
    rounds: Vec<(Plan, Option<Outcome>)>,
    impossible: Vec<(Plan, String)>,
    failures: Vec<String>,
}

/// What a line of the table is about.
#[derive(Clone, Copy)]
enum Row {
    Kill(Victim, Moment),
    Other(Kind),
    All,
}

impl Row {
    fn has(self, plan: &Plan) -> bool {
        match self {
            Self::Kill(victim, moment) => {
                plan.kind == Kind::Kill && plan.victim() == victim && plan.moment == moment
            }
            Self::Other(kind) => plan.kind == kind,
            Self::All => true,
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(victim, moment) => write!(f, "{victim} killed, {moment}"),
            Self::Other(kind) => write!(f, "{kind}"),
            Self::All => write!(f, "all"),
        }
    }
}

impl Tally {
    /// Of a run with the real claude or the stand-in, of this kind or of all.
    pub fn new(real: bool, kind: Option<Kind>) -> Self {
        let mut more = kind.map_or_else(String::new, |kind| format!(" --kind {kind}"));
        if real {
            more.push_str(" --claude real");
        }
        Self { more, rounds: Vec::new(), impossible: Vec::new(), failures: Vec::new() }
    }

    /// Counts a round.
    pub fn add(&mut self, plan: &Plan, result: Played) {
        match result {
            Played::Well(outcome) => self.rounds.push((plan.clone(), Some(outcome))),
            Played::Impossible(why) => self.impossible.push((plan.clone(), why)),
            Played::Failed(reason) => {
                let Plan { seed, round, .. } = plan;
                let again =
                    format!("again: cargo bench --bench chaos -- --seed {seed} --round {round}{}", self.more);
                self.failures.push(format!("{plan}: {reason}\n  {again}"));
                self.rounds.push((plan.clone(), None));
            }
        }
    }

    /// Whether nothing was wrong.
    pub fn is_well(&self) -> bool {
        self.failures.is_empty()
    }

    fn line(&self, row: Row, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounds: Vec<_> = self.rounds.iter().filter(|(plan, _)| row.has(plan)).collect();
        let impossible = self.impossible.iter().filter(|(plan, _)| row.has(plan)).count();
        if rounds.len() + impossible == 0 {
            return Ok(());
        }
        let well: Vec<&Outcome> = rounds.iter().filter_map(|(_, outcome)| outcome.as_ref()).collect();
        let kept: Vec<&&Outcome> = well.iter().filter(|outcome| outcome.began).collect();
        let looked: Vec<u64> = well.iter().filter_map(|outcome| outcome.lost).collect();
        let lost = match looked.len() {
            0 => "–".into(),
            count => format!("{} in {count}", looked.iter().sum::<u64>()),
        };
        let left = well.iter().filter(|outcome| outcome.left_as_it_was).count();
        writeln!(
            f,
            "| {row} | {} | {impossible} | {} | {} | {} | {} | {left} | {lost} | {} |",
            rounds.len(),
            well.len() - kept.len(),
            kept.len(),
            kept.iter().filter(|outcome| outcome.by_hand).count(),
            well.len() - left,
            seconds(kept.iter().map(|outcome| outcome.back_after).max().unwrap_or_default()),
        )
    }
}

/// What came of a round, in words.
pub fn line(result: &Played) -> String {
    let outcome = match result {
        Played::Well(outcome) => outcome,
        Played::Impossible(why) => return format!("not possible here: {why}"),
        Played::Failed(_) => return "FAILED, above".into(),
    };
    if !outcome.began {
        return "nothing had begun, and nothing is left".into();
    }
    let how = if outcome.by_hand { ", by `cckw start`" } else { "" };
    let left = if outcome.left_as_it_was { ", after `reset`" } else { "" };
    let lost = outcome.lost.map_or_else(String::new, |lost| format!(", {lost} bytes lost"));
    format!("back after {}{how}{left}{lost}", seconds(outcome.back_after))
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| what | rounds | not possible | nothing to keep yet | conversation kept | of these by `cckw start` | terminal usable | after `reset` | bytes lost | longest way back |\n\
             | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
        )?;
        for victim in Victim::ALL {
            for moment in Moment::ALL {
                self.line(Row::Kill(victim, moment), f)?;
            }
        }
        for kind in Kind::OTHERS.into_iter().chain([Kind::Link]) {
            self.line(Row::Other(kind), f)?;
        }
        self.line(Row::All, f)?;
        for (plan, why) in &self.impossible {
            writeln!(f, "NOT POSSIBLE HERE   {plan}: {why}")?;
        }
        for failure in &self.failures {
            writeln!(f, "FAILED   {failure}")?;
        }
        write!(f, "{} of {} rounds failed", self.failures.len(), self.rounds.len())
    }
}

//! The directories that are offered for a session: recent ones, and those that begin as what was typed.

use std::cmp::Reverse;

use crate::cli::top::row::{Row, Source};

/// So many are offered.
const MAX_OFFERED: usize = 8;

/// The directories.
#[derive(Debug, Default)]
pub struct Candidates {
    /// Those of sessions, what was active last first: the machine and the directory.
    recent: Vec<(Option<String>, String)>,
    /// Those of the file system that begin as what was typed.
    found: Vec<String>,
    /// What was typed when the choice began, and which one is chosen.
    choice: Option<(String, usize)>,
}

impl Candidates {
    /// Those of these rows.
    pub fn of<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Self {
        let mut rows: Vec<&Row> = rows.into_iter().filter(|row| !row.directory.is_empty()).collect();
        rows.sort_by_key(|row| Reverse((row.active_at, row.started_at)));
        let mut recent: Vec<(Option<String>, String)> = Vec::new();
        for row in rows {
            let machine = match &row.id.source {
                Source::Machine(machine) => Some(machine.clone()),
                Source::Here | Source::Unwrapped | Source::Jobs => None,
            };
            let entry = (machine, row.directory.clone());
            if !recent.contains(&entry) {
                recent.push(entry);
            }
        }
        Self { recent, ..Self::default() }
    }

    /// These begin as what was typed. What was asked for before something else was typed comes too late.
    pub fn set_found(&mut self, typed: &str, found: Vec<String>) {
        if self.choice.is_none() {
            self.found = found.into_iter().filter(|directory| directory.starts_with(typed)).collect();
        }
    }

    /// Something else was typed.
    pub fn forget_choice(&mut self) {
        self.choice = None;
        self.found.clear();
    }

    /// Which one is chosen.
    pub fn chosen(&self) -> Option<usize> {
        self.choice.as_ref().map(|(_, at)| *at)
    }

    /// Those that are offered on a machine for what was typed.
    pub fn of_place(&self, machine: Option<&str>, typed: &str) -> Vec<&str> {
        let typed = self.choice.as_ref().map_or(typed, |(typed, _)| typed).to_lowercase();
        let recent = self.recent.iter().filter(|(place, _)| place.as_deref() == machine);
        let recent = recent.map(|(_, directory)| directory.as_str());
        let mut offered: Vec<&str> = Vec::new();
        for directory in
            recent.filter(|directory| directory.to_lowercase().contains(&typed)).take(MAX_OFFERED / 2)
        {
            offered.push(directory);
        }
        for directory in self.found.iter().map(String::as_str).filter(|_| machine.is_none()) {
            if offered.len() < MAX_OFFERED && !offered.contains(&directory) {
                offered.push(directory);
            }
        }
        offered
    }

    /// What stands in the place of what was typed: as much as all that were found have in common; where that is nothing new
    /// the next one that is offered. Says whether that is a choice, after which nothing more is looked for.
    pub fn complete(&mut self, machine: Option<&str>, typed: &str, forward: bool) -> Option<(String, bool)> {
        if self.choice.is_none() && machine.is_none() {
            let common = common(&self.found);
            if common.len() > typed.len() {
                return Some((common.to_owned(), false));
            }
        }
        let count = self.of_place(machine, typed).len();
        let last = count.checked_sub(1)?;
        let at = match (&self.choice, forward) {
            (Some((_, at)), true) if *at < last => at + 1,
            (Some((_, at)), false) if *at > 0 => at - 1,
            (_, true) => 0,
            (_, false) => last,
        };
        let typed = self.choice.take().map_or_else(|| typed.to_owned(), |(typed, _)| typed);
        self.choice = Some((typed.clone(), at));
        let chosen = (*self.of_place(machine, &typed).get(at)?).to_owned();
        Some((chosen, true))
    }
}

/// The beginning that all of these have in common.
fn common(all: &[String]) -> &str {
    let Some((first, others)) = all.split_first() else { return "" };
    let mut length = first.len();
    for other in others {
        let same = first.char_indices().zip(other.chars()).find(|((_, one), other)| one != other);
        length = length.min(same.map_or(first.len().min(other.len()), |((at, _), _)| at));
    }
    &first[..length]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::top::row::Urgency;
    use crate::cli::top::view::testing::row;

    fn candidates() -> Candidates {
        let mut recent = row("api", Urgency::Idle);
        recent.active_at = Some(2);
        let mut elsewhere = row("far", Urgency::Idle);
        elsewhere.id.source = Source::Machine("box".into());
        Candidates::of(&[row("old", Urgency::Idle), recent.clone(), recent, elsewhere])
    }

    #[test]
    fn recent_ones_come_first_and_each_once() {
        let mut candidates = candidates();
        assert_eq!(candidates.of_place(None, ""), ["~/src/api", "~/src/old"]);
        assert_eq!(candidates.of_place(Some("box"), ""), ["~/src/far"]);
        candidates.set_found("~/src/a", vec!["~/src/api".into(), "~/src/apple".into(), "~/late".into()]);
        assert_eq!(candidates.of_place(None, "~/src/a"), ["~/src/api", "~/src/apple"]);
    }

    #[test]
    fn tab_completes_and_then_goes_through_what_is_offered() {
        let mut candidates = candidates();
        candidates.set_found("~/src/a", vec!["~/src/api".into(), "~/src/apple".into()]);
        assert_eq!(candidates.complete(None, "~/src/a", true), Some(("~/src/ap".into(), false)));
        for expected in ["~/src/api", "~/src/apple", "~/src/api"] {
            assert_eq!(candidates.complete(None, "~/src/ap", true), Some((expected.into(), true)));
        }
        assert_eq!(candidates.complete(None, "~/src/ap", false), Some(("~/src/apple".into(), true)));
        assert_eq!(candidates.chosen(), Some(1));
        candidates.forget_choice();
        assert_eq!(candidates.complete(Some("box"), "", true), Some(("~/src/far".into(), true)));
        assert_eq!(candidates.complete(Some("unknown"), "", true), None);
    }

    #[test]
    fn what_directories_have_in_common_ends_between_characters() {
        let of =
            |all: &[&str]| common(&all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>()).to_owned();
        assert_eq!(of(&["日本", "日光"]), "日");
        assert_eq!(of(&["a", "ab"]), "a");
        assert_eq!(of(&[]), "");
    }
}

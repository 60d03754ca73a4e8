//! What stands below the input box: modes, hints, a menu, the user's status line, and remote control's indicator.

use super::conversation;
use super::input::Input;
use super::view::View;
use super::{Indicator, Menu, Vim};

/// How many rows of the alternate screen a menu takes above the box at most, and one for a hint.
const MOST_ABOVE: usize = 6;

/// The rows around the box that are claude's: those below it, and on the alternate screen those that end directly
/// above it, where it puts menus and what stands at the right edge.
pub(super) struct Footer<'a> {
    below: Vec<&'a str>,
    above: Vec<&'a str>,
}

impl<'a> Footer<'a> {
    pub fn of(view: &'a View, input: Input) -> Self {
        let (rows, _) = view.size();
        let below = (input.lower + 1..rows).map(|row| view.row(row).trim_end()).filter(|row| !row.is_empty());
        let above = (0..input.upper)
            .rev()
            .map(|row| view.row(row).trim_end())
            .take_while(|row| view.alternate() && !row.is_empty())
            .take(MOST_ABOVE);
        Self { below: below.collect(), above: above.collect() }
    }

    /// Why nobody should type, although the box is there.
    pub fn objection(&self) -> Option<&'static str> {
        let any = |words: &[&str]| self.below.iter().any(|row| words.iter().any(|word| row.contains(word)));
        let found = [
            (&["search prompts:", "search history:"][..], "the history search is open"),
            (&["again to exit"], "claude asks whether it is to end"),
            // Wrapped in columns where the screen is narrow.
            (&["  ! for ", "  / for "], "the shortcut help is open"),
            (&["enter to return", "enter to create"], "the agents view is open"),
            (&["Enter to confirm", "Enter to select", "Esc to cancel", "Esc to close"], "a dialog is open"),
        ];
        let found = found.into_iter().find(|(words, _)| any(words)).map(|(_, why)| why);
        let set_in = self.below.iter().all(|row| row.starts_with("  ") || matches_nothing(row));
        found.or(if set_in { None } else { Some("what is below the input box is not recognised") })
    }

    /// The editor's mode, as far as it is shown.
    pub fn vim(&self) -> Option<Vim> {
        let modes =
            [("-- INSERT --", Vim::Insert), ("-- NORMAL --", Vim::Normal), ("-- VISUAL", Vim::Visual)];
        modes
            .into_iter()
            .find(|(words, _)| self.below.iter().any(|row| row.trim_start().starts_with(words)))
            .map(|(_, mode)| mode)
    }

    /// Whether a key is offered that interrupts what runs. With a draft at the prompt it is not.
    pub fn busy(&self) -> bool {
        self.below.iter().any(|row| row.contains("esc to interrupt"))
    }

    /// Whether a draft is said to be stashed.
    pub fn stashed(&self) -> bool {
        self.items().any(|item| item == "draft stashed")
    }

    /// The list of suggestions for what is typed.
    pub fn menu(&self) -> Option<Menu> {
        let rows = || self.below.iter().chain(&self.above);
        let command = |row: &&&str| row.trim_start_matches([' ', '❯']).starts_with('/');
        let selected = rows()
            .filter_map(|row| row.strip_prefix("  ❯ "))
            .find(|item| item.starts_with('/'))
            .map(|item| item.split_whitespace().next().unwrap_or_default().to_owned());
        let open = selected.is_some()
            || rows().any(|row| row.starts_with("    /") && command(&row))
            || rows().any(|row| matches_nothing(row) || row.trim_start().starts_with("+ "));
        open.then_some(Menu { selected })
    }

    /// How many rows directly above the box are the list of suggestions, on the alternate screen.
    pub fn menu_above(&self) -> usize {
        let in_menu = |row: &&&str| {
            row.starts_with("  ❯ /")
                || row.starts_with("    /")
                || matches_nothing(row)
                || row.trim_start().starts_with("+ ")
                || conversation::is_at_the_edge(row)
        };
        if self.menu().is_some() { self.above.iter().take_while(in_menu).count() } else { 0 }
    }

    /// What is said of remote control. Where there is no room the word is cut.
    pub fn indicator(&self) -> Indicator {
        let is = |item: &str, word: &str| {
            item == word
                || item.strip_suffix('…').is_some_and(|cut| cut.len() > "/rc ".len() && word.starts_with(cut))
        };
        let any = |words: &[&str]| self.items().any(|item| words.iter().any(|word| is(item, word)));
        // Where two contradict each other, the one for which nobody types.
        if any(&["/rc active", "/rc"]) {
            Indicator::Active
        } else if any(&["/rc connecting…", "/rc connecting", "/rc reconnecting"]) {
            Indicator::Connecting
        } else if any(&["/rc failed"]) {
            Indicator::Failed
        } else {
            Indicator::Absent
        }
    }

    /// The notifications that are about remote control, each to the next gap.
    pub fn notes(&self) -> impl Iterator<Item = &'a str> + '_ {
        let note = |row: &'a str| row[row.find("Remote Control ")?..].split("  ").next();
        self.rows().filter_map(note)
    }

    /// What stands apart in the rows: between dots, or between gaps.
    fn items(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.rows().flat_map(|row| row.split(" · ")).flat_map(|item| item.split("  ")).map(str::trim)
    }

    /// The rows that hold more than a menu.
    fn rows(&self) -> impl Iterator<Item = &'a str> + '_ {
        let beside = self.above.first().filter(|row| conversation::is_at_the_edge(row));
        self.below.iter().chain(beside).copied()
    }
}

/// The list of commands where none begins with what is typed. Seen without the margin in 2.1.148.
fn matches_nothing(row: &str) -> bool {
    row.trim_start().starts_with("No commands match \"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn footer(below: &[&'static str]) -> Footer<'static> {
        Footer { below: below.to_vec(), above: Vec::new() }
    }

    #[test]
    fn the_indicator_is_an_item_of_its_own() {
        for (row, indicator) in [
            ("  ⏵⏵ auto mode on · ← for agents          ◐ medium · /effort · /rc active", Indicator::Active),
            ("  ? for shortcuts       /rc", Indicator::Active),
            ("  ? for shortcuts       /rc act…", Indicator::Active),
            ("  ? for shortcuts       /rc connecting…", Indicator::Connecting),
            ("  ? for shortcuts       /rc reconnecting", Indicator::Connecting),
            ("  ? for shortcuts       /rc failed", Indicator::Failed),
            ("  ? for shortcuts       /rc…", Indicator::Absent),
            ("  my status: /rc active", Indicator::Absent),
            ("  ❯ /rc active is shown in the footer", Indicator::Absent),
        ] {
            assert_eq!(footer(&[row]).indicator(), indicator, "{row}");
        }
        assert_eq!(footer(&["  /rc failed", "  /rc active"]).indicator(), Indicator::Active);
    }

    #[test]
    fn an_empty_list_of_commands_may_stand_without_the_margin() {
        for row in ["  No commands match \"/remote-control\"", "No commands match \"/remote-control\""] {
            let footer = footer(&[row]);
            assert_eq!((footer.objection(), footer.menu()), (None, Some(Menu { selected: None })), "{row}");
        }
        assert!(footer(&["No commands"]).objection().is_some());
    }

    #[test]
    fn a_notification_goes_to_the_next_gap() {
        let footer = footer(&["  ⏵⏵ auto mode on    Remote Control disconnected · it was lost  other"]);
        assert_eq!(footer.notes().collect::<Vec<_>>(), ["Remote Control disconnected · it was lost"]);
    }
}

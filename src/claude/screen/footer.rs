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
        let set_in = self.below.iter().all(|row| row.starts_with("  "));
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
            || rows().any(|row| row.starts_with("  No commands match") || row.trim_start().starts_with("+ "));
        open.then_some(Menu { selected })
    }

    /// What is said of remote control.
    pub fn indicator(&self) -> Indicator {
        let items = || self.items();
        // Where two contradict each other, the one for which nobody types.
        if items().any(|item| matches!(item, "/rc active" | "/rc")) {
            Indicator::Active
        } else if items().any(|item| {
            matches!(item, "/rc connecting…" | "/rc connecting" | "/rc reconnecting" | "/rc reconnecting…")
        }) {
            Indicator::Connecting
        } else if items().any(|item| item == "/rc failed") {
            Indicator::Failed
        } else {
            Indicator::Absent
        }
    }

    /// What stands apart in the rows: between dots, or between gaps.
    pub fn items(&self) -> impl Iterator<Item = &'a str> + '_ {
        let beside = self.above.first().filter(|row| conversation::is_at_the_edge(row));
        self.below
            .iter()
            .chain(beside)
            .flat_map(|row| row.split(" · "))
            .flat_map(|item| item.split("  "))
            .map(str::trim)
    }
}

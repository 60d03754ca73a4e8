//! What stands below the input box: modes, hints, a menu, the user's status line, and remote control's
//! indicator.
//!
//! The rows of the left side are the user's status line, where there is one, and below it claude's own row
//! with the permission mode. The right side (notifications, then a row with the indicator) begins beside the
//! first row, or below the last one where there is no room for both; it ends two columns before the edge
//! (seen with 2.1.332).

use super::conversation;
use super::input::InputBox;
use super::palette;
use super::palette::Depth;
use super::{Indicator, Menu, Vim};
use crate::vt::screen::view::{Cell, ScreenCells};

/// How many rows of the alternate screen a menu takes above the box at most, and one for a hint.
const MOST_ABOVE: usize = 6;
/// How far from the last column the right side may end.
const EDGE: usize = 3;
/// How claude's own row on the left side begins.
const MODE_MARKS: [&str; 7] = ["⏵⏵", "⏸", "? for shortcuts", "-- ", "esc to interrupt", "! for ", "Press "];
/// What a notification about a link that was lost begins with.
const NOTES: [&str; 2] = ["Remote Control disconnected", "Remote Control failed"];

/// The rows around the box that are claude's: those below it, and on the alternate screen those that end
/// directly above it, where it puts menus and what stands at the right edge.
pub(super) struct Footer<'a> {
    view: &'a ScreenCells,
    below: Vec<&'a str>,
    above: Vec<&'a str>,
    /// The rows of the screen that [`Self::below`] holds.
    rows_below: Vec<usize>,
    /// Which of [`Self::below`] is the first that is not the user's status line.
    own: usize,
    /// Whether that row has claude's mode or hints, so that what stands at its right edge is claude's, too.
    own_is_mode: bool,
    /// With how many colours claude draws, as its rule below the box shows.
    depth: Depth,
    /// The row directly above the box.
    row_above: Option<usize>,
}

/// What stands at the right edge of a row.
struct RightSide<'a> {
    row: usize,
    /// The column that it begins in.
    column: usize,
    text: &'a str,
    /// Whether it is claude's for certain. Else the user's status line may reach to the edge.
    is_own: bool,
}

impl<'a> Footer<'a> {
    pub fn of(view: &'a ScreenCells, input: InputBox) -> Self {
        let (rows, _) = view.size();
        let rows_below: Vec<usize> =
            (input.lower + 1..rows).filter(|row| !view.row(*row).trim_end().is_empty()).collect();
        let below: Vec<&str> = rows_below.iter().map(|row| view.row(*row).trim_end()).collect();
        let above = (0..input.upper)
            .rev()
            .map(|row| view.row(row).trim_end())
            .take_while(|row| view.alternate() && !row.is_empty())
            .take(MOST_ABOVE)
            .collect();
        let is_mode = |row: &&str| MODE_MARKS.iter().any(|mark| row.trim_start().starts_with(mark));
        let left = |row: &&str| !conversation::is_at_the_edge(row);
        let mode = below.iter().rposition(|row| left(row) && is_mode(row));
        let own = mode.or_else(|| below.iter().rposition(left));
        Self {
            view,
            above,
            own: own.unwrap_or(0),
            own_is_mode: mode.is_some(),
            depth: view.cells(input.lower).first().map_or(Depth::Plain, palette::depth),
            row_above: input.upper.checked_sub(1).filter(|_| view.alternate()),
            below,
            rows_below,
        }
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
            .find(|(words, _)| self.below[self.own..].iter().any(|row| row.trim_start().starts_with(words)))
            .map(|(_, mode)| mode)
    }

    /// Whether a key is offered that interrupts what runs. With a draft at the prompt it is not.
    pub fn busy(&self) -> bool {
        self.own_items().any(|item| item == "esc to interrupt")
    }

    /// Whether a draft is said to be stashed.
    pub fn stashed(&self) -> bool {
        let right = self.right_sides().flat_map(|side| items(side.text)).map(|(_, item)| item);
        right.chain(self.own_items()).any(|item| item == "draft stashed")
    }

    /// The list of suggestions for what is typed.
    pub fn menu(&self) -> Option<Menu> {
        let rows = || self.below.iter().chain(&self.above);
        let command = |row: &&&str| row.trim_start_matches([' ', '❯']).starts_with(['/', '…']);
        let selected = rows()
            .filter_map(|row| row.strip_prefix("  ❯ "))
            .find(|item| item.starts_with(['/', '…']))
            .map(|item| item.split_whitespace().next().unwrap_or_default().to_owned());
        let open = selected.is_some()
            || rows().any(|row| (row.starts_with("    /") || row.starts_with("    …")) && command(&row))
            || rows().any(|row| matches_nothing(row) || row.trim_start().starts_with("+ "));
        open.then(|| Menu { about: self.about_selected(), selected })
    }

    /// What the list says about its selected command: the text behind the name, and rows below that are set
    /// in as far.
    fn about_selected(&self) -> String {
        // On the alternate screen the rows above the box come from the bottom to the top.
        let rows: Vec<&str> = self.above.iter().rev().chain(&self.below).copied().collect();
        let Some(at) = rows.iter().position(|row| row.starts_with("  ❯ /") || row.starts_with("  ❯ …"))
        else {
            return String::new();
        };
        let name_ends = rows[at].char_indices().skip(4).find(|(_, c)| *c == ' ').map(|(end, _)| end);
        let Some((name, about)) = name_ends.map(|end| rows[at].split_at(end)) else { return String::new() };
        let indent = rows[at].chars().count() - about.trim_start().chars().count();
        let goes_on = |row: &&&str| {
            let set_in = row.chars().take_while(|c| *c == ' ').count();
            !name.is_empty() && set_in == indent
        };
        let more = rows[at + 1..].iter().take_while(goes_on).map(|row| row.trim());
        [about.trim()].into_iter().chain(more).collect::<Vec<_>>().join(" ")
    }

    /// How many rows directly above the box are the list of suggestions, on the alternate screen.
    pub fn menu_above(&self) -> usize {
        let in_menu = |row: &&&str| {
            row.starts_with("  ❯ /")
                || row.starts_with("  ❯ …")
                || row.starts_with("    …")
                || row.starts_with("    /")
                || matches_nothing(row)
                || row.trim_start().starts_with("+ ")
                || conversation::is_at_the_edge(row)
        };
        if self.menu().is_some() { self.above.iter().take_while(in_menu).count() } else { 0 }
    }

    /// What is said of remote control.
    pub fn indicator(&self) -> Indicator {
        let (own, others): (Vec<_>, Vec<_>) = self.right_sides().partition(|side| side.is_own);
        let shown = |sides: &[RightSide<'_>]| -> Vec<Indicator> {
            sides.iter().flat_map(|side| self.indicators(side)).collect()
        };
        // On the alternate screen the indicator is in the header, and what looks like it beside a status line
        // is the user's.
        let beside = || if self.view.alternate() { Vec::new() } else { shown(&others) };
        let shown = Some(shown(&own)).filter(|shown| !shown.is_empty()).unwrap_or_else(beside);
        // Where two contradict each other, the one for which nobody types.
        let order = [Indicator::Active, Indicator::Connecting, Indicator::Failed];
        order.into_iter().find(|indicator| shown.contains(indicator)).unwrap_or(Indicator::Absent)
    }

    fn indicators(&self, side: &RightSide<'_>) -> Vec<Indicator> {
        let cell = |column: usize| self.view.cells(side.row).get(column);
        let mut found = Vec::new();
        for (column, item) in items(side.text) {
            // Where the left side ends one column before, nothing but the colour tells where the indicator
            // begins.
            let behind = item.rsplit_once(" /rc").map(|(before, _)| before.chars().count() + 1);
            for skip in [Some(0), behind].into_iter().flatten() {
                let text: String = item.chars().skip(skip).collect();
                let sure = side.is_own && skip == 0;
                let first = cell(side.column + column + skip);
                found.extend(first.and_then(|first| indicator(&text, first, self.depth, sure)));
            }
        }
        found
    }

    /// The notifications that are about remote control.
    pub fn notes(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.right_sides().filter_map(|side| {
            let first = self.view.cells(side.row).get(side.column)?;
            let is_note = NOTES.iter().any(|words| side.text.starts_with(words));
            let coloured = match self.depth {
                Depth::Plain => true,
                _ if side.is_own => !first.faint(),
                _ => palette::meaning(first.colour).is_some(),
            };
            (is_note && coloured && palette::depth(first) == self.depth).then_some(side.text)
        })
    }

    /// What stands apart in claude's own rows: between dots, or between gaps.
    fn own_items(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.below[self.own.min(self.below.len())..].iter().flat_map(|row| items(row)).map(|(_, item)| item)
    }

    /// What stands at the right edge: below the box, and on the alternate screen in the row above it.
    fn right_sides(&self) -> impl Iterator<Item = RightSide<'a>> + '_ {
        let above = self.row_above.filter(|row| conversation::is_at_the_edge(self.view.row(*row)));
        let below = self.rows_below.iter().enumerate().map(|(at, row)| (*row, Some(at)));
        below.chain(above.map(|row| (row, None))).filter_map(|(row, at)| {
            let side = right_side(self.view, row)?;
            let alone = self.view.row(row).chars().take(side.column).all(|c| c == ' ');
            // A row of the user's that is set in so far is no part of the right side.
            let may_be_alone = at.is_none_or(|at| at >= self.own);
            let is_below = at.is_some_and(|at| at > self.own);
            let beside_mode = !alone && self.own_is_mode && at == Some(self.own);
            (!alone || may_be_alone).then_some(RightSide { is_own: alone && is_below || beside_mode, ..side })
        })
    }
}

/// What reaches to the right edge of a row: from the last gap on, or from the beginning where there is none.
fn right_side(view: &ScreenCells, row: usize) -> Option<RightSide<'_>> {
    let text = view.row(row).trim_end();
    let (_, columns) = view.size();
    let cells = view.cells(row);
    let last = cells.iter().rposition(|cell| !view.blank(cell) && !cell.continues)?;
    if last + 1 + EDGE <= columns && columns > EDGE {
        return None;
    }
    let first = cells.iter().position(|cell| !view.blank(cell))?;
    let gap = (first..last).rev().find(|at| view.blank(&cells[*at]) && view.blank(&cells[at + 1]));
    let column = gap.map_or(first, |gap| gap + 2);
    let before: usize = cells[..column].iter().map(|cell| view.text(cell).len()).sum();
    Some(RightSide { row, column, text: text.get(before..)?, is_own: false })
}

/// What stands apart in a text: between dots, or between gaps, each with the character that it begins at.
fn items(text: &str) -> Vec<(usize, &str)> {
    let mut items = Vec::new();
    let mut at = 0;
    for part in text.split(" · ") {
        let mut within = at;
        for item in part.split("  ") {
            let blanks = item.chars().take_while(|c| *c == ' ').count();
            if !item.trim().is_empty() {
                items.push((within + blanks, item.trim()));
            }
            within += item.chars().count() + 2;
        }
        at += part.chars().count() + 3;
    }
    items
}

/// What an item says of remote control, if it is drawn in the colour that claude has for this. `depth` is how
/// many colours claude draws with; `sure` is whether the item stands where nobody else draws.
pub(super) fn indicator(item: &str, first: &Cell, depth: Depth, sure: bool) -> Option<Indicator> {
    let meaning = palette::meaning(first.colour);
    // A theme of the user's own may mix colours of all depths.
    let is_coloured = |depth| depth != Depth::Plain;
    let fits =
        palette::depth(first) == depth || sure && is_coloured(depth) && is_coloured(palette::depth(first));
    if !fits {
        return None;
    }
    // The compact form has nothing but its colour, where there are colours.
    if item == "rc" {
        return if depth == Depth::Plain { Some(Indicator::Active) } else { meaning };
    }
    let said = indicator_word(item)?;
    let drawn = depth == Depth::Plain || meaning == Some(said) || sure && !first.faint();
    drawn.then_some(said)
}

/// What an item says of remote control. Where there is no room the word is cut. The compact form has no
/// slash.
fn indicator_word(item: &str) -> Option<Indicator> {
    let is = |word: &str| {
        let cut = |cut: &str| cut.len() > word.find(' ').unwrap_or(word.len()) && word.starts_with(cut);
        item == word || item.strip_suffix('…').is_some_and(cut)
    };
    let words = [
        ("/rc active", Indicator::Active),
        ("/rc", Indicator::Active),
        ("/rc connecting…", Indicator::Connecting),
        ("/rc connecting", Indicator::Connecting),
        ("/rc reconnecting", Indicator::Connecting),
        ("/rc failed", Indicator::Failed),
        ("rc connecting…", Indicator::Connecting),
        ("rc connecting", Indicator::Connecting),
        ("rc reconnecting", Indicator::Connecting),
        ("rc failed", Indicator::Failed),
    ];
    words.into_iter().find(|(word, _)| is(word)).map(|(_, indicator)| indicator)
}

/// The list of commands where none begins with what is typed. Seen without the margin in 2.1.148.
fn matches_nothing(row: &str) -> bool {
    row.trim_start().starts_with("No commands match \"")
}

#[cfg(test)]
mod tests;

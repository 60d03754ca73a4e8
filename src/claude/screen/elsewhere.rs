//! Where claude is when it is not at the main prompt. This names the place for a log and decides nothing.

use crate::vt::screen::view::ScreenCells;

/// Words of a place, and how it is named. The first that is found counts.
const PLACES: [(&str, &str); 5] = [
    ("Showing detailed transcript", "the transcript view is open"),
    ("Accessing workspace:", "claude asks whether to trust the directory"),
    ("Do you want to proceed?", "claude asks for a permission"),
    ("Esc to ", "a dialog is open"),
    ("Enter to ", "a dialog is open"),
];

/// The name of the place that the screen shows, if it is known.
pub(super) fn place(view: &ScreenCells) -> Option<&'static str> {
    let (rows, _) = view.size();
    PLACES.iter().find(|(words, _)| (0..rows).any(|row| view.row(row).contains(words))).map(|(_, name)| *name)
}

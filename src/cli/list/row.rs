//! The rows of `cckw list`, and how they become a table.

use super::super::colours::Colours;
use super::super::table::{Cell, Row, fit};
use crate::escape::{escape, prose};

/// The titles. LAST_USED stands only where all sessions are listed.
pub const COLUMN_TITLES: [&str; 10] =
    ["NAME", "STATE", "RC", "TERMINAL", "UPTIME", "RESTARTS", "CLAUDE", LAST_USED, "DIRECTORY", "ABOUT"];
const LAST_USED: &str = "LAST USED";
/// The columns that a narrow terminal does without, the first one first.
const DISPENSABLE: [&str; 4] = ["RESTARTS", "CLAUDE", "UPTIME", "RC"];
/// A directory is not shortened below this, in columns.
pub const MIN_DIRECTORY_COLUMNS: usize = 12;
/// Nor what a session is about.
pub const MIN_ABOUT_COLUMNS: usize = 20;

/// One session, as a table shows it. All but the name and what it is about are escaped.
pub struct ListRow {
    /// What it is called, also where that is another machine's.
    pub name: String,
    /// The state, in a word.
    pub state: String,
    /// The same with the time at which a limit is over.
    pub shown_state: String,
    /// Remote control.
    pub remote: String,
    /// Whether a terminal is attached.
    pub terminal: String,
    pub uptime: String,
    pub restarts: String,
    /// Its claude's version.
    pub claude: String,
    pub last_used: String,
    pub directory: String,
    /// What it is about, if that is known.
    pub about: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl ListRow {
    /// Its cells, below [`COLUMN_TITLES`].
    pub fn cells(&self, colours: Colours) -> Row {
        vec![
            escape(&self.name).to_string().into(),
            Cell::from(self.shown_state.clone()).styled(colours.of_state(&self.state)),
            Cell::from(self.remote.clone()).styled(colours.of_link(&self.remote)),
            self.terminal.clone().into(),
            self.uptime.clone().into(),
            self.restarts.clone().into(),
            self.claude.clone().into(),
            self.last_used.clone().into(),
            self.directory.clone().into(),
            prose(self.about.as_deref().unwrap_or_default()).into(),
        ]
    }
}

/// A table of rows, a string a line, made to fit into so many columns. Below a row stands its hint.
pub fn fit_rows(rows: &[ListRow], all: bool, columns: Option<usize>, colours: Colours) -> Vec<String> {
    let titles = std::iter::once(COLUMN_TITLES.map(Cell::from).to_vec());
    let mut cells: Vec<Row> = titles.chain(rows.iter().map(|row| row.cells(colours))).collect();
    if !all {
        let at = COLUMN_TITLES.iter().position(|title| *title == LAST_USED);
        for row in &mut cells {
            at.map(|at| row.remove(at));
        }
    }
    let hints = std::iter::once(None).chain(rows.iter().map(|row| row.hint.as_ref()));
    let with_hint = |(line, hint): (String, Option<&String>)| {
        std::iter::once(line).chain(hint.map(|hint| format!("  {hint}")))
    };
    let least = [MIN_DIRECTORY_COLUMNS, MIN_ABOUT_COLUMNS];
    let lines = fit(&cells, columns.unwrap_or(usize::MAX), least, &DISPENSABLE);
    lines.into_iter().zip(hints).flat_map(with_hint).collect()
}

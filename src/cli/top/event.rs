//! What happens to the fleet view, and what it wants done.

use crossterm::event::{KeyEvent, MouseEvent};

use super::row::{Row, RowId, Source};

/// What happens.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A key.
    Key(KeyEvent),
    /// The mouse.
    Mouse(MouseEvent),
    /// A text was pasted.
    Paste(String),
    /// The terminal has this size now, in cells.
    Resized {
        /// Columns.
        columns: u16,
        /// Rows.
        rows: u16,
    },
    /// A source has something to say.
    Update(Update),
    /// The preview has something to say. What is for another row than the selected one comes too late.
    Preview(RowId, PreviewUpdate),
    /// What was run has ended.
    Finished(Outcome),
    /// More of the text that a pager shows.
    PagerText(String),
    /// The text of a pager is whole, or ends with this error.
    PagerEnd(Option<String>),
    /// What can stand for the beginning of a directory.
    Directories(Vec<String>),
    /// A minute of the clock has passed: relative times change.
    Minute,
}

/// What a source says.
#[derive(Debug, Clone, PartialEq)]
pub enum Update {
    /// All of its rows; what it had before is forgotten, and so is its trouble.
    Rows(Source, Vec<Row>),
    /// It says nothing at the moment, and why: a line in words. Its rows stay, and count as old.
    Trouble(Source, String),
}

/// What the preview says.
#[derive(Debug, Clone, PartialEq)]
pub enum PreviewUpdate {
    /// The screen has changed: rows of it, each with its colours (SGR), by its number from 0.
    Frame(crate::protocol::ScreenFrame),
    /// There is no screen to be seen, and why.
    Nothing(String),
}

/// How what was run has ended: a line for the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What was under way: the label of its [`VerbLine`].
    pub label: String,
    /// Whether it was done.
    pub is_done: bool,
    /// One line in words: what the verb has said last.
    pub text: String,
    /// The row to select, where it has made a new one: its name.
    pub select: Option<String>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Leave the screen to `cckw attach`, and come back.
    Attach {
        /// Which session.
        id: RowId,
        /// What it is called.
        name: String,
        /// Whether to look only.
        is_watch: bool,
    },
    /// Run a verb of cckw without a terminal, and say what came of it.
    Run(VerbLine),
    /// Show this session's screen, or none.
    Preview(Option<RowId>),
    /// Bring the text that this verb prints, as it comes. What was brought before is left.
    OpenPager(VerbLine),
    /// Bring no more text.
    ClosePager,
    /// Which directories begin so?
    Complete(String),
    /// Ask all sources again.
    Refresh,
    /// Bring the sessions that have ended too, or no more.
    ShowAll(bool),
    /// Draw the whole screen anew: something else may have written on it.
    Redraw,
    /// Stop the job, as ctrl-z does.
    Suspend,
    /// Leave.
    Quit,
}

/// A verb of cckw with its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerbLine {
    /// The verb and its words, as on a command line.
    pub words: Vec<String>,
    /// What it reads on stdin.
    pub stdin: Option<String>,
    /// What is under way, for the user: `stopping api`.
    pub label: String,
}

//! A text that is read: a transcript, or a log.

mod lines;

use crossterm::event::KeyEvent;

use super::input::TextInput;
use crate::cli::top::keys::{self, Command};
pub use lines::Lines;

/// What a key has made of the pager.
#[derive(Debug, PartialEq, Eq)]
pub enum Turned {
    /// It shows something else, or the same.
    Stays,
    /// It is left.
    Closed,
    /// This is not about the text.
    Other(Command),
}

/// How the text ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// More of it comes.
    Open,
    /// It is whole.
    Whole,
    /// It broke off, and why.
    Failed(String),
}

/// The pager.
#[derive(Debug)]
pub struct Pager {
    title: String,
    lines: Lines,
    end: End,
    /// The first row that is shown.
    top: usize,
    /// How many rows are shown.
    height: usize,
    /// Whether the end stays in sight while more comes.
    follows: bool,
    /// What is searched for.
    pattern: String,
    /// The row with the match that was found last.
    found: Option<usize>,
    /// What is typed to be searched for.
    typed: Option<TextInput>,
    /// What came of the search, where nothing was found.
    notice: Option<String>,
}

impl Pager {
    /// An empty one with this title: its text is still to come. The end of the text is shown.
    pub fn new(title: String) -> Self {
        Self {
            title,
            lines: Lines::default(),
            end: End::Open,
            top: 0,
            height: 1,
            follows: true,
            pattern: String::new(),
            found: None,
            typed: None,
            notice: None,
        }
    }

    /// Makes room for so many columns and rows.
    pub fn set_size(&mut self, columns: usize, height: usize) {
        let first = self.lines.part(self.top).map(|part| part.line);
        self.height = height.max(1);
        if self.lines.set_columns(columns) {
            self.found = None;
            self.top = first.map_or(0, |line| self.lines.first_part_of(line));
        }
        self.settle();
    }

    /// Takes more of the text.
    pub fn push(&mut self, text: &str) {
        let dropped = self.lines.push(text);
        self.top = self.top.saturating_sub(dropped);
        self.found = self.found.and_then(|row| row.checked_sub(dropped));
        self.settle();
    }

    /// The text is whole, or has broken off.
    pub fn finish(&mut self, error: Option<String>) {
        self.lines.finish();
        self.end = error.map_or(End::Whole, End::Failed);
        self.settle();
    }

    /// The row that is first where the end is in sight.
    fn last_top(&self) -> usize {
        self.lines.parts().saturating_sub(self.height)
    }

    fn settle(&mut self) {
        self.top = if self.follows { self.last_top() } else { self.top.min(self.last_top()) };
    }

    /// Scrolls by so many rows.
    pub fn scroll(&mut self, by: isize) {
        self.top = self.top.saturating_add_signed(by).min(self.last_top());
        self.follows = self.top == self.last_top();
        self.found = None;
    }

    /// Takes a key.
    pub fn key(&mut self, key: KeyEvent) -> Turned {
        self.notice = None;
        if self.typed.is_some() {
            return self.key_of_search(key);
        }
        let page = isize::try_from(self.height.saturating_sub(1).max(1)).unwrap_or(1);
        match keys::PAGER.command(key) {
            Some(Command::Up) => self.scroll(-1),
            Some(Command::Down) => self.scroll(1),
            Some(Command::PageUp) => self.scroll(-page),
            Some(Command::PageDown) => self.scroll(page),
            Some(Command::First) => self.scroll(isize::MIN),
            Some(Command::Last) => self.scroll(isize::MAX),
            Some(Command::Search) => self.typed = Some(TextInput::default()),
            Some(Command::NextMatch) => self.find(true),
            Some(Command::PreviousMatch) => self.find(false),
            Some(Command::Back) => return Turned::Closed,
            Some(other) => return Turned::Other(other),
            None => {}
        }
        Turned::Stays
    }

    fn key_of_search(&mut self, key: KeyEvent) -> Turned {
        let Some(typed) = &mut self.typed else { return Turned::Stays };
        if typed.type_key(key) {
            return Turned::Stays;
        }
        match keys::EDITOR.command(key) {
            Some(Command::Submit) => {
                if !typed.text().is_empty() {
                    self.pattern = typed.text().to_owned();
                }
                self.typed = None;
                self.find(true);
            }
            Some(Command::Back) => self.typed = None,
            // As in less: nothing is left to remove, so the search is left.
            Some(Command::Backspace) if typed.text().is_empty() => self.typed = None,
            Some(other @ (Command::Redraw | Command::Suspend)) => return Turned::Other(other),
            Some(other) => {
                typed.edit(other);
            }
            None => {}
        }
        Turned::Stays
    }

    /// Puts a text into what is searched for.
    pub fn paste(&mut self, text: &str) {
        if let Some(typed) = &mut self.typed {
            typed.insert_line(text);
        }
    }

    /// Goes to the next row with the pattern in it, or to the one before; from the other end again where there is none.
    fn find(&mut self, forward: bool) {
        if self.pattern.is_empty() {
            self.notice = Some("nothing was searched for yet: /".into());
            return;
        }
        let from = self.found.unwrap_or(self.top);
        self.found = self.lines.find(&self.pattern, from, forward);
        let Some(row) = self.found else {
            self.notice = Some("not found".into());
            return;
        };
        self.follows = false;
        self.top = row.min(self.last_top());
    }

    /// What is read.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The text.
    pub fn lines(&self) -> &Lines {
        &self.lines
    }

    /// The first row that is shown.
    pub fn top(&self) -> usize {
        self.top
    }

    /// How the text ends.
    pub fn end(&self) -> &End {
        &self.end
    }

    /// What is searched for; empty where nothing is.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// The row with the match that was found last.
    pub fn found(&self) -> Option<usize> {
        self.found
    }

    /// What is typed to be searched for.
    pub fn typed(&self) -> Option<&TextInput> {
        self.typed.as_ref()
    }

    /// What came of the search, where nothing was found.
    pub fn notice(&self) -> Option<&str> {
        self.notice.as_deref()
    }

    /// How much of the text is above the last row shown, in percent.
    pub fn percent(&self) -> usize {
        match self.lines.parts() {
            0 => 100,
            all => ((self.top + self.height).min(all) * 100) / all,
        }
    }
}

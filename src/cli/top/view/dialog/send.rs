//! Sends a text to a session.

use crossterm::event::KeyEvent;

use super::Answer;
use crate::cli::top::event::VerbLine;
use crate::cli::top::keys::{self, Command};
use crate::cli::top::row::{Row, RowId};
use crate::cli::top::view::actions::verb;
use crate::cli::top::view::input::TextInput;

/// The form.
#[derive(Debug)]
pub struct SendForm {
    row: Row,
    /// The text.
    pub text: TextInput,
    /// Whether it is typed at once, and not when claude is idle.
    pub is_now: bool,
    /// What is wrong with it.
    pub trouble: Option<&'static str>,
}

impl SendForm {
    /// Begins with a draft.
    pub fn new(row: &Row, draft: &str) -> Self {
        Self { row: row.clone(), text: TextInput::with(draft), is_now: false, trouble: None }
    }

    /// Which session it is for.
    pub fn id(&self) -> &RowId {
        &self.row.id
    }

    /// What the session is called.
    pub fn name(&self) -> String {
        self.row.full_name()
    }

    /// Puts a text in.
    pub fn paste(&mut self, text: &str) {
        self.trouble = None;
        self.text.insert(text);
    }

    /// Takes a key.
    pub fn key(&mut self, key: KeyEvent) -> Answer {
        self.trouble = None;
        if self.text.type_key(key) {
            return Answer::Stays;
        }
        match keys::EDITOR.command(key) {
            Some(Command::Submit) => return self.submit(),
            Some(Command::Back) => return Answer::Left,
            Some(other @ (Command::Redraw | Command::Suspend)) => return Answer::Other(other),
            Some(Command::NewLine) => self.text.insert("\n"),
            Some(Command::Complete | Command::CompleteBack) => self.is_now = !self.is_now,
            Some(Command::Up) => {
                self.text.step_line(false);
            }
            Some(Command::Down) => {
                self.text.step_line(true);
            }
            Some(other) => {
                self.text.edit(other);
            }
            None => {}
        }
        Answer::Stays
    }

    fn submit(&mut self) -> Answer {
        if self.text.text().trim().is_empty() {
            self.trouble = Some("there is nothing to send yet");
            return Answer::Stays;
        }
        let when: &[&str] = if self.is_now { &["-", "--when", "now"] } else { &["-"] };
        let verb = verb(&["send"], &self.row, when, "sending to");
        let verb = VerbLine { stdin: Some(self.text.text().to_owned()), ..verb };
        Answer::Run(Some(self.row.id.clone()), verb)
    }
}

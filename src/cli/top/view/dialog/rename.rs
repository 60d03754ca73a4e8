//! Renames a session.

use crossterm::event::KeyEvent;

use super::Answer;
use crate::cli::top::keys::{self, Command};
use crate::cli::top::row::Row;
use crate::cli::top::view::actions::verb;
use crate::cli::top::view::input::TextInput;
use crate::registry::names;

/// The form.
#[derive(Debug)]
pub struct RenameForm {
    row: Row,
    /// The new name.
    pub name: TextInput,
    /// Why it cannot be this one.
    pub trouble: Option<String>,
}

impl RenameForm {
    /// Begins with the name that the session has.
    pub fn new(row: &Row) -> Self {
        Self { name: TextInput::with(row.name.clone()), row: row.clone(), trouble: None }
    }

    /// What the session is called now.
    pub fn old_name(&self) -> String {
        self.row.full_name()
    }

    /// Puts a text in.
    pub fn paste(&mut self, text: &str) {
        self.trouble = None;
        self.name.insert_line(text);
    }

    /// Takes a key.
    pub fn key(&mut self, key: KeyEvent) -> Answer {
        self.trouble = None;
        if self.name.type_key(key) {
            return Answer::Stays;
        }
        match keys::EDITOR.command(key) {
            Some(Command::Submit) => self.submit(),
            Some(Command::Back) => Answer::Left,
            Some(other @ (Command::Redraw | Command::Suspend)) => Answer::Other(other),
            Some(other) => {
                self.name.edit(other);
                Answer::Stays
            }
            None => Answer::Stays,
        }
    }

    fn submit(&mut self) -> Answer {
        let name = self.name.text().trim();
        if name == self.row.name {
            return Answer::Left;
        }
        if let Some(why) = names::unfit(name) {
            self.trouble = Some(format!("that is no name: {why}"));
            return Answer::Stays;
        }
        Answer::Run(Some(self.row.id.clone()), verb(&["rename"], &self.row, &[name], "renaming"))
    }
}

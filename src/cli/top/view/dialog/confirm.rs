//! Asks whether something is meant, by one key.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::Answer;
use crate::cli::top::event::VerbLine;
use crate::cli::top::keys::{self, Command};
use crate::cli::top::row::{Kind, Row, RowId};
use crate::cli::top::view::actions::{has_ended, verb};

/// A way to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The key.
    pub key: char,
    /// What it does.
    pub words: &'static str,
    verb: VerbLine,
}

/// The question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirm {
    id: RowId,
    /// What is asked.
    pub question: String,
    /// What else there is to know.
    pub more: &'static str,
    /// The ways to go on.
    pub choices: Vec<Choice>,
}

impl Confirm {
    /// What is asked about a row before a command is done. Nothing where the command needs no question.
    pub fn about(command: Command, row: &Row) -> Option<Self> {
        let name = row.full_name();
        let (question, more, choices) = match command {
            Command::Stop => (
                format!("Stop {name}?"),
                "Its claude is ended. The conversation stays, and can be opened again.",
                vec![choice('y', "stop it", verb(&["stop"], row, &[], "stopping"))],
            ),
            Command::Restart if has_ended(row) => (
                format!("Bring {name} back?"),
                "Its claude is started again, with the same conversation.",
                vec![choice('y', "bring it back", verb(&["start"], row, &[], "starting"))],
            ),
            Command::Restart => (
                format!("Restart the claude of {name}?"),
                "It goes on with the same conversation. If it works, the restart waits until it is idle.",
                vec![choice('y', "restart it", verb(&["restart"], row, &[], "restarting"))],
            ),
            Command::Adopt => (
                format!("Make a session of {name}?"),
                adopt_words(row.kind),
                vec![
                    choice('f', "copy the conversation", verb(&["adopt", "--fork"], row, &[], "copying")),
                    choice('t', "take it over", verb(&["adopt", "--takeover"], row, &[], "taking over")),
                ],
            ),
            _ => return None,
        };
        Some(Self { id: row.id.clone(), question, more, choices })
    }

    /// Takes a key. Enter does nothing dangerous: it leaves.
    pub fn key(&self, key: KeyEvent) -> Answer {
        let is_chord = key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
        let chosen = match key.code {
            KeyCode::Char(c) if !is_chord => {
                self.choices.iter().find(|choice| choice.key == c.to_ascii_lowercase())
            }
            _ => None,
        };
        if let Some(choice) = chosen {
            return Answer::Run(Some(self.id.clone()), choice.verb.clone());
        }
        match (key.code, keys::EDITOR.command(key)) {
            (KeyCode::Char('n' | 'N' | 'q'), _) if !is_chord => Answer::Left,
            (_, Some(Command::Back | Command::Submit)) => Answer::Left,
            (_, Some(other @ (Command::Redraw | Command::Suspend))) => Answer::Other(other),
            _ => Answer::Stays,
        }
    }
}

fn choice(key: char, words: &'static str, verb: VerbLine) -> Choice {
    Choice { key, words, verb }
}

fn adopt_words(kind: Kind) -> &'static str {
    match kind {
        Kind::Job => {
            "A copy leaves the job as it is. Taking over ends it when it is at rest, and goes on in its place."
        }
        Kind::Unwrapped | Kind::Session => {
            "A copy leaves that claude as it is. Taking over ends it when it is at rest, and goes on in its place; what \
             stands at its prompt is lost."
        }
    }
}

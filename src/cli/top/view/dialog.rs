//! Dialogs: what is asked before something is done.

pub mod confirm;
pub mod menu;
pub mod new;
pub mod rename;
pub mod send;

use crossterm::event::KeyEvent;

use confirm::Confirm;
use menu::Menu;
use new::NewForm;
use rename::RenameForm;
use send::SendForm;

use crate::cli::top::event::VerbLine;
use crate::cli::top::keys::Command;
use crate::cli::top::row::RowId;
use crate::cli::top::view::list::Place;

/// What a key has made of a dialog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It goes on.
    Stays,
    /// It is left, and nothing is done.
    Left,
    /// This verb is run. It is about a row that must still be there, or about none.
    Run(Option<RowId>, VerbLine),
    /// Which directories begin so?
    Complete(String),
    /// This machine's rows are shown only, or all.
    Show(Option<Place>),
    /// This is not about the dialog.
    Other(Command),
}

/// A dialog.
#[derive(Debug)]
pub enum Dialog {
    /// Starts a session.
    New(NewForm),
    /// Sends a text.
    Send(SendForm),
    /// Renames a session.
    Rename(RenameForm),
    /// Asks whether something is meant.
    Confirm(Confirm),
    /// Chooses a machine.
    Menu(Menu),
}

impl Dialog {
    /// Takes a key.
    pub fn key(&mut self, key: KeyEvent) -> Answer {
        match self {
            Self::New(form) => form.key(key),
            Self::Send(form) => form.key(key),
            Self::Rename(form) => form.key(key),
            Self::Confirm(confirm) => confirm.key(key),
            Self::Menu(menu) => menu.key(key),
        }
    }

    /// Takes a text that was pasted.
    pub fn paste(&mut self, text: &str) -> Answer {
        match self {
            Self::New(form) => form.paste(text),
            Self::Send(form) => {
                form.paste(text);
                Answer::Stays
            }
            Self::Rename(form) => {
                form.paste(text);
                Answer::Stays
            }
            // A text is no answer.
            Self::Confirm(_) | Self::Menu(_) => Answer::Stays,
        }
    }
}

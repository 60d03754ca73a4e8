//! Chooses the machine whose rows are shown.

use crossterm::event::KeyEvent;

use super::Answer;
use crate::cli::top::keys::{self, Command};
use crate::cli::top::view::list::{Counts, List, Place};

/// A line of the menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Which machine; nothing for all.
    pub place: Option<Place>,
    /// How many rows it has.
    pub counts: Counts,
    /// What troubles it.
    pub trouble: Option<String>,
}

/// The menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Menu {
    /// Its lines.
    pub items: Vec<Item>,
    /// The chosen one.
    pub at: usize,
}

impl Menu {
    /// The machines of these rows. The one that is shown now is chosen.
    pub fn of(list: &List) -> Self {
        let places = std::iter::once(None).chain(list.places().into_iter().map(Some));
        let items: Vec<Item> = places
            .map(|place| Item {
                counts: list.counts(place.as_ref()),
                trouble: place.as_ref().and_then(|place| trouble(list, place)),
                place,
            })
            .collect();
        let at = items.iter().position(|item| item.place.as_ref() == list.place()).unwrap_or(0);
        Self { items, at }
    }

    /// The same menu of rows that have changed. The choice stays.
    pub fn renew(&mut self, list: &List) {
        let chosen = self.items.get(self.at).and_then(|item| item.place.clone());
        *self = Self::of(list);
        self.at = self.items.iter().position(|item| item.place == chosen).unwrap_or(0);
    }

    /// Takes a key.
    pub fn key(&mut self, key: KeyEvent) -> Answer {
        let last = self.items.len().saturating_sub(1);
        if keys::EDITOR.command(key) == Some(Command::Submit) {
            return Answer::Show(self.items.get(self.at).and_then(|item| item.place.clone()));
        }
        match keys::LIST.command(key) {
            Some(Command::Up) => self.at = self.at.checked_sub(1).unwrap_or(last),
            Some(Command::Down | Command::Machine | Command::NextNeedy) => {
                self.at = if self.at == last { 0 } else { self.at + 1 };
            }
            Some(Command::First | Command::PageUp) => self.at = 0,
            Some(Command::Last | Command::PageDown) => self.at = last,
            Some(Command::Back | Command::Quit) => return Answer::Left,
            Some(other @ (Command::Redraw | Command::Suspend)) => return Answer::Other(other),
            _ => {}
        }
        Answer::Stays
    }
}

/// What troubles the sources of a machine: the first one that has a trouble.
fn trouble(list: &List, place: &Place) -> Option<String> {
    let mut troubles = list.troubles().filter(|(source, _)| Place::of(source) == *place);
    troubles.next().map(|(_, words)| words.to_owned())
}

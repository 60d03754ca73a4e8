//! What a key does in the list.

use crossterm::event::KeyEvent;

use super::dialog::Dialog;
use super::dialog::confirm::Confirm;
use super::dialog::menu::Menu;
use super::dialog::new::NewForm;
use super::dialog::rename::RenameForm;
use super::dialog::send::SendForm;
use super::input::TextInput;
use super::pager::Pager;
use super::{Overlay, View, actions, help};
use crate::cli::top::event::Effect;
use crate::cli::top::keys::{self, Command};
use crate::cli::top::row::Row;

impl View {
    /// A key in the list.
    pub(super) fn key_in_list(&mut self, key: KeyEvent) -> Vec<Effect> {
        let Some(command) = keys::LIST.command(key) else { return Vec::new() };
        self.list.hold_selection();
        let page = isize::try_from(self.list.height.max(1)).unwrap_or(1);
        match command {
            Command::Up => self.list.step(-1),
            Command::Down => self.list.step(1),
            Command::PageUp => self.list.step(-page),
            Command::PageDown => self.list.step(page),
            Command::First => self.list.select(0),
            Command::Last => self.list.select(usize::MAX),
            Command::NextNeedy => self.list.step_to_needy(),
            Command::Order => self.list.next_order(),
            Command::Preview => self.wants_preview = Some(self.areas().preview.is_empty()),
            Command::Back => self.drop_filters(),
            Command::Search => {
                self.overlay = Overlay::Filter(TextInput::with(self.list.filter()));
            }
            Command::Machine => self.overlay = Overlay::Dialog(Box::new(Dialog::Menu(Menu::of(&self.list)))),
            Command::New => self.open_new(),
            Command::Help => self.overlay = Overlay::Pager(Box::new(help::pager()), true),
            other => return self.beyond_rows(other).unwrap_or_else(|| self.about_row(other)),
        }
        Vec::new()
    }

    /// What has to do with the view as a whole. Nothing where it is about the selected row.
    pub(super) fn beyond_rows(&mut self, command: Command) -> Option<Vec<Effect>> {
        Some(vec![match command {
            Command::Ended => {
                self.shows_ended = !self.shows_ended;
                Effect::ShowAll(self.shows_ended)
            }
            Command::Refresh => Effect::Refresh,
            Command::Redraw => Effect::Redraw,
            Command::Suspend => Effect::Suspend,
            Command::Quit => Effect::Quit,
            _ => return None,
        }])
    }

    /// Drops the filter; where there is none, the choice of a machine.
    fn drop_filters(&mut self) {
        if self.list.filter().is_empty() {
            self.list.set_place(None);
        } else {
            self.list.set_filter(String::new());
        }
    }

    fn open_new(&mut self) {
        let directory = self.directory.as_str();
        let new = || NewForm::new(self.list.all(), self.list.place(), directory, self.home.as_deref());
        let form = self.failed_new.take().unwrap_or_else(new);
        self.overlay = Overlay::Dialog(Box::new(Dialog::New(form)));
    }

    /// Does what has to do with the selected row.
    pub(super) fn about_row(&mut self, command: Command) -> Vec<Effect> {
        let Some(row) = self.list.selected().cloned() else {
            self.say(false, "no session is selected".into());
            return Vec::new();
        };
        let has_slipped = self.list.take_slipped();
        if has_slipped && matches!(command, Command::Attach | Command::Continue) {
            // The key was meant for the row that has gone, most likely.
            self.say(false, format!("{} is selected now; the same key again is for it", row.full_name()));
            return Vec::new();
        }
        if let Some(refusal) = actions::refusal(command, &row) {
            self.say(false, refusal);
            return Vec::new();
        }
        if let Some(dialog) = self.dialog(command, &row) {
            self.overlay = Overlay::Dialog(Box::new(dialog));
            return Vec::new();
        }
        let effect = actions::effect(command, &row);
        if let Some(Effect::OpenPager(verb)) = &effect {
            self.overlay = Overlay::Pager(Box::new(Pager::new(verb.label.clone())), false);
        }
        if let (Command::Attach, Some(Effect::Run(verb))) = (command, &effect) {
            self.brought_back = Some((verb.label.clone(), row.id.clone()));
        }
        self.note(effect.into_iter().collect())
    }

    /// What is asked before a command is done.
    fn dialog(&self, command: Command, row: &Row) -> Option<Dialog> {
        match command {
            Command::Send => {
                let draft = self.drafts.get(&row.id).map_or("", String::as_str);
                Some(Dialog::Send(SendForm::new(row, draft)))
            }
            Command::Rename => Some(Dialog::Rename(RenameForm::new(row))),
            _ => Confirm::about(command, row).map(Dialog::Confirm),
        }
    }

    /// Remembers what is under way from now on.
    pub(super) fn note(&mut self, effects: Vec<Effect>) -> Vec<Effect> {
        for effect in &effects {
            if let Effect::Run(verb) = effect {
                self.under_way.push(verb.label.clone());
            }
        }
        effects
    }
}

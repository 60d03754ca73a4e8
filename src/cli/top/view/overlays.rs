//! What a key does where something stands above the list, or where a filter is typed.

use crossterm::event::KeyEvent;

use super::dialog::{Answer, Dialog};
use super::pager::Turned;
use super::{Overlay, Sent, View};
use crate::cli::top::event::{Effect, VerbLine};
use crate::cli::top::keys::{self, Command};
use crate::cli::top::row::RowId;

impl View {
    /// A key in a dialog.
    pub(super) fn key_in_dialog(&mut self, key: KeyEvent) -> Vec<Effect> {
        let Overlay::Dialog(dialog) = &mut self.overlay else { return Vec::new() };
        let answer = dialog.key(key);
        self.answer(answer)
    }

    /// A text that was pasted: where something is typed it is part of that, elsewhere it is dropped.
    pub(super) fn paste(&mut self, text: &str) -> Vec<Effect> {
        match &mut self.overlay {
            Overlay::Dialog(dialog) => {
                let answer = dialog.paste(text);
                self.answer(answer)
            }
            Overlay::Filter(typed) => {
                typed.insert_line(text);
                let filter = typed.text().to_owned();
                self.list.set_filter(filter);
                Vec::new()
            }
            Overlay::Pager(pager, _) => {
                pager.paste(text);
                Vec::new()
            }
            Overlay::None => Vec::new(),
        }
    }

    fn answer(&mut self, answer: Answer) -> Vec<Effect> {
        match answer {
            Answer::Stays => Vec::new(),
            Answer::Left => {
                self.keep_draft();
                self.overlay = Overlay::None;
                Vec::new()
            }
            Answer::Run(id, verb) => self.run(id, verb),
            Answer::Complete(typed) => vec![Effect::Complete(typed)],
            Answer::Show(place) => {
                self.overlay = Overlay::None;
                self.list.set_place(place);
                Vec::new()
            }
            Answer::Other(command) => self.beyond_rows(command).unwrap_or_default(),
        }
    }

    /// The text that was not sent is there again the next time.
    fn keep_draft(&mut self) {
        let Overlay::Dialog(dialog) = &self.overlay else { return };
        let Dialog::Send(form) = &**dialog else { return };
        if form.text.text().trim().is_empty() {
            self.drafts.remove(form.id());
        } else {
            self.drafts.insert(form.id().clone(), form.text.text().to_owned());
        }
    }

    /// Runs a verb, if what it is about is still there.
    fn run(&mut self, id: Option<RowId>, verb: VerbLine) -> Vec<Effect> {
        let is_there = id.as_ref().is_none_or(|id| self.list.find(id).is_some());
        if !is_there {
            self.keep_draft();
            self.overlay = Overlay::None;
            self.say(false, "the session is gone; nothing was done".into());
            return Vec::new();
        }
        let is_send = matches!(self.dialog_mut(), Some(Dialog::Send(_)));
        if let (true, Some(id), Some(text)) = (is_send, id, &verb.stdin) {
            self.drafts.remove(&id);
            self.sent.push(Sent { label: verb.label.clone(), id, text: text.clone() });
        }
        if let Overlay::Dialog(dialog) = std::mem::take(&mut self.overlay)
            && let Dialog::New(form) = *dialog
        {
            self.new_forms.push((verb.label.clone(), form));
        }
        self.note(vec![Effect::Run(verb)])
    }

    /// A key in a text.
    pub(super) fn key_in_pager(&mut self, key: KeyEvent) -> Vec<Effect> {
        let Overlay::Pager(pager, is_help) = &mut self.overlay else { return Vec::new() };
        match pager.key(key) {
            Turned::Stays => Vec::new(),
            Turned::Closed => {
                let effects = if *is_help { Vec::new() } else { vec![Effect::ClosePager] };
                self.overlay = Overlay::None;
                effects
            }
            Turned::Other(command) => self.beyond_rows(command).unwrap_or_default(),
        }
    }

    /// A key while a filter is typed.
    pub(super) fn key_in_filter(&mut self, key: KeyEvent) -> Vec<Effect> {
        let Overlay::Filter(typed) = &mut self.overlay else { return Vec::new() };
        if !typed.type_key(key) {
            match keys::EDITOR.command(key) {
                Some(Command::Submit) => {
                    self.overlay = Overlay::None;
                    return Vec::new();
                }
                Some(Command::Back) => {
                    self.overlay = Overlay::None;
                    self.list.set_filter(String::new());
                    return Vec::new();
                }
                Some(Command::Up) => self.list.step(-1),
                Some(Command::Down) => self.list.step(1),
                Some(other @ (Command::Redraw | Command::Suspend)) => {
                    return self.beyond_rows(other).unwrap_or_default();
                }
                Some(other) => {
                    typed.edit(other);
                }
                None => {}
            }
        }
        if let Overlay::Filter(typed) = &self.overlay
            && typed.text() != self.list.filter()
        {
            let filter = typed.text().to_owned();
            self.list.set_filter(filter);
        }
        Vec::new()
    }
}

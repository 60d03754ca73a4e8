//! What the view does when a verb that it has run has ended.

use super::{Overlay, View};
use crate::cli::top::event::{Effect, Outcome};
use crate::cli::top::row::RowId;

impl View {
    /// What was run has ended.
    pub(super) fn finish(&mut self, outcome: Outcome) -> Vec<Effect> {
        if let Some(at) = self.under_way.iter().position(|label| *label == outcome.label) {
            self.under_way.remove(at);
        }
        if let Some(name) = outcome.select {
            self.list.await_name(name);
        }
        let mut text = outcome.text;
        text.push_str(self.keep_what_was_typed(&outcome.label, outcome.is_done));
        self.say(outcome.is_done, text);
        match self.brought_back.take_if(|(label, _)| *label == outcome.label) {
            Some((_, id)) if outcome.is_done => self.attach_brought_back(id),
            Some(_) | None => Vec::new(),
        }
    }

    /// Keeps what was typed for a verb that has failed. Says where it is.
    fn keep_what_was_typed(&mut self, label: &str, is_done: bool) -> &'static str {
        if let Some(at) = self.sent.iter().position(|sent| sent.label == label) {
            let sent = self.sent.remove(at);
            if !is_done {
                self.drafts.entry(sent.id).or_insert(sent.text);
                return " (s has the text still)";
            }
        }
        if let Some(at) = self.new_forms.iter().position(|(of, _)| of == label) {
            let (_, form) = self.new_forms.remove(at);
            if !is_done {
                self.failed_new = Some(form);
                return " (n has the form still)";
            }
        }
        ""
    }

    /// Goes into a session that was brought back for that. The user has pressed no key since.
    fn attach_brought_back(&mut self, id: RowId) -> Vec<Effect> {
        let Some(row) = self.list.find(&id).filter(|_| matches!(self.overlay, Overlay::None)) else {
            return Vec::new();
        };
        vec![Effect::Attach { name: row.full_name(), id, is_watch: false }]
    }
}

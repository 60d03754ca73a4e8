//! What the fleet view knows and decides: events go in, effects come out. It does no I/O and reads no clock.

pub mod actions;
mod commands;
pub mod dialog;
mod help;
pub mod input;
pub mod layout;
pub mod list;
mod minute;
mod mouse;
mod outcome;
mod overlays;
pub mod pager;
pub mod preview;
#[cfg(test)]
mod scenarios;
mod shown;
#[cfg(test)]
pub mod testing;
pub mod wrap;

use std::collections::BTreeMap;

use crossterm::event::{KeyEvent, KeyEventKind};
use ratatui::layout::Rect;

use super::event::{Effect, Event, Update};
use super::row::RowId;
use crate::cli::colours::Colours;
use dialog::Dialog;
use dialog::new::NewForm;
use input::TextInput;
use layout::{Areas, Needs};
use list::List;
use pager::Pager;
use preview::Preview;

/// For so long the first row stays selected while the sources bring theirs.
const SETTLE_MS: u64 = 1000;

/// What stands on the status line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Whether all is well.
    pub is_good: bool,
    /// A line in words.
    pub text: String,
}

/// What takes the keys in place of the list.
#[derive(Debug, Default)]
pub enum Overlay {
    /// Nothing.
    #[default]
    None,
    /// A filter is typed.
    Filter(TextInput),
    /// Something is asked.
    Dialog(Box<Dialog>),
    /// A text is read; with `true` it is the keys.
    Pager(Box<Pager>, bool),
}

/// A text that was sent, until it is known what came of it.
#[derive(Debug)]
struct Sent {
    /// The label of its verb.
    label: String,
    id: RowId,
    text: String,
}

/// The view.
#[derive(Debug)]
pub struct View {
    size: Rect,
    /// In milliseconds since 1970.
    now_ms: u64,
    started_ms: u64,
    colours: Colours,
    /// Where the program was started, and where `~` leads to.
    directory: String,
    home: Option<String>,
    list: List,
    preview: Preview,
    /// Whether the preview is wanted; nothing where the room decides.
    wants_preview: Option<bool>,
    /// Whether ended sessions are shown too.
    shows_ended: bool,
    overlay: Overlay,
    status: Option<Status>,
    /// What was run and has not ended, by its labels.
    under_way: Vec<String>,
    /// Texts that were typed and not sent.
    drafts: BTreeMap<RowId, String>,
    sent: Vec<Sent>,
    /// The forms of sessions that are being started, with the labels of their verbs.
    new_forms: Vec<(String, NewForm)>,
    /// The form of a session that could not be started.
    failed_new: Option<NewForm>,
    /// The ended session that is attached as soon as the verb with this label has brought it back. Any key changes that.
    brought_back: Option<(String, RowId)>,
    /// The last click, and on what.
    clicked: Option<(u64, RowId)>,
}

impl View {
    /// A view on a screen of this size, in columns and rows, without colours. It is `now_ms`, in milliseconds since 1970.
    pub fn new(size: (u16, u16), now_ms: u64) -> Self {
        let mut view = Self {
            size: Rect::new(0, 0, size.0, size.1),
            now_ms,
            started_ms: now_ms,
            colours: Colours::NONE,
            directory: String::new(),
            home: None,
            list: List::default(),
            preview: Preview::default(),
            wants_preview: None,
            shows_ended: false,
            overlay: Overlay::None,
            status: None,
            under_way: Vec::new(),
            drafts: BTreeMap::new(),
            sent: Vec::new(),
            new_forms: Vec::new(),
            failed_new: None,
            brought_back: None,
            clicked: None,
        };
        view.fit();
        view
    }

    /// The same with these colours.
    #[must_use]
    pub fn with_colours(self, colours: Colours) -> Self {
        Self { colours, ..self }
    }

    /// The same where new sessions are offered this directory, and `~` leads to `home`.
    #[must_use]
    pub fn in_directory(self, directory: String, home: Option<String>) -> Self {
        Self { directory, home, ..self }
    }

    /// Takes an event in, and gives what is to be done.
    pub fn handle(&mut self, now_ms: u64, event: Event) -> Vec<Effect> {
        self.now_ms = now_ms;
        let mut effects = match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => self.key(key),
            Event::Mouse(mouse) => self.mouse(mouse),
            Event::Paste(text) => self.paste(&text),
            Event::Finished(outcome) => self.finish(outcome),
            other => {
                self.learn(other);
                Vec::new()
            }
        };
        self.fit();
        self.follow(&mut effects);
        effects
    }

    /// Takes in what nobody has typed.
    fn learn(&mut self, event: Event) {
        match event {
            Event::Resized { columns, rows } => self.size = Rect::new(0, 0, columns, rows),
            Event::Update(update) => self.update(update),
            Event::Preview(id, update) => self.preview.update(&id, update),
            Event::PagerText(text) => {
                if let Overlay::Pager(pager, false) = &mut self.overlay {
                    pager.push(&text);
                }
            }
            Event::PagerEnd(error) => {
                if let Overlay::Pager(pager, false) = &mut self.overlay {
                    pager.finish(error);
                }
            }
            Event::Directories(found) => {
                if let Some(Dialog::New(form)) = self.dialog_mut() {
                    form.set_directories(found);
                }
            }
            Event::Minute | Event::Key(_) | Event::Mouse(_) | Event::Paste(_) | Event::Finished(_) => {}
        }
    }

    /// The dialog, if there is one.
    fn dialog_mut(&mut self) -> Option<&mut Dialog> {
        match &mut self.overlay {
            Overlay::Dialog(dialog) => Some(dialog),
            Overlay::None | Overlay::Filter(_) | Overlay::Pager(..) => None,
        }
    }

    fn update(&mut self, update: Update) {
        let gone = self.list.update(update);
        // What came of the last thing that was done says more.
        if let Some(gone) = gone.filter(|_| self.status.is_none()) {
            self.say(true, format!("{gone} is gone"));
        }
        if self.now_ms.saturating_sub(self.started_ms) < SETTLE_MS {
            self.list.settle();
        }
        if let Overlay::Dialog(dialog) = &mut self.overlay
            && let Dialog::Menu(menu) = &mut **dialog
        {
            menu.renew(&self.list);
        }
    }

    /// List and pager get the rows that they have room for.
    fn fit(&mut self) {
        let areas = self.areas();
        self.list.set_height(areas.list.height.into());
        if let Overlay::Pager(pager, _) = &mut self.overlay {
            // A title above, the keys below.
            pager.set_size(self.size.width.into(), self.size.height.saturating_sub(2).into());
        }
    }

    /// Has the preview follow what is selected.
    fn follow(&mut self, effects: &mut Vec<Effect>) {
        if effects.iter().any(|effect| matches!(effect, Effect::Attach { .. })) {
            // The session is seen on the whole screen. What comes first afterwards begins anew.
            if self.preview.follow(None) {
                effects.insert(0, Effect::Preview(None));
            }
            return;
        }
        let has_room = !self.areas().preview.is_empty() && !matches!(self.overlay, Overlay::Pager(..));
        let row = self.list.selected().filter(|row| has_room && actions::has_screen(row));
        let id = row.map(|row| row.id.clone());
        if self.preview.follow(id.clone()) {
            effects.push(Effect::Preview(id));
        }
    }

    /// Where what stands.
    pub fn areas(&self) -> Areas {
        let needs = Needs {
            rows: self.list.shown().len(),
            troubles: self.list.troubles().count(),
            wants_preview: self.wants_preview,
        };
        layout::areas(self.size, &needs)
    }

    /// Puts a line on the status line.
    fn say(&mut self, is_good: bool, text: String) {
        self.status = Some(Status { is_good, text });
    }

    fn key(&mut self, key: KeyEvent) -> Vec<Effect> {
        self.status = None;
        self.brought_back = None;
        match &self.overlay {
            Overlay::None => self.key_in_list(key),
            Overlay::Filter(_) => self.key_in_filter(key),
            Overlay::Dialog(_) => self.key_in_dialog(key),
            Overlay::Pager(..) => self.key_in_pager(key),
        }
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyModifiers};

    use super::super::draw::draw;
    use super::super::event::Outcome;
    use super::super::row::{Source, Urgency};
    use super::testing::{NOW, drawn, loaded, press, row, rows};
    use super::*;

    #[test]
    fn the_selection_stays_on_its_row_when_rows_move() {
        let mut view = loaded((80, 24), [row("a", Urgency::Idle), row("b", Urgency::Idle)]);
        press(&mut view, "j");
        assert_eq!(view.list().selected().expect("a row").name, "b");
        view.handle(NOW, rows(Source::Here, [row("a", Urgency::Busy), row("b", Urgency::NeedsYou)]));
        assert_eq!((view.list().at(), view.list().selected().expect("a row").name.as_str()), (0, "b"));
        view.handle(NOW, rows(Source::Here, [row("a", Urgency::Busy)]));
        assert_eq!(view.list().selected().expect("a row").name, "a");
        assert_eq!(view.status().expect("a line").text, "b is gone");
    }

    #[test]
    fn enter_attaches_and_the_preview_begins_anew_afterwards() {
        let mut view = loaded((80, 24), [row("a", Urgency::Idle)]);
        let id = row("a", Urgency::Idle).id;
        let attach = Effect::Attach { id: id.clone(), name: "a".into(), is_watch: false };
        assert_eq!(press(&mut view, "\r"), [Effect::Preview(None), attach]);
        let outcome =
            Outcome { label: String::new(), is_done: true, text: "a: detached".into(), select: None };
        assert_eq!(view.handle(NOW, Event::Finished(outcome)), [Effect::Preview(Some(id))]);
        assert_eq!(press(&mut view, "q"), [Effect::Quit]);
    }

    #[test]
    fn ctrl_c_leaves() {
        let mut view = View::new((80, 24), NOW);
        let key = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(view.handle(NOW, Event::Key(key)), [Effect::Quit]);
    }

    #[test]
    fn every_size_can_be_drawn() {
        for size in [(0, 0), (1, 1), (3, 40), (200, 2), (60, 15), (80, 24), (250, 60)] {
            let view = loaded(size, [row("a", Urgency::Idle), row("日本", Urgency::NeedsYou)]);
            drawn(&view, draw);
        }
    }
}

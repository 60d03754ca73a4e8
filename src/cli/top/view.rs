//! What the fleet view knows and decides: events go in, effects come out. It does no I/O and reads no clock.

pub mod actions;
pub mod layout;
pub mod list;
pub mod preview;
#[cfg(test)]
pub mod testing;

use crossterm::event::{KeyEvent, KeyEventKind};
use ratatui::layout::Rect;

use super::event::{Effect, Event, Outcome};
use super::keys::{self, Command};
use crate::cli::colours::Colours;
use layout::{Areas, Needs};
use list::List;
use preview::Preview;

/// For so long the first row stays selected while the sources bring theirs.
const SETTLE_MS: u64 = 1000;
/// A minute of the clock.
const MINUTE_MS: u64 = 60_000;

/// What stands on the status line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Whether all is well.
    pub is_good: bool,
    /// A line in words.
    pub text: String,
}

/// The view.
#[derive(Debug)]
pub struct View {
    size: Rect,
    /// In milliseconds since 1970.
    now_ms: u64,
    started_ms: u64,
    colours: Colours,
    list: List,
    preview: Preview,
    /// Whether the preview is wanted; nothing where the room decides.
    wants_preview: Option<bool>,
    /// Whether ended sessions are shown too.
    shows_ended: bool,
    status: Option<Status>,
    /// What was run and has not ended, by its labels.
    under_way: Vec<String>,
}

impl View {
    /// A view on a screen of this size, in columns and rows, without colours. It is `now_ms`, in milliseconds since 1970.
    pub fn new(size: (u16, u16), now_ms: u64) -> Self {
        let mut view = Self {
            size: Rect::new(0, 0, size.0, size.1),
            now_ms,
            started_ms: now_ms,
            colours: Colours::NONE,
            list: List::default(),
            preview: Preview::default(),
            wants_preview: None,
            shows_ended: false,
            status: None,
            under_way: Vec::new(),
        };
        view.fit();
        view
    }

    /// The same with these colours.
    #[must_use]
    pub fn with_colours(self, colours: Colours) -> Self {
        Self { colours, ..self }
    }

    /// Takes an event in, and gives what is to be done.
    pub fn handle(&mut self, now_ms: u64, event: Event) -> Vec<Effect> {
        self.now_ms = now_ms;
        let mut effects = match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => self.key(key),
            Event::Resized { columns, rows } => {
                self.size = Rect::new(0, 0, columns, rows);
                Vec::new()
            }
            Event::Update(update) => {
                if let Some(gone) = self.list.update(update) {
                    self.say(true, format!("{gone} is gone"));
                }
                if now_ms.saturating_sub(self.started_ms) < SETTLE_MS {
                    self.list.settle();
                }
                Vec::new()
            }
            Event::Preview(id, update) => {
                self.preview.update(&id, update);
                Vec::new()
            }
            Event::Finished(outcome) => {
                self.finish(outcome);
                Vec::new()
            }
            _ => Vec::new(),
        };
        self.fit();
        self.follow(&mut effects);
        effects
    }

    /// When a time that is shown changes, in milliseconds since 1970: at a full minute. Nothing where none is shown.
    pub fn next_minute(&self) -> Option<u64> {
        let now = self.now_ms / 1000;
        let shown = self.list.shown().iter().skip(self.list.top).take(self.list.height);
        let next = shown.filter_map(|row| Some(changes_at(row.active_at?, now))).min()?;
        Some((next * 1000).div_ceil(MINUTE_MS) * MINUTE_MS)
    }

    /// The list gets the rows that it has room for.
    fn fit(&mut self) {
        let height = self.areas().list.height;
        self.list.set_height(height.into());
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
        let has_room = !self.areas().preview.is_empty();
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

    /// What was run has ended.
    fn finish(&mut self, outcome: Outcome) {
        if let Some(at) = self.under_way.iter().position(|label| *label == outcome.label) {
            self.under_way.remove(at);
        }
        if let Some(name) = outcome.select {
            self.list.await_name(name);
        }
        self.say(outcome.is_done, outcome.text);
    }

    fn key(&mut self, key: KeyEvent) -> Vec<Effect> {
        self.status = None;
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
            Command::Ended => {
                self.shows_ended = !self.shows_ended;
                return vec![Effect::ShowAll(self.shows_ended)];
            }
            Command::Refresh => return vec![Effect::Refresh],
            Command::Redraw => return vec![Effect::Redraw],
            Command::Suspend => return vec![Effect::Suspend],
            Command::Quit => return vec![Effect::Quit],
            other => return self.about_row(other),
        }
        Vec::new()
    }

    /// Does what has to do with the selected row.
    fn about_row(&mut self, command: Command) -> Vec<Effect> {
        let Some(row) = self.list.selected() else { return Vec::new() };
        if let Some(refusal) = actions::refusal(command, row) {
            self.say(false, refusal);
            return Vec::new();
        }
        let effects: Vec<Effect> = actions::effect(command, row).into_iter().collect();
        self.note(effects)
    }

    /// Remembers what is under way from now on.
    fn note(&mut self, effects: Vec<Effect>) -> Vec<Effect> {
        for effect in &effects {
            if let Effect::Run(verb) = effect {
                self.under_way.push(verb.label.clone());
            }
        }
        effects
    }
}

/// What `draw` shows.
impl View {
    /// The screen.
    pub fn size(&self) -> Rect {
        self.size
    }

    /// The time, in seconds since 1970.
    pub fn now(&self) -> u64 {
        self.now_ms / 1000
    }

    /// What is shown in which colour.
    pub fn colours(&self) -> Colours {
        self.colours
    }

    /// The rows.
    pub fn list(&self) -> &List {
        &self.list
    }

    /// The screen of the selected session.
    pub fn preview(&self) -> &Preview {
        &self.preview
    }

    /// Whether ended sessions are shown too.
    pub fn shows_ended(&self) -> bool {
        self.shows_ended
    }

    /// What came of the last thing that was done.
    pub fn status(&self) -> Option<&Status> {
        self.status.as_ref()
    }

    /// What was run and has not ended, by its labels.
    pub fn under_way(&self) -> &[String] {
        &self.under_way
    }
}

/// When the words for an age change next, in seconds since 1970.
fn changes_at(since: u64, now: u64) -> u64 {
    let age = now.saturating_sub(since);
    let unit = match age {
        0..3600 => 60,
        3600..86400 => 3600,
        _ => 86400,
    };
    since.max(since + (age / unit + 1) * unit).max(now + 1)
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyModifiers};

    use super::super::draw::draw;
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
    fn a_tick_comes_with_the_minute_in_which_a_shown_time_changes() {
        let mut old = row("a", Urgency::Idle);
        old.active_at = Some(NOW / 1000 - 90);
        let view = loaded((80, 24), [old.clone()]);
        let next = view.next_minute().expect("a time is shown");
        assert!(next.is_multiple_of(60_000) && next > NOW && next < NOW + 120_000, "{next}");
        old.active_at = Some(NOW / 1000 - 3 * 3600 - 60);
        let view = loaded((80, 24), [old]);
        assert!(view.next_minute().expect("a time is shown") > NOW + 50 * 60_000);
        assert_eq!(View::new((80, 24), NOW).next_minute(), None);
    }

    #[test]
    fn every_size_can_be_drawn() {
        for size in [(0, 0), (1, 1), (3, 40), (200, 2), (60, 15), (80, 24), (250, 60)] {
            let view = loaded(size, [row("a", Urgency::Idle), row("日本", Urgency::NeedsYou)]);
            drawn(&view, draw);
        }
    }
}

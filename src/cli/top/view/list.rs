//! The rows: which of them are shown, in which order, and which one is selected.

use std::collections::BTreeMap;

use crate::cli::top::event::Update;
use crate::cli::top::order::Order;
use crate::cli::top::row::{Row, RowId, Source, Urgency};

/// Which machine's rows are shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// This one.
    Here,
    /// Another one, by its name.
    Machine(String),
}

impl Place {
    /// Where a row is that comes from there.
    pub fn of(source: &Source) -> Self {
        match source {
            Source::Machine(name) => Self::Machine(name.clone()),
            Source::Here | Source::Unwrapped | Source::Jobs => Self::Here,
        }
    }
}

/// How many rows there are of each urgency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// All.
    pub all: usize,
    /// Those that need their user.
    pub needy: usize,
    /// Those that work.
    pub busy: usize,
    /// Those that rest.
    pub idle: usize,
    /// Those that are gone.
    pub gone: usize,
}

impl Counts {
    /// Counts one more.
    fn add(&mut self, urgency: Urgency) {
        self.all += 1;
        *match urgency {
            Urgency::NeedsYou => &mut self.needy,
            Urgency::Busy => &mut self.busy,
            Urgency::Idle => &mut self.idle,
            Urgency::Gone => &mut self.gone,
        } += 1;
    }
}

/// The rows.
#[derive(Debug, Default)]
pub struct List {
    /// What each source has brought last, and what troubles it.
    sources: BTreeMap<Source, (Vec<Row>, Option<String>)>,
    /// The rows that are shown, in their order.
    shown: Vec<Row>,
    /// The place of the selected one among them; 0 where there is none.
    at: usize,
    /// The first one that is in sight.
    pub top: usize,
    /// How many are in sight at once.
    pub height: usize,
    order: Order,
    filter: String,
    place: Option<Place>,
    /// The row to select as soon as it is there, by its name.
    awaited: Option<String>,
    /// Whether the user has gone to a row.
    is_chosen: bool,
    /// Whether another row is selected because the one before has gone. The user may not have seen that yet.
    has_slipped: bool,
}

impl List {
    /// Takes in what a source says. Gives the name of the selected row where it has gone.
    pub fn update(&mut self, update: Update) -> Option<String> {
        match update {
            Update::Rows(source, rows) => self.sources.insert(source, (rows, None)).map_or((), drop),
            Update::Trouble(source, text) => self.sources.entry(source).or_default().1 = Some(text),
        }
        let before = self.selected().map(|row| (row.id.clone(), row.full_name()));
        let awaited = self.awaited.is_some();
        self.arrange();
        let gone = before.filter(|(id, _)| self.find(id).is_none()).map(|(_, name)| name);
        // A row that was awaited is what the user wants.
        let is_found = awaited && self.awaited.is_none();
        self.has_slipped = (self.has_slipped || gone.is_some()) && !is_found;
        gone
    }

    /// Whether another row is selected because the one before has gone. Asked once, the user knows.
    pub fn take_slipped(&mut self) -> bool {
        std::mem::take(&mut self.has_slipped)
    }

    /// Sorts and filters anew. The selection stays on its row; where that is gone, it goes to the one that has taken its
    /// place.
    fn arrange(&mut self) {
        let before = self.selected().map(|row| row.id.clone());
        let words: Vec<String> = self.filter.split_whitespace().map(str::to_lowercase).collect();
        let is_shown = |row: &&Row| {
            self.place.as_ref().is_none_or(|place| Place::of(&row.id.source) == *place)
                && matches(row, &words)
        };
        let mut shown: Vec<Row> =
            self.sources.values().flat_map(|(rows, _)| rows).filter(is_shown).cloned().collect();
        shown.sort_by(|one, other| self.order.compare(one, other));
        shown.dedup_by(|one, other| one.id == other.id);
        self.shown = shown;
        let stays = before.and_then(|id| self.shown.iter().position(|row| row.id == id));
        self.at = stays.unwrap_or(self.at).min(self.shown.len().saturating_sub(1));
        if let Some(at) = self.awaited.as_ref().and_then(|name| self.named(name)) {
            self.awaited = None;
            self.select(at);
        }
        self.keep_in_sight();
    }

    /// The place of the row with this name, or with this id.
    fn named(&self, name: &str) -> Option<usize> {
        self.shown.iter().position(|row| row.full_name() == name || row.id.word() == name)
    }

    /// Moves what is in sight so that the selected row is in it.
    fn keep_in_sight(&mut self) {
        let height = self.height.max(1);
        self.top = self.top.clamp((self.at + 1).saturating_sub(height), self.at);
        self.top = self.top.min(self.shown.len().saturating_sub(height));
    }

    /// How many rows are in sight from now on.
    pub fn set_height(&mut self, height: usize) {
        self.height = height;
        self.keep_in_sight();
    }

    /// The rows that are shown, in their order.
    pub fn shown(&self) -> &[Row] {
        &self.shown
    }

    /// The place of the selected row among those that are shown.
    pub fn at(&self) -> usize {
        self.at
    }

    /// The selected row.
    pub fn selected(&self) -> Option<&Row> {
        self.shown.get(self.at)
    }

    /// A row, whether it is shown or not.
    pub fn find(&self, id: &RowId) -> Option<&Row> {
        self.sources.get(&id.source)?.0.iter().find(|row| row.id == *id)
    }

    /// All rows, whether they are shown or not.
    pub fn all(&self) -> impl Iterator<Item = &Row> {
        self.sources.values().flat_map(|(rows, _)| rows)
    }

    /// Selects the row at this place, or the last one.
    pub fn select(&mut self, at: usize) {
        self.is_chosen = true;
        self.has_slipped = false;
        self.at = at.min(self.shown.len().saturating_sub(1));
        self.keep_in_sight();
    }

    /// Selects the row so many further down, or up where it is negative.
    pub fn step(&mut self, by: isize) {
        self.select(self.at.saturating_add_signed(by));
    }

    /// Selects the next row that needs its user, from the top again after the last one.
    pub fn step_to_needy(&mut self) {
        let needy = |at: &usize| self.shown[*at].urgency == Urgency::NeedsYou;
        let next = (self.at + 1..self.shown.len()).find(needy);
        if let Some(at) = next.or_else(|| (0..self.at.min(self.shown.len())).find(needy)) {
            self.select(at);
        }
    }

    /// Selects the first row as long as the user has gone to none: the sources do not come in the order of the rows.
    pub fn settle(&mut self) {
        if !self.is_chosen {
            self.at = 0;
            self.keep_in_sight();
        }
    }

    /// From now on the selection stays where it is.
    pub fn hold_selection(&mut self) {
        self.is_chosen = true;
    }

    /// Scrolls. The selection goes along where its row would be out of sight.
    pub fn scroll(&mut self, by: isize) {
        self.is_chosen = true;
        let height = self.height.max(1);
        let last = self.shown.len().saturating_sub(height);
        self.top = self.top.saturating_add_signed(by).min(last);
        self.at = self.at.clamp(self.top, self.top + height - 1).min(self.shown.len().saturating_sub(1));
    }

    /// Selects the row with this name as soon as there is one.
    pub fn await_name(&mut self, name: String) {
        self.awaited = Some(name);
        self.arrange();
    }

    /// The order.
    pub fn order(&self) -> Order {
        self.order
    }

    /// Takes the next order.
    pub fn next_order(&mut self) {
        self.order = self.order.next();
        self.arrange();
    }

    /// The words that a row must have in it.
    pub fn filter(&self) -> &str {
        &self.filter
    }

    /// Shows rows with these words only.
    pub fn set_filter(&mut self, filter: String) {
        self.filter = filter;
        self.arrange();
    }

    /// The machine whose rows are shown; nothing where all are.
    pub fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// Shows the rows of this machine only, or of all.
    pub fn set_place(&mut self, place: Option<Place>) {
        self.place = place;
        self.arrange();
    }

    /// The places that a source has spoken of, this machine first.
    pub fn places(&self) -> Vec<Place> {
        let mut places = vec![Place::Here];
        places.extend(self.sources.keys().map(Place::of).filter(|place| *place != Place::Here));
        places
    }

    /// How many rows there are at a place, or everywhere, whether they are shown or not.
    pub fn counts(&self, place: Option<&Place>) -> Counts {
        let mut counts = Counts::default();
        for row in self.all().filter(|row| place.is_none_or(|place| Place::of(&row.id.source) == *place)) {
            counts.add(row.urgency);
        }
        counts
    }

    /// What troubles the sources, each with its words.
    pub fn troubles(&self) -> impl Iterator<Item = (&Source, &str)> {
        self.sources.iter().filter_map(|(source, (_, trouble))| Some((source, trouble.as_deref()?)))
    }

    /// Whether what this source has brought may be old.
    pub fn is_old(&self, source: &Source) -> bool {
        self.sources.get(source).is_some_and(|(_, trouble)| trouble.is_some())
    }

    /// Whether this machine's sessions are known yet.
    pub fn is_loaded(&self) -> bool {
        self.sources.contains_key(&Source::Here)
    }
}

/// Whether all of these words stand in a row, in lower case.
fn matches(row: &Row, words: &[String]) -> bool {
    if words.is_empty() {
        return true;
    }
    let title = row.title.as_deref().unwrap_or_default();
    let text = format!("{} {} {} {title}", row.full_name(), row.shown_state, row.directory).to_lowercase();
    words.iter().all(|word| text.contains(word.as_str()))
}

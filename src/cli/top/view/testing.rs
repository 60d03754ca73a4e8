//! Rows, keys and screens for the tests of the view.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::backend::TestBackend;
use ratatui::{Frame, Terminal};

use super::View;
use crate::cli::top::event::{Effect, Event, Update};
use crate::cli::top::row::{Kind, Row, RowId, Source, Urgency};

/// When the tests take place, in milliseconds since 1970.
pub const NOW: u64 = 1_790_000_000_000;

/// A session of this machine.
pub fn row(name: &str, urgency: Urgency) -> Row {
    let state = match urgency {
        Urgency::NeedsYou => "waiting",
        Urgency::Busy => "busy",
        Urgency::Idle => "idle",
        Urgency::Gone => "stopped",
    };
    Row {
        id: RowId { source: Source::Here, id: format!("id-{name}") },
        kind: Kind::Session,
        urgency,
        name: name.into(),
        state: state.into(),
        shown_state: state.into(),
        hint: None,
        title: None,
        directory: format!("~/src/{name}"),
        attached: Some(false),
        running: urgency != Urgency::Gone,
        remote: None,
        active_at: None,
        started_at: None,
        model: None,
        context_tokens: None,
        last_prompt: None,
        last_answer: None,
    }
}

/// What a source says.
pub fn rows(source: Source, rows: impl IntoIterator<Item = Row>) -> Event {
    let place = |mut row: Row| {
        row.id.source = source.clone();
        row
    };
    let rows = rows.into_iter().map(place).collect();
    Event::Update(Update::Rows(source, rows))
}

/// A view with these rows.
pub fn loaded(size: (u16, u16), of_here: impl IntoIterator<Item = Row>) -> View {
    let mut view = View::new(size, NOW);
    view.handle(NOW, rows(Source::Here, of_here));
    view
}

/// A key as a terminal sends it. `\r` is Enter, `\t` Tab, `\x1b` Esc, `\x7f` Backspace.
pub fn key(c: char) -> Event {
    let code = match c {
        '\r' => KeyCode::Enter,
        '\t' => KeyCode::Tab,
        '\x1b' => KeyCode::Esc,
        '\x7f' => KeyCode::Backspace,
        c => KeyCode::Char(c),
    };
    let modifiers = if c.is_uppercase() { KeyModifiers::SHIFT } else { KeyModifiers::NONE };
    Event::Key(KeyEvent::new(code, modifiers))
}

/// Presses keys, one after the other. Gives what is to be done because of all of them.
pub fn press(view: &mut View, keys: &str) -> Vec<Effect> {
    keys.chars().flat_map(|c| view.handle(NOW, key(c))).collect()
}

/// What stands on the screen, a string a row, without the blanks at its end.
pub fn drawn(view: &View, draw: fn(&View, &mut Frame)) -> Vec<String> {
    let size = view.size();
    let mut terminal = Terminal::new(TestBackend::new(size.width, size.height)).expect("a backend");
    terminal.draw(|frame| draw(view, frame)).expect("draws");
    if size.is_empty() {
        return Vec::new();
    }
    let text = |row: &str| row.trim_matches('"').trim_end().to_owned();
    let shown = terminal.backend().to_string();
    shown.lines().map(text).collect()
}

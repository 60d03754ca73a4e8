//! Rows, keys and screens for the tests of the view.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::{Frame, Terminal};
use unicode_width::UnicodeWidthStr;

use super::View;
use crate::cli::top::event::{Effect, Event, PreviewUpdate, Update};
use crate::cli::top::row::{Kind, Row, RowId, Source, Urgency};
use crate::protocol::ScreenFrame;

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

/// A fleet with something of everything.
pub fn fleet(size: (u16, u16)) -> View {
    let now = NOW / 1000;
    let mut api = row("api", Urgency::NeedsYou);
    api.hint = Some("it waits for you (permission prompt): cckw attach api".into());
    api.title = Some("Fix the race in the login handler".into());
    api.active_at = Some(now - 200);
    api.model = Some("claude-opus-4-1".into());
    api.context_tokens = Some(45_678);
    api.last_prompt = Some("run the tests again, and fix what fails".into());
    api.last_answer = Some("I will run the suite first.".into());
    let mut web = row("web", Urgency::Busy);
    (web.attached, web.active_at, web.remote) = (Some(true), Some(now - 5), Some("connected".into()));
    web.title = Some("Port the front page to the new grid, and keep the old one behind a flag".into());
    let mut docs = row("docs", Urgency::Idle);
    docs.active_at = Some(now - 7300);
    docs.directory = "~/src/a/rather/long/way/down/to/the/docs".into();
    let mut limited = row("nightly-build-of-everything", Urgency::NeedsYou);
    (limited.state, limited.shown_state) = ("limited".into(), "limited until 15:00".into());
    limited.active_at = Some(now - 4000);
    limited.hint = Some(
        "its last turn failed (rate_limit, status 429); after 15:00, to go on: cckw continue nightly".into(),
    );
    let mut crashed = row("old", Urgency::NeedsYou);
    (crashed.state, crashed.shown_state, crashed.running) = ("rebooted".into(), "rebooted".into(), false);
    crashed.hint = Some("the machine went down: cckw start old (or forget it: cckw rm old)".into());
    let mut view = loaded(size, [docs, web, crashed, api, limited]);
    let mut by_hand = row("4711", Urgency::Idle);
    (by_hand.kind, by_hand.attached, by_hand.directory) = (Kind::Unwrapped, None, "/srv/日本語".into());
    view.handle(NOW, rows(Source::Unwrapped, [by_hand]));
    let mut job = row("review", Urgency::Busy);
    (job.kind, job.attached, job.title) = (Kind::Job, None, Some("Review the pull request".into()));
    view.handle(NOW, rows(Source::Jobs, [job]));
    let mut far = row("train", Urgency::Busy);
    far.active_at = Some(now - 59);
    view.handle(NOW, rows(Source::Machine("box".into()), [far]));
    let trouble = "not reached: ssh: connect to host shed port 22: No route to host".to_owned();
    view.handle(NOW, Event::Update(Update::Trouble(Source::Machine("shed".into()), trouble)));
    view
}

/// A frame of a session's screen.
pub fn frame(rows: u16, columns: u16, lines: &[&str]) -> PreviewUpdate {
    let changed = lines.iter().enumerate().map(|(at, line)| (at as u16, (*line).to_owned())).collect();
    PreviewUpdate::Frame(ScreenFrame { rows, columns, is_whole: true, cursor: Some((2, 2)), changed })
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
    let buffer = terminal.backend().buffer();
    (0..size.height).map(|row| text_of_row(buffer, row)).collect()
}

/// The text on a row of the screen: a wide character takes two cells, and stands in the first.
fn text_of_row(buffer: &Buffer, row: u16) -> String {
    let (mut text, mut column) = (String::new(), 0);
    while column < buffer.area.width {
        let symbol = buffer[(column, row)].symbol();
        text.push_str(symbol);
        column += u16::try_from(symbol.width().max(1)).unwrap_or(1);
    }
    text.trim_end().to_owned()
}

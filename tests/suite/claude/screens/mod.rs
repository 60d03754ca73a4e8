//! Screens of the real Claude Code, each with the reading that it must get; `tests/screens/README.md` says
//! how they were made.

mod properties;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use cckw::claude::screen::{Indicator, Prompt, Reading, read};
use cckw::vt::emulator::Emulator;
use cckw::vt::screen::view::ScreenCells;

/// A recorded screen.
struct Recorded {
    name: String,
    rows: u16,
    columns: u16,
    /// What shows each of its rows on an emulator.
    lines: Vec<String>,
    /// What shows all of it.
    bytes: Vec<u8>,
    /// The reading it must get, in the words of [`told`].
    verdict: String,
}

impl Recorded {
    fn parse(name: String, file: &str) -> Option<Self> {
        let (head, body) = file.split_once("---\n")?;
        let value = |key: &str| head.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
        let (rows, columns) = value("size")?.split_once(' ')?;
        let mut cursor = value("cursor")?.split(' ').map_while(|word| word.parse::<u16>().ok());
        let (row, column) = (cursor.next()?, cursor.next()?);
        let mut bytes = String::new();
        if value("screen") == Some("alternate") {
            bytes.push_str("\x1b[?1049h");
        }
        let lines = body.lines().enumerate().map(|(row, line)| format!("\x1b[{};1H{line}", row + 1));
        let lines: Vec<String> = lines.collect();
        bytes.extend(lines.iter().map(String::as_str));
        let _ = write!(bytes, "\x1b[{};{}H", row + 1, column + 1);
        if value("cursor")?.ends_with("hidden") {
            bytes.push_str("\x1b[?25l");
        }
        let about_the_screen =
            |line: &&str| ["size", "cursor", "screen"].iter().any(|key| line.starts_with(key));
        let verdict: Vec<&str> = head.lines().filter(|line| !about_the_screen(line)).collect();
        Some(Self {
            name,
            rows: rows.parse().ok()?,
            columns: columns.parse().ok()?,
            lines,
            bytes: bytes.into_bytes(),
            verdict: verdict.join("\n"),
        })
    }

    fn shown(&self) -> Emulator {
        shown(self.rows, self.columns, &self.bytes)
    }
}

fn shown(rows: u16, columns: u16, bytes: &[u8]) -> Emulator {
    let mut emulator = Emulator::new(rows, columns, 0);
    emulator.process(bytes);
    emulator
}

fn recorded() -> Vec<Recorded> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/screens/recorded");
    let mut screens: Vec<Recorded> = fs::read_dir(folder)
        .expect("the recorded screens")
        .map(|entry| {
            let path = entry.expect("a recorded screen").path();
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            let file = fs::read_to_string(&path).expect("a readable screen");
            Recorded::parse(name, &file).unwrap_or_else(|| panic!("{} is no recorded screen", path.display()))
        })
        .collect();
    screens.sort_by(|a, b| a.name.cmp(&b.name));
    screens
}

/// A reading in the words of the files' heads.
fn told(reading: &Reading) -> String {
    let mut lines = Vec::new();
    match &reading.prompt {
        Prompt::Empty => lines.push("prompt: empty".to_owned()),
        Prompt::Draft(draft) => {
            assert_eq!(draft.lines, draft.text.split('\n').count());
            lines.push("prompt: draft".to_owned());
            let text = draft.text.trim_end_matches(' ');
            let blanks = "␠".repeat(draft.text.len() - text.len());
            lines.push(format!("text: {}{blanks}", text.replace('\n', "\\n")));
            lines.push(format!("at: {}", if draft.cursor_at_end { "end" } else { "inside" }));
        }
        Prompt::Elsewhere(why) => lines.push(format!("prompt: elsewhere, {why}")),
    }
    lines.extend(
        reading.menu.as_ref().map(|menu| format!("menu: {}", menu.selected.as_deref().unwrap_or("open"))),
    );
    lines.extend(reading.vim.map(|vim| format!("vim: {vim:?}")));
    lines.extend(reading.busy.then(|| "busy: yes".to_owned()));
    lines.extend(reading.stashed.then(|| "stashed: yes".to_owned()));
    if reading.indicator != Indicator::Absent {
        lines.push(format!("indicator: {:?}", reading.indicator));
    }
    lines.extend(reading.notice.as_ref().map(|notice| {
        let told = format!("{notice:?}");
        let (kind, line) = told.split_once("(\"").expect("a notice holds a line");
        format!("notice: {kind} {}", line.trim_end_matches("\")"))
    }));
    lines.extend(reading.panel.as_ref().map(|panel| format!("panel: {panel:?}")));
    lines.join("\n")
}

#[test]
fn every_recorded_screen_is_read_as_it_must_be() {
    let screens = recorded();
    assert!(screens.len() > 100, "only {} screens", screens.len());
    let mut wrong = String::new();
    for screen in &screens {
        let reading = told(&read(&ScreenCells::of(&screen.shown())));
        if reading != screen.verdict {
            let _ = writeln!(wrong, "== {}\n-- must be\n{}\n-- is\n{reading}", screen.name, screen.verdict);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

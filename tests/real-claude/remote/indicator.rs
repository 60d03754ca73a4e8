//! The indicator of the footer, as claude draws it: in narrow windows, and in each of its themes.

use std::fs;

use cckw::claude::screen::{Indicator, read};
use cckw::vt::emulator::Emulator;
use cckw::vt::screen::view::ScreenCells;
use serde_json::json;

use super::bed::Bed;
use super::{QUICK, linked};
use crate::driver::prompt_holds;
use crate::support::{DEADLINE, Size, Terminal, wait_or_report};
use crate::view::REST;

const ROWS: u16 = 30;
const COLUMNS: u16 = 100;

/// What cckw reads on the screen of this terminal.
fn indicator(terminal: &Terminal, columns: u16) -> Indicator {
    let mut emulator = Emulator::new(ROWS, columns, 0);
    emulator.process(&terminal.drawn());
    read(&ScreenCells::of(&emulator)).indicator
}

#[track_caller]
fn wait_for(what: &str, expected: Indicator, terminal: &Terminal, columns: u16) {
    let look = || (indicator(terminal, columns) == expected).then_some(());
    wait_or_report(&format!("{expected:?}: {what}"), DEADLINE, look, || {
        let looks = terminal.screen().looks;
        let told: Vec<_> = looks.iter().filter(|look| look.contains("rc")).collect();
        format!("{:?}\n{told:#?}\n{}", indicator(terminal, columns), terminal.report())
    });
}

/// The compact form (`rc`) is in the program's text, and claude 2.1.332 never draws it.
#[test]
fn below_60_columns_there_is_none_in_any_form() {
    for tui in ["default", "fullscreen"] {
        let (_bed, mut terminal) = linked(tui);
        for columns in [20, 24, 28, 34, 40, 50, 59] {
            terminal.resize(Size::cells(ROWS, columns));
            let rule = "─".repeat(columns.into());
            terminal.wait_for(&format!("the prompt on {columns} columns"), |screen| {
                prompt_holds(screen, "") && screen.rows.contains(&rule)
            });
            let screen = terminal.wait_for_rest(REST, |screen| screen.rows.clone());
            let is_word = |row: &String| row.split_whitespace().any(|word| word == "rc" || word == "/rc");
            let shown: Vec<_> = screen.rows.iter().filter(|row| is_word(row)).collect();
            assert_eq!(shown, Vec::<&String>::new(), "{tui}, {columns} columns");
            assert_eq!(indicator(&terminal, columns), Indicator::Absent, "{tui}, {columns} columns");
        }
        terminal.resize(Size::cells(ROWS, 60));
        wait_for(tui, Indicator::Active, &terminal, 60);
    }
}

/// A session of this theme, with a link that comes up and fails. The indicator stands beside claude's other
/// words there, so that its colour is what tells it.
fn is_known(theme: &str, colours: &str, custom: Option<&serde_json::Value>) {
    let mut bed = Bed::new(&format!("keep = \"off\"\n{QUICK}"), &json!({ "tui": "default", "theme": theme }));
    bed.sign_in(&json!({ "remoteDialogSeen": true, "theme": theme }));
    bed.place.sandbox.set("COLORTERM", colours);
    if let Some(custom) = custom {
        let folder = bed.place.sandbox.path("home/.claude/themes");
        fs::create_dir_all(&folder).expect("a folder for themes");
        fs::write(folder.join("mine.json"), custom.to_string()).expect("a theme");
    }
    let mut terminal = bed.start();
    bed.connect(&mut terminal);
    let what = format!("{theme}, {colours:?}");
    wait_for(&what, Indicator::Active, &terminal, COLUMNS);
    bed.order(&json!(["answer", "GET", "/worker/events/stream$", 404, null]));
    bed.order(&json!(["drop"]));
    terminal.wait_for_text("session not found on");
    wait_for(&what, Indicator::Failed, &terminal, COLUMNS);
}

#[test]
fn it_is_known_in_every_dark_theme() {
    for theme in ["dark", "dark-daltonized", "dark-ansi"] {
        is_known(theme, "truecolor", None);
    }
}

#[test]
fn it_is_known_in_every_light_theme() {
    for theme in ["light", "light-daltonized", "light-ansi"] {
        is_known(theme, "truecolor", None);
    }
}

#[test]
fn it_is_known_in_a_theme_of_the_user_s_own() {
    let mine = json!({
        "name": "Mine",
        "base": "dark",
        "overrides": { "success": "#00ffff", "error": "ansi256(201)", "warning": "ansi:blue" },
    });
    is_known("custom:mine", "truecolor", Some(&mine));
}

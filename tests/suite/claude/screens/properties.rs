//! What holds for every screen, recorded, damaged or made up.

use cckw::claude::screen::{Prompt, read};
use cckw::vt::emulator::Emulator;
use cckw::vt::screen::view::ScreenCells;
use proptest::prelude::*;

use super::{Recorded, recorded, shown};

fn prompt(emulator: &Emulator) -> Prompt {
    read(&ScreenCells::of(emulator)).prompt
}

fn elsewhere(prompt: &Prompt) -> bool {
    matches!(prompt, Prompt::Elsewhere(_))
}

/// Draws `text` from the first column of `row`, and puts the cursor back.
fn draw(screen: &mut Emulator, row: u16, text: &str) {
    screen.process(format!("\x1b7\x1b[{};1H{text}\x1b8", row + 1).as_bytes());
}

/// Whether it is another place, and more than one row says so: the question at ctrl-c is one row below the
/// prompt.
fn at_another_place(screen: &Recorded) -> bool {
    screen.verdict.starts_with("prompt: elsewhere") && screen.name != "exit-asked"
}

#[test]
fn a_row_that_is_missing_makes_no_prompt_of_another_place() {
    for screen in recorded().iter().filter(|screen| at_another_place(screen)) {
        for row in 0..screen.rows {
            let mut shown = screen.shown();
            let (_, column) = shown.cursor();
            shown.process(format!("\x1b7\x1b[{};1H\x1b[M\x1b8", row + 1).as_bytes());
            assert!(elsewhere(&prompt(&shown)), "{} without row {row}: {:?}", screen.name, prompt(&shown));
            // With the cursor where it was in the text, and not on the glass.
            let at = shown.cursor().0.saturating_sub(u16::from(row <= shown.cursor().0));
            shown.process(format!("\x1b[{};{}H", at + 1, column + 1).as_bytes());
            assert!(elsewhere(&prompt(&shown)), "{} without row {row}: {:?}", screen.name, prompt(&shown));
        }
    }
}

#[test]
fn a_prompt_that_is_damaged_is_none() {
    for screen in recorded().iter().filter(|screen| !screen.verdict.starts_with("prompt: elsewhere")) {
        let mut shown = screen.shown();
        let rows: Vec<String> = shown.text().collect();
        let (cursor, _) = shown.cursor();
        let is_rule = |row: &u16| rows[usize::from(*row)].starts_with("──");
        let upper = (0..cursor).rev().find(is_rule).expect("the upper rule");
        let lower = (cursor..screen.rows).find(is_rule).expect("the lower rule");
        let mut damage = |row: u16, text: &str, what: &str| {
            draw(&mut shown, row, text);
            assert!(elsewhere(&prompt(&shown)), "{}: row {row} with {what}", screen.name);
            shown.process(format!("\x1b7{}\x1b8", screen.lines[usize::from(row)]).as_bytes());
            assert!(!elsewhere(&prompt(&shown)), "{}: row {row} is not as it was", screen.name);
        };
        for row in [upper, lower] {
            // A name may have another letter.
            let name = rows[usize::from(row)].chars().position(|c| c == ' ').unwrap_or(usize::MAX);
            for column in (0..screen.columns).step_by(17).chain([1, screen.columns - 1]) {
                if usize::from(column) < name || column + 1 == screen.columns {
                    damage(row, &format!("\x1b[{}Gx", column + 1), &format!("an x in column {column}"));
                }
            }
        }
        damage(upper + 1, " ", "no mark");
        damage(upper + 1, "❯ ", "a plain blank behind its mark");
        damage(upper + 1, "!", "the mark of shell mode");
        for row in [upper, upper + 1, lower] {
            damage(row, "\x1b[m\x1b[2K", "nothing in it");
        }
    }
}

#[test]
fn a_picture_of_a_prompt_changes_nothing() {
    for screen in recorded().iter().filter(|screen| screen.rows >= 10) {
        let before = prompt(&screen.shown());
        let (cursor, _) = screen.shown().cursor();
        let end = if elsewhere(&before) { screen.rows - 3 } else { cursor.saturating_sub(5) };
        for row in 0..end {
            if (row..row + 3).contains(&cursor) {
                continue;
            }
            let mut shown = screen.shown();
            let rule = "─".repeat(screen.columns.into());
            draw(&mut shown, row, &format!("\x1b[m{rule}"));
            draw(&mut shown, row + 1, "\x1b[m\x1b[2K❯\u{a0}/remote-control\x1b[7m \x1b[m");
            draw(&mut shown, row + 2, &format!("\x1b[m{rule}"));
            let after = prompt(&shown);
            match before {
                Prompt::Elsewhere(_) => assert!(elsewhere(&after), "{} with a picture at {row}", screen.name),
                _ => assert_eq!(after, before, "{} with a picture at {row}", screen.name),
            }
        }
    }
}

#[test]
fn a_screen_can_be_cut_at_any_size() {
    for screen in recorded().iter().step_by(3) {
        for (rows, columns) in [
            (1, 1),
            (1, 200),
            (2, 2),
            (3, 80),
            (screen.rows, 1),
            (screen.rows, 3),
            (screen.rows, screen.columns - 1),
        ] {
            let mut shown = screen.shown();
            shown.resize(rows, columns);
            read(&ScreenCells::of(&shown));
        }
    }
}

/// Pieces of output of which a prompt could be made.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let text = |text: &'static str| Just(text.as_bytes().to_vec());
    prop_oneof![
        text("────────────────────"),
        text("❯\u{a0}"),
        text("\x1b[7m \x1b[m"),
        text("\r\n"),
        text("Remote Control\r\n"),
        text("  ❯ 1. Disconnect this session\r\n"),
        text("● /remote-control needs a subscription"),
        text("▔▔▔"),
        text("漢字👩"),
        text("\x1b[?1049h"),
        text("\x1b[?25l"),
        (1..60u8, 1..60u8).prop_map(|(row, column)| format!("\x1b[{row};{column}H").into_bytes()),
        (0..110u8).prop_map(|parameter| format!("\x1b[{parameter}m").into_bytes()),
        proptest::collection::vec(any::<u8>(), 0..40),
    ]
}

proptest! {
    #[test]
    fn nothing_that_is_written_makes_it_panic(
        rows in 1..60u16, columns in 1..60u16, pieces in proptest::collection::vec(piece(), 0..60),
    ) {
        let shown = shown(rows, columns, &pieces.concat());
        read(&ScreenCells::of(&shown));
    }

    #[test]
    fn what_is_typed_is_what_is_read(text in "[!-~é漢](?:[ -~é漢]{0,30}[!-~é漢])?", mut column in 0..40usize) {
        let mut cells: Vec<String> = text.chars().map(String::from).collect();
        column = column.min(cells.len());
        let cursor: usize = 2 + cells[..column].iter().map(|c| if c == "漢" { 2 } else { 1 }).sum::<usize>();
        if let Some(cell) = cells.get_mut(column) {
            *cell = format!("\x1b[7m{cell}\x1b[m");
        } else {
            cells.push("\x1b[7m \x1b[m".into());
        }
        let rule = "─".repeat(70);
        let at_end = column == text.chars().count();
        let screen = format!("{rule}\r\n❯\u{a0}{}\r\n{rule}\r\n  ? for shortcuts\x1b[2;{}H\x1b[?25l", cells.concat(), cursor + 1);
        let reading = read(&ScreenCells::of(&shown(10, 70, screen.as_bytes())));
        let Prompt::Draft(draft) = reading.prompt else { panic!("{:?}", reading.prompt) };
        prop_assert_eq!(draft.text, text);
        prop_assert_eq!(draft.cursor_at_end, at_end);
        prop_assert_eq!(draft.lines, 1);
    }
}

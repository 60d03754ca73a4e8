//! Footers as claude 2.1.332 was seen to draw them, and status lines of users that look like them.

use super::super::input;
use super::*;
use crate::claude::remote_notices::classify;
use crate::vt::emulator::Emulator;

const GREEN: &str = "\x1b[38;2;78;186;101m";
const RED: &str = "\x1b[38;2;255;107;128m";
const YELLOW: &str = "\x1b[38;2;255;193;7m";
const GREY: &str = "\x1b[38;2;153;153;153m";
const COLUMNS: usize = 80;

/// A screen with an empty prompt above these rows; `rule` is the colour of the rules.
fn view(rule: &str, rows: &[String]) -> ScreenCells {
    let mut emulator = Emulator::new(24, 80, 0);
    let line = "─".repeat(COLUMNS);
    emulator.process(
        format!("{rule}{line}\x1b[m❯\u{a0}\r\n{rule}{line}\x1b[m{}", rows.join("\x1b[m\r\n")).as_bytes(),
    );
    ScreenCells::of(&emulator)
}

/// A row with `right` two columns before the edge.
fn sides(left: &str, right: &str) -> String {
    let width = |text: &str| {
        let parts = text.split('\x1b').enumerate();
        parts
            .map(|(at, part)| {
                if at == 0 { part } else { part.split_once('m').map_or("", |(_, text)| text) }.chars().count()
            })
            .sum::<usize>()
    };
    let gap = COLUMNS - 4 - width(left) - width(right);
    format!("  {left}\x1b[m{}{right}", " ".repeat(gap))
}

fn of<T>(rule: &str, rows: &[String], read: impl FnOnce(&Footer<'_>) -> T) -> T {
    let view = view(rule, rows);
    let input = input::find(&view).expect("an input box");
    read(&Footer::of(&view, input))
}

fn indicator_of(rule: &str, rows: &[String]) -> Indicator {
    of(rule, rows, |footer| footer.indicator())
}

fn mode() -> String {
    format!("  {YELLOW}⏵⏵ auto mode on{GREY} (shift+tab to cycle)")
}

#[test]
fn the_indicator_is_known_by_its_place_and_its_colour() {
    for (word, colour, indicator) in [
        ("/rc active", GREEN, Indicator::Active),
        ("/rc", GREEN, Indicator::Active),
        ("/rc act…", GREEN, Indicator::Active),
        ("/rc connecting…", YELLOW, Indicator::Connecting),
        ("/rc reconnecting", YELLOW, Indicator::Connecting),
        ("/rc failed", RED, Indicator::Failed),
        ("rc", GREEN, Indicator::Active),
        ("rc", YELLOW, Indicator::Connecting),
        ("rc", RED, Indicator::Failed),
        ("/rc…", GREEN, Indicator::Absent),
        ("/rc active", GREY, Indicator::Absent),
        ("/rc active", "", Indicator::Absent),
        ("rc", GREY, Indicator::Absent),
        // In a theme of the user's own: where nobody else draws, any colour will do.
        ("/rc active", "\x1b[32m", Indicator::Active),
        ("/rc failed", "\x1b[38;2;0;255;255m", Indicator::Failed),
        ("/rc connecting…", "\x1b[38;5;201m", Indicator::Connecting),
    ] {
        let drawn = format!("{colour}{word}");
        // Beside the mode, on a row of its own, behind other items, below a notification.
        let beside = [sides(&mode()[2..], &drawn)];
        assert_eq!(indicator_of(GREY, &beside), indicator, "{word} {colour:?}");
        let below = [mode(), sides("", &drawn)];
        assert_eq!(indicator_of(GREY, &below), indicator, "{word} {colour:?}");
        let behind = [sides(&mode()[2..], &format!("{YELLOW}Debug\x1b[m · {drawn}"))];
        assert_eq!(indicator_of(GREY, &behind), indicator, "{word} {colour:?}");
        let note = format!("  {RED}Remote Control disconnected{GREY} · {}…", "x".repeat(COLUMNS - 5 - 30));
        let noted = [mode(), note, sides("", &drawn)];
        assert_eq!(indicator_of(GREY, &noted), indicator, "{word} {colour:?}");
    }
}

#[test]
fn without_colours_the_words_and_the_place_are_enough() {
    for (word, indicator) in [
        ("/rc active", Indicator::Active),
        ("rc", Indicator::Active),
        ("rc failed", Indicator::Failed),
        ("rc connecting…", Indicator::Connecting),
        ("rc reconnecting", Indicator::Connecting),
        ("rcs", Indicator::Absent),
        ("r…", Indicator::Absent),
    ] {
        assert_eq!(indicator_of("", &[sides("⏵⏵ auto mode on", word)]), indicator, "{word}");
        assert_eq!(indicator_of("", &["  ⏵⏵ auto mode on".into(), sides("", word)]), indicator, "{word}");
    }
}

#[test]
fn other_themes_and_fewer_colours_are_known() {
    for (rule, drawn) in [
        ("\x1b[38;5;102m", "\x1b[38;5;114m/rc active"),
        ("\x1b[37m", "\x1b[32m/rc active"),
        ("\x1b[37m", "\x1b[92m/rc active"),
        ("\x1b[38;2;136;136;136m", "\x1b[38;2;0;102;153m/rc active"),
    ] {
        assert_eq!(indicator_of(rule, &[sides("⏵⏵ auto mode on", drawn)]), Indicator::Active, "{drawn:?}");
    }
}

#[test]
fn where_one_blank_is_between_the_sides_the_colour_tells() {
    let left = format!("{YELLOW}⏵⏵ auto mode on{GREY} {}", "x".repeat(COLUMNS - 4 - 27));
    assert_eq!(indicator_of(GREY, &[sides(&left, &format!("{GREEN}/rc active"))]), Indicator::Active);
    assert_eq!(indicator_of(GREY, &[sides(&left, &format!("{GREY}/rc active"))]), Indicator::Absent);
}

/// Seen: blanks before a row are taken away, but not behind an escape sequence. So a status line can reach
/// the right edge.
fn status_lines() -> Vec<Vec<String>> {
    let right = |text: &str| format!("\x1b[32m{}{text}", " ".repeat(COLUMNS - 2 - text.chars().count()));
    vec![
        vec!["  mine /rc active".into()],
        vec![format!("  {GREY}/rc active")],
        vec!["  \x1b[32m/rc active".into()],
        vec![right("/rc active")],
        vec!["  one".into(), right("/rc failed"), "  \x1b[32m/rc failed".into()],
        vec![sides("x", "\x1b[32m/rc active")],
        vec![sides("x", "/rc active")],
        vec!["  first".into(), right("rc"), sides("x", "\x1b[32mrc")],
    ]
}

#[test]
fn a_status_line_of_the_user_is_no_indicator() {
    for mut rows in status_lines() {
        rows.push(mode());
        assert_eq!(indicator_of(GREY, &rows), Indicator::Absent, "{rows:?}");
        // The real one, below or beside it, counts alone.
        rows.push(sides("", &format!("{RED}/rc failed")));
        assert_eq!(indicator_of(GREY, &rows), Indicator::Failed, "{rows:?}");
    }
    let beside = [sides("mine /rc active", &format!("{RED}/rc failed")), "  /rc active".into(), mode()];
    assert_eq!(indicator_of(GREY, &beside), Indicator::Failed);
}

/// In the theme's own colour nothing tells it from the indicator beside it; but on the alternate screen that
/// is in the header.
#[test]
fn on_the_alternate_screen_a_status_line_in_the_theme_s_colour_is_no_indicator() {
    for (start, expected) in [("\x1b[?1049h", Indicator::Absent), ("", Indicator::Active)] {
        let mut emulator = Emulator::new(24, 80, 0);
        let line = "─".repeat(COLUMNS);
        let rows = [sides("x", &format!("{GREEN}/rc active")), mode()].join("\x1b[m\r\n");
        emulator.process(format!("{start}{GREY}{line}\x1b[m❯\u{a0}\r\n{GREY}{line}\x1b[m{rows}").as_bytes());
        let view = ScreenCells::of(&emulator);
        let input = input::find(&view).expect("an input box");
        assert_eq!(Footer::of(&view, input).indicator(), expected, "{start:?}");
    }
}

#[test]
fn a_status_line_of_the_user_is_no_notification_and_no_hint() {
    for line in [
        "Remote Control requires coffee",
        "\x1b[31mRemote Control disconnected · another connection took over this session",
        "esc to interrupt",
        "mine · esc to interrupt",
        "draft stashed",
        "-- INSERT --",
    ] {
        let rows = [format!("  {line}"), mode()];
        of(GREY, &rows, |footer| {
            assert_eq!(footer.notes().count(), 0, "{line}");
            assert!(!footer.busy() && !footer.stashed() && footer.vim().is_none(), "{line}");
        });
    }
    let rows = [sides("x", "Remote Control failed · not really"), mode()];
    assert_eq!(of(GREY, &rows, |footer| footer.notes().count()), 0);
}

#[test]
fn claude_s_own_hints_count_beside_a_status_line() {
    let rows = [
        "  my status".to_owned(),
        format!("{}{GREY} · esc to interrupt", mode()),
        sides("", &format!("{GREY}draft stashed")),
    ];
    of(GREY, &rows, |footer| assert!(footer.busy() && footer.stashed()));
    let vim = ["  my status".to_owned(), "  -- INSERT -- ⏵⏵ auto mode on".to_owned()];
    assert_eq!(of(GREY, &vim, |footer| footer.vim()), Some(Vim::Insert));
}

#[test]
fn a_notification_is_read_at_the_edge() {
    let note = format!("{RED}Remote Control disconnected{GREY} · it was lost");
    let said = "Remote Control disconnected · it was lost";
    for rows in [vec![sides("", &note)], vec![mode(), sides("", &note)], vec![sides("⏵⏵ x", &note), mode()]]
    {
        let notes: Vec<String> = of(GREY, &rows, |footer| footer.notes().map(str::to_owned).collect());
        assert_eq!(notes, [said], "{rows:?}");
    }
    assert!(classify(said).is_some());
}

#[test]
fn an_empty_list_of_commands_may_stand_without_the_margin() {
    for row in ["  No commands match \"/remote-control\"", "No commands match \"/remote-control\""] {
        of("", &[row.to_owned()], |footer| {
            assert_eq!(
                (footer.objection(), footer.menu()),
                (None, Some(Menu { selected: None, about: String::new() })),
                "{row}"
            );
        });
    }
    of("", &["No commands".to_owned()], |footer| assert!(footer.objection().is_some()));
}

#[test]
fn what_is_said_about_the_selected_command_may_take_two_rows() {
    let wide = [
        "  ❯ /remote-control             My own command that has a",
        "                                rather long text (user)",
        "    /remote-control-a           Another one",
    ];
    of("", &wide.map(str::to_owned), |footer| {
        let menu = footer.menu().expect("a list");
        assert_eq!(menu.selected.as_deref(), Some("/remote-control"));
        assert_eq!(menu.about, "My own command that has a rather long text (user)");
    });
    let narrow = ["  ❯ …emote-control  A skill of my own", "                    (user)"];
    of("", &narrow.map(str::to_owned), |footer| {
        let menu = footer.menu().expect("a list");
        assert_eq!(menu.selected.as_deref(), Some("…emote-control"));
        assert_eq!(menu.about, "A skill of my own (user)");
    });
}

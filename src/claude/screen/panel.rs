//! The panel that `/remote-control` opens while the link is up, and for about ten seconds after it failed
//! (seen with 2.1.332).

use super::Panel;
use crate::vt::screen::view::ScreenCells;

/// What the item that ends the link begins with.
const DISCONNECT: &str = "Disconnect";
const DISCONNECT_WHOLE: &str = "Disconnect this session";

/// What the panel of a link says that failed, or that claude is at.
const NOT_CONNECTED: [&str; 3] = ["isn't connected", "/rc reconnecting", "/rc connecting"];
/// A choice that only the panel of a link has that is up: `Show QR code`, `Hide QR code`.
const QR_CODE: &str = "QR code";
/// The last row, and the last choice: where the top is off a small screen, these tell it.
const KEYS: &str = "Esc to close";
const CONTINUE: &str = "Continue";

/// What a row ends with below which there is more, on the alternate screen.
const MORE_BELOW: char = '↓';
/// What the panel of a link says that is up.
const AVAILABLE: &str = "This session is available";
/// How much of a choice has to be there where the window is too narrow for it.
const MIN_SHORTENED: usize = 7;

/// Whether the row is, or begins with, this choice; a narrow window shortens it: `Disconn…`.
fn is_choice(row: &str, choice: &str) -> bool {
    let row = without_number(row.trim_start_matches([' ', '❯']));
    if row == choice || row.strip_prefix(choice).is_some_and(|rest| rest.starts_with("  ")) {
        return true;
    }
    let shortened = row.split_once('…').map_or("", |(shortened, _)| shortened.trim_end());
    shortened.chars().count() >= MIN_SHORTENED && choice.starts_with(shortened)
}

/// Whether a row is the rule above a panel. On the alternate screen a notification may cover all but its end.
fn is_rule(row: &str) -> bool {
    row.starts_with(['─', '▔']) || row.ends_with('▔')
}

/// The row below which the panel's text stands: its title below a rule, or the top of the screen where both
/// are off it.
fn top(view: &ScreenCells) -> Option<usize> {
    let (rows, _) = view.size();
    let row = |row: usize| view.row(row).trim_end();
    let Some(rule) = (0..rows).rev().find(|&at| is_rule(row(at))) else {
        let last = (0..rows).rev().find(|&at| !row(at).is_empty())?;
        let cut = row(last).ends_with(KEYS)
            && [DISCONNECT_WHOLE, CONTINUE]
                .iter()
                .all(|words| (0..rows).filter(|&at| is_choice(row(at), words)).count() == 1);
        return cut.then_some(0);
    };
    let title = (rule + 1..rows).find(|&at| !row(at).is_empty())?;
    row(title).trim_start().starts_with("Remote Control").then_some(title + 1)
}

/// The panel where its choices are below the lower edge of the screen. What it says is enough to close it.
fn without_choices(view: &ScreenCells, top: usize) -> Option<Panel> {
    let (rows, _) = view.size();
    let says = |words: &str| (top..rows).any(|at| view.row(at).contains(words));
    let is_cut = view.alternate()
        && (top..rows).next_back().is_some_and(|at| view.row(at).trim_end().ends_with(MORE_BELOW));
    let connected = says(AVAILABLE);
    (is_cut && (connected || NOT_CONNECTED.iter().any(|words| says(words)))).then(|| Panel {
        items: Vec::new(),
        selected: 0,
        disconnect: None,
        connected,
    })
}

/// Whether claude asks, before the first use ever, whether remote control is to be enabled. Its first choice
/// enables it, and is selected.
pub(super) fn is_first_use(view: &ScreenCells) -> bool {
    let (rows, _) = view.size();
    let choice = |at: usize| without_number(view.row(at).trim_start_matches([' ', '❯'])).to_owned();
    let has = |words: &str| (0..rows).any(|at| choice(at).starts_with(words));
    has("Enable Remote Control  ") && has("Never mind")
}

/// The panel, if it is what stands at the bottom of the screen: below a rule its title, and a list with one
/// selected.
pub(super) fn find(view: &ScreenCells) -> Option<Panel> {
    let (rows, _) = view.size();
    let row = |row: usize| view.row(row).trim_end();
    let top = top(view)?;
    let mut marked = (top..rows).filter(|&at| row(at).trim_start().starts_with("❯ "));
    let Some(mark) = marked.next() else { return without_choices(view, top) };
    if marked.next().is_some() {
        return None;
    }
    // The items are aligned with the selected one, without a gap; what is set in further explains the item
    // above it.
    let indent = row(mark).chars().take_while(|c| *c == ' ').count() + 2;
    let blank = |at: usize| row(at).is_empty();
    let first = (top..mark).rev().take_while(|&at| !blank(at)).last().unwrap_or(mark);
    let mut items = Vec::new();
    let mut selected = None;
    for at in (first..rows).take_while(|&at| !blank(at)) {
        let text: String = row(at).chars().skip(indent).collect();
        let before: String = row(at).chars().take(indent).collect();
        if text.is_empty() || text.starts_with(' ') || !before.trim_matches([' ', '❯']).is_empty() {
            continue;
        }
        if at == mark {
            selected = Some(items.len());
        }
        items.push(without_number(&text).to_owned());
    }
    let ends_link = |item: &str| item.starts_with(DISCONNECT) || is_choice(item, DISCONNECT_WHOLE);
    let mut ends = (0..items.len()).filter(|&item| ends_link(&items[item]));
    let disconnect = ends.next().filter(|_| ends.next().is_none());
    // A list that offers no way out of the link is another one.
    disconnect?;
    let says = |words: &str| (top..first).any(|at| row(at).contains(words));
    // Where the title is off a small screen, what it says of the link may be, too.
    let is_cut = top == 0;
    let has_code = items.iter().any(|item| item.contains(QR_CODE));
    let connected = has_code || !is_cut && !NOT_CONNECTED.iter().any(|words| says(words));
    Some(Panel { selected: selected?, disconnect, items, connected })
}

/// `Continue` of `3. Continue`.
fn without_number(text: &str) -> &str {
    match text.split_once(". ") {
        Some((number, rest)) if !number.is_empty() && number.chars().all(|c| c.is_ascii_digit()) => {
            rest.trim()
        }
        _ => text.trim(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vt::emulator::Emulator;

    fn panel(rows: &[&str]) -> Option<Panel> {
        let mut emulator = Emulator::new(24, 80, 0);
        emulator.process(rows.join("\r\n").as_bytes());
        find(&ScreenCells::of(&emulator))
    }

    const RULE: &str = "────────────────────────────────────────";

    #[test]
    fn it_may_explain_its_items_and_show_more() {
        let found = panel(&[
            "● Hello",
            "▔▔▔▔▔▔▔▔▔ a note ▔▔▔▔▔",
            "  Remote Control",
            "",
            "  This session is available at https://claude.ai/code/session_1.",
            "",
            "  █▀▀▀▀▀█ ▄ █▀▀▀▀▀█",
            "  ▀▀▀▀▀▀▀ ▀ ▀▀▀▀▀▀▀",
            "",
            "    Disconnect this session",
            "      Can archive it now",
            "  ❯ Hide QR code",
            "    Continue",
            "",
            "  Enter to select · Esc to close",
        ]);
        let items = ["Disconnect this session", "Hide QR code", "Continue"].map(str::to_owned).to_vec();
        assert_eq!(found, Some(Panel { items, selected: 1, disconnect: Some(0), connected: true }));
    }

    #[test]
    fn the_panel_of_a_link_that_failed_says_so() {
        let found = panel(&[
            RULE,
            "  Remote Control",
            "",
            "  × Remote Control isn't connected.",
            "  Transport closed: server rejected connection (code 403)",
            "",
            "    Disconnect this session   Can archive it now and stop a later --resume re…",
            "  ❯ Continue",
            "",
            "  ↑/↓ to navigate · Enter to select · Esc to close",
        ]);
        assert_eq!(found.map(|panel| (panel.connected, panel.selected)), Some((false, 1)));
    }

    #[test]
    fn the_panel_of_a_link_that_claude_is_at_is_that_of_none() {
        for word in ["/rc reconnecting", "/rc connecting…"] {
            let found = panel(&[
                RULE,
                "  Remote Control",
                "",
                &format!("  {word}"),
                "",
                "    Disconnect this session",
                "  ❯ Continue",
                "",
                "  ↑/↓ to navigate · Enter to select · Esc to close",
            ]);
            assert_eq!(found.map(|panel| panel.connected), Some(false), "{word}");
        }
    }

    #[test]
    fn on_a_small_screen_its_end_is_enough() {
        let rows = [
            "  Claude mobile app and at",
            "  https://claude.ai/code/session_01MadeUp.",
            "",
            "    Disconnect this session",
            "    Show QR code   Scan with your pho…",
            "  ❯ Continue",
            "",
            "  Enter to select · Esc to close",
        ];
        assert_eq!(panel(&rows).map(|panel| (panel.selected, panel.disconnect)), Some((2, Some(0))));
        assert_eq!(panel(&rows).map(|panel| panel.connected), Some(true));
        assert_eq!(panel(&rows[..6]), None);
        // Without the choice that a link has, it is the panel of none.
        let rows = [&rows[2..4], &rows[5..]].concat();
        assert_eq!(panel(&rows).map(|panel| panel.connected), Some(false));
    }

    /// As drawn by 2.1.332 on the alternate screen, with 12 rows.
    #[test]
    fn on_the_alternate_screen_its_choices_may_be_below_the_edge() {
        for (said, expected) in [
            ("× Remote Control isn't connected.", Some(false)),
            ("This session is available in the Claude mobile app and at", Some(true)),
            ("Something that nobody has read so far", None),
        ] {
            for rule in
                [RULE.to_owned(), " Remote Control failed · Couldn't reconnect to your Remot… ▔".into()]
            {
                let mut emulator = Emulator::new(8, 60, 0);
                let rows = [
                    "  /remote-control to reconnect",
                    &rule,
                    "  Remote Control",
                    "",
                    &format!("  {said}"),
                    "  Couldn't reconnect to your Remote Control session.",
                    "",
                    "                                                           ↓",
                ];
                emulator.process(format!("\x1b[?1049h{}", rows.join("\r\n")).as_bytes());
                let found = find(&ScreenCells::of(&emulator));
                assert_eq!(found.as_ref().map(|panel| panel.connected), expected, "{said}");
                assert!(found.is_none_or(|panel| panel.disconnect.is_none()));
            }
        }
    }

    #[test]
    fn a_narrow_window_shortens_its_choices() {
        for rows in [
            &[
                "  about 10 seconds for Remote Control",
                "  to turn off, then run",
                "  /remote-control.",
                "",
                "    Disconnect this…   Can archive it…",
                "  ❯ Continue",
                "",
                "  Enter to select · Esc to close",
            ][..],
            &[
                RULE,
                "  Remote Control",
                "",
                "  × Remote Control",
                "  isn't connected.",
                "  Continue, wait",
                "",
                "    Disconn…   Can ar…",
                "  ❯ Continue",
                "",
                "  Esc to close",
            ],
        ] {
            let found = panel(rows).expect("a panel");
            assert_eq!((found.disconnect, found.selected), (Some(0), 1), "{rows:?}");
        }
        assert_eq!(panel(&[RULE, "  Remote Control", "", "    Disc…", "  ❯ Continue"]), None);
    }

    #[test]
    fn the_question_before_the_first_use_is_known() {
        let mut emulator = Emulator::new(24, 100, 0);
        let rows = [
            RULE,
            "  Remote Control",
            "",
            "  ❯ 1. Enable Remote Control  Opens a secure connection to claude.ai.",
            "    2. Never mind             You can always enable it later with /remote-control.",
        ];
        emulator.process(rows.join("\r\n").as_bytes());
        assert!(is_first_use(&ScreenCells::of(&emulator)));
        assert_eq!(panel(&rows), None);
    }

    #[test]
    fn other_lists_are_none() {
        for rows in [
            &[RULE, "  Remote Control", "", "  ❯ 1. Yes", "    2. No"][..],
            &[RULE, "  Select model", "", "  ❯ 1. Disconnect this session", "    2. Continue"],
            &[RULE, "  Remote Control", "", "    1. Disconnect this session", "    2. Continue"],
            &[RULE, "  Remote Control", "", "  ❯ 1. Disconnect this session", "  ❯ 2. Continue"],
            &[RULE, "  Remote Control", "", "  ❯ 1. Disconnect this", "    2. Disconnect that"],
            &["  Remote Control", "", "  ❯ 1. Disconnect this session", "    2. Continue"],
            &[RULE, "  Remote Control", "", "  ❯ Continue", "", "    Disconnect this session"],
            &[],
        ] {
            assert_eq!(panel(rows), None, "{rows:?}");
        }
    }
}

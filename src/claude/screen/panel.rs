//! The panel that `/remote-control` opens while the link is up.
//!
//! It could not be seen for want of an account: what it says is known from the documentation and the program's texts, how
//! a list is drawn from claude's other dialogs.

use super::Panel;
use super::view::View;

/// What the item that ends the link begins with.
const DISCONNECT: &str = "Disconnect";

/// The panel, if it is what stands at the bottom of the screen: below a rule its title, and a list with one selected.
pub(super) fn find(view: &View) -> Option<Panel> {
    let (rows, _) = view.size();
    let row = |row: usize| view.row(row).trim_end();
    let top = (0..rows).rev().find(|&at| row(at).starts_with(['─', '▔']))?;
    let title = (top + 1..rows).find(|&at| !row(at).is_empty())?;
    if !row(title).trim_start().starts_with("Remote Control") {
        return None;
    }
    let mut marked = (title + 1..rows).filter(|&at| row(at).trim_start().starts_with("❯ "));
    let mark = marked.next()?;
    if marked.next().is_some() {
        return None;
    }
    // The items are aligned with the selected one, without a gap; what is set in further explains the item above it.
    let indent = row(mark).chars().take_while(|c| *c == ' ').count() + 2;
    let blank = |at: usize| row(at).is_empty();
    let first = (title + 1..mark).rev().take_while(|&at| !blank(at)).last().unwrap_or(mark);
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
    let mut ends = (0..items.len()).filter(|&item| items[item].starts_with(DISCONNECT));
    let disconnect = ends.next().filter(|_| ends.next().is_none());
    // A list that offers no way out of the link is another one.
    disconnect?;
    Some(Panel { selected: selected?, disconnect, items })
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
    use std::num::NonZeroU16;

    use super::*;

    fn panel(rows: &[&str]) -> Option<Panel> {
        let size = |number| NonZeroU16::new(number).expect("a size");
        let mut parser = vt100::Parser::new(size(24), size(80), 0);
        parser.process(rows.join("\r\n").as_bytes());
        find(&View::of(parser.screen()))
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
        assert_eq!(found, Some(Panel { items, selected: 1, disconnect: Some(0) }));
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

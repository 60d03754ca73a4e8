//! What claude said of remote control: the last thing in the conversation, or a note at the prompt.

use crate::vt::emulator::style::Color;

use super::conversation;
use super::footer::Footer;
use super::input::InputBox;
use crate::claude::remote_notices::{Notice, classify};
use crate::vt::screen::view::ScreenCells;

/// The last thing that was said, if it is about remote control. The footer is left out where it holds a menu,
/// whose texts are about commands.
pub(super) fn find(view: &ScreenCells, input: InputBox, footer: &Footer<'_>) -> Option<Notice> {
    let input = InputBox { upper: input.upper - footer.menu_above(), ..input };
    let notes = footer.menu().is_none().then_some(footer);
    // What stands in the conversation is whole; a notification is cut, and has no advice.
    last(view, input)
        .and_then(|(line, cut)| if cut { refusal_cut(line) } else { classify(&line) })
        .or_else(|| notes.and_then(|footer| footer.notes().find_map(classify)))
}

/// The last paragraph above the prompt, in one line, if claude itself said it; and whether its beginning is
/// off the screen.
fn last(view: &ScreenCells, input: InputBox) -> Option<(String, bool)> {
    let (start, end) = conversation::last(view, input)?;
    if view.row(start).starts_with('❯') || says_the_model(view, start) {
        return None;
    }
    let words = (start..end).flat_map(|row| view.row(row).split_whitespace());
    let line = words.filter(|word| !matches!(*word, "●" | "⎿")).collect::<Vec<_>>().join(" ");
    // Unlike what the model says, and what the footer says, all of it is in a colour.
    let coloured = conversation::text(view, start).is_some_and(|text| text.colour != Color::Default);
    let cut = start == 0 && view.row(start).starts_with("  ") && coloured;
    Some((line, cut))
}

/// What is left of the refusal where its beginning has gone off the top of a small screen: with a draft of
/// three lines, its last word on a screen of ten rows.
fn refusal_cut(line: String) -> Option<Notice> {
    let is_name = |word: &str| word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    let mut whole = REFUSAL.iter().rev();
    let is_end = line.split(' ').rev().all(|word| {
        whole.next().is_some_and(|wanted| if *wanted == "KEY" { is_name(word) } else { word == *wanted })
    });
    if is_end { Some(Notice::NeedsSubscription(line)) } else { classify(&line) }
}

/// The refusal, with a word in the place of the variable that it names.
const REFUSAL: [&str; 10] = [
    "/remote-control",
    "needs",
    "a",
    "Claude",
    "subscription.",
    "This",
    "session",
    "uses",
    "KEY",
    "instead.",
];

/// What the model says has a mark of another colour than its text, which is in the terminal's own.
fn says_the_model(view: &ScreenCells, row: usize) -> bool {
    let mark = view.cells(row).first();
    view.row(row).starts_with('●')
        && conversation::text(view, row).is_some_and(|text| {
            text.colour == Color::Default && mark.is_some_and(|mark| mark.colour != text.colour)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_refusal_that_is_cut_the_end_is_enough() {
        for end in [
            "subscription. This session uses ANTHROPIC_API_KEY instead.",
            "ANTHROPIC_API_KEY instead.",
            "instead.",
        ] {
            assert_eq!(refusal_cut(end.into()), Some(Notice::NeedsSubscription(end.into())));
        }
        for line in ["", "uses another tool instead.", "is used instead.", "uses ANTHROPIC_API_KEY"] {
            assert_eq!(refusal_cut(line.into()), None, "{line}");
        }
    }
}

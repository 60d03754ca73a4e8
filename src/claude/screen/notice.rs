//! What claude said of remote control: the last thing in the conversation, or a note at the prompt.

use vt100::Color;

use super::Notice;
use super::conversation;
use super::footer::Footer;
use super::input::Input;
use super::view::View;

/// Words, in lower case, by which a line is told to be about remote control at all.
const SUBJECT: [&str; 2] = ["remote control", "remote-control"];

/// The last thing that was said, if it is about remote control. The footer is left out where it holds a menu, whose
/// texts are about commands.
pub(super) fn find(view: &View, input: Input, footer: &Footer<'_>) -> Option<Notice> {
    let input = Input { upper: input.upper - footer.menu_above(), ..input };
    let notes = footer.menu().is_none().then_some(footer);
    notes.and_then(|footer| footer.notes().find_map(classify)).or_else(|| {
        last(view, input).and_then(|(line, cut)| if cut { refusal_cut(line) } else { classify(&line) })
    })
}

/// The last paragraph above the prompt, in one line, if claude itself said it; and whether its beginning is off the screen.
fn last(view: &View, input: Input) -> Option<(String, bool)> {
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

/// What is left of the refusal where its beginning has gone off the top of a small screen: with a draft of three lines, its
/// last word on a screen of ten rows.
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
fn says_the_model(view: &View, row: usize) -> bool {
    let mark = view.cells(row).first();
    view.row(row).starts_with('●')
        && conversation::text(view, row).is_some_and(|text| {
            text.colour == Color::Default && mark.is_some_and(|mark| mark.colour != text.colour)
        })
}

/// What a line says, by the words that `docs/claude-code.md` has. None where it is not about remote control, says
/// nothing that is known, or only that the user switched it off.
fn classify(line: &str) -> Option<Notice> {
    let lower = line.to_lowercase().replace('’', "'");
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if !has(&SUBJECT) || lower.ends_with("remote control disconnected.") {
        return None;
    }
    let said = line.to_owned();
    // Seen up to 2.1.243 where later versions name what they need.
    if lower.starts_with("unknown command: /remote-control") {
        return Some(Notice::Unavailable(said));
    }
    let lost = has(&["disconnected", "control failed"]);
    Some(if !lost && has(&["subscription"]) {
        Notice::NeedsSubscription(said)
    } else if !lost && has(&UNAVAILABLE) {
        Notice::Unavailable(said)
    } else if has(&["took over", "taken over", "took it over"]) {
        Notice::TakenOver(said)
    } else if has(&["archived", "was ended", "ended elsewhere", "another region"]) {
        Notice::EndedElsewhere(said)
    } else if has(&["no longer reports", "not found", "not find", "n't find"]) {
        Notice::NotFound(said)
    } else if has(&["another device", "another session"]) {
        Notice::TakenOver(said)
    } else if lost || has(&["failed", "could not", "couldn't", "error", "timed out", "expired"]) {
        Notice::Failed(said)
    } else if has(&["control is active", "control active", "is connected"]) {
        Notice::Connected(said)
    } else {
        return None;
    })
}

/// Words of refusals that last until the user changes something.
const UNAVAILABLE: [&str; 10] = [
    "not available",
    "n't available",
    "unavailable",
    "only available",
    "not enabled",
    "n't enabled",
    "disabled",
    "not supported",
    "requires",
    "policy",
];

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

    #[test]
    fn the_words_of_the_documentation_and_of_the_program_are_known() {
        let kind = |line: &str| {
            let notice = format!("{:?}", classify(line)?);
            Some(notice.split('(').next()?.to_owned())
        };
        for (line, expected) in [
            ("/remote-control needs a Claude subscription. This session uses a key.", "NeedsSubscription"),
            ("Remote Control is only available with claude.ai subscriptions.", "NeedsSubscription"),
            ("/remote-control isn't available while DO_NOT_TRACK is set.", "Unavailable"),
            ("Remote Control isn’t enabled for this account.", "Unavailable"),
            ("Unknown command: /remote-control", "Unavailable"),
            ("Remote Control is disabled by your organization's policy", "Unavailable"),
            ("Remote Control requires a full-scope login token.", "Unavailable"),
            ("Remote Control is only available when using Claude via api.anthropic.com.", "Unavailable"),
            (
                "Remote Control disconnected — another connection took over this session (usually another device)",
                "TakenOver",
            ),
            ("Remote Control disconnected — this session is bound to another device", "TakenOver"),
            (
                "Remote Control disconnected · this session was ended or archived from another device or app",
                "EndedElsewhere",
            ),
            (
                "Remote Control disconnected — this session moved to another region with its organization",
                "EndedElsewhere",
            ),
            (
                "Remote Control disconnected — the server no longer reports this session — it may have been \
                 deleted from another device or app",
                "NotFound",
            ),
            ("Remote Control failed · session expired or not found on server (code 4)", "NotFound"),
            (
                "Remote Control disconnected — the service is unavailable — run /remote-control to reconnect",
                "Failed",
            ),
            ("Remote Control failed · auth token expired", "Failed"),
            ("/remote-control is active · Continue here, on your phone, or at https://x.y", "Connected"),
        ] {
            assert_eq!(kind(line).as_deref(), Some(expected), "{line}");
        }
        for line in [
            "Remote Control connecting…",
            "Remote Control disconnected.",
            "Hello from afar",
            "The connection failed",
            "Use /remote-control",
        ] {
            assert_eq!(kind(line), None, "{line}");
        }
    }
}

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
pub(super) fn find(view: &View, input: Input, footer: Option<&Footer<'_>>) -> Option<Notice> {
    footer.and_then(|footer| footer.items().find_map(classify)).or_else(|| classify(&last(view, input)?))
}

/// The last paragraph above the prompt, in one line, if claude itself said it.
fn last(view: &View, input: Input) -> Option<String> {
    let (start, end) = conversation::last(view, input)?;
    if view.row(start).starts_with('❯') || says_the_model(view, start) {
        return None;
    }
    let words = (start..end).flat_map(|row| view.row(row).split_whitespace());
    Some(words.filter(|word| !matches!(*word, "●" | "⎿")).collect::<Vec<_>>().join(" "))
}

/// What the model says has a mark of another colour than its text, which is in the terminal's own.
fn says_the_model(view: &View, row: usize) -> bool {
    let mark = view.cells(row).first();
    view.row(row).starts_with('●')
        && conversation::text(view, row).is_some_and(|text| {
            text.colour == Color::Default && mark.is_some_and(|mark| mark.colour != text.colour)
        })
}

/// What a line says, by the words of the documentation. None where it is not about remote control, or says nothing
/// that is known.
fn classify(line: &str) -> Option<Notice> {
    let lower = line.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    // The beginning of the refusal may have gone off the top of a small screen.
    let cut = "subscription. this session uses";
    if !has(&SUBJECT) && !lower.starts_with(cut) {
        return None;
    }
    let said = line.to_owned();
    Some(if has(&["subscription"]) {
        Notice::NeedsSubscription(said)
    } else if has(&[
        "taken over",
        "took over",
        "took it over",
        "another device",
        "another session",
        "other device",
    ]) {
        Notice::TakenOver(said)
    } else if has(&["archived", "ended elsewhere", "was ended", "ended from", "ended on", "ended by"]) {
        Notice::EndedElsewhere(said)
    } else if has(&["not found", "not find", "n't find", "cannot find", "no longer exist"]) {
        Notice::NotFound(said)
    } else if has(&[
        "not available",
        "unavailable",
        "n't available",
        "not enabled",
        "n't enabled",
        "disabled",
        "not supported",
        "requires",
        "policy",
        "not trusted",
        "untrusted",
        "full-scope",
        "full scope",
    ]) {
        Notice::Unavailable(said)
    } else if has(&[
        "disconnected",
        "failed",
        "could not",
        "couldn't",
        "error",
        "timed out",
        "lost",
        "refused",
        "expired",
    ]) {
        Notice::Failed(said)
    } else if has(&["connecting"]) {
        return None;
    } else if has(&["active", "connected"]) {
        Notice::Connected(said)
    } else {
        return None;
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_documentation_are_known() {
        let said = |line: &str| {
            classify(line)
                .map(|notice| format!("{notice:?}").split('(').next().unwrap_or_default().to_owned())
        };
        for (line, expected) in [
            (
                "/remote-control needs a Claude subscription. This session uses ANTHROPIC_API_KEY instead.",
                "NeedsSubscription",
            ),
            ("subscription. This session uses ANTHROPIC_API_KEY instead.", "NeedsSubscription"),
            ("Remote Control disconnected: another device took it over", "TakenOver"),
            ("Remote Control disconnected: the session was archived", "EndedElsewhere"),
            ("Remote Control disconnected: session not found", "NotFound"),
            ("Remote Control is not available with ANTHROPIC_BASE_URL", "Unavailable"),
            ("Remote Control is disabled by your organization's policy", "Unavailable"),
            (
                "Remote Control disconnected: could not reach the Remote Control server for about 30 minutes",
                "Failed",
            ),
            ("Remote Control active · https://claude.ai/code/session_1", "Connected"),
        ] {
            assert_eq!(said(line).as_deref(), Some(expected), "{line}");
        }
        for line in
            ["Remote Control connecting…", "Hello from afar", "The connection failed", "Use /remote-control"]
        {
            assert_eq!(said(line), None, "{line}");
        }
    }
}

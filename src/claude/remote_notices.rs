//! What claude says about remote control, and whose decision it is then.
//!
//! The rule is claude's own: it ends a notice with the advice to run `/remote-control` exactly where that
//! helps. So a link that dropped with this advice is asked for again, and one that dropped without it is left
//! to the user. `TEXTS` has the texts that need another verdict, or that come without the rest of a notice.
//! All of them were read in the program's text; a test in `tests/real-claude` holds the table against the
//! installed program, and says which texts are new.

use serde::{Deserialize, Serialize};

/// What claude said, in its own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    /// This login has no subscription for it: asking again changes nothing.
    NeedsSubscription(String),
    /// Not available for another reason that only the user can change.
    Unavailable(String),
    /// Another device or session has taken it over.
    TakenOver(String),
    /// It was ended, archived or moved elsewhere.
    EndedElsewhere(String),
    /// The server cannot find it.
    NotFound(String),
    /// It is over for another reason that only the user can judge.
    UsersDecision(String),
    /// This process does not try any more; another one may.
    NeedsRestart(String),
    /// It failed, for a reason that may pass.
    Failed(String),
    /// It is up.
    Connected(String),
}

/// The kind of a notice, without its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NoticeKind {
    NeedsSubscription,
    Unavailable,
    TakenOver,
    EndedElsewhere,
    NotFound,
    UsersDecision,
    NeedsRestart,
    Failed,
    Connected,
}

/// Which notices a row is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    /// All of them: what it says weighs more than an advice.
    Always,
    /// Those that do not advise to run the command.
    NoAdvice,
    /// Those that do not say either that a link was lost.
    NoLoss,
}

/// A text of claude's.
struct NoticeText {
    /// All of these stand in it, in lower case, in any order.
    words: &'static [&'static str],
    when: When,
    kind: NoticeKind,
    /// A version of claude in which it was read.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "it says where a row comes from, and is checked by a test")
    )]
    version: &'static str,
}

const fn text(
    words: &'static [&'static str],
    when: When,
    kind: NoticeKind,
    version: &'static str,
) -> NoticeText {
    NoticeText { words, when, kind, version }
}

/// The first row that matches counts.
const TEXTS: [NoticeText; 58] = [
    // Another session would be started, or one taken from somebody else.
    text(&["account or organization changed"], When::Always, NoticeKind::UsersDecision, "2.1.332"),
    text(&["different claude account"], When::Always, NoticeKind::UsersDecision, "2.1.332"),
    text(&["share link"], When::Always, NoticeKind::UsersDecision, "2.1.332"),
    text(&["already has remote control"], When::Always, NoticeKind::TakenOver, "2.1.332"),
    text(&["not started here"], When::Always, NoticeKind::TakenOver, "2.1.332"),
    text(&["took over"], When::Always, NoticeKind::TakenOver, "2.1.332"),
    text(&["another connection"], When::Always, NoticeKind::TakenOver, "2.1.332"),
    text(&["no longer the active worker"], When::Always, NoticeKind::TakenOver, "2.1.332"),
    text(&["trusted devices now required"], When::Always, NoticeKind::Unavailable, "2.1.332"),
    // The process counts its failures, and stops.
    text(&["disabled after repeated failures"], When::Always, NoticeKind::NeedsRestart, "2.1.332"),
    text(&["restart to retry"], When::Always, NoticeKind::NeedsRestart, "2.1.332"),
    // The policy could not be asked, which passes.
    text(&["couldn't verify your organization's", "retry"], When::Always, NoticeKind::Failed, "2.1.332"),
    text(&["couldn't verify remote control eligibility"], When::Always, NoticeKind::Failed, "2.1.332"),
    text(&["couldn't reconnect to your remote control session"], When::Always, NoticeKind::Failed, "2.1.332"),
    // Final, although some of these name the command.
    text(&["sign-in canceled"], When::Always, NoticeKind::Unavailable, "2.1.332"),
    text(&["enrollment didn't complete"], When::Always, NoticeKind::Unavailable, "2.1.332"),
    text(&["requires trusted devices"], When::Always, NoticeKind::Unavailable, "2.1.332"),
    text(&["enroll this device"], When::Always, NoticeKind::Unavailable, "2.1.332"),
    text(&["unknown command: /remote-control"], When::Always, NoticeKind::Unavailable, "2.1.243"),
    text(&["cannot be enabled from inside"], When::Always, NoticeKind::Unavailable, "2.1.332"),
    text(&["turned off for your organization"], When::Always, NoticeKind::Unavailable, "2.1.332"),
    text(&["remote control was turned off"], When::Always, NoticeKind::Unavailable, "2.1.332"),
    text(&["asks for a one-time confirmation"], When::Always, NoticeKind::Unavailable, "2.1.332"),
    // The login is the user's.
    text(&["run /login"], When::Always, NoticeKind::UsersDecision, "2.1.332"),
    text(&["signed out of claude"], When::Always, NoticeKind::UsersDecision, "2.1.332"),
    text(
        &["can't use remote control", "start a new one"],
        When::Always,
        NoticeKind::UsersDecision,
        "2.1.332",
    ),
    text(&["won't fix it"], When::Always, NoticeKind::UsersDecision, "2.1.332"),
    text(&["after updating"], When::Always, NoticeKind::UsersDecision, "2.1.332"),
    text(&["disabled by your organization's policy"], When::Always, NoticeKind::Unavailable, "2.1.332"),
    text(&["policy", "remote control disconnected"], When::NoAdvice, NoticeKind::Unavailable, "2.1.332"),
    text(&["policy", "remote control failed"], When::NoAdvice, NoticeKind::Unavailable, "2.1.332"),
    // Where the session went, if it is not to be asked for again.
    text(&["ended or archived"], When::NoAdvice, NoticeKind::EndedElsewhere, "2.1.332"),
    text(&["was archived"], When::NoAdvice, NoticeKind::EndedElsewhere, "2.1.329"),
    text(&["another region"], When::NoAdvice, NoticeKind::EndedElsewhere, "2.1.332"),
    text(&["no longer reports this session"], When::NoAdvice, NoticeKind::NotFound, "2.1.332"),
    text(
        &["not found on server", "remote control disconnected —"],
        When::NoAdvice,
        NoticeKind::NotFound,
        "2.1.332",
    ),
    text(&["bound to another device"], When::NoAdvice, NoticeKind::TakenOver, "2.1.329"),
    text(&["another device took it over"], When::NoAdvice, NoticeKind::TakenOver, "2.1.329"),
    // What the command answers, beside which nothing was lost.
    text(&["needs a claude subscription"], When::NoLoss, NoticeKind::NeedsSubscription, "2.1.332"),
    text(&["subscription"], When::NoLoss, NoticeKind::NeedsSubscription, "2.1.332"),
    text(&["needs a claude.ai"], When::NoLoss, NoticeKind::Unavailable, "2.1.332"),
    text(&["not available"], When::NoLoss, NoticeKind::Unavailable, "2.1.332"),
    text(&["n't available"], When::NoLoss, NoticeKind::Unavailable, "2.1.332"),
    text(&["is unavailable"], When::NoLoss, NoticeKind::Unavailable, "2.1.332"),
    text(&["only available"], When::NoLoss, NoticeKind::Unavailable, "2.1.332"),
    text(&["not enabled"], When::NoLoss, NoticeKind::Unavailable, "2.1.332"),
    text(&["n't enabled"], When::NoLoss, NoticeKind::Unavailable, "2.1.332"),
    text(&["disabled"], When::NoLoss, NoticeKind::Unavailable, "2.1.332"),
    text(&["not supported"], When::NoLoss, NoticeKind::Unavailable, "2.1.332"),
    text(&["requires"], When::NoLoss, NoticeKind::Unavailable, "2.1.332"),
    text(&["unable to determine your organization"], When::NoLoss, NoticeKind::Unavailable, "2.1.332"),
    text(&["already running as a cloud session"], When::NoLoss, NoticeKind::Unavailable, "2.1.332"),
    text(&["policy"], When::NoLoss, NoticeKind::Unavailable, "2.1.332"),
    text(&["remote control stopped"], When::NoAdvice, NoticeKind::UsersDecision, "2.1.332"),
    text(&["remote-control is active"], When::NoLoss, NoticeKind::Connected, "2.1.332"),
    text(&["control is connected"], When::NoLoss, NoticeKind::Connected, "2.1.329"),
    // A notification beside the prompt has no room for an advice. The notice in the conversation has it.
    text(&["remote control disconnected ·"], When::Always, NoticeKind::Failed, "2.1.332"),
    text(&["remote control failed ·"], When::Always, NoticeKind::Failed, "2.1.332"),
];

/// Words by which a line is told to be about remote control at all.
const SUBJECT: [&str; 2] = ["remote control", "remote-control"];

/// What claude advises where a link can be had again; also `Run /remote-control to retry`.
const ADVICE: &str = "run /remote-control";

/// Of a line that is in no row: words that something did not work.
const FAILURE: [&str; 6] = ["failed", "could not", "couldn't", "error", "timed out", "expired"];

/// What a whole line says. None where it is not about remote control, says nothing that is known, or only
/// that the user switched it off.
pub fn classify(line: &str) -> Option<Notice> {
    let lower = line.to_lowercase().replace('’', "'");
    let has = |words: &str| lower.contains(words);
    if !SUBJECT.iter().any(|words| has(words)) || lower.ends_with("remote control disconnected.") {
        return None;
    }
    let (lost, advised) = (has("remote control disconnected") || has("remote control failed"), has(ADVICE));
    let applies = |when| match when {
        When::Always => true,
        When::NoAdvice => !advised,
        When::NoLoss => !lost && !advised,
    };
    let row = TEXTS.iter().find(|text| applies(text.when) && text.words.iter().all(|words| has(words)));
    let kind = match row {
        Some(text) => text.kind,
        None if lost && advised => NoticeKind::Failed,
        None if lost => NoticeKind::UsersDecision,
        None if FAILURE.iter().any(|words| has(words)) => NoticeKind::Failed,
        None => return None,
    };
    let said = line.to_owned();
    Some(match kind {
        NoticeKind::NeedsSubscription => Notice::NeedsSubscription(said),
        NoticeKind::Unavailable => Notice::Unavailable(said),
        NoticeKind::TakenOver => Notice::TakenOver(said),
        NoticeKind::EndedElsewhere => Notice::EndedElsewhere(said),
        NoticeKind::NotFound => Notice::NotFound(said),
        NoticeKind::UsersDecision => Notice::UsersDecision(said),
        NoticeKind::NeedsRestart => Notice::NeedsRestart(said),
        NoticeKind::Failed => Notice::Failed(said),
        NoticeKind::Connected => Notice::Connected(said),
    })
}

impl Notice {
    /// Claude's words.
    pub fn said(&self) -> &str {
        match self {
            Self::NeedsSubscription(said)
            | Self::Unavailable(said)
            | Self::TakenOver(said)
            | Self::EndedElsewhere(said)
            | Self::NotFound(said)
            | Self::UsersDecision(said)
            | Self::NeedsRestart(said)
            | Self::Failed(said)
            | Self::Connected(said) => said,
        }
    }

    /// Claude's words, if it refuses until the user changes something.
    pub fn refusal(&self) -> Option<&str> {
        matches!(self, Self::NeedsSubscription(_) | Self::Unavailable(_)).then(|| self.said())
    }

    /// Claude's words, if whether the link is wanted is the user's decision.
    pub fn left_to_the_user(&self) -> Option<&str> {
        let is = matches!(
            self,
            Self::TakenOver(_) | Self::EndedElsewhere(_) | Self::NotFound(_) | Self::UsersDecision(_)
        );
        is.then(|| self.said())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(line: &str) -> Option<String> {
        let notice = format!("{:?}", classify(line)?);
        Some(notice.split('(').next()?.to_owned())
    }

    #[test]
    fn every_text_has_its_verdict() {
        for (line, expected) in [
            ("/remote-control needs a Claude subscription. This session uses a key.", "NeedsSubscription"),
            ("Remote Control is only available with claude.ai subscriptions.", "NeedsSubscription"),
            ("/remote-control isn't available while DO_NOT_TRACK is set.", "Unavailable"),
            ("Remote Control isn’t enabled for this account.", "Unavailable"),
            ("Unknown command: /remote-control", "Unavailable"),
            ("Remote Control is disabled by your organization's policy", "Unavailable"),
            ("Remote Control requires a full-scope login token.", "Unavailable"),
            ("Remote Control is only available when using Claude via api.anthropic.com.", "Unavailable"),
            ("Remote Control needs a claude.ai sign-in.", "Unavailable"),
            ("Remote Control cannot be enabled from inside a remote session", "Unavailable"),
            ("Sign-in canceled. Run /remote-control after enrolling this device.", "Unavailable"),
            (
                "Signed in, but device enrollment didn't complete. Run /remote-control again, or check the debug log \
                 for [trusted-device] messages.",
                "Unavailable",
            ),
            ("Remote Control is turned off for your organization", "Unavailable"),
            ("Remote Control disconnected — disabled by your organization's policy", "Unavailable"),
            (
                "Remote Control disconnected — Remote Control was turned off by your organization's policy.",
                "Unavailable",
            ),
            (
                "Couldn't verify your organization's Remote Control policy. Retry, or run `claude doctor` for details.",
                "Failed",
            ),
            ("/remote-control is active · Continue here, on your phone, or at https://x.y", "Connected"),
        ] {
            assert_eq!(kind(line).as_deref(), Some(expected), "{line}");
        }
    }

    #[test]
    fn without_an_advice_it_is_the_users_decision() {
        for (reason, expected) in [
            ("another connection took over this session (usually another device)", "TakenOver"),
            ("this connection is no longer the active worker for the session (code 4090)", "TakenOver"),
            ("this session is bound to another device", "TakenOver"),
            ("this session was ended or archived from another device or app (code 4090)", "EndedElsewhere"),
            ("this session moved to another region with its organization (code 4090)", "EndedElsewhere"),
            ("the server no longer reports this session — it may have been deleted", "NotFound"),
            ("Transport closed: session not found on server (code 404)", "NotFound"),
            ("session can't use Remote Control. Start a new one.", "UsersDecision"),
            ("the session refused a request, so signing in again won't fix it", "UsersDecision"),
            (
                "Remote Control got an unexpected server response — try again after updating Claude Code",
                "UsersDecision",
            ),
            ("Signed out of Claude — run /login, then /remote-control", "UsersDecision"),
            ("Claude.ai login expired — run /login to restore Remote Control", "UsersDecision"),
            ("something that nobody has read so far", "UsersDecision"),
            ("disabled after repeated failures · restart to retry", "NeedsRestart"),
        ] {
            let line = format!("Remote Control disconnected — {reason}");
            assert_eq!(kind(&line).as_deref(), Some(expected), "{line}");
        }
    }

    #[test]
    fn with_an_advice_it_is_asked_for_again() {
        for line in [
            "Remote Control disconnected — Transport closed: session not found on server (code 404) — run /remote-control to reconnect",
            "Remote Control disconnected — Transport closed: server rejected connection (code 403) — run /remote-control to reconnect",
            "Remote Control disconnected — Transport recovery exhausted (code 4094) — run /remote-control to reconnect",
            "Remote Control disconnected — the session worker registration went stale — no active worker holds it (code 4090) \
             — run /remote-control to reconnect",
            "Remote Control disconnected — Remote Control server rejected the request (HTTP 409). Run /remote-control to retry, or \
             start a new session if it fails again.",
            "Remote Control disconnected — Couldn't reconnect to your Remote Control session. Retry, or start a fresh session \
             without --resume. — run /remote-control to reconnect",
            "Remote Control disconnected — a policy that nobody has read so far — run /remote-control to reconnect",
            "Remote Control disconnected · Transport closed: session not found on server (code 404)",
            "Remote Control failed · auth token expired",
        ] {
            assert_eq!(kind(line).as_deref(), Some("Failed"), "{line}");
        }
    }

    #[test]
    fn some_stay_the_users_with_an_advice() {
        for (line, expected) in [
            (
                "Remote Control disconnected — signed-in claude.ai account or organization changed on this machine — run \
                 /remote-control to start a session for the current account, or /login to switch back, then /remote-control",
                "UsersDecision",
            ),
            (
                "Remote Control not started here · another Claude Code on this machine (started 5m ago) already has Remote \
                 Control for this conversation · run /remote-control to move it to this terminal",
                "TakenOver",
            ),
            (
                "Remote Control disconnected: it was connected to a session with a share link, and this terminal is moving to \
                 another conversation. Run /remote-control to connect again.",
                "UsersDecision",
            ),
            (
                "Remote Control stopped — the app running this session is now signed in to a different Claude account",
                "UsersDecision",
            ),
            ("Trusted devices now required — run /remote-control to start a new session", "Unavailable"),
        ] {
            assert_eq!(kind(line).as_deref(), Some(expected), "{line}");
        }
    }

    #[test]
    fn other_lines_say_nothing() {
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

    #[test]
    fn rows_are_in_lower_case_and_say_where_they_were_read() {
        for text in &TEXTS {
            assert!(!text.words.is_empty() && text.version.starts_with("2."), "{:?}", text.words);
            assert!(text.words.iter().all(|words| words.to_lowercase() == **words), "{:?}", text.words);
        }
    }
}

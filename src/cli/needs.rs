//! What a session is doing, as a user sees it, and what it needs of its user.

use crate::escape::escape;
use crate::fleet::Session;
use crate::platform::process;
use crate::session::record::{Kind, State};
use crate::session::stamp;

/// The state that a user sees: one that has outlived its host is no state any more.
pub fn state(session: &Session) -> String {
    let record = &session.record;
    if session.is_coming {
        return if stamp::is_set(&session.directory) { "restarting" } else { "starting" }.into();
    }
    if !session.is_running && record.state != State::Stopped {
        return if has_rebooted(session) { "rebooted" } else { "crashed" }.into();
    }
    let state = serde_json::to_value(record.state).ok().and_then(|value| value.as_str().map(str::to_owned));
    let state = state.unwrap_or_default();
    match &record.status {
        Some(status) if record.state == State::Running => match is_expired(session) && status == "idle" {
            true => "expired".into(),
            false => escape(status).to_string(),
        },
        _ => state,
    }
}

/// What to do about a session that needs its user, or what it is about to do by itself.
pub fn hint(session: &Session) -> Option<String> {
    let record = &session.record;
    let word = session.word();
    if session.is_coming {
        return None;
    }
    if !session.is_running {
        let what = match record.state {
            State::Stopped => return None,
            State::Crashed => "claude crashed too often",
            _ if has_rebooted(session) => "the machine went down",
            _ => "its host was killed",
        };
        return Some(format!("{what}: cckw start {word} (or forget it: cckw rm {word})"));
    }
    if record.status.as_deref() == Some("waiting") && record.state == State::Running {
        let what = record.waiting_for.as_deref().map(|what| format!(" ({})", escape(what)));
        let what = what.unwrap_or_default();
        // A dialog that is open in a terminal was opened there.
        match record.client_pid {
            None => return Some(format!("it waits for you{what}: cckw attach {word}")),
            Some(_)
                if record.waiting_for.as_deref() == Some("permission prompt") && !record.restart_pending =>
            {
                return Some(format!("it waits for you{what} in its terminal"));
            }
            Some(_) => {}
        }
    }
    if record.state == State::Running && record.status.is_none() && record.kind == Kind::Conversation {
        return Some(
            "claude says nothing of what it does: it asks something first, or is too old for that".into(),
        );
    }
    if record.restart_pending {
        return Some(format!("it is restarted when it is idle; not to wait: cckw restart --now {word}"));
    }
    let lost = record.expired.as_deref().filter(|_| is_expired(session))?;
    Some(format!("a new conversation, for this one could not be opened: {}", escape(lost)))
}

/// Whether its conversation was lost, and nothing was said in the new one yet.
fn is_expired(session: &Session) -> bool {
    let record = &session.record;
    let begun = record.conversation.as_ref().is_some_and(|open| record.with_transcript.contains(open));
    record.expired.is_some() && !begun
}

/// Whether it was the end of the machine that ended it.
fn has_rebooted(session: &Session) -> bool {
    let record = &session.record;
    record.state != State::Crashed && record.boot.is_some() && record.boot != process::boot()
}

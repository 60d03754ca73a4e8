//! What a session is doing, as a user sees it, and what it needs of its user.

use std::ffi::OsString;
use std::path::PathBuf;

use nix::unistd::Pid;

use super::last_turn;
use super::older_host;
use super::removed_program;
use crate::claude::state_file::is_rest;
use crate::claude::transcript::failure::{ApiFailure, FailureKind};
use crate::claude::unwritten;
use crate::config;
use crate::escape::escape;
use crate::os::process;
use crate::paths;
use crate::registry;
use crate::registry::last_claude;
use crate::registry::lost::is_lost;
use crate::registry::record::{SessionKind, SessionState, now};
use crate::registry::recovery_marker;
use crate::registry::service_state;
use crate::registry::stop_marker;
use crate::registry::{Session, SilentHost};
use crate::user_error;
use crate::user_error::system_limits::System;

/// For how long the last notice is shown, in seconds. It says the time of day, and no date.
const NOTICE_AGE: u64 = 24 * 60 * 60;
/// How much of a question is in a hint, in characters. The first sentences are that long, and what follows explains.
const MAX_QUESTION_CHARS: usize = 100;

/// How a session has ended, in words.
pub fn how_it_ended(session: &Session) -> String {
    let record = &session.record;
    match (&record.given_up, record.exit) {
        (Some(given_up), _) => given_up.clone(),
        (None, Some(exit)) => format!("{} (exit status {})", state(session), exit.status()),
        (None, None) => state(session),
    }
}

/// The state that a user sees: one that has outlived its host is no state any more.
pub fn state(session: &Session) -> String {
    let record = &session.record;
    if SilentHost::known(session).is_some() {
        return "hung".into();
    }
    if session.is_coming {
        return if recovery_marker::is_set(&session.directory) { "restarting" } else { "starting" }.into();
    }
    if session.is_unreachable {
        return "unreachable".into();
    }
    if session.damage.is_some() {
        return "unreadable".into();
    }
    if !session.is_running && record.state != SessionState::Stopped {
        return match () {
            () if has_rebooted(session) => "rebooted",
            () if was_terminated(session) => "terminated",
            () => "crashed",
        }
        .into();
    }
    // Where it cannot write its state file, it never says that it has come up.
    if record.state == SessionState::Starting
        && record.child_pid.is_some()
        && state_file_obstacle(session).is_some()
    {
        return "running".into();
    }
    let state = serde_json::to_value(record.state).ok().and_then(|value| value.as_str().map(str::to_owned));
    let state = state.unwrap_or_default();
    match &record.status {
        Some(status) if record.state == SessionState::Running => {
            match (is_expired(session) && status == "idle", last_turn::failure(session)) {
                (true, _) => "expired".into(),
                (false, Some(failure)) => last_turn::state(failure).into(),
                (false, None) => escape(status).to_string(),
            }
        }
        None if record.state == SessionState::Running && record.asks_first.is_some() => "asks".into(),
        _ => state,
    }
}

/// What to do about a session that needs its user, or what it is about to do by itself.
pub fn hint(session: &Session) -> Option<String> {
    let record = &session.record;
    let word = session.word();
    if let Some(host) = SilentHost::known(session) {
        return Some(host.to_string());
    }
    if session.is_coming {
        return None;
    }
    if session.is_unreachable {
        return Some(registry::why_unreachable(session).to_string());
    }
    if let Some(damage) = &session.damage {
        let error = if session.is_running {
            user_error::session::damaged_and_runs(damage, &word)
        } else {
            user_error::session::damaged_and_ended(damage, &word)
        };
        return Some(error.to_string());
    }
    if !session.is_running {
        if let Some(conversation) =
            record.missing.as_deref().filter(|_| record.state != SessionState::Stopped)
        {
            return Some(missing(session, conversation));
        }
        let what = match record.state {
            SessionState::Stopped => return None,
            SessionState::Crashed => record.given_up.as_deref().unwrap_or("claude crashed too often"),
            _ if has_rebooted(session) => "the machine went down",
            _ if was_terminated(session) => "it was told to end (SIGTERM)",
            _ if recovery_marker::is_given_up(&session.directory) => {
                "its host died again and again, or did not come up, so the service leaves it alone (cckw logs says more)"
            }
            _ if is_tried_again(session) => {
                "its host was killed, and the one after it too; the service brings it back in a moment; to do it at once"
            }
            _ => "its host was killed",
        };
        let what = escape(what);
        if let Some(gone) = gone_directory(session) {
            return Some(format!("{what}; {gone} (or forget it: cckw rm {word})"));
        }
        if waits_for_fg(session) {
            return Some(format!(
                "{what}: fg in its terminal brings it back (or, to have it elsewhere: cckw start {word}; cckw attach {word})"
            ));
        }
        if is_tried_again(session) {
            return Some(format!("{what}: cckw start {word}"));
        }
        if record.broken_turn.is_some() || record.is_in_turn() {
            return Some(format!(
                "{what}, in a turn: cckw start {word} (to go on with the turn as well: cckw continue {word}; or forget it: cckw rm {word})"
            ));
        }
        return Some(format!("{what}: cckw start {word} (or forget it: cckw rm {word})"));
    }
    if let Some(trouble) = trouble(session) {
        return Some(trouble);
    }
    if let Some(other) = &record.also_open {
        return Some(format!(
            "its conversation is open in {} too, and each loses what the other says; leave one of them",
            escape(other)
        ));
    }
    if record.state_file_removed {
        return Some(format!(
            "claude's state file was removed, so what it does is not known; to repair this: cckw restart --now \
             {word}"
        ));
    }
    if record.state_file_unread {
        return Some("claude's state file says nothing (it is empty, cut, or not to be read), so what claude does is not known".into());
    }
    if record.status.as_deref() == Some("waiting") && record.state == SessionState::Running {
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
    if let Some(failure) = last_turn::failure(session) {
        return Some(failed(failure, &word));
    }
    if record.broken_turn.is_some() && record.status.as_deref().is_some_and(is_rest) {
        return Some(format!("its last turn broke off; to go on with it: cckw continue {word}"));
    }
    if record.state == SessionState::Running
        && record.status.is_none()
        && record.kind == SessionKind::Conversation
    {
        return Some(match (&record.asks_first, record.client_pid) {
            (Some(question), None) => {
                let question = escape(&beginning(question)).to_string();
                format!("it asks something before it begins ({question}): cckw attach {word}")
            }
            (Some(_), Some(_)) => "it asks something before it begins, in its terminal".into(),
            (None, _) => {
                "claude does not say what it does: it asks something first, or is too old for this".into()
            }
        });
    }
    if record.restart_pending {
        return Some(format!(
            "it is restarted when it is idle; to restart it at once: cckw restart --now {word}"
        ));
    }
    if let Some(removed) = removed_program::hint(session) {
        return Some(removed);
    }
    if record.unwatched {
        return Some(format!(
            "what claude does may be seen late: the system has no watcher left for its host ({})",
            System::HERE.names_of_watches()
        ));
    }
    if let Some(lost) = record.expired.as_deref().filter(|_| is_expired(session)) {
        return Some(format!("a new conversation, because this one could not be opened: {}", escape(lost)));
    }
    if let Some(older) = older_host::hint(session) {
        return Some(older);
    }
    let notice = record.notice.as_ref().filter(|notice| now().saturating_sub(notice.at) < NOTICE_AGE)?;
    Some(escape(&notice.text).to_string())
}

/// The state as a table shows it: with the time at which a limit is over.
pub fn shown_state(session: &Session) -> String {
    let state = state(session);
    let until = last_turn::failure(session).filter(|_| state == "limited").and_then(last_turn::limited_until);
    until.and_then(last_turn::moment).map_or_else(|| state.clone(), |until| format!("{state} until {until}"))
}

/// What to do about a session whose last turn ended in an error.
fn failed(failure: &ApiFailure, word: &str) -> String {
    let status = failure.status.map(|status| format!(", status {status}")).unwrap_or_default();
    let text = last_turn::first_line(&failure.text).map(|text| format!(": {}", escape(text)));
    let text = text.unwrap_or_default();
    let what = format!("its last turn failed ({}{status}){text}", failure.kind.word());
    match failure.kind {
        FailureKind::RateLimit => match last_turn::limited_until(failure).and_then(last_turn::moment) {
            Some(until) => format!("{what}; after {until}, to go on: cckw continue {word}"),
            None => format!("{what}; to try again: cckw continue {word}"),
        },
        FailureKind::Unauthorized => {
            format!("{what}; to log in or set another key: cckw attach {word}")
        }
        FailureKind::Overloaded | FailureKind::ServerError | FailureKind::Network => {
            format!("{what}; to try again: cckw continue {word}")
        }
        FailureKind::Billing | FailureKind::InvalidRequest | FailureKind::Other => {
            format!("{what}; to see it: cckw attach {word}")
        }
    }
}

/// What of a session that runs is not saved, or cannot be known, and why.
pub fn trouble(session: &Session) -> Option<String> {
    let record = &session.record;
    let word = session.word();
    if !session.is_running {
        return None;
    }
    let is_cut = record.transcript_cut;
    if let Some(problem) = &record.transcript_problem {
        let lost = if is_cut { "; a restart would lose the whole conversation" } else { "" };
        return Some(format!(
            "what is said there is not saved: {}{lost}; what it shows: cckw screen {word}",
            escape(problem)
        ));
    }
    if is_cut {
        return Some(format!(
            "its transcript was removed or cut, so only its claude has in memory what was said before, and a restart would \
             lose that: go on in it ({}); what it shows: cckw screen {word}",
            match record.client_pid {
                Some(_) => "in its terminal".into(),
                None => format!("cckw attach {word}"),
            }
        ));
    }
    let knows = record.status.is_some() && !record.state_file_unread;
    if knows || record.state_file_removed {
        return None;
    }
    let why = state_file_obstacle(session)?;
    Some(format!(
        "claude runs, but it cannot write its state file and transcript, so what it does is not known, and what is said there may \
         not be saved: {why}"
    ))
}

/// What keeps claude from writing its state file, where a conversation is kept that has begun to run.
fn state_file_obstacle(session: &Session) -> Option<String> {
    let record = &session.record;
    if !session.is_running
        || record.kind != SessionKind::Conversation
        || !matches!(record.state, SessionState::Starting | SessionState::Running)
    {
        return None;
    }
    unwritten::state_file_obstacle(&PathBuf::from(OsString::from(record.claude_dir.clone()?)))
}

/// What to do about a session that has no host, and whose directory is gone: it cannot be started there.
/// Where the transcript is there, the conversation can be opened anywhere.
pub fn gone_directory(session: &Session) -> Option<String> {
    let record = &session.record;
    let cwd = PathBuf::from(OsString::from(record.cwd.clone()));
    if session.has_host() || cwd.as_os_str().is_empty() || last_claude::directory(record).is_some() {
        return None;
    }
    let id = record.conversation.as_deref().filter(|id| last_claude::can_be_resumed(record, id));
    let elsewhere = id.map_or_else(String::new, |id| format!("; to go on elsewhere: claude --resume {id}"));
    Some(format!(
        "its directory {} is gone: make it again, then: cckw start {}{elsewhere}",
        escape(&cwd),
        session.word()
    ))
}

/// Whether the host of a session was killed while its client was stopped (ctrl-z): `fg` brings it back.
pub fn waits_for_fg(session: &Session) -> bool {
    let record = &session.record;
    let client = record.client_pid.filter(|_| !session.has_host() && record.ended_at.is_none());
    let client =
        client.filter(|_| record.client_lives()).and_then(|pid| process::look_up(Pid::from_raw(pid)));
    client.is_some_and(|client| client.stopped)
}

/// Nobody has decided that the conversation of this session is given up.
fn missing(session: &Session, conversation: &str) -> String {
    let place = session.record.claude_dir.clone().map(|dir| PathBuf::from(OsString::from(dir)));
    let place = place.map_or_else(String::new, |place| format!(" in {}", escape(&place)));
    format!(
        "its conversation {} was not found{place}, so it was left as it is; put it back, then: cckw start {word} (without it, that \
         begins a new one)",
        escape(conversation),
        word = session.word()
    )
}

/// Whether its conversation was lost, and nothing was said in the new one yet.
fn is_expired(session: &Session) -> bool {
    let record = &session.record;
    let begun = record.conversation.as_ref().is_some_and(|open| record.with_transcript.contains(open));
    record.expired.is_some() && !begun
}

/// Whether the service waits before it brings it back once more.
fn is_tried_again(session: &Session) -> bool {
    let record = &session.record;
    recovery_marker::is_of_this_boot(&session.directory)
        && paths::state_dir().is_ok_and(|state| service_state::is_running(&state))
        && config::load().is_ok_and(|config| is_lost(record, config.on_hangup))
}

/// Whether it was told to end by SIGTERM: everything was, or its login has ended.
fn was_terminated(session: &Session) -> bool {
    let record = &session.record;
    let told = record.ended_at.is_none() && stop_marker::is_set(&session.directory);
    record.state == SessionState::Terminated || told
}

/// Whether it was the end of the machine that ended it.
fn has_rebooted(session: &Session) -> bool {
    let record = &session.record;
    record.state != SessionState::Crashed && record.boot.is_some() && record.boot != process::boot()
}
/// The beginning of a question that is longer than a hint should be.
fn beginning(question: &str) -> String {
    match question.char_indices().nth(MAX_QUESTION_CHARS) {
        Some((end, _)) => format!("{}\u{2026}", question[..end].trim_end()),
        None => question.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_question_does_not_fill_the_list() {
        assert_eq!(beginning("Trust it?"), "Trust it?");
        assert_eq!(beginning(&"é".repeat(1000)), "é".repeat(MAX_QUESTION_CHARS) + "\u{2026}");
    }
}

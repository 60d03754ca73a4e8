//! `cckw list`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use super::output::{fail, print};
use crate::claude::installed;
use crate::escape::escape;
use crate::fleet::{self, Session};
use crate::platform::process;
use crate::session::record::{State, now};

/// Prints the sessions: those that run, with `all` the ended ones too; as a table, or one JSON object a line.
pub fn main(all: bool, as_json: bool) -> ExitCode {
    let sessions = match fleet::sessions() {
        Ok(sessions) => sessions,
        Err(error) => return fail(&error.to_string()),
    };
    if as_json {
        let shown = sessions.iter().filter(|session| all || shown_by_default(session));
        return print(&shown.map(|session| format!("{}\n", line(session))).collect::<String>());
    }
    print(&format!("{}\n", table(&sessions, all).join("\n")))
}

/// What runs, and what should: a session that never said its end needs somebody.
fn shown_by_default(session: &Session) -> bool {
    session.is_running || session.record.state != State::Stopped
}

/// The state that a user sees: one that has outlived its host is no state any more.
fn state(session: &Session) -> String {
    let record = &session.record;
    if !session.is_running && record.state != State::Stopped {
        return if has_rebooted(session) { "rebooted" } else { "crashed" }.into();
    }
    let state = serde_json::to_value(record.state).ok().and_then(|value| value.as_str().map(str::to_owned));
    let state = state.unwrap_or_default();
    match &record.status {
        Some(status) if record.state == State::Running => escape(status).to_string(),
        _ => state,
    }
}

/// Whether it was the end of the machine that ended it.
fn has_rebooted(session: &Session) -> bool {
    let record = &session.record;
    record.state != State::Crashed && record.boot.is_some() && record.boot != process::boot()
}

fn line(session: &Session) -> serde_json::Value {
    let record = &session.record;
    json!({
        "name": session.name,
        "session": record.session,
        "conversation": record.conversation,
        "state": state(session),
        "running": session.is_running,
        "attached": session.is_running && record.client_pid.is_some(),
        "cwd": record.cwd,
        "started_at": record.started_at,
        "ended_at": record.ended_at,
        "restarts": record.restarts,
        "exit": record.exit,
        "remote_control": record.remote,
        "hint": hint(session),
        "claude_version": record.claude_version,
        "newer_installed": newer(session),
        "host_pid": record.host_pid,
        "claude_pid": record.claude_pid,
    })
}

/// The table of the sessions, a string a line. Under a session that needs its user stands what to do.
pub fn table(sessions: &[Session], all: bool) -> Vec<String> {
    let shown: Vec<&Session> = sessions.iter().filter(|session| all || shown_by_default(session)).collect();
    if shown.is_empty() {
        return vec!["no sessions; `cckw claude` starts one".into()];
    }
    let head = ["NAME", "STATE", "TERMINAL", "UPTIME", "RESTARTS", "CLAUDE", "DIRECTORY"].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(head).chain(shown.iter().map(|session| row(session))).collect();
    let hints = std::iter::once(None).chain(shown.iter().map(|session| hint(session)));
    let with_hint = |(line, hint): (String, Option<String>)| {
        std::iter::once(line).chain(hint.map(|hint| format!("  {hint}")))
    };
    super::table::align(&rows).into_iter().zip(hints).flat_map(with_hint).collect()
}

/// What to do about a session that needs its user.
fn hint(session: &Session) -> Option<String> {
    let record = &session.record;
    if session.is_running {
        let waits = record.status.as_deref() == Some("waiting") && record.client_pid.is_none();
        return waits.then(|| format!("it waits for you: cckw attach {}", session.word()));
    }
    if record.state == State::Stopped {
        return None;
    }
    let what = match record.state {
        State::Crashed => "claude crashed and was given up",
        _ if has_rebooted(session) => "the machine was started anew",
        _ => "its host is gone",
    };
    let word = session.word();
    Some(format!("{what}; bring it back with: cckw start {word}; or forget it: cckw rm {word}"))
}

fn row(session: &Session) -> [String; 7] {
    let record = &session.record;
    let attached = match (session.is_running, record.client_pid) {
        (true, Some(_)) => "attached",
        (true, None) => "detached",
        (false, _) => "-",
    };
    let seconds = record.ended_at.unwrap_or_else(now).saturating_sub(record.started_at);
    let cwd = PathBuf::from(OsString::from(record.cwd.clone()));
    [
        escape(&session.name).to_string(),
        state(session),
        attached.into(),
        duration(seconds),
        record.restarts.to_string(),
        version(session),
        escape(&cwd).to_string(),
    ]
}

/// Claude's version, and a newer one that a start would take by now.
fn version(session: &Session) -> String {
    let Some(version) = &session.record.claude_version else { return "-".into() };
    match newer(session) {
        Some(newer) => format!("{} ({} installed)", escape(version), escape(&newer)),
        None => escape(version).to_string(),
    }
}

/// The version that is installed where a session that runs was started from, if it is newer.
fn newer(session: &Session) -> Option<String> {
    let running = session.record.claude_version.as_deref().filter(|_| session.is_running)?;
    let program = PathBuf::from(OsString::from(session.record.program.clone()));
    installed::version(&program).filter(|installed| installed::is_newer(installed, running))
}

fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86400 => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d{:02}h", seconds / 86400, seconds % 86400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_as_long_as_they_need_to_be() {
        let shown = [0, 59, 60, 3599, 3600, 86399, 86400, 200_000].map(duration);
        assert_eq!(shown, ["0s", "59s", "1m", "59m", "1h00m", "23h59m", "1d00h", "2d07h"]);
    }
}

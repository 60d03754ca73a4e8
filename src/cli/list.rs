//! `cckw list`.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::json;

use super::output::{fail, print};
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
    let shown: Vec<&Session> = sessions.iter().filter(|session| all || shown_by_default(session)).collect();
    if as_json {
        let lines: String = shown.iter().map(|session| format!("{}\n", line(session))).collect();
        return print(&lines);
    }
    if shown.is_empty() {
        return print("no sessions; `cckw claude` starts one\n");
    }
    print(&table(&shown))
}

/// What runs, and what should: a session that never said its end needs somebody.
fn shown_by_default(session: &Session) -> bool {
    session.is_running || session.record.state != State::Stopped
}

/// The state that a user sees: one that has outlived its host is no state any more.
fn state(session: &Session) -> String {
    let record = &session.record;
    if !session.is_running && !matches!(record.state, State::Stopped | State::Crashed) {
        let rebooted = record.boot.is_some() && record.boot != process::boot();
        return if rebooted { "rebooted" } else { "crashed" }.into();
    }
    let state = serde_json::to_value(record.state).ok().and_then(|value| value.as_str().map(str::to_owned));
    let state = state.unwrap_or_default();
    match &record.status {
        Some(status) if record.state == State::Running => escape(status).to_string(),
        _ => state,
    }
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
        "claude_version": record.claude_version,
        "host_pid": record.host_pid,
        "claude_pid": record.claude_pid,
    })
}

fn table(sessions: &[&Session]) -> String {
    let rows: Vec<[String; 6]> = sessions.iter().map(|session| row(session)).collect();
    let head = ["NAME", "STATE", "TERMINAL", "UPTIME", "CLAUDE", "DIRECTORY"].map(str::to_owned);
    let width = |column: usize| {
        std::iter::once(&head).chain(&rows).map(|row| row[column].chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..6).map(width).collect();
    let mut out = String::new();
    for (row, session) in
        std::iter::once((&head, None)).chain(rows.iter().zip(sessions.iter().map(|session| Some(*session))))
    {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        let _ = writeln!(out, "{}", cells.join("  ").trim_end());
        if let Some(hint) = session.and_then(hint) {
            let _ = writeln!(out, "  {hint}");
        }
    }
    out
}

/// What to do about a session that needs its user.
fn hint(session: &Session) -> Option<String> {
    let record = &session.record;
    if session.is_running {
        let waits = record.status.as_deref() == Some("waiting") && record.client_pid.is_none();
        return waits.then(|| format!("it waits for you: cckw attach {}", escape(&session.name)));
    }
    if matches!(record.state, State::Stopped | State::Crashed) {
        return None;
    }
    Some(format!("its host is gone; bring it back with: cckw start {}", escape(&session.name)))
}

fn row(session: &Session) -> [String; 6] {
    let record = &session.record;
    let attached = match (session.is_running, record.client_pid) {
        (true, Some(_)) => "attached",
        (true, None) => "detached",
        (false, _) => "-",
    };
    let seconds = record.ended_at.unwrap_or_else(now).saturating_sub(record.started_at);
    let cwd = std::path::PathBuf::from(std::ffi::OsString::from(record.cwd.clone()));
    [
        escape(&session.name).to_string(),
        state(session),
        attached.into(),
        duration(seconds),
        record.claude_version.as_deref().map_or_else(|| "-".into(), |version| escape(version).to_string()),
        escape(&cwd).to_string(),
    ]
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

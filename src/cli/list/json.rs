//! A session as `cckw list --json` has it.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;

use serde_json::Value;

use super::super::last_turn;
use super::super::older_host;
use super::super::removed_program;
use super::super::status::{hint, state};
use super::super::topic;
use crate::claude::transcript::turn::TurnStatus;
use crate::claude::version;
use crate::escape::json;
use crate::near_side;
use crate::os::clock::{self, LocalTime};
use crate::registry::Session;

/// The sessions as `--json` has them.
pub fn json_lines(sessions: &[&Session]) -> Vec<Value> {
    let mut installed = Installed::default();
    let known = sessions.iter().zip(topic::of_all(sessions)).zip(last_turn::of_all(sessions));
    known
        .map(|((session, about), turn)| line(session, about.as_deref(), turn.as_ref(), &mut installed))
        .collect()
}

/// One session as a JSON object in a line, as `--json` prints it.
pub fn json_line(session: &Session) -> String {
    let about = topic::of_all(&[session]).pop().flatten();
    let turn = last_turn::of(session);
    let line = line(session, about.as_deref(), turn.as_ref(), &mut Installed::default());
    format!("{}\n", json(&line.to_string()))
}

/// One session as a JSON object. `about` and `turn` are what its transcript says.
pub fn line(
    session: &Session,
    about: Option<&str>,
    turn: Option<&TurnStatus>,
    installed: &mut Installed,
) -> Value {
    let mut line = record_line(session, about, turn);
    line["hint"] = hint(session).into();
    line["newer_installed"] = installed.newer(session).into();
    line["host_outdated"] = older_host::is_older(session).into();
    line["program_removed"] = removed_program::is_removed(session).into();
    line
}

/// The same without what is looked up of its processes and programs, which takes most of the time.
pub fn record_line(session: &Session, about: Option<&str>, turn: Option<&TurnStatus>) -> Value {
    let record = &session.record;
    let limit = last_turn::failure(session).and_then(last_turn::limited_until);
    let mut line = serde_json::json!({
        "name": near_side::off(&session.name),
        "session": record.session,
        "conversation": record.conversation,
        "title": about,
        "kind": record.kind,
        "state": state(session),
        "running": session.is_running,
        "attached": session.is_running && record.client_pid.is_some(),
        "cwd": record.cwd,
        "started_at": record.started_at,
        "started": rfc3339(record.started_at),
        "ended_at": record.ended_at,
        "ended": record.ended_at.and_then(rfc3339),
        "last_used": session.last_used().and_then(rfc3339),
        "restarts": record.unasked_restarts(),
        "exit": record.exit,
        "waiting_for": record.waiting_for.as_ref().or(record.asks_first.as_ref()),
        "background_job": record.background_job,
        "transcript_problem": record.transcript_problem,
        "restart_pending": record.restart_pending,
        "expired": record.expired,
        "notice": record.notice,
        "remote_control": session.is_running.then_some(&record.remote),
        "claude_version": record.claude_version,
        "host_pid": record.host_pid,
        "claude_pid": record.claude_pid,
        "limited_until": limit.and_then(rfc3339),
    });
    if let (Some(line), Value::Object(turn)) = (line.as_object_mut(), turn_fields(turn)) {
        line.extend(turn);
        line.extend(near_side::machine().map(|machine| ("machine".to_owned(), machine.into())));
    }
    line
}

/// What is known of the last turn, by the names that `--json` has for it.
fn turn_fields(turn: Option<&TurnStatus>) -> Value {
    let known = TurnStatus::default();
    let turn = turn.unwrap_or(&known);
    serde_json::json!({
        "turn": last_turn::word(turn),
        "turn_error": turn.failure().map(|failure| serde_json::json!({
            "kind": failure.kind,
            "status": failure.status,
            "text": failure.text,
            "resets_at": failure.resets_at.and_then(rfc3339),
        })),
        "model": turn.model,
        "context_tokens": turn.context_tokens,
        "last_prompt": turn.last_prompt,
        "last_answer": turn.last_answer.as_deref().and_then(last_turn::first_line),
        "last_activity": turn.last_at.and_then(|at| rfc3339(at / 1000)),
        "git_branch": turn.git_branch,
    })
}

/// A time in seconds since 1970 as RFC 3339 has it, with the offset of the local time.
fn rfc3339(seconds: u64) -> Option<String> {
    LocalTime::at(seconds.checked_mul(1000)?).map(|time| time.rfc3339())
}

/// The state of a session that was printed as JSON, with the time at which a limit is over. The text is as it came.
pub fn shown_state_of(line: &Value) -> String {
    let state = line["state"].as_str().unwrap_or_default();
    let until = line["limited_until"].as_str().filter(|_| state == "limited").and_then(clock::seconds_of);
    match until.and_then(last_turn::moment) {
        Some(until) => format!("{state} until {until}"),
        None => state.to_owned(),
    }
}

/// The versions that are installed, by the program that sessions were started with: mostly one for all of
/// them.
#[derive(Default)]
pub struct Installed(HashMap<PathBuf, Option<String>>);

impl Installed {
    /// The version that is installed where a session that runs was started from, if it is newer.
    pub fn newer(&mut self, session: &Session) -> Option<String> {
        let running = session.record.claude_version.as_deref().filter(|_| session.is_running)?;
        let program = PathBuf::from(OsString::from(session.record.program.clone()));
        let version = self.0.entry(program).or_insert_with_key(|program| version::version(program));
        version.clone().filter(|installed| version::is_newer(installed, running))
    }
}

//! `cckw list`.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::output::{fail, print};
use super::status::{hint, state};
use crate::claude::version;
use crate::escape::{escape, json};
use crate::os::tty;
use crate::paths;
use crate::registry;
use crate::registry::Session;
use crate::registry::record::{SessionState, now};

const COLUMN_TITLES: [&str; 8] =
    ["NAME", "STATE", "RC", "TERMINAL", "UPTIME", "RESTARTS", "CLAUDE", "DIRECTORY"];
/// The columns that a narrow terminal does without, the first one first: RESTARTS, CLAUDE, UPTIME, RC.
const DISPENSABLE: [usize; 4] = [5, 6, 4, 2];
/// A directory is not shortened below this, in columns.
const MIN_DIRECTORY_COLUMNS: usize = 12;

/// Prints the sessions: those that run, with `all` the ended ones too; as a table, or one JSON object a line.
pub fn main(all: bool, as_json: bool) -> ExitCode {
    let mut sessions = match registry::sessions() {
        Ok(sessions) => sessions,
        Err(error) => return fail(&error),
    };
    registry::note_silent_hosts(&mut sessions);
    if as_json {
        let shown = sessions.iter().filter(|session| all || shown_by_default(session));
        let mut installed = Installed::default();
        return print(
            &shown
                .map(|session| format!("{}\n", json(&line(session, &mut installed).to_string())))
                .collect::<String>(),
        );
    }
    let columns = io::stdout().is_terminal().then(|| tty::size(io::stdout()).ok()).flatten();
    let columns = columns.map(|size| usize::from(size.columns)).filter(|columns| *columns > 0);
    print(&format!("{}\n", table(&sessions, all, columns).join("\n")))
}

/// What runs, and what should: a session that never said its end needs somebody.
fn shown_by_default(session: &Session) -> bool {
    session.has_host() || session.damage.is_some() || session.record.state != SessionState::Stopped
}

fn line(session: &Session, installed: &mut Installed) -> serde_json::Value {
    let record = &session.record;
    serde_json::json!({
        "name": session.name,
        "session": record.session,
        "conversation": record.conversation,
        "kind": record.kind,
        "state": state(session),
        "running": session.is_running,
        "attached": session.is_running && record.client_pid.is_some(),
        "cwd": record.cwd,
        "started_at": record.started_at,
        "ended_at": record.ended_at,
        "restarts": record.restarts,
        "exit": record.exit,
        "waiting_for": record.waiting_for,
        "background_job": record.background_job,
        "transcript_problem": record.transcript_problem,
        "restart_pending": record.restart_pending,
        "expired": record.expired,
        "remote_control": session.is_running.then_some(&record.remote),
        "hint": hint(session),
        "claude_version": record.claude_version,
        "newer_installed": installed.newer(session),
        "host_pid": record.host_pid,
        "claude_pid": record.claude_pid,
    })
}

/// The table of the sessions, a string a line. Under a session that needs its user stands what to do. On a
/// terminal it is made to fit into that many columns, as far as it can.
pub fn table(sessions: &[Session], all: bool, columns: Option<usize>) -> Vec<String> {
    let mut shown: Vec<&Session> =
        sessions.iter().filter(|session| all || shown_by_default(session)).collect();
    // What is of interest stands last, where the reader is: of a thousand sessions most have ended.
    shown.sort_by_key(|session| shown_by_default(session));
    if shown.is_empty() {
        return vec!["no sessions; `cckw claude` starts one".into()];
    }
    let mut installed = Installed::default();
    let newer: Vec<_> = shown.iter().map(|session| installed.newer(session)).collect();
    let home = columns.and_then(|_| paths::home());
    let bodies =
        shown.iter().zip(&newer).map(|(session, newer)| row(session, newer.is_some(), home.as_deref()));
    let rows: Vec<_> = std::iter::once(COLUMN_TITLES.map(str::to_owned)).chain(bodies).collect();
    let hints = std::iter::once(None).chain(shown.iter().map(|session| hint(session)));
    let with_hint = |(line, hint): (String, Option<String>)| {
        std::iter::once(line).chain(hint.map(|hint| format!("  {hint}")))
    };
    let lines = match columns {
        Some(columns) => super::table::fit(&rows, columns, MIN_DIRECTORY_COLUMNS, &DISPENSABLE),
        None => super::table::align(&rows),
    };
    let newer: BTreeSet<String> = newer.into_iter().flatten().collect();
    lines.into_iter().zip(hints).flat_map(with_hint).chain(footnote(&newer)).collect()
}

/// What the star behind a version means.
fn footnote(newer: &BTreeSet<String>) -> Option<String> {
    let versions: Vec<String> = newer.iter().map(|version| escape(version).to_string()).collect();
    let take = "to take it: cckw restart SESSION, or --all";
    (!versions.is_empty()).then(|| format!("* {} is installed; {take}", versions.join(", ")))
}

fn row(session: &Session, newer: bool, home: Option<&Path>) -> [String; 8] {
    let record = &session.record;
    let attached = match (session.is_running, record.client_pid) {
        (true, Some(_)) => "attached",
        (true, None) => "detached",
        (false, _) => "-",
    };
    let end = record.ended_at.or_else(|| session.is_running.then(now));
    let cwd = PathBuf::from(OsString::from(record.cwd.clone()));
    [
        escape(&session.name).to_string(),
        state(session),
        remote(session).filter(|remote| remote != "unknown").unwrap_or_else(|| "-".into()),
        attached.into(),
        end.map_or_else(|| "-".into(), |end| duration(end.saturating_sub(record.started_at))),
        record.restarts.to_string(),
        version(session, newer),
        escape(&below_home(cwd, home)).to_string(),
    ]
}

/// A path as a shell's user would write it.
fn below_home(path: PathBuf, home: Option<&Path>) -> PathBuf {
    match home.and_then(|home| path.strip_prefix(home).ok()) {
        Some(rest) if rest.as_os_str().is_empty() => "~".into(),
        Some(rest) => Path::new("~").join(rest),
        None => path,
    }
}

/// Remote control, as the record of a session that runs has it.
fn remote(session: &Session) -> Option<String> {
    let state = serde_json::to_value(session.record.remote.state).ok().filter(|_| session.is_running)?;
    state.as_str().map(str::to_owned)
}

/// Claude's version, and whether a newer one is installed.
fn version(session: &Session, newer: bool) -> String {
    let Some(version) = &session.record.claude_version else { return "-".into() };
    format!("{}{}", escape(version), if newer { "*" } else { "" })
}

/// The versions that are installed, by the program that sessions were started with: mostly one for all of
/// them.
#[derive(Default)]
struct Installed(HashMap<PathBuf, Option<String>>);

impl Installed {
    /// The version that is installed where a session that runs was started from, if it is newer.
    fn newer(&mut self, session: &Session) -> Option<String> {
        let running = session.record.claude_version.as_deref().filter(|_| session.is_running)?;
        let program = PathBuf::from(OsString::from(session.record.program.clone()));
        let version = self.0.entry(program).or_insert_with_key(|program| version::version(program));
        version.clone().filter(|installed| version::is_newer(installed, running))
    }
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

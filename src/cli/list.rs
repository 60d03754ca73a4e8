//! `cckw list`.

mod host_watch;
mod json;
mod known;
pub(super) mod pace;
mod row;
pub(super) mod tracker;
pub mod watch_json;

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::colours::Colours;
use super::columns;
use super::columns::Column;
use super::output::{columns, fail, print};
use super::removed_program;
use super::status::{hint, shown_state, state};
use super::topic;
use crate::escape::escape;
use crate::machines::store;
use crate::near_side;
use crate::os::clock::LocalTime;
use crate::paths;
use crate::registry;
use crate::registry::Session;
use crate::registry::record::{SessionState, now};
use crate::update::{auto, trial};
use crate::user_error::UserError;

pub use json::json_line;
pub(super) use json::shown_state_of;
use json::{Installed, json_lines};
pub(super) use row::{COLUMN_TITLES, ListRow, MIN_ABOUT_COLUMNS, MIN_DIRECTORY_COLUMNS, fit_rows};

/// How long the list says that a new cckw was not kept, in seconds.
const REVERTED_SHOWN: u64 = 7 * 24 * 60 * 60;

/// Prints the sessions: those that run, with `all` the ended ones too; as a table, or one JSON object a line.
pub fn main(all: bool, as_json: bool, chosen: &[Column]) -> ExitCode {
    let mut sessions = match registry::sessions() {
        Ok(sessions) => sessions,
        Err(error) => return fail(&error),
    };
    registry::note_silent_hosts(&mut sessions);
    if as_json {
        let lines = json_lines(&shown(&sessions, all));
        let lines = lines.iter().map(|line| format!("{}\n", crate::escape::json(&line.to_string())));
        return print(&lines.collect::<String>());
    }
    print(&format!("{}\n", table(&sessions, all, chosen, columns()).join("\n")))
}

/// The sessions that are listed, as `--json` has them.
///
/// # Errors
/// When there is no state directory.
pub fn lines(all: bool) -> Result<Vec<serde_json::Value>, UserError> {
    let mut sessions = registry::sessions()?;
    registry::note_silent_hosts(&mut sessions);
    Ok(json_lines(&shown(&sessions, all)))
}

/// The sessions that are listed. All of them come newest first: those that run, then by when they were used
/// last.
fn shown(sessions: &[Session], all: bool) -> Vec<&Session> {
    if !all {
        return sessions.iter().filter(|session| shown_by_default(session)).collect();
    }
    let mut shown: Vec<&Session> = sessions.iter().collect();
    shown.sort_by_cached_key(|session| {
        let last_used = session.last_used().unwrap_or(u64::MAX);
        Reverse((last_used, session.record.started_at))
    });
    shown
}

/// What runs, and what should: a session that never said its end needs somebody.
fn shown_by_default(session: &Session) -> bool {
    session.has_host() || session.damage.is_some() || session.record.state != SessionState::Stopped
}

/// The table of the sessions, a string a line. Under a session that needs its user stands what to do. On a
/// terminal it is made to fit into that many columns, as far as it can. With `chosen` columns there is nothing
/// else in it.
pub fn table(sessions: &[Session], all: bool, chosen: &[Column], columns: Option<usize>) -> Vec<String> {
    let shown = shown(sessions, all);
    if shown.is_empty() {
        return std::iter::once(nothing_to_show(sessions.len()))
            .chain(elsewhere())
            .chain(own_news())
            .collect();
    }
    let colours = Colours::of_stdout();
    let mut installed = Installed::default();
    let newer: Vec<_> = shown.iter().map(|session| installed.newer(session)).collect();
    let home = columns.and_then(|_| paths::home());
    let about = topic::beside_names(&shown);
    let rows: Vec<ListRow> = shown
        .iter()
        .zip(&newer)
        .zip(about)
        .map(|((session, newer), about)| row(session, newer.is_some(), home.as_deref(), about))
        .collect();
    if !chosen.is_empty() {
        let cells = rows.iter().map(|row| row.cells(colours)).collect();
        return columns::table(chosen, &COLUMN_TITLES, cells, &json_lines(&shown), columns);
    }
    // Where the program was removed, the hint says what to do.
    let newer = shown.iter().zip(newer).filter(|(session, _)| removed_program::hint(session).is_none());
    let newer: BTreeSet<String> = newer.filter_map(|(_, newer)| newer).collect();
    fit_rows(&rows, all, columns, colours).into_iter().chain(footnote(&newer)).chain(own_news()).collect()
}

/// How to see the sessions of other machines, if the user has named some.
fn elsewhere() -> Option<String> {
    let machines = near_side::get().is_none() && store::load().is_ok_and(|machines| !machines.is_empty());
    machines.then(|| "on your machines: cckw list --on all".into())
}

/// What stands in the place of a table of nothing, where so many sessions have ended.
fn nothing_to_show(ended: usize) -> String {
    match ended {
        0 => "no sessions; `cckw claude` starts one".into(),
        1 => {
            "no session runs; `cckw list --all` shows the one that has ended, `cckw claude` starts one".into()
        }
        _ => format!(
            "no session runs; `cckw list --all` shows the {ended} that have ended, `cckw claude` starts one"
        ),
    }
}

/// What the star behind a version means.
fn footnote(newer: &BTreeSet<String>) -> Option<String> {
    let versions: Vec<String> = newer.iter().map(|version| escape(version).to_string()).collect();
    let take = "to take it: cckw restart SESSION, or --all";
    (!versions.is_empty()).then(|| format!("* {} is installed; {take}", versions.join(", ")))
}

/// That a new cckw did not work here, for a while; or that there is one.
fn own_news() -> Option<String> {
    reverted().or_else(|| Some(format!("cckw {} is available; to take it: cckw update", auto::available()?)))
}

fn reverted() -> Option<String> {
    let swap = trial::reverted().filter(|swap| now().saturating_sub(swap.at_ms / 1000) < REVERTED_SHOWN)?;
    Some(format!(
        "cckw {} did not work here, and {} is installed again; see: cckw doctor",
        swap.release, swap.previous
    ))
}

fn row(session: &Session, newer: bool, home: Option<&Path>, about: Option<String>) -> ListRow {
    let record = &session.record;
    let cwd = PathBuf::from(OsString::from(record.cwd.clone()));
    let terminal = match (session.is_running, record.client_pid) {
        (true, Some(_)) => "attached",
        (true, None) => "detached",
        (false, _) => "-",
    };
    let remote = remote(session).filter(|remote| remote != "unknown");
    ListRow {
        name: session.name.clone(),
        state: state(session),
        shown_state: shown_state(session),
        remote: remote.unwrap_or_else(|| "-".into()),
        terminal: terminal.into(),
        uptime: uptime(record.started_at, record.ended_at, session.is_running),
        restarts: record.unasked_restarts().to_string(),
        claude: version(session, newer),
        last_used: last_used(session),
        directory: escape(&below_home(cwd, home)).to_string(),
        about,
        hint: hint(session),
    }
}

/// How long a session ran, or has run until now.
pub(super) fn uptime(started_at: u64, ended_at: Option<u64>, is_running: bool) -> String {
    let end = ended_at.or_else(|| is_running.then(now));
    end.map_or_else(|| "-".into(), |end| duration(end.saturating_sub(started_at)))
}

/// When a session was used last, in local time, to the minute.
fn last_used(session: &Session) -> String {
    match session.last_used() {
        None => "now".into(),
        Some(seconds) => {
            let time = seconds.checked_mul(1000).and_then(LocalTime::at);
            time.map_or_else(|| "-".into(), |time| time.to_the_minute())
        }
    }
}

/// A path as a shell's user would write it.
pub(super) fn below_home(path: PathBuf, home: Option<&Path>) -> PathBuf {
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

/// A time in seconds, as short as it can be said.
pub(super) fn duration(seconds: u64) -> String {
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

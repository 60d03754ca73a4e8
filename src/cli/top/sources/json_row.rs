//! A row of what `cckw list --json` says about a session, here or on another machine.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::cli::list;
use crate::cli::top::row::{Kind, Row, RowId, Source, Urgency};
use crate::escape::escape;
use crate::os::clock;
use crate::os::text::LosslessText;

/// The states in which a session cannot go on, or does not, without its user.
const NEEDS_USER: [&str; 12] = [
    "asks",
    "crashed",
    "expired",
    "failed",
    "hung",
    "limited",
    "rebooted",
    "terminated",
    "unauthorized",
    "unreachable",
    "unreadable",
    "waiting",
];
/// Those in which something goes on.
const WORKS: [&str; 3] = ["busy", "restarting", "starting"];

/// The row of a session; nothing where it has no id. `home` is the home directory of the machine it is on, if that is
/// known.
pub fn row_of(source: &Source, line: &Value, home: Option<&Path>) -> Option<Row> {
    let text = |key: &str| line[key].as_str().map(str::to_owned);
    let number = |key: &str| line[key].as_u64();
    let at = |key: &str| line[key].as_str().and_then(clock::seconds_of);
    let is_running = line["running"].as_bool().unwrap_or_default();
    let name = text("name").unwrap_or_default();
    Some(Row {
        id: RowId { source: source.clone(), id: text("session")? },
        kind: Kind::Session,
        urgency: urgency(line),
        state: text("state").unwrap_or_default(),
        shown_state: list::shown_state_of(line),
        hint: text("hint"),
        title: text("title").filter(|title| *title != name).or_else(|| text("last_prompt")),
        directory: directory(&line["cwd"], home),
        attached: line["attached"].as_bool().filter(|_| is_running),
        running: is_running,
        remote: line["remote_control"]["state"]
            .as_str()
            .filter(|state| *state != "unknown")
            .map(str::to_owned),
        active_at: at("last_activity").or_else(|| at("last_used")).or_else(|| number("started_at")),
        started_at: number("started_at"),
        model: text("model"),
        context_tokens: number("context_tokens"),
        last_prompt: text("last_prompt"),
        last_answer: text("last_answer"),
        name,
    })
}

/// What comes first. A hint alone is no reason: it may be a piece of news.
fn urgency(line: &Value) -> Urgency {
    let state = line["state"].as_str().unwrap_or_default();
    let is_set = |key: &str| !line[key].is_null();
    let is_broken_off = line["turn"] == "broken_off" && state == "idle" && is_set("hint");
    match state {
        "stopped" => Urgency::Gone,
        _ if NEEDS_USER.contains(&state) || is_set("transcript_problem") || is_broken_off => {
            Urgency::NeedsYou
        }
        // What it does is not known, and the hint says why.
        "running" if is_set("hint") => Urgency::NeedsYou,
        _ if WORKS.contains(&state) => Urgency::Busy,
        _ => Urgency::Idle,
    }
}

fn directory(value: &Value, home: Option<&Path>) -> String {
    let text: Option<LosslessText> = serde_json::from_value(value.clone()).ok();
    let path = PathBuf::from(text.map(OsString::from).unwrap_or_default());
    escape(&list::below_home(path, home)).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(line: &Value) -> Row {
        row_of(&Source::Here, line, Some(Path::new("/home/a"))).expect("a row")
    }

    #[test]
    fn a_session_becomes_a_row() {
        let line = json!({"session": "0b0e", "name": "api", "state": "idle", "running": true, "attached": true,
            "cwd": "/home/a/src", "title": "Fix it", "hint": null, "started_at": 7,
            "remote_control": {"state": "connected"}, "last_activity": "1970-01-01T00:01:00+00:00",
            "model": "m", "context_tokens": 5, "last_prompt": "p", "last_answer": "a"});
        let row = row(&line);
        assert_eq!((row.name.as_str(), row.directory.as_str(), row.attached), ("api", "~/src", Some(true)));
        assert_eq!((row.active_at, row.started_at, row.context_tokens), (Some(60), Some(7), Some(5)));
        assert_eq!((row.remote.as_deref(), row.title.as_deref()), (Some("connected"), Some("Fix it")));
        assert_eq!(row.id, RowId { source: Source::Here, id: "0b0e".into() });
    }

    #[test]
    fn what_another_cckw_leaves_out_is_not_known() {
        assert_eq!(row_of(&Source::Here, &json!({"name": "api"}), None), None);
        assert_eq!(row_of(&Source::Here, &json!(7), None), None);
        let row = row(&json!({"session": "0b0e", "title": 7, "cwd": [], "started_at": -1}));
        assert_eq!((row.title, row.attached, row.active_at), (None, None, None));
        assert_eq!((row.urgency, row.directory.as_str()), (Urgency::Idle, ""));
    }

    #[test]
    fn a_title_that_is_the_name_is_not_said_again() {
        let mut line = json!({"session": "0b0e", "name": "api", "title": "api"});
        assert_eq!(row(&line).title, None);
        // As in `cckw list`.
        line["last_prompt"] = "Mend it".into();
        assert_eq!(row(&line).title.as_deref(), Some("Mend it"));
    }

    #[test]
    fn what_needs_its_user_comes_first() {
        let of = |line: Value| urgency(&line);
        for state in NEEDS_USER {
            assert_eq!(of(json!({"state": state})), Urgency::NeedsYou, "{state}");
        }
        for state in WORKS {
            assert_eq!(of(json!({"state": state, "hint": "news"})), Urgency::Busy, "{state}");
        }
        assert_eq!(of(json!({"state": "idle", "hint": "news"})), Urgency::Idle);
        assert_eq!(of(json!({"state": "shell"})), Urgency::Idle);
        assert_eq!(of(json!({"state": "running"})), Urgency::Idle);
        assert_eq!(of(json!({"state": "running", "hint": "not known"})), Urgency::NeedsYou);
        assert_eq!(of(json!({"state": "idle", "turn": "broken_off", "hint": "go on"})), Urgency::NeedsYou);
        assert_eq!(of(json!({"state": "busy", "transcript_problem": "disk"})), Urgency::NeedsYou);
        assert_eq!(of(json!({"state": "stopped", "transcript_problem": "disk"})), Urgency::Gone);
        assert_eq!(of(json!({"state": "of the future"})), Urgency::Idle);
    }
}

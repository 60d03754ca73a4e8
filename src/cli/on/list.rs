//! `cckw list --on MACHINE…`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::Value;

use super::super::colours::Colours;
use super::super::columns::{self, Column};
use super::super::definition::{On, Verb};
use super::super::list::{self, ListRow};
use super::super::output::{columns as terminal_columns, fail, print};
use super::{NotSaid, Place, Printed, failed, json_lines};
use crate::escape::{escape, json as escape_json};
use crate::machines::cache;
use crate::machines::call::Shown;
use crate::machines::store::Machine;
use crate::machines::wire::SeenSession;
use crate::os::clock;
use crate::os::text::LosslessText;
use crate::user_error::UserError;

/// Prints the sessions of the machines that are meant.
pub fn main(on: &On, all: bool, as_json: bool, chosen: &[Column]) -> ExitCode {
    run(on, all, as_json, chosen).unwrap_or_else(|error| fail(&error))
}

fn run(on: &On, all: bool, as_json: bool, chosen: &[Column]) -> Result<ExitCode, UserError> {
    let verb = Verb::List { all, json: true, watch: false, columns: Vec::new(), place: On::default() };
    let places = super::ask(on, &verb, Shown::default(), || list::lines(all), read)?;
    let printed = match as_json {
        true => print(&places.iter().map(json_of).collect::<String>()),
        false => print(&format!("{}\n", table(&places, all, chosen, terminal_columns()).join("\n"))),
    };
    Ok(super::status(&places, printed))
}

fn read(machine: &Machine, printed: Printed) -> Result<Vec<Value>, NotSaid> {
    if printed.status != 0 {
        return Err(failed(machine, &printed));
    }
    let lines = json_lines(machine, &printed)?;
    let seen = |line: &Value| {
        let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
        SeenSession { name: text("name"), session: text("session"), state: text("state") }
    };
    cache::note_sessions(&machine.name, lines.iter().map(seen).collect());
    Ok(lines)
}

fn json_of(place: &Place<Vec<Value>>) -> String {
    match &place.said {
        Ok(lines) => lines.iter().map(|line| format!("{}\n", escape_json(&line.to_string()))).collect(),
        Err(_) => place.error_line().unwrap_or_default(),
    }
}

fn table(places: &[Place<Vec<Value>>], all: bool, chosen: &[Column], columns: Option<usize>) -> Vec<String> {
    let colours = Colours::of_stdout();
    let mut rows = Vec::new();
    let mut lines = Vec::new();
    let mut silent = Vec::new();
    for place in places {
        match &place.said {
            Ok(found) if found.is_empty() => {
                silent.push(place.machine.as_ref().map_or("here", |machine| machine.name.as_str()));
            }
            Ok(found) => {
                rows.extend(found.iter().map(|line| row(line, &place.prefix())));
                lines.extend(found.iter().cloned());
            }
            Err(not_said) => {
                rows.push(without_answer(&place.prefix(), not_said));
                lines.push(Value::Null);
            }
        }
    }
    let silent = (!silent.is_empty())
        .then(|| format!("no session {}: {}", if all { "is known" } else { "runs" }, silent.join(", ")));
    let is_alone = places.iter().all(|place| place.machine.is_none());
    let alone = is_alone.then(|| "no machine is known; to add one: cckw machine add NAME".to_owned());
    let note = silent.into_iter().chain(alone);
    if rows.is_empty() {
        return note.collect();
    }
    if !chosen.is_empty() {
        let cells = rows.iter().map(|row| row.cells(colours)).collect();
        return columns::table(chosen, &list::COLUMN_TITLES, cells, &lines, columns);
    }
    list::fit_rows(&rows, all, columns, colours).into_iter().chain(note).collect()
}

/// The row of a machine that says nothing. Below it stands why.
fn without_answer(prefix: &str, not_said: &NotSaid) -> ListRow {
    let text = not_said.text.strip_prefix(prefix).unwrap_or(&not_said.text).trim_start();
    let dash = || "-".to_owned();
    ListRow {
        name: prefix.into(),
        state: not_said.state().into(),
        shown_state: not_said.state().into(),
        remote: dash(),
        terminal: dash(),
        uptime: dash(),
        restarts: dash(),
        claude: dash(),
        last_used: dash(),
        directory: dash(),
        about: None,
        hint: Some(text.to_owned()),
    }
}

/// The row of a session that another cckw, or this one, has printed as JSON.
fn row(line: &Value, prefix: &str) -> ListRow {
    let text = |key: &str| line[key].as_str().map(|text| escape(text).to_string());
    let number = |key: &str| line[key].as_u64();
    let is_running = line["running"].as_bool().unwrap_or_default();
    let state = text("state").unwrap_or_default();
    let shown_state = escape(&list::shown_state_of(line)).to_string();
    let remote = text_of(&line["remote_control"]["state"]).filter(|remote| remote != "unknown");
    let name = line["name"].as_str().unwrap_or_default();
    ListRow {
        name: format!("{prefix}{name}"),
        shown_state,
        remote: remote.unwrap_or_else(|| "-".into()),
        terminal: match (is_running, line["attached"].as_bool()) {
            (true, Some(true)) => "attached",
            (true, _) => "detached",
            (false, _) => "-",
        }
        .into(),
        uptime: list::uptime(number("started_at").unwrap_or_default(), number("ended_at"), is_running),
        restarts: number("restarts").unwrap_or_default().to_string(),
        claude: text("claude_version").map_or_else(
            || "-".into(),
            |version| format!("{version}{}", if line["newer_installed"].is_null() { "" } else { "*" }),
        ),
        last_used: match line["last_used"].as_str() {
            None => "now".into(),
            Some(at) => clock::to_the_minute(at).unwrap_or_else(|| "-".into()),
        },
        directory: directory(&line["cwd"]),
        about: line["title"].as_str().filter(|title| *title != name).map(str::to_owned),
        hint: line["hint"].as_str().map(|hint| escape(hint).to_string()),
        state,
    }
}

fn text_of(value: &Value) -> Option<String> {
    value.as_str().map(|text| escape(text).to_string())
}

/// A directory of a machine: where its home is, is not known here.
fn directory(value: &Value) -> String {
    let text: Option<LosslessText> = serde_json::from_value(value.clone()).ok();
    let path = PathBuf::from(text.map(OsString::from).unwrap_or_default());
    escape(&path).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::machines::name::MachineName;

    fn place(name: &str, said: Result<Vec<Value>, NotSaid>) -> Place<Vec<Value>> {
        let machine = Machine {
            name: MachineName::new(name).expect("a name"),
            destination: name.into(),
            program: None,
        };
        Place { machine: Some(machine), said }
    }

    #[test]
    fn where_no_machine_is_known_it_is_said_how_to_add_one() {
        let here = [Place { machine: None, said: Ok(vec![]) }];
        assert_eq!(
            table(&here, false, &[], None),
            ["no session runs: here", "no machine is known; to add one: cckw machine add NAME"]
        );
    }

    #[test]
    fn each_machine_has_its_rows_or_the_reason_why_it_has_none() {
        let session = json!({"name": "api\u{1b}", "state": "idle", "running": true, "attached": false,
            "started_at": 1, "ended_at": 61, "restarts": 2, "claude_version": "2.1.0", "newer_installed": "2.2.0",
            "cwd": "/src", "title": "Fix it", "hint": "do it: cckw attach box:api"});
        let not_said = |word, text: &str, was_reached| NotSaid { word, text: text.into(), was_reached };
        let refused = not_said("refused", "pi: it refuses the connection; try: ssh pi", false);
        let bare = not_said("no-cckw", "lab: there is no cckw; copy one there", true);
        let places = [
            place("box", Ok(vec![session])),
            place("pi", Err(refused)),
            place("lab", Err(bare)),
            place("nas", Ok(vec![])),
        ];
        assert_eq!(
            table(&places, false, &[], None),
            [
                "NAME           STATE        RC  TERMINAL  UPTIME  RESTARTS  CLAUDE  DIRECTORY  ABOUT",
                "box:api\\u{1b}  idle         -   detached  1m      2         2.1.0*  /src       Fix it",
                "  do it: cckw attach box:api",
                "pi:            not reached  -   -         -       -         -       -",
                "  it refuses the connection; try: ssh pi",
                "lab:           not usable   -   -         -       -         -       -",
                "  there is no cckw; copy one there",
                "no session runs: nas",
            ]
        );
        let line = json_of(&places[1]);
        assert_eq!(
            line,
            "{\"error\":\"refused\",\"machine\":\"pi\",\"text\":\"pi: it refuses the connection; try: ssh pi\"}\n"
        );
    }
}

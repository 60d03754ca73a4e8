//! `cckw detect --on MACHINE…`.

use std::process::ExitCode;

use serde_json::Value;

use super::super::colours::Colours;
use super::super::definition::{On, Verb};
use super::super::detect::{self, DetectArgs};
use super::super::output::{fail, print};
use super::super::table::{Cell, Row, align};
use super::{NotSaid, Place, Printed, failed};
use crate::client::complain;
use crate::escape::{escape, json as escape_json};
use crate::machines::call::Shown;
use crate::machines::store::Machine;
use crate::user_error::UserError;

/// What a place has found: the lines, as they were printed.
type Found = Vec<String>;

/// Prints the sessions of Claude Code on the machines that are meant. The status is 0 if there are any that were
/// asked for, and every machine has answered.
pub fn main(on: &On, verb: &Verb, asked: &DetectArgs<'_>) -> ExitCode {
    run(on, verb, asked).unwrap_or_else(|error| fail(&error))
}

fn run(on: &On, verb: &Verb, asked: &DetectArgs<'_>) -> Result<ExitCode, UserError> {
    let mut verb = verb.clone();
    if let Verb::Detect { json, place, .. } = &mut verb {
        (*json, *place) = (true, On::default());
    }
    let here =
        || detect::lines(asked).map(|lines| lines.iter().map(|line| line.trim_end().to_owned()).collect());
    let places = super::ask(on, &verb, Shown::default(), here, read)?;
    let printed = match asked.json {
        true => print(&places.iter().map(json_of).collect::<String>()),
        false => print(&table(&places)),
    };
    let has_found = places.iter().any(|place| place.said.as_ref().is_ok_and(|found| !found.is_empty()));
    if !has_found && !asked.json && places.iter().all(|place| place.said.is_ok()) {
        complain("no matching sessions");
    }
    let printed = if has_found { printed } else { ExitCode::FAILURE };
    Ok(super::status(&places, printed))
}

fn read(machine: &Machine, printed: Printed) -> Result<Found, NotSaid> {
    // 1 says that there is none.
    if printed.status > 1 {
        return Err(failed(machine, &printed));
    }
    super::json_lines(machine, &printed)?;
    Ok(printed.stdout.lines().map(str::to_owned).collect())
}

fn json_of(place: &Place<Found>) -> String {
    match &place.said {
        Ok(lines) => lines.iter().map(|line| format!("{}\n", escape_json(line))).collect(),
        Err(_) => place.error_line().unwrap_or_default(),
    }
}

fn table(places: &[Place<Found>]) -> String {
    let colours = Colours::of_stdout();
    let titles = ["MACHINE", "PID", "STATE", "CONF", "STATUS", "PANE", "RECON", "CWD", "CCKW"];
    let mut rows: Vec<Row> = vec![titles.map(Cell::from).to_vec()];
    for place in places {
        let machine = place.machine.as_ref().map_or("-", |machine| machine.name.as_str());
        match &place.said {
            Ok(lines) => {
                let parsed = lines.iter().filter_map(|line| serde_json::from_str(line).ok());
                rows.extend(parsed.map(|line: Value| row(machine, &line, colours)));
            }
            Err(not_said) => {
                let mut row: Row =
                    vec![machine.into(), "-".into(), Cell::from(not_said.state()).styled(colours.bad())];
                row.extend(["-"; 6].map(Cell::from));
                rows.push(row);
                complain(&not_said.text);
            }
        }
    }
    if rows.len() == 1 {
        return String::new();
    }
    format!("{}\n", align(&rows).join("\n"))
}

fn row(machine: &str, line: &Value, colours: Colours) -> Row {
    let text = |key: &str| line[key].as_str().map_or_else(|| "-".into(), |text| escape(text).to_string());
    let (link, status) = (text("state"), text("status"));
    vec![
        machine.into(),
        line["pid"].to_string().into(),
        Cell::from(link.as_str()).styled(colours.of_link(&link)),
        text("confidence").into(),
        Cell::from(status.as_str()).styled(colours.of_state(&status)),
        text("pane").into(),
        if line["reconnectable"].as_bool() == Some(true) { "yes" } else { "no" }.into(),
        text("cwd").into(),
        text("cckw").into(),
    ]
}

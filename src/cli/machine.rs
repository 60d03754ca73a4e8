//! `cckw machine`.

use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::time::Duration;

use semver::Version;
use serde_json::json;

use super::definition::MachineAction;
use super::list::duration;
use super::machine_copy;
use super::machine_copy::{CopyEnd, CopyWish};
use super::output::{fail, print};
use super::table::{Cell, Row, align};
use crate::client;
use crate::escape::{escape, json as escape_json};
use crate::machines::cache::{self, Seen};
use crate::machines::call::{Answer, Shown};
use crate::machines::failure::Failure;
use crate::machines::name::MachineName;
use crate::machines::run::{self, Answered, Mode};
use crate::machines::ssh;
use crate::machines::store::{self, Machine};
use crate::machines::wire::{Ask, Condition};
use crate::registry::event_log::now_ms;
use crate::user_error::{UserError, machine};

/// How long a machine may take that is added. With a terminal its user may be asked for a password meanwhile.
const ADD_TIMEOUT: Duration = Duration::from_secs(30);
const ATTENDED_ADD_TIMEOUT: Duration = Duration::from_secs(180);

/// Does what is asked for.
pub fn main(action: &MachineAction) -> ExitCode {
    let done = match action {
        MachineAction::Add { name, destination, program, no_check, copy, binary } => {
            let wish = CopyWish { copy: *copy, binary: binary.clone() };
            add(name, destination.as_deref(), program.as_deref(), *no_check, &wish)
        }
        MachineAction::List { json } => list(*json),
        MachineAction::Check { machines, json, timeout } => check(machines, *json, *timeout),
        MachineAction::Rm { machines } => rm(machines),
    };
    done.unwrap_or_else(|error| fail(&error))
}

fn add(
    name: &str,
    destination: Option<&str>,
    program: Option<&str>,
    no_check: bool,
    wish: &CopyWish,
) -> Result<ExitCode, UserError> {
    let machines = store::load()?;
    let added = named(name, destination, program, &machines)?;
    let done = match machines.contains(&added) {
        true => "known",
        false => "added",
    };
    if no_check {
        keep(machines, &added)?;
        return Ok(print(&format!("{}: {done}, and not asked\n", added.name)));
    }
    let mut asked = ask(&added)?;
    let mut said_why = false;
    if asked.as_ref().err().is_none_or(is_only_cckw) {
        // ssh works.
        keep(machines, &added)?;
        let there = asked.as_ref().map(|(_, answer)| version_of(answer));
        let lacks = machine_copy::lacks(&there);
        match machine_copy::main(&added, wish, lacks.as_deref())? {
            CopyEnd::Copied => asked = ask(&added)?,
            CopyEnd::NotWanted => {}
            CopyEnd::Refused => said_why = true,
        }
    }
    match &asked {
        Ok((condition, answer)) => {
            Ok(print(&format!("{}: {done}; {}\n", added.name, described(condition, &answer.hello.version))))
        }
        Err(failure) if is_only_cckw(failure) => {
            print(&format!("{}: {done}; ssh reaches it, but {}\n", added.name, escape(&failure.short())));
            // Its advice may be the copy that was just refused.
            if !said_why {
                client::complain(failure.error(&added));
            }
            Ok(ExitCode::FAILURE)
        }
        Err(failure) => Err(failure.error(&added)),
    }
}

/// The machine that is to be added. One that is known keeps what is not said anew.
fn named(
    name: &str,
    destination: Option<&str>,
    program: Option<&str>,
    machines: &[Machine],
) -> Result<Machine, UserError> {
    let name = MachineName::new(name).map_err(|why| machine::unfit_name(name, why))?;
    let known = machines.iter().find(|known| known.name == name);
    let destination =
        destination.or(known.map(|known| known.destination.as_str())).unwrap_or(name.as_str()).to_owned();
    let kept = known.filter(|known| known.destination == destination).and_then(|known| known.program.clone());
    let program = program.map(str::to_owned).or(kept);
    let unfit =
        store::unfit_destination(&destination).or_else(|| program.as_deref().and_then(store::unfit_program));
    match (unfit, known) {
        (Some(why), _) => Err(machine::unfit(why)),
        (None, Some(known)) if known.destination != destination => {
            Err(machine::name_is_taken(known.name.as_str(), &known.destination))
        }
        (None, _) => Ok(Machine { name, destination, program }),
    }
}

/// Whether the machine is reached, and only its cckw cannot be used.
fn is_only_cckw(failure: &Failure) -> bool {
    matches!(failure, Failure::NoCckw | Failure::TooOld | Failure::CannotRun(_) | Failure::OtherProtocol(_))
}

/// What a cckw says of its version. One that says something else is taken for the oldest.
fn version_of(answer: &Answer) -> Version {
    Version::parse(&answer.hello.version).unwrap_or(Version::new(0, 0, 0))
}

fn keep(mut machines: Vec<Machine>, added: &Machine) -> Result<(), UserError> {
    machines.retain(|other| other.name != added.name);
    machines.push(added.clone());
    machines.sort_by(|one, other| one.name.cmp(&other.name));
    store::save(&machines)
}

/// Asks a machine how it is. On a terminal its user may be asked something first.
fn ask(machine: &Machine) -> Result<Result<(Condition, Answer), Failure>, UserError> {
    let is_attended = io::stdin().is_terminal() && io::stderr().is_terminal();
    let (mode, within) = match is_attended {
        true => (Mode::Attended, ATTENDED_ADD_TIMEOUT),
        false => (Mode::Unattended(ADD_TIMEOUT), ADD_TIMEOUT),
    };
    let answered = run::ask_one(machine, &Ask::Condition, mode, within)?;
    Ok(answered.and_then(|(answer, said)| Ok((understood(machine, &answer, &said)?, answer))))
}

/// The condition that a machine has told, which completions know from then on.
fn understood(machine: &Machine, answer: &Answer, said: &run::Said) -> Result<Condition, Failure> {
    let condition: Condition =
        serde_json::from_slice(&said.stdout).map_err(|error| Failure::NotUnderstood(error.to_string()))?;
    cache::note(&machine.name, &answer.hello, now_ms(), Some(condition.sessions.clone()));
    Ok(condition)
}

fn described(condition: &Condition, version: &str) -> String {
    let claude = match (&condition.claude, &condition.no_claude) {
        (Some(_), _) => "claude is there".to_owned(),
        (None, Some(why)) => format!("there is no claude: {}", escape(why)),
        (None, None) => "there is no claude".to_owned(),
    };
    let sessions = match condition.sessions.len() {
        0 => "no session runs".to_owned(),
        1 => "1 session runs".to_owned(),
        count => format!("{count} sessions run"),
    };
    format!("cckw {}, {claude}, {sessions}", escape(version))
}

fn list(as_json: bool) -> Result<ExitCode, UserError> {
    let machines = store::load()?;
    let seen: Vec<Option<Seen>> = machines.iter().map(|machine| cache::read(&machine.name)).collect();
    if as_json {
        let line = |(machine, seen): (&Machine, &Option<Seen>)| {
            let line = json!({
                "name": machine.name,
                "destination": machine.destination,
                "program": machine.program,
                "version": seen.as_ref().map(|seen| &seen.hello.version),
                "os": seen.as_ref().map(|seen| &seen.hello.os),
                "arch": seen.as_ref().map(|seen| &seen.hello.arch),
                "seen_at_ms": seen.as_ref().map(|seen| seen.at_ms),
            });
            format!("{}\n", escape_json(&line.to_string()))
        };
        return Ok(print(&machines.iter().zip(&seen).map(line).collect::<String>()));
    }
    if machines.is_empty() {
        return Ok(print("no machine is known; add one with: cckw machine add NAME USER@HOST\n"));
    }
    let titles = ["NAME", "DESTINATION", "CCKW", "LAST SEEN", "PROGRAM"].map(Cell::from).to_vec();
    let row = |(machine, seen): (&Machine, &Option<Seen>)| -> Row {
        let shown = |text: Option<String>| Cell::from(text.unwrap_or_else(|| "-".into()));
        vec![
            machine.name.to_string().into(),
            escape(&machine.destination).to_string().into(),
            shown(seen.as_ref().map(|seen| escape(&seen.hello.version).to_string())),
            shown(
                seen.as_ref()
                    .map(|seen| format!("{} ago", duration(now_ms().saturating_sub(seen.at_ms) / 1000))),
            ),
            shown(machine.program.clone()),
        ]
    };
    let rows: Vec<Row> = std::iter::once(titles).chain(machines.iter().zip(&seen).map(row)).collect();
    Ok(print(&format!("{}\n", align(&rows).join("\n"))))
}

fn check(names: &[String], as_json: bool, timeout: Duration) -> Result<ExitCode, UserError> {
    let machines = match names {
        [] => store::load()?,
        names => names.iter().map(|name| store::find(name)).collect::<Result<_, _>>()?,
    };
    if machines.is_empty() {
        return Err(machine::none());
    }
    let answers = run::ask_all(&machines, &Ask::Condition, Shown::default(), timeout)?;
    let checked: Vec<Checked> = machines.iter().zip(answers).map(Checked::of).collect();
    let printed = if as_json {
        print(&checked.iter().map(Checked::json_line).collect::<String>())
    } else {
        let titles = ["NAME", "REACHED", "CCKW", "CLAUDE", "SESSIONS", "TIME"].map(Cell::from).to_vec();
        let rows: Vec<Row> = std::iter::once(titles).chain(checked.iter().map(Checked::row)).collect();
        let printed = print(&format!("{}\n", align(&rows).join("\n")));
        for checked in &checked {
            if let Err(failure) = &checked.answer {
                client::complain(failure.error(checked.machine));
            }
        }
        printed
    };
    let all_well = checked.iter().all(|checked| checked.answer.is_ok());
    Ok(if all_well { printed } else { ExitCode::FAILURE })
}

/// What a machine has said of itself.
struct Checked<'a> {
    machine: &'a Machine,
    answer: Result<(Condition, Answer), Failure>,
}

impl<'a> Checked<'a> {
    fn of((machine, answered): (&'a Machine, Answered)) -> Self {
        let understood =
            answered.and_then(|(answer, said)| Ok((understood(machine, &answer, &said)?, answer)));
        Self { machine, answer: understood }
    }

    fn row(&self) -> Row {
        let name = self.machine.name.to_string();
        let cells = match &self.answer {
            Ok((condition, answer)) => [
                name,
                "yes".into(),
                escape(&answer.hello.version).to_string(),
                condition.claude.as_deref().map_or_else(|| "no".into(), |said| escape(said).to_string()),
                condition.sessions.len().to_string(),
                format!("{} ms", answer.took.as_millis()),
            ],
            Err(failure) => {
                let reached = if failure.is_of_cckw() { "yes" } else { "no" };
                let [cckw, nothing] = [escape(&failure.short()).to_string(), "-".to_owned()];
                [name, reached.into(), cckw, nothing.clone(), nothing.clone(), nothing]
            }
        };
        cells.map(Cell::from).to_vec()
    }

    fn json_line(&self) -> String {
        let line = match &self.answer {
            Ok((condition, answer)) => json!({
                "machine": self.machine.name,
                "reached": true,
                "version": answer.hello.version,
                "protocol": answer.hello.protocol,
                "os": answer.hello.os,
                "arch": answer.hello.arch,
                "program": condition.program,
                "claude": condition.claude,
                "no_claude": condition.no_claude,
                "sessions": condition.sessions.len(),
                "milliseconds": u64::try_from(answer.took.as_millis()).unwrap_or(u64::MAX),
            }),
            Err(failure) => json!({
                "machine": self.machine.name,
                "reached": failure.is_of_cckw(),
                "error": failure.word(),
                "text": failure.error(self.machine).to_string(),
            }),
        };
        format!("{}\n", escape_json(&line.to_string()))
    }
}

fn rm(names: &[String]) -> Result<ExitCode, UserError> {
    let machines = store::load()?;
    let found = names.iter().map(|name| store::find(name)).collect::<Result<Vec<Machine>, _>>()?;
    let kept: Vec<Machine> =
        machines.into_iter().filter(|machine| !found.iter().any(|gone| gone.name == machine.name)).collect();
    store::save(&kept)?;
    for machine in &found {
        cache::forget(&machine.name);
        ssh::close(machine);
    }
    let told: String = found.iter().map(|machine| format!("{}: removed\n", machine.name)).collect();
    Ok(print(&told))
}

//! `--on MACHINE…`: a verb that looks at everything, on other machines and here at once.

pub mod detect;
pub mod doctor;
pub mod list;

use std::process::ExitCode;
use std::thread;

use serde_json::{Value, json};

use super::definition::{On, Verb};
use super::to_args::request;
use crate::escape::{escape, json as escape_json};
use crate::machines::call::Shown;
use crate::machines::name::ALL;
use crate::machines::run;
use crate::machines::store::{self, Machine};
use crate::user_error::UserError;

/// What is said in the place of a state: ssh does not reach the machine.
const NOT_REACHED: &str = "not reached";
/// The same: ssh reaches it, and its cckw cannot be used.
const NOT_USABLE: &str = "not usable";

/// What one place has to say.
struct Place<T> {
    /// The machine; nothing where it is this one.
    machine: Option<Machine>,
    /// What it says, or why it says nothing.
    said: Result<T, NotSaid>,
}

/// Why a place has nothing to say.
#[derive(Debug, Clone)]
struct NotSaid {
    /// For scripts, in a word.
    word: &'static str,
    /// For people: what, why, and what to do.
    text: String,
    /// Whether ssh has reached the machine.
    was_reached: bool,
}

impl NotSaid {
    fn failed(error: &UserError) -> Self {
        Self { word: "failed", text: error.to_string(), was_reached: true }
    }

    /// What stands in the place of a state.
    fn state(&self) -> &'static str {
        if self.was_reached { NOT_USABLE } else { NOT_REACHED }
    }
}

impl<T> Place<T> {
    /// The name of the machine with the mark behind it, as it stands before a session.
    fn prefix(&self) -> String {
        self.machine.as_ref().map_or_else(String::new, Machine::mark)
    }

    /// Why nothing was said, as a line of JSON.
    fn error_line(&self) -> Option<String> {
        let not_said = self.said.as_ref().err()?;
        let machine = self.machine.as_ref().map(|machine| machine.name.as_str());
        let line = json!({"machine": machine, "error": not_said.word, "text": not_said.text});
        Some(format!("{}\n", escape_json(&line.to_string())))
    }
}

/// What a machine has printed.
struct Printed {
    stdout: String,
    stderr: String,
    status: u8,
}

/// Which machines are meant, and whether this one is, too.
///
/// # Errors
/// When a name is that of no machine.
fn meant(on: &On) -> Result<(Vec<Machine>, bool), UserError> {
    if on.on.iter().any(|name| name == ALL) {
        return Ok((store::load()?, true));
    }
    let mut machines: Vec<Machine> = Vec::new();
    for name in &on.on {
        if !machines.iter().any(|machine| machine.name.as_str() == name) {
            machines.push(store::find(name)?);
        }
    }
    Ok((machines, false))
}

/// Asks all places at once. `here` is what this machine says, where it is asked, too.
///
/// # Errors
/// When a name is that of no machine, or nothing can be asked at all.
fn ask<T: Send>(
    on: &On,
    verb: &Verb,
    shown: Shown,
    here: impl FnOnce() -> Result<T, UserError> + Send,
    read: impl Fn(&Machine, Printed) -> Result<T, NotSaid>,
) -> Result<Vec<Place<T>>, UserError> {
    let (machines, is_here_meant) = meant(on)?;
    let ask = request(verb, None);
    let (own, answers) = thread::scope(|scope| {
        let own = is_here_meant.then(|| scope.spawn(here));
        let answers = run::ask_all(&machines, &ask, shown, on.timeout);
        (own.and_then(|own| own.join().ok()), answers)
    });
    let own = own.map(|said| Place { machine: None, said: said.map_err(|error| NotSaid::failed(&error)) });
    let far = machines.into_iter().zip(answers?).map(|(machine, answer)| {
        let said = match answer {
            Ok((answer, said)) => {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                let printed =
                    Printed { stdout: text(&said.stdout), stderr: text(&said.stderr), status: answer.status };
                read(&machine, printed)
            }
            Err(failure) => Err(NotSaid {
                word: failure.word(),
                text: failure.error(&machine).to_string(),
                was_reached: failure.is_of_cckw(),
            }),
        };
        Place { machine: Some(machine), said }
    });
    Ok(own.into_iter().chain(far).collect())
}

/// The lines of JSON that a machine has printed.
fn json_lines(machine: &Machine, printed: &Printed) -> Result<Vec<Value>, NotSaid> {
    let line = |line: &str| {
        let mut value: Value = serde_json::from_str(line).ok()?;
        value.as_object_mut()?.insert("machine".into(), machine.name.as_str().into());
        Some(value)
    };
    let lines: Option<Vec<Value>> = printed.stdout.lines().map(line).collect();
    lines.ok_or_else(|| NotSaid {
        word: "not-understood",
        text: format!("{}: its answer is not understood; update the cckw there", machine.name),
        was_reached: true,
    })
}

/// That a verb has failed on a machine, in its own words.
fn failed(machine: &Machine, printed: &Printed) -> NotSaid {
    let last = printed.stderr.lines().next_back().unwrap_or_default();
    let said = last.strip_prefix("cckw: ").unwrap_or(last);
    let said = if said.is_empty() {
        format!("it ended with status {}", printed.status)
    } else {
        escape(said).to_string()
    };
    NotSaid { word: "failed", text: format!("{}: {said}", machine.name), was_reached: true }
}

/// The status: 1 where a place has said nothing.
fn status<T>(places: &[Place<T>], printed: ExitCode) -> ExitCode {
    if places.iter().all(|place| place.said.is_ok()) { printed } else { ExitCode::FAILURE }
}

//! Verbs about sessions of other machines: `cckw send box:api …`. Each is run there as if it was typed there.

mod local;
mod output;
mod words;

use std::io::{self, IsTerminal, Read};
use std::process::ExitCode;
use std::time::Duration;

use super::colours::Colours;
use super::definition::Verb;
use super::output::{columns, fail};
use super::to_args::to_args;
use crate::claude::args::MAX_PROMPT_BYTES;
use crate::machines::call::{Call, CallError, Shown};
use crate::machines::failure::Failure;
use crate::machines::name::split;
use crate::machines::run::{self, Mode, Purpose};
use crate::machines::store::{self, Machine};
use crate::machines::wire::Ask;
use crate::os::text::LosslessText;
use crate::sending::text::MAX_TEXT_BYTES;
use crate::user_error::{UserError, machine, send};

use output::Passed;
use words::{with_words, words};

/// How long a machine may take to answer where nobody can be asked for a password.
const UNATTENDED_TIMEOUT: Duration = Duration::from_secs(15);

/// Runs the verb on the machines that its words name. Nothing where it is for this machine.
pub fn main(verb: &Verb) -> Option<ExitCode> {
    // Attached sessions have a way of their own.
    if matches!(verb, Verb::Attach { .. }) || !words(verb).iter().any(|word| split(word).is_some()) {
        return None;
    }
    Some(run(verb).unwrap_or_else(|error| fail(&error)))
}

fn run(verb: &Verb) -> Result<ExitCode, UserError> {
    let parts = parts(verb)?;
    match &parts[..] {
        [Part { place: Some(machine), verb }] => one(machine, verb),
        parts => local::several(parts),
    }
}

/// What is to be run at one place.
struct Part {
    /// The machine; nothing where it is this one.
    place: Option<Machine>,
    /// The verb with the words for it.
    verb: Verb,
}

/// Divides a verb into those for each place, in the order in which the words name them.
fn parts(verb: &Verb) -> Result<Vec<Part>, UserError> {
    let mut places: Vec<(Option<Machine>, Vec<String>)> = Vec::new();
    for word in words(verb) {
        let (name, rest) = match split(word) {
            Some((name, rest)) => (Some(name), rest),
            None => (None, word),
        };
        let at = places.iter().position(|(place, _)| place.as_ref().map(|place| place.name.as_str()) == name);
        match at {
            Some(at) => places[at].1.push(rest.to_owned()),
            None => places.push((name.map(store::find).transpose()?, vec![rest.to_owned()])),
        }
    }
    let part =
        |(place, words): (Option<Machine>, Vec<String>)| Ok(Part { verb: with_words(verb, &words)?, place });
    places.into_iter().map(part).collect()
}

/// Runs a verb on one machine, and passes on what it says as it comes.
fn one(machine: &Machine, verb: &Verb) -> Result<ExitCode, UserError> {
    let is_attended = io::stdin().is_terminal() && io::stderr().is_terminal();
    let mode = if is_attended { Mode::Attended } else { Mode::Unattended(UNATTENDED_TIMEOUT) };
    let call = call(machine, verb, mode)?;
    match run::stream(&call, &mut Passed)? {
        Ok(answer) => Ok(ExitCode::from(answer.status)),
        Err(CallError::Failed(failure)) => Err(lost(verb, machine, &failure)),
        Err(CallError::Output(error)) => Ok(super::output::finish(Err(error))),
    }
}

/// The request for a machine.
fn call(machine: &Machine, verb: &Verb, mode: Mode) -> Result<Call, UserError> {
    let args = to_args(verb).unwrap_or_default();
    let args = args.iter().map(|arg| LosslessText::from(arg.as_os_str())).collect();
    let ask = Ask::Verb { args, stdin: stdin(verb)? };
    Ok(Call { machine: machine.clone(), ask, mode, purpose: purpose(verb), shown: shown() })
}

fn purpose(verb: &Verb) -> Purpose {
    match verb {
        Verb::Wait { .. }
        | Verb::Send { .. }
        | Verb::Adopt { .. }
        | Verb::Logs { follow: true, .. }
        | Verb::Transcript { follow: true, .. } => Purpose::Long,
        _ => Purpose::Short,
    }
}

/// How the output of a machine is shown here.
fn shown() -> Shown {
    Shown { has_colours: Colours::of_stdout().are_shown(), columns: columns() }
}

/// What the verb reads on stdin.
fn stdin(verb: &Verb) -> Result<Option<LosslessText>, UserError> {
    let most = match verb {
        Verb::Send { text, .. } if text == "-" => MAX_TEXT_BYTES,
        Verb::New { prompt: Some(prompt), .. } if prompt == "-" => MAX_PROMPT_BYTES + 4096,
        _ => return Ok(None),
    };
    let mut bytes = Vec::new();
    // A little more than is allowed, so that it is seen to be too long.
    io::stdin().lock().take(most as u64 + 1).read_to_end(&mut bytes).map_err(send::unreadable)?;
    Ok(Some(match String::from_utf8(bytes) {
        Ok(text) => LosslessText::String(text),
        Err(error) => LosslessText::Bytes(error.into_bytes()),
    }))
}

/// What the user is told where a machine was not reached, or lost.
fn lost(verb: &Verb, place: &Machine, failure: &Failure) -> UserError {
    match (verb, failure) {
        (Verb::Send { session, .. }, Failure::Lost(_)) => {
            machine::send_unknown(&format!("{}:{session}", place.name))
        }
        _ => failure.error(place),
    }
}

//! Verbs about sessions of other machines: `cckw send box:api …`. Each is run there as if it was typed there.

mod ask;
mod output;
mod place;
mod several;
mod terminal_text;
mod wait_again;
mod words;

use std::io;
use std::process::ExitCode;

use super::attach;
use super::definition::Verb;
use super::output::fail;
use crate::machines::call::{CallError, Sink};
use crate::machines::failure::Failure;
use crate::machines::name::split;
use crate::machines::run;
use crate::machines::store::{self, Machine};
use crate::registry::names;
use crate::user_error::{UserError, files, machine, session, wait};

use output::{OnlyErrors, Passed};
use place::Part;
use words::{with_words, words};

/// Runs the verb on the machines that its words name. Nothing where it is for this machine.
pub fn main(verb: &Verb) -> Option<ExitCode> {
    // Attached sessions have a way of their own.
    if matches!(verb, Verb::Attach { .. }) || !words(verb).iter().any(|word| split(word).is_some()) {
        return None;
    }
    Some(run(verb).unwrap_or_else(|error| fail(&error)))
}

fn run(verb: &Verb) -> Result<ExitCode, UserError> {
    if let Verb::New { name, attach, .. } = verb {
        return new(verb, name, *attach);
    }
    match &mut parts(verb)?[..] {
        [Part { machine: Some(machine), verb }] => one(machine, verb),
        parts => several::run(parts, matches!(verb, Verb::Wait { any: true, .. })),
    }
}

/// Starts a session on a machine, and attaches this terminal to it if that is wanted.
fn new(verb: &Verb, word: &str, is_attached: bool) -> Result<ExitCode, UserError> {
    let Some(Part { machine: Some(machine), mut verb }) = parts(verb)?.pop() else {
        return Ok(ExitCode::FAILURE);
    };
    let Verb::New { name, attach, .. } = &mut verb else { return Ok(ExitCode::FAILURE) };
    // Such a name may look like an option there.
    if let Some(why) = names::unfit(name) {
        return Err(session::unfit_name(name, why));
    }
    if !is_attached {
        return one(&machine, &verb);
    }
    *attach = false;
    match answer(&machine, &verb, &mut OnlyErrors::new())? {
        // It asks something, or is not up yet: that is seen in the terminal.
        0 | wait::ASKS | wait::TIMED_OUT => Ok(attach::attach(Some(word), false)),
        status => Ok(ExitCode::from(status)),
    }
}

/// Divides a verb into those for each place, in the order in which the words name them.
fn parts(verb: &Verb) -> Result<Vec<Part>, UserError> {
    let mut places: Vec<(Option<Machine>, Vec<String>)> = Vec::new();
    for word in &words(verb) {
        let (name, rest) = match split(word) {
            Some((name, rest)) => (Some(name), rest),
            None => (None, word.as_str()),
        };
        let is_there =
            |machine: &Option<Machine>| machine.as_ref().map(|machine| machine.name.as_str()) == name;
        match places.iter_mut().find(|(machine, _)| is_there(machine)) {
            Some((_, words)) => words.push(rest.to_owned()),
            None => places.push((name.map(store::find).transpose()?, vec![rest.to_owned()])),
        }
    }
    let part = |(machine, words): (Option<Machine>, Vec<String>)| {
        Ok(Part { verb: with_words(verb, &words)?, machine })
    };
    places.into_iter().map(part).collect()
}

/// Runs a verb on one machine, and passes on what it says as it comes.
fn one(machine: &Machine, verb: &Verb) -> Result<ExitCode, UserError> {
    let mut passed = Passed::new();
    let status = answer(machine, verb, &mut passed);
    passed.finish();
    status.map(ExitCode::from)
}

/// The status of a verb on one machine, whose output goes to `sink`.
fn answer(machine: &Machine, verb: &Verb, sink: &mut impl Sink) -> Result<u8, UserError> {
    let stdin = place::stdin(verb)?;
    let asked = ask::ask(machine, verb, place::mode(), stdin, sink);
    match run::block_on(run::until_signal(asked))? {
        Ok(Ok(status)) => Ok(status),
        Ok(Err(CallError::Failed(failure))) => Err(lost(verb, machine, &failure)),
        Ok(Err(CallError::Output(error))) if error.kind() == io::ErrorKind::BrokenPipe => Ok(0),
        Ok(Err(CallError::Output(error))) => Err(files::cannot_write_stdout(error)),
        Err(signal) => interrupted(verb, machine, signal),
    }
}

/// What the user is told where a machine was not reached, or was lost.
fn lost(verb: &Verb, place: &Machine, failure: &Failure) -> UserError {
    match (verb, failure) {
        (Verb::Send { session, .. }, Failure::Lost(_)) => {
            machine::send_unknown(&format!("{}:{session}", place.name))
        }
        _ => failure.error(place),
    }
}

/// The end by a signal of what runs on another machine: it ends there, too.
fn interrupted(verb: &Verb, place: &Machine, signal: i32) -> Result<u8, UserError> {
    match verb {
        Verb::Send { session, .. } => Err(machine::send_interrupted(&format!("{}:{session}", place.name))),
        _ => Ok(u8::try_from(128 + signal).unwrap_or(1)),
    }
}

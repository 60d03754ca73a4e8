//! `cckw attach` and `cckw detach`.

use std::process::ExitCode;

use super::output::fail;
use super::{inside, pick_running};
use crate::control::{Answer, Request};
use crate::fleet;
use crate::terminal;

/// Attaches this terminal.
pub fn attach(word: Option<&str>) -> ExitCode {
    pick_running(word, |session| terminal::attach::main(session).unwrap_or_else(|reason| fail(&reason)))
}

/// Takes a session's terminal away from it.
pub fn detach(word: Option<&str>) -> ExitCode {
    // From inside a session, with no other one named, that one is meant.
    let inside = inside();
    pick_running(word.or(inside.as_deref()), |session| match fleet::ask(session, &Request::Detach) {
        Some(Answer::Done) => ExitCode::SUCCESS,
        Some(Answer::Refused { reason }) => fail(&reason),
        _ => fail("the session does not answer"),
    })
}

//! `cckw far`: the far side of a cckw on another machine, which starts this one through ssh. Not for users.

use std::ffi::OsString;
use std::process::ExitCode;

use super::output::{fail, print};
use super::{far_attach, parse_and_run, status};
use crate::claude::{executable, version};
use crate::config;
use crate::escape::escape;
use crate::machines::far;
use crate::machines::wire::{Ask, Condition, SeenSession};
use crate::os::own_program;
use crate::registry;
use crate::user_error::machine;

/// Answers one request.
pub fn main(args: &[OsString]) -> ExitCode {
    if args.first().is_some_and(|word| word == "attach") {
        return far_attach::main(args.get(1));
    }
    if !args.is_empty() {
        return fail(&machine::senseless_request("this cckw knows no such request"));
    }
    match far::begin() {
        Ok(Ask::Verb { args, .. }) => parse_and_run(args.into_iter().map(OsString::from).collect()),
        Ok(Ask::Condition) => {
            print(&format!("{}\n", serde_json::to_string(&condition()).unwrap_or_default()))
        }
        Err(error) => fail(&error),
    }
}

fn condition() -> Condition {
    let found = executable::find(&config::load().unwrap_or_default());
    let sessions = registry::running().unwrap_or_default();
    let seen = |session: &registry::Session| SeenSession {
        name: crate::near_side::off(&session.name).to_owned(),
        session: session.record.session.to_string(),
        state: status::state(session),
    };
    let (claude, no_claude) = match found {
        Ok(found) => (Some(version::version(&found.program).unwrap_or_else(|| "yes".into())), None),
        Err(error) => (None, Some(error.to_string())),
    };
    Condition {
        claude,
        no_claude,
        sessions: sessions.iter().map(seen).collect(),
        program: own_program::called_program().ok().map(|path| escape(&path).to_string()),
    }
}

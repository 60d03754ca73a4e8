//! `cckw restart --hosts`: hosts go on as the cckw that is on disk.

use std::process::ExitCode;

use super::output::{fail, print};
use super::target::{each_once, meant_by};
use crate::escape::escape;
use crate::os::own_program::{called_program, own_program};
use crate::protocol::{Request, Response};
use crate::registry;
use crate::registry::{HAND_OVER_TIMEOUT, Session};
use crate::user_error::{UserError, host};

/// Hands the sessions that are meant over, or without a word all that run. Those whose host runs the program on disk
/// already are left alone, unless `force` is set or they were named. Of several the others are asked where one
/// cannot be.
pub fn main(words: &[String], force: bool) -> ExitCode {
    let found = if words.is_empty() { all_that_run() } else { meant_by(words) };
    if found.is_empty() {
        return print("no session is running\n");
    }
    let request = Request::HandOver {
        force: force || !words.is_empty(),
        program: called_program().or_else(|_| own_program()).ok().map(|program| program.as_path().into()),
    };
    let (chosen, mut status) = each_once(found);
    for session in &chosen {
        let told = match ask(session, &request) {
            Ok(line) => print(&line),
            Err(error) => fail(&error),
        };
        if told != ExitCode::SUCCESS {
            status = told;
        }
    }
    status
}

fn all_that_run() -> Vec<Result<Session, UserError>> {
    let sessions = match registry::sessions() {
        Ok(sessions) => sessions,
        Err(error) => return vec![Err(error)],
    };
    sessions.into_iter().filter(|session| session.is_running || session.is_unreachable).map(Ok).collect()
}

/// What has come of it. It begins with the session's name.
fn ask(session: &Session, request: &Request) -> Result<String, UserError> {
    let name = escape(&session.name);
    let waited = if session.is_unreachable { registry::wait_for_host(session)? } else { session.clone() };
    match registry::ask_within(&waited, request, HAND_OVER_TIMEOUT) {
        Ok(Response::HandedOver { version, is_new: true }) => {
            Ok(format!("{name}: cckw {} runs it now\n", escape(&version)))
        }
        Ok(Response::HandedOver { version, is_new: false }) => {
            Ok(format!("{name}: cckw {} runs it, which is the one on disk\n", escape(&version)))
        }
        Ok(Response::Refused { reason }) if reason.contains(UNKNOWN_REQUEST) => {
            Err(host::cannot_hand_over(&session.word()).about(&session.name))
        }
        Ok(Response::Refused { reason }) => Err(host::refused(&reason).about(&session.name)),
        Ok(_) => Err(host::wrong_answer().about(&session.name)),
        Err(error) => Err(UserError::from(error).about(&session.name)),
    }
}

/// What a host says of a request that it does not know.
const UNKNOWN_REQUEST: &str = "a message that this cckw does not know";

//! `cckw restart --hosts`: hosts go on as the cckw that is on disk.

use std::process::ExitCode;

use super::output::{fail, print};
use super::target::running;
use crate::escape::escape;
use crate::os::own_program::own_program;
use crate::protocol::{Request, Response};
use crate::registry;
use crate::registry::{HAND_OVER_TIMEOUT, Session};
use crate::user_error::{UserError, host};

/// Hands the session that is meant over, or without a word all that run. Those whose host runs the program on disk
/// already are left alone, unless `force` is set or the session was named.
pub fn main(word: Option<&str>, force: bool) -> ExitCode {
    let sessions = match word {
        Some(word) => running(Some(word)).map(|session| vec![session]),
        None => registry::sessions(),
    };
    let mut sessions = match sessions {
        Ok(sessions) => sessions,
        Err(error) => return fail(&error),
    };
    sessions.retain(|session| session.is_running || session.is_unreachable);
    if sessions.is_empty() {
        return print("no session is running\n");
    }
    let request = Request::HandOver {
        force: force || word.is_some(),
        program: own_program().ok().map(|program| program.as_path().into()),
    };
    let mut status = ExitCode::SUCCESS;
    for session in &sessions {
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

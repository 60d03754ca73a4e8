//! `cckw rename`.

use std::process::ExitCode;

use super::output::{fail, print};
use super::target::{meant, with_socket};
use crate::escape::escape;
use crate::near_side;
use crate::paths;
use crate::protocol::{Request, Response};
use crate::registry;
use crate::registry::event_log::EventLog;
use crate::registry::lock::Lock;
use crate::registry::names;
use crate::registry::naming;
use crate::registry::record::SessionKind;
use crate::registry::{NAME_LOCK_TIMEOUT, OpenLock, Session, recovery};
use crate::user_error::{UserError, host, session as of_session};

/// Gives a session another name.
pub fn main(word: &str, name: &str) -> ExitCode {
    run(word, name).unwrap_or_else(|error| fail(&error))
}

fn run(word: &str, name: &str) -> Result<ExitCode, UserError> {
    if let Some(why) = names::unfit(name) {
        return Err(of_session::unfit_name(name, why));
    }
    let session = meant(word)?;
    let before = escape(&session.name).to_string();
    if session.own_name == name {
        return Ok(print(&format!("{before}: is called so already\n")));
    }
    // Until the record is written nobody else gets the name.
    let _turn = OpenLock::take(&paths::state_dir()?, NAME_LOCK_TIMEOUT);
    let runs = session.has_host();
    if runs {
        let request = Request::Rename { name: name.to_owned() };
        match registry::ask(&with_socket(session.clone())?, &request)? {
            Response::Done => {}
            Response::Refused { reason } => return Err(host::refused(&reason)),
            _ => return Err(host::wrong_answer()),
        }
    } else {
        rename_ended(&session, name)?;
    }
    let claude = match session.record.kind {
        SessionKind::Conversation if runs => {
            format!(
                "; claude hears of it when it is started again (at once: cckw restart {})",
                shown(&session)
            )
        }
        SessionKind::Conversation => "; claude hears of it when it is brought back".to_owned(),
        SessionKind::Server => String::new(),
    };
    Ok(print(&format!("{before}: is called {} now{claude}\n", escape(&near_side::on(name)))))
}

/// What to type for a session that has just been renamed.
fn shown(session: &Session) -> String {
    registry::again(session).as_ref().unwrap_or(session).word()
}

/// Writes the name into the record of a session without a host, which gets none meanwhile.
fn rename_ended(session: &Session, name: &str) -> Result<(), UserError> {
    let failed = |error: std::io::Error| of_session::cannot_be_renamed(error);
    let _lock = Lock::take(&session.directory).map_err(failed)?;
    let mut found = recovery::read_to_write(&session.directory).map_err(of_session::cannot_be_renamed)?;
    naming::rename_to(&mut found.record, name)?;
    found.record.write(&session.directory).map_err(failed)?;
    EventLog::in_directory(&session.directory).write(naming::renamed(&found.record));
    Ok(())
}

//! `cckw attach`: this terminal takes a session that runs.

use std::process::ExitCode;

use super::client::{self, Begin};
use crate::config;
use crate::fleet::{self, Session};
use crate::platform::{descriptors, signals, tty};
use crate::session::record::Text;

/// Attaches this terminal to a session, until it is detached or claude ends.
///
/// # Errors
/// When this is not a terminal, or the session is gone; the reason is for the user.
pub fn main(session: &Session) -> Result<ExitCode, String> {
    signals::inherited();
    if !tty::is_interactive() {
        return Err("stdin and stdout must be one terminal to attach".into());
    }
    if std::env::var("CCKW_SESSION").is_ok_and(|inside| inside == session.record.session.to_string()) {
        return Err("this terminal is inside that very session".into());
    }
    let tty = tty::reopen().map_err(|error| format!("this terminal cannot be opened anew: {error}"))?;
    let socket = fleet::connect(&session.record).ok_or("the session has just ended")?;
    descriptors::close_on_exec(&[]);
    let config = config::load().map_err(|error| error.to_string())?;
    Ok(client::main(tty, Begin::Attach { session: session.record.session, socket }, config.detach_key))
}

/// The ssh agent of this login; nothing when it has none.
pub(super) fn agent() -> Option<Text> {
    let agent = std::env::var_os("SSH_AUTH_SOCK").filter(|agent| !agent.is_empty())?;
    Some(std::path::absolute(agent).ok()?.as_path().into())
}

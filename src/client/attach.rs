//! `cckw attach`: this terminal takes a session that runs.

use std::ffi::OsString;
use std::process::ExitCode;

use nix::unistd::{Pid, getsid};

use super::far_end::OverLink;
use super::{Begin, ClientEnd};
use crate::client;
use crate::config;
use crate::os::text::LosslessText;
use crate::os::tty::Streams;
use crate::os::{descriptors, listed_name, process, signals, tty};
use crate::registry;
use crate::registry::Session;
use crate::registry::environment::{login, revival};
use crate::registry::record::Record;
use crate::user_error::{UserError, host, terminal};

/// Attaches this terminal to a session, until it is detached or claude ends.
///
/// # Errors
/// When this is not a terminal, or the session is gone.
pub fn main(session: &Session) -> Result<ExitCode, UserError> {
    in_terminal(session, None).map(|end| ExitCode::from(end.status))
}

/// How an attach has ended.
pub struct AttachEnd {
    /// The status to exit with.
    pub status: u8,
    /// The link is dead whose far end this terminal was.
    pub is_link_lost: bool,
}

/// The same where this terminal is the far end of a link.
///
/// # Errors
/// As [`main`].
pub fn at_far_end(session: &Session, over: &OverLink) -> Result<AttachEnd, UserError> {
    in_terminal(session, Some(over))
}

fn in_terminal(session: &Session, over: Option<&OverLink>) -> Result<AttachEnd, UserError> {
    signals::inherited();
    match tty::streams() {
        Streams::OneTerminal => {}
        Streams::TwoTerminals => return Err(terminal::two_to_attach()),
        Streams::NoTerminal => return Err(terminal::none_to_attach()),
    }
    if is_inside(session) {
        return Err(terminal::inside_itself());
    }
    let tty = tty::reopen().map_err(terminal::cannot_be_opened)?;
    let socket = session.connect().ok_or_else(host::gone)?;
    descriptors::close_on_exec(&[]);
    let config = config::load()?;
    // As the window was called before.
    let words: Vec<OsString> = std::env::args_os().collect();
    listed_name::be_listed_as(&["claude".into()], &words);
    let begin = Begin::Attach { record: Box::new(session.record.clone()), socket };
    match client::main(tty, begin, &config, over) {
        ClientEnd::Exit(status) => Ok(AttachEnd { status, is_link_lost: false }),
        ClientEnd::LinkLost(status) => Ok(AttachEnd { status, is_link_lost: true }),
        ClientEnd::NoSession(error) => Err(error),
    }
}

/// The most sessions inside one another that are looked at.
const MAX_NESTING: usize = 8;

/// Whether what is shown in this terminal is shown in that session: because this process runs in it, or in
/// one that is attached in it. It would draw itself for ever. The variable says so of a process that kept its
/// environment; of others the tree of processes does.
pub fn is_inside(session: &Session) -> bool {
    if std::env::var("CCKW_SESSION").is_ok_and(|inside| inside == session.record.session.to_string()) {
        return true;
    }
    let running = registry::running().unwrap_or_default();
    let mut pid = Pid::this();
    for _ in 0..MAX_NESTING {
        let Some(around) = running.iter().find(|other| runs_in(pid, &other.record)) else { return false };
        if around.record.session == session.record.session {
            return true;
        }
        let Some(client) = around.record.client_pid.filter(|_| around.record.client_lives()) else {
            return false;
        };
        pid = Pid::from_raw(client);
    }
    false
}

/// Whether a process belongs to the claude of a session: its host is above it, or leads the session of its
/// terminal.
fn runs_in(pid: Pid, record: &Record) -> bool {
    let host = Pid::from_raw(record.host_pid);
    host.as_raw() > 1
        && (process::distance(pid, host).is_some() || getsid(Some(pid)).is_ok_and(|leader| leader == host))
}

/// The longest value that is taken along, in bytes: a message of the control protocol has a bound.
const MAX_VALUE_LEN: usize = 4096;

/// What this login and this terminal bring for the claudes that are started later.
pub(super) fn environment() -> Vec<(String, Option<LosslessText>)> {
    let brought = login::of_attaching(&revival::current()).into_iter();
    let fits = |value: &Option<OsString>| value.as_ref().is_none_or(|value| value.len() <= MAX_VALUE_LEN);
    brought
        .filter(|(_, value)| fits(value))
        .map(|(name, value)| (name, value.map(|value| value.as_os_str().into())))
        .collect()
}

/// The ssh agent of this login; nothing when it has none.
pub(super) fn agent() -> Option<LosslessText> {
    let agent = std::env::var_os("SSH_AUTH_SOCK").filter(|agent| !agent.is_empty())?;
    Some(std::path::absolute(agent).ok()?.as_path().into())
}

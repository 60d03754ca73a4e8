//! `cckw claude …`: straight through, or a session in this terminal.

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;

use uuid::Uuid;

use super::launch::HostLaunch;
use super::{Begin, ClientEnd};
use super::{complain, passthrough};
use crate::claude::args;
use crate::claude::args::Run;
use crate::claude::executable;
use crate::claude::executable::Executable;
use crate::claude::latest_conversation;
use crate::claude::server;
use crate::client;
use crate::config;
use crate::config::OnHangup;
use crate::os::tty::Streams;
use crate::os::{descriptors, signals, tty};
use crate::registry;
use crate::registry::environment::revival;
use crate::registry::record;
use crate::registry::record::Record;
use crate::registry::{ConversationOwner, Session, Waiting};
use crate::user_error;
use crate::user_error::UserError;

/// How many descriptors a session needs, in the client and in the host, with some to spare for requests.
const ROOM: usize = 40;

/// Runs claude with these arguments and returns its status. Does not return where claude takes this process's
/// place.
pub fn main(args: Vec<OsString>) -> ExitCode {
    signals::inherited();
    let config = match config::load() {
        Ok(config) => config,
        Err(error) => return refuse(&error),
    };
    let found = match executable::find(&config) {
        Ok(found) => found,
        Err(error) => return refuse(&(&error).into()),
    };
    if leads_back(&found) || passthrough::leads_back(&found) {
        return refuse(&user_error::claude::leads_back(&found.program, executable::VARIABLE));
    }
    let parsed = args::parse(&args);
    if parsed.run == Run::Straight {
        return passthrough::exec(&found, &args);
    }
    match tty::streams() {
        Streams::OneTerminal => {}
        // A script that gives the terminal back does it by its name, or by /dev/tty: that is one terminal.
        Streams::TwoTerminals => return without_session(&found, &args, user_error::terminal::two()),
        Streams::NoTerminal => return passthrough::exec(&found, &args),
    }
    // The host starts with the same limit, and fewer open: so neither runs out of them half-way.
    if let Err(error) = descriptors::check_room(ROOM) {
        return without_session(&found, &args, error);
    }
    let tty = match tty::reopen() {
        Ok(tty) => tty,
        Err(error) => {
            complain(user_error::client::terminal_cannot_be_opened(error));
            return passthrough::exec(&found, &args);
        }
    };
    if let Some(holder) = holder(&args) {
        return refuse(&holder.error());
    }
    // Who names a conversation may mean that very one.
    if !parsed.chosen {
        revive_here(config.on_hangup);
    }
    tell_who_waits();
    let session = Uuid::new_v4();
    let server = parsed.run == Run::Server;
    let pinned = !parsed.chosen && !server;
    let name = if server { server::name(&args) } else { parsed.name };
    let launch = HostLaunch {
        session,
        program: found.program.clone(),
        args: if pinned { args::pin(&args, &session) } else { args.clone() },
        pinned,
        name,
        server,
        revive: false,
        environment: revival::current(),
        record_environment: true,
        may_expire: true,
        is_asked: false,
        last_open: None,
    };
    match client::main(tty, Begin::Launch(launch), &config) {
        ClientEnd::Exit(status) => status,
        ClientEnd::NoSession(reason) => without_session(&found, &args, reason),
    }
}

/// Runs claude in the place of this process, because there can be no session. The user hears it before claude
/// draws.
fn without_session(found: &Executable, args: &[OsString], reason: impl Display) -> ExitCode {
    complain(user_error::client::without_session(reason));
    passthrough::exec(found, args)
}

/// Brings back, in the background, what was started here and has lost its host while it had no terminal.
fn revive_here(on_hangup: OnHangup) {
    if std::env::var_os("CCKW_SESSION").is_some() {
        return;
    }
    let Ok(cwd) = std::env::current_dir() else { return };
    let revived = crate::client::recover::revive_lost(Some(&cwd), on_hangup);
    if revived.is_empty() || !io::stderr().is_terminal() {
        return;
    }
    match &revived[..] {
        [one] => {
            let sessions = registry::sessions().unwrap_or_default();
            let session = sessions.iter().find(|session| session.record.session == *one);
            let word = session.map_or_else(|| one.to_string(), Session::word);
            complain(format_args!(
                "the host of session {word} of this directory was killed; its conversation is brought back; \
                 to take it: cckw attach {word}"
            ));
        }
        several => complain(format_args!(
            "the hosts of {} sessions of this directory were killed; their conversations are brought back; to \
             see them: cckw list",
            several.len()
        )),
    }
}

/// Who has the conversation that the user has chosen.
fn holder(args: &[OsString]) -> Option<ConversationOwner> {
    latest_conversation::chosen(args, &std::env::current_dir().ok()?)
        .iter()
        .find_map(|id| ConversationOwner::of(id, None))
}

/// Says on the terminal, once, that something that was started here goes on without one. That is easily
/// forgotten, and claude would know nothing of what was said there.
fn tell_who_waits() {
    let Ok(cwd) = std::env::current_dir() else { return };
    if !io::stderr().is_terminal() {
        return;
    }
    match registry::waiting_in(&cwd) {
        None => {}
        Some(Waiting::One(word)) => {
            complain(format_args!(
                "session {word} of this directory goes on without a terminal; to take it: cckw attach {word}"
            ));
        }
        Some(Waiting::Several(count)) => {
            complain(format_args!(
                "{count} sessions of this directory go on without a terminal; to see them: cckw list"
            ));
        }
    }
}

fn refuse(error: &UserError) -> ExitCode {
    complain(error);
    ExitCode::from(error.exit_status())
}

/// Whether a host of ours has started this process as claude, or below a script that should have become
/// claude and has not: then the program it found is a detour to cckw.
fn leads_back(found: &Executable) -> bool {
    let session = std::env::var("CCKW_SESSION").ok().and_then(|session| Uuid::parse_str(&session).ok());
    let directory: Option<PathBuf> = session.and_then(|session| record::directory(&session).ok());
    let record = directory.and_then(|directory| Record::read(&directory).ok());
    record.is_some_and(|record| {
        let me = i32::try_from(std::process::id()).ok();
        // The host leads the session of the PTY that claude runs on, and of nothing else.
        let inside = nix::unistd::getsid(None).is_ok_and(|leader| leader.as_raw() == record.host_pid);
        record.ended_at.is_none()
            && (record.child_pid.is_some() && record.child_pid == me
                || found.is_script && inside && record.claude_pid.is_none())
    })
}

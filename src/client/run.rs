//! `cckw claude …`: straight through, or a session in this terminal.

use std::ffi::OsString;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;

use uuid::Uuid;

use super::existing;
use super::existing::{Question, can_ask};
use super::launch::HostLaunch;
use super::{Begin, ClientEnd};
use super::{complain, passthrough};
use crate::claude::args;
use crate::claude::args::{Parsed, Run};
use crate::claude::executable;
use crate::claude::executable::Executable;
use crate::claude::latest_conversation;
use crate::claude::shim;
use crate::client;
use crate::config;
use crate::config::{Config, Existing, OnHangup};
use crate::os::tty::Streams;
use crate::os::{descriptors, listed_name, signals, tty};
use crate::registry;
use crate::registry::names;
use crate::registry::record;
use crate::registry::record::Record;
use crate::registry::{ConversationOwner, Session};
use crate::user_error;
use crate::user_error::UserError;

/// How many descriptors a session needs, in the client and in the host, with some to spare for requests.
pub(super) const ROOM: usize = 40;

/// Runs claude with these arguments and returns its status. Does not return where claude takes this process's
/// place.
pub fn main(args: Vec<OsString>) -> ExitCode {
    let (found, config) = match claude() {
        Ok(claude) => claude,
        Err(error) => return refuse(&error),
    };
    let parsed = args::parse(&args);
    let streams = tty::streams();
    let is_straight = parsed.run == Run::Straight || matches!(streams, Streams::NoTerminal);
    match way_to_claude(&found, is_straight) {
        Way::Start => {}
        Way::Detour => return passthrough::exec(&found, &args),
        Way::Circle => {
            return refuse(&user_error::claude::leads_back(&found.program, executable::VARIABLE));
        }
    }
    if is_straight {
        return passthrough::exec(&found, &args);
    }
    // A script that gives the terminal back does it by its name, or by /dev/tty: that is one terminal.
    if let Streams::TwoTerminals = streams {
        return without_session(&found, &args, user_error::terminal::two());
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
    let instead = match holder(&args) {
        Some(holder) => take_holder(&holder, &tty, config.start.existing).map(Some),
        None => take_existing(&parsed, &tty, &config),
    };
    match instead {
        Ok(None) => {}
        Ok(Some(status)) => return status,
        Err(error) => return refuse(&error),
    }
    let launch = HostLaunch::fresh(found.program.clone(), &args, &parsed);
    be_listed_as_claude();
    match client::main(tty, Begin::Launch(launch), &config, None) {
        ClientEnd::Exit(status) | ClientEnd::LinkLost(status) => ExitCode::from(status),
        ClientEnd::NoSession(reason) => without_session(&found, &args, reason),
    }
}

/// Has windows that are named after the program in their foreground called `claude`, as without cckw.
fn be_listed_as_claude() {
    let words: Vec<OsString> = std::env::args_os().collect();
    if !shim::is_started_as_claude() && words.get(1).is_some_and(|word| word == "claude") {
        listed_name::be_listed_as(&words[1..], &words);
    }
}

/// Runs claude without cckw, in the place of this process. Where a shim is the first `claude` on `PATH`, the
/// shell's function `claude-plain` does it with this.
pub fn plain(args: &[OsString]) -> ExitCode {
    match claude() {
        Ok((found, _)) if passthrough::leads_back(&found) => {
            refuse(&user_error::claude::leads_back(&found.program, executable::VARIABLE))
        }
        Ok((found, _)) => passthrough::exec(&found, args),
        Err(error) => refuse(&error),
    }
}

/// The claude that is meant, and the configuration.
pub(super) fn claude() -> Result<(Executable, Config), UserError> {
    signals::inherited();
    let config = config::load()?;
    let found = executable::find(&config).map_err(|error| UserError::from(&error))?;
    Ok((found, config))
}

/// Runs claude in the place of this process, because there can be no session. The user hears it before claude
/// draws.
fn without_session(found: &Executable, args: &[OsString], reason: impl Display) -> ExitCode {
    complain(user_error::client::without_session(reason));
    passthrough::exec(found, args)
}

/// The conversation is open in another session. Where that one goes on without a terminal, and somebody is
/// there to be asked, it can be taken.
///
/// # Errors
/// That it is open there, where nobody takes it.
fn take_holder(holder: &ConversationOwner, tty: &File, existing: Existing) -> Result<ExitCode, UserError> {
    match holder.without_terminal() {
        Some(session) if can_ask() => match existing {
            Existing::Ask => Question::Conversation(session, holder.conversation())
                .ask(tty)
                .and_then(|status| status.ok_or_else(|| holder.error())),
            Existing::Attach => existing::take(session),
            Existing::New => Err(holder.error()),
        },
        _ => Err(holder.error()),
    }
}

/// Sessions of this directory go on without a terminal: one of them may be meant. The status to exit with,
/// where one was taken or the user has left; nothing where another one is to be started.
///
/// # Errors
/// When the one that is meant cannot be taken.
fn take_existing(parsed: &Parsed, tty: &File, config: &Config) -> Result<Option<ExitCode>, UserError> {
    // Who names a conversation may mean that very one.
    let revived = if parsed.chosen { vec![] } else { revive_here(config.on_hangup) };
    let Ok(cwd) = std::env::current_dir() else { return Ok(None) };
    let mut found = registry::waiting_in(&cwd, &revived);
    let named = parsed.name.as_deref().and_then(names::tidy).map(|name| names::typable(&name));
    let is_named = |session: &Session| Some(&session.own_name) == named.as_ref();
    let names_one = found.iter().any(is_named);
    if names_one {
        found.retain(is_named);
    }
    // A prompt is for another one, and so is a name that none of them has, a conversation that was chosen, or a
    // server.
    let is_plain = !parsed.chosen
        && parsed.prompt.is_none()
        && (named.is_none() || names_one)
        && parsed.run == Run::Interactive;
    match (config.start.existing, &found[..]) {
        (_, []) => Ok(None),
        (Existing::Attach, [one]) if is_plain && can_ask() => existing::take(one).map(Some),
        (Existing::Ask | Existing::Attach, some) if is_plain && can_ask() => {
            Question::Directory(some).ask(tty)
        }
        (_, some) => {
            existing::tell(some);
            Ok(None)
        }
    }
}

/// Brings back, in the background, what was started here and has lost its host while it had no terminal.
/// Gives the sessions.
fn revive_here(on_hangup: OnHangup) -> Vec<Uuid> {
    if std::env::var_os("CCKW_SESSION").is_some() {
        return vec![];
    }
    let Ok(cwd) = std::env::current_dir() else { return vec![] };
    let revived = crate::client::recover::revive_lost(Some(&cwd), on_hangup);
    if !revived.is_empty() && io::stderr().is_terminal() {
        let said = match &revived[..] {
            [one] => format!(
                "the host of session {} of this directory was killed; its conversation is brought back",
                registry::word_for(one)
            ),
            several => format!(
                "the hosts of {} sessions of this directory were killed; their conversations are brought back",
                several.len()
            ),
        };
        complain(said);
    }
    revived
}

/// Who has the conversation that the user has chosen.
pub(super) fn holder(args: &[OsString]) -> Option<ConversationOwner> {
    latest_conversation::chosen(args, &std::env::current_dir().ok()?)
        .iter()
        .find_map(|id| ConversationOwner::of(id, None))
}

fn refuse(error: &UserError) -> ExitCode {
    complain(error);
    ExitCode::from(error.exit_status())
}

/// What this process is on the way to claude.
enum Way {
    /// The beginning: a session may follow.
    Start,
    /// A host of ours has started another program as claude, a script that calls `claude`, and a shim was what
    /// it found. The session is there already, and the real claude belongs to it.
    Detour,
    /// The same program was started already, and has led to cckw.
    Circle,
}

/// Whether a host of ours has started this process as claude, or a program above it that should have become
/// claude and has not. What `is_straight` becomes no session, so a circle of it has its own bound.
fn way_to_claude(found: &Executable, is_straight: bool) -> Way {
    if passthrough::leads_back(found) {
        return Way::Circle;
    }
    let session = std::env::var("CCKW_SESSION").ok().and_then(|session| Uuid::parse_str(&session).ok());
    let directory: Option<PathBuf> = session.and_then(|session| record::directory(&session).ok());
    let record = directory.and_then(|directory| Record::read(&directory).ok());
    let Some(record) = record.filter(|record| record.ended_at.is_none()) else { return Way::Start };
    let same = found.program.as_os_str() == OsString::from(record.program.clone());
    let me = i32::try_from(std::process::id()).ok();
    if record.child_pid.is_some() && record.child_pid == me {
        return if same { Way::Circle } else { Way::Detour };
    }
    if is_straight {
        return Way::Start;
    }
    // The host leads the session of the PTY that claude runs on, and of nothing else.
    let inside = nix::unistd::getsid(None).is_ok_and(|leader| leader.as_raw() == record.host_pid);
    if !inside || record.claude_pid.is_some() {
        Way::Start
    } else if !same && shim::is_started_as_claude() {
        Way::Detour
    } else if found.is_script {
        Way::Circle
    } else {
        Way::Start
    }
}

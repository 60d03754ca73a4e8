//! `cckw complete VERB`: which sessions the verb could be about, for the completions of shells. Not for
//! users: the code in `shell/` calls it while a line is being typed, so it only looks, and is silent about
//! what goes wrong.

use std::process::ExitCode;

use super::output::print;
use super::status::state;
use crate::escape::escape;
use crate::registry;
use crate::registry::Session;
use crate::registry::record::SessionState;

/// Prints a line for each session that `verb` could be about: what to type for it, a tab, its state and its
/// directory.
pub fn main(verb: &str) -> ExitCode {
    let Ok(sessions) = registry::sessions() else { return ExitCode::FAILURE };
    let meant = sessions.iter().filter(|session| is_for(verb, session));
    print(&meant.map(|session| format!("{}\t{}\n", word(session), about(session))).collect::<String>())
}

fn is_for(verb: &str, session: &Session) -> bool {
    let runs = session.has_host();
    match verb {
        "logs" | "transcript" | "rename" | "wait" => true,
        "rm" => !runs,
        "start" => !runs && session.record.state != SessionState::Stopped,
        _ => runs,
    }
}

/// The name that it is shown with, if no shell takes it apart: bash breaks words at `@`.
fn word(session: &Session) -> String {
    let word = session.word();
    if word.contains('@') { session.record.session.to_string()[..8].to_owned() } else { word }
}

fn about(session: &Session) -> String {
    let directory = std::ffi::OsString::from(session.record.cwd.clone());
    format!("{}, {}", state(session), escape(&directory))
}

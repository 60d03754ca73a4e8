//! `cckw complete VERB`: which sessions the verb could be about, for the completions of shells. Not for
//! users: the code in `shell/` calls it while a line is being typed, so it only looks, and is silent about
//! what goes wrong. No machine is asked: what was last seen of it is offered.

use std::process::ExitCode;

use super::output::print;
use super::status::state;
use crate::escape::escape;
use crate::machines::cache;
use crate::machines::name::ALL;
use crate::machines::store;
use crate::machines::store::Machine;
use crate::registry;
use crate::registry::Session;
use crate::registry::record::SessionState;

/// What is asked for instead of a verb where a machine is to be named.
const MACHINES: &str = "machines";
/// The same where it may be all of them.
const ALL_MACHINES: &str = "all-machines";

/// Prints a line for each session that `verb` could be about: what to type for it, a tab, its state and its
/// directory.
pub fn main(verb: &str) -> ExitCode {
    let machines = store::load().unwrap_or_default();
    if matches!(verb, MACHINES | ALL_MACHINES) {
        let all = (verb == ALL_MACHINES).then(|| format!("{ALL}\tall machines, and this one\n"));
        let named =
            machines.iter().map(|machine| format!("{}\t{}\n", machine.name, escape(&machine.destination)));
        return print(&all.into_iter().chain(named).collect::<String>());
    }
    let Ok(sessions) = registry::sessions() else { return ExitCode::FAILURE };
    let meant = sessions.iter().filter(|session| is_for(verb, session));
    let mut lines: String = meant.map(|session| format!("{}\t{}\n", word(session), about(session))).collect();
    if takes_machine(verb) {
        lines.extend(machines.iter().map(|machine| on_machine(machine, verb)));
    }
    print(&lines)
}

fn is_for(verb: &str, session: &Session) -> bool {
    let runs = session.has_host();
    match verb {
        "new" | "adopt" => false,
        "logs" | "transcript" | "rename" | "wait" => true,
        "rm" => !runs,
        "start" => !runs && session.record.state != SessionState::Stopped,
        _ => runs,
    }
}

/// Whether `MACHINE:SESSION` may stand behind a verb.
fn takes_machine(verb: &str) -> bool {
    !matches!(verb, "claude" | "")
}

/// The words for the sessions of a machine, and where none may be meant or is known the machine alone.
fn on_machine(machine: &Machine, verb: &str) -> String {
    let name = machine.name.as_str();
    let seen = cache::read(&machine.name).map(|seen| seen.sessions).unwrap_or_default();
    if seen.is_empty() || matches!(verb, "new" | "adopt") {
        return format!("{name}:\t{}\n", escape(&machine.destination));
    }
    let words = seen.iter().filter_map(|seen| Some((far_word(&seen.name, &seen.session)?, &seen.state)));
    words.map(|(word, state)| format!("{name}:{word}\t{}\n", escape(state))).collect()
}

/// The name of a session of another machine, if it means nothing to any shell: that machine has chosen it. Else
/// the beginning of its id.
fn far_word(name: &str, id: &str) -> Option<String> {
    let is_plain = |c: char| c.is_alphanumeric() || "._-+".contains(c);
    if !name.is_empty() && !name.starts_with('-') && name.chars().all(is_plain) {
        return Some(name.to_owned());
    }
    let id = id.get(..8).filter(|id| id.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    Some(id.to_owned())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_far_name_that_a_shell_would_run_is_not_offered() {
        let id = "5f0c1d1e-aaaa-4bbb-8ccc-123456789abc";
        assert_eq!(far_word("api.v2", id).as_deref(), Some("api.v2"));
        for odd in ["$(touch x)", "a b", "a;b", "-x", "", "a\u{1b}[2J", "a'b", "me@box", "a:b"] {
            assert_eq!(far_word(odd, id).as_deref(), Some("5f0c1d1e"), "{odd}");
        }
        assert_eq!(far_word("$(x)", "$(touch y)"), None);
    }
}

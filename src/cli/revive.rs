//! What a verb that has to do with sessions does first: it brings back those whose host was killed.

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::process::ExitCode;

use uuid::Uuid;

use super::definition::Verb;
use super::inside;
use crate::escape::escape;
use crate::os::signals;
use crate::registry::record;
use crate::registry::service_state::ServiceState;
use crate::{client, config, paths, registry};

/// Brings back what this verb could have to do with. Where a session is named, that is left to the verb: what
/// the word means is decided first.
pub fn before(verb: &Verb) {
    if deals_with_hosts(verb) {
        lost();
    }
}

/// Brings back the sessions that have lost their host, in the background, and says so on a terminal.
///
/// Not from inside a session: what claude has set in its environment for the commands that it runs is not for
/// another claude. Gives their ids.
pub fn lost() -> Vec<Uuid> {
    let revived = without_a_word();
    if !revived.is_empty() && io::stderr().is_terminal() {
        client::complain(words(&revived));
    }
    revived
}

/// The same without a word on stderr: what there is to say, if anything.
pub fn lost_in_words() -> Option<String> {
    Some(without_a_word()).filter(|revived| !revived.is_empty()).map(|revived| words(&revived))
}

fn without_a_word() -> Vec<Uuid> {
    if inside().is_some() {
        return Vec::new();
    }
    signals::inherited();
    // What is wrong with the configuration is said by the verbs that need it.
    let Ok(config) = config::load() else { return Vec::new() };
    crate::client::recover::revive_lost(None, config.on_hangup)
}

/// Which sessions are brought back.
fn words(revived: &[Uuid]) -> String {
    let sessions = registry::sessions().unwrap_or_default();
    let name = |id| sessions.iter().find(|session| session.record.session == id).map(|session| &session.name);
    match revived {
        [one] => {
            let name = name(*one).map_or_else(|| one.to_string(), |name| escape(name).to_string());
            format!("the host of session {name} was killed; its conversation is brought back")
        }
        several => format!(
            "the hosts of {} sessions were killed; their conversations are brought back",
            several.len()
        ),
    }
}

/// `cckw revive SESSION`, which the service runs for each session that it brings back.
pub fn for_service(args: &[OsString]) -> ExitCode {
    signals::inherited();
    let Some(id) = args.first().and_then(|word| Uuid::parse_str(word.to_str()?).ok()) else {
        return ExitCode::from(2);
    };
    let (Ok(directory), Ok(state)) = (record::directory(&id), paths::state_dir()) else {
        return ExitCode::FAILURE;
    };
    let service = ServiceState::read(&state).unwrap_or_default();
    let on_hangup = config::load().unwrap_or_default().on_hangup;
    if client::recover::revive_for_service(&directory, &service, on_hangup) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Whether a verb deals with sessions that run, and names none. `start` brings them back by itself, and says
/// how that went; `rm` is for those that are not wanted any more.
fn deals_with_hosts(verb: &Verb) -> bool {
    match verb {
        Verb::List { .. } | Verb::Reconnect { apply: true, cycle: None, .. } => true,
        Verb::Attach { session, .. }
        | Verb::Detach { session }
        | Verb::Logs { session, .. }
        | Verb::Screen { session, .. } => session.is_none(),
        Verb::Stop { sessions, .. } | Verb::Restart { sessions, .. } => sessions.is_empty(),
        // `claude` looks at its own directory, once it is to be a session.
        Verb::Claude { .. }
        | Verb::Continue { .. }
        // It does so itself, when it is on the screen.
        | Verb::Top
        | Verb::New { .. }
        // These name their sessions.
        | Verb::Rename { .. }
        | Verb::Wait { .. }
        | Verb::Adopt { .. }
        | Verb::Start { .. }
        // These change nothing.
        | Verb::Transcript { .. }
        | Verb::Detect { .. }
        | Verb::Reconnect { .. }
        | Verb::Rm { .. }
        // It names one.
        | Verb::Send { .. }
        | Verb::Demo { .. }
        | Verb::Service { .. }
        | Verb::Machine { .. }
        | Verb::Doctor { .. }
        | Verb::Update { .. }
        | Verb::ShellInit { .. }
        | Verb::Completions { .. }
        | Verb::Man { .. } => false,
    }
}

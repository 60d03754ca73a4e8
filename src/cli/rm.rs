//! `cckw rm`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;

use super::output::{fail, print};
use crate::escape::escape;
use crate::registry;
use crate::registry::record::SessionState;
use crate::registry::{Removable, Session};
use crate::user_error::{UserError, session};

/// Removes these sessions' records; without any, those of all that have ended.
pub fn main(words: &[String]) -> ExitCode {
    let sessions = match registry::sessions() {
        Ok(sessions) => sessions,
        Err(error) => return fail(&error),
    };
    let chosen = if words.is_empty() { ended(&sessions) } else { meant(&sessions, words) };
    let chosen = match chosen {
        Ok(chosen) => chosen,
        Err(error) => return fail(&session::nothing_was_removed(error)),
    };
    let mut said = String::new();
    let mut status = ExitCode::SUCCESS;
    for (name, removable) in chosen {
        match removable.remove() {
            Ok(()) => said.push_str(&format!("removed {}\n", escape(&name))),
            Err(error) => status = fail(&error),
        }
    }
    if said.is_empty() && status == ExitCode::SUCCESS {
        said.push_str(&nothing_to_remove(&sessions));
    }
    let printed = print(&said);
    if status == ExitCode::SUCCESS { printed } else { status }
}

/// What is said where nothing was removed, and nothing went wrong. Those that can be brought back are shown by
/// `cckw list`, and look as if they had ended.
fn nothing_to_remove(sessions: &[Session]) -> String {
    let others: Vec<&Session> = sessions.iter().filter(|session| !session.has_host()).collect();
    let word = match others[..] {
        [] => return "no session has ended\n".into(),
        [one] => one.word(),
        _ => "SESSION".into(),
    };
    format!("no session has ended; to remove one that can be brought back, name it: cckw rm {word}\n")
}

/// Those that came to their end. One that crashed, or whose host was killed, has a conversation to be brought
/// back.
fn ended(sessions: &[Session]) -> Result<Vec<(String, Removable)>, UserError> {
    let ended = sessions.iter().filter(|session| {
        session.record.state == SessionState::Stopped && !session.has_host() && session.damage.is_none()
    });
    ended.map(|session| Ok((session.name.clone(), Removable::new(session)?))).collect()
}

fn meant(sessions: &[Session], words: &[String]) -> Result<Vec<(String, Removable)>, UserError> {
    // Of one that is named twice, once.
    let mut chosen: BTreeMap<&Path, &Session> = BTreeMap::new();
    let mut removable = Vec::new();
    let mut broken = BTreeSet::new();
    for word in words {
        match registry::pick_to_remove(sessions, word) {
            Ok(session) => drop(chosen.insert(&session.directory, session)),
            Err(_) if broken.contains(word) => {}
            Err(error) => {
                removable
                    .push((word.clone(), Removable::unreadable(word).ok_or_else(|| error.among_all())??));
                broken.insert(word);
            }
        }
    }
    for session in chosen.values() {
        removable.push((session.name.clone(), Removable::new(session)?));
    }
    Ok(removable)
}

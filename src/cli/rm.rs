//! `cckw rm`.

use std::path::PathBuf;
use std::process::ExitCode;

use super::output::{fail, print};
use crate::escape::escape;
use crate::fleet::{self, Session};
use crate::session::record::State;

/// Removes these sessions' records; without any, those of all that have ended.
pub fn main(words: &[String]) -> ExitCode {
    let sessions = match fleet::sessions() {
        Ok(sessions) => sessions,
        Err(error) => return fail(&error.to_string()),
    };
    let chosen = if words.is_empty() { ended(&sessions) } else { meant(&sessions, words) };
    let chosen = match chosen {
        Ok(chosen) => chosen,
        Err(reason) => return fail(&format!("{reason}; nothing was removed")),
    };
    let mut said = String::new();
    let mut status = ExitCode::SUCCESS;
    for (name, directory) in chosen {
        match fleet::remove(&directory) {
            Ok(()) => said.push_str(&format!("removed {}\n", escape(&name))),
            Err(reason) => status = fail(&reason),
        }
    }
    if said.is_empty() && status == ExitCode::SUCCESS {
        said.push_str("no session has ended\n");
    }
    let printed = print(&said);
    if status == ExitCode::SUCCESS { printed } else { status }
}

/// Those that came to their end. One that crashed, or whose host was killed, has a conversation to be brought back.
fn ended(sessions: &[Session]) -> Result<Vec<(String, PathBuf)>, String> {
    let ended =
        sessions.iter().filter(|session| session.record.state == State::Stopped && !session.is_running);
    Ok(ended.map(|session| (session.name.clone(), session.directory.clone())).collect())
}

fn meant(sessions: &[Session], words: &[String]) -> Result<Vec<(String, PathBuf)>, String> {
    let mut chosen = Vec::new();
    for word in words {
        let one = match fleet::pick(sessions, Some(word)) {
            Ok(session) => {
                fleet::check_removable(session)?;
                (session.name.clone(), session.directory.clone())
            }
            Err(error) => match fleet::unreadable(word) {
                Some(directory) => (word.clone(), directory),
                None => return Err(error.among_all()),
            },
        };
        if !chosen.contains(&one) {
            chosen.push(one);
        }
    }
    Ok(chosen)
}

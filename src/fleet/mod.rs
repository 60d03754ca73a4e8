//! Across sessions: which there are, and which one is meant.

mod pick;

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use uuid::Uuid;

use crate::control::{Answer, Channel, Request};
use crate::paths::{self, Unusable};
use crate::session::record::{Record, State};

pub use pick::{NotPicked, pick};

/// How long a host may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// A session that has a record.
#[derive(Debug, Clone)]
pub struct Session {
    /// Its record, as it is on disk.
    pub record: Record,
    /// Its directory.
    pub directory: PathBuf,
    /// What to call it: the name the user gave, else its directory's, made unique.
    pub name: String,
    /// Whether its host runs.
    pub is_running: bool,
}

/// All sessions that have a record, oldest first. What is no record is left out.
///
/// # Errors
/// When there is no state directory.
pub fn sessions() -> Result<Vec<Session>, Unusable> {
    let state = paths::state_dir()?;
    let entries = fs::read_dir(state).into_iter().flatten().flatten();
    let directories = entries.map(|entry| entry.path()).filter(|path| names_a_session(path));
    let mut sessions: Vec<Session> = directories.filter_map(read).collect();
    sessions.sort_by_key(|session| (session.record.started_at, session.record.session));
    make_unique(&mut sessions);
    Ok(sessions)
}

fn names_a_session(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| Uuid::parse_str(name).is_ok())
}

fn read(directory: PathBuf) -> Option<Session> {
    let record = Record::read(&directory).ok()?;
    let name = record.name.clone().unwrap_or_else(|| {
        let cwd = PathBuf::from(std::ffi::OsString::from(record.cwd.clone()));
        cwd.file_name().map_or_else(|| "session".into(), |name| name.to_string_lossy().into_owned())
    });
    // A record that has ended needs no look at its socket; of the others the socket is the only sure sign.
    let is_running = record.state != State::Stopped && connect(&record).is_some();
    Some(Session { record, directory, name, is_running })
}

/// Of several sessions with one name, those that run first and then the oldest keeps it.
fn make_unique(sessions: &mut [Session]) {
    let mut order: Vec<usize> = (0..sessions.len()).collect();
    order.sort_by_key(|at| !sessions[*at].is_running);
    let mut taken = std::collections::HashSet::new();
    for at in order {
        let name = sessions[at].name.clone();
        let mut unique = name.clone();
        let mut number = 2;
        while !taken.insert(unique.clone()) {
            unique = format!("{name}-{number}");
            number += 1;
        }
        sessions[at].name = unique;
    }
}

/// A connection to the host of a session; nothing when it is gone.
pub fn connect(record: &Record) -> Option<UnixStream> {
    let path = PathBuf::from(std::ffi::OsString::from(record.socket.clone()));
    UnixStream::connect(path).ok()
}

/// Asks a session's host; nothing when it is gone or does not answer.
pub fn ask(session: &Session, request: &Request) -> Option<Answer> {
    let mut channel = Channel::new(connect(&session.record)?).ok()?;
    channel.send(request, vec![]);
    channel.wait_for::<Answer>(Some(PATIENCE)).ok()?.map(|(answer, _)| answer)
}

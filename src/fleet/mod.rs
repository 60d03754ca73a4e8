//! Across sessions: which there are, and which one is meant.

mod changes;
pub mod detect;
mod holder;
mod pick;
pub mod reconnect;
mod remove;
mod revive;
pub mod transport;
mod waiting;

use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use uuid::Uuid;

use crate::control::{Answer, Channel, Request};
use crate::paths::{self, Unusable};
use crate::platform::share::share;
use crate::platform::socket;
use crate::session::record::{Record, State};
use crate::session::revive::Lock;

pub use changes::Changes;
pub use holder::Holder;
pub use pick::{NotPicked, pick};
pub use remove::Removable;
pub use revive::{revive_lost, wait_for_host};
pub use waiting::{Waiting, waiting_in};

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
    /// Whether it is about to get a host: the first one, or another one.
    pub is_coming: bool,
}

impl Session {
    /// What to type for it at a shell: its name, or the beginning of its id where the name would have to be quoted.
    pub fn word(&self) -> String {
        let plain = |c: char| c.is_alphanumeric() || "._-+:@".contains(c);
        if !self.name.is_empty() && !self.name.starts_with('-') && self.name.chars().all(plain) {
            return self.name.clone();
        }
        self.record.session.to_string()[..8].to_owned()
    }
}

/// What to type for the session with this id: as [`Session::word`], or the id where it has no record.
pub fn word_for(session: &Uuid) -> String {
    let sessions = sessions().unwrap_or_default();
    let found = sessions.iter().find(|found| found.record.session == *session);
    found.map_or_else(|| session.to_string(), Session::word)
}

/// All sessions that have a record, oldest first. What is no record is left out.
///
/// # Errors
/// When there is no state directory.
pub fn sessions() -> Result<Vec<Session>, Unusable> {
    Ok(in_order(share(&directories()?, |part| part.iter().filter_map(|directory| read(directory)).collect())))
}

/// Those that run. They have the names that [`sessions`] gives them, for those that run are named first; the records of the
/// others, of which there may be a thousand, are not read.
///
/// # Errors
/// When there is no state directory.
pub fn running() -> Result<Vec<Session>, Unusable> {
    let running = |directory: &PathBuf| {
        Lock::is_held(directory).then(|| read(directory)).flatten().filter(|session| session.is_running)
    };
    Ok(in_order(share(&directories()?, |part| part.iter().filter_map(running).collect())))
}

fn directories() -> Result<Vec<PathBuf>, Unusable> {
    let entries = fs::read_dir(paths::state_dir()?).into_iter().flatten().flatten();
    Ok(entries.map(|entry| entry.path()).filter(|path| names_a_session(path)).collect())
}

fn in_order(mut sessions: Vec<Session>) -> Vec<Session> {
    sessions.sort_by_cached_key(|session| (session.record.started_at, session.record.session));
    make_unique(&mut sessions);
    sessions
}

fn names_a_session(path: &Path) -> bool {
    session_of(path).is_some()
}

/// The session whose directory this would be by its name, in the one form that cckw writes.
fn session_of(path: &Path) -> Option<Uuid> {
    let name = path.file_name()?.to_str()?;
    Uuid::parse_str(name).ok().filter(|session| session.to_string() == name)
}

fn read(directory: &Path) -> Option<Session> {
    let record = Record::read(directory).ok()?;
    let name = record.name.clone().unwrap_or_else(|| {
        let cwd = PathBuf::from(std::ffi::OsString::from(record.cwd.clone()));
        cwd.file_name().map_or_else(|| "session".into(), |name| name.to_string_lossy().into_owned())
    });
    // A record that has ended needs no look at its host; of the others the lock is the only sure sign. A host that holds it
    // has its socket, but for its first moments. To connect would say the same, and wake up every host there is.
    let has_ended = record.state == State::Stopped || record.ended_at.is_some();
    let has_host = !has_ended && Lock::is_held(directory);
    let is_running = has_host && socket::is_own(&socket_of(&record));
    let directory = directory.to_owned();
    Some(Session { record, directory, name, is_running, is_coming: has_host && !is_running })
}

/// Of several sessions with one name, those that run first and then the oldest keeps it.
fn make_unique(sessions: &mut [Session]) {
    let mut order: Vec<usize> = (0..sessions.len()).collect();
    order.sort_by_key(|at| !sessions[*at].is_running);
    let mut taken = HashSet::new();
    // Where to go on counting: a directory may have had a thousand sessions.
    let mut numbers: HashMap<String, usize> = HashMap::new();
    for at in order {
        let name = sessions[at].name.clone();
        if taken.insert(name.clone()) {
            continue;
        }
        let number = numbers.entry(name.clone()).or_insert(1);
        sessions[at].name = loop {
            *number += 1;
            let unique = format!("{name}-{number}");
            if taken.insert(unique.clone()) {
                break unique;
            }
        };
    }
}

/// A connection to the host of a session; nothing when it is gone, also where another user listens in its place.
pub fn connect(record: &Record) -> Option<UnixStream> {
    socket::connect_to_own(&socket_of(record)).ok()
}

fn socket_of(record: &Record) -> PathBuf {
    PathBuf::from(std::ffi::OsString::from(record.socket.clone()))
}

/// Asks a session's host; nothing when it is gone or does not answer.
pub fn ask(session: &Session, request: &Request) -> Option<Answer> {
    let mut channel = Channel::new(connect(&session.record)?).ok()?;
    channel.send(request, vec![]);
    channel.wait_for::<Answer>(Some(PATIENCE)).ok()?.map(|(answer, _)| answer)
}

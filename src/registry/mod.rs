//! Across sessions: which there are, and which one is meant.

pub mod broken_turn;
pub mod control_socket;
mod conversation_owner;
mod detached;
pub mod environment;
pub mod event_log;
mod expiry;
pub(crate) mod homeless;
mod hung_host;
pub mod last_claude;
pub mod link_record;
pub mod lock;
pub mod log;
pub mod log_event;
pub mod lost;
pub(crate) mod misplaced;
pub(crate) mod names;
pub mod naming;
pub mod next_conversation;
pub(crate) mod open_lock;
pub mod process_attributes;
pub mod record;
pub mod recovery;
pub mod recovery_marker;
mod remove;
mod selector;
pub mod service_bell;
pub mod service_state;
pub mod stop_marker;
mod unreachable;
mod watcher;

use std::fs;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::paths;
use crate::near_side;
use crate::os::disk;
use crate::os::parallel::share;
use crate::os::process;
use crate::os::socket;
use crate::protocol::{Channel, Request, Response};
use crate::user_error::UserError;
use lock::Lock;
use names::Named;
use record::{Record, SessionState};
use recovery::RecoveredRecord;
use stop_marker::StopRequest;

pub use conversation_owner::{ConversationOwner, another_claude_runs};
pub use detached::waiting_in;
pub use expiry::forget_ended;
pub use homeless::hosts;
pub use hung_host::{
    HAND_OVER_TIMEOUT, NoAnswer, SilentHost, ask, ask_and_stay, ask_within, note_silent_hosts, silent_hosts,
    word_within,
};
pub use open_lock::{NAME_LOCK_TIMEOUT, OpenLock};
pub use remove::Removable;
pub use selector::{NotPicked, pick, pick_to_remove};
pub use unreachable::{wait_for_host, why_unreachable};
pub use watcher::{Changed, RegistryWatcher};

/// In how long a time something must have changed in a session's directory for a session without a socket to
/// be looked at. Within it, few sessions end; reading all of a thousand would hold up a start.
const CHANGED_LATELY: Duration = Duration::from_secs(3600);

/// How long a host may take to answer where only the record of its session is asked for, by a verb that is
/// about all of them.
const DAMAGED_RECORD_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a list waits for the sockets of hosts that have lost theirs. A host takes a fifth of a second.
const SOCKET_TIMEOUT: Duration = Duration::from_secs(1);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// How long after the lock was taken a host may have no socket yet. It may have to wait for the end of the
/// last claude.
const HOST_START_TIMEOUT: Duration = Duration::from_secs(30);

/// A session that has a record.
#[derive(Debug, Clone)]
pub struct Session {
    /// Its record, as it is on disk.
    pub record: Record,
    pub directory: PathBuf,
    /// What it is shown with, which no other one is: its name, or that with the beginning of its id behind it. Where
    /// the user of another machine is told, that machine's word for this one stands before it.
    /// See [`names`].
    pub name: String,
    /// Its name, which others may have had.
    pub own_name: String,
    /// Whether it has not ended: it has a host, or is brought back by itself.
    pub lives: bool,
    /// Whether its host runs.
    pub is_running: bool,
    /// Whether it is about to get a host: the first one, or another one.
    pub is_coming: bool,
    /// Whether its host is alive and cannot be reached. It makes its socket anew within a second, unless it
    /// is stopped or hangs.
    pub is_unreachable: bool,
    /// Its host, where it was asked and did not answer ([`note_silent_hosts`]).
    pub silent: Option<SilentHost>,
    /// What is wrong with its record on disk; nothing where it is as it should be.
    pub damage: Option<String>,
}

impl Session {
    /// Whether it has a host, or is about to get one.
    pub fn has_host(&self) -> bool {
        self.is_running || self.is_coming || self.is_unreachable
    }

    /// A connection to its host; nothing when it is gone, also where another user listens in its place.
    pub fn connect(&self) -> Option<UnixStream> {
        connect(&self.directory, &self.record)
    }

    /// When it was used last, in seconds since 1970; nothing while it runs. Of one that never said its end it
    /// is when its record was written last.
    pub fn last_used(&self) -> Option<u64> {
        if self.has_host() {
            return None;
        }
        let written = || {
            let modified = fs::metadata(record::path(&self.directory)).and_then(|found| found.modified());
            Some(modified.ok()?.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs())
        };
        self.record.ended_at.or_else(written).or(Some(self.record.started_at))
    }

    /// What to type for it at a shell: its name, or the beginning of its id where the name would have to be
    /// quoted, or could be taken for an id or a pid.
    pub fn word(&self) -> String {
        self.typed_as(near_side::off(&self.name))
    }

    /// What to type for it that means nothing else, whatever other sessions begin or end.
    pub fn lasting_word(&self) -> String {
        self.typed_as(&names::with_id(&self.own_name, &self.record.session))
    }

    /// What of it decides about names.
    fn named(&self) -> Named {
        let record = &self.record;
        let since =
            record.called.as_ref().map_or(record.started_at.saturating_mul(1000), |called| called.since_ms);
        Named {
            name: self.own_name.clone(),
            session: record.session,
            lives: self.lives,
            since: since.max(record.ended_at.unwrap_or_default().saturating_mul(1000)),
        }
    }

    fn typed_as(&self, name: &str) -> String {
        let plain = |c: char| c.is_alphanumeric() || "._-+:@".contains(c);
        if !name.is_empty()
            && !name.starts_with('-')
            && name.chars().all(plain)
            && !names::goes_before_names(name)
        {
            return near_side::on(name);
        }
        near_side::on(&self.record.session.to_string()[..names::SHORT_ID_CHARS])
    }
}

/// The session with this id, as it is. Nothing where there is none.
pub fn by_id(id: &str) -> Option<Session> {
    let id = Uuid::parse_str(id).ok()?;
    read(&record::directory(&id).ok()?)
}

/// What to type for the session with this id: as [`Session::word`], or the id where it has no record.
pub fn word_for(session: &Uuid) -> String {
    let sessions = sessions().unwrap_or_default();
    let found = sessions.iter().find(|found| found.record.session == *session);
    found.map_or_else(|| near_side::on(&session.to_string()), Session::word)
}

/// All sessions that have a record, oldest first. What is no record is left out.
///
/// # Errors
/// When there is no state directory.
pub fn sessions() -> Result<Vec<Session>, UserError> {
    let read_all = |part: &[PathBuf]| part.iter().filter_map(|directory| read(directory)).collect();
    let mut sessions: Vec<Session> = share(&directories()?, read_all);
    homeless::wait_for_files(&mut sessions, &paths::state_dir()?);
    // After that: a host writes its record before it makes its socket.
    wait_for_sockets(&mut sessions);
    Ok(in_order(sessions))
}

/// Gives hosts that have lost their sockets a moment to make them anew, and looks at their sessions again.
fn wait_for_sockets(sessions: &mut [Session]) {
    let until = Instant::now() + SOCKET_TIMEOUT;
    while sessions.iter().any(|session| session.is_unreachable) && Instant::now() < until {
        sleep(POLL_INTERVAL);
        for session in sessions.iter_mut().filter(|session| session.is_unreachable) {
            if let Some(now) = read(&session.directory) {
                *session = now;
            }
        }
    }
}

/// Those that run. They have the names that [`sessions`] gives them, for ended ones give way; the records of
/// the others, of which there may be a thousand, are not read.
///
/// # Errors
/// When there is no state directory.
pub fn running() -> Result<Vec<Session>, UserError> {
    let mut sessions = with_host()?;
    sessions.retain(|session| session.is_running);
    Ok(in_order(sessions))
}

/// Those that have a host, or are about to get one, in no order: whoever holds the lock of a session owns it,
/// whether or not its socket and its processes can be seen from here.
fn with_host() -> Result<Vec<Session>, UserError> {
    let hosted = |directory: &PathBuf| {
        let may_have = Lock::is_held(directory) || control_socket::is_there(directory);
        may_have.then(|| read(directory)).flatten().filter(Session::has_host)
    };
    Ok(share(&directories()?, |part| part.iter().filter_map(hosted).collect()))
}

/// The directories of all sessions. No state directory at all has none; one that cannot be read is an error.
fn directories() -> Result<Vec<PathBuf>, UserError> {
    let state = paths::state_dir()?;
    match fs::read_dir(&state).and_then(Iterator::collect::<io::Result<Vec<fs::DirEntry>>>) {
        Ok(entries) => {
            Ok(entries.iter().map(fs::DirEntry::path).filter(|path| names_a_session(path)).collect())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(paths::unreadable(&state, &error)),
    }
}

/// The directories of the sessions that have a control socket: their host is alive, or was killed. Of those
/// that ended, of which there may be a thousand, no file is read.
fn with_socket() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = directories().unwrap_or_default();
    found.retain(|directory| control_socket::is_there(directory));
    let state = paths::state_dir().ok();
    // Hosts of earlier versions have their sockets in one directory.
    let sockets = fs::read_dir(paths::runtime_dir()).into_iter().flatten().flatten();
    let earlier = sockets
        .map(|entry| entry.path())
        .filter(|socket| socket.extension().is_some_and(|extension| extension == "sock"))
        .filter_map(|socket| Some(state.as_ref()?.join(session_of(&socket.with_extension(""))?.to_string())));
    for directory in earlier {
        if !found.contains(&directory) {
            found.push(directory);
        }
    }
    found
}

/// The directories of the sessions that may have lost their host: those with a socket, and those in which
/// something was changed lately. Somebody may have removed the socket just before the host was killed.
pub(crate) fn maybe_lost() -> Vec<PathBuf> {
    let mut found = with_socket();
    for directory in directories().unwrap_or_default() {
        let changed = fs::metadata(&directory).and_then(|metadata| metadata.modified()).ok();
        let age = changed.and_then(|at| at.elapsed().ok());
        if age.is_some_and(|age| age < CHANGED_LATELY) && !found.contains(&directory) {
            found.push(directory);
        }
    }
    found
}

/// The directories of all sessions; none where they cannot be listed.
pub fn session_directories() -> Vec<PathBuf> {
    directories().unwrap_or_default()
}

/// The last run of the machine before this one in which a session ran: that of the record that was written
/// last, of those of other runs.
pub fn boot_before() -> Option<String> {
    let written = |directory: &PathBuf| {
        let at = fs::metadata(record::path(directory)).and_then(|found| found.modified()).ok()?;
        let boot = Record::read(directory).ok()?.boot?;
        (Some(&boot) != process::boot().as_ref()).then_some((at, boot))
    };
    session_directories().iter().filter_map(written).max().map(|(_, boot)| boot)
}

/// The sessions in their order, oldest first, each with the name that it is shown with among the others.
pub fn in_order(mut sessions: Vec<Session>) -> Vec<Session> {
    sessions.sort_by_cached_key(|session| (session.record.started_at, session.record.session));
    let named: Vec<Named> = sessions.iter().map(Session::named).collect();
    for (session, shown) in sessions.iter_mut().zip(names::shown(&named)) {
        session.name = near_side::on(&shown);
    }
    sessions
}

fn names_a_session(path: &Path) -> bool {
    session_of(path).is_some()
}

/// The session whose directory this would be by its name, in the one form that cckw writes.
pub(crate) fn session_of(path: &Path) -> Option<Uuid> {
    let name = path.file_name()?.to_str()?;
    Uuid::parse_str(name).ok().filter(|session| session.to_string() == name)
}

/// A session as it is now; nothing where it was removed. It is called as before, unless it has another name
/// by now.
pub fn again(session: &Session) -> Option<Session> {
    let now = read(&session.directory)?;
    // A living one has its name for itself, if it was given one.
    let has_it = now.lives && now.record.called.is_some() || now.own_name != session.own_name;
    Some(if has_it { now } else { Session { name: session.name.clone(), ..now } })
}

/// The session of a directory; nothing where there is none. It is called as it calls itself: see [`in_order`].
pub fn read(directory: &Path) -> Option<Session> {
    let RecoveredRecord { mut record, mut damage, is_renamed } = recovery::read(directory).ok()?;
    if is_renamed && misplaced::is_renamed(directory, &record)
        || misplaced::is_elsewhere(directory, &record) && record.host_lives() && !Lock::is_held(directory)
    {
        return None;
    }
    let mut host = HostStatus::of(directory, &record);
    if damage.is_some() {
        // What the log says of its end counts less than the lock.
        host = if Lock::is_held(directory) {
            HostStatus::that_is_alive(directory, &record, true)
        } else {
            HostStatus::None
        };
        if host == HostStatus::Reachable {
            (record, damage) = heard_of(directory, record, damage);
        }
    }
    // Where the host cannot write its record, it knows more than that says.
    if host == HostStatus::Reachable && damage.is_none() && disk::obstacle(directory).is_some() {
        (record, damage) = heard_of(directory, record, None);
    }
    if host == HostStatus::None && is_stopped_by_user(directory, &record) {
        record.state = SessionState::Stopped;
    }
    let own_name = record.plain_name();
    let lives = host != HostStatus::None || naming::comes_back(directory, &record);
    Some(Session {
        record,
        directory: directory.to_owned(),
        name: near_side::on(&own_name),
        own_name,
        lives,
        is_running: host == HostStatus::Reachable,
        is_coming: host == HostStatus::Coming,
        is_unreachable: host == HostStatus::Unreachable,
        silent: None,
        damage,
    })
}

/// Whether the user has ended the session, and its host was killed before it could write that down.
fn is_stopped_by_user(directory: &Path, record: &Record) -> bool {
    record.ended_at.is_none() && stop_marker::read(directory) == Some(StopRequest::User)
}

/// How a session's host stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HostStatus {
    None,
    /// It is alive, and has its socket.
    Reachable,
    /// There is one in a moment.
    Coming,
    /// It is alive, and has no socket.
    Unreachable,
}

impl HostStatus {
    fn of(directory: &Path, record: &Record) -> Self {
        // A record that has ended needs no look at its host. Of the others the lock is the only sure sign, or
        // that the process lives whose lock somebody has removed. To connect would say the same, and wake up
        // every host there is.
        let has_ended = matches!(record.state, SessionState::Stopped | SessionState::Terminated)
            || record.ended_at.is_some();
        let has_lock = !has_ended && Lock::is_held(directory);
        if has_lock || !has_ended && record.host_lives() {
            Self::that_is_alive(directory, record, has_lock)
        } else {
            Self::None
        }
    }

    /// That of a session whose lock somebody has, or whose host lives without its lock.
    fn that_is_alive(directory: &Path, record: &Record, has_lock: bool) -> Self {
        let socket = control_socket::of(directory, record);
        // Without its lock, the socket may be a copy, too: then nobody listens.
        if socket::is_own(&socket) && (has_lock || socket::connect_to_own(&socket).is_ok()) {
            return Self::Reachable;
        }
        // The host that has written the record has lost its socket. Another one is on its way, if not for too
        // long.
        let is_new = Lock::age(directory).is_some_and(|age| age < HOST_START_TIMEOUT);
        if !record.host_lives() && is_new { Self::Coming } else { Self::Unreachable }
    }
}

/// Asks the host of a session whose record on disk is damaged or may be old, and has it write the record
/// again.
fn heard_of(directory: &Path, record: Record, damage: Option<String>) -> (Record, Option<String>) {
    let ask = |request: &Request| {
        let mut channel = Channel::new(connect(directory, &record)?).ok()?;
        channel.send(request, vec![]);
        channel.wait_for::<Response>(Some(DAMAGED_RECORD_TIMEOUT)).ok()?.map(|(answer, _)| answer)
    };
    let Some(Response::Status { record: said, .. }) = ask(&Request::Status) else { return (record, damage) };
    let (heard, unknown) = recovery::from_host(&record, &said);
    // A host of an earlier version does not know this request. It writes the record at the next change.
    let is_mended = matches!(ask(&Request::SaveRecord), Some(Response::Done));
    (heard, damage.filter(|_| !is_mended || !unknown.is_empty()))
}

/// A connection to the host of a session; nothing when it is gone, also where another user listens in its
/// place.
pub fn connect(directory: &Path, record: &Record) -> Option<UnixStream> {
    socket::connect_to_own(&control_socket::of(directory, record)).ok()
}

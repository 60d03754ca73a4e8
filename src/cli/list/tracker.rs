//! The sessions as `cckw list --json` has them, for somebody who stays: what has changed is read again, and nothing
//! else.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;
use uuid::Uuid;

use super::super::last_turn;
use super::host_watch::HostWatch;
pub use super::known::Depth;
use super::known::{Known, known_of};
use super::shown;
use crate::os::parallel::share;
use crate::os::poll::{Interest, Poll, Token};
use crate::paths;
use crate::registry;
use crate::registry::record::now;
use crate::registry::{Changed, RegistryWatcher, Session};
use crate::user_error::UserError;

/// How long a host may take to be gone after its end was seen, and the time between two looks for that.
const HOST_END_TIMEOUT: Duration = Duration::from_secs(2);
const HOST_END_INTERVAL: Duration = Duration::from_millis(50);
/// A session that is on its way, or whose host does not answer, is looked at again after this time.
const UNSTEADY_INTERVAL: Duration = Duration::from_secs(10);
/// A transcript that grows is read no more often than this.
const TRANSCRIPT_INTERVAL: Duration = Duration::from_secs(1);
/// So many sessions that have ended are watched, for somebody may start them again.
const MAX_ENDED_WATCHED: usize = 200;

/// Follows the sessions. It waits for nothing itself: `add_to` and `deadline` say what is to be waited for.
pub struct SessionTracker {
    all: bool,
    state: PathBuf,
    changes: RegistryWatcher,
    hosts: HostWatch,
    /// In the registry's order.
    sessions: Vec<Session>,
    /// The directories without a record, and may get one.
    empty: BTreeSet<PathBuf>,
    known: HashMap<Uuid, Known>,
    is_begun: bool,
    /// Directories to be read again, and when.
    due: BTreeMap<PathBuf, Instant>,
    /// Transcripts that have grown, by their sessions' directories.
    grown: BTreeSet<PathBuf>,
    /// The hosts that have ended, and until when that is looked at.
    ended: HashMap<PathBuf, Instant>,
    /// What may have changed between the look and the watch.
    unverified: BTreeSet<PathBuf>,
    updated_at: Instant,
}

impl SessionTracker {
    /// Knows nothing yet. With `all` it has the ended sessions, too.
    ///
    /// # Errors
    /// When there is no state directory, or the system has no watcher left.
    pub fn new(all: bool) -> Result<Self, UserError> {
        let state = paths::state_dir()?;
        // What is not there cannot be watched; a start would make it too.
        paths::make_private(&state)?;
        Ok(Self {
            all,
            state,
            changes: RegistryWatcher::new()?,
            hosts: HostWatch::default(),
            sessions: Vec::new(),
            empty: BTreeSet::new(),
            known: HashMap::new(),
            is_begun: false,
            due: BTreeMap::new(),
            grown: BTreeSet::new(),
            ended: HashMap::new(),
            unverified: BTreeSet::new(),
            updated_at: Instant::now(),
        })
    }

    /// Whether ended sessions are listed from now on.
    pub fn set_all(&mut self, all: bool) {
        self.all = all;
    }

    /// Reads everything again at the next update.
    pub fn read_all_again(&mut self) {
        self.is_begun = false;
    }

    /// Has a wait end when something has changed.
    pub fn add_to(&self, poll: &mut Poll) -> Vec<Token> {
        let mut tokens = self.hosts.add_to(poll);
        tokens.push(poll.add(&self.changes, Interest::Reading));
        tokens
    }

    /// When something is to be looked at although nothing has changed.
    pub fn deadline(&self) -> Option<Instant> {
        let grown = self.known_of(&self.grown).map(|known| known.read_at + TRANSCRIPT_INTERVAL);
        let unverified = (!self.unverified.is_empty()).then_some(self.updated_at);
        self.due.values().copied().chain(grown).chain(unverified).min()
    }

    fn known_of<'a>(&'a self, directories: &'a BTreeSet<PathBuf>) -> impl Iterator<Item = &'a Known> {
        let sessions = self.sessions.iter().filter(|session| directories.contains(&session.directory));
        sessions.filter_map(|session| self.known.get(&session.record.session))
    }

    /// The sessions that were read last, in the registry's order.
    pub fn sessions(&self) -> &[Session] {
        &self.sessions
    }

    /// The sessions that are listed, in the order of `cckw list`.
    pub fn lines(&self) -> Vec<&Value> {
        let shown = shown(&self.sessions, self.all);
        shown.iter().filter_map(|session| Some(&self.known.get(&session.record.session)?.line)).collect()
    }

    /// Reads what has changed, and is due. Whether anything is not as it was.
    ///
    /// # Errors
    /// When the state directory cannot be read, or the system has no watches left.
    pub fn update(&mut self, depth: Depth) -> Result<bool, UserError> {
        let now = Instant::now();
        self.updated_at = now;
        let changed = self.changes.take();
        for directory in self.hosts.take_ended() {
            self.host_has_ended(directory, now);
        }
        let names = self.names();
        self.verify(now);
        let read = if self.is_begun { self.read_changed(&changed, now)? } else { self.read_all()? };
        let (is_other, renewed) = self.renew_lines(&read, &names, depth, now);
        self.plan(&renewed, now);
        // The watches take their time. What changes before them is found later.
        if depth == Depth::Everything {
            for directory in self.hosts.follow(&self.sessions) {
                self.host_has_ended(directory, now);
            }
            let before = self.changes.watched().clone();
            self.changes.watch(self.to_watch())?;
            self.unverified = self.changes.watched().difference(&before).cloned().collect();
        }
        self.is_begun = true;
        Ok(is_other)
    }

    /// The session is read until its lock is free, too.
    fn host_has_ended(&mut self, directory: PathBuf, now: Instant) {
        self.ended.insert(directory.clone(), now + HOST_END_TIMEOUT);
        self.due.insert(directory, now);
    }

    /// Finds what has changed before it was watched.
    fn verify(&mut self, now: Instant) {
        let unverified = std::mem::take(&mut self.unverified);
        let sessions: Vec<&Session> =
            self.sessions.iter().filter(|session| unverified.contains(&session.directory)).collect();
        let is_other = share(&sessions, |part| part.iter().map(|session| is_other_now(session)).collect());
        let changed = sessions.iter().zip(is_other).filter(|(_, is_other)| *is_other);
        let mut due: Vec<PathBuf> = changed.map(|(session, _)| session.directory.clone()).collect();
        due.extend(self.empty.intersection(&unverified).cloned());
        let grown = self.sessions.iter().filter(|session| {
            let known = self.known.get(&session.record.session);
            known.is_some_and(|known| {
                known.transcript.as_ref().is_some_and(|path| unverified.contains(path)) && known.is_grown()
            })
        });
        self.grown.extend(grown.map(|session| session.directory.clone()));
        if unverified.contains(&self.state) {
            let known: BTreeSet<&PathBuf> = self.sessions.iter().map(|session| &session.directory).collect();
            let there = registry::session_directories();
            due.extend(there.into_iter().filter(|directory| !known.contains(directory)));
        }
        self.due.extend(due.into_iter().map(|directory| (directory, now)));
    }

    fn names(&self) -> HashMap<Uuid, String> {
        self.sessions.iter().map(|session| (session.record.session, session.name.clone())).collect()
    }

    /// Reads all records. The directories that were read.
    fn read_all(&mut self) -> Result<BTreeSet<PathBuf>, UserError> {
        self.sessions = registry::sessions()?;
        self.known.clear();
        self.due.clear();
        self.find_empty();
        Ok(self.sessions.iter().map(|session| session.directory.clone()).collect())
    }

    fn find_empty(&mut self) {
        let known: BTreeSet<&PathBuf> = self.sessions.iter().map(|session| &session.directory).collect();
        self.empty =
            registry::session_directories().into_iter().filter(|path| !known.contains(path)).collect();
    }

    /// Reads the records that have changed. The directories that were read.
    fn read_changed(&mut self, changed: &Changed, now: Instant) -> Result<BTreeSet<PathBuf>, UserError> {
        let mut stale: BTreeSet<PathBuf> =
            self.due.iter().filter(|(_, at)| **at <= now).map(|(directory, _)| directory.clone()).collect();
        let known = self.sessions.iter().map(|session| &session.directory).chain(&self.empty);
        stale.extend(known.filter(|directory| changed.has(directory)).cloned());
        if changed.has(&self.state) {
            let known: BTreeSet<&PathBuf> = self.sessions.iter().map(|session| &session.directory).collect();
            let there = registry::session_directories();
            stale.extend(there.iter().filter(|directory| !known.contains(directory)).cloned());
            let there: BTreeSet<&PathBuf> = there.iter().collect();
            stale.extend(known.into_iter().filter(|directory| !there.contains(directory)).cloned());
        }
        self.due.retain(|directory, _| !stale.contains(directory));
        let directories: Vec<PathBuf> = stale.iter().cloned().collect();
        let read = share(&directories, |part| part.iter().map(|path| registry::read(path)).collect());
        self.sessions.retain(|session| !stale.contains(&session.directory));
        self.empty.retain(|directory| !stale.contains(directory));
        for (directory, session) in directories.into_iter().zip(read) {
            match session {
                Some(session) => self.sessions.push(session),
                None if directory.is_dir() => drop(self.empty.insert(directory)),
                None => {}
            }
        }
        self.sessions = registry::in_order(std::mem::take(&mut self.sessions));
        let transcripts = self.sessions.iter().filter(|session| {
            let known = self.known.get(&session.record.session);
            known.and_then(|known| known.transcript.as_ref()).is_some_and(|path| changed.has(path))
        });
        self.grown.extend(transcripts.map(|session| session.directory.clone()));
        Ok(stale)
    }

    /// Makes the lines of the sessions that were read, are called otherwise, or have more in their transcripts. Whether any
    /// is not as it was, and the directories of these sessions.
    fn renew_lines(
        &mut self,
        read: &BTreeSet<PathBuf>,
        names: &HashMap<Uuid, String>,
        depth: Depth,
        now: Instant,
    ) -> (bool, BTreeSet<PathBuf>) {
        let is_stale = |session: &Session| {
            let Some(known) = self.known.get(&session.record.session) else { return true };
            let is_renamed = names.get(&session.record.session) != Some(&session.name);
            let is_grown =
                self.grown.contains(&session.directory) && known.read_at + TRANSCRIPT_INTERVAL <= now;
            read.contains(&session.directory)
                || is_renamed
                || is_grown
                || depth == Depth::Everything && known.depth == Depth::Records
        };
        let shown: BTreeSet<Uuid> =
            shown(&self.sessions, self.all).iter().map(|session| session.record.session).collect();
        let is_wanted = |session: &Session| shown.contains(&session.record.session) && is_stale(session);
        let stale: Vec<usize> =
            (0..self.sessions.len()).filter(|at| is_wanted(&self.sessions[*at])).collect();
        if depth == Depth::Everything {
            self.ask_hosts(&stale);
        }
        let sessions: Vec<&Session> = stale.iter().map(|at| &self.sessions[*at]).collect();
        let lines = known_of(&sessions, depth, now);
        let mut is_other = false;
        for (session, known) in sessions.into_iter().zip(lines) {
            self.grown.remove(&session.directory);
            let before = self.known.insert(session.record.session, known);
            let line = &self.known[&session.record.session].line;
            is_other |= before.is_none_or(|before| before.line != *line);
        }
        let count = self.known.len();
        self.known.retain(|session, _| shown.contains(session));
        let renewed = stale.iter().map(|at| self.sessions[*at].directory.clone()).collect();
        (is_other || self.known.len() != count, renewed)
    }

    fn ask_hosts(&mut self, stale: &[usize]) {
        let silent = {
            let sessions: Vec<&Session> = stale.iter().map(|at| &self.sessions[*at]).collect();
            registry::silent_hosts(&sessions)
        };
        for (at, silent) in stale.iter().zip(silent) {
            self.sessions[*at].silent = silent;
        }
    }

    /// Plans the next looks at these sessions.
    fn plan(&mut self, renewed: &BTreeSet<PathBuf>, at: Instant) {
        self.ended.retain(|_, until| at < *until);
        for session in self.sessions.iter().filter(|session| renewed.contains(&session.directory)) {
            let is_unsteady = session.is_coming || session.is_unreachable || session.silent.is_some();
            let limit = last_turn::failure(session).and_then(last_turn::limited_until);
            let limit = limit.map(|until| Duration::from_secs(until.saturating_sub(now()) + 1));
            let host_end = (session.is_running && self.ended.contains_key(&session.directory))
                .then_some(HOST_END_INTERVAL);
            let soonest =
                [is_unsteady.then_some(UNSTEADY_INTERVAL), limit, host_end].into_iter().flatten().min();
            if let Some(due) = soonest.and_then(|time| at.checked_add(time)) {
                self.due.insert(session.directory.clone(), due);
            }
        }
    }

    /// What is watched: the sessions that go on, the last ones that have ended, and the transcripts of those that run.
    fn to_watch(&self) -> BTreeSet<PathBuf> {
        let (ended, others): (Vec<&Session>, Vec<&Session>) =
            self.sessions.iter().partition(|session| session.record.ended_at.is_some());
        let mut ended = ended;
        ended.sort_by_key(|session| std::cmp::Reverse(session.record.ended_at));
        ended.truncate(MAX_ENDED_WATCHED);
        let transcripts = others.iter().filter(|session| session.is_running);
        let transcripts =
            transcripts.filter_map(|session| self.known.get(&session.record.session)?.transcript.clone());
        let directories = others.iter().chain(&ended).map(|session| session.directory.clone());
        directories.chain(transcripts).chain(self.empty.iter().cloned()).chain([self.state.clone()]).collect()
    }
}

/// Whether a session is not as it was read.
fn is_other_now(session: &Session) -> bool {
    registry::read(&session.directory).is_none_or(|now| {
        let of = |session: &Session| {
            (
                session.is_running,
                session.is_coming,
                session.is_unreachable,
                session.lives,
                session.damage.clone(),
            )
        };
        of(&now) != of(session) || now.record != session.record
    })
}

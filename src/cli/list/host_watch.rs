//! Which hosts have ended, without waking one up: a host that was killed writes nothing down.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use nix::unistd::Pid;

use crate::os::poll::{Interest, Poll, Token};
use crate::os::process_end::ProcessEnd;
use crate::registry::Session;

/// A host, as opposed to a later one of the same session.
type HostKey = (PathBuf, i32);

/// What ends with a host.
enum HostEnd {
    Process(ProcessEnd),
    /// A connection, where its process cannot be watched: it is in another namespace, or the system is too old.
    Connection(UnixStream),
}

impl HostEnd {
    fn of(session: &Session) -> Option<Self> {
        let record = &session.record;
        let start = record.host_start.as_deref().filter(|_| record.host_pid > 0);
        let process =
            start.and_then(|start| ProcessEnd::watch(Pid::from_raw(record.host_pid), start).ok()?);
        process.map(Self::Process).or_else(|| session.connect().map(Self::Connection))
    }
}

impl AsFd for HostEnd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Process(process) => process.as_fd(),
            Self::Connection(connection) => connection.as_fd(),
        }
    }
}

/// The hosts of the sessions that run.
#[derive(Default)]
pub struct HostWatch(HashMap<HostKey, Option<HostEnd>>);

impl HostWatch {
    /// Watches the hosts that are new, and lets go of those that do not run any more. The directories of the sessions
    /// whose hosts cannot be watched: as a rule because they have ended since the session was read.
    pub fn follow(&mut self, sessions: &[Session]) -> Vec<PathBuf> {
        let running = sessions.iter().filter(|session| session.is_running);
        let running: HashMap<HostKey, &Session> =
            running.map(|session| ((session.directory.clone(), session.record.host_pid), session)).collect();
        self.0.retain(|key, _| running.contains_key(key));
        let mut gone = Vec::new();
        for (key, session) in running {
            if let Entry::Vacant(entry) = self.0.entry(key) {
                let end = HostEnd::of(session);
                if end.is_none() {
                    gone.push(entry.key().0.clone());
                }
                entry.insert(end);
            }
        }
        gone
    }

    /// Has a wait end when one of them ends.
    pub fn add_to(&self, poll: &mut Poll) -> Vec<Token> {
        self.0.values().flatten().map(|end| poll.add(end, Interest::Reading)).collect()
    }

    /// The directories of the sessions whose hosts have ended since the last call.
    pub fn take_ended(&mut self) -> Vec<PathBuf> {
        let mut poll = Poll::default();
        let watched = self.0.iter().filter_map(|(key, end)| Some((key.clone(), end.as_ref()?)));
        let tokens: Vec<(HostKey, Token)> =
            watched.map(|(key, end)| (key, poll.add(end, Interest::Reading))).collect();
        if tokens.is_empty() || poll.wait(Some(Duration::ZERO)).is_err() {
            return Vec::new();
        }
        let ended = tokens.into_iter().filter(|(_, token)| poll.is_ready(*token));
        // One whose host runs all the same (it has too many connections) is not watched again.
        ended
            .map(|(key, _)| {
                self.0.insert(key.clone(), None);
                key.0
            })
            .collect()
    }
}

//! Waiting until something is so in some sessions: their records are read again whenever something changes
//! there, and only then.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::host_ends::{HostEnds, HostKey};
use crate::os::poll::{Interest, Poll};
use crate::os::signal_pipe::SignalPipe;
use crate::registry;
use crate::registry::{RegistryWatcher, Session};
use crate::user_error::{UserError, files};

/// How long a host may take to be gone after its connections have ended, and the time between two looks for
/// that.
const HOST_END_TIMEOUT: Duration = Duration::from_secs(2);
const HOST_END_INTERVAL: Duration = Duration::from_millis(50);

/// A session as it is now.
#[derive(Debug, Clone)]
pub struct SeenSession {
    pub session: Session,
    /// Whether its record was removed. `session` is as it was seen last then.
    pub is_removed: bool,
}

/// What comes of a look.
pub enum Look<T> {
    /// It is so.
    Done(T),
    /// It is not. To be looked at again when something has changed, and at this time at the latest.
    Wait(Option<Instant>),
}

/// How a wait has ended.
pub enum WaitEnd<T> {
    Done(T),
    /// By this signal to the one who waits.
    Signalled(i32),
}

/// Waits for sessions.
pub struct SessionWatch {
    changes: RegistryWatcher,
    hosts: HostEnds,
    signals: SignalPipe,
    seen: Vec<SeenSession>,
    /// Other directories that are watched.
    others: BTreeSet<PathBuf>,
}

impl SessionWatch {
    /// Watches these sessions. From here on SIGINT, SIGTERM and SIGHUP end the wait.
    ///
    /// # Errors
    /// When the system has no watcher or no handler left.
    pub fn new(sessions: Vec<Session>) -> Result<Self, UserError> {
        let signals = SignalPipe::install(&[libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT]);
        let seen = sessions.into_iter().map(|session| SeenSession { session, is_removed: false });
        Ok(Self {
            changes: RegistryWatcher::new()?,
            hosts: HostEnds::default(),
            signals: signals.map_err(files::cannot_handle_signals)?,
            seen: seen.collect(),
            others: BTreeSet::new(),
        })
    }

    /// Looks again also when something changes in these directories.
    pub fn watch_also(&mut self, others: BTreeSet<PathBuf>) {
        self.others = others;
    }

    /// Looks at the sessions, in their order, until it is so, or a signal comes.
    ///
    /// # Errors
    /// When the directories cannot be watched, or the system is out of memory.
    pub fn until<T>(
        &mut self,
        mut look: impl FnMut(Instant, &[SeenSession]) -> Look<T>,
    ) -> Result<WaitEnd<T>, UserError> {
        let mut poll = Poll::default();
        // A host that was killed has closed its connections, and may have its lock for a moment more. One that
        // was killed before this connects to it is not told of at all.
        let mut ends_until = Some(Instant::now() + HOST_END_TIMEOUT);
        loop {
            self.changes.take();
            let directories: BTreeSet<_> = self
                .seen
                .iter()
                .map(|seen| seen.session.directory.clone())
                .chain(self.others.clone())
                .collect();
            // Before they are read: what changes from here on is told.
            self.changes.watch(directories)?;
            self.read();
            let until = match look(Instant::now(), &self.seen) {
                Look::Done(done) => return Ok(WaitEnd::Done(done)),
                Look::Wait(until) => until,
            };
            self.hosts.follow(self.seen.iter().map(|seen| &seen.session));
            poll.clear();
            poll.add(&self.changes, Interest::Reading);
            poll.add(&self.signals, Interest::Reading);
            let ends: Vec<_> =
                self.hosts.open().map(|(key, host)| (key, poll.add(host, Interest::Reading))).collect();
            let now = Instant::now();
            ends_until = ends_until.filter(|until| now < *until);
            let soon = ends_until.map(|_| now + HOST_END_INTERVAL);
            let time = until.into_iter().chain(soon).min().map(|at| at.saturating_duration_since(now));
            poll.wait(time).map_err(files::cannot_wait)?;
            let ended: Vec<HostKey> =
                ends.iter().filter(|(_, end)| poll.is_ready(*end)).map(|(key, _)| *key).collect();
            if !ended.is_empty() {
                self.hosts.forget(&ended);
                ends_until = Some(Instant::now() + HOST_END_TIMEOUT);
            }
            if let Some(signal) = self.signals.pending().next() {
                return Ok(WaitEnd::Signalled(signal));
            }
        }
    }

    fn read(&mut self) {
        for seen in &mut self.seen {
            match registry::again(&seen.session) {
                Some(now) => *seen = SeenSession { session: now, is_removed: false },
                None => seen.is_removed = true,
            }
        }
    }
}

//! Which hosts have ended: one that was killed leaves no other trace than the end of its connections.

use std::collections::HashMap;
use std::os::unix::net::UnixStream;

use uuid::Uuid;

use crate::registry::Session;

/// A host, as opposed to a later one of the same session.
pub type HostKey = (Uuid, i32);

/// A connection to each host, whose end says that the host has ended: one that was killed leaves no other
/// trace.
#[derive(Default)]
pub struct HostEnds(HashMap<HostKey, Option<UnixStream>>);

impl HostEnds {
    /// Connects to the hosts that are new, and lets go of those that do not run any more.
    pub fn follow<'a>(&mut self, sessions: impl IntoIterator<Item = &'a Session>) {
        let running = sessions.into_iter().filter(|session| session.is_running);
        let running: HashMap<HostKey, &Session> =
            running.map(|session| ((session.record.session, session.record.host_pid), session)).collect();
        self.0.retain(|key, _| running.contains_key(key));
        for (key, session) in running {
            self.0.entry(key).or_insert_with(|| session.connect());
        }
    }

    pub fn open(&self) -> impl Iterator<Item = (HostKey, &UnixStream)> {
        self.0.iter().filter_map(|(key, host)| Some((*key, host.as_ref()?)))
    }

    /// Closes these. One whose host runs all the same (it has too many connections) is not made again.
    pub fn forget(&mut self, ended: &[HostKey]) {
        for key in ended {
            self.0.insert(*key, None);
        }
    }
}

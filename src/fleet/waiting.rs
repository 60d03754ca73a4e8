//! Sessions that go on without a terminal in some directory.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use super::{Session, connect, session_of, sessions};
use crate::paths;
use crate::session::record::Record;

/// What waits in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waiting {
    /// One session; what to type for it.
    One(String),
    /// So many.
    Several(usize),
}

/// The sessions that were started in this directory and run without a terminal; nothing when there are none.
///
/// It is asked before each start of claude. So it begins with the sockets, of which there are a few, and comes to all
/// the records, of which there may be many, only when there is something to say.
pub fn waiting_in(cwd: &Path) -> Option<Waiting> {
    let found: Vec<Record> = with_sockets()
        .filter(|record| record.client_pid.is_none())
        .filter(|record| OsString::from(record.cwd.clone()) == cwd)
        .filter(|record| connect(record).is_some())
        .collect();
    match &found[..] {
        [] => None,
        [one] => {
            let all = sessions().ok()?;
            let named = all.iter().find(|session| session.record.session == one.session);
            named.map(Session::word).map(Waiting::One)
        }
        several => Some(Waiting::Several(several.len())),
    }
}

/// The records of the sessions that have a socket and have not ended; the host of one may have been killed.
pub(super) fn with_sockets() -> impl Iterator<Item = Record> {
    let sockets = fs::read_dir(paths::runtime_dir()).into_iter().flatten().flatten();
    let state = paths::state_dir().ok();
    sockets
        .map(|entry| entry.path())
        .filter(|socket| socket.extension().is_some_and(|extension| extension == "sock"))
        .filter_map(|socket| session_of(&socket.with_extension("")))
        .filter_map(move |session| Record::read(&state.as_ref()?.join(session.to_string())).ok())
        .filter(|record| record.ended_at.is_none())
}

//! Sessions that go on without a terminal in some directory.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{Session, connect, sessions, with_socket};
use crate::registry::record::Record;

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
/// It is asked before each start of claude. So it begins with the sockets, of which there are a few, and
/// comes to all the records, of which there may be many, only when there is something to say.
pub fn waiting_in(cwd: &Path) -> Option<Waiting> {
    let found: Vec<Record> = with_records()
        .filter(|(_, record)| record.client_pid.is_none())
        .filter(|(_, record)| OsString::from(record.cwd.clone()) == cwd)
        .filter(|(directory, record)| connect(directory, record).is_some())
        .map(|(_, record)| record)
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

/// The sessions that have a socket and have not ended, with their directories; the host of one may have been
/// killed.
fn with_records() -> impl Iterator<Item = (PathBuf, Record)> {
    with_socket()
        .into_iter()
        .filter_map(|directory| Some((directory.clone(), Record::read(&directory).ok()?)))
        .filter(|(_, record)| record.ended_at.is_none())
}

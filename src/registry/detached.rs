//! Sessions that go on without a terminal in some directory.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::{Session, connect, sessions, with_socket};
use crate::registry::record::Record;

/// The sessions that were started in this directory and run without a terminal, the newest one first; and
/// those of `coming`, which are about to.
///
/// It is asked before each start of claude. So it begins with the sockets, of which there are a few, and
/// comes to all the records, of which there may be many, only when there is something to say.
pub fn waiting_in(cwd: &Path, coming: &[Uuid]) -> Vec<Session> {
    let mut found: Vec<Uuid> = with_records()
        .filter(|(_, record)| record.client_pid.is_none())
        .filter(|(_, record)| OsString::from(record.cwd.clone()) == cwd)
        .filter(|(directory, record)| connect(directory, record).is_some())
        .map(|(_, record)| record.session)
        .collect();
    found.extend(coming);
    if found.is_empty() {
        return vec![];
    }
    let mut all = sessions().unwrap_or_default();
    all.retain(|session| found.contains(&session.record.session) && session.has_host());
    all.reverse();
    all
}

/// The sessions that have a socket and have not ended, with their directories; the host of one may have been
/// killed.
fn with_records() -> impl Iterator<Item = (PathBuf, Record)> {
    with_socket()
        .into_iter()
        .filter_map(|directory| Some((directory.clone(), Record::read(&directory).ok()?)))
        .filter(|(_, record)| record.ended_at.is_none())
}

//! Forgetting the sessions that have ended long ago.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use super::record::{self, SessionState};
use super::{Removable, directories, read};

/// The most records that go at once, and how long that may take. The others go the next time.
const MAX_REMOVALS: usize = 100;
const MAX_TIME: Duration = Duration::from_secs(1);

/// Removes what is left of sessions that have ended longer ago than this: cckw's record and log. The
/// conversations are claude's. One that did not come to its end, or may be brought back for another reason, is
/// left alone, and so is one whose record cannot be read.
pub fn forget_ended(keep: Duration) {
    let until = Instant::now() + MAX_TIME;
    let mut removed = 0;
    for directory in directories().unwrap_or_default() {
        if removed == MAX_REMOVALS || Instant::now() >= until {
            return;
        }
        if is_due(&directory, keep) {
            removed += usize::from(forget(&directory, keep));
        }
    }
}

/// Whether the record was written last so long ago. Of nearly every session this is all that is asked.
fn is_due(directory: &Path, keep: Duration) -> bool {
    let written = fs::symlink_metadata(record::path(directory)).and_then(|found| found.modified());
    written.is_ok_and(|written| is_older(written, keep))
}

fn is_older(time: SystemTime, keep: Duration) -> bool {
    // A time that is still to come is not old.
    time.elapsed().is_ok_and(|age| age > keep)
}

/// Whether it was removed. With its lock nobody brings it back meanwhile.
fn forget(directory: &Path, keep: Duration) -> bool {
    let has_ended = || {
        let session = read(directory)?;
        let ended_at = session.last_used().map(|at| SystemTime::UNIX_EPOCH + Duration::from_secs(at))?;
        let has_ended = session.record.state == SessionState::Stopped && session.damage.is_none();
        (has_ended && is_older(ended_at, keep) && is_due(directory, keep)).then_some(session)
    };
    let Some(session) = has_ended() else { return false };
    let Ok(removable) = Removable::at_once(&session) else { return false };
    // Somebody may have brought it back and ended it until the lock was taken.
    has_ended().is_some() && removable.remove().is_ok()
}

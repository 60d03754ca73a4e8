//! Which sessions without a host were not meant to end.

use super::record::{Record, SessionState};
use crate::config::OnHangup;
use crate::os::process;

/// Whether a session that has no host was not meant to end.
pub fn is_lost(record: &Record, on_hangup: OnHangup) -> bool {
    let ended =
        matches!(record.state, SessionState::Stopped | SessionState::Crashed | SessionState::Terminated);
    let has_ended = record.ended_at.is_some() || ended;
    let same_boot = record.boot.is_some() && record.boot == process::boot();
    // Killed with its client before claude was there, it has nothing to bring back.
    let began = record.child_pid.is_some() || record.restarts > 0 || record.state == SessionState::Restarting;
    // Its terminal has gone without the host, which would have ended it for that.
    let was_to_end = record.client_pid.is_some() && on_hangup == OnHangup::Exit;
    !has_ended && same_boot && began && !record.client_lives() && !was_to_end
}

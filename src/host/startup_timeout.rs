//! A claude that says nothing of itself: one that asks something before it begins, or a version that has no
//! state file, or none that says which process wrote it and what that does (seen: 2.1.110 and earlier;
//! `docs/reports/compatibility.md`).

use std::time::{Duration, Instant};

use super::Host;
use crate::claude::version;
use crate::registry::log_event::LogEvent;
use crate::registry::record::{SessionKind, SessionState};

/// How long after its start claude is waited for. Seen: within a second, and ten on a machine that is busy.
const CLAUDE_START_TIMEOUT: Duration = Duration::from_secs(20);

impl Host {
    /// When claude counts as one that says nothing; nothing where it has said something, or that is known
    /// already.
    pub(super) fn silent_at(&self) -> Option<Instant> {
        let waits = self.claude.is_running()
            && self.record.state == SessionState::Starting
            && self.record.kind == SessionKind::Conversation;
        waits.then(|| self.claude.launched() + CLAUDE_START_TIMEOUT)
    }

    /// It runs, and that is all that can be said of it. Said once a session: after a crash it is no news.
    pub(super) fn is_silent(&mut self) {
        self.record.state = SessionState::Running;
        if self.record.claude_version.is_none() {
            self.record.claude_version = version::version(&self.claude.launcher().program);
        }
        if self.claude.is_first_silence() {
            let version = self.record.claude_version.clone();
            self.events.write(LogEvent::NoStateFile { version });
        }
        self.save();
    }
}

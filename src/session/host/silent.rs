//! A claude that says nothing of itself: one that asks something before it begins, or a version that has no state file, or
//! none that says which process wrote it and what that does (seen: 2.1.110 and earlier; `docs/compatibility.md`).

use std::time::{Duration, Instant};

use serde_json::json;

use super::Host;
use super::child::Phase;
use crate::claude::installed;
use crate::session::record::{Kind, State};

/// How long after its start claude is waited for. Seen: within a second, and ten on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(20);

impl Host {
    /// When claude counts as one that says nothing; nothing where it has said something, or that is known already.
    pub(super) fn silent_at(&self) -> Option<Instant> {
        let waits = self.phase == Phase::Running
            && self.record.state == State::Starting
            && self.record.kind == Kind::Conversation;
        waits.then(|| self.launched + PATIENCE)
    }

    /// It runs, and that is all that can be said of it. Said once a session: after a crash it is no news.
    pub(super) fn is_silent(&mut self) {
        self.record.state = State::Running;
        if self.record.claude_version.is_none() {
            self.record.claude_version = installed::version(&self.launcher.program);
        }
        if !std::mem::replace(&mut self.told_silent, true) {
            let version = &self.record.claude_version;
            self.events.write("no-state-file", json!({ "version": version }));
        }
        self.save();
    }
}

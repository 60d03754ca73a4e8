//! A state file that says nothing any more while its claude runs: somebody has removed it, or there is no
//! room for it on the disk. Claude does not write it again where it was removed (seen with 2.1.332), so from
//! then on nobody can tell what claude does.

use std::time::{Duration, Instant};

use super::Host;
use super::timers::Timer;
use crate::registry::log_event::LogEvent;

/// How long the file may be gone while claude still runs: claude removes it itself a moment before it ends.
const REMOVAL_TIMEOUT: Duration = Duration::from_secs(2);

/// How long the file may say nothing: claude rewrites it in place, and a reader can meet half of it.
const UNREAD_TIMEOUT: Duration = Duration::from_secs(5);

impl Host {
    /// Takes note of whether the file is gone.
    pub(super) fn note_removal(&mut self) {
        if !self.watch.is_removed() {
            self.timers.cancel(Timer::StateRemoved);
        } else if !self.record.state_file_removed {
            self.timers.set_once(Timer::StateRemoved, Instant::now() + REMOVAL_TIMEOUT);
        }
    }

    /// It is gone for good.
    pub(super) fn is_removed(&mut self) {
        if !self.claude.is_running() || self.timers.is_set(Timer::Kill) {
            return;
        }
        // Who removes claude's files removes the transcript, too.
        self.note_cut();
        self.record.state_file_removed = true;
        self.record.status = None;
        self.record.waiting_for = None;
        self.events.write(LogEvent::StateFileRemoved { pid: self.record.claude_pid });
        if self.claude.cancel_restart() {
            self.record.restart_pending = false;
            self.events.write(LogEvent::RestartCancelled { why: Some("the state file was removed") });
            self.notice("the restart is called off: claude's state file was removed, so nobody can tell when it is idle");
        }
        self.give_notices();
        self.save();
        self.linger();
    }

    /// Takes note of whether the file is there and says nothing; `says` is whether it does, or was not looked
    /// at.
    pub(super) fn note_unread(&mut self, says: bool) {
        if says || !self.watch.has_file() {
            self.timers.cancel(Timer::StateUnread);
        } else if self.record.status.is_some() {
            self.timers.set_once(Timer::StateUnread, Instant::now() + UNREAD_TIMEOUT);
        }
    }

    /// It has said nothing for too long: what it said last is no news any more.
    pub(super) fn is_unread(&mut self) {
        if !self.claude.is_running() || self.timers.is_set(Timer::Kill) {
            return;
        }
        self.record.state_file_unread = true;
        self.record.status = None;
        self.record.waiting_for = None;
        self.events.write(LogEvent::StateFileUnread { pid: self.record.claude_pid });
        self.save();
        self.linger();
    }
}

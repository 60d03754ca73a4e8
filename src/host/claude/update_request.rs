//! A newer claude was installed while this one runs, or its own program was removed: it is restarted when it
//! is idle, where that is configured.

use std::time::{Duration, Instant};

use nix::unistd::Pid;

use super::newer_program::ProgramsSeen;
use crate::claude::{executable, server, version};
use crate::host::Host;
use crate::host::file_changes::Watcher;
use crate::host::timers::Timer;
use crate::os::running_program::{ProgramOnDisk, on_disk};
use crate::registry::log_event::LogEvent;
use crate::registry::record::SessionKind;

/// How long nothing more has happened before it is looked: an installation takes more than one step, and what
/// a server shows is drawn in pieces.
const LOOK_DELAY: Duration = Duration::from_secs(3);

impl Host {
    /// Claude was started. A server does not say itself of which version it is.
    pub(crate) fn program_was_started(&mut self) {
        if self.record.kind == SessionKind::Server {
            self.record.claude_version = version::version(&self.claude.launcher.program);
        }
        self.watch_program();
    }

    /// Has the host told when the program that claude is started from is removed or replaced, or a link on the
    /// way to it, where that may lead to anything.
    fn watch_program(&mut self) {
        if self.claude.newer.is_wanted() {
            self.file_watch.unwatch_all(Watcher::Program);
            self.file_watch.watch_path(Watcher::Program, &self.claude.launcher.program);
        }
    }

    /// That has happened, or may have while nobody was told.
    pub(crate) fn program_has_changed(&mut self) {
        if self.claude.newer.is_wanted() {
            self.watch_program();
            self.timers.set(Timer::NewerClaude, Instant::now() + LOOK_DELAY);
        }
    }

    /// A server has drawn something: it may serve nobody any more.
    pub(crate) fn look_at_busy_server(&mut self) {
        if self.record.kind == SessionKind::Server && self.claude.newer.is_waiting() {
            self.timers.set_once(Timer::NewerClaude, Instant::now() + LOOK_DELAY);
        }
    }

    /// Looks at what would be started now, where that may lead to anything.
    pub(crate) fn look_for_newer_claude(&mut self) {
        if !self.claude.newer.is_wanted() || !self.claude.is_running() || self.claude.has_quit() {
            return;
        }
        let seen = self.programs_on_disk();
        if !self.claude.newer.look(&seen) || !self.may_be_restarted() {
            return;
        }
        self.claude.newer.taken();
        self.claude.restart.suggest(Instant::now());
        let ProgramsSeen { installed, is_removed, .. } = seen;
        self.events.write(LogEvent::NewerClaude {
            running: self.record.claude_version.clone(),
            installed,
            removed: is_removed,
        });
        self.record.restart_pending = true;
        self.save();
    }

    /// Whether a restart would lose nothing, as far as that is known before claude is idle. A server has no
    /// state file: it is idle while its screen says that it serves nobody.
    fn may_be_restarted(&mut self) -> bool {
        if self.record.kind != SessionKind::Server {
            return self.no_patient_restart().is_none();
        }
        let is_idle = self.serves_nobody();
        self.claude.restart.heard(is_idle, Instant::now());
        is_idle
    }

    /// Whether a restart that nobody has asked for has become one that would end what a server serves.
    pub(crate) fn is_untimely(&mut self) -> bool {
        self.record.kind == SessionKind::Server
            && self.claude.restart.is_unasked()
            && self.claude.restart.is_patient()
            && !self.serves_nobody()
    }

    fn serves_nobody(&mut self) -> bool {
        server::serves_nobody(&self.said_since_launch())
    }

    fn programs_on_disk(&self) -> ProgramsSeen {
        let program = &self.claude.launcher.program;
        let (installed, running) = (version::version(program), self.record.claude_version.as_deref());
        let is_newer =
            installed.as_deref().zip(running).is_some_and(|(new, old)| version::is_newer(new, old));
        let pid = self.record.claude_pid.or(self.record.child_pid);
        let found = pid.and_then(|pid| on_disk(Pid::from_raw(pid)));
        ProgramsSeen {
            installed,
            is_newer,
            is_removed: found == Some(ProgramOnDisk::Removed),
            can_run: executable::can_run(program),
        }
    }
}

//! A newer claude was installed while this one runs, or its own program was removed: it is restarted when it
//! is idle, where that is configured.

use std::time::Instant;

use nix::unistd::Pid;

use super::newer_program::{ProgramsSeen, WishAnswer};
use crate::claude::{executable, version};
use crate::host::Host;
use crate::os::running_program::{ProgramOnDisk, on_disk};
use crate::registry::log_event::LogEvent;
use crate::registry::record::SessionKind;

impl Host {
    /// Looks at what would be started now, where that may lead to anything. A server is left alone: nobody can
    /// tell when it is idle.
    pub(crate) fn look_for_newer_claude(&mut self) {
        if !self.claude.newer.is_wanted()
            || self.record.kind == SessionKind::Server
            || !self.claude.is_running()
            || self.claude.has_quit()
        {
            return;
        }
        let seen = self.programs_on_disk();
        if !self.claude.newer.look(&seen) {
            return;
        }
        if self.no_patient_restart().is_some() {
            self.claude.newer.answered(WishAnswer::NotNow);
            return;
        }
        self.claude.newer.answered(WishAnswer::Taken);
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

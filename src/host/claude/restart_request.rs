//! `cckw restart`: claude is ended gracefully, and comes back with the same conversation.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::claude::background_job::BackgroundJob;
use crate::claude::executable;
use crate::claude::screen;
use crate::claude::screen::Prompt;
use crate::claude::state_file::StateFile;
use crate::claude::unwritten::state_file_obstacle;
use crate::config;
use crate::host::Host;
use crate::host::claude::shutdown::KillEscalation;
use crate::host::claude::supervisor::SupervisorEvent;
use crate::host::timers::Timer;
use crate::os::text::LosslessText;
use crate::protocol::Response;
use crate::registry::log_event::LogEvent;
use crate::registry::record::{SessionKind, SessionState};

/// How often it is looked whether a draft is still there.
const DRAFT_PACE: Duration = Duration::from_secs(2);

impl Host {
    /// Somebody wants claude to be started anew, at once or when it is idle. `program` is the claude that
    /// they would start; it is taken if the one of this session has gone.
    ///
    /// This only takes note. Whoever asks may run below claude, and gets the answer before anything is ended.
    pub(crate) fn request_restart(&mut self, at_once: bool, program: Option<&LosslessText>) -> Response {
        let refused = |reason: &str| Response::Refused { reason: reason.into() };
        if self.claude.has_quit() {
            return refused("the session is being ended");
        }
        if self.record.kind == SessionKind::Server && !at_once && self.claude.is_running() {
            return refused(
                "nobody can tell when a Remote Control server is idle; to restart it at once, add --now",
            );
        }
        if !at_once
            && self.claude.is_running()
            && let Some(reason) = self.no_patient_restart()
        {
            return Response::Refused { reason };
        }
        if self.claude.is_waiting() {
            self.replacement(program);
            self.restart_now();
            return Response::Restart { waits_for: None };
        }
        if !self.claude.is_running() {
            return refused("claude has just ended");
        }
        self.replacement(program);
        self.claude.restart.ask(at_once, Instant::now());
        self.events.write(LogEvent::RestartAsked { at_once, status: self.record.status.clone() });
        let waits_for = self.waits_for();
        // Also where it is time already: until claude is told to end, its record says that it is idle.
        let is_pending = !self.claude.restart.is_under_way();
        if self.record.restart_pending != is_pending {
            self.record.restart_pending = is_pending;
            self.save();
        }
        Response::Restart { waits_for }
    }

    /// Whoever asked for a restart that still waits thought better of it.
    pub(crate) fn call_off_restart(&mut self) -> Response {
        if !self.claude.restart.cancel() {
            return Response::Refused { reason: "no restart is waiting".into() };
        }
        self.events.write(LogEvent::RestartCancelled { why: None });
        self.record.restart_pending = false;
        self.save();
        Response::Done
    }

    /// Why a restart would wait for ever, or would lose something.
    pub(super) fn no_patient_restart(&mut self) -> Option<String> {
        self.note_cut();
        if self.record.transcript_cut {
            return Some(
                "the transcript was removed or cut, so only this claude has in memory what was said before, and a restart \
                 loses it; to restart it anyway, add --now"
                    .into(),
            );
        }
        if self.record.state_file_removed {
            return Some(
                "somebody has removed claude's state file, so nobody can tell when it is idle; to restart it at \
                 once, add --now"
                    .into(),
            );
        }
        let cannot_write = crate::claude::config_dir().and_then(|config| state_file_obstacle(&config));
        if let Some(why) = cannot_write.filter(|_| self.record.status.is_none()) {
            return Some(format!(
                "claude cannot write its state file ({why}), so nobody can tell when it is idle, and what it cannot save is \
                 lost with a restart; make room or repair this first; to restart it at once, add --now"
            ));
        }
        let is_silent = self.record.state == SessionState::Running && self.record.status.is_none();
        if is_silent && self.record.kind == SessionKind::Conversation {
            return Some(
                "claude does not say what it does, so nobody can tell when it is idle; to restart it at \
                 once, add --now"
                    .into(),
            );
        }
        let problem = self.record.transcript_problem.as_ref()?;
        Some(format!("a restart would lose what was said last: {problem}; to restart it anyway, add --now"))
    }

    fn waits_for(&mut self) -> Option<String> {
        if self.claude.restart.is_patient() && self.holds_draft() {
            return Some("a draft at the prompt".into());
        }
        if self.claude.restart.is_under_way() || self.claude.restart.deadline().is_some() {
            return None;
        }
        Some(match self.record.status.as_deref() {
            None => "starting".into(),
            // Idle, and still not: the agents view.
            Some("idle") => "showing its agents".into(),
            Some(status) => status.into(),
        })
    }

    /// Whether something that was typed and not sent stands at the prompt, which claude would forget.
    fn holds_draft(&mut self) -> bool {
        matches!(screen::read(&self.output.screen.view()).prompt, Prompt::Draft(_))
    }

    /// What claude's state file says that matters for a restart.
    ///
    /// Where the conversation is in a background job, `file` has the job's status. A `parkedJobId` without a
    /// job that is known is the agents view of an older version.
    pub(crate) fn rests(&mut self, file: &StateFile, job: Option<&BackgroundJob>) {
        let known = file.parked_job_id.is_none() || job.is_some();
        let idle = file.status.as_deref() == Some("idle") && known;
        self.claude.restart.heard(idle, Instant::now());
    }

    /// When claude is to be ended, if a restart was asked for and it is time.
    pub(crate) fn restart_at(&self) -> Option<Instant> {
        self.claude.restart.deadline().filter(|_| {
            self.claude.is_running() && !self.timers.is_set(Timer::Kill) && !self.claude.has_quit()
        })
    }

    /// Ends claude as `cckw stop` does, but in order to start it again.
    pub(crate) fn begin_restart(&mut self) {
        if self.is_untimely() {
            self.claude.restart.cancel();
            self.claude.newer.taken_back();
            self.record.restart_pending = false;
            self.save();
            return;
        }
        if self.claude.restart.is_patient() && self.holds_draft() {
            self.claude.restart.postpone(Instant::now() + DRAFT_PACE);
            if !self.record.restart_pending {
                self.record.restart_pending = true;
                self.save();
            }
            return;
        }
        self.claude.restart.begin();
        self.record.restart_pending = false;
        self.record.state = SessionState::Restarting;
        self.save();
        self.claude.supervisor.handle(SupervisorEvent::RestartAsked);
        // Stopped by ctrl-z it draws once more before it ends; the shell has the terminal.
        self.output.model_only = self.attachment.is_backgrounded();
        self.end_claude();
    }

    /// What the last restart left behind does not count for the next one.
    pub(crate) fn restart_is_over(&mut self) {
        self.claude.restart.over();
        self.record.restart_pending = false;
        self.claude.kill = KillEscalation::Begun;
        self.timers.cancel(Timer::Kill);
    }

    /// The program that is started next, where the one that was found first has gone (another version of node
    /// was chosen, claude was installed elsewhere): the one that the asking side has found, or what is found
    /// from here. Otherwise it stays, a link too: an update is to be taken.
    fn replacement(&mut self, found: Option<&LosslessText>) {
        if executable::can_run(&self.claude.launcher.program) {
            return;
        }
        let found = found.map(|found| PathBuf::from(OsString::from(found.clone())));
        let found = found.filter(|found| found.is_absolute() && executable::can_run(found));
        if let Some(found) = found {
            self.take_program(found);
        }
    }

    /// The same before each launch, with what can be found from here.
    pub(crate) fn find_again(&mut self) {
        if executable::can_run(&self.claude.launcher.program) {
            return;
        }
        let config = config::load().unwrap_or_default();
        if let Ok(found) = executable::find(&config) {
            self.take_program(found.program);
        }
    }

    fn take_program(&mut self, program: PathBuf) {
        let (old, new) = (&self.claude.launcher.program, &program);
        self.events
            .write(LogEvent::ProgramGone { program: old.as_path().into(), instead: new.as_path().into() });
        self.record.program = program.as_path().into();
        self.claude.launcher.program = program;
    }
}

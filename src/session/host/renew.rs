//! `cckw restart`: claude is ended gracefully, and comes back with the same conversation.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::json;

use super::Host;
use super::child::Phase;
use crate::claude::find;
use crate::claude::screen::{self, Prompt};
use crate::claude::state_file::StateFile;
use crate::config;
use crate::control::Answer;
use crate::session::record::{Kind, State, Text};
use crate::session::supervisor::Event;

/// How often it is looked whether a draft is still there.
const DRAFT_PACE: Duration = Duration::from_secs(2);

impl Host {
    /// Somebody wants claude to be started anew, at once or when it is idle. `program` is the claude that they would start; it is
    /// taken if the one of this session has gone.
    ///
    /// This only takes note. Whoever asks may run below claude, and gets the answer before anything is ended.
    pub(super) fn renew(&mut self, at_once: bool, program: Option<&Text>) -> Answer {
        let refused = |reason: &str| Answer::Refused { reason: reason.into() };
        if self.quit {
            return refused("the session is being ended");
        }
        if self.record.kind == Kind::Server && !at_once && self.phase == Phase::Running {
            return refused(
                "nobody can tell when a Remote Control server is idle; with --now it is restarted at once",
            );
        }
        match self.phase {
            Phase::Running => {}
            Phase::Waiting { .. } => {
                self.replacement(program);
                self.restart_now();
                return Answer::Restart { waits_for: None };
            }
            Phase::Draining { .. } | Phase::Flushing { .. } => return refused("claude has just ended"),
        }
        self.replacement(program);
        self.renewal.ask(at_once, Instant::now());
        self.events.write("restart-asked", json!({ "at_once": at_once, "status": self.record.status }));
        let waits_for = self.waits_for();
        if self.record.restart_pending != waits_for.is_some() {
            self.record.restart_pending = waits_for.is_some();
            self.save();
        }
        Answer::Restart { waits_for }
    }

    /// Whoever asked for a restart that still waits thought better of it.
    pub(super) fn cancel_renewal(&mut self) -> Answer {
        if !self.renewal.cancel() {
            return Answer::Refused { reason: "no restart is waiting".into() };
        }
        self.events.write("restart-cancelled", json!({}));
        self.record.restart_pending = false;
        self.save();
        Answer::Done
    }

    /// What a restart waits for: what claude does.
    fn waits_for(&mut self) -> Option<String> {
        if self.renewal.is_patient() && self.holds_draft() {
            return Some("a draft at the prompt".into());
        }
        if self.renewal.is_under_way() || self.renewal.due().is_some() {
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
    pub(super) fn rests(&mut self, file: &StateFile) {
        let idle = file.status.as_deref() == Some("idle") && file.parked_job_id.is_none();
        self.renewal.heard(idle, Instant::now());
    }

    /// When claude is to be ended, if a restart was asked for and it is time.
    pub(super) fn renewal_at(&self) -> Option<Instant> {
        self.renewal.due().filter(|_| self.phase == Phase::Running && self.ending_at.is_none() && !self.quit)
    }

    /// Ends claude as `cckw stop` does, but in order to start it again.
    pub(super) fn begin_renewal(&mut self) {
        if self.renewal.is_patient() && self.holds_draft() {
            self.renewal.postpone(Instant::now() + DRAFT_PACE);
            if !self.record.restart_pending {
                self.record.restart_pending = true;
                self.save();
            }
            return;
        }
        self.renewal.begin();
        self.record.restart_pending = false;
        self.record.state = State::Restarting;
        self.save();
        self.supervisor.on(Event::RestartAsked);
        // Stopped by ctrl-z it draws once more before it ends; the shell has the terminal.
        self.output.muted = self.lent;
        self.end_claude();
    }

    /// What the last restart left behind does not count for the next one.
    pub(super) fn renewed(&mut self) {
        self.renewal.over();
        self.record.restart_pending = false;
        self.ending = super::Ending::Begun;
        self.ending_at = None;
    }

    /// The program that is started next, where the one that was found first has gone (another version of node was chosen, claude
    /// was installed elsewhere): the one that the asking side has found, or what is found from here. Otherwise it stays, a link
    /// too: an update is to be taken.
    fn replacement(&mut self, found: Option<&Text>) {
        if find::can_run(&self.launcher.program) {
            return;
        }
        let found = found.map(|found| PathBuf::from(OsString::from(found.clone())));
        let found = found.filter(|found| found.is_absolute() && find::can_run(found));
        if let Some(found) = found {
            self.take_program(found);
        }
    }

    /// The same before each launch, with what can be found from here.
    pub(super) fn find_again(&mut self) {
        if find::can_run(&self.launcher.program) {
            return;
        }
        let config = config::load().unwrap_or_default();
        if let Ok(found) = find::find(&config) {
            self.take_program(found.program);
        }
    }

    fn take_program(&mut self, program: PathBuf) {
        let (old, new) = (&self.launcher.program, &program);
        self.events.write(
            "program-gone",
            json!({ "program": Text::from(old.as_path()), "instead": Text::from(new.as_path()) }),
        );
        self.record.program = program.as_path().into();
        self.launcher.program = program;
    }
}

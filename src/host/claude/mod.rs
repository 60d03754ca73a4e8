//! Claude as the process that the host starts, ends and starts again.

pub(crate) mod child;
pub(crate) mod finish;
pub(crate) mod launch_choice;
pub(crate) mod launcher;
pub mod lifecycle;
pub(crate) mod newer_program;
pub(crate) mod pending_restart;
pub(crate) mod pty;
pub(crate) mod relaunch;
pub(crate) mod restart_request;
pub(crate) mod shutdown;
pub mod supervisor;
pub(crate) mod update_request;

use std::io;
use std::time::{Duration, Instant};

use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::claude::running::RunningClaude;
use crate::config::{Config, RestartWhenNewer};
use crate::host::job_stop::JobStop;
use crate::os::exit::Exit;
use crate::os::fd_store::{FdStore, ReceivedFds};
use crate::os::moment;
use crate::registry::ConversationOwner;
use child::PtyDrain;
use launcher::{Launcher, LauncherState};
use lifecycle::Lifecycle;
use newer_program::NewerProgram;
use pending_restart::PendingRestart;
use pty::{Change, Child};
use shutdown::KillEscalation;
use supervisor::{Supervisor, SupervisorEvent};

/// The claude of a session: its process, how far its end has come, and whether and how another one follows.
pub(crate) struct Claude {
    launcher: Launcher,
    child: Child,
    /// What a claude that has ended wrote last is still read.
    drain: Option<PtyDrain>,
    kill: KillEscalation,
    /// It owns the lifecycle.
    supervisor: Supervisor,
    /// When this host began; the supervisor's times count from here.
    begun: Instant,
    /// When claude was started last.
    launched: Instant,
    /// A restart that was asked for.
    restart: PendingRestart,
    /// Whether there is one because a newer program is installed.
    newer: NewerProgram,
    /// Why claude could not be started last, where it could not.
    not_started: Option<String>,
    /// Who has opened the conversation while claude was gone.
    holder: Option<ConversationOwner>,
    /// What a launcher that was killed has left behind: the claude that it had started.
    left: Option<RunningClaude>,
    /// It was said that claude says nothing of itself.
    told_silent: bool,
    /// The background job of the conversation, while it is being ended.
    job_stop: Option<JobStop>,
}

/// The same as it is handed over to the program that goes on with it. A background job is not being ended then.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ClaudeState {
    launcher: LauncherState,
    child: Child,
    #[serde(default)]
    drain: Option<PtyDrain>,
    kill: KillEscalation,
    supervisor: Supervisor,
    #[serde(with = "moment")]
    begun: Instant,
    #[serde(with = "moment")]
    launched: Instant,
    #[serde(default)]
    restart: PendingRestart,
    #[serde(default)]
    not_started: Option<String>,
    #[serde(default)]
    told_silent: bool,
    #[serde(default)]
    newer: NewerProgram,
}

impl ClaudeState {
    /// The process that was started last.
    pub(crate) fn pid(&self) -> Pid {
        self.child.pid()
    }
}

impl Claude {
    /// All that is needed to go on.
    pub(crate) fn hand_over(&self, fds: &FdStore) -> ClaudeState {
        ClaudeState {
            launcher: self.launcher.hand_over(fds),
            child: self.child,
            drain: self.drain,
            kill: self.kill,
            supervisor: self.supervisor.clone(),
            begun: self.begun,
            launched: self.launched,
            restart: self.restart,
            not_started: self.not_started.clone(),
            told_silent: self.told_silent,
            newer: self.newer.clone(),
        }
    }

    /// Goes on with what another program has handed over.
    ///
    /// # Errors
    /// When a descriptor is missing.
    pub(crate) fn take_over(state: ClaudeState, fds: &ReceivedFds, config: &Config) -> io::Result<Self> {
        let launcher = Launcher::take_over(state.launcher, fds, config)?;
        let supervisor = state.supervisor.with_limits(config.restart);
        let policy = config.claude.restart_when_newer;
        Ok(Self {
            drain: state.drain,
            kill: state.kill,
            begun: state.begun,
            launched: state.launched,
            restart: state.restart,
            not_started: state.not_started,
            told_silent: state.told_silent,
            newer: state.newer.with_policy(policy),
            ..Self::new(launcher, state.child, supervisor, policy)
        })
    }

    /// Whether it is in the middle of something that cannot be handed over: a background job is being ended,
    /// or another process is known to have the conversation.
    pub(crate) fn is_in_between(&self) -> bool {
        self.job_stop.is_some() || self.left.is_some() || self.holder.is_some()
    }

    /// One that was started a moment ago.
    pub(crate) fn new(
        launcher: Launcher,
        child: Child,
        supervisor: Supervisor,
        policy: RestartWhenNewer,
    ) -> Self {
        Self {
            launcher,
            child,
            drain: None,
            kill: KillEscalation::Begun,
            supervisor,
            begun: Instant::now(),
            launched: Instant::now(),
            restart: PendingRestart::default(),
            newer: NewerProgram::new(policy),
            not_started: None,
            holder: None,
            left: None,
            told_silent: false,
            job_stop: None,
        }
    }

    /// How far the session is.
    pub(crate) fn lifecycle(&self) -> &Lifecycle {
        self.supervisor.lifecycle()
    }

    /// Whether it runs, or is stopped.
    pub(crate) fn is_running(&self) -> bool {
        self.lifecycle().is_running()
    }

    /// Whether it is gone, and is to come back.
    pub(crate) fn is_waiting(&self) -> bool {
        self.lifecycle().is_waiting()
    }

    /// When it comes back, while it is gone.
    pub(crate) fn back_at(&self) -> Option<Instant> {
        match self.lifecycle() {
            Lifecycle::Waiting { until, .. } => Some(self.begun + *until),
            _ => None,
        }
    }

    /// The reading of what a claude that has ended wrote last.
    pub(crate) fn drain(&self) -> Option<&PtyDrain> {
        self.drain.as_ref()
    }

    /// How it ended, while what it wrote last is read or written.
    pub(crate) fn unhandled_exit(&self) -> Option<Exit> {
        self.lifecycle().unhandled_exit()
    }

    /// The process that was started last.
    pub(crate) fn child(&self) -> &Child {
        &self.child
    }

    /// What has become of that process since the last call.
    pub(crate) fn poll_child(&mut self) -> Option<Change> {
        self.child.poll()
    }

    /// What the next one is started with.
    pub(crate) fn launcher(&self) -> &Launcher {
        &self.launcher
    }

    /// The same, to change it.
    pub(crate) fn launcher_mut(&mut self) -> &mut Launcher {
        &mut self.launcher
    }

    /// When claude was started last.
    pub(crate) fn launched(&self) -> Instant {
        self.launched
    }

    /// The time, as the supervisor and the reconnector count it.
    pub(crate) fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Such a time on the clock of this process.
    pub(crate) fn instant(&self, time: Duration) -> Instant {
        self.begun + time
    }

    /// Whether nobody wants claude back.
    pub(crate) fn has_quit(&self) -> bool {
        self.lifecycle().has_quit()
    }

    /// Whether it was wanted, and is not brought back.
    pub(crate) fn gave_up(&self) -> bool {
        self.lifecycle().gave_up()
    }

    /// It says nothing of itself. Whether that is said for the first time.
    pub(crate) fn is_first_silence(&mut self) -> bool {
        !std::mem::replace(&mut self.told_silent, true)
    }

    /// What it wrote last is not waited for any longer, where it has ended for good. Whether it has.
    pub(crate) fn cut_off(&mut self) -> bool {
        let has_ended = self.unhandled_exit().is_some();
        if has_ended {
            self.drain = None;
        }
        has_ended
    }

    /// The system ends: the next signal is one that leaves no choice.
    pub(crate) fn hurry_end(&mut self) {
        self.kill = self.kill.for_system_stop();
    }

    /// It was sent this signal by cckw, by its client, or by a key of the user's.
    pub(crate) fn signal_passed(&mut self, number: i32) {
        let at = self.now();
        self.supervisor.handle(SupervisorEvent::SignalPassed { number, at });
    }

    /// Whether claude is being ended, or was, for a restart that somebody has asked for.
    pub(crate) fn restart_is_under_way(&self) -> bool {
        self.restart.is_under_way()
    }

    /// Nobody wants a restart any more that was asked for. Whether one was waiting.
    pub(crate) fn cancel_restart(&mut self) -> bool {
        self.restart.cancel()
    }

    /// Begins to end this background job, before claude comes back.
    pub(crate) fn begin_job_stop(&mut self, job: &str) {
        self.job_stop = Some(JobStop::begin(&self.launcher.program, job));
    }

    /// Where claude waits to come back and a background job is being ended: whether that has ended. While it
    /// has not, the launch is put off a little.
    pub(crate) fn look_at_job_stop(&mut self) -> Option<Result<(), bool>> {
        let stop = self.job_stop.as_mut().filter(|_| self.supervisor.lifecycle().is_waiting())?;
        Some(match stop.look() {
            Ok(again) => {
                self.supervisor.put_off(again.saturating_duration_since(self.begun));
                Ok(())
            }
            Err(ended) => {
                self.job_stop = None;
                Err(ended)
            }
        })
    }

    /// Ends this background job, and waits for that. Whether it has ended.
    pub(crate) fn finish_job_stop(&mut self, job: &str) -> bool {
        let begun = self.job_stop.take();
        begun.unwrap_or_else(|| JobStop::begin(&self.launcher.program, job)).wait()
    }
}

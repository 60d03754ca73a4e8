//! Claude's stops and its end, and what it wrote last.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use nix::unistd::Pid;

use crate::fault;
use crate::host::claude::pty::Change;
use crate::host::claude::shutdown::{SIGNAL_TIMEOUT, SYSTEM_STOP_GRACE};
use crate::host::claude::supervisor::SupervisorEvent;
use crate::host::output::ReadProgress;
use crate::host::timers::Timer;
use crate::host::{Host, TERMINAL_WRITE_TIMEOUT};
use crate::os::exit::Exit;
use crate::os::moment;
use crate::os::process;
use crate::protocol::FromHost;
use crate::registry::log_event::LogEvent;
use crate::registry::record::SessionState;
use crate::vt::modes::ModeTracker;

/// After claude's end, how long its PTY must be silent before it counts as read out, where another process
/// keeps it open.
const PTY_SILENCE: Duration = Duration::from_millis(50);
/// The same after claude was stopped, when the user waits for the shell.
const QUIET_STOP: Duration = Duration::from_millis(15);
/// How long a process that outlives claude may go on writing before it is cut off.
const PATIENCE_WITH_OTHERS: Duration = Duration::from_secs(1);

/// How what a claude that has ended wrote last is read from its PTY.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PtyDrain {
    /// The PTY counts as read out, unless something is read before.
    #[serde(with = "moment")]
    quiet_at: Instant,
    /// Others that write to it are cut off.
    #[serde(with = "moment")]
    cut_off_at: Instant,
}

impl PtyDrain {
    fn begin(now: Instant) -> Self {
        Self { quiet_at: now + PTY_SILENCE, cut_off_at: now + PATIENCE_WITH_OTHERS }
    }

    /// When the PTY counts as read out.
    pub(crate) fn quiet_at(&self) -> Instant {
        self.quiet_at
    }
}

impl Host {
    pub(crate) fn child_changed(&mut self, change: Change) {
        match change {
            // It was sent a signal that it acts on only when it goes on.
            Change::Stopped(_) if self.timers.is_set(Timer::Kill) => {
                self.claude.child.signal_group(libc::SIGCONT)
            }
            Change::Stopped(signal) if self.attachment.is_attached() => self.suspend(signal),
            Change::Stopped(signal) => {
                // Nobody could ever continue it.
                self.events.write(LogEvent::StoppedAndContinued { signal });
                self.claude.child.signal_group(libc::SIGCONT);
            }
            Change::Continued => self.continued(),
            Change::Ended(exit) => {
                // What claude was sent before it ended decides what its end means.
                self.hear_client();
                self.events.write(LogEvent::Ended { exit });
                fault::point("claude-ended");
                self.claude.supervisor.handle(SupervisorEvent::Exited { exit });
                self.claude.drain = (!self.output.is_closed()).then(|| PtyDrain::begin(Instant::now()));
                self.timers.cancel(Timer::Kill);
                self.system_stop.passes_nothing_on();
                // Its last words come too late for a terminal that the shell has by now.
                self.output.model_only = self.attachment.is_backgrounded();
            }
        }
    }

    /// Claude has been stopped: the terminal gets what it wrote, then goes back to the shell.
    pub(crate) fn suspend(&mut self, signal: i32) {
        self.events.write(LogEvent::Suspended { signal });
        if !self.attachment.is_backgrounded() {
            self.give_terminal_back();
        }
        self.attachment.tell(&FromHost::Stopped { signal });
        self.record.state = SessionState::Suspended;
        self.save();
    }

    /// The shell gets the terminal, with what claude wrote last on it, and its modes undone.
    fn give_terminal_back(&mut self) {
        let deadline = Instant::now() + TERMINAL_WRITE_TIMEOUT;
        let mut client = self.attachment.client_mut();
        let tell = |modes: &ModeTracker| {
            if let Some(client) = &mut client {
                client.tell_undo(modes);
            }
        };
        self.output.drain(QUIET_STOP, deadline, tell);
        let undo = self.undo_for_shell();
        self.output.write(undo.as_bytes());
        self.output.flush(deadline);
        self.tell_undone();
        self.attachment.set_backgrounded();
    }

    /// Claude goes on. Where its client has not asked for that, somebody has sent SIGCONT to claude alone.
    fn continued(&mut self) {
        let is_asked_for =
            !self.attachment.is_backgrounded() || self.claude.has_quit() || self.timers.is_set(Timer::Kill);
        if self.record.state != SessionState::Suspended || is_asked_for {
            return;
        }
        self.events.write(LogEvent::ContinuedFromOutside);
        self.record.state = SessionState::Running;
        self.save();
        // The shell has the terminal until the client takes it again. What claude writes until then is drawn
        // then.
        self.output.model_only = true;
        if let Some(client) = self.attachment.client_mut() {
            // Where there is no shell, nobody else would continue it.
            client.go_on_if_stopped();
        }
    }

    /// The session is to end, and claude with it, also where it has come back at this moment.
    pub(crate) fn stop(&mut self) {
        self.quit();
        if self.claude.is_running() && !self.timers.is_set(Timer::Kill) {
            self.end_claude();
        }
    }

    pub(crate) fn end_claude(&mut self) {
        let (next, signal) = self.claude.kill.next();
        self.claude.kill = next;
        let Some(signal) = signal else {
            self.timers.cancel(Timer::Kill);
            return;
        };
        self.events.write(LogEvent::Ending { signal: signal.as_str() });
        self.claude.child.signal_group(signal as i32);
        if self.is_claude_stopped() {
            self.claude.child.signal_group(libc::SIGCONT);
        }
        fault::point("stop-signalled");
        let grace = if self.system_stop.is_under_way() { SYSTEM_STOP_GRACE } else { SIGNAL_TIMEOUT };
        self.timers.set(Timer::Kill, Instant::now() + grace);
    }

    /// Whether claude is stopped, so that it acts on no signal before it goes on. One that runs gets no
    /// SIGCONT: it takes that for the end of a suspension and draws its whole screen, and asks the terminal
    /// what it can do, which answers when the shell has it.
    ///
    /// The child is stopped as soon as the system has said so. A stop that comes later is seen in
    /// `child_changed`. What a launcher has started is looked up: nobody tells of its stops, so one that
    /// comes later is met by the next, less polite signal.
    fn is_claude_stopped(&self) -> bool {
        let is_stopped = |pid: Pid| process::look_up(pid).is_some_and(|process| process.stopped);
        let below = self.record.claude_pid.map(Pid::from_raw).filter(|pid| *pid != self.claude.child.pid());
        self.claude.child.is_stopped() || is_stopped(self.claude.child.pid()) || below.is_some_and(is_stopped)
    }

    /// A PTY has been silent whose claude has ended.
    pub(crate) fn pty_is_silent(&mut self, now: Instant) {
        let Some(PtyDrain { cut_off_at, .. }) = self.claude.drain else { return };
        // Where the terminal is slow nothing was read: silence has yet to begin.
        self.claude.drain = (!self.output.is_flushed()).then(|| {
            let anew = PtyDrain::begin(now);
            PtyDrain { cut_off_at: cut_off_at.max(anew.cut_off_at), ..anew }
        });
    }

    /// After claude's end: whether its PTY has been read out.
    pub(crate) fn draining(&mut self, progress: ReadProgress) {
        let Some(drain) = &mut self.claude.drain else { return };
        let now = Instant::now();
        match progress {
            ReadProgress::Closed => self.claude.drain = None,
            _ if now >= drain.cut_off_at => self.claude.drain = None,
            ReadProgress::Rested(0) => {}
            _ => drain.quiet_at = now + PTY_SILENCE,
        }
    }

    /// Claude's exit, when nothing is left to read and write before it is handled.
    pub(crate) fn drained_exit(&self) -> Option<Exit> {
        let is_drained = if self.claude.drain.is_some() {
            !self.attachment.is_attached()
        } else {
            self.output.is_flushed()
        };
        self.claude.unhandled_exit().filter(|_| is_drained)
    }
}

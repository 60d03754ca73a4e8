//! Claude's stops and its end, and the end of the session that follows.

use std::time::{Duration, Instant};

use nix::unistd::Pid;

use crate::fault;
use crate::host::claude::pty::Change;
use crate::host::claude::shutdown::{SIGNAL_TIMEOUT, SYSTEM_STOP_GRACE};
use crate::host::control_server::ControlServer;
use crate::host::output::ReadProgress;
use crate::host::persist::JOURNAL_FINISH_TIMEOUT;
use crate::host::timers::Timer;
use crate::host::{Host, TERMINAL_WRITE_TIMEOUT};
use crate::os::exit::Exit;
use crate::os::process;
use crate::protocol::FromHost;
use crate::registry::event_log;
use crate::registry::log_event::LogEvent;
use crate::registry::record::SessionState;
use crate::vt::modes::ModeTracker;

/// After claude's end, how long its PTY must be silent before it counts as read out, where another process keeps it open.
const PTY_SILENCE: Duration = Duration::from_millis(50);
/// The same after claude was stopped, when the user waits for the shell.
const QUIET_STOP: Duration = Duration::from_millis(15);
/// How long a process that outlives claude may go on writing before it is cut off.
const PATIENCE_WITH_OTHERS: Duration = Duration::from_secs(1);

/// How far a session's end has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndPhase {
    /// Claude runs, or is stopped.
    Running,
    /// Claude has ended; what it wrote last is read.
    Draining { exit: Exit, quiet_at: Instant, cut_off_at: Instant },
    /// Everything was read; the terminal has yet to take it.
    Flushing { exit: Exit },
    /// Claude has crashed, and is started again at that time.
    Waiting { exit: Exit, until: Instant },
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
                let now = Instant::now();
                self.claude.phase = if self.output.is_closed() {
                    EndPhase::Flushing { exit }
                } else {
                    EndPhase::Draining {
                        exit,
                        quiet_at: now + PTY_SILENCE,
                        cut_off_at: now + PATIENCE_WITH_OTHERS,
                    }
                };
                self.timers.cancel(Timer::Kill);
                // Its last words come too late for a terminal that the shell has by now.
                self.output.muted = self.attachment.is_backgrounded();
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
        let undo = self.output.modes.undo();
        self.output.write(undo.as_bytes());
        self.output.flush(deadline);
        self.tell_undone();
        self.attachment.lend_to_shell();
    }

    /// Claude goes on. Where its client has not asked for that, somebody has sent SIGCONT to claude alone.
    fn continued(&mut self) {
        let is_asked_for =
            !self.attachment.is_backgrounded() || self.claude.quit || self.timers.is_set(Timer::Kill);
        if self.record.state != SessionState::Suspended || is_asked_for {
            return;
        }
        self.events.write(LogEvent::ContinuedFromOutside);
        self.record.state = SessionState::Running;
        self.save();
        // The shell has the terminal until the client takes it again. What claude writes until then is drawn then.
        self.output.muted = true;
        if let Some(client) = self.attachment.client_mut() {
            // Where there is no shell, nobody else would continue it.
            client.go_on_if_stopped();
        }
    }

    /// The session is to end, and claude with it, also where it has come back at this moment.
    pub(crate) fn stop(&mut self) {
        self.quit();
        if self.claude.phase == EndPhase::Running && !self.timers.is_set(Timer::Kill) {
            self.end_claude();
        }
    }

    pub(crate) fn end_claude(&mut self) {
        let (next, signal) = self.claude.ending.next();
        self.claude.ending = next;
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

    /// Whether claude is stopped, so that it acts on no signal before it goes on. One that runs gets no SIGCONT: it takes that for
    /// the end of a suspension and draws its whole screen, and asks the terminal what it can do, which answers when the shell has it.
    ///
    /// The child is stopped as soon as the system has said so. A stop that comes later is seen in `child_changed`. What a launcher has
    /// started is looked up: nobody tells of its stops, so one that comes later is met by the next, less polite signal.
    fn is_claude_stopped(&self) -> bool {
        let is_stopped = |pid: Pid| process::look_up(pid).is_some_and(|process| process.stopped);
        let below = self.record.claude_pid.map(Pid::from_raw).filter(|pid| *pid != self.claude.child.pid());
        self.claude.child.is_stopped() || is_stopped(self.claude.child.pid()) || below.is_some_and(is_stopped)
    }

    /// A PTY has been silent whose claude has ended.
    pub(crate) fn pty_is_silent(&mut self, now: Instant) {
        let EndPhase::Draining { exit, cut_off_at, .. } = self.claude.phase else { return };
        self.claude.phase = if self.output.is_flushed() {
            EndPhase::Flushing { exit }
        } else {
            // The terminal is slow, so nothing was read: silence has yet to begin.
            EndPhase::Draining {
                exit,
                quiet_at: now + PTY_SILENCE,
                cut_off_at: cut_off_at.max(now + PATIENCE_WITH_OTHERS),
            }
        };
    }

    /// After claude's end: whether its PTY has been read out.
    pub(crate) fn draining(&mut self, turn: ReadProgress) {
        if let EndPhase::Draining { exit, cut_off_at, .. } = self.claude.phase {
            let now = Instant::now();
            match turn {
                ReadProgress::Closed => self.claude.phase = EndPhase::Flushing { exit },
                _ if now >= cut_off_at => self.claude.phase = EndPhase::Flushing { exit },
                ReadProgress::Rested(0) => {}
                _ => self.claude.phase = EndPhase::Draining { exit, quiet_at: now + PTY_SILENCE, cut_off_at },
            }
        }
    }

    /// Claude's exit, when nothing is left to do for it.
    pub(crate) fn finished(&self) -> Option<Exit> {
        match self.claude.phase {
            EndPhase::Flushing { exit } if self.output.is_flushed() => Some(exit),
            EndPhase::Draining { exit, .. } if !self.attachment.is_attached() => Some(exit),
            _ => None,
        }
    }

    pub(crate) fn finish(mut self, exit: Exit, mut server: ControlServer) {
        self.leave_background_job();
        self.say_that_it_was_told_to_end();
        if !self.attachment.is_backgrounded() {
            let undo = self.output.modes.undo();
            self.output.write(undo.as_bytes());
        }
        self.output.flush(Instant::now() + TERMINAL_WRITE_TIMEOUT);
        self.record.state = self.last_state(exit);
        self.record.status = None;
        self.record.restart_pending = false;
        self.record.exit = Some(exit);
        self.record.ended_at = Some(event_log::now());
        self.record.set_client(None);
        self.save();
        self.finish_journal();
        fault::point("end-recorded");
        self.output.flush(Instant::now() + TERMINAL_WRITE_TIMEOUT);
        // Nothing more will be written, so nobody waits for it any longer.
        server.keep_promises(|_| true);
        // The disk may hang; the sockets are closed here.
        self.journal.run(server.close());
        // Whoever hears of the end finds no socket any more.
        let _ = self.journal.finish(JOURNAL_FINISH_TIMEOUT);
        fault::point("end-unbound");
        self.attachment.departures.tell_all();
        if let Some(client) = self.attachment.client_mut() {
            client.send(&FromHost::Ended { status: exit.status() });
            // A job whose process was killed ends, also while it is stopped.
            client.go_on_if_stopped();
            // What is in the socket's buffer survives this process.
            client.channel.flush(TERMINAL_WRITE_TIMEOUT);
        }
        fault::point("end-told");
    }
}

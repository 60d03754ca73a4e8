//! Claude's stops and its end, and the end of the session that follows.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use serde_json::json;

use super::{Host, PATIENCE_WITH_TERMINAL};
use crate::control::FromHost;
use crate::session::ending::PATIENCE;
use crate::session::events;
use crate::session::modes::ModeTracker;
use crate::session::output::Turn;
use crate::session::pty::Change;
use crate::session::record::{Exit, State};
use crate::session::server::Server;
use crate::session::stamp;

/// After claude's end, how long its PTY must be silent before it counts as read out, where another process keeps it open.
const QUIET: Duration = Duration::from_millis(50);
/// The same after claude was stopped, when the user waits for the shell.
const QUIET_STOP: Duration = Duration::from_millis(15);
/// How long a process that outlives claude may go on writing before it is cut off.
const PATIENCE_WITH_OTHERS: Duration = Duration::from_secs(1);

/// How far a session's end has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
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
    pub(super) fn child_changed(&mut self, change: Change) {
        match change {
            Change::Stopped(signal) if self.client.is_some() => self.suspend(signal),
            Change::Stopped(signal) => {
                // Nobody could ever continue it.
                self.events.write("stopped-and-continued", json!({ "signal": signal }));
                self.child.signal_group(libc::SIGCONT);
            }
            Change::Continued => {}
            Change::Ended(exit) => {
                self.events.write("ended", json!({ "exit": exit }));
                let now = Instant::now();
                self.phase = if self.output.is_closed() {
                    Phase::Flushing { exit }
                } else {
                    Phase::Draining { exit, quiet_at: now + QUIET, cut_off_at: now + PATIENCE_WITH_OTHERS }
                };
                self.ending_at = None;
                // Its last words come too late for a terminal that the shell has by now.
                self.output.muted = self.lent;
            }
        }
    }

    /// Claude has been stopped: the terminal gets what it wrote, then goes back to the shell.
    pub(super) fn suspend(&mut self, signal: i32) {
        self.events.write("suspended", json!({ "signal": signal }));
        let deadline = Instant::now() + PATIENCE_WITH_TERMINAL;
        let client = &mut self.client;
        let tell = |modes: &ModeTracker| {
            if let Some(client) = client {
                client.tell_undo(modes);
            }
        };
        self.output.drain(QUIET_STOP, deadline, tell);
        let undo = self.output.modes.undo();
        self.output.write(undo.as_bytes());
        self.output.flush(deadline);
        self.lent = true;
        if let Some(client) = &mut self.client {
            client.send(&FromHost::Stopped { signal });
        }
        self.record.state = State::Suspended;
        self.save();
    }

    /// The session is to end, and claude with it, also where it has come back at this moment.
    pub(super) fn stop(&mut self) {
        self.quit();
        if self.phase == Phase::Running && self.ending_at.is_none() {
            self.end_claude();
        }
    }

    pub(super) fn end_claude(&mut self) {
        let (next, signal) = self.ending.next();
        self.ending = next;
        let Some(signal) = signal else {
            self.ending_at = None;
            return;
        };
        self.events.write("ending", json!({ "signal": signal.as_str() }));
        self.child.signal_group(signal as i32);
        self.child.signal_group(libc::SIGCONT);
        self.ending_at = Some(Instant::now() + PATIENCE);
    }

    pub(super) fn deadlines(&mut self) {
        let nothing = self.ending_at.is_none()
            && self.linger_at.is_none()
            && self.transcript_at.is_none()
            && self.proven_at.is_none()
            && self.renewal_at().is_none()
            && self.silent_at().is_none()
            && self.notices.title_until().is_none()
            && self.unsaved.again_at().is_none()
            && self.look_again_at.is_none()
            && self.output.stalls_at().is_none();
        if self.phase == Phase::Running && nothing {
            return;
        }
        let now = Instant::now();
        if self.output.stalls_at().is_some_and(|at| at <= now) && !self.is_held() {
            self.events.write("terminal-passed-over", json!({}));
            self.output.pass_over();
        }
        if self.linger_at.is_some_and(|at| at <= now) {
            self.linger_at = None;
            self.events.write("lingered", json!({}));
            self.quit();
            if self.phase == Phase::Running {
                self.end_claude();
            }
        }
        if self.notices.title_until().is_some_and(|until| until <= now) {
            self.notices.title_is_back();
            if !self.lent && self.output.is_between() {
                let title = self.output.modes.title();
                self.output.write(title.as_bytes());
            }
        }
        if self.unsaved.again_at().is_some_and(|at| at <= now) {
            self.save();
        }
        if self.look_again_at.is_some_and(|at| at <= now) {
            self.look_at_state_file();
        }
        if self.transcript_at.is_some_and(|at| at <= now) {
            self.note_transcript();
        }
        if self.proven_at.is_some_and(|at| at <= now) {
            self.proven_at = None;
            stamp::clear(&self.directory);
        }
        if let Phase::Draining { exit, quiet_at, cut_off_at } = self.phase
            && quiet_at <= now
            && !self.is_held()
        {
            self.phase = if self.output.is_flushed() {
                Phase::Flushing { exit }
            } else {
                // The terminal is slow, so nothing was read: silence has yet to begin.
                Phase::Draining {
                    exit,
                    quiet_at: now + QUIET,
                    cut_off_at: cut_off_at.max(now + PATIENCE_WITH_OTHERS),
                }
            };
        }
        if let Phase::Waiting { until, .. } = self.phase
            && until <= now
        {
            self.restart_due();
        }
        if self.renewal_at().is_some_and(|at| at <= now) {
            self.begin_renewal();
        }
        if self.silent_at().is_some_and(|at| at <= now) {
            self.is_silent();
        }
        if self.ending_at.is_some_and(|at| at <= now) {
            self.end_claude();
        }
    }

    /// After claude's end: whether its PTY has been read out.
    pub(super) fn draining(&mut self, turn: Turn) {
        if let Phase::Draining { exit, cut_off_at, .. } = self.phase {
            let now = Instant::now();
            match turn {
                Turn::Closed => self.phase = Phase::Flushing { exit },
                _ if now >= cut_off_at => self.phase = Phase::Flushing { exit },
                Turn::Rested(0) => {}
                _ => self.phase = Phase::Draining { exit, quiet_at: now + QUIET, cut_off_at },
            }
        }
    }

    /// Claude's exit, when nothing is left to do for it.
    pub(super) fn finished(&self) -> Option<Exit> {
        match self.phase {
            Phase::Flushing { exit } if self.output.is_flushed() => Some(exit),
            Phase::Draining { exit, .. } if self.client.is_none() => Some(exit),
            _ => None,
        }
    }

    pub(super) fn finish(mut self, exit: Exit, server: Server) {
        if !self.lent {
            let undo = self.output.modes.undo();
            self.output.write(undo.as_bytes());
        }
        self.output.flush(Instant::now() + PATIENCE_WITH_TERMINAL);
        self.record.state = if self.gave_up { State::Crashed } else { State::Stopped };
        self.record.status = None;
        self.record.restart_pending = false;
        self.record.exit = Some(exit);
        self.record.ended_at = Some(events::now());
        self.record.client_pid = None;
        self.save();
        self.say_what_is_unsaved();
        self.output.flush(Instant::now() + PATIENCE_WITH_TERMINAL);
        drop(server);
        if let Some(client) = &mut self.client {
            client.send(&FromHost::Ended { status: exit.status() });
            if client.is_stopped() {
                // A job whose process was killed ends, also while it is stopped.
                let _ = kill(client.pid, Signal::SIGCONT);
            }
            // What is in the socket's buffer survives this process.
            client.channel.flush(PATIENCE_WITH_TERMINAL);
        }
    }
}

//! When others have the terminal: a session that is visited, and the shell while the job is stopped.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, raise};

use super::{Fleet, Flow, HUNG_UP};
use crate::cli::top::row::RowId;
use crate::cli::top::visit::{Visit, VisitState};
use crate::os::exit::Exit;
use crate::os::{job, kill, signals};

/// How long a visit may take to end after the view was told to end.
const VISIT_END_TIMEOUT: Duration = Duration::from_secs(10);

impl Fleet {
    /// Gives the terminal to somebody else.
    fn leave(&mut self) {
        self.ready = None;
        self.has_left = true;
        self.terminal.leave();
    }

    /// Takes the terminal again. What was typed meanwhile was meant for whoever had it.
    fn come_back(&mut self) -> Flow {
        self.terminal.discard_input();
        match self.enter() {
            Ok(()) => Flow::Continue(()),
            Err(_) => Flow::Break(HUNG_UP),
        }
    }

    /// Leaves the terminal to a session.
    pub(super) fn visit(&mut self, id: RowId, name: String, is_watch: bool) -> Flow {
        if self.visit.is_some() {
            return Flow::Continue(());
        }
        self.preview.show(None);
        self.leave();
        match Visit::start(id, name, is_watch) {
            Ok(visit) => {
                self.visit = Some(visit);
                Flow::Continue(())
            }
            Err(error) => {
                self.come_back()?;
                self.say(false, format!("cckw cannot be run: {error}"))
            }
        }
    }

    /// A visit has ended or was stopped, perhaps.
    fn look_at_visit(&mut self) -> Flow {
        let Some(visit) = &mut self.visit else { return Flow::Continue(()) };
        match visit.look() {
            VisitState::Running => Flow::Continue(()),
            VisitState::Stopped => {
                // Where nobody could continue it, it goes on.
                if !job::is_orphaned() {
                    let _ = signals::with_default(Signal::SIGTSTP, || raise(Signal::SIGTSTP));
                }
                visit.go_on();
                Flow::Continue(())
            }
            VisitState::Ended(exit) => self.end_visit(exit),
        }
    }

    fn end_visit(&mut self, exit: Exit) -> Flow {
        let Some(visit) = self.visit.take() else { return Flow::Continue(()) };
        if let Some((status, _)) = self.ending {
            return Flow::Break(status);
        }
        let (is_done, text) = visit.farewell(exit);
        self.come_back()?;
        self.say(is_done, text)
    }

    /// Stops the job, and goes on when it is continued.
    pub(super) fn suspend(&mut self) -> Flow {
        if job::is_orphaned() {
            return self.say(false, "there is no shell that could continue the view: q leaves it".into());
        }
        self.leave();
        stop();
        // Before the terminal is taken: `kill %1` continues the job as well.
        let mut meanwhile = self.signals.take();
        meanwhile.retain(|signal| !matches!(*signal, libc::SIGCONT | libc::SIGTSTP | libc::SIGWINCH));
        meanwhile.into_iter().try_for_each(|signal| self.signalled(signal))?;
        self.come_back()
    }

    pub(super) fn signalled(&mut self, signal: i32) -> Flow {
        match (signal, &self.visit) {
            (libc::SIGCHLD, _) => self.look_at_visit(),
            (libc::SIGWINCH, None) => {
                self.is_resized = true;
                self.pace.want(false);
                Flow::Continue(())
            }
            (libc::SIGTSTP, None) => self.suspend(),
            // Stopped by a signal that cannot be caught, and continued: the shell has had the terminal meanwhile.
            (libc::SIGCONT, None) => self.come_back(),
            (libc::SIGCONT, Some(visit)) => {
                visit.go_on();
                Flow::Continue(())
            }
            (libc::SIGHUP | libc::SIGTERM, Some(visit)) => {
                visit.signal(signal);
                self.ending.get_or_insert((ended_by(signal), Instant::now() + VISIT_END_TIMEOUT));
                Flow::Continue(())
            }
            // Keys of the session's. A ctrl-z that stops claude stops `cckw attach`, which SIGCHLD says.
            (_, Some(_)) => Flow::Continue(()),
            // The way to end it is no failure of it.
            (libc::SIGINT, None) => Flow::Break(0),
            (signal, None) => Flow::Break(ended_by(signal)),
        }
    }
}

/// Stops the job that this process belongs to, as ctrl-z does.
fn stop() {
    let _ = signals::with_default(Signal::SIGTSTP, || kill::to_own_group(Signal::SIGTSTP));
}

/// The status of a process that this signal has ended.
fn ended_by(signal: i32) -> u8 {
    u8::try_from(128 + signal).unwrap_or(1)
}

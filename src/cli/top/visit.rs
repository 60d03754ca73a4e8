//! A visit to a session: `cckw attach` on the view's own terminal, in its process group.

use std::io;
use std::process::{Child, Command, Stdio};

use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::row::{RowId, Source};
use crate::escape::escape;
use crate::os::exit::Exit;
use crate::os::own_program::own_program;
use crate::os::{kill, signals};
use crate::registry;

/// The status of an attach that has not reached the other machine.
const NOT_REACHED: i32 = 255;
/// The same where the user has not waited until a lost link was back: as after ctrl-c.
const NOT_WAITED: i32 = 130;

/// A session that has the terminal.
pub struct Visit {
    id: RowId,
    name: String,
    is_watch: bool,
    child: Child,
}

/// How a visit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VisitState {
    /// The session has the terminal.
    Running,
    /// Claude was stopped, and the visit with it.
    Stopped,
    /// It is over.
    Ended(Exit),
}

impl Visit {
    /// Starts it. The terminal must be as its user had it.
    ///
    /// # Errors
    /// When no process can be started.
    pub fn start(id: RowId, name: String, is_watch: bool) -> io::Result<Self> {
        let mut command = Command::new(own_program()?);
        command.arg("attach").args(is_watch.then_some("--watch")).arg(id.word());
        command.stdin(Stdio::inherit()).stdout(Stdio::inherit()).stderr(Stdio::inherit());
        // The terminal is already as the shell has it: there ctrl-z stops whoever is in the foreground.
        Ok(Self { child: signals::start_unstopped(&mut command)?, id, name, is_watch })
    }

    /// Looks how it stands. To be called at each SIGCHLD.
    pub fn look(&mut self) -> VisitState {
        match waitpid(self.pid(), Some(WaitPidFlag::WNOHANG | WaitPidFlag::WUNTRACED)) {
            Ok(WaitStatus::Exited(_, code)) => VisitState::Ended(Exit::Code(code)),
            Ok(WaitStatus::Signaled(_, signal, _)) => VisitState::Ended(Exit::Signal(signal as i32)),
            Ok(WaitStatus::Stopped(..)) => VisitState::Stopped,
            Ok(_) => VisitState::Running,
            // Ended by a signal that has no name; or it was waited for, which nobody does.
            Err(_) => VisitState::Ended(Exit::Signal(0)),
        }
    }

    /// Continues it, however this process was continued.
    pub fn go_on(&self) {
        let _ = kill::to_child(self.pid(), libc::SIGCONT);
    }

    /// Passes a signal on.
    pub fn signal(&self, number: i32) {
        let _ = kill::to_child(self.pid(), number);
    }

    /// The line that says how it was.
    pub fn farewell(&self, exit: Exit) -> (bool, String) {
        let name = escape(&self.name);
        let is_over = self.has_ended();
        match (exit, is_over) {
            (Exit::Code(0), Some(true)) => (true, format!("{name} has ended")),
            (Exit::Code(0), _) if self.is_watch => (true, format!("back from looking at {name}")),
            (Exit::Code(0), _) => (true, format!("back from {name}")),
            (_, Some(true)) => (false, format!("{name} has ended with {}", said(exit))),
            (Exit::Code(NOT_REACHED), _) => (false, format!("the link to {name} was lost")),
            (Exit::Code(NOT_WAITED), None) => (false, format!("left {name} while its link was lost")),
            _ => (false, format!("{name}: cckw attach ended with {}; q shows what it said", said(exit))),
        }
    }

    /// Whether the session is over; nothing where that is not known here.
    fn has_ended(&self) -> Option<bool> {
        if self.id.source != Source::Here {
            return None;
        }
        let sessions = registry::sessions().ok()?;
        let session = sessions.iter().find(|session| session.record.session.to_string() == self.id.id);
        // What has no record any more was forgotten by somebody.
        Some(session.is_none_or(|session| session.record.ended_at.is_some()))
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }
}

fn said(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("status {code}"),
        Exit::Signal(number) => format!("signal {number}"),
    }
}

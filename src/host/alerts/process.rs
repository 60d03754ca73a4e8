//! The process that runs the user's command ([`runner`](super::runner)), as its host starts it.

use std::io::{self, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::Signal;
use nix::unistd::{Pid, setsid};

use super::alert::Alert;
use crate::os::exit::Exit;
use crate::os::io::set_nonblocking;
use crate::os::kill;
use crate::os::own_program::own_program;
use crate::os::signals::SignalState;
use crate::os::umask;
use crate::registry::environment::Variables;

/// A run that goes on. It outlives this value.
pub struct AlertRun {
    child: Child,
}

impl AlertRun {
    /// Starts a run of this command for these alerts. It gets nothing of ours but its input: no terminal, no
    /// descriptor, and the signals and the umask that cckw was started with.
    ///
    /// # Errors
    /// When no process can be started.
    pub fn start(
        words: &[String],
        alerts: &[Alert],
        variables: &Variables,
        signals: &SignalState,
    ) -> io::Result<Self> {
        let (input, mut writer) = io::pipe()?;
        // The lines fit into a pipe. Where the system gives only a small one, the last ones are lost.
        set_nonblocking(&writer)?;
        let lines: String = alerts.iter().map(Alert::line).collect();
        if let Err(error) = writer.write_all(lines.as_bytes())
            && error.kind() != io::ErrorKind::WouldBlock
        {
            return Err(error);
        }
        drop(writer);
        let mut command = Command::new(own_program()?);
        command.arg0("cckw").arg("alert").args(words);
        command.stdin(input).stdout(Stdio::null()).stderr(Stdio::null());
        let signals = signals.clone();
        let prepare = move || {
            // The host's terminal is claude's.
            setsid()?;
            umask::restore();
            signals.restore()
        };
        // SAFETY: between fork and exec it makes system calls only.
        unsafe { command.pre_exec(prepare) };
        variables.apply(&mut command);
        Ok(Self { child: command.spawn()? })
    }

    /// How it has ended, once it has.
    pub fn exit(&mut self) -> Option<Exit> {
        let status = self.child.try_wait().ok().flatten()?;
        Some(match status.signal() {
            Some(number) => Exit::Signal(number),
            None => Exit::Code(status.code().unwrap_or_default()),
        })
    }

    /// Ends it at once, because it hangs.
    pub fn abandon(&mut self) {
        let _ = kill::to_group(Pid::from_raw(self.child.id() as i32), Signal::SIGKILL as i32);
        let _ = self.child.try_wait();
    }
}

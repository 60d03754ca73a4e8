//! Tries a program before it goes on in the host's process: as a child that gets a copy of the state, reads it,
//! and says so. The host's loop goes round meanwhile.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use crate::escape::escape;
use crate::os::io::set_nonblocking;
use crate::os::kill;
use crate::os::memory_file;

/// How long it may take.
pub const TRIAL_TIMEOUT: Duration = Duration::from_secs(5);

/// What it is started with, behind `cckw host`.
pub const TRIAL_ARGUMENT: &str = "--try-hand-over";

/// What it says before its version, if it has read the state.
pub const TRIAL_WORDS: &str = "cckw can go on: ";
/// What it says before the reason, if it has not.
pub const REFUSAL_WORDS: &str = "cckw cannot go on: ";

/// The most that is read of what it says, in bytes.
const MAX_WORDS: usize = 4096;

/// A trial that goes on.
pub struct Trial {
    /// Nothing once somebody else waits for it.
    child: Option<Child>,
    words: ChildStdout,
    said: Vec<u8>,
    has_closed: bool,
    until: Instant,
    is_reaped: bool,
}

impl Trial {
    /// Begins one of this program, with a copy of this state.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn begin(program: &Path, state: &[u8]) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.arg0("cckw").args(["host", TRIAL_ARGUMENT]);
        command.stdin(memory_file::with(state)?).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.process_group(0).spawn()?;
        let words = child.stdout.take().ok_or_else(|| io::Error::other("it has no output"))?;
        set_nonblocking(&words)?;
        let until = Instant::now() + TRIAL_TIMEOUT;
        Ok(Self { child: Some(child), words, said: Vec::new(), has_closed: false, until, is_reaped: false })
    }

    /// When it has taken too long.
    pub fn deadline(&self) -> Instant {
        self.until
    }

    /// Its output, while there may be more.
    pub fn output(&self) -> Option<BorrowedFd<'_>> {
        (!self.has_closed).then(|| self.words.as_fd())
    }

    /// What has come of it: the version of a program that can go on, or why it cannot. Nothing while that is
    /// not known.
    pub fn look(&mut self) -> Option<Result<String, String>> {
        self.read();
        match self.child.as_mut()?.try_wait() {
            Ok(Some(status)) => {
                self.is_reaped = true;
                self.read();
                Some(verdict(&String::from_utf8_lossy(&self.said), status))
            }
            Ok(None) if Instant::now() < self.until => None,
            Ok(None) => {
                Some(Err(format!("it did not end within {} s when it was tried", TRIAL_TIMEOUT.as_secs())))
            }
            Err(error) => Some(Err(error.to_string())),
        }
    }

    /// Ends what still runs, with all of its process group. Gives a child that has yet to be waited for.
    pub fn end(mut self) -> Option<Child> {
        self.end_what_runs()
    }

    fn end_what_runs(&mut self) -> Option<Child> {
        let child = self.child.take().filter(|_| !self.is_reaped)?;
        let _ = kill::to_group(Pid::from_raw(child.id() as i32), Signal::SIGKILL as i32);
        Some(child)
    }

    fn read(&mut self) {
        let mut bytes = [0; 512];
        while !self.has_closed {
            match self.words.read(&mut bytes) {
                Ok(0) => self.has_closed = true,
                Ok(count) if self.said.len() < MAX_WORDS => self.said.extend_from_slice(&bytes[..count]),
                // It says too much to be one of ours.
                Ok(_) => self.has_closed = true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }
}

/// A host that ends takes its trial along.
impl Drop for Trial {
    fn drop(&mut self) {
        drop(self.end_what_runs());
    }
}

/// What the words and the end of a trial mean.
fn verdict(said: &str, status: ExitStatus) -> Result<String, String> {
    let behind = |words: &str| said.lines().find_map(|line| line.strip_prefix(words)).map(str::trim);
    if status.success()
        && let Some(version) = behind(TRIAL_WORDS)
    {
        return Ok(version.to_owned());
    }
    if let Some(reason) = behind(REFUSAL_WORDS) {
        return Err(escape(reason).to_string());
    }
    Err(match (status.signal(), status.code()) {
        (Some(number), _) => format!("when it was tried, it was ended by signal {number}"),
        (None, code) => format!(
            "when it was tried, it ended with status {} and did not say that it can go on: it is no cckw, or one of a \
             version that cannot",
            code.unwrap_or_default()
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(code: i32) -> ExitStatus {
        ExitStatus::from_raw(code << 8)
    }

    #[test]
    fn only_a_program_that_says_so_and_ends_well_can_go_on() {
        assert_eq!(verdict("cckw can go on: 1.2.3\n", status(0)), Ok("1.2.3".into()));
        for (said, status) in [
            ("cckw can go on: 1.2.3\n", status(1)),
            ("cckw can go on: 1.2.3\n", ExitStatus::from_raw(11)),
            ("", status(0)),
            ("hello\n", status(0)),
            ("cckw cannot go on: no\n", status(0)),
        ] {
            assert!(verdict(said, status).is_err(), "{said:?} {status}");
        }
        assert_eq!(verdict("x\ncckw cannot go on: a\x1b[2J\n", status(1)), Err("a\\u{1b}[2J".into()));
        assert!(verdict("", ExitStatus::from_raw(9)).is_err_and(|why| why.contains("signal 9")));
    }
}

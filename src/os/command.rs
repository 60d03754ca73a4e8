//! Asking another program, which may not answer.

use std::io::{self, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::unistd::{Pid, setsid};

use super::kill;
use super::poll::{Interest, Poll};

/// The most that is read of an answer, in bytes.
const MAX_OUTPUT_BYTES: usize = 16 << 20;

/// The pause between two looks whether a program has ended that says nothing more.
const END_POLL_INTERVAL: Duration = Duration::from_millis(5);

/// A program that was started and has not answered yet.
pub struct PendingCommand {
    child: Child,
    until: Instant,
    leads_group: bool,
}

impl PendingCommand {
    /// Starts a program that gets nothing to read, and so much time for its answer.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(command: &mut Command, patience: Duration) -> io::Result<Self> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        Ok(Self { child, until: Instant::now() + patience, leads_group: false })
    }

    /// The same for a program that is not trusted: it leads a process group, and where its time is over, all
    /// of that group is killed.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_untrusted(command: &mut Command, patience: Duration) -> io::Result<Self> {
        Ok(Self { leads_group: true, ..Self::start(command.process_group(0), patience)? })
    }

    /// Waits for what it says, and for its end.
    ///
    /// # Errors
    /// When its time is over (then it is killed), or it says too much.
    pub fn finish(mut self) -> io::Result<Output> {
        let said = self
            .listen()
            .and_then(|said| if self.leads_group { self.wait().map(|()| said) } else { Ok(said) });
        if said.is_err() {
            if self.leads_group {
                // Not waited for yet, so the number is still its own.
                let _ = kill::to_group(Pid::from_raw(self.child.id().cast_signed()), libc::SIGKILL);
            }
            let _ = self.child.kill();
        }
        // What has closed its output is about to end.
        let status = self.child.wait()?;
        let (stdout, stderr) = said?;
        Ok(Output { status, stdout, stderr })
    }

    /// Waits for the end of a program that may have closed its output and go on.
    fn wait(&mut self) -> io::Result<()> {
        while self.child.try_wait()?.is_none() {
            if Instant::now() >= self.until {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "no end in time"));
            }
            sleep(END_POLL_INTERVAL);
        }
        Ok(())
    }

    fn listen(&mut self) -> io::Result<(Vec<u8>, Vec<u8>)> {
        let (mut stdout, mut stderr) = (self.child.stdout.take(), self.child.stderr.take());
        let (mut out, mut err) = (Vec::new(), Vec::new());
        while stdout.is_some() || stderr.is_some() {
            let left = self.until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "no answer in time"));
            }
            let mut poll = Poll::default();
            let places = (
                stdout.as_ref().map(|stdout| poll.add(stdout, Interest::Reading)),
                stderr.as_ref().map(|stderr| poll.add(stderr, Interest::Reading)),
            );
            poll.wait(Some(left))?;
            if places.0.is_some_and(|place| poll.is_ready(place)) {
                take(&mut stdout, &mut out)?;
            }
            if places.1.is_some_and(|place| poll.is_ready(place)) {
                take(&mut stderr, &mut err)?;
            }
        }
        Ok((out, err))
    }
}

/// One read; at the end the descriptor is closed.
fn take(from: &mut Option<impl Read>, into: &mut Vec<u8>) -> io::Result<()> {
    let mut buffer = [0; 16 << 10];
    match from.as_mut().map_or(Ok(0), |from| from.read(&mut buffer)) {
        Ok(0) => *from = None,
        Ok(count) if into.len() + count <= MAX_OUTPUT_BYTES => into.extend_from_slice(&buffer[..count]),
        Ok(_) => return Err(io::Error::other("the answer is too long")),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

/// Has a program run in a session of its own: it has no terminal, so it can ask nothing there, and no key stops or ends it.
pub fn in_own_session(command: &mut Command) -> &mut Command {
    // SAFETY: setsid(2) is async-signal-safe.
    unsafe { command.pre_exec(|| setsid().map(drop).map_err(io::Error::from)) }
}

/// What a program says on stdout.
///
/// # Errors
/// When it cannot be started, does not answer in time, or fails: then with what it said on stderr.
pub fn ask(command: &mut Command, patience: Duration) -> io::Result<Vec<u8>> {
    answer(PendingCommand::start(command, patience)?.finish()?)
}

/// What a program that has ended said on stdout.
///
/// # Errors
/// When it failed, with what it said on stderr.
pub fn answer(output: Output) -> io::Result<Vec<u8>> {
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(io::Error::other(match (said.is_empty(), output.status.code(), output.status.signal()) {
        (false, ..) => said,
        (true, Some(code), _) => format!("it ended with {code}"),
        (true, None, signal) => format!("it was ended by signal {}", signal.unwrap_or_default()),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(text: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", text]);
        command
    }

    const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

    #[test]
    fn what_it_says_comes_back_and_what_it_complains_of_is_the_error() {
        assert_eq!(ask(&mut shell("echo yes; echo no >&2"), ANSWER_TIMEOUT).expect("answers"), b"yes\n");
        let error = |text: &str| ask(&mut shell(text), ANSWER_TIMEOUT).expect_err("fails").to_string();
        assert_eq!(error("echo no >&2; exit 3"), "no");
        assert_eq!(error("exit 3"), "it ended with 3");
        assert_eq!(error("kill -9 $$"), "it was ended by signal 9");
    }

    #[test]
    fn one_that_does_not_answer_is_not_waited_for() {
        let error = ask(&mut shell("exec sleep 600"), Duration::from_millis(20)).expect_err("fails");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn one_that_is_not_trusted_is_ended_with_all_that_it_has_started() {
        let started = Instant::now();
        for text in ["sleep 600 & exec sleep 600", "exec >&- 2>&-; exec sleep 600"] {
            let pending = PendingCommand::start_untrusted(&mut shell(text), Duration::from_millis(50));
            let error = pending.expect("starts").finish().expect_err("fails");
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        }
        assert!(started.elapsed() < Duration::from_secs(60));
        let pending = PendingCommand::start_untrusted(&mut shell("echo yes"), ANSWER_TIMEOUT);
        assert_eq!(pending.and_then(PendingCommand::finish).expect("answers").stdout, b"yes\n");
    }

    #[test]
    fn a_long_answer_is_read_while_it_comes() {
        let said = ask(&mut shell("head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2"), ANSWER_TIMEOUT);
        assert_eq!(said.expect("answers").len(), 300_000);
    }
}

//! What version a program says it is, within a deadline.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::Pid;

use crate::os::kill;

/// More than a version, in bytes: what a program prints beyond it is not read.
const MAX_OUTPUT: usize = 4096;

/// The first line that `program --version` prints. An error reads on after "--version": "did not end within
/// 15s".
pub fn of(program: &Path, within: Duration) -> Result<String, String> {
    first_line(Command::new(program).arg("--version"), within)
}

fn first_line(command: &mut Command, within: Duration) -> Result<String, String> {
    let deadline = Instant::now() + within;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        // A group of its own, so that what it starts (npm's launcher starts the real program) can be ended
        // with it.
        .process_group(0)
        .spawn()
        .map_err(|error| format!("cannot be started: {error}"))?;
    let outcome = ask(&mut child, deadline);
    // Of one that was waited for the number may be another group's.
    if outcome.is_err() && matches!(child.try_wait(), Ok(None)) {
        let _ = kill::to_group(Pid::from_raw(child.id().cast_signed()), libc::SIGKILL);
        let _ = child.wait();
    }
    outcome.map_err(|error| match error.kind() {
        io::ErrorKind::TimedOut => format!("did not end within {within:?}"),
        _ => format!("failed: {error}"),
    })
}

fn ask(child: &mut Child, deadline: Instant) -> io::Result<String> {
    let mut stdout = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let printed = read_until(&mut stdout, deadline)?;
    // Whoever has closed its output ends at once; the pauses are for the kernel to get there.
    let status = loop {
        match child.try_wait()? {
            Some(status) => break status,
            None if Instant::now() >= deadline => return Err(io::ErrorKind::TimedOut.into()),
            None => thread::sleep(Duration::from_millis(2)),
        }
    };
    if !status.success() {
        return Err(io::Error::other(status.to_string()));
    }
    match printed.lines().map(str::trim).find(|line| !line.is_empty()) {
        Some(line) => Ok(line.to_owned()),
        None => Err(io::Error::other("it printed nothing")),
    }
}

/// Reads up to the end, or up to [`MAX_OUTPUT`].
fn read_until(stdout: &mut ChildStdout, deadline: Instant) -> io::Result<String> {
    let mut printed = Vec::new();
    let mut buffer = [0; MAX_OUTPUT];
    while printed.len() < MAX_OUTPUT {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        let mut fds = [PollFd::new(stdout.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, left) {
            Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
            Err(nix::errno::Errno::EINTR) => continue,
            other => other?,
        };
        match stdout.read(&mut buffer)? {
            0 => break,
            n => printed.extend_from_slice(&buffer[..n]),
        }
    }
    Ok(String::from_utf8_lossy(&printed).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version_of(script: &str, within: Duration) -> Result<String, String> {
        first_line(Command::new("sh").args(["-c", script]), within)
    }

    #[test]
    fn the_first_line_is_the_version() {
        let minute = Duration::from_secs(60);
        assert_eq!(version_of("echo; echo 1.2 x; echo more", minute), Ok("1.2 x".into()));
        assert_eq!(version_of("exit 3", minute), Err("failed: exit status: 3".into()));
        assert_eq!(version_of(":", minute), Err("failed: it printed nothing".into()));
    }

    #[test]
    fn a_program_that_hangs_is_ended() {
        let start = Instant::now();
        let outcome = version_of("sleep 600 & wait", Duration::from_millis(200));
        assert_eq!(outcome, Err("did not end within 200ms".into()));
        assert!(start.elapsed() < Duration::from_secs(60));
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        let outcome = of(Path::new("/nowhere/claude"), Duration::from_secs(60));
        assert!(outcome.is_err_and(|reason| reason.starts_with("cannot be started")));
    }
}

//! `cckw alert PROGRAM [ARGUMENT…]`: runs the user's command for alerts. The host starts it, one at a time.
//!
//! It is a process of its own so that a command which is slow, hangs or cannot be found holds up no session, and
//! so that the command has its bound also where the host ends or is killed meanwhile. It has no terminal: the
//! command cannot write into claude's screen.

use std::ffi::OsString;
use std::io::{self, PipeReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::alert::Alert;
use crate::os::io::set_nonblocking;
use crate::os::kill;
use crate::os::poll::{Interest, Poll};
use crate::os::signal_pipe::SignalPipe;

/// How long the command may run before it is ended.
pub const RUN_TIMEOUT: Duration = Duration::from_secs(10);
/// How long it may take to end after SIGTERM, before it is sent SIGKILL.
pub const END_TIMEOUT: Duration = Duration::from_secs(2);
/// The most that is read of alerts, in bytes. The host gives a few at most, of less than a page each.
const MAX_INPUT_BYTES: u64 = 1 << 20;

/// The exit statuses of timeout(1) and of a shell.
const TIMED_OUT: u8 = 124;
const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

/// Runs the command once for each line of stdin. The exit status is that of the last run; 124 if it took too
/// long, 126 or 127 if it could not be started.
pub fn main(words: &[OsString]) -> ExitCode {
    let mut input = String::new();
    let read = io::stdin().take(MAX_INPUT_BYTES).read_to_string(&mut input);
    let (Some((program, args)), Ok(_), Ok(mut signals)) =
        (words.split_first(), read, SignalPipe::install(&[libc::SIGCHLD]))
    else {
        return ExitCode::from(2);
    };
    let mut status = 0;
    for alert in input.lines().filter_map(Alert::of_line) {
        let mut command = Command::new(program);
        command.args(args).envs(alert.variables());
        status = run(&mut command, &alert.line(), &mut signals);
    }
    ExitCode::from(status)
}

/// Runs the command with this input, until it ends or its time is over. The status that a shell would show.
fn run(command: &mut Command, input: &str, signals: &mut SignalPipe) -> u8 {
    let Ok(stdin) = filled_pipe(input) else { return NOT_EXECUTABLE };
    command.stdin(stdin).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    let child = match command.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return NOT_FOUND,
        Err(_) => return NOT_EXECUTABLE,
    };
    // Its own copy of the pipe is closed, so that the command sees the end of its input.
    command.stdin(Stdio::null());
    match wait(child, signals) {
        None => TIMED_OUT,
        Some(status) => status.code().map_or_else(|| 128_u8.wrapping_add(signal(status)), |code| code as u8),
    }
}

fn signal(status: ExitStatus) -> u8 {
    status.signal().and_then(|number| u8::try_from(number).ok()).unwrap_or_default()
}

/// Something to read that ends behind this text. The text fits into a pipe, so nobody waits for a reader.
fn filled_pipe(text: &str) -> io::Result<PipeReader> {
    let (reader, mut writer) = io::pipe()?;
    set_nonblocking(&writer)?;
    writer.write_all(text.as_bytes())?;
    Ok(reader)
}

/// Waits for the end of the command; nothing if it had to be ended.
fn wait(mut child: Child, signals: &mut SignalPipe) -> Option<ExitStatus> {
    let until = Instant::now() + RUN_TIMEOUT;
    loop {
        match child.try_wait() {
            Ok(None) if Instant::now() < until => sleep_until(until, signals),
            Ok(None) => {
                end(&mut child, signals);
                return None;
            }
            Ok(Some(status)) => return Some(status),
            Err(_) => return None,
        }
    }
}

/// Ends the command and all of its process group. It is not waited for before the last signal: until then its
/// group has no other's number.
fn end(child: &mut Child, signals: &mut SignalPipe) {
    let group = Pid::from_raw(child.id() as i32);
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        let _ = kill::to_group(group, signal as i32);
        sleep_until(Instant::now() + END_TIMEOUT, signals);
    }
    let _ = child.try_wait();
}

/// Sleeps until a child has changed, at most until this time.
fn sleep_until(until: Instant, signals: &mut SignalPipe) {
    let mut poll = Poll::default();
    poll.add(&*signals, Interest::Reading);
    let left = until.saturating_duration_since(Instant::now());
    if poll.wait(Some(left)).is_err() {
        // Out of memory for a moment.
        std::thread::sleep(left.min(Duration::from_millis(100)));
    }
    let _ = signals.pending().count();
}

//! A terminal of our own with a program in it: keys go in, and what the screen shows is looked at.

use std::fs::File;
use std::io::{self, Read, Write};
use std::num::NonZero;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::openpty;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::{Pid, setsid};

use crate::platform::tty::{self, Size};

/// How often a process is asked whether it has ended: its end writes nothing to the terminal.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// What was waited for did not happen in time, or the program ended first.
#[derive(Debug)]
pub struct Missed {
    /// What was waited for.
    pub what: String,
    /// The screen at that moment.
    pub screen: String,
    /// Whether the program had ended.
    pub ended: bool,
}

impl std::fmt::Display for Missed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let why = if self.ended { "the program ended before" } else { "waited in vain for" };
        write!(f, "{why} {}", self.what)
    }
}

impl std::error::Error for Missed {}

/// The terminal, the program, and the screen that it drew.
pub struct Stage {
    master: File,
    child: Child,
    screen: vt100::Parser,
    /// The terminal has nothing more to say.
    closed: bool,
}

impl Stage {
    /// Starts the program as the leader of a session of its own, with a terminal of this size.
    pub fn start(mut command: Command, rows: NonZero<u16>, columns: NonZero<u16>) -> io::Result<Self> {
        let size = Size { rows: rows.get(), columns: columns.get(), width: 0, height: 0 };
        let pty = openpty(Some(&size.into()), None)?;
        let (master, slave) = (close_on_exec(pty.master)?, close_on_exec(pty.slave)?);
        command.stdin(Stdio::from(slave.try_clone()?)).stdout(Stdio::from(slave.try_clone()?)).stderr(slave);
        // SAFETY: setsid and one ioctl, both async-signal-safe; nothing is allocated.
        unsafe {
            command.pre_exec(|| {
                setsid()?;
                tty::make_controlling(io::stdin())
            });
        }
        let child = command.spawn()?;
        // With the command its copies of the slave are closed, so that the end of the program can be seen.
        drop(command);
        let screen = vt100::Parser::new(rows, columns, 1000);
        Ok(Self { master: master.into(), child, screen, closed: false })
    }

    /// Types.
    pub fn send(&mut self, keys: &str) -> io::Result<()> {
        self.master.write_all(keys.as_bytes())
    }

    /// Gives the terminal another size.
    pub fn resize(&mut self, rows: NonZero<u16>, columns: NonZero<u16>) -> io::Result<()> {
        self.screen.screen_mut().set_size(rows, columns);
        let size = Size { rows: rows.get(), columns: columns.get(), width: 0, height: 0 };
        tty::set_size(&self.master, size)
    }

    /// What the screen shows, without the spaces at the ends of lines and the empty lines at its end. Spaces that
    /// do not break are shown as others.
    pub fn text(&self) -> String {
        let columns = self.screen.screen().size().1.get();
        let lines: Vec<_> = self.screen.screen().rows(0, columns).collect();
        let lines: Vec<_> = lines.iter().map(|line| line.trim_end()).collect();
        lines.join("\n").trim_end().replace('\u{a0}', " ")
    }

    /// Waits until the screen is as wanted. `what` says in words what that is.
    pub fn wait_for(
        &mut self,
        what: &str,
        within: Duration,
        wanted: impl Fn(&vt100::Screen, &str) -> bool,
    ) -> Result<(), Missed> {
        let deadline = Instant::now() + within;
        loop {
            if wanted(self.screen.screen(), &self.text()) {
                return Ok(());
            }
            if self.closed || Instant::now() >= deadline {
                return Err(self.missed(what));
            }
            self.watch(deadline);
        }
    }

    /// Waits until the screen shows this text.
    pub fn wait_for_text(&mut self, text: &str, within: Duration) -> Result<(), Missed> {
        self.wait_for(&format!("`{text}` on the screen"), within, |_, screen| screen.contains(text))
    }

    /// Waits for the program to end, and looks at what it still has to say.
    pub fn wait_for_end(&mut self, within: Duration) -> Result<ExitStatus, Missed> {
        let deadline = Instant::now() + within;
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                // What it wrote last is in the terminal's buffer already.
                while !self.closed && self.watch(Instant::now()) {}
                return Ok(status);
            }
            if Instant::now() >= deadline {
                return Err(self.missed("the program to end"));
            }
            self.watch(deadline.min(Instant::now() + LOOK_AGAIN));
        }
    }

    /// The program, which is also the leader of its session.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    fn missed(&self, what: &str) -> Missed {
        let ended = self.closed || has_ended(self.pid());
        Missed { what: what.to_owned(), screen: self.text(), ended }
    }

    /// Takes in what the program writes, at the latest until the deadline. Whether there was anything.
    fn watch(&mut self, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        // Rounded up, so that the last millisecond is not spent in a tight loop.
        let left = PollTimeout::try_from(left + Duration::from_micros(999)).unwrap_or(PollTimeout::MAX);
        let mut fds = [PollFd::new(self.master.as_fd(), PollFlags::POLLIN)];
        if !matches!(poll(&mut fds, left), Ok(n) if n > 0) {
            return false;
        }
        let mut buffer = [0; 16 * 1024];
        match self.master.read(&mut buffer) {
            Ok(n) if n > 0 => {
                self.screen.process(&buffer[..n]);
                true
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => true,
            // Linux says EIO when the last program has closed the terminal.
            _ => {
                self.closed = true;
                false
            }
        }
    }
}

impl Drop for Stage {
    /// Ends a program that was not waited for: as a closed window does, and if that is not enough, for good.
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        let _ = kill(self.pid(), Signal::SIGHUP);
        let _ = kill(self.pid(), Signal::SIGCONT);
        if self.wait_for_end(Duration::from_secs(5)).is_err() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn close_on_exec(fd: OwnedFd) -> io::Result<OwnedFd> {
    fcntl(&fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    Ok(fd)
}

/// Whether a child has ended, leaving its status to be waited for.
fn has_ended(pid: Pid) -> bool {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    match waitid(Id::Pid(pid), flags) {
        Ok(WaitStatus::StillAlive) => false,
        Ok(_) | Err(Errno::ECHILD) => true,
        Err(_) => false,
    }
}

/// In the words of a report: "status 1", "signal 9".
pub fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("status {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn of(cells: u16) -> NonZero<u16> {
        NonZero::new(cells).unwrap()
    }

    fn shell(script: &str) -> Stage {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Stage::start(command, of(5), of(20)).unwrap()
    }

    #[test]
    fn the_screen_and_the_end_are_seen() {
        let mut stage = shell("stty -echo; echo ready; read line; echo \"got $line\"; stty size; exit 7");
        stage.wait_for_text("ready", LONG).unwrap();
        stage.resize(of(6), of(30)).unwrap();
        stage.send("hello\n").unwrap();
        assert_eq!(stage.wait_for_end(LONG).unwrap().code(), Some(7));
        assert_eq!(stage.text(), "ready\ngot hello\n6 30");
    }

    #[test]
    fn what_does_not_come_is_missed() {
        let mut stage = shell("echo here; read line");
        stage.wait_for_text("here", LONG).unwrap();
        let missed = stage.wait_for_text("elsewhere", Duration::from_millis(10)).unwrap_err();
        assert_eq!((missed.screen.as_str(), missed.ended), ("here", false));
        let missed = shell("echo gone").wait_for_text("elsewhere", LONG).unwrap_err();
        assert!(missed.ended && missed.screen == "gone", "{missed:?}");
    }

    #[test]
    fn a_program_does_not_outlive_its_stage() {
        let mut stage = shell("echo ready; while :; do read line; done");
        stage.wait_for_text("ready", LONG).unwrap();
        let pid = stage.pid();
        drop(stage);
        assert_eq!(kill(pid, None), Err(Errno::ESRCH));
    }
}

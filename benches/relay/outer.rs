//! The driver's side: it owns the terminal, as a terminal emulator does, and drains it at once.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

use crate::feed::Feed;
use crate::tools::Tool;
use crate::{bare, inner, processes};

/// Longest wait for anything. What takes longer is stuck, and is told so.
const DEADLINE: Duration = Duration::from_secs(60);

/// A tool with an inner program in it, on a terminal of its own.
pub struct Run {
    master: OwnedFd,
    mark: String,
    /// Process id of the inner program.
    inner: i32,
    /// What came in the same read as the announcement, and belongs to the first transfer.
    early: Vec<u8>,
    /// From the start of the tool to the first byte of the inner program.
    pub start: Duration,
    // The directory lives as long as the tool may use it.
    _scratch: tempfile::TempDir,
}

impl Run {
    /// Starts the tool and waits for the inner program.
    pub fn start(tool: Tool, program: &str) -> Result<Self, String> {
        let scratch = crate::tools::scratch().map_err(|error| error.to_string())?;
        let mark = scratch.path().display().to_string();
        let (master, slave) = terminal().map_err(|error| format!("terminal: {error}"))?;
        let number = slave.as_raw_fd();
        let mut command = tool.command(scratch.path()).map_err(|error| error.to_string())?;
        command.env(inner::VARIABLE, program).env(processes::MARK, &mark);
        let spare = |slave: &OwnedFd| slave.try_clone().map_err(|error| error.to_string());
        command.stdin(spare(&slave)?).stdout(spare(&slave)?).stderr(slave);
        // SAFETY: the closure makes system calls only, and allocates nothing.
        unsafe { command.pre_exec(move || bare::own_session(number)) };
        let before = Instant::now();
        command.spawn().map_err(|error| format!("{}: {error}", tool.name()))?;
        drop(command);
        let mut run =
            Self { master, mark, inner: 0, early: Vec::new(), start: Duration::ZERO, _scratch: scratch };
        match run.await_ready(before) {
            Ok(()) => Ok(run),
            Err(error) => {
                run.kill();
                Err(error)
            }
        }
    }

    fn await_ready(&mut self, before: Instant) -> Result<(), String> {
        let mut seen = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            self.poll(PollFlags::POLLIN, before + DEADLINE)
                .map_err(|error| format!("{error}: {}", shown(&seen)))?;
            match nix::unistd::read(&self.master, &mut buffer) {
                Ok(0) | Err(Errno::EIO) => return Err(format!("ended at the start: {}", shown(&seen))),
                Ok(count) => seen.extend_from_slice(&buffer[..count]),
                Err(Errno::EAGAIN | Errno::EINTR) => continue,
                Err(error) => return Err(format!("read: {error}")),
            }
            let text = String::from_utf8_lossy(&seen);
            if let Some((_, after)) = text.split_once(inner::READY) {
                if self.start.is_zero() {
                    self.start = before.elapsed();
                }
                if let Some((pid, early)) = after.split_once("\r\n") {
                    self.inner = pid.parse().map_err(|_| format!("no process id: {text}"))?;
                    self.early = early.as_bytes().to_vec();
                    return Ok(());
                }
            }
        }
    }

    fn poll(&self, events: PollFlags, end: Instant) -> Result<PollFlags, String> {
        let left = end.saturating_duration_since(Instant::now());
        let mut fds = [PollFd::new(std::os::fd::AsFd::as_fd(&self.master), events)];
        match nix::poll::poll(&mut fds, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)) {
            Ok(0) => Err(format!("stuck for {} s", DEADLINE.as_secs())),
            Ok(_) | Err(Errno::EINTR) => Ok(fds[0].revents().unwrap_or(PollFlags::empty())),
            Err(error) => Err(format!("poll: {error}")),
        }
    }

    /// Sends and receives until all was sent and all that was expected has come, byte for byte. Returns how long it
    /// took. After an error nobody knows what the inner program is waiting for: the run is to be aborted.
    pub fn transfer(&mut self, mut send: Feed, mut expect: Feed) -> Result<Duration, String> {
        let before = Instant::now();
        let mut buffer = vec![0; 64 * 1024];
        expect.compare(&std::mem::take(&mut self.early))?;
        while !(send.is_done() && expect.is_done()) {
            let mut wanted = PollFlags::POLLIN;
            wanted.set(PollFlags::POLLOUT, !send.is_done());
            let events = self.poll(wanted, before + DEADLINE)?;
            if events.contains(PollFlags::POLLOUT) {
                let rest = send.rest();
                match nix::unistd::write(&self.master, &rest[..rest.len().min(64 * 1024)]) {
                    Ok(count) => send.advance(count),
                    Err(Errno::EAGAIN | Errno::EINTR) => {}
                    Err(error) => return Err(format!("write: {error}")),
                }
            }
            if events.intersects(!PollFlags::POLLOUT) {
                match nix::unistd::read(&self.master, &mut buffer) {
                    Ok(0) | Err(Errno::EIO) => return Err("ended too early".into()),
                    Ok(count) => expect.compare(&buffer[..count])?,
                    Err(Errno::EAGAIN | Errno::EINTR) => {}
                    Err(error) => return Err(format!("read: {error}")),
                }
            }
        }
        Ok(before.elapsed())
    }

    /// Presses a key and waits until it is back.
    pub fn key(&mut self, key: u8) -> Result<Duration, String> {
        self.transfer(Feed::once(&[key]), Feed::once(&[key]))
    }

    /// The processes of the tool, without the inner program.
    pub fn wrapper(&self) -> Vec<i32> {
        processes::marked(&self.mark).into_iter().filter(|pid| *pid != self.inner).collect()
    }

    /// Ends the inner program and waits until the last process of the run is gone.
    pub fn end(self) -> Result<(), String> {
        let end = Instant::now() + DEADLINE;
        let mut buffer = vec![0; 64 * 1024];
        let mut quit = Feed::once(b"q");
        loop {
            let wanted =
                if quit.is_done() { PollFlags::POLLIN } else { PollFlags::POLLIN | PollFlags::POLLOUT };
            let events = self.poll(wanted, end).inspect_err(|_| self.kill())?;
            if events.contains(PollFlags::POLLOUT) && !quit.is_done() {
                quit.advance(nix::unistd::write(&self.master, quit.rest()).unwrap_or(0));
            }
            if events.intersects(!PollFlags::POLLOUT)
                && matches!(nix::unistd::read(&self.master, &mut buffer), Ok(0) | Err(Errno::EIO))
            {
                break;
            }
        }
        while !self.is_gone() {
            if Instant::now() > end {
                self.kill();
                return Err("left a process behind".into());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    fn is_gone(&self) -> bool {
        // Whatever has ended is collected, orphans included: otherwise they would stay in the process table.
        while waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG))
            .is_ok_and(|status| status != nix::sys::wait::WaitStatus::StillAlive)
        {}
        processes::marked(&self.mark).is_empty()
    }

    /// Ends all processes of the run by force.
    pub fn abort(self) {
        self.kill();
    }

    fn kill(&self) {
        for pid in processes::marked(&self.mark) {
            let _ = nix::sys::signal::kill(Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL);
        }
        self.is_gone();
    }
}

fn shown(bytes: &[u8]) -> String {
    format!("{:.300}", bytes.escape_ascii().to_string())
}

/// A terminal of 120 columns and 40 rows, whose master never blocks and is inherited by nobody.
fn terminal() -> io::Result<(OwnedFd, OwnedFd)> {
    let size = libc::winsize { ws_row: 40, ws_col: 120, ws_xpixel: 1200, ws_ypixel: 800 };
    let pty = nix::pty::openpty(Some(&size), None)?;
    for fd in [&pty.master, &pty.slave] {
        nix::fcntl::fcntl(fd, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC))?;
    }
    bare::set_nonblocking(pty.master.as_raw_fd())?;
    Ok((pty.master, pty.slave))
}

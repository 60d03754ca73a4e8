//! The driver's side: it owns the terminal, as a terminal emulator does, and drains it at once.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::rc::Rc;
use std::time::{Duration, Instant};

use memchr::memmem;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::feed::Feed;
use crate::plain::Plain;
use crate::tools::{self, Tool};
use crate::{bare, inner, processes};

/// Longest wait for anything. What takes longer is stuck, and is told so.
const DEADLINE: Duration = Duration::from_secs(60);

/// What is to come.
pub enum Expect {
    /// These bytes, and no others.
    Bytes(Feed),
    /// Anything, until this has come. For programs that draw anew, and pass on no bytes that could be
    /// compared.
    Mark(&'static [u8]),
}

/// A tool with an inner program in it, on a terminal of its own.
pub struct Run {
    tool: Tool,
    master: OwnedFd,
    /// The process that was started, on this terminal.
    client: i32,
    /// Process id of the inner program.
    inner: i32,
    /// What came in the same read as the announcement, and belongs to the first transfer.
    early: Vec<u8>,
    /// What the tool draws, without its escape sequences.
    plain: Plain,
    /// From the start of the tool to the first byte of the inner program.
    pub start: Duration,
    // The directory lives as long as the tool may use it.
    scratch: Rc<TempDir>,
}

/// A session without a terminal.
pub struct Detached {
    tool: Tool,
    inner: i32,
    scratch: Rc<TempDir>,
}

impl Run {
    /// Starts the tool and waits for the inner program.
    pub fn start(tool: Tool, program: &str) -> Result<Self, String> {
        let scratch = tools::scratch().map_err(|error| error.to_string())?;
        tool.prepare(scratch.path()).map_err(|error| format!("{}: {error}", tool.name()))?;
        Self::start_in(Rc::new(scratch), tool, program)
    }

    /// The same, in a directory that other runs may share.
    pub fn start_in(scratch: Rc<TempDir>, tool: Tool, program: &str) -> Result<Self, String> {
        let mut command = tool.command(scratch.path()).map_err(|error| error.to_string())?;
        command.env(inner::VARIABLE, program);
        let before = Instant::now();
        let mut run = Self::spawn(scratch, tool, command)?;
        match run.await_ready(before) {
            Ok(()) => Ok(run),
            Err(error) => {
                kill_all(run.scratch.path());
                Err(error)
            }
        }
    }

    fn spawn(scratch: Rc<TempDir>, tool: Tool, mut command: Command) -> Result<Self, String> {
        let (master, slave) = terminal().map_err(|error| format!("terminal: {error}"))?;
        let number = slave.as_raw_fd();
        let spare = |slave: &OwnedFd| slave.try_clone().map_err(|error| error.to_string());
        command.stdin(spare(&slave)?).stdout(spare(&slave)?).stderr(slave);
        // SAFETY: the closure makes system calls only, and allocates nothing.
        unsafe { command.pre_exec(move || bare::own_session(number)) };
        let child = command.spawn().map_err(|error| format!("{}: {error}", tool.name()))?;
        let client = i32::try_from(child.id()).map_err(|error| error.to_string())?;
        let plain = Plain::default();
        let early = Vec::new();
        Ok(Self { tool, master, client, inner: 0, early, plain, start: Duration::ZERO, scratch })
    }

    fn await_ready(&mut self, before: Instant) -> Result<(), String> {
        let mut seen = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            self.poll(PollFlags::POLLIN, before + DEADLINE)
                .map_err(|error| format!("{error}: {}", shown(&seen)))?;
            let Some(count) = self.read(&mut buffer).map_err(|error| format!("{error}: {}", shown(&seen)))?
            else {
                continue;
            };
            seen.extend_from_slice(&buffer[..count]);
            let Some(at) = memmem::find(&seen, inner::READY.as_bytes()) else { continue };
            if self.start.is_zero() {
                self.start = before.elapsed();
            }
            let after = &seen[at + inner::READY.len()..];
            if let Some(end) = memmem::find(after, inner::READY_END) {
                let pid = str::from_utf8(&after[..end]).ok().and_then(|pid| pid.parse().ok());
                self.inner = pid.ok_or_else(|| format!("no process id: {}", shown(&seen)))?;
                self.early = after[end + inner::READY_END.len()..].to_vec();
                return Ok(());
            }
        }
    }

    fn poll(&self, events: PollFlags, end: Instant) -> Result<PollFlags, String> {
        self.poll_for(events, end.saturating_duration_since(Instant::now()))?
            .ok_or_else(|| format!("stuck for {} s", DEADLINE.as_secs()))
    }

    fn poll_for(&self, events: PollFlags, time: Duration) -> Result<Option<PollFlags>, String> {
        let mut fds = [PollFd::new(self.master.as_fd(), events)];
        match nix::poll::poll(&mut fds, PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX)) {
            Ok(0) => Ok(None),
            Ok(_) => Ok(fds[0].revents()),
            Err(Errno::EINTR) => Ok(Some(PollFlags::empty())),
            Err(error) => Err(format!("poll: {error}")),
        }
    }

    /// What has come; nothing if nothing has.
    fn read(&self, buffer: &mut [u8]) -> Result<Option<usize>, String> {
        match nix::unistd::read(&self.master, buffer) {
            Ok(0) | Err(Errno::EIO) => Err("ended too early".into()),
            Ok(count) => Ok(Some(count)),
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(None),
            Err(error) => Err(format!("read: {error}")),
        }
    }

    fn write(&self, bytes: &[u8]) -> Result<usize, String> {
        match nix::unistd::write(&self.master, &bytes[..bytes.len().min(64 * 1024)]) {
            Ok(count) => Ok(count),
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(0),
            Err(error) => Err(format!("write: {error}")),
        }
    }

    /// Sends and receives until all was sent and what was expected has come. Returns how long it took. After
    /// an error nobody knows what the inner program is waiting for: the run is to be aborted.
    pub fn transfer(&mut self, mut send: Feed, expect: Expect) -> Result<Duration, String> {
        let before = Instant::now();
        let mut arrival = Arrival::new(expect);
        let mut buffer = vec![0; 64 * 1024];
        arrival.take(&std::mem::take(&mut self.early))?;
        while !(send.is_done() && arrival.is_complete()) {
            let mut wanted = PollFlags::POLLIN;
            wanted.set(PollFlags::POLLOUT, !send.is_done());
            let events = self.poll(wanted, before + DEADLINE)?;
            if events.contains(PollFlags::POLLOUT) {
                let count = self.write(send.rest())?;
                send.advance(count);
            }
            if events.intersects(!PollFlags::POLLOUT)
                && let Some(count) = self.read(&mut buffer)?
            {
                arrival.take(&buffer[..count])?;
            }
        }
        Ok(before.elapsed())
    }

    /// Presses a key and waits until it is back.
    pub fn key(&mut self, key: u8) -> Result<Duration, String> {
        if !self.tool.draws_anew() {
            return self.transfer(Feed::once(&[key]), Expect::Bytes(Feed::once(&[key])));
        }
        // What is drawn after the last key, a cursor at its new place for one, belongs to that one.
        self.drain(Duration::ZERO)?;
        let before = Instant::now();
        self.write(&[key])?;
        let mut buffer = [0; 4096];
        loop {
            self.poll(PollFlags::POLLIN, before + DEADLINE)?;
            if let Some(count) = self.read(&mut buffer)? {
                let at = before.elapsed();
                let mut is_key = |byte: &u8| self.plain.takes(*byte) && *byte == key;
                // All of it is looked at: the next key is looked for where this read has ended.
                if buffer[..count].iter().filter(|byte| is_key(byte)).count() > 0 {
                    return Ok(at);
                }
            }
        }
    }

    /// Presses a key and waits until this is on the terminal, whatever else comes.
    pub fn key_in_flood(&mut self, key: u8, mark: &[u8]) -> Result<Duration, String> {
        let before = Instant::now();
        let mut arrival = Arrival::until(mark.to_vec());
        let mut buffer = vec![0; 64 * 1024];
        let mut sent = false;
        while !arrival.is_complete() {
            let wanted = if sent { PollFlags::POLLIN } else { PollFlags::POLLIN | PollFlags::POLLOUT };
            let events = self.poll(wanted, before + DEADLINE)?;
            if !sent && events.contains(PollFlags::POLLOUT) {
                sent = self.write(&[key])? > 0;
            }
            if let Some(count) = self.read(&mut buffer)? {
                arrival.take(&buffer[..count])?;
            }
        }
        Ok(before.elapsed())
    }

    /// Reads for so long, and looks at nothing.
    pub fn drain(&mut self, time: Duration) -> Result<(), String> {
        let end = Instant::now() + time;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if self.poll_for(PollFlags::POLLIN, left)?.is_none() {
                return Ok(());
            }
            if let Some(count) = self.read(&mut buffer)? {
                for byte in &buffer[..count] {
                    self.plain.takes(*byte);
                }
            }
            if left.is_zero() && !time.is_zero() {
                return Ok(());
            }
        }
    }

    /// The processes of the tool, without the inner program.
    pub fn wrapper(&self) -> Vec<i32> {
        let all = processes::marked(&self.scratch.path().display().to_string());
        all.into_iter().filter(|pid| *pid != self.inner).collect()
    }

    /// Closes the terminal, and waits until the tool has taken notice.
    pub fn hang_up(self) -> Result<Detached, String> {
        let Self { tool, master, client, inner, scratch, .. } = self;
        drop(master);
        let end = Instant::now() + DEADLINE;
        while processes::runs(client) {
            if Instant::now() > end {
                kill_all(scratch.path());
                return Err("does not end when its terminal is closed".into());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(Detached { tool, inner, scratch })
    }

    /// Ends the inner program and waits until the last process of the run is gone.
    pub fn end(self) -> Result<(), String> {
        let end = Instant::now() + DEADLINE;
        self.end_by(end).inspect_err(|_| kill_all(self.scratch.path()))
    }

    fn end_by(&self, end: Instant) -> Result<(), String> {
        let mut buffer = vec![0; 64 * 1024];
        let mut quit = Feed::once(b"q");
        loop {
            let mut wanted = PollFlags::POLLIN;
            wanted.set(PollFlags::POLLOUT, !quit.is_done());
            let events = self.poll(wanted, end)?;
            if events.contains(PollFlags::POLLOUT) && !quit.is_done() {
                quit.advance(self.write(quit.rest()).unwrap_or(0));
            }
            if events.intersects(!PollFlags::POLLOUT) && self.read(&mut buffer).is_err() {
                break;
            }
        }
        let mark = self.scratch.path().display().to_string();
        loop {
            processes::reap();
            let left = processes::marked(&mark);
            if left.is_empty() {
                return Ok(());
            }
            if self.tool == Tool::Shpool && !left.contains(&self.inner) && !left.contains(&self.client) {
                // Its server is meant to stay.
                kill_all(self.scratch.path());
            }
            if Instant::now() > end {
                return Err("left a process behind".into());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Ends all processes of the run by force.
    pub fn abort(self) {
        kill_all(self.scratch.path());
    }
}

impl Detached {
    /// Takes the session into a new terminal. Returns how long it took until that had come which the screen
    /// ends with.
    pub fn attach(self, last: &'static [u8]) -> Result<(Run, Duration), String> {
        let command = self.tool.attach_command(self.scratch.path());
        let before = Instant::now();
        let mut run = Run::spawn(Rc::clone(&self.scratch), self.tool, command)?;
        run.inner = self.inner;
        match run.transfer(Feed::once(b""), Expect::Mark(last)) {
            Ok(_) => Ok((run, before.elapsed())),
            Err(error) => {
                run.abort();
                Err(error)
            }
        }
    }
}

/// Ends all processes that were started for this directory.
pub fn kill_all(scratch: &Path) {
    for pid in processes::marked(&scratch.display().to_string()) {
        let _ = nix::sys::signal::kill(Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL);
    }
    processes::reap();
}

/// What has come of what is expected.
struct Arrival {
    feed: Option<Feed>,
    mark: Vec<u8>,
    /// The end of what has come, where the mark may have begun.
    tail: Vec<u8>,
    found: bool,
}

impl Arrival {
    fn new(expect: Expect) -> Self {
        match expect {
            Expect::Bytes(feed) => Self { feed: Some(feed), mark: vec![], tail: vec![], found: false },
            Expect::Mark(mark) => Self::until(mark.to_vec()),
        }
    }

    fn until(mark: Vec<u8>) -> Self {
        Self { feed: None, mark, tail: vec![], found: false }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), String> {
        if let Some(feed) = &mut self.feed {
            return feed.compare(bytes);
        }
        self.tail.extend_from_slice(bytes);
        if memmem::find(&self.tail, inner::BAD).is_some() {
            return Err("the input was changed on its way".into());
        }
        self.found |= memmem::find(&self.tail, &self.mark).is_some();
        let kept = self.mark.len().max(inner::BAD.len()) - 1;
        self.tail.drain(..self.tail.len().saturating_sub(kept));
        Ok(())
    }

    fn is_complete(&self) -> bool {
        self.feed.as_ref().map_or(self.found, Feed::is_done)
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

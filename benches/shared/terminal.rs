//! A terminal in which a benchmark plays somebody: it types, and takes in what comes at once.

use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{read, write};

use crate::support::Size;
use crate::support::pty::{self, Started};

/// How long a program may take to end when its terminal is closed.
const END_TIMEOUT: Duration = Duration::from_secs(5);

/// What does not come, and what was there instead.
pub type Missing = String;

/// What the terminal had until a moment.
pub enum Next {
    /// These bytes, or none after an interruption.
    Bytes(Vec<u8>),
    /// Nothing has come.
    Nothing,
    /// The terminal has ended.
    End,
}

/// A terminal with a program in it.
pub struct Terminal {
    master: OwnedFd,
    child: Child,
}

impl Terminal {
    /// Starts the program in a terminal of this size.
    pub fn start(size: Size, command: Command) -> Self {
        let Started { master, child, .. } = pty::start(size, command);
        Self { master, child }
    }

    /// The program.
    #[allow(dead_code, reason = "one of the benchmarks asks")]
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("a pid")
    }

    /// Types.
    ///
    /// # Errors
    /// When the terminal has ended.
    pub fn send(&self, mut keys: &[u8]) -> Result<(), Missing> {
        while !keys.is_empty() {
            match write(&self.master, keys) {
                Ok(count) => keys = &keys[count..],
                Err(Errno::EAGAIN) => std::thread::sleep(Duration::from_millis(1)),
                Err(error) => return Err(format!("cannot type: {error}")),
            }
        }
        Ok(())
    }

    /// Waits for what comes next, but not longer than until then.
    ///
    /// # Errors
    /// When the system cannot wait.
    pub fn next(&self, until: Instant) -> Result<Next, Missing> {
        let left = until.saturating_duration_since(Instant::now());
        let timeout = left.as_millis().min(60_000) as u32 + u32::from(!left.is_zero());
        let timeout = PollTimeout::try_from(timeout).map_err(|error| error.to_string())?;
        let mut events = [PollFd::new(self.master.as_fd(), PollFlags::POLLIN)];
        match poll(&mut events, timeout) {
            Ok(0) => return Ok(Next::Nothing),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(format!("cannot wait: {error}")),
        }
        let mut buffer = vec![0; 64 * 1024];
        let count = match read(&self.master, &mut buffer) {
            Ok(count @ 1..) => count,
            Err(Errno::EAGAIN | Errno::EINTR) => 0,
            Ok(0) | Err(_) => return Ok(Next::End),
        };
        buffer.truncate(count);
        Ok(Next::Bytes(buffer))
    }

    /// Closes the terminal, and waits for the end of the program.
    pub fn close(self) {
        let Self { master, mut child } = self;
        drop(master);
        let end = Instant::now() + END_TIMEOUT;
        while matches!(child.try_wait(), Ok(None)) {
            if Instant::now() > end {
                println!("the program does not end when its terminal is closed: it is killed");
                let _ = child.kill();
                let _ = child.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

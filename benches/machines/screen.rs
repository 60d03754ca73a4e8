//! The terminal of somebody who waits for an answer.

use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use memchr::memmem;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{read, write};

use crate::far;
use crate::support::Size;
use crate::support::pty::{self, Started};

/// A terminal with a program that leads to the far host, and what came from there.
pub struct Screen {
    master: OwnedFd,
    child: Child,
    /// The last of what came, so that a sign is found that comes in two pieces.
    last: Vec<u8>,
    /// How many bytes have come.
    pub received: usize,
}

/// What does not come.
pub type Missing = String;

impl Screen {
    /// Starts the program in a terminal of 80 by 24.
    pub fn start(command: Command) -> Self {
        let Started { master, child, .. } = pty::start(Size::cells(24, 80), command);
        Self { master, child, last: Vec::new(), received: 0 }
    }

    /// Types.
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

    /// Waits until the sign has come, and returns when that was.
    pub fn wait_for(&mut self, sign: &str, until: Instant) -> Result<Instant, Missing> {
        loop {
            if memmem::find(&self.last, sign.as_bytes()).is_some() {
                let now = Instant::now();
                self.last.clear();
                return Ok(now);
            }
            if !self.take_in(until)? {
                return Err(format!("no {sign} in time, after {:?}", self.last.escape_ascii().to_string()));
            }
        }
    }

    /// Presses a key, and waits for its sign: the time between the two.
    pub fn press(&mut self, number: usize, patience: Duration) -> Result<Duration, Missing> {
        let key = far::key(number);
        let sign = far::sign(key).expect("one of the keys").to_string();
        self.last.clear();
        let before = Instant::now();
        self.send(&[key])?;
        Ok(self.wait_for(&sign, before + patience)? - before)
    }

    /// Takes in what is there without waiting, and tells whether the sign is among it.
    pub fn has(&mut self, sign: &str) -> Result<bool, Missing> {
        while self.take_in(Instant::now())? {}
        Ok(memmem::find(&self.last, sign.as_bytes()).is_some())
    }

    /// Forgets what came.
    pub fn forget(&mut self) {
        self.last.clear();
    }

    /// Takes in the next piece; false when none has come until then.
    fn take_in(&mut self, until: Instant) -> Result<bool, Missing> {
        let left = until.saturating_duration_since(Instant::now());
        let timeout = PollTimeout::try_from(left.as_millis().min(60_000) as u32 + u32::from(!left.is_zero()))
            .map_err(|error| error.to_string())?;
        let mut events = [PollFd::new(self.master.as_fd(), PollFlags::POLLIN)];
        match poll(&mut events, timeout) {
            Ok(0) => return Ok(false),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(format!("cannot wait: {error}")),
        }
        let mut buffer = [0; 64 * 1024];
        match read(&self.master, &mut buffer) {
            Ok(count @ 1..) => {
                self.received += count;
                let kept = self.last.len().min(8);
                self.last.drain(..self.last.len() - kept);
                self.last.extend_from_slice(&buffer[..count]);
                Ok(true)
            }
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(true),
            Ok(0) | Err(_) => {
                Err(format!("the terminal has ended, after {:?}", self.last.escape_ascii().to_string()))
            }
        }
    }

    /// Closes the terminal, and waits for the end of the program.
    pub fn close(self) {
        let Self { master, mut child, .. } = self;
        drop(master);
        let end = Instant::now() + Duration::from_secs(5);
        while matches!(child.try_wait(), Ok(None)) {
            if Instant::now() > end {
                let _ = child.kill();
                let _ = child.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

//! The terminal of somebody who waits for an answer.

use std::process::Command;
use std::time::{Duration, Instant};

use memchr::memmem;

use crate::far;
use crate::support::Size;
pub use crate::terminal::Missing;
use crate::terminal::{Next, Terminal};

/// A terminal with a program that leads to the far host, and what came from there.
pub struct Screen {
    terminal: Terminal,
    /// The last of what came, so that a sign is found that comes in two pieces.
    last: Vec<u8>,
    /// How many bytes have come.
    pub received: usize,
}

impl Screen {
    /// Starts the program in a terminal of 80 by 24.
    pub fn start(command: Command) -> Self {
        let terminal = Terminal::start(Size::cells(24, 80), command);
        Self { terminal, last: Vec::new(), received: 0 }
    }

    /// Types.
    pub fn send(&self, keys: &[u8]) -> Result<(), Missing> {
        self.terminal.send(keys)
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
        match self.terminal.next(until)? {
            Next::Bytes(bytes) => {
                self.received += bytes.len();
                let kept = self.last.len().min(8);
                self.last.drain(..self.last.len() - kept);
                self.last.extend_from_slice(&bytes);
                Ok(true)
            }
            Next::Nothing => Ok(false),
            Next::End => {
                Err(format!("the terminal has ended, after {:?}", self.last.escape_ascii().to_string()))
            }
        }
    }

    /// Closes the terminal, and waits for the end of the program.
    pub fn close(self) {
        self.terminal.close();
    }
}

//! The way of claude's output: from the PTY to the terminal first, then to the mode tracker, then to the screen model.

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, timeout_at};

use super::modes::ModeTracker;
use super::screen::Screen;
use crate::platform::io::{self, Outcome, Room};

/// Most bytes moved before everything else gets its turn.
const TURN: usize = 64 * 1024;

/// What a turn came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// So many bytes were read, and for now there are no more.
    Rested(usize),
    /// There is more to read.
    More,
    /// The terminal takes no more for now.
    Blocked,
    /// Nobody has the PTY open any more, and everything was read.
    Closed,
}

/// Moves claude's output.
pub struct Output {
    master: AsyncFd<OwnedFd>,
    closed: bool,
    terminal: Option<OwnedFd>,
    /// What was read and could not be written, from `written` on.
    pending: Vec<u8>,
    written: usize,
    room: Room,
    buffer: Box<[u8]>,
    /// What is read goes to the models only, not to the terminal.
    pub muted: bool,
    /// The modes of the terminal, after everything that was read.
    pub modes: ModeTracker,
    /// The screen, after everything that was read.
    pub screen: Screen,
}

impl Output {
    /// Starts with a PTY whose output goes to `terminal`, which must be non-blocking.
    ///
    /// # Errors
    /// When the master cannot be registered with the event loop.
    pub fn new(master: OwnedFd, terminal: OwnedFd, screen: Screen) -> std::io::Result<Self> {
        Ok(Self {
            master: io::readable(master)?,
            closed: false,
            terminal: Some(terminal),
            pending: Vec::new(),
            written: 0,
            room: Room::default(),
            // A read of a PTY gives at most 4095 bytes on Linux, however large the buffer.
            buffer: vec![0; 8192].into(),
            muted: false,
            modes: ModeTracker::default(),
            screen,
        })
    }

    /// The PTY's master.
    pub fn master(&self) -> &OwnedFd {
        self.master.get_ref()
    }

    /// Whether nobody has the PTY open any more, and everything was read.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether everything that was read is on the terminal.
    pub fn is_flushed(&self) -> bool {
        self.pending.len() == self.written
    }

    /// Waits until a turn would do something. With `reading` off, only until what is pending can be written.
    pub async fn ready(&self, reading: bool) {
        if self.terminal.is_some() && !self.is_flushed() {
            self.room.wait().await;
        } else if reading && !self.closed {
            // An error here would be one of the event loop; the turn finds out what is wrong.
            if let Ok(mut guard) = self.master.readable().await {
                guard.retain_ready();
            }
        } else {
            std::future::pending::<()>().await;
        }
    }

    /// Writes what is pending, then reads and writes until there is no more, or the turn is over.
    ///
    /// `tell` is called before bytes are written that may change the terminal's modes.
    pub fn turn(&mut self, reading: bool, mut tell: impl FnMut(&ModeTracker)) -> Turn {
        self.write_pending();
        let mut moved = 0;
        loop {
            if !self.is_flushed() {
                return Turn::Blocked;
            }
            if self.closed {
                return Turn::Closed;
            }
            if !reading {
                return Turn::Rested(moved);
            }
            if moved >= TURN {
                return Turn::More;
            }
            match io::read_ready(&self.master, &mut self.buffer) {
                Outcome::Moved(count) => {
                    moved += count;
                    self.deliver(count, &mut tell);
                }
                Outcome::Blocked => {
                    self.room.forget();
                    return Turn::Rested(moved);
                }
                Outcome::Gone => self.closed = true,
            }
        }
    }

    /// Reads until nothing has come for `quiet`, or until `deadline`. What a process writes last before it stops is on
    /// its way through the kernel when the stop is seen.
    pub async fn drain(&mut self, quiet: Duration, deadline: Instant, mut tell: impl FnMut(&ModeTracker)) {
        loop {
            let until = deadline.min(Instant::now() + quiet);
            if timeout_at(until, self.ready(true)).await.is_err() {
                return;
            }
            if self.turn(true, &mut tell) == Turn::Closed || Instant::now() >= deadline {
                return;
            }
        }
    }

    fn deliver(&mut self, count: usize, tell: &mut impl FnMut(&ModeTracker)) {
        let bytes = &self.buffer[..count];
        if self.modes.feed(bytes) {
            tell(&self.modes);
        }
        if let Some(terminal) = self.terminal.as_ref().filter(|_| !self.muted) {
            match io::write(terminal, bytes) {
                Outcome::Moved(written) if written == count => {}
                Outcome::Gone => self.terminal = None,
                partly => {
                    let written = if let Outcome::Moved(written) = partly { written } else { 0 };
                    keep(&mut self.pending, &mut self.written, &bytes[written..]);
                    self.room.want(terminal.as_fd());
                }
            }
        }
        self.screen.push(bytes);
    }

    fn write_pending(&mut self) {
        while !self.is_flushed() {
            let Some(terminal) = &self.terminal else {
                self.written = self.pending.len();
                break;
            };
            match io::write(terminal, &self.pending[self.written..]) {
                Outcome::Moved(written) => self.written += written,
                Outcome::Blocked => {
                    self.room.want(terminal.as_fd());
                    return;
                }
                Outcome::Gone => self.terminal = None,
            }
        }
        self.pending.clear();
        self.written = 0;
    }

    /// Gives up what was read and is not on the terminal.
    pub fn discard_pending(&mut self) {
        self.pending.clear();
        self.written = 0;
    }

    /// Writes bytes of cckw's own, after everything that is pending. What they switch is not claude's doing, and is
    /// not tracked.
    pub fn write(&mut self, bytes: &[u8]) {
        if self.terminal.is_some() && !bytes.is_empty() {
            keep(&mut self.pending, &mut self.written, bytes);
            self.write_pending();
        }
    }

    /// Waits until everything is on the terminal, at most until `deadline`. False if something is left.
    pub async fn flush(&mut self, deadline: Instant) -> bool {
        loop {
            self.write_pending();
            if self.is_flushed() {
                return true;
            }
            if timeout_at(deadline, self.ready(false)).await.is_err() {
                return false;
            }
        }
    }

    /// The terminal, where there is one.
    pub fn terminal(&self) -> Option<&OwnedFd> {
        self.terminal.as_ref()
    }

    /// Lets go of the terminal; output is read on, so that claude is not held up.
    pub fn leave_terminal(&mut self) {
        self.discard_pending();
        self.terminal = None;
    }
}

fn keep(pending: &mut Vec<u8>, written: &mut usize, bytes: &[u8]) {
    if *written == pending.len() {
        pending.clear();
        *written = 0;
    }
    pending.extend_from_slice(bytes);
}

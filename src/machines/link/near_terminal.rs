//! The user's terminal, as the near side of a link has it.

use std::fs::File;
use std::io;
use std::time::{Duration, Instant};

use crate::client::raw_mode::RawMode;
use crate::os::io as nonblocking;
use crate::os::io::Transfer;
use crate::os::poll::{Interest, Poll};
use crate::os::terminal_guard::TerminalGuard;
use crate::os::tty::{self, Size};
use crate::vt::modes::ModeTracker;

/// How long the terminal may take for the last words, or for what is undone on it.
const WRITE_TIMEOUT: Duration = Duration::from_secs(1);
/// No host is connected here.
const NO_HOST: i32 = -1;

/// The terminal, what is on in it, and what it has not taken yet.
pub struct NearTerminal {
    tty: File,
    raw_mode: RawMode,
    guard: Option<TerminalGuard>,
    modes: ModeTracker,
    /// What the guard was told to undo.
    undo: String,
    unwritten: Vec<u8>,
    is_gone: bool,
}

impl NearTerminal {
    /// Takes the terminal, and makes it raw.
    ///
    /// # Errors
    /// When it is gone.
    pub fn take(tty: File) -> io::Result<Self> {
        let raw_mode = RawMode::new(&tty, NO_HOST)?;
        raw_mode.enter_raw()?;
        // Without one, for want of processes or descriptors, everything else is as it is with one.
        let guard = TerminalGuard::start(&tty, &raw_mode.original()).ok();
        let terminal = Self {
            tty,
            raw_mode,
            guard,
            modes: ModeTracker::default(),
            undo: String::new(),
            unwritten: Vec::new(),
            is_gone: false,
        };
        terminal.tell_guard(true);
        Ok(terminal)
    }

    /// The terminal itself.
    pub fn tty(&self) -> &File {
        &self.tty
    }

    /// Its size.
    ///
    /// # Errors
    /// When it is gone.
    pub fn size(&self) -> io::Result<Size> {
        tty::size(&self.tty)
    }

    /// Whether the terminal may send keys in their longer form.
    pub fn has_extended_keys(&self) -> bool {
        self.modes.has_extended_keys()
    }

    /// Whether it takes nothing at the moment.
    pub fn is_blocked(&self) -> bool {
        !self.unwritten.is_empty()
    }

    /// It is gone.
    pub fn set_gone(&mut self) {
        self.is_gone = true;
        self.unwritten.clear();
    }

    /// Whether it is gone.
    pub fn is_gone(&self) -> bool {
        self.is_gone
    }

    /// Shows what the far side draws.
    pub fn show(&mut self, bytes: &[u8]) {
        if self.is_gone {
            return;
        }
        if self.unwritten.is_empty() {
            match nonblocking::write(&self.tty, bytes) {
                Transfer::Moved(count) => self.unwritten.extend_from_slice(&bytes[count..]),
                Transfer::Blocked => self.unwritten.extend_from_slice(bytes),
                Transfer::Gone => self.set_gone(),
            }
        } else {
            self.unwritten.extend_from_slice(bytes);
        }
        // Behind the write: nobody waits for this.
        if self.modes.feed(bytes) {
            let undo = self.modes.undo_blindly();
            if undo != self.undo {
                self.undo = undo;
                self.tell_guard(true);
            }
        }
    }

    /// Writes what waits.
    pub fn flush(&mut self) {
        match nonblocking::write(&self.tty, &self.unwritten) {
            Transfer::Moved(count) => drop(self.unwritten.drain(..count)),
            Transfer::Blocked => {}
            Transfer::Gone => self.set_gone(),
        }
    }

    /// Writes words of this side.
    pub fn say(&mut self, text: &str) {
        if self.is_gone {
            return;
        }
        self.unwritten.extend_from_slice(text.as_bytes());
        let until = Instant::now() + WRITE_TIMEOUT;
        while !self.unwritten.is_empty() && !self.is_gone {
            self.flush();
            let left = until.saturating_duration_since(Instant::now());
            if self.unwritten.is_empty() || left.is_zero() {
                break;
            }
            let mut poll = Poll::default();
            poll.add(&self.tty, Interest::Writing);
            if poll.wait(Some(left)).is_err() {
                break;
            }
        }
    }

    /// Undoes what is on in it. What it has not taken yet is dropped. Gives what switches all of it on again.
    pub fn undo(&mut self) -> String {
        let redo = self.modes.redo();
        let undo = if self.unwritten.is_empty() { self.modes.undo() } else { self.modes.undo_blindly() };
        self.unwritten.clear();
        self.modes = ModeTracker::default();
        self.say(&undo);
        self.undo.clear();
        self.tell_guard(true);
        redo
    }

    /// Shows what was undone again.
    pub fn redo(&mut self, redo: &str) {
        self.show(redo.as_bytes());
    }

    /// Gives it back to the shell.
    pub fn leave_raw(&mut self) {
        self.raw_mode.leave_raw();
        self.tell_guard(false);
    }

    /// Takes it from the shell.
    ///
    /// # Errors
    /// When it is gone.
    pub fn enter_raw(&mut self) -> io::Result<()> {
        self.raw_mode.enter_raw()?;
        self.tell_guard(true);
        Ok(())
    }

    fn tell_guard(&self, is_raw: bool) {
        if let Some(guard) = &self.guard {
            guard.tell(is_raw, &self.raw_mode.original(), &self.undo);
        }
    }
}

//! The user's terminal, as far as this client has it.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;

use super::raw_mode::RawMode;
use crate::os::terminal_guard::TerminalGuard;
use crate::os::tty;
use crate::os::tty::Size;

/// The terminal, and what there is to give back.
pub(super) struct Terminal {
    tty: File,
    raw_mode: RawMode,
    /// It is ours to read.
    is_foreground: bool,
    is_gone: bool,
    /// What to write to it should the host be killed.
    undo: String,
    /// Gives it back where neither this client nor its host is left to do it.
    guard: Option<TerminalGuard>,
}

impl Terminal {
    /// One that is ours.
    pub(super) fn new(tty: File, raw_mode: RawMode) -> Self {
        Self { tty, raw_mode, is_foreground: true, is_gone: false, undo: String::new(), guard: None }
    }

    /// The terminal itself.
    pub(super) fn tty(&self) -> &File {
        &self.tty
    }

    /// Its raw mode, and the way out of that.
    pub(super) fn raw_mode(&self) -> &RawMode {
        &self.raw_mode
    }

    /// Its size.
    ///
    /// # Errors
    /// When it is gone.
    pub(super) fn size(&self) -> io::Result<Size> {
        tty::size(&self.tty)
    }

    /// Whether this job has it, as far as is known.
    pub(super) fn is_foreground(&self) -> bool {
        self.is_foreground
    }

    pub(super) fn is_gone(&self) -> bool {
        self.is_gone
    }

    /// Whether it is there, and ours to read.
    pub(super) fn is_ours(&self) -> bool {
        self.is_foreground && !self.is_gone
    }

    /// This job has it in raw mode, or has it no longer.
    pub(super) fn set_foreground(&mut self, is_foreground: bool) {
        self.is_foreground = is_foreground;
        self.tell_guard();
    }

    /// It is gone, or it is not.
    pub(super) fn set_gone(&mut self, is_gone: bool) {
        self.is_gone = is_gone;
    }

    /// Has somebody give it back should this client and its host be killed.
    pub(super) fn guard(&mut self) {
        if !self.is_gone && !self.guard.as_ref().is_some_and(TerminalGuard::is_there) {
            // Without one, for want of processes or descriptors, everything else is as it is with one.
            self.guard = TerminalGuard::start(&self.tty, &self.raw_mode.original()).ok();
            self.tell_guard();
        }
    }

    /// What the host needs to tell that one that it is not needed any more.
    pub(super) fn guard_for_host(&self) -> Option<OwnedFd> {
        self.guard.as_ref()?.for_host().ok()
    }

    /// It was given back, and this process stays.
    pub(super) fn end_guard(&mut self) {
        self.guard = None;
    }

    fn tell_guard(&self) {
        if let Some(guard) = &self.guard {
            guard.tell(self.is_foreground, &self.raw_mode.original(), &self.undo);
        }
    }

    /// What is to be written to it should the host be killed.
    pub(super) fn undo_later(&mut self, bytes: String) {
        self.undo = bytes;
        self.tell_guard();
    }

    /// The same, to write it now. Until [`Self::undo_later`] says that it was written, the guard would write
    /// it as well.
    pub(super) fn take_undo(&mut self) -> String {
        std::mem::take(&mut self.undo)
    }
}

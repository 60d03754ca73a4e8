//! Raw mode, and the way out of it on every way out of the program.

use std::fs::File;
use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{Shutdown, shutdown};

use crate::os::tty;
use crate::os::tty::Attributes;

/// How long a panicking client waits for its host to undo claude's modes.
const HOST_UNDO_TIMEOUT: Duration = Duration::from_millis(500);

/// The user's terminal, which is given back as it was when the last of this is dropped.
#[derive(Clone)]
pub struct RawMode {
    inner: Arc<Inner>,
}

struct Inner {
    tty: OwnedFd,
    raw: Attributes,
    /// What to give back, and whether it is due.
    state: Mutex<RawModeState>,
    host: AtomicI32,
}

struct RawModeState {
    original: Attributes,
    is_raw: bool,
}

impl RawMode {
    /// Notes how the terminal is, and has it restored when the program panics.
    ///
    /// `host` is the connection to the host, which is told of a panic by closing it.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn new(tty: &File, host: RawFd) -> io::Result<Self> {
        let original = Attributes::of(tty)?;
        let raw = original.raw();
        let state = Mutex::new(RawModeState { original, is_raw: false });
        let inner = Inner { tty: tty.try_clone()?.into(), raw, state, host: AtomicI32::new(host) };
        let restore = Self { inner: Arc::new(inner) };
        let in_panic = restore.clone();
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            // First the terminal, then the message: it is not to be drawn into claude's screen.
            in_panic.inner.panicked();
            before(info);
        }));
        Ok(restore)
    }

    /// The attributes that the terminal had.
    pub fn original(&self) -> Attributes {
        self.inner.state().original.clone()
    }

    /// There is a new connection to a host.
    pub fn set_host(&self, host: RawFd) {
        self.inner.host.store(host, Ordering::Relaxed);
    }

    /// Puts the terminal into raw mode. In the background this stops the job by SIGTTOU.
    ///
    /// # Errors
    /// When the terminal is gone, or the job is orphaned in the background.
    pub fn enter_raw(&self) -> io::Result<()> {
        // The user may have changed something (stty) while the job was stopped.
        let now = Attributes::of(&self.inner.tty)?;
        self.inner.raw.apply(&self.inner.tty)?;
        let mut state = self.inner.state();
        state.is_raw = true;
        if now != self.inner.raw {
            state.original = now;
        }
        Ok(())
    }

    /// Gives the terminal back its attributes, if this program is in its foreground.
    pub fn leave_raw(&self) {
        self.inner.leave_raw();
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, RawModeState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leave_raw(&self) {
        let mut state = self.state();
        if !std::mem::take(&mut state.is_raw) {
            return;
        }
        // In the background the shell has set what it wants, and a change would stop this process.
        if tty::in_foreground(&self.tty) {
            let _ = state.original.apply(&self.tty);
        }
    }

    /// Only the host knows exactly which modes are on; it undoes them when the connection closes.
    fn panicked(&self) {
        let host = self.host.load(Ordering::Relaxed);
        if shutdown(host, Shutdown::Write).is_ok() {
            let until = Instant::now() + HOST_UNDO_TIMEOUT;
            // SAFETY: the number is only polled and read; a closed one fails.
            let host = unsafe { std::os::fd::BorrowedFd::borrow_raw(host) };
            let mut rest = [0; 1024];
            while let Some(left) = until.checked_duration_since(Instant::now()) {
                let mut fds = [PollFd::new(host, PollFlags::POLLIN)];
                let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
                match poll(&mut fds, timeout) {
                    Err(nix::Error::EINTR) => {}
                    Ok(1) if nix::unistd::read(host, &mut rest).is_ok_and(|count| count > 0) => {}
                    _ => break,
                }
            }
        }
        self.leave_raw();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.leave_raw();
    }
}

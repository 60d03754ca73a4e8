//! The stand-in's side of its terminal: raw mode, the modes that Claude Code turns on, signals as input.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicI32, Ordering};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::sys::termios::{SetArg, Termios, cfmakeraw, tcsetattr};

use crate::os::tty;

/// Rows and columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cells {
    /// Lines of text.
    pub rows: usize,
    /// Cells of a line.
    pub cols: usize,
}

/// Asked at start and after a suspend: version, kitty keyboard flags, OSC 7501, device attributes.
const QUERIES: &str = "\x1b[>0q\x1b[?u\x1b]7501;?\x07\x1b[c";
const MODES_ON: &str = "\x1b[?2004h\x1b[?2031h\x1b[?1004h\x1b[?25l";
const FULLSCREEN_ON: &str = "\x1b[?1049h\x1b[2J\x1b[H\x1b[?1000h\x1b[?1002h\x1b[?1003h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1016l\x1b[?1006l\x1b[?1003l\x1b[?1002l\x1b[?1000l";
const MODES_OFF: &str = "\x1b[?25h\x1b[?1004l\x1b[>4m\x1b[<u\x1b[?2031l\x1b[?2004l";
const LAST_OFF: &str = "\x1b(B\x0f\x1b[?7h\x1b[?25h\x1b7\x1b[r\x1b8\x1b]0;\x07";

/// The terminal on descriptors 0 and 1.
#[derive(Debug)]
pub struct Terminal {
    saved: Termios,
    fullscreen: bool,
}

impl Terminal {
    /// Puts the terminal in raw mode and turns on what Claude Code turns on.
    ///
    /// # Errors
    /// Descriptor 0 is not a terminal, or it cannot be written to.
    pub fn enter(fullscreen: bool) -> io::Result<Self> {
        let terminal = Self { saved: tty::termios(io::stdin())?, fullscreen };
        terminal.resume()?;
        Ok(terminal)
    }

    /// Raw mode and modes again, after a suspend.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn resume(&self) -> io::Result<()> {
        let mut raw = self.saved.clone();
        cfmakeraw(&mut raw);
        tcsetattr(io::stdin(), SetArg::TCSADRAIN, &raw)?;
        self.write(&format!("\x1b7\x1b[r\x1b8{MODES_ON}\x1b]0;\u{2733} Claude Code\x07"))?;
        if self.fullscreen {
            self.write(FULLSCREEN_ON)?;
        }
        self.write(QUERIES)
    }

    /// Turns everything off again, as before a suspend.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn suspend(&self) -> io::Result<()> {
        let screen = if self.fullscreen { "\x1b[?1049l" } else { "" };
        self.write(&format!("{MOUSE_OFF}{screen}{MODES_OFF}"))?;
        tcsetattr(io::stdin(), SetArg::TCSADRAIN, &self.saved)?;
        Ok(())
    }

    /// Turns everything off for good.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn leave(&self) -> io::Result<()> {
        self.suspend()?;
        self.write(&format!("{MOUSE_OFF}{LAST_OFF}"))
    }

    /// Writes all of `text`, however slowly the terminal takes it.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn write(&self, text: &str) -> io::Result<()> {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            match nix::unistd::write(io::stdout(), rest) {
                Ok(written) => rest = &rest[written..],
                Err(Errno::EINTR) => {}
                // The descriptor's flags are shared: whoever started us may have made it non-blocking.
                Err(Errno::EAGAIN) => {
                    let stdout = io::stdout();
                    let mut fds = [PollFd::new(stdout.as_fd(), PollFlags::POLLOUT)];
                    let _ = poll(&mut fds, PollTimeout::NONE);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// The terminal's size; 24 by 80 where it does not know.
    pub fn size(&self) -> Cells {
        let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
        // SAFETY: TIOCGWINSZ fills in the winsize that the pointer names, which outlives the call.
        let result = unsafe { libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, &raw mut size) };
        if result == -1 || size.ws_row == 0 || size.ws_col == 0 {
            return Cells { rows: 24, cols: 80 };
        }
        Cells { rows: size.ws_row.into(), cols: size.ws_col.into() }
    }
}

static SIGNAL_PIPE: AtomicI32 = AtomicI32::new(-1);

/// Signals as bytes of a pipe, so that one poll(2) waits for them and for the keys.
#[derive(Debug)]
pub struct Signals {
    pipe: OwnedFd,
    _write_end: OwnedFd,
}

impl Signals {
    /// Catches WINCH, CONT, TERM, HUP and INT.
    ///
    /// # Errors
    /// No pipe could be made.
    pub fn catch() -> io::Result<Self> {
        let (pipe, write_end) = nix::unistd::pipe()?;
        for end in [&pipe, &write_end] {
            fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
            fcntl(end, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        }
        use std::os::fd::AsRawFd as _;
        SIGNAL_PIPE.store(write_end.as_raw_fd(), Ordering::Relaxed);
        let action = SigAction::new(SigHandler::Handler(on_signal), SaFlags::SA_RESTART, SigSet::empty());
        for signal in [Signal::SIGWINCH, Signal::SIGCONT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT] {
            // SAFETY: the handler only writes to a pipe, which is async-signal-safe.
            unsafe { sigaction(signal, &action) }?;
        }
        // The Rust runtime handles these two, and would outlive the first one that somebody sends.
        for signal in [Signal::SIGSEGV, Signal::SIGBUS] {
            let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
            // SAFETY: the default disposition runs no code of ours.
            unsafe { sigaction(signal, &default) }?;
        }
        Ok(Self { pipe, _write_end: write_end })
    }

    /// The descriptor that is readable when a signal came.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }

    /// The signals that came since the last call, in order.
    pub fn take(&self) -> Vec<Signal> {
        let mut bytes = [0; 64];
        match nix::unistd::read(&self.pipe, &mut bytes) {
            Ok(count) => bytes[..count].iter().filter_map(|&b| Signal::try_from(i32::from(b)).ok()).collect(),
            Err(_) => Vec::new(),
        }
    }
}

extern "C" fn on_signal(number: libc::c_int) {
    let fd: RawFd = SIGNAL_PIPE.load(Ordering::Relaxed);
    let saved = Errno::last_raw();
    let byte = u8::try_from(number).unwrap_or(0);
    // SAFETY: write(2) is async-signal-safe, and the pointer names one byte that outlives the call.
    let _ = unsafe { libc::write(fd, (&raw const byte).cast(), 1) };
    Errno::set_raw(saved);
}

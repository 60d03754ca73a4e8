//! A display of a window, attached in a PTY of our own.

use std::io;
use std::os::fd::OwnedFd;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl, open};
use nix::pty::{OpenptyResult, Winsize, openpty};
use nix::sys::stat::Mode;
use nix::unistd::Pid;

use super::{is_attached, screen};
use crate::os::io::{Transfer, read, set_nonblocking};
use crate::os::kill;
use crate::os::poll::{Interest, Poll};
use crate::os::tty;
use crate::os::tty::Size;
use crate::remote::transport::{Pane, Sight};
use crate::vt::emulator::Emulator;
use crate::vt::modes::ModeTracker;
use crate::vt::screen::colours;

/// So long without output, and what was drawn is complete.
const DRAWN_AFTER_SILENCE: Duration = Duration::from_millis(30);
/// A window that draws all the time is looked at as it is.
const MAX_DRAWING_TIME: Duration = Duration::from_millis(250);
/// How long the first picture may take.
const FIRST_PICTURE_TIMEOUT: Duration = Duration::from_secs(3);

/// A display. It goes when this does.
pub struct Display {
    master: OwnedFd,
    client: Child,
    emulator: Emulator,
    modes: ModeTracker,
    /// The window's size. It begins in the first row of the display; a status line is below it.
    size: (u16, u16),
    gone: bool,
}

impl Display {
    /// Attaches one that leaves the window the size that it has.
    ///
    /// # Errors
    /// When screen does not answer, or the size cannot be kept.
    pub fn open(pane: &Pane) -> Result<Self, String> {
        let trouble = |error: io::Error| format!("screen: {error}");
        let before = size(pane.terminal).map_err(trouble)?;
        // A status line and a caption take rows of the display from the window. Where somebody else has the
        // window before them, it keeps the size that it has for them, and a display with rows to spare shows
        // all of it. Else it takes the size of ours, which shows how many rows those are.
        let spare = if is_attached(pane) { 2 } else { 0 };
        let mut of_display = (before.0 + spare, before.1);
        let mut display = Self::attach(pane, of_display, before).map_err(trouble)?;
        for _ in 0..3 {
            display.catch_up(FIRST_PICTURE_TIMEOUT);
            let now = size(pane.terminal).map_err(trouble)?;
            if now == before {
                return Ok(display);
            }
            of_display = (
                (of_display.0 + before.0).saturating_sub(now.0).max(1),
                (of_display.1 + before.1).saturating_sub(now.1).max(1),
            );
            display.resize(of_display).map_err(trouble)?;
        }
        Err("screen would change the size of the window for a look".into())
    }

    fn attach(pane: &Pane, own: (u16, u16), size: (u16, u16)) -> io::Result<Self> {
        let OpenptyResult { master, slave } = openpty(&winsize(own), None)?;
        fcntl(&master, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
        fcntl(&slave, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
        set_nonblocking(&master)?;
        let mut command = screen(pane);
        // -U: it draws in UTF-8, which is what the emulator reads, whatever the locale.
        command.args(["-U", "-x"]).env("TERM", "xterm-256color");
        command.stdin(Stdio::from(slave.try_clone()?)).stdout(Stdio::from(slave.try_clone()?));
        let client = command.stderr(Stdio::from(slave)).spawn()?;
        let (emulator, modes) = (Emulator::new(own.0, own.1, 0), ModeTracker::default());
        Ok(Self { master, client, emulator, modes, size, gone: false })
    }

    fn resize(&mut self, size: (u16, u16)) -> io::Result<()> {
        tty::set_size(&self.master, Size { rows: size.0, columns: size.1, width: 0, height: 0 })?;
        self.emulator.resize(size.0, size.1);
        // The PTY is nobody's controlling terminal, so nobody else tells.
        kill::to_child(self.pid(), libc::SIGWINCH)?;
        Ok(())
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.client.id() as i32)
    }

    /// Reads what was drawn, until nothing comes for a moment.
    fn catch_up(&mut self, first: Duration) {
        let begun = Instant::now();
        let mut buffer = [0; 16 << 10];
        let mut patience = first;
        while !self.gone && begun.elapsed() < first.max(MAX_DRAWING_TIME) {
            let mut poll = Poll::default();
            let place = poll.add(&self.master, Interest::Reading);
            if poll.wait(Some(patience)).is_err() || !poll.is_ready(place) {
                return;
            }
            match read(&self.master, &mut buffer) {
                Transfer::Moved(count) => {
                    self.emulator.process(&buffer[..count]);
                    self.modes.feed(&buffer[..count]);
                }
                Transfer::Blocked => {}
                Transfer::Gone => self.gone = true,
            }
            patience = DRAWN_AFTER_SILENCE;
        }
    }

    /// What the window shows.
    ///
    /// # Errors
    /// When the display was closed.
    pub fn look(&mut self) -> Result<Sight, String> {
        self.catch_up(DRAWN_AFTER_SILENCE);
        if self.gone {
            return Err("screen has closed the display".into());
        }
        let rows = colours::lines(&self.emulator);
        let lines = rows.take(self.size.0.into()).map(String::into_bytes).collect();
        Ok(Sight {
            size: self.size,
            lines,
            cursor: self.emulator.cursor(),
            cursor_shown: self.emulator.cursor_shown(),
            // The display is drawn on the alternate screen, whatever the window has.
            alternate: false,
            pastes: self.modes.is_on(2004) == Some(true),
            obstacle: None,
            typed: None,
        })
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        // As for a terminal that is closed: the session goes on, and other displays too.
        let _ = kill::to_child(self.pid(), libc::SIGHUP);
        let until = Instant::now() + Duration::from_secs(1);
        while Instant::now() < until {
            if !matches!(self.client.try_wait(), Ok(None)) {
                return;
            }
            self.catch_up(Duration::from_millis(10));
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.client.kill();
        let _ = self.client.wait();
    }
}

fn winsize(size: (u16, u16)) -> Winsize {
    Winsize { ws_row: size.0, ws_col: size.1, ws_xpixel: 0, ws_ypixel: 0 }
}

/// The size of a window: that of its terminal. Asked itself, screen says it to everybody who looks, over what
/// is shown.
fn size(terminal: u64) -> io::Result<(u16, u16)> {
    let path =
        tty::path_of_pty(terminal).ok_or_else(|| io::Error::other("the window's terminal is not known"))?;
    let options = OFlag::O_RDONLY | OFlag::O_NOCTTY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let window = open(&path, options, Mode::empty())?;
    let size = tty::size(&window)?;
    Ok((size.rows, size.columns))
}

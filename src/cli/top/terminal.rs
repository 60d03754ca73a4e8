//! The terminal of the fleet view: into it, out of it on every way, and frames to it.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::panic::PanicHookInfo;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::termios::{FlushArg, tcflush};
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Frame, Terminal, TerminalOptions, Viewport};

use crate::escape::escape;
use crate::os::io::{Transfer, read, write};
use crate::os::poll::{Interest, Poll};
use crate::os::terminal_guard::TerminalGuard;
use crate::os::tty::{self, Attributes, Size};

/// The second screen, without a cursor, with pastes marked, and the mouse's buttons and wheel. Nothing is said of a mouse
/// that only moves: nobody is to wake up for that.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[?1000h\x1b[?1006h\x1b[2J";
/// The same without the mouse.
const ENTER_WITHOUT_MOUSE: &str = "\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[2J";
/// All of that undone, also in the middle of a frame.
const LEAVE: &str = "\x1b[?2026l\x1b[m\x1b[?1006l\x1b[?1000l\x1b[?2004l\x1b[?25h\x1b[?1049l";
/// The terminal shows what comes between these two at once.
const FRAME_BEGIN: &[u8] = b"\x1b[?2026h";
const FRAME_END: &[u8] = b"\x1b[?2026l";

/// How long a terminal that is full may take to have room for the last words.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(1);
/// The size of a terminal that does not say it.
const USUAL_SIZE: (u16, u16) = (80, 24);
/// The exit status behind a panic, as Rust has it.
const PANICKED: i32 = 101;

/// The terminal, which is given back when this is dropped.
pub struct FleetTerminal {
    undo: Arc<Undo>,
    /// Gives the terminal back if this process is killed.
    guard: Option<TerminalGuard>,
    picture: Terminal<CrosstermBackend<Output>>,
    output: Output,
    enters: &'static str,
}

/// What is on its way to the terminal.
#[derive(Clone, Default)]
struct Output(Rc<RefCell<Vec<u8>>>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What leads out of the view, for whoever has to go that way.
struct Undo {
    tty: File,
    raw: Attributes,
    state: Mutex<Inside>,
}

/// Whether the view has the terminal, and what to give back.
struct Inside {
    is_in: bool,
    original: Attributes,
}

impl FleetTerminal {
    /// Opens the terminal on stdin anew, and prepares the ways out. Before any thread is started: it forks.
    ///
    /// # Errors
    /// When it cannot be opened, or is gone.
    pub fn open() -> io::Result<Self> {
        let tty = tty::reopen()?;
        let original = Attributes::of(&tty)?;
        let guard = TerminalGuard::start(&tty, &original).ok();
        let state = Mutex::new(Inside { is_in: false, original: original.clone() });
        let undo = Arc::new(Undo { raw: original.raw(), tty, state });
        let output = Output::default();
        let (columns, rows) = undo.size();
        let viewport = Viewport::Fixed(Rect::new(0, 0, columns, rows));
        let picture =
            Terminal::with_options(CrosstermBackend::new(output.clone()), TerminalOptions { viewport })?;
        undo.go_on_panic();
        Ok(Self { undo, guard, picture, output, enters: ENTER })
    }

    /// The mouse stays the terminal's own, so that it selects text as usual.
    pub fn without_mouse(mut self) -> Self {
        self.enters = ENTER_WITHOUT_MOUSE;
        self
    }

    /// Takes the terminal. In the background this stops the job by SIGTTOU.
    ///
    /// # Errors
    /// When the terminal is gone, or the job is orphaned in the background.
    pub fn enter(&mut self) -> io::Result<()> {
        let original = self.undo.enter()?;
        if let Some(guard) = &self.guard {
            guard.tell(true, &original, LEAVE);
        }
        self.output.0.borrow_mut().clear();
        self.output.write_all(self.enters.as_bytes())?;
        self.resize()
    }

    /// Gives the terminal back as it was.
    pub fn leave(&mut self) {
        self.output.0.borrow_mut().clear();
        self.undo.leave();
        if let Some(guard) = &self.guard {
            guard.tell(false, &self.undo.state().original, "");
        }
    }

    /// The terminal's size now, in columns and rows.
    pub fn size(&self) -> (u16, u16) {
        self.undo.size()
    }

    /// Takes note of the size: the next frame is drawn whole.
    ///
    /// # Errors
    /// Never: nothing is written yet.
    pub fn resize(&mut self) -> io::Result<()> {
        let (columns, rows) = self.size();
        self.picture.resize(Rect::new(0, 0, columns, rows))
    }

    /// Makes a frame, which waits until [`Self::flush`] has brought it to the terminal.
    ///
    /// # Errors
    /// Never: nothing is written yet.
    pub fn draw(&mut self, render: impl FnOnce(&mut Frame)) -> io::Result<()> {
        self.output.write_all(FRAME_BEGIN)?;
        self.picture.draw(render)?;
        self.output.write_all(FRAME_END)
    }

    /// Whether something waits to be written.
    pub fn is_full(&self) -> bool {
        !self.output.0.borrow().is_empty()
    }

    /// Writes as much as the terminal takes.
    pub fn flush(&mut self) -> Transfer {
        let mut output = self.output.0.borrow_mut();
        let mut written = 0;
        let stopped = loop {
            match &output[written..] {
                [] => break Transfer::Moved(written),
                rest => match write(&self.undo.tty, rest) {
                    Transfer::Moved(count) => written += count,
                    stopped => break stopped,
                },
            }
        };
        output.drain(..written);
        stopped
    }

    /// Reads what was typed, once.
    pub fn read(&self, buffer: &mut [u8]) -> Transfer {
        read(&self.undo.tty, buffer)
    }

    /// Forgets what was typed and not read: it was meant for somebody else.
    pub fn discard_input(&self) {
        // Where it fails the terminal is gone, which is seen at the next read.
        let _ = tcflush(&self.undo.tty, FlushArg::TCIFLUSH);
    }
}

impl AsFd for FleetTerminal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.undo.tty.as_fd()
    }
}

impl Drop for FleetTerminal {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Undo {
    fn state(&self) -> MutexGuard<'_, Inside> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn size(&self) -> (u16, u16) {
        match tty::size(&self.tty) {
            Ok(Size { columns, rows, .. }) if columns > 0 && rows > 0 => (columns, rows),
            _ => USUAL_SIZE,
        }
    }

    /// Raw mode. The attributes that the terminal had.
    fn enter(&self) -> io::Result<Attributes> {
        let now = Attributes::of(&self.tty)?;
        self.raw.apply(&self.tty)?;
        let mut state = self.state();
        state.is_in = true;
        // They may have been changed while others had the terminal.
        if now != self.raw {
            state.original = now;
        }
        Ok(state.original.clone())
    }

    fn leave(&self) {
        let mut state = self.state();
        // In the background the shell has set what it wants, and a write might stop this process.
        if !std::mem::take(&mut state.is_in) || !tty::in_foreground(&self.tty) {
            return;
        }
        write_within(&self.tty, LEAVE.as_bytes(), LEAVE_TIMEOUT);
        let _ = state.original.apply(&self.tty);
    }

    /// Has a panic of any thread or task give the terminal back, say a line, and end the process: of a view that has lost a
    /// part nobody knows what it shows.
    fn go_on_panic(self: &Arc<Self>) {
        let undo = Arc::clone(self);
        std::panic::set_hook(Box::new(move |info| {
            undo.leave();
            let _ = writeln!(io::stderr().lock(), "{}", fault(info));
            std::process::exit(PANICKED);
        }));
    }
}

/// The line about a panic.
fn fault(info: &PanicHookInfo) -> String {
    let payload = info.payload();
    let text = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref().map(String::as_str));
    let what = text.unwrap_or("no text").lines().next().unwrap_or_default();
    let place = info.location().map_or_else(String::new, |place| format!(" ({place})"));
    format!("cckw: the fleet view has a fault: {}{place}; the sessions go on, see: cckw list", escape(what))
}

/// Writes to a terminal that may be full, and waits for room so long at most.
fn write_within(tty: &File, mut bytes: &[u8], timeout: Duration) {
    let until = Instant::now() + timeout;
    while !bytes.is_empty() {
        match write(tty, bytes) {
            Transfer::Moved(count) => bytes = &bytes[count..],
            Transfer::Gone => return,
            Transfer::Blocked => {
                let left = until.saturating_duration_since(Instant::now());
                let mut poll = Poll::default();
                poll.add(tty, Interest::Writing);
                if left.is_zero() || poll.wait(Some(left)).is_err() {
                    return;
                }
            }
        }
    }
}

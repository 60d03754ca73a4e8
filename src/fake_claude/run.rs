//! The main loop: one poll(2) for keys, signals and whatever is due next.

use std::io;
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::app::{App, Effect, FakeView};
use super::faults;
use super::faults::Fault;
use super::keys::{Decoder, FakeInput};
use super::paint::Painter;
use super::state_file::{FakeStateFile, Writing};
use super::terminal::{Signals, Terminal};
use super::{CLAUDE_VERSION, draw};

/// How long an Esc waits for the rest of a sequence.
const ESCAPE_WAIT: Duration = Duration::from_millis(50);
/// How long a hang without a time lasts: longer than any test, but not until the machine is switched off.
const FOR_EVER: Duration = Duration::from_secs(15 * 60);
const SUSPENDED: &str = "\nClaude Code is suspended. Run `fg` to bring it back.\n\
                         To undo typing, press ctrl+_.\n";

/// The fault that this start was ordered to end with, if it is one of those (`CCKW_STANDIN_CRASH_STARTS`).
pub fn start_fault() -> Option<Fault> {
    let order = faults::variable("CRASH_STARTS")?;
    let how = faults::variable("CRASH_HOW")
        .and_then(|how| Fault::parse(&how))
        .unwrap_or(Fault::Crash(libc::SIGSEGV));
    faults::start_crashes(&order).then_some(how)
}

/// Ends the process, if the fault is one of those that do.
pub fn end_by(fault: &Fault) {
    match fault {
        Fault::Crash(signal) => faults::die_of(*signal),
        Fault::Exit(code) => std::process::exit(*code),
        _ => {}
    }
}

struct FakeSession {
    app: App,
    state: FakeStateFile,
    terminal: Terminal,
    painter: Painter,
    decoder: Decoder,
    slow: Duration,
    suspended: bool,
    kitty: bool,
    /// When a half-written state file is to be completed.
    whole_again: Option<Instant>,
    /// A fault that is to come.
    later: Option<(Instant, Fault)>,
}

/// Runs the session on the terminal until it ends; `fault` happens once the prompt is drawn.
///
/// # Errors
/// The terminal cannot be set up.
pub fn interactive(app: App, state: FakeStateFile, fault: Option<Fault>) -> io::Result<u8> {
    let signals = Signals::catch()?;
    let fullscreen = faults::switch("FULLSCREEN");
    let mut session = FakeSession {
        app,
        state,
        terminal: Terminal::enter(fullscreen)?,
        painter: Painter::new(fullscreen),
        decoder: Decoder::default(),
        slow: faults::milliseconds("SLOW_ECHO").unwrap_or_default(),
        suspended: false,
        kitty: false,
        whole_again: None,
        later: None,
    };
    if faults::switch("NO_STATE") || super::inherited_marker() {
        session.save(|state| state.set_writing(Writing::Never));
    }
    session.settle();
    for order in faults::variable("FAULT").as_deref().unwrap_or("").split(';') {
        if let Some(fault) = Fault::parse(order) {
            session.suffer(fault);
        }
    }
    if let Some(fault) = fault {
        session.suffer(fault);
    }
    loop {
        session.settle();
        let (keys, signalled) = wait(&signals, session.deadline(), session.suspended)?;
        if signalled {
            for signal in signals.take() {
                if let Some(code) = session.on_signal(signal) {
                    return Ok(session.end(code));
                }
            }
        }
        if keys && !session.read_keys() {
            return Ok(session.end(129));
        }
        if let Some(code) = session.tick() {
            return Ok(session.end(code));
        }
    }
}

/// Waits for keys (not while suspended), a signal, or `deadline`; which of the first two it was.
fn wait(signals: &Signals, deadline: Option<Instant>, suspended: bool) -> io::Result<(bool, bool)> {
    let timeout = match deadline {
        // Rounded up: a millisecond too early would spin until it is over.
        Some(at) => {
            let left = at.saturating_duration_since(Instant::now()).as_micros().div_ceil(1000);
            PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
        }
        None => PollTimeout::NONE,
    };
    let stdin = io::stdin();
    let mut fds =
        [PollFd::new(signals.as_fd(), PollFlags::POLLIN), PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
    let watched = if suspended { &mut fds[..1] } else { &mut fds[..] };
    match poll(watched, timeout) {
        Ok(_) => {
            let ready = |fd: &PollFd| fd.revents().is_some_and(|events| !events.is_empty());
            Ok((!suspended && ready(&fds[1]), ready(&fds[0])))
        }
        Err(Errno::EINTR) => Ok((false, true)),
        Err(error) => Err(error.into()),
    }
}

impl FakeSession {
    /// Brings file and screen up to date.
    fn settle(&mut self) {
        if self.app.view != FakeView::Trust {
            let facts = self.app.facts();
            self.save(|state| state.update(facts));
            let open = self.app.facts_of_conversation();
            if let Some(job) = &mut self.app.job
                && let Err(error) = job.update(&open.session_id, open.status, open.waiting_for)
            {
                self.app.print("● ", &format!("The job's files could not be written: {error}"));
            }
        }
        if !self.suspended {
            let size = self.terminal.size();
            let frame = draw::frame(&self.app, CLAUDE_VERSION, size);
            let bytes = self.painter.paint(frame, size);
            // A terminal that is gone is noticed where keys are read.
            let _ = self.terminal.write(&bytes);
        }
    }

    fn save(&mut self, write: impl FnOnce(&mut FakeStateFile) -> io::Result<()>) {
        if let Err(error) = write(&mut self.state) {
            self.app.print("● ", &format!("The state file could not be written: {error}"));
        }
    }

    fn deadline(&self) -> Option<Instant> {
        // What is half through is waited for in `tick`.
        let escape = self.decoder.is_pending().then(Instant::now);
        let later = self.later.as_ref().map(|(at, _)| *at);
        [self.app.deadline(), self.whole_again, later, escape].into_iter().flatten().min()
    }

    /// Reads once and acts on it; false when the terminal is gone.
    fn read_keys(&mut self) -> bool {
        let mut bytes = vec![0; 64 * 1024];
        match nix::unistd::read(io::stdin(), &mut bytes) {
            Ok(0) => return false,
            Ok(count) => bytes.truncate(count),
            Err(Errno::EINTR | Errno::EAGAIN) => return true,
            Err(_) => return false,
        }
        std::thread::sleep(self.slow);
        let inputs = self.decoder.feed(&bytes);
        self.act(inputs);
        true
    }

    fn act(&mut self, inputs: Vec<FakeInput>) {
        for input in inputs {
            if input == FakeInput::KittyFlags && !self.kitty {
                self.kitty = true;
                let _ = self.terminal.write("\x1b[>1u");
            }
            self.app.input(&input, Instant::now());
        }
    }

    /// Does what is due and what the keys asked for; the status to end with, if it ends.
    fn tick(&mut self) -> Option<u8> {
        let now = Instant::now();
        if self.decoder.is_pending() && self.quiet() {
            let inputs = self.decoder.flush();
            self.act(inputs);
        }
        if self.whole_again.is_some_and(|at| at <= now) {
            self.whole_again = None;
            self.save(|state| state.set_writing(Writing::Whole));
        }
        if let Some((_, fault)) = self.later.take_if(|(at, _)| *at <= now) {
            self.suffer(fault);
        }
        self.app.tick(now);
        for effect in std::mem::take(&mut self.app.effects) {
            match effect {
                Effect::Exit(code) => return Some(code),
                Effect::Suspend => self.suspend(),
                Effect::Fault(fault) => self.suffer(fault),
            }
        }
        None
    }

    /// Whether nothing more comes within the time that an Esc waits.
    fn quiet(&self) -> bool {
        let stdin = io::stdin();
        let mut fds = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
        let wait = PollTimeout::try_from(ESCAPE_WAIT).unwrap_or(PollTimeout::ZERO);
        poll(&mut fds, wait) == Ok(0)
    }

    fn on_signal(&mut self, signal: Signal) -> Option<u8> {
        match signal {
            Signal::SIGTERM => return Some(143),
            Signal::SIGHUP => return Some(129),
            Signal::SIGINT => return Some(0),
            Signal::SIGCONT => {
                self.suspended = false;
                self.kitty = false;
                self.painter.forget();
                let _ = self.terminal.resume();
            }
            // The next frame is laid out for the new size.
            _ => {}
        }
        None
    }

    /// Stops the whole process group, as ctrl-z does to a job. Where the kernel discards that stop (a session
    /// leader in an orphaned group), the session stays dead until it is continued, as the real one does.
    fn suspend(&mut self) {
        let _ = self.terminal.write(&self.painter.finish());
        let _ = self.terminal.suspend();
        let _ = self.terminal.write(SUSPENDED);
        self.suspended = true;
        let _ = kill(Pid::from_raw(0), Signal::SIGTSTP);
    }

    fn suffer(&mut self, fault: Fault) {
        end_by(&fault);
        // What was ordered leaves the prompt first, so that whoever ordered it can see it begin.
        self.settle();
        match fault {
            Fault::Crash(_) | Fault::Exit(_) => {}
            Fault::Drop(reason) => {
                let line = self.app.bridge.fail(&reason, Instant::now());
                self.app.print("● ", &line);
            }
            Fault::Lag => self.app.bridge.lags = true,
            Fault::BridgeFails(count) => self.app.bridge.manners.failures = count,
            Fault::HalfWritten(time) => {
                self.whole_again = Some(Instant::now() + time);
                self.save(|state| state.set_writing(Writing::Half));
            }
            Fault::NoState => self.save(|state| state.set_writing(Writing::Never)),
            Fault::Hang(Some(time)) => std::thread::sleep(time),
            Fault::Hang(None) => {
                std::thread::sleep(FOR_EVER);
                faults::die_of(libc::SIGKILL)
            }
            Fault::Flood(bytes) => self.flood(bytes),
            Fault::SlowEcho(delay) => self.slow = delay,
            Fault::Later(time, fault) => self.later = Some((Instant::now() + time, *fault)),
        }
    }

    /// Numbered lines of 64 bytes, the last one cut to the wanted length.
    fn flood(&mut self, bytes: usize) {
        let _ = self.terminal.write(&format!("{}\r\n", self.painter.finish()));
        let mut left = bytes;
        for number in 0_u64.. {
            let line = format!("flood {number:<56}\r\n");
            if left <= line.len() {
                let _ = self.terminal.write(&line[..left]);
                break;
            }
            left -= line.len();
            if self.terminal.write(&line).is_err() {
                break;
            }
        }
        let _ = self.terminal.write("\r\n");
        self.painter.forget();
    }

    /// A clean end: the file goes, the terminal is given back.
    fn end(&mut self, code: u8) -> u8 {
        self.state.remove();
        let _ = self.terminal.write(&self.painter.finish());
        let _ = self.terminal.leave();
        if code == 0 && self.app.transcript().exists() {
            let id = self.app.transcript().id();
            let hint = format!("\nResume this session with:\nclaude --resume {id}\n");
            let _ = self.terminal.write(&hint);
        } else {
            let _ = self.terminal.write("\n");
        }
        code
    }
}

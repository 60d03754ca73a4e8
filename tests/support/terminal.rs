//! A terminal: a thread that reads, shows and answers, and the hands of a user.

use std::fmt::Write as _;
use std::io::{PipeWriter, Write, pipe};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::{Arc, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::sys::termios::{LocalFlags, Termios};

use super::display::{Answers, Display, Screen};
use super::keys::Key;
use super::modes::Modes;
use super::process;
use super::pty::{self, Size, Started};
use super::pump::{self, Shared, State};
use super::wait::DEADLINE;

/// How to make a terminal.
#[derive(Clone, Copy, Debug)]
pub struct Builder {
    size: Size,
    answers: Answers,
    emulate: bool,
}

impl Builder {
    /// Rows and columns, with pixels to match; 40 by 120 unless told.
    pub fn size(self, rows: u16, columns: u16) -> Self {
        self.exact_size(Size::cells(rows, columns))
    }

    /// Rows, columns and pixels.
    pub fn exact_size(self, size: Size) -> Self {
        Self { size, ..self }
    }

    /// Which queries are answered; as xterm with the kitty keyboard unless told.
    pub fn answers(self, answers: Answers) -> Self {
        Self { answers, ..self }
    }

    /// Whether output is shown on a screen and its modes are followed; else it is only kept. On unless told.
    pub fn emulate(self, emulate: bool) -> Self {
        Self { emulate, ..self }
    }

    /// Opens the terminal and starts `command` as its session leader.
    pub fn spawn(self, command: Command) -> Terminal {
        let started = pty::start(self.size, command);
        Terminal::new(self, started)
    }

    /// The same for a command that was given to [`super::before_exec`] or has another argument 0, which
    /// [`Builder::spawn`] does not heed.
    pub fn fork(self, command: Command) -> Terminal {
        let started = pty::fork(self.size, command);
        Terminal::new(self, started)
    }
}

/// A terminal with a program in it.
pub struct Terminal {
    shared: Arc<Shared>,
    master: Option<Arc<OwnedFd>>,
    wake: PipeWriter,
    pump: Option<JoinHandle<()>>,
    path: PathBuf,
    pid: i32,
}

impl Terminal {
    /// A terminal to be made to measure.
    pub fn builder() -> Builder {
        Builder { size: Size::cells(40, 120), answers: Answers::Kitty, emulate: true }
    }

    /// A terminal as [`Terminal::builder`] makes it, with `command` in it.
    pub fn spawn(command: Command) -> Self {
        Self::builder().spawn(command)
    }

    fn new(how: Builder, started: Started) -> Self {
        let Started { master, path, child } = started;
        let pid = i32::try_from(child.id()).expect("a pid");
        let master = Arc::new(master);
        let display = Display::new(how.size, how.answers, how.emulate);
        let shared = Arc::new(Shared::new(State::new(display)));
        let (woken, wake) = pipe().expect("a pipe");
        let pump = {
            let (shared, master) = (Arc::clone(&shared), Arc::clone(&master));
            thread::spawn(move || pump::run(&shared, &master, woken))
        };
        pump::watch(child, Arc::clone(&shared));
        Self { shared, master: Some(master), wake, pump: Some(pump), path, pid }
    }

    /// The process that was started, the leader of the terminal's session.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// The device that programs see.
    pub fn path(&self) -> &Path {
        &self.path
    }

    // ---- the user's hands ----

    /// Sends `bytes` in one write as far as the kernel takes them, and the rest after it; waits until all are
    /// taken.
    #[track_caller]
    pub fn type_bytes(&mut self, bytes: &[u8]) {
        let sent = self.offer(bytes, DEADLINE);
        assert_eq!(sent, bytes.len(), "the program does not read\n{}", self.report());
    }

    /// Sends what is accepted of `bytes` within `time`, forgets the rest, and returns how many were accepted.
    pub fn offer(&mut self, bytes: &[u8], time: Duration) -> usize {
        let number = self.shared.lock().queue(bytes.to_vec());
        self.wake();
        let mut state = self.wait(Instant::now() + time, |state| !state.waits(number) || state.ended);
        match state.waiting.iter().position(|chunk| chunk.number == number) {
            Some(place) => state.waiting.remove(place).map_or(0, |chunk| chunk.sent),
            None => bytes.len(),
        }
    }

    /// Types text in one write.
    #[track_caller]
    pub fn type_text(&mut self, text: &str) {
        self.type_bytes(text.as_bytes());
    }

    /// Presses a key, in the encoding that the program has asked for.
    #[track_caller]
    pub fn press(&mut self, key: Key) {
        let bytes = key.encode(&self.modes());
        self.type_bytes(&bytes);
    }

    /// Pastes text: bracketed where the program has switched that on.
    #[track_caller]
    pub fn paste(&mut self, text: &str) {
        if self.modes().is_on(2004) {
            self.type_bytes(format!("\x1b[200~{text}\x1b[201~").as_bytes());
        } else {
            self.type_text(text);
        }
    }

    /// Changes the size of the window.
    pub fn resize(&mut self, size: Size) {
        let mut state = self.shared.lock();
        state.display.resize(size);
        pty::resize(self.master(), size);
    }

    /// Reads no more, as a terminal behind a dead link; the program blocks when the kernel's buffer is full.
    pub fn stop_reading(&mut self) {
        self.shared.lock().reading = false;
        self.wake();
    }

    /// Reads on after [`Terminal::stop_reading`].
    pub fn read_on(&mut self) {
        self.shared.lock().reading = true;
        self.wake();
    }

    /// Closes the terminal, as a closed window does: its session gets SIGHUP.
    pub fn hang_up(&mut self) {
        self.shared.lock().closing = true;
        self.wake();
        if let Some(pump) = self.pump.take() {
            pump.join().expect("the thread of the terminal");
        }
        self.master = None;
    }

    // ---- what there is to see ----

    /// What it shows now.
    pub fn screen(&self) -> Screen {
        self.shared.lock().display.screen()
    }

    /// What draws this screen on another terminal of the same size.
    pub fn drawn(&self) -> Vec<u8> {
        self.shared.lock().display.drawn()
    }

    /// All lines, those that have scrolled off the top too.
    pub fn history(&self) -> Vec<String> {
        self.shared.lock().display.history()
    }

    /// Which modes are on now.
    pub fn modes(&self) -> Modes {
        self.shared.lock().display.modes.clone()
    }

    /// Every byte of output so far (less those taken).
    pub fn output(&self) -> Vec<u8> {
        self.shared.lock().output.clone()
    }

    /// How many bytes of output have come, those taken too.
    pub fn output_length(&self) -> usize {
        let state = self.shared.lock();
        state.taken + state.output.len()
    }

    /// The output since the last call, which is then forgotten.
    pub fn take_output(&mut self) -> Vec<u8> {
        let mut state = self.shared.lock();
        let output = std::mem::take(&mut state.output);
        state.taken += output.len();
        output
    }

    /// The modes and attributes now, to be held against those of later: "left as it was".
    pub fn manners(&self) -> (Modes, Termios) {
        (self.modes(), self.attributes())
    }

    /// Waits until modes and attributes are as they were: a shell sets its own only after it has shown its
    /// prompt.
    #[track_caller]
    pub fn wait_for_manners(&mut self, before: &(Modes, Termios)) {
        self.try_wait_for(|screen| screen.modes == before.0);
        self.try_wait_for_attributes(|attributes| *attributes == before.1);
        assert_eq!(self.manners(), *before, "the terminal is not as it was\n{}", self.report());
    }

    /// Waits until the terminal echoes and edits lines, as a shell without a line editor needs it.
    #[track_caller]
    pub fn wait_for_canonical_mode(&mut self) {
        let cooked = LocalFlags::ICANON | LocalFlags::ECHO;
        let found = self.try_wait_for_attributes(|attributes| attributes.local_flags.contains(cooked));
        assert!(found, "the terminal stays raw\n{}", self.report());
    }

    /// No event tells of a change of the attributes.
    fn try_wait_for_attributes(&self, condition: impl Fn(&Termios) -> bool) -> bool {
        let end = Instant::now() + DEADLINE;
        while !condition(&self.attributes()) {
            if Instant::now() >= end {
                return false;
            }
            thread::yield_now();
        }
        true
    }

    /// The attributes of the terminal, as `stty` would see them.
    pub fn attributes(&self) -> Termios {
        pty::attributes(self.master())
    }

    // ---- waiting ----

    /// Waits until the screen satisfies `condition`, and returns that screen.
    #[track_caller]
    pub fn wait_for(&mut self, what: &str, condition: impl Fn(&Screen) -> bool) -> Screen {
        let mut found = None;
        drop(self.wait(Instant::now() + DEADLINE, |state| {
            found = Some(state.display.screen()).filter(&condition);
            found.is_some() || state.ended
        }));
        found.unwrap_or_else(|| panic!("waited in vain for {what}\n{}", self.report()))
    }

    /// Presses `key` until the screen satisfies `condition`, again each second: some programs take no key for
    /// a moment after a question has appeared.
    #[track_caller]
    pub fn press_until(&mut self, key: Key, what: &str, condition: impl Fn(&Screen) -> bool) -> Screen {
        let end = Instant::now() + DEADLINE;
        while Instant::now() < end {
            self.press(key);
            let again = Instant::now() + Duration::from_secs(1);
            if condition(&self.wait(again, |state| condition(&state.display.screen())).display.screen()) {
                break;
            }
        }
        self.wait_for(what, condition)
    }

    /// Waits until one line of the screen contains `text`.
    #[track_caller]
    pub fn wait_for_text(&mut self, text: &str) -> Screen {
        self.wait_for(&format!("{text:?}"), |screen| screen.contains(text))
    }

    /// Waits until `text` stands on the screen or in what has scrolled off its top, also over the end of a
    /// line.
    #[track_caller]
    pub fn wait_for_history(&mut self, text: &str) {
        // A row that was broken at a blank has lost it.
        let without_blanks = |text: &str| text.replace(' ', "");
        let wanted = without_blanks(text);
        let mut found = false;
        drop(self.wait(Instant::now() + DEADLINE, |state| {
            found = without_blanks(&state.display.history().concat()).contains(&wanted);
            found || state.ended
        }));
        assert!(found, "waited in vain for {text:?}\n{}", self.report());
    }

    /// Waits until the modes satisfy `condition`.
    #[track_caller]
    pub fn wait_for_modes(&mut self, what: &str, condition: impl Fn(&Modes) -> bool) -> Modes {
        let state =
            self.wait(Instant::now() + DEADLINE, |state| condition(&state.display.modes) || state.ended);
        let modes = state.display.modes.clone();
        drop(state);
        assert!(condition(&modes), "waited in vain for {what}: {modes:?}\n{}", self.report());
        modes
    }

    /// As [`Terminal::wait_for`], for a test that says itself what is wrong: whether it came true in time.
    pub fn try_wait_for(&mut self, condition: impl Fn(&Screen) -> bool) -> bool {
        let state =
            self.wait(Instant::now() + DEADLINE, |state| condition(&state.display.screen()) || state.ended);
        condition(&state.display.screen())
    }

    /// Waits until `length` bytes of output have come in all, those taken too.
    #[track_caller]
    pub fn wait_for_length(&mut self, length: usize, time: Duration) {
        let state = self
            .wait(Instant::now() + time, |state| state.taken + state.output.len() >= length || state.ended);
        let got = state.taken + state.output.len();
        drop(state);
        assert!(got >= length, "{got} of {length} bytes after {time:?}");
    }

    /// Waits until what `view` makes of the screen has not changed for `quiet`. For screens that have no mark
    /// of being complete; where there is one, wait for that.
    #[track_caller]
    pub fn wait_for_rest<T: PartialEq>(&mut self, quiet: Duration, view: impl Fn(&Screen) -> T) -> Screen {
        let end = Instant::now() + DEADLINE;
        let mut before = view(&self.screen());
        loop {
            let state = self
                .wait(Instant::now() + quiet, |state| state.ended || view(&state.display.screen()) != before);
            let screen = state.display.screen();
            drop(state);
            let now = view(&screen);
            if now == before {
                return screen;
            }
            before = now;
            assert!(Instant::now() < end, "the screen never rests\n{}", self.report());
        }
    }

    /// Waits until the session leader has ended, and returns how.
    #[track_caller]
    pub fn wait_for_exit(&mut self) -> ExitStatus {
        let state = self.wait(Instant::now() + DEADLINE, |state| state.exit.is_some());
        let exit = state.exit;
        drop(state);
        exit.unwrap_or_else(|| panic!("the program does not end\n{}", self.report()))
    }

    /// Whether the session leader ends within `time`.
    pub fn exits_within(&mut self, time: Duration) -> bool {
        self.wait(Instant::now() + time, |state| state.exit.is_some()).exit.is_some()
    }

    /// Waits until the session leader has ended and all output has been read, and returns how it ended.
    #[track_caller]
    pub fn finish(&mut self) -> ExitStatus {
        let exit = self.wait_for_exit();
        let ended = self.wait(Instant::now() + DEADLINE, |state| state.ended).ended;
        assert!(ended, "something still holds the terminal\n{}", self.report());
        exit
    }

    /// The screen and the last of the output, for a message.
    pub fn report(&self) -> String {
        let state = self.shared.lock();
        let mut text = String::new();
        if state.display.is_on() {
            let screen = state.display.screen();
            let _ = writeln!(text, "---- screen, cursor at {:?}:\n{}", screen.cursor, screen.text());
            let _ = writeln!(text, "---- modes: {:?}", state.display.modes.left_on());
        }
        let from = state.output.len().saturating_sub(600);
        let _ = writeln!(text, "---- last bytes: {}", state.output[from..].escape_ascii());
        let _ = write!(text, "---- ended: {}, exit: {:?}", state.ended, state.exit);
        text
    }

    fn master(&self) -> &Arc<OwnedFd> {
        self.master.as_ref().expect("a terminal that is not hung up")
    }

    fn wake(&self) {
        // A thread that has ended needs no waking.
        let _ = (&self.wake).write(&[0]);
    }

    fn wait(&self, end: Instant, done: impl FnMut(&mut State) -> bool) -> MutexGuard<'_, State> {
        self.shared.wait(end, done)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.hang_up();
        if self.shared.lock().exit.is_none() {
            process::signal(self.pid, Signal::SIGKILL);
        }
    }
}

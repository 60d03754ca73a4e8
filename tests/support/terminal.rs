//! A terminal: a thread that reads, shows and answers, and the hands of a user.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::sys::termios::Termios;
use nix::unistd::{read, write};

use super::display::{Answers, Display, Screen};
use super::keys::Key;
use super::modes::Modes;
use super::process;
use super::pty::{self, Pair, Size};
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
        Terminal::start(self, command)
    }
}

struct State {
    display: Display,
    output: Vec<u8>,
    taken: usize,
    reading: bool,
    closing: bool,
    ended: bool,
    waiting: VecDeque<Chunk>,
    queued: u64,
    exit: Option<ExitStatus>,
}

/// Input on its way to the program.
struct Chunk {
    number: u64,
    bytes: Vec<u8>,
    sent: usize,
}

impl State {
    fn queue(&mut self, bytes: Vec<u8>) -> u64 {
        self.queued += 1;
        self.waiting.push_back(Chunk { number: self.queued, bytes, sent: 0 });
        self.queued
    }

    fn waits(&self, number: u64) -> bool {
        self.waiting.iter().any(|chunk| chunk.number == number)
    }
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A test that panicked while it looked is no reason for the terminal to stop.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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

    fn start(how: Builder, command: Command) -> Self {
        let mut pair = pty::open(how.size);
        let child = pty::spawn(&mut pair, command);
        let pid = i32::try_from(child.id()).expect("a pid");
        let Pair { master, path, .. } = pair;
        let master = Arc::new(master);
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                display: Display::new(how.size, how.answers, how.emulate),
                output: Vec::new(),
                taken: 0,
                reading: true,
                closing: false,
                ended: false,
                waiting: VecDeque::new(),
                queued: 0,
                exit: None,
            }),
            changed: Condvar::new(),
        });
        let (woken, wake) = pipe().expect("a pipe");
        let pump = {
            let (shared, master) = (Arc::clone(&shared), Arc::clone(&master));
            thread::spawn(move || run(&shared, &master, woken))
        };
        watch(child, Arc::clone(&shared));
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

    /// All lines, those that have scrolled off the top too.
    pub fn history(&self) -> Vec<String> {
        self.shared.lock().display.history()
    }

    /// Which modes are on now.
    pub fn modes(&self) -> Modes {
        self.shared.lock().display.modes.clone()
    }

    /// The title of the window.
    pub fn title(&self) -> String {
        self.shared.lock().display.title.clone()
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

    /// Waits until one line of the screen contains `text`.
    #[track_caller]
    pub fn wait_for_text(&mut self, text: &str) -> Screen {
        self.wait_for(&format!("{text:?}"), |screen| screen.contains(text))
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

    /// Waits until `length` bytes of output have come in all, those taken too.
    #[track_caller]
    pub fn wait_for_length(&mut self, length: usize, time: Duration) {
        let state = self
            .wait(Instant::now() + time, |state| state.taken + state.output.len() >= length || state.ended);
        let got = state.taken + state.output.len();
        drop(state);
        assert!(got >= length, "{got} of {length} bytes after {time:?}");
    }

    /// Waits until what `view` makes of the screen has not changed for `quiet`. For screens that have no mark of
    /// being complete; where there is one, wait for that.
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

    fn wait(&self, end: Instant, mut done: impl FnMut(&mut State) -> bool) -> MutexGuard<'_, State> {
        let mut state = self.shared.lock();
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if done(&mut state) || left.is_zero() {
                return state;
            }
            state = self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
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

/// Waits for the child in a thread of its own, so that a wait for its end is one for a condition.
fn watch(mut child: Child, shared: Arc<Shared>) {
    thread::spawn(move || {
        let exit = child.wait().expect("the end of the child");
        shared.lock().exit = Some(exit);
        shared.changed.notify_all();
    });
}

/// The terminal's own loop: until it is hung up, or nobody has the slave any more.
fn run(shared: &Shared, master: &OwnedFd, mut woken: PipeReader) {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let mut interest = PollFlags::empty();
        {
            let state = shared.lock();
            if state.closing {
                return;
            }
            interest.set(PollFlags::POLLIN, state.reading && !state.ended);
            interest.set(PollFlags::POLLOUT, !state.waiting.is_empty() && !state.ended);
        }
        let mut events =
            [PollFd::new(woken.as_fd(), PollFlags::POLLIN), PollFd::new(master.as_fd(), interest)];
        // POLLHUP cannot be masked, so a terminal that is not read is not polled either.
        let watched = if interest.is_empty() { 1 } else { 2 };
        match poll(&mut events[..watched], PollTimeout::NONE) {
            Err(Errno::EINTR) => continue,
            result => result.expect("poll"),
        };
        let [wake, terminal] = events.map(|event| event.revents().unwrap_or(PollFlags::empty()));
        if wake.contains(PollFlags::POLLIN) {
            let _ = woken.read(&mut buffer);
        }
        if watched == 1 {
            continue;
        }
        if terminal.contains(PollFlags::POLLOUT) {
            send(shared, master);
        }
        if interest.contains(PollFlags::POLLIN)
            && terminal.intersects(PollFlags::POLLIN | PollFlags::POLLHUP | PollFlags::POLLERR)
        {
            receive(shared, master, &mut buffer);
        }
    }
}

fn send(shared: &Shared, master: &OwnedFd) {
    let mut state = shared.lock();
    let Some(chunk) = state.waiting.front_mut() else { return };
    if let Ok(count) = write(master, &chunk.bytes[chunk.sent..]) {
        chunk.sent += count;
    }
    if chunk.sent == chunk.bytes.len() {
        state.waiting.pop_front();
        shared.changed.notify_all();
    }
}

fn receive(shared: &Shared, master: &OwnedFd, buffer: &mut [u8]) {
    let result = read(master, buffer);
    let mut state = shared.lock();
    match result {
        Ok(0) | Err(Errno::EIO) => state.ended = true,
        Ok(count) => {
            state.output.extend_from_slice(&buffer[..count]);
            for reply in state.display.feed(&buffer[..count]) {
                state.queue(reply);
            }
        }
        Err(Errno::EAGAIN | Errno::EINTR) => return,
        Err(error) => panic!("reading the terminal: {error}"),
    }
    shared.changed.notify_all();
}

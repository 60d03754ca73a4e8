//! The way of claude's output: from the PTY to the terminal first, then to the mode tracker, then to the
//! screen model.

use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::os::fd_store::{FdStore, ReceivedFds, StoredFd};
use crate::os::io::{self as fd_io, Transfer};
use crate::os::moment;
use crate::os::poll::{Interest, Poll, Token};
use crate::os::raw_text;
use crate::vt::modes::ModeTracker;
use crate::vt::modes::scanner::SequenceScanner;
use crate::vt::query_responder::TerminalResponder;
use crate::vt::screen::Screen;
use crate::vt::title_hold::TitleHold;

/// Most bytes moved before everything else gets its turn.
const TURN: usize = 64 * 1024;

/// What a read of a PTY gives at most on Linux, however large the buffer (N_TTY_BUF_SIZE less one), in bytes.
const WHOLE_READ: usize = 4095;

/// A host that has not heard its client for so long was stopped, or held up: the client may have given its
/// terminal back.
const CLIENT_SILENCE: Duration = Duration::from_secs(1);

/// What a turn came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadProgress {
    /// So many bytes were read, and for now there are no more.
    Rested(usize),
    More,
    /// The terminal takes no more for now.
    Blocked,
    /// Nobody has the PTY open any more, and everything was read.
    Closed,
}

/// Moves claude's output.
pub struct Output {
    master: OwnedFd,
    closed: bool,
    terminal: Option<OwnedFd>,
    /// What was read and could not be written, from `written` on.
    pending: Vec<u8>,
    written: usize,
    buffer: Box<[u8]>,
    /// How much of the buffer was read last.
    last: usize,
    /// What is read goes to the models only, not to the terminal.
    pub model_only: bool,
    /// Since when the terminal has taken nothing, though something is pending.
    blocked_at: Option<Instant>,
    /// How long it may take nothing before it is passed over.
    pub stall_after: Duration,
    /// It is passed over.
    stalled: bool,
    /// Since when it has room again. It is drawn anew once the screen model has caught up.
    room_at: Option<Instant>,
    /// When this process last looked what its client wants.
    heard_at: Instant,
    /// What it is to take first when it takes something again, and its modes then.
    cut_off: Option<(Vec<u8>, ModeTracker)>,
    /// Keeps claude's titles from the terminal, while a notice stands there.
    title_hold: Option<TitleHold>,
    /// Answers claude where no terminal does.
    pub answerer: TerminalResponder,
    /// It does so now, and has followed the output that far.
    answering: bool,
    /// The modes of the terminal, after everything that was read.
    pub modes: ModeTracker,
    /// The screen, after everything that was read.
    pub screen: Screen,
}

/// The same as it is handed over to the program that goes on with it, but for the modes and the screen.
#[derive(Debug, Serialize, Deserialize)]
pub struct OutputState {
    master: StoredFd,
    #[serde(default)]
    closed: bool,
    #[serde(default)]
    terminal: Option<StoredFd>,
    /// What was read and could not be written.
    #[serde(with = "raw_text", default)]
    pending: Vec<u8>,
    /// The end of what was read last.
    #[serde(with = "raw_text", default)]
    last: Vec<u8>,
    #[serde(default)]
    model_only: bool,
    #[serde(with = "moment::option", default)]
    blocked_at: Option<Instant>,
    #[serde(default)]
    stalled: bool,
    #[serde(with = "moment::option", default)]
    room_at: Option<Instant>,
    #[serde(default)]
    cut_off: Option<CutOffState>,
    #[serde(default)]
    title_hold: Option<TitleHold>,
    #[serde(default)]
    answerer: TerminalResponder,
    #[serde(default)]
    answering: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct CutOffState {
    #[serde(with = "raw_text")]
    rest: Vec<u8>,
    modes: ModeTracker,
}

/// So many bytes of what was read last say whether a character was cut.
const LONGEST_CHARACTER: usize = 4;

impl Output {
    /// All that is needed to go on, but for the modes and the screen.
    pub fn hand_over(&self, fds: &FdStore) -> OutputState {
        let last = &self.buffer[..self.last];
        let cut_off =
            |(rest, modes): &(Vec<u8>, ModeTracker)| CutOffState { rest: rest.clone(), modes: modes.clone() };
        OutputState {
            master: fds.add(&self.master),
            closed: self.closed,
            terminal: self.terminal.as_ref().map(|terminal| fds.add(terminal)),
            pending: self.pending[self.written..].to_vec(),
            last: last[last.len().saturating_sub(LONGEST_CHARACTER)..].to_vec(),
            model_only: self.model_only,
            blocked_at: self.blocked_at,
            stalled: self.stalled,
            room_at: self.room_at,
            cut_off: self.cut_off.as_ref().map(cut_off),
            title_hold: self.title_hold.clone(),
            answerer: self.answerer.clone(),
            answering: self.answering,
        }
    }

    /// Goes on with what another program has handed over.
    ///
    /// # Errors
    /// When a descriptor is missing.
    pub fn take_over(
        state: OutputState,
        modes: ModeTracker,
        screen: Screen,
        fds: &ReceivedFds,
    ) -> io::Result<Self> {
        let terminal = state.terminal.map(|terminal| fds.get(terminal)).transpose()?;
        let mut output = Self::new(fds.get(state.master)?, terminal, screen);
        let last = state.last.len().min(LONGEST_CHARACTER);
        output.buffer[..last].copy_from_slice(&state.last[..last]);
        output.last = last;
        (output.closed, output.pending, output.modes) = (state.closed, state.pending, modes);
        output.model_only = state.model_only;
        // While one program took the place of the other, nobody could write: that time is not the terminal's.
        output.blocked_at = state.blocked_at.map(|_| Instant::now());
        (output.stalled, output.room_at) = (state.stalled, state.room_at);
        output.cut_off = state.cut_off.map(|CutOffState { rest, modes }| (rest, modes));
        output.title_hold = state.title_hold;
        (output.answerer, output.answering) = (state.answerer, state.answering);
        Ok(output)
    }

    /// Starts with a PTY whose output goes to `terminal`, if there is one; both must be non-blocking.
    pub fn new(master: OwnedFd, terminal: Option<OwnedFd>, screen: Screen) -> Self {
        Self {
            master,
            closed: false,
            terminal,
            pending: Vec::new(),
            written: 0,
            buffer: vec![0; 8192].into(),
            last: 0,
            model_only: false,
            blocked_at: None,
            stall_after: Duration::from_secs(3),
            stalled: false,
            room_at: None,
            heard_at: Instant::now(),
            cut_off: None,
            title_hold: None,
            answerer: TerminalResponder::default(),
            answering: false,
            modes: ModeTracker::default(),
            screen,
        }
    }

    /// The client has been heard: until now it wants this terminal to be written to.
    pub fn client_is_heard(&mut self) {
        self.heard_at = Instant::now();
    }

    /// Whether this process has not looked for so long what its client wants (it was stopped) that the
    /// terminal may be somebody else's by now.
    fn is_out_of_touch(&self) -> bool {
        self.heard_at.elapsed() > CLIENT_SILENCE
    }

    /// The PTY's master.
    pub fn master(&self) -> &OwnedFd {
        &self.master
    }

    /// Whether nobody has the PTY open any more, and everything was read.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether everything that was read is on the terminal.
    pub fn is_flushed(&self) -> bool {
        self.pending.len() == self.written
    }

    /// Adds what a turn waits for: room in the terminal while something is pending, else output to read.
    /// Nothing where neither can come.
    pub fn prepare(&self, poll: &mut Poll, reading: bool) -> Option<Token> {
        match &self.terminal {
            Some(terminal) if !self.is_flushed() => Some(poll.add(terminal, Interest::Writing)),
            _ if reading && !self.closed => Some(poll.add(&self.master, Interest::Reading)),
            _ => None,
        }
    }

    /// Writes what is pending, then reads and writes until there is no more, or the turn is over.
    ///
    /// `tell` is called before bytes are written that may change the terminal's modes.
    pub fn read_some(&mut self, reading: bool, mut tell: impl FnMut(&ModeTracker)) -> ReadProgress {
        if self.is_out_of_touch() {
            return ReadProgress::More;
        }
        self.write_pending();
        let mut moved = 0;
        loop {
            if !self.is_flushed() {
                return ReadProgress::Blocked;
            }
            if self.closed {
                return ReadProgress::Closed;
            }
            if !reading {
                return ReadProgress::Rested(moved);
            }
            if moved >= TURN {
                return ReadProgress::More;
            }
            match fd_io::read(&self.master, &mut self.buffer) {
                Transfer::Moved(count) => {
                    moved += count;
                    self.deliver(count, &mut tell);
                    if count < WHOLE_READ && self.is_flushed() {
                        // Asked once more it would have nothing, most likely; poll(2) knows.
                        return ReadProgress::Rested(moved);
                    }
                }
                Transfer::Blocked => return ReadProgress::Rested(moved),
                Transfer::Gone => self.closed = true,
            }
        }
    }

    /// Reads until nothing has come for `quiet`, or until `deadline`. What a process writes last before it
    /// stops is on its way through the kernel when the stop is seen.
    pub fn drain(&mut self, quiet: Duration, deadline: Instant, mut tell: impl FnMut(&ModeTracker)) {
        let mut poll = Poll::default();
        loop {
            poll.clear();
            let Some(place) = self.prepare(&mut poll, true) else { return };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || poll.wait(Some(quiet.min(left))).is_err() {
                return;
            }
            // A signal ends the wait too, and is then no sign of rest; but it is rare, and costs a message
            // its place.
            if !poll.is_ready(place) || self.read_some(true, &mut tell) == ReadProgress::Closed {
                return;
            }
        }
    }

    fn deliver(&mut self, count: usize, tell: &mut impl FnMut(&ModeTracker)) {
        self.last = count;
        let bytes = &self.buffer[..count];
        // As long as a terminal answers, nothing else has to follow the output for that.
        let position = (!self.answering).then(|| self.modes.position());
        if self.modes.feed(bytes) {
            tell(&self.modes);
        }
        let out_of_touch = self.is_out_of_touch();
        if let Some(terminal) = self.terminal.as_ref().filter(|_| !self.model_only && !self.stalled) {
            let passed = self.title_hold.as_mut().map(|hold| hold.pass(bytes));
            let bytes = passed.as_deref().unwrap_or(bytes);
            let outcome = if bytes.is_empty() {
                // A write of nothing says that it would block.
                Transfer::Moved(0)
            } else if out_of_touch {
                Transfer::Blocked
            } else {
                fd_io::write(terminal, bytes)
            };
            match outcome {
                Transfer::Moved(written) if written == bytes.len() => {}
                Transfer::Gone => self.terminal = None,
                partly => {
                    let written = if let Transfer::Moved(written) = partly { written } else { 0 };
                    keep(&mut self.pending, &mut self.written, &bytes[written..]);
                    self.blocked_at = Some(Instant::now());
                }
            }
        }
        if self.screen.is_nearly_full(count) && !self.modes.is_within() {
            self.screen.give_up();
        } else {
            self.screen.push(bytes);
        }
        self.answering = self.terminal.is_none();
        if self.answering {
            self.answer(count, position);
        }
    }

    /// Answers what claude has asked. With a position, that is where the output stood before, and nothing has
    /// followed it.
    fn answer(&mut self, count: usize, position: Option<SequenceScanner>) {
        let bytes = &self.buffer[..count];
        if let Some(position) = position {
            self.answerer.begin(position);
        }
        let screen = &mut self.screen;
        let answer = self.answerer.answer(bytes, &self.modes, || screen.cursor());
        if !answer.is_empty() {
            // What claude does not take now, it does not wait for either.
            fd_io::write(&self.master, &answer);
        }
    }

    /// When the terminal will have taken nothing for so long that it is passed over.
    pub fn stalls_at(&self) -> Option<Instant> {
        self.blocked_at.map(|at| at + self.stall_after)
    }

    /// Passes over a terminal that takes nothing, so that claude goes on. It is drawn anew when it takes
    /// something.
    pub fn pass_over(&mut self) {
        // No more was read than this, so behind it the terminal is where the modes are now.
        self.cut_off = Some((self.pending[self.written..].to_vec(), self.modes.clone()));
        self.discard_pending();
        self.stalled = true;
    }

    /// Adds the wait for room in a terminal that was passed over.
    pub fn prepare_room(&self, poll: &mut Poll) -> Option<Token> {
        let terminal = self.terminal.as_ref().filter(|_| self.stalled)?;
        Some(poll.add(terminal, Interest::Writing))
    }

    /// For how long the terminal that was passed over has had room again, as far as anybody looked.
    pub fn has_had_room(&mut self) -> Duration {
        self.room_at.get_or_insert_with(Instant::now).elapsed()
    }

    /// The terminal that was passed over has room again: it gets what it missed.
    pub fn catch_up(&mut self) {
        self.stalled = false;
        self.room_at = None;
        if let Some((rest, modes)) = self.cut_off.take() {
            // What is on there is undone first: switched on once more, a keyboard's flags would have to be
            // undone twice.
            self.write(&rest);
            self.write(modes.undo().as_bytes());
        }
        // It may have been left within a sequence.
        self.write(b"\x18");
        let redraw = self.screen.redraw(&self.modes);
        self.write(&redraw);
    }

    /// A terminal that was passed over is left, and may have room soon: it gets the rest of what claude wrote
    /// until then. Gives what undoes the modes of that moment, or nothing where it was not passed over.
    pub fn end_passing_over(&mut self) -> Option<String> {
        self.stalled = false;
        self.room_at = None;
        let (rest, modes) = self.cut_off.take()?;
        self.write(&rest);
        Some(modes.undo())
    }

    /// How many bytes are not on the terminal yet.
    pub fn unwritten(&self) -> usize {
        self.pending.len() - self.written
    }

    fn write_pending(&mut self) {
        while !self.is_flushed() {
            let Some(terminal) = &self.terminal else {
                self.written = self.pending.len();
                break;
            };
            match fd_io::write(terminal, &self.pending[self.written..]) {
                Transfer::Moved(written) => {
                    self.written += written;
                    self.blocked_at = Some(Instant::now());
                }
                Transfer::Blocked => {
                    self.blocked_at.get_or_insert_with(Instant::now);
                    return;
                }
                Transfer::Gone => self.terminal = None,
            }
        }
        self.discard_pending();
    }

    /// Gives up what was read and is not on the terminal.
    pub fn discard_pending(&mut self) {
        self.pending.clear();
        self.written = 0;
        self.blocked_at = None;
    }

    /// Writes bytes of cckw's own, after everything that is pending. What they switch is not claude's doing,
    /// and is not tracked.
    pub fn write(&mut self, bytes: &[u8]) {
        if self.terminal.is_some() && !self.stalled && !bytes.is_empty() {
            keep(&mut self.pending, &mut self.written, bytes);
            self.write_pending();
        }
    }

    /// Whether bytes of cckw's own would be shown now, and would stand between two sequences and two
    /// characters of claude's.
    pub fn is_between(&self) -> bool {
        let cut = is_cut(&self.buffer[..self.last]);
        self.is_flushed() && !cut && !self.model_only && !self.stalled && self.modes.is_between()
    }

    /// Keeps claude's titles from the terminal from here on. The stream must stand between two sequences.
    pub fn hold_titles(&mut self) {
        self.title_hold.get_or_insert_default();
    }

    /// Lets claude's titles go to the terminal again.
    pub fn let_titles_go(&mut self) {
        self.title_hold = None;
    }

    /// Waits until everything is on the terminal, at most until `deadline`.
    pub fn flush(&mut self, deadline: Instant) {
        let mut poll = Poll::default();
        loop {
            self.write_pending();
            poll.clear();
            let Some(_) = self.prepare(&mut poll, false) else { return };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || poll.wait(Some(left)).is_err() {
                return;
            }
        }
    }

    pub fn terminal(&self) -> Option<&OwnedFd> {
        self.terminal.as_ref()
    }

    /// Writes to this terminal from now on.
    pub fn take_terminal(&mut self, terminal: OwnedFd) {
        self.discard_pending();
        self.let_titles_go();
        self.terminal = Some(terminal);
        self.model_only = false;
        self.stalled = false;
        self.room_at = None;
        self.cut_off = None;
    }

    /// Reads from this PTY from now on. What the last program on the other one had switched on is undone by
    /// now.
    pub fn take_master(&mut self, master: OwnedFd) {
        self.master = master;
        self.closed = false;
        // Where the last stream was cut off does not matter for the next one.
        self.title_hold = self.title_hold.take().map(|_| TitleHold::default());
        self.screen.push(self.modes.undo().as_bytes());
        self.modes = ModeTracker::default();
    }

    /// Writes bytes of cckw's own that change what the terminal shows, or will show.
    pub fn say(&mut self, text: &str) {
        self.write(text.as_bytes());
        self.screen.push(text.as_bytes());
    }

    /// Lets go of the terminal as [`Output::leave_terminal`] does, and gives it back.
    pub fn release_terminal(&mut self) -> Option<OwnedFd> {
        self.discard_pending();
        self.let_titles_go();
        self.terminal.take()
    }

    /// Lets go of the terminal; output is read on, so that claude is not held up.
    pub fn leave_terminal(&mut self) {
        self.discard_pending();
        self.let_titles_go();
        self.terminal = None;
    }
}

/// Whether the bytes end within a character of UTF-8.
fn is_cut(bytes: &[u8]) -> bool {
    let tail = &bytes[bytes.len().saturating_sub(4)..];
    let Some(first) = tail.iter().rposition(|byte| byte & 0xc0 != 0x80) else { return false };
    let length = match tail[first] {
        0xf0.. => 4,
        0xe0.. => 3,
        0xc0.. => 2,
        _ => 1,
    };
    tail.len() - first < length
}

fn keep(pending: &mut Vec<u8>, written: &mut usize, bytes: &[u8]) {
    if *written == pending.len() {
        pending.clear();
        *written = 0;
    }
    pending.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_that_is_not_whole_is_found() {
        for text in ["", "a", "é", "a─", "x🦀", "─a"] {
            assert!(!is_cut(text.as_bytes()), "{text}");
        }
        for text in ["é", "a─", "──", "x🦀", "🦀🦀"] {
            let bytes = text.as_bytes();
            let last = text.chars().last().map_or(0, char::len_utf8);
            for missing in 1..last {
                assert!(is_cut(&bytes[..bytes.len() - missing]), "{text} less {missing}");
            }
        }
        assert!(!is_cut(b"\x80\x80\x80\x80\x80"));
    }
}

//! The show: what the scenes are played with.

use std::cell::RefCell;
use std::env;
use std::io::{self, Read};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use super::audience::{Audience, Picture};
use super::scratch::Scratch;
use super::stage::{self, Stage};
use crate::os::poll::{Interest, Poll};
use crate::os::signal_pipe::SignalPipe;
use crate::registry::record::{Record, SessionState};

/// How long one step may take. None of them needs two seconds.
const STEP_TIMEOUT: Duration = Duration::from_secs(30);

/// How often what no descriptor tells of is looked at: records, and processes.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Between two keys, for somebody who watches.
const KEY_INTERVAL: Duration = Duration::from_millis(35);
/// Between the last key and Enter, and between what was entered and the next thing.
const BREATH: Duration = Duration::from_millis(300);
/// Before a scene is played, and after: the time to read what it is about, and to see what came of it.
const BEFORE: Duration = Duration::from_millis(700);
const AFTER: Duration = Duration::from_millis(1200);

/// In columns: where claude's footer has room for everything.
const FOOTER: u16 = 64;

/// A shell without the habits of any: it asks for a line, runs it with job control, and asks again.
const SHELL: &str = "\
set -m
while printf '$ ' && read -r line; do eval \"$line\"; done
";

/// Why a show ended before its end.
pub enum Trouble {
    /// What a scene claims did not happen: why, and the screen at that moment.
    Missed(String, String),
    /// Somebody had enough: this signal.
    Signal(i32),
}

/// The signals that end a show, interrupt it, or change what it is drawn on, noted instead of what they would
/// do.
///
/// # Errors
/// When the system refuses.
pub fn signals() -> io::Result<SignalPipe> {
    use libc::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH};
    SignalPipe::install(&[SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGCONT, SIGWINCH])
}

/// One thing that happens, and why it matters.
pub struct Scene {
    /// What happens.
    pub title: &'static str,
    /// Why it matters, in a sentence or two.
    pub why: &'static str,
    /// Does it, and holds what comes of it against what is claimed.
    pub play: fn(&mut Show) -> Result<(), Trouble>,
}

/// A stage, somebody who watches, and what happens between them.
pub struct Show<'a> {
    /// Where it takes place.
    pub scratch: &'a Scratch,
    audience: Audience,
    signals: SignalPipe,
    stage: Option<Stage>,
    label: &'static str,
    /// How often claude was to crash so far. Once more is no part of the show.
    crashes: u32,
    /// The record of the session, as a scene left it to a later one.
    pub before: Option<Record>,
    /// The screen, likewise.
    pub screen: String,
}

impl<'a> Show<'a> {
    /// Before the first scene.
    pub fn new(scratch: &'a Scratch, audience: Audience, signals: SignalPipe) -> Self {
        let (stage, label, screen) = (None, "", String::new());
        Self { scratch, audience, signals, stage, label, crashes: 0, before: None, screen }
    }

    /// Plays a scene, shown as the one with this number.
    pub fn play(&mut self, number: usize, scene: &Scene) -> Result<(), Trouble> {
        self.audience.begin(number, scene.title, scene.why);
        self.look();
        self.pause(BEFORE)?;
        (scene.play)(self)?;
        self.look_closely()
    }

    /// Tells of something that is not to be seen on the stage.
    pub fn note(&mut self, text: &str) {
        self.audience.note(text);
        self.look();
    }

    /// Opens a terminal with a shell in it.
    pub fn open_terminal(&mut self, label: &'static str) -> Result<(), Trouble> {
        let mut command = Command::new("sh");
        command.args(["-c", SHELL]);
        self.scratch.furnish(&mut command);
        if env::var_os("TERM").is_none_or(|term| term == "dumb" || term.is_empty()) {
            command.env("TERM", "xterm-256color");
        }
        let (rows, columns) = self.audience.stage();
        self.stage = None;
        let stage = Stage::start(&command, rows, columns, self.scratch.path(stage::FIFO));
        self.stage = Some(stage.map_err(|error| self.missed(format!("no terminal: {error}")))?);
        self.label = label;
        self.until("a shell", |show| show.text() == "$")
    }

    /// Closes the terminal under whatever runs in it.
    pub fn close_terminal(&mut self) {
        self.stage = None;
        self.label = "no terminal";
        self.look();
    }

    /// Types words, and waits until they stand in the last line that is not a footer.
    pub fn type_text(&mut self, text: &str) -> Result<(), Trouble> {
        if self.audience.is_there() {
            for key in text.chars() {
                self.press(key.encode_utf8(&mut [0; 4]))?;
                self.pause(KEY_INTERVAL)?;
            }
        } else {
            self.press(text)?;
        }
        self.until("what was typed", |show| show.unwrapped().contains(text))
    }

    /// Types a command at the shell, or a prompt, and presses Enter.
    pub fn enter(&mut self, text: &str) -> Result<(), Trouble> {
        self.type_text(text)?;
        self.breath()?;
        self.press("\r")
    }

    /// The short stop between two things that somebody types.
    pub fn breath(&mut self) -> Result<(), Trouble> {
        self.pause(BREATH)
    }

    /// Presses keys.
    pub fn press(&mut self, keys: &str) -> Result<(), Trouble> {
        let sent = match &mut self.stage {
            Some(stage) => stage.send(keys),
            None => Err(io::ErrorKind::NotConnected.into()),
        };
        sent.map_err(|error| self.missed(format!("the keys were not taken: {error}")))
    }

    /// Lets whoever watches have a good look at the stage, before the scene goes on.
    pub fn look_closely(&mut self) -> Result<(), Trouble> {
        let picture = self.picture();
        self.audience.look_closely(&picture);
        self.pause(AFTER)
    }

    /// The same, for what was seen before.
    pub fn glance(&mut self) -> Result<(), Trouble> {
        let picture = self.picture();
        self.audience.look_closely(&picture);
        self.breath()
    }

    /// What the screen shows, line by line.
    pub fn text(&self) -> String {
        self.stage.as_ref().map_or_else(String::new, Stage::text)
    }

    /// The same, with lines that were too long in one piece.
    pub fn unwrapped(&self) -> String {
        self.stage.as_ref().map_or_else(String::new, Stage::unwrapped)
    }

    /// Whether claude's prompt is there, with nothing in it and nothing going on above it.
    pub fn at_rest(&self) -> bool {
        let text = self.text();
        text.lines().any(|line| line == "❯") && !text.contains("Working")
    }

    /// Whether claude's footer has these words at its right end, or no room for them.
    pub fn footer_says(&self, words: &str) -> bool {
        self.audience.stage().1.get() < FOOTER || self.text().contains(words)
    }

    /// Waits until it holds. `what` says in words what that is.
    pub fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) -> Result<(), Trouble> {
        let deadline = Instant::now() + STEP_TIMEOUT;
        loop {
            // First what is there: when the demo itself was stopped, the time is over and all has come.
            while self.tick(Instant::now())?.drawn {}
            if holds(self) {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(self.missed(format!("waited in vain for {what}")));
            }
            if self.stage.as_ref().is_some_and(|stage| stage.source().is_none()) {
                return Err(self.missed(format!("the terminal's shell ended before {what}")));
            }
            self.watch_for_crashes()?;
            self.tick(Instant::now() + POLL_INTERVAL)?;
        }
    }

    /// Waits until the session's record is as wanted, and returns it.
    pub fn record(&mut self, what: &str, wanted: impl Fn(&Record) -> bool) -> Result<Record, Trouble> {
        let scratch = self.scratch;
        self.found(what, || scratch.record().filter(|record| wanted(record)))
    }

    /// The same for the session with this name.
    pub fn record_of(
        &mut self,
        name: &str,
        what: &str,
        wanted: impl Fn(&Record) -> bool,
    ) -> Result<Record, Trouble> {
        let scratch = self.scratch;
        self.found(what, || scratch.record_of(name).filter(|record| wanted(record)))
    }

    fn found(&mut self, what: &str, look: impl Fn() -> Option<Record>) -> Result<Record, Trouble> {
        // As it was in that moment: should it be another one a moment later, the next step will say so.
        let found = RefCell::new(None);
        self.until(what, |_| {
            *found.borrow_mut() = look();
            found.borrow().is_some()
        })?;
        found.into_inner().ok_or_else(|| self.missed(format!("it did not stay: {what}")))
    }

    /// Claude is about to crash, as it should.
    pub fn crash_ahead(&mut self) {
        self.crashes += 1;
    }

    /// A claim that does not need to be waited for.
    pub fn claim(&mut self, what: &str, holds: bool) -> Result<(), Trouble> {
        if holds { Ok(()) } else { Err(self.missed(format!("this does not hold: {what}"))) }
    }

    /// Waits until the terminal's shell has ended, and all that it wrote was seen.
    pub fn end(&mut self) -> Result<ExitStatus, Trouble> {
        let deadline = Instant::now() + STEP_TIMEOUT;
        loop {
            if let Some(status) = self.stage.as_mut().and_then(Stage::ended) {
                return Ok(status);
            }
            if Instant::now() >= deadline {
                return Err(self.missed("waited in vain for the shell to end".into()));
            }
            self.tick(Instant::now() + POLL_INTERVAL)?;
        }
    }

    /// Lets whoever watches watch; whoever does not, waits for nothing.
    pub fn pause(&mut self, time: Duration) -> Result<(), Trouble> {
        let end = Instant::now() + time;
        while self.audience.is_there() && Instant::now() < end {
            if self.tick(end)?.key {
                break;
            }
        }
        Ok(())
    }

    fn watch_for_crashes(&mut self) -> Result<(), Trouble> {
        let crashed = |record: &Record| match record.state {
            SessionState::Restarting | SessionState::Crashed => record.restarts >= self.crashes,
            _ => record.restarts > self.crashes,
        };
        if self.scratch.record().is_some_and(|record| crashed(&record)) {
            return Err(self.missed("claude crashed by itself".into()));
        }
        Ok(())
    }

    fn missed(&self, why: String) -> Trouble {
        Trouble::Missed(why, self.text())
    }

    fn picture(&self) -> Picture {
        let coloured = self.stage.as_ref().map(Stage::coloured).unwrap_or_default();
        Picture { label: self.label, text: self.text(), coloured }
    }

    fn look(&mut self) {
        let picture = self.picture();
        self.audience.look(&picture);
    }

    /// Waits for whatever comes, until then at the latest, and takes it in.
    fn tick(&mut self, until: Instant) -> Result<Came, Trouble> {
        let mut poll = Poll::default();
        let signal = poll.add(&self.signals, Interest::Reading);
        let output =
            self.stage.as_ref().and_then(Stage::source).map(|source| poll.add(source, Interest::Reading));
        let keys = self.audience.is_there().then(|| poll.add(io::stdin(), Interest::Reading));
        let left = until.saturating_duration_since(Instant::now());
        poll.wait(Some(left)).map_err(|error| self.missed(format!("cannot wait: {error}")))?;
        let drawn = output.is_some_and(|output| poll.is_ready(output));
        let key = keys.is_some_and(|keys| poll.is_ready(keys)) && a_key();
        if poll.is_ready(signal) {
            self.heed_signals()?;
        }
        if let Some(stage) = self.stage.as_mut().filter(|_| drawn) {
            stage.take_in();
            self.look();
        }
        Ok(Came { drawn, key })
    }

    fn heed_signals(&mut self) -> Result<(), Trouble> {
        for signal in self.signals.pending() {
            match signal {
                libc::SIGTSTP => {
                    self.audience.leave();
                    let _ = signal_hook::low_level::emulate_default_handler(signal);
                    self.audience.come_back();
                    self.look();
                }
                libc::SIGWINCH | libc::SIGCONT => self.look(),
                signal => return Err(Trouble::Signal(signal)),
            }
        }
        Ok(())
    }
}

/// What a wait has brought.
struct Came {
    /// Output, or its end.
    drawn: bool,
    /// A key of whoever watches.
    key: bool,
}

/// Takes the keys that were pressed. A terminal that is gone has none: then its hang-up is on the way.
fn a_key() -> bool {
    io::stdin().read(&mut [0; 64]).is_ok_and(|count| count > 0)
}

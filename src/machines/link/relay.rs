//! The near side's loop: keys to the far side, output to the terminal, and what the state machine says in between.

mod far_side;
mod first_connection;
mod screen;
mod typing;

use std::fs::File;
use std::io;
use std::time::{Duration, Instant};

use super::super::failure::Failure;
use super::super::ssh::Settings;
use super::super::store::Machine;
use super::arrived::Arrived;
use super::connection::Connection;
use super::near_terminal::NearTerminal;
use super::state::{Action, KeyUse, LinkEvent, LinkState};
use super::words;
use crate::client::backpressure::{Backpressure, KeyAdmission};
use crate::client::keys::KeyQueue;
use crate::config::DetachKey;
use crate::os::poll::{Interest, Poll};
use crate::os::signal_pipe::SignalPipe;
use crate::os::{clock, tty};
use crate::protocol::markers::ToFar;
use crate::vt::input_parser::InputParser;
use first_connection::FirstConnection;

/// How long the rest of an escape sequence may take to come.
const SEQUENCE_TIMEOUT: Duration = Duration::from_millis(30);
/// Who sleeps for so long longer than wanted was stopped, or the machine was asleep.
const OVERSLEPT: Duration = Duration::from_secs(5);
/// The most that is kept of what is typed before the session is there, in bytes.
const MAX_EARLY_BYTES: usize = 64 << 10;
/// After so long without a word of ssh or of the far side, the user is told what is waited for.
const SLOW_AFTER: Duration = Duration::from_secs(2);

/// The near side of a link.
pub struct Relay {
    machine: Machine,
    settings: Settings,
    terminal: NearTerminal,
    signals: SignalPipe,
    state: LinkState,
    connection: Option<Connection>,
    /// What the session is asked for by: what the user has typed, and then its id.
    session: Option<String>,
    /// What to type to attach it again.
    word: String,
    detach_key: DetachKey,
    /// The user answers ssh's questions.
    attended: bool,
    parser: InputParser,
    keys: KeyQueue,
    backpressure: Backpressure,
    /// What was typed before the session was there.
    early: Vec<u8>,
    /// A ping waits among the keys.
    ping_waits: bool,
    /// Bytes that were typed and given up.
    dropped: usize,
    /// Why the last connection was not made.
    failure: Option<Failure>,
    /// The same as it was last said.
    said: Option<String>,
    /// Which keys have arrived on the link that is there.
    arrived: Arrived,
    /// What ssh has said last.
    last_words: Option<String>,
    /// What the far side has said without a session.
    held: Vec<u8>,
    /// The line that counts, as it stands there.
    counted: Option<(Option<u64>, u64)>,
    /// What the user sees while the first connection is made.
    first: FirstConnection,
    /// When the last wait was over.
    seen: Duration,
    input: Box<[u8]>,
    output: Box<[u8]>,
    poll: Poll,
    status: Option<u8>,
}

impl Relay {
    /// Takes the terminal.
    ///
    /// # Errors
    /// When it is gone, or the system is out of descriptors.
    pub fn new(
        tty: File,
        machine: Machine,
        settings: Settings,
        session: Option<String>,
        detach_key: DetachKey,
    ) -> io::Result<Self> {
        use libc::{SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH};
        let signals =
            SignalPipe::install(&[SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGCONT, SIGTSTP, SIGWINCH, SIGCHLD])?;
        let now = clock::with_sleep();
        let word = format!("{}:{}", machine.prefix(), session.as_deref().unwrap_or_default());
        Ok(Self {
            terminal: NearTerminal::take(tty)?,
            machine,
            settings,
            signals,
            state: LinkState::new(now),
            connection: None,
            session,
            word,
            detach_key,
            attended: true,
            parser: parser(detach_key),
            keys: KeyQueue::default(),
            backpressure: Backpressure::default(),
            early: Vec::new(),
            ping_waits: false,
            dropped: 0,
            failure: None,
            said: None,
            arrived: Arrived::default(),
            last_words: None,
            held: Vec::new(),
            counted: None,
            first: FirstConnection::Silent { slow_at: now + SLOW_AFTER },
            seen: now,
            input: vec![0; 8 << 10].into(),
            output: vec![0; 64 << 10].into(),
            poll: Poll::default(),
            status: None,
        })
    }

    /// Passes everything on until the session is left. Gives the status to exit with.
    pub fn run(mut self) -> u8 {
        self.connect(true);
        loop {
            if let Some(status) = self.status {
                return status;
            }
            self.turn();
        }
    }

    /// Waits for something, and acts on it.
    fn turn(&mut self) {
        self.backpressure.note(self.keys.level(), Instant::now());
        self.count_down();
        self.note_slow_connection();
        let mut poll = std::mem::take(&mut self.poll);
        poll.clear();
        let wants_keys = self.wants_keys();
        let typed = wants_keys.then(|| poll.add(self.terminal.tty(), Interest::Reading));
        let interest = self.interest();
        let far = match (&self.connection, interest) {
            (Some(connection), Some(interest)) => Some(poll.add(connection.master(), interest)),
            _ => None,
        };
        let room = self.terminal.is_blocked().then(|| poll.add(self.terminal.tty(), Interest::Writing));
        let signals = poll.add(&self.signals, Interest::Reading);
        let wait = self.wait();
        let holding = self.parser.is_holding();
        if poll.wait(wait).is_err() {
            // Out of memory for a moment, at worst.
            std::thread::sleep(Duration::from_millis(5));
        }
        let now = clock::with_sleep();
        let slept = now.saturating_sub(std::mem::replace(&mut self.seen, now));
        let ready = |token| poll.is_ready(token);
        let (typed, far, room, signals) =
            (typed.is_some_and(ready), far.is_some_and(ready), room.is_some_and(ready), ready(signals));
        self.poll = poll;
        if wait.is_some_and(|wait| slept.saturating_sub(wait) >= OVERSLEPT) {
            self.tell(LinkEvent::Woke(slept));
        }
        if signals {
            self.hear_signals();
        }
        if far {
            self.move_far();
        }
        if room {
            self.terminal.flush();
            self.note_blocked();
        }
        // Before the keys: those that are typed into a dead link are for nobody.
        if self.state.deadline().is_some_and(|deadline| deadline <= now) {
            self.tell(LinkEvent::Tick);
        }
        if typed && self.wants_keys() {
            self.read_keys();
        } else if holding {
            let (held, _) = self.parser.flush();
            self.pass_on(&held);
        }
    }

    /// Takes note of something, and does what follows.
    fn tell(&mut self, event: LinkEvent) {
        for action in self.state.handle(event, clock::with_sleep()) {
            self.act(action);
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Connect { attended } => self.connect(attended),
            Action::Kill => self.end_ssh(),
            Action::Ping(number) => self.ping(number),
            Action::Resume(number) => self.say_to_far_side(&ToFar::Resumed(number)),
            Action::Detach => self.say_to_far_side(&ToFar::Detach),
            Action::Lost(loss) => self.lost(loss),
            Action::NotConnected => self.not_connected(),
            Action::Back => {
                let text = words::back(self.machine.name.as_str(), self.state.discarded());
                self.terminal.say(&text);
                (self.said, self.failure) = (None, None);
            }
            Action::Suspend(signal) => self.suspend(signal),
            Action::Leave(how) => self.leave(how),
        }
    }

    /// What is waited for at the far side.
    fn interest(&self) -> Option<Interest> {
        match (!self.terminal.is_blocked(), self.keys.want_room()) {
            (true, true) => Some(Interest::Both),
            (true, false) => Some(Interest::Reading),
            (false, true) => Some(Interest::Writing),
            (false, false) => None,
        }
    }

    fn wants_keys(&self) -> bool {
        !self.terminal.is_gone()
            && match self.state.key_use() {
                KeyUse::Pass => self.backpressure.input() != KeyAdmission::Wait,
                KeyUse::Wait => false,
                KeyUse::Keep => self.early.len() < MAX_EARLY_BYTES,
                KeyUse::Control => true,
            }
    }

    /// How long to wait at most.
    fn wait(&self) -> Option<Duration> {
        let now = clock::with_sleep();
        let deadline = self.state.deadline().map(|deadline| deadline.saturating_sub(now));
        let sequence = self.parser.is_holding().then_some(SEQUENCE_TIMEOUT);
        let due = self.backpressure.deadline().map(|due| due.saturating_duration_since(Instant::now()));
        // The countdown changes with each second that is left.
        let second = deadline.filter(|_| self.counted.is_some()).map(|left| {
            let over = Duration::from_nanos(u64::from(left.subsec_nanos()));
            over + Duration::from_millis(1)
        });
        let slow = self.first.slow_at().map(|at| at.saturating_sub(now));
        deadline.into_iter().chain(sequence).chain(due).chain(second).chain(slow).min()
    }

    fn hear_signals(&mut self) {
        for number in self.signals.pending() {
            match number {
                libc::SIGWINCH => self.resize(),
                // An ssh that has ended, which its terminal tells, most often.
                libc::SIGCHLD => {
                    if !self.terminal.is_blocked() {
                        self.hear();
                    }
                }
                libc::SIGCONT => self.continued(),
                libc::SIGTSTP => self.tell(LinkEvent::Stopped(libc::SIGTSTP)),
                number => {
                    if number == libc::SIGHUP && tty::size(self.terminal.tty()).is_err() {
                        self.terminal.set_gone();
                    }
                    self.tell(LinkEvent::Told(number));
                }
            }
        }
    }
}

fn parser(detach_key: DetachKey) -> InputParser {
    match detach_key {
        DetachKey::Backslash => InputParser::default(),
        DetachKey::None => InputParser::passive(),
    }
}

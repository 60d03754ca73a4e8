//! The near side's loop: keys to the far side, output to the terminal, and what the state machine says in between.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use uuid::Uuid;

use super::super::failure::Failure;
use super::super::ssh::Settings;
use super::super::store::Machine;
use super::super::wire::{self, PROTOCOL};
use super::connection::{Connection, Heard, Manner};
use super::keys;
use super::near_terminal::NearTerminal;
use super::request::AttachRequest;
use super::state::{
    ATTENDED_TIMEOUT, Action, CONNECT_TIMEOUT, End, KeyUse, Leave, LinkEvent, LinkState, Loss,
};
use super::words;
use crate::client::backpressure::{Backpressure, KeyAdmission};
use crate::client::keys::KeyQueue;
use crate::client::{complain, stop_for_terminal};
use crate::config::DetachKey;
use crate::os::io as nonblocking;
use crate::os::io::Transfer;
use crate::os::poll::{Interest, Poll};
use crate::os::signal_pipe::SignalPipe;
use crate::os::{clock, kill, signals, tty};
use crate::protocol::markers::{Hello, ToFar, ToNear};
use crate::user_error::machine::NOT_REACHED;
use crate::vt::input_parser::InputParser;

/// How long the rest of an escape sequence may take to come.
const SEQUENCE_TIMEOUT: Duration = Duration::from_millis(30);
/// Who sleeps for so long longer than wanted was stopped, or the machine was asleep.
const OVERSLEPT: Duration = Duration::from_secs(5);
/// The most that is kept of what is typed before the session is there, in bytes.
const MAX_EARLY_BYTES: usize = 64 << 10;
/// What describes the user's terminal, besides what ssh passes on.
const TERMINAL_VARIABLES: [&str; 9] = [
    "COLORTERM",
    "COLORFGBG",
    "TERM_PROGRAM",
    "TERM_PROGRAM_VERSION",
    "LC_TERMINAL",
    "LC_TERMINAL_VERSION",
    "VTE_VERSION",
    "KONSOLE_VERSION",
    "XTERM_VERSION",
];

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
    /// What ssh has said last.
    last_words: Option<String>,
    /// What the far side has said without a session.
    held: Vec<u8>,
    /// The line that counts, as it stands there.
    counted: Option<(Option<u64>, u64)>,
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
            parser: parser(detach_key),
            keys: KeyQueue::default(),
            backpressure: Backpressure::default(),
            early: Vec::new(),
            ping_waits: false,
            dropped: 0,
            failure: None,
            said: None,
            last_words: None,
            held: Vec::new(),
            counted: None,
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
        deadline.into_iter().chain(sequence).chain(due).chain(second).min()
    }

    /// Reads from the far side, and writes what waits for it.
    fn move_far(&mut self) {
        if let Some(connection) = &self.connection {
            self.keys.flush(connection.master());
            self.ping_waits &= !self.keys.is_empty();
        }
        if !self.terminal.is_blocked() {
            self.hear();
        }
    }

    fn hear(&mut self) {
        let Some(connection) = &mut self.connection else { return };
        let Self { terminal, output, state, .. } = self;
        let shows_login = !state.was_up();
        let mut heard_words = Vec::new();
        let read = connection.read(output, |heard| match heard {
            Heard::Drawn(bytes) => terminal.show(bytes),
            Heard::Login(bytes) if shows_login => terminal.show(bytes),
            Heard::Login(_) => {}
            Heard::Word(word) => heard_words.push(word),
        });
        match read {
            Transfer::Moved(_) => {
                self.note_blocked();
                self.tell(LinkEvent::Heard);
                heard_words.into_iter().for_each(|word| self.far_side_says(word));
            }
            Transfer::Gone => self.connection_ended(),
            Transfer::Blocked => {
                if self.connection.as_mut().is_some_and(Connection::has_ended) {
                    self.connection_ended();
                }
            }
        }
    }

    fn far_side_says(&mut self, word: ToNear) {
        match word {
            ToNear::Hello(hello) => self.greeted(hello),
            ToNear::Pong(number) => self.tell(LinkEvent::Pong(number)),
            ToNear::Stopped(signal) => self.tell(LinkEvent::Stopped(signal)),
            ToNear::Note(text) => {
                let text = words::note(&text);
                self.terminal.say(&text);
            }
            ToNear::Bye(bye) => self.tell(LinkEvent::Bye { status: bye.status, lost: bye.lost }),
        }
    }

    fn greeted(&mut self, hello: Hello) {
        let (major, minor) = hello.protocol;
        if major != PROTOCOL.major {
            let protocol = wire::Protocol { major, minor };
            let hello = wire::Hello { protocol, version: hello.version, ..wire::Hello::own() };
            self.failure = Some(Failure::OtherProtocol(hello));
            return self.tell(LinkEvent::Ended(End::Lasting));
        }
        (self.session, self.word) = (Some(hello.session), hello.name);
        self.parser = parser(self.detach_key);
        self.tell(LinkEvent::Hello);
        let early = std::mem::take(&mut self.early);
        self.type_keys(&early);
    }

    fn connection_ended(&mut self) {
        let failure = self.connection.as_mut().map(Connection::failure);
        let end = failure.as_ref().map_or(End::Passing, how_it_ended);
        self.failure = failure;
        self.tell(LinkEvent::Ended(end));
    }

    fn note_blocked(&mut self) {
        let blocked = self.terminal.is_blocked();
        self.tell(LinkEvent::Blocked(blocked));
    }

    fn connect(&mut self, attended: bool) {
        if self.state.was_up() {
            let columns = self.terminal.size().map_or(0, |size| size.columns);
            let text = words::connecting(self.machine.name.as_str(), self.state.discarded(), columns);
            self.terminal.say(&text);
        }
        self.counted = None;
        let request = self.request();
        let within = if attended { ATTENDED_TIMEOUT } else { CONNECT_TIMEOUT };
        // Whose connection was lost trusts no other one that is there.
        let manner = Manner { attended, within, alone: self.state.was_up() };
        let size = self.terminal.size().unwrap_or(tty::Size { rows: 24, columns: 80, width: 0, height: 0 });
        match Connection::start(&self.machine, &self.settings, manner, &request, size) {
            Ok(connection) => {
                self.failure = None;
                self.connection = Some(connection);
            }
            Err(failure) => {
                let end = how_it_ended(&failure);
                self.failure = Some(failure);
                self.tell(LinkEvent::Ended(end));
            }
        }
    }

    fn request(&self) -> AttachRequest {
        let variable = |name: &&str| Some(((*name).to_owned(), std::env::var_os(name)?.as_os_str().into()));
        AttachRequest {
            protocol: PROTOCOL,
            nonce: Uuid::new_v4().simple().to_string(),
            machine: self.machine.prefix(),
            session: self.session.clone(),
            has_detach_key: self.detach_key == DetachKey::Backslash,
            again: self.state.was_up(),
            environment: TERMINAL_VARIABLES.iter().filter_map(variable).collect(),
        }
    }

    /// Ends ssh, and keeps what it has said.
    fn end_ssh(&mut self) {
        if let Some(mut connection) = self.connection.take() {
            self.last_words = connection.last_words();
            self.held = connection.take_held();
        }
        self.dropped += self.keys.bytes();
        (self.keys, self.ping_waits) = (KeyQueue::default(), false);
    }

    fn lost(&mut self, loss: Loss) {
        self.terminal.undo();
        self.parser = parser(self.detach_key);
        self.early.clear();
        self.dropped = 0;
        let text = words::lost(self.machine.name.as_str(), loss, self.last_words.as_deref());
        self.terminal.say(&text);
        self.failure = None;
    }

    fn not_connected(&mut self) {
        let failure = self.failure.clone().unwrap_or(Failure::TimedOut(CONNECT_TIMEOUT));
        let why = failure.short();
        if self.said.as_ref() != Some(&why) {
            let text = words::not_connected(self.machine.name.as_str(), &why);
            self.terminal.say(&text);
            self.said = Some(why);
        }
    }

    /// Writes the line that counts, where it changes.
    fn count_down(&mut self) {
        let seconds = self.state.countdown(clock::with_sleep());
        let count = seconds.map(|seconds| (seconds, self.state.discarded()));
        if let Some((seconds, discarded)) = count.filter(|_| count != self.counted) {
            let columns = self.terminal.size().map_or(0, |size| size.columns);
            self.terminal.say(&words::countdown(seconds, discarded, columns));
        }
        self.counted = count;
    }

    fn ping(&mut self, number: u64) {
        // Behind keys that wait for room another one is no faster.
        if !self.ping_waits {
            self.say_to_far_side(&ToFar::Ping(number));
            self.ping_waits = !self.keys.is_empty();
        }
    }

    fn say_to_far_side(&mut self, word: &ToFar) {
        if let Some(connection) = &self.connection {
            self.keys.type_into(connection.master(), &connection.marker(word));
        }
    }

    fn read_keys(&mut self) {
        let mut input = std::mem::take(&mut self.input);
        match nonblocking::read(self.terminal.tty(), &mut input) {
            Transfer::Moved(count) => self.typed(&input[..count]),
            Transfer::Gone => {
                self.terminal.set_gone();
                self.tell(LinkEvent::Told(libc::SIGHUP));
            }
            Transfer::Blocked => {}
        }
        self.input = input;
    }

    fn typed(&mut self, bytes: &[u8]) {
        match self.state.key_use() {
            KeyUse::Pass => self.type_keys(bytes),
            KeyUse::Wait => {}
            KeyUse::Keep | KeyUse::Control if self.ssh_asks() => {
                // Whoever is asked for a password types nothing else ahead.
                self.early.clear();
                match keys::leaves(bytes, DetachKey::None) {
                    Some(event) => self.tell(event),
                    None => self.pass_on(bytes),
                }
            }
            KeyUse::Keep => match keys::leaves(bytes, self.detach_key) {
                Some(event) => self.tell(event),
                None => self.early.extend_from_slice(bytes),
            },
            KeyUse::Control => {
                keys::for_cckw(bytes, self.detach_key).into_iter().for_each(|event| self.tell(event));
            }
        }
    }

    fn ssh_asks(&self) -> bool {
        self.state.is_connecting() && self.connection.as_ref().is_some_and(Connection::asks)
    }

    /// Passes on what is typed for the session, up to the detach key.
    fn type_keys(&mut self, bytes: &[u8]) {
        let mut parser = std::mem::take(&mut self.parser);
        parser.expect_extended_keys(self.terminal.has_extended_keys());
        let scanned = parser.feed(bytes);
        self.pass_on(&scanned.forward[..scanned.detach.unwrap_or(scanned.forward.len())]);
        if scanned.detach.is_some() {
            self.tell(LinkEvent::DetachKey);
        }
        drop(scanned);
        self.parser = parser;
    }

    fn pass_on(&mut self, bytes: &[u8]) {
        match &self.connection {
            _ if bytes.is_empty() => {}
            Some(connection) if self.backpressure.input() != KeyAdmission::Drop => {
                self.keys.type_into(connection.master(), bytes);
            }
            _ => self.dropped += bytes.len(),
        }
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

    fn resize(&mut self) {
        if let (Ok(size), Some(connection)) = (self.terminal.size(), &self.connection) {
            connection.resize(size);
        }
        self.counted = None;
    }

    /// Continued after a signal that cannot be caught: the shell may have changed the terminal.
    fn continued(&mut self) {
        if tty::in_foreground(self.terminal.tty()) && self.terminal.enter_raw().is_ok() {
            self.resize();
            self.tell(LinkEvent::Continued);
        }
    }

    /// Gives the terminal to the shell, and takes it again when this process is continued.
    fn suspend(&mut self, number: i32) {
        // Nothing is on where the far side has undone it.
        let redo = self.terminal.undo();
        self.terminal.leave_raw();
        let signal = Signal::try_from(number).unwrap_or(Signal::SIGTSTP);
        let _ = signals::with_default(signal, || kill::to_own_group(signal));
        let mut politely = true;
        while !tty::in_foreground(self.terminal.tty()) {
            let ends =
                |number: &i32| matches!(*number, libc::SIGHUP | libc::SIGINT | libc::SIGQUIT | libc::SIGTERM);
            let told = self.signals.pending().find(ends);
            if let Some(number) = told.or_else(|| {
                let stopped = stop_for_terminal(self.terminal.tty().as_fd(), politely);
                stopped.is_err().then_some(libc::SIGHUP)
            }) {
                self.seen = clock::with_sleep();
                return self.tell(LinkEvent::Told(number));
            }
            politely = !politely;
        }
        // It has slept as it was told to.
        self.seen = clock::with_sleep();
        if self.terminal.enter_raw().is_err() {
            return self.tell(LinkEvent::Told(libc::SIGHUP));
        }
        self.terminal.redo(&redo);
        self.resize();
        self.tell(LinkEvent::Continued);
    }

    fn leave(&mut self, how: Leave) {
        let held = std::mem::take(&mut self.held);
        let unsent = self.dropped;
        self.terminal.say("");
        match how {
            Leave::Said(status) => {
                self.terminal.show(&held);
                self.terminal.undo();
                self.status = Some(status);
            }
            Leave::Left(status) => {
                self.terminal.undo();
                if self.state.was_up() {
                    let text = words::left(&self.word, unsent);
                    self.terminal.say(&text);
                } else {
                    self.terminal.say("\r\n");
                }
                self.status = Some(status);
            }
            Leave::Failed => {
                self.terminal.undo();
                if self.state.was_up() {
                    self.terminal.say("\r\x1b[K");
                }
                self.status = Some(NOT_REACHED);
            }
        }
        self.terminal.leave_raw();
        if how == Leave::Failed {
            let failure = self.failure.take().unwrap_or(Failure::TimedOut(CONNECT_TIMEOUT));
            complain(failure.error(&self.machine));
        }
    }
}

fn parser(detach_key: DetachKey) -> InputParser {
    match detach_key {
        DetachKey::Backslash => InputParser::default(),
        DetachKey::None => InputParser::passive(),
    }
}

/// Whether another attempt may have more success.
fn how_it_ended(failure: &Failure) -> End {
    match failure {
        Failure::Auth | Failure::HostKeyUnknown => End::Person,
        Failure::HostKeyChanged
        | Failure::NoCckw
        | Failure::CannotRun(_)
        | Failure::TooOld
        | Failure::OtherProtocol(_)
        | Failure::NoSsh(_) => End::Lasting,
        Failure::NameUnknown
        | Failure::Refused
        | Failure::Unreachable
        | Failure::TimedOut(_)
        | Failure::Closed(_)
        | Failure::NotUnderstood(_)
        | Failure::Lost(_)
        | Failure::Other(_) => End::Passing,
    }
}

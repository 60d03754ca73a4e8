//! The far side: connecting to it, what it says, and what it is told.

use uuid::Uuid;

use super::super::super::failure::Failure;
use super::super::super::wire::{self, PROTOCOL};
use super::super::arrived::Arrived;
use super::super::connection::{Connection, Heard, Manner};
use super::super::request::AttachRequest;
use super::super::state::{ATTENDED_TIMEOUT, CONNECT_TIMEOUT, End, LinkEvent};
use super::super::words;
use super::{Relay, parser};
use crate::client::keys::KeyQueue;
use crate::config::DetachKey;
use crate::os::io::Transfer;
use crate::os::tty;
use crate::protocol::markers::{Hello, ToFar, ToNear};

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

/// What has come behind a word.
enum Later {
    Drawn(Vec<u8>),
    Word(ToNear),
}

impl Relay {
    /// Reads from the far side, and writes what waits for it.
    pub(super) fn move_far(&mut self) {
        if let Some(connection) = &self.connection {
            self.keys.flush(connection.master());
            self.ping_waits &= !self.keys.is_empty();
        }
        if !self.terminal.is_blocked() {
            self.hear();
        }
    }

    /// Reads once, and acts on what has come, in its order.
    pub(super) fn hear(&mut self) {
        let Some(connection) = &mut self.connection else { return };
        let Self { terminal, output, attended, first, .. } = self;
        let shows_login = *attended;
        // From the first word on: what it leads to comes before what is drawn behind it.
        let mut rest: Vec<Later> = Vec::new();
        let read = connection.read(output, |heard| match heard {
            Heard::Drawn(bytes) if rest.is_empty() => terminal.show(bytes),
            Heard::Drawn(bytes) => rest.push(Later::Drawn(bytes.to_vec())),
            Heard::Login(bytes) if shows_login => {
                first.heard(terminal);
                terminal.show(bytes);
            }
            Heard::Login(_) => {}
            Heard::Word(word) => rest.push(Later::Word(word)),
        });
        match read {
            Transfer::Moved(_) => {
                self.note_blocked();
                self.tell(LinkEvent::Heard);
                for later in rest {
                    match later {
                        Later::Drawn(bytes) if self.connection.is_some() => self.terminal.show(&bytes),
                        Later::Drawn(_) => {}
                        Later::Word(word) => self.far_side_says(word),
                    }
                }
            }
            Transfer::Gone => self.connection_ended(),
            Transfer::Blocked => {
                if self.connection.as_mut().is_some_and(Connection::has_ended) {
                    self.connection_ended();
                }
            }
        }
    }

    pub(super) fn far_side_says(&mut self, word: ToNear) {
        match word {
            ToNear::Hello(hello) => self.greeted(hello),
            ToNear::Pong(number) => {
                self.arrived.pong(number);
                self.tell(LinkEvent::Pong(number));
            }
            ToNear::Stopped(signal) => self.tell(LinkEvent::Stopped(signal)),
            ToNear::Note(text) => {
                let text = words::note(&text);
                self.terminal.say(&text);
            }
            ToNear::Bye(bye) => self.tell(LinkEvent::Bye { status: bye.status, lost: bye.lost }),
        }
    }

    pub(super) fn greeted(&mut self, hello: Hello) {
        let (major, minor) = hello.protocol;
        if major != PROTOCOL.major {
            let protocol = wire::Protocol { major, minor };
            let hello = wire::Hello { protocol, version: hello.version, ..wire::Hello::own() };
            self.failure = Some(Failure::OtherProtocol(hello));
            return self.tell(LinkEvent::Ended(End::Lasting));
        }
        self.first.heard(&mut self.terminal);
        (self.session, self.word) = (Some(hello.session), hello.name);
        (self.parser, self.arrived) = (parser(self.detach_key), Arrived::default());
        self.tell(LinkEvent::Hello);
        let early = std::mem::take(&mut self.early);
        self.type_keys(&early);
    }

    pub(super) fn connection_ended(&mut self) {
        let failure = self.connection.as_mut().map(Connection::failure);
        let end = failure.as_ref().map_or(End::Passing, how_it_ended);
        self.failure = failure;
        self.tell(LinkEvent::Ended(end));
    }

    pub(super) fn connect(&mut self, attended: bool) {
        if self.state.was_up() {
            let columns = self.terminal.size().map_or(0, |size| size.columns);
            let text = words::connecting(self.machine.name.as_str(), self.state.discarded(), columns);
            self.terminal.say(&text);
            if attended {
                // ssh asks in a line of its own.
                self.terminal.say("\r\n");
            }
        }
        (self.counted, self.attended) = (None, attended);
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

    pub(super) fn request(&self) -> AttachRequest {
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
    pub(super) fn end_ssh(&mut self) {
        if let Some(mut connection) = self.connection.take() {
            self.last_words = connection.last_words();
            self.held = connection.take_held();
        }
        self.dropped += self.keys.bytes();
        (self.keys, self.ping_waits) = (KeyQueue::default(), false);
    }

    pub(super) fn ping(&mut self, number: u64) {
        // Behind keys that wait for room another one is no faster.
        if !self.ping_waits {
            self.arrived.ping(number);
            self.say_to_far_side(&ToFar::Ping(number));
            self.ping_waits = !self.keys.is_empty();
        }
    }

    pub(super) fn say_to_far_side(&mut self, word: &ToFar) {
        if let Some(connection) = &self.connection {
            self.keys.type_into(connection.master(), &connection.marker(word));
        }
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

//! Clients that are let go. Each hears it when the record says so, for whoever hears it looks there next; a
//! disk that hangs keeps nobody for longer than a second.
//!
//! A client gives its terminal back by itself, and says so. One that is killed before it has done that leaves
//! a terminal in raw mode, which the host then puts right.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::attached::{AttachedClient, ClientState, restore};
use super::{Host, TERMINAL_WRITE_TIMEOUT};
use crate::host::journal::Promise;
use crate::os::fd_store::{FdStore, ReceivedFds, StoredFd};
use crate::os::poll::{Poll, Token};
use crate::os::tty::Attributes;
use crate::protocol::{FromClient, FromHost, ReceivedMessage};

/// The most clients that have heard it and have not gone. More than one are there only where they are
/// stopped.
const MAX_DEPARTED: usize = 8;

/// A client that has yet to hear that it is let go.
pub(super) struct Parting {
    departed: Departed,
    why: String,
    promise: Promise,
}

/// A client that was let go, and may not have gone yet.
pub(super) struct Departed {
    client: AttachedClient,
    /// Its terminal, and the attributes that this had before.
    terminal: Option<(OwnedFd, Attributes)>,
}

/// The clients that are let go.
#[derive(Default)]
pub(super) struct Departures {
    /// Those that hear it when the record says so.
    parting: Vec<Parting>,
    /// Those that have heard it, and may not have gone yet.
    departed: Vec<Departed>,
}

/// A client that was let go, as it is handed over to the program that goes on.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DepartedState {
    client: ClientState,
    #[serde(default)]
    terminal: Option<(StoredFd, Attributes)>,
}

impl Departures {
    /// Those that have heard it. Handed over when none has yet to hear it ([`Self::are_told`]).
    pub(super) fn hand_over(&self, fds: &FdStore) -> Vec<DepartedState> {
        let state = |departed: &Departed| DepartedState {
            client: departed.client.hand_over(fds),
            terminal: departed.terminal.as_ref().map(|(fd, attributes)| (fds.add(fd), attributes.clone())),
        };
        self.departed.iter().map(state).collect()
    }

    /// Goes on with those that another program has handed over.
    ///
    /// # Errors
    /// When a descriptor is missing.
    pub(super) fn take_over(state: Vec<DepartedState>, fds: &ReceivedFds) -> io::Result<Self> {
        let take = |DepartedState { client, terminal }| {
            let terminal = match terminal {
                Some((fd, attributes)) => Some((fds.get(fd)?, attributes)),
                None => None,
            };
            Ok(Departed { client: AttachedClient::take_over(client, fds)?, terminal })
        };
        let departed = state.into_iter().map(take).collect::<io::Result<_>>()?;
        Ok(Self { parting: Vec::new(), departed })
    }

    /// Whether none has yet to hear that it is let go.
    pub(super) fn are_told(&self) -> bool {
        self.parting.is_empty()
    }

    /// When the next of them hears it although the record is not written.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.parting.iter().map(|parting| parting.promise.until()).min()
    }

    /// Tells those whose record is written.
    pub(super) fn tell_due(&mut self, is_kept: impl Fn(&Promise) -> bool) {
        let due = self.parting.extract_if(.., |parting| is_kept(&parting.promise));
        for parting in due.collect::<Vec<_>>() {
            self.tell(parting.departed, &parting.why);
        }
    }

    /// Tells all of them: the session is over.
    pub(super) fn tell_all(&mut self) {
        for parting in std::mem::take(&mut self.parting) {
            self.tell(parting.departed, &parting.why);
        }
        // What is in a socket's buffer survives this process.
        let until = Instant::now() + TERMINAL_WRITE_TIMEOUT;
        for departed in &mut self.departed {
            departed.client.channel.flush(until.saturating_duration_since(Instant::now()));
        }
    }

    fn tell(&mut self, mut departed: Departed, why: &str) {
        let client = &mut departed.client;
        // What it does not take at once is sent when it does.
        client.send(&FromHost::Detached { why: why.to_owned() });
        client.go_on_if_stopped();
        if self.departed.len() == MAX_DEPARTED {
            self.departed.remove(0);
        }
        self.departed.push(departed);
    }

    /// Adds the wait for their last words.
    pub(super) fn prepare(&self, poll: &mut Poll) -> Vec<Token> {
        let channels = self.departed.iter().map(|departed| &departed.client.channel);
        channels.map(|channel| poll.add(channel, channel.interest())).collect()
    }

    /// Hears what they say, and puts the terminals right of those that were killed. Gives the keys that they
    /// still held.
    pub(super) fn hear(&mut self, poll: &Poll, places: &[Token]) -> Vec<Vec<Vec<u8>>> {
        let mut unsent = Vec::new();
        // Backwards, so that one that goes leaves the others where they are.
        for (at, place) in places.iter().enumerate().rev() {
            if poll.is_ready(*place) && self.departed[at].hear(&mut unsent) {
                self.departed.remove(at);
            }
        }
        unsent
    }
}

impl Departed {
    /// Whether this one has gone.
    fn hear(&mut self, unsent: &mut Vec<Vec<Vec<u8>>>) -> bool {
        loop {
            // A broken connection is told by `receive`.
            let _ = self.client.channel.write_some();
            match self.client.channel.receive() {
                Ok(ReceivedMessage::Message(FromClient::Left | FromClient::GaveUp { .. }, _)) => return true,
                Ok(ReceivedMessage::Message(FromClient::Unsent { reads }, _)) => unsent.push(reads),
                Ok(ReceivedMessage::Message(..)) => {}
                Ok(ReceivedMessage::Nothing) => return false,
                Ok(ReceivedMessage::Closed) | Err(_) => {
                    if let Some((terminal, attributes)) = &self.terminal {
                        restore(terminal, attributes);
                    }
                    self.client.has_terminal_back();
                    return true;
                }
            }
        }
    }
}

impl Host {
    /// Tells a client that the session goes on without it, as soon as the record that was saved last is
    /// written.
    pub(super) fn part_with(&mut self, client: AttachedClient, terminal: Option<OwnedFd>, why: &str) {
        let terminal = terminal.map(|terminal| (terminal, self.attachment.attributes().clone()));
        let departed = Departed { client, terminal };
        match self.journal.promise() {
            Some(promise) => {
                self.attachment.departures.parting.push(Parting { departed, why: why.to_owned(), promise });
            }
            None => self.attachment.departures.tell(departed, why),
        }
    }

    /// Tells those whose record is written.
    pub(super) fn say_goodbye(&mut self) {
        self.attachment.departures.tell_due(|promise| self.journal.is_kept(promise));
    }

    /// Hears what clients say that were let go.
    pub(super) fn hear_departed(&mut self, poll: &Poll, places: &[Token]) {
        for reads in self.attachment.departures.hear(poll, places) {
            self.take_unsent_keys(reads);
        }
    }
}

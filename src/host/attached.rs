//! An attached client, and what it has said.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::os::fd_store::{FdStore, ReceivedFds, StoredFd};
use crate::os::kill::Identity;
use crate::os::process::{Watched, pid_number};
use crate::os::terminal_guard;
use crate::os::tty::Attributes;
use crate::protocol::{Channel, ChannelState, FromClient, FromHost, ReceivedMessage};
use crate::vt::modes::ModeTracker;

/// How often, while output flows, it is checked that the client is not stopped.
const CLIENT_CHECK: Duration = Duration::from_millis(200);

/// Messages that are read before the first of them is acted on. A client whose host does not answer sends a
/// few.
const MOST_MESSAGES: usize = 256;

pub(super) struct AttachedClient {
    pub(super) channel: Channel,
    pid: Pid,
    process: Watched,
    /// The process that attached, and no later one with its pid.
    identity: Option<Identity>,
    /// What was read and is not acted on yet.
    messages: VecDeque<FromClient>,
    /// Why nothing more comes.
    ended: Option<String>,
    /// It may have said more than was read.
    has_unread: bool,
    /// It may have said more than one turn of the loop has heard.
    has_more: bool,
    /// When it was last seen not to be stopped.
    checked: Instant,
    /// What it has been told to undo should this process be killed.
    undo: String,
    /// Leads to the process that gives its terminal back where nobody else is left to do it.
    guard: Option<OwnedFd>,
}

/// A client as it is handed over to the program that goes on with it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ClientState {
    channel: ChannelState,
    #[serde(with = "pid_number")]
    pid: Pid,
    #[serde(default)]
    identity: Option<Identity>,
    #[serde(default)]
    messages: VecDeque<FromClient>,
    #[serde(default)]
    ended: Option<String>,
    #[serde(default)]
    undo: String,
    #[serde(default)]
    guard: Option<StoredFd>,
}

impl AttachedClient {
    /// All that is needed to go on with it.
    pub(super) fn hand_over(&self, fds: &FdStore) -> ClientState {
        ClientState {
            channel: self.channel.hand_over(fds),
            pid: self.pid,
            identity: self.identity.clone(),
            messages: self.messages.clone(),
            ended: self.ended.clone(),
            undo: self.undo.clone(),
            guard: self.guard.as_ref().map(|guard| fds.add(guard)),
        }
    }

    /// Goes on with one that another program has handed over.
    ///
    /// # Errors
    /// When a descriptor is missing.
    pub(super) fn take_over(state: ClientState, fds: &ReceivedFds) -> io::Result<Self> {
        Ok(Self {
            identity: state.identity,
            messages: state.messages,
            ended: state.ended,
            // Whether there is more is seen when it is read.
            has_unread: true,
            has_more: true,
            undo: state.undo,
            guard: state.guard.map(|guard| fds.get(guard)).transpose()?,
            ..Self::new(Channel::take_over(state.channel, fds)?, state.pid)
        })
    }

    /// One that was told nothing yet.
    pub(super) fn new(channel: Channel, pid: Pid) -> Self {
        let checked = Instant::now();
        Self {
            channel,
            identity: Identity::of(pid),
            process: Watched::new(pid),
            pid,
            messages: VecDeque::new(),
            ended: None,
            has_unread: false,
            has_more: false,
            checked,
            undo: String::new(),
            guard: None,
        }
    }

    pub(super) fn send(&mut self, message: &FromHost) -> bool {
        self.channel.send(message, vec![])
    }

    pub(super) fn send_with(&mut self, message: &FromHost, fds: Vec<OwnedFd>) -> bool {
        self.channel.send(message, fds)
    }

    /// Tells it what there is to undo. One that does not read (it is stopped) is told when it has caught up.
    pub(super) fn tell_undo(&mut self, modes: &ModeTracker) {
        let undo = modes.undo_blindly();
        if undo != self.undo
            && !self.channel.is_waiting()
            && self.send(&FromHost::Undo { bytes: undo.clone(), extended_keys: modes.has_extended_keys() })
        {
            self.undo = undo;
        }
    }

    /// Reads what it has said. Nothing is done before all of it is read: at its end may stand that the rest
    /// is not wanted any more.
    pub(super) fn read(&mut self, modes: &ModeTracker) {
        self.has_unread = false;
        while self.messages.len() < MOST_MESSAGES && self.ended.is_none() {
            let was_waiting = self.channel.is_waiting();
            // A broken connection is told by `receive`.
            let _ = self.channel.write_some();
            if was_waiting {
                self.tell_undo(modes);
            }
            match self.channel.receive() {
                Ok(ReceivedMessage::Message(FromClient::Guard, fds)) => self.guard = fds.into_iter().next(),
                Ok(ReceivedMessage::Message(message, _)) => self.messages.push_back(message),
                Ok(ReceivedMessage::Nothing) => return,
                Ok(ReceivedMessage::Closed) => self.ended = Some("gone".into()),
                Err(error) => self.ended = Some(error.to_string()),
            }
        }
        self.has_unread = self.ended.is_none();
    }

    /// If it gave up waiting for this host: whether the session is to go on detached.
    pub(super) fn gave_up(&self) -> Option<bool> {
        self.messages.iter().find_map(|message| match message {
            FromClient::GaveUp { detached } => Some(*detached),
            _ => None,
        })
    }

    /// The next of the messages that were read.
    pub(super) fn next_message(&mut self) -> Option<FromClient> {
        self.messages.pop_front()
    }

    /// One turn of the loop has heard it. Why nothing more comes, if all was heard and it has gone.
    pub(super) fn was_heard(&mut self) -> Option<String> {
        self.has_more = self.has_unread || !self.messages.is_empty();
        self.ended.take_if(|_| self.messages.is_empty())
    }

    /// Whether it may have said more than one turn of the loop has heard.
    pub(super) fn has_more(&self) -> bool {
        self.has_more
    }

    /// Its process.
    pub(super) fn pid(&self) -> Pid {
        self.pid
    }

    /// Whether the guard has given its terminal back, because this process did not do it in time. Where only
    /// the guard was killed the terminal is in raw mode still.
    pub(super) fn was_given_back(&self, terminal: impl AsFd, original: &Attributes) -> bool {
        self.guard.as_ref().is_some_and(terminal_guard::has_gone)
            && Attributes::of(terminal).is_ok_and(|now| now != original.raw())
    }

    /// It was killed, and its terminal was given back: nobody else needs to do that.
    pub(super) fn has_terminal_back(&mut self) {
        if let Some(guard) = self.guard.take() {
            terminal_guard::all_is_done(guard);
        }
    }

    /// Its terminal has nothing of claude's on it that is to be undone.
    pub(super) fn has_nothing_to_undo(&mut self) {
        self.undo.clear();
    }

    /// It has just said that it runs.
    pub(super) fn runs(&mut self) {
        self.checked = Instant::now();
    }

    /// Whether it is stopped. Looked up only so often; in between it counts as one that runs.
    pub(super) fn is_found_stopped(&mut self) -> bool {
        let now = Instant::now();
        if now.duration_since(self.checked) < CLIENT_CHECK {
            return false;
        }
        self.checked = now;
        self.is_stopped()
    }

    fn is_stopped(&mut self) -> bool {
        self.process.look_up().is_some_and(|process| process.stopped)
    }

    /// Continues it where it is stopped: what it was told last is for it to act on.
    pub(super) fn go_on_if_stopped(&mut self) {
        if self.is_stopped()
            && let Some(identity) = &self.identity
        {
            // Where that fails it has ended.
            let _ = identity.send(Signal::SIGCONT);
        }
    }
}

/// The process on the other side, as the system says: a pid in a message may be anybody's. 0, which is no
/// process, where the system cannot say it.
pub(super) fn peer(channel: &Channel) -> Pid {
    channel.peer_process().unwrap_or(Pid::from_raw(0))
}

/// Gives a terminal the attributes that it had before a client set it to raw mode. Where the shell has its
/// line editor on it by now, they are not ours to change.
pub(crate) fn restore(terminal: &OwnedFd, attributes: &Attributes) {
    if Attributes::of(terminal).is_ok_and(|now| now == attributes.raw()) {
        let _ = attributes.apply(terminal);
    }
}

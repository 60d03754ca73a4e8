//! Who is attached, who has the terminal, and what is done without a client.

use std::io;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::attached::{AttachedClient, ClientState};
use super::parting::{DepartedState, Departures};
use crate::config::{Config, OnHangup};
use crate::os::fd_store::{FdStore, ReceivedFds};
use crate::os::tty::Attributes;
use crate::protocol::FromHost;

/// The client of a session, if it has one, those that were let go, and what is done without one.
pub(super) struct Attachment {
    client: Option<AttachedClient>,
    /// Those that the client's terminal had before the client set it to raw mode.
    attributes: Attributes,
    /// The shell has the terminal, because the client is stopped, or about to be. Claude's modes are undone
    /// on it, and what claude writes waits, or is not for the terminal any more (`Output::model_only`).
    is_backgrounded: bool,
    /// The client's terminal is the far end of a link.
    over_link: bool,
    on_hangup: OnHangup,
    linger: Duration,
    pub(super) departures: Departures,
}

/// The same as it is handed over to the program that goes on with it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AttachmentState {
    #[serde(default)]
    client: Option<ClientState>,
    attributes: Attributes,
    #[serde(default)]
    is_backgrounded: bool,
    #[serde(default)]
    over_link: bool,
    #[serde(default)]
    departed: Vec<DepartedState>,
}

impl Attachment {
    /// All that is needed to go on with it.
    pub(super) fn hand_over(&self, fds: &FdStore) -> AttachmentState {
        AttachmentState {
            client: self.client.as_ref().map(|client| client.hand_over(fds)),
            attributes: self.attributes.clone(),
            is_backgrounded: self.is_backgrounded,
            over_link: self.over_link,
            departed: self.departures.hand_over(fds),
        }
    }

    /// Goes on with one that another program has handed over.
    ///
    /// # Errors
    /// When a descriptor is missing.
    pub(super) fn take_over(state: AttachmentState, fds: &ReceivedFds, config: &Config) -> io::Result<Self> {
        let client = state.client.map(|client| AttachedClient::take_over(client, fds)).transpose()?;
        Ok(Self {
            is_backgrounded: state.is_backgrounded,
            over_link: state.over_link,
            departures: Departures::take_over(state.departed, fds)?,
            ..Self::new(client, state.attributes, config)
        })
    }

    /// Begins with this client, or with none.
    pub(super) fn new(client: Option<AttachedClient>, attributes: Attributes, config: &Config) -> Self {
        let (on_hangup, linger) = (config.on_hangup, config.linger);
        let departures = Departures::default();
        Self { client, attributes, is_backgrounded: false, over_link: false, on_hangup, linger, departures }
    }

    pub(super) fn client(&self) -> Option<&AttachedClient> {
        self.client.as_ref()
    }

    pub(super) fn client_mut(&mut self) -> Option<&mut AttachedClient> {
        self.client.as_mut()
    }

    /// Whether there is one.
    pub(super) fn is_attached(&self) -> bool {
        self.client.is_some()
    }

    /// Takes this client, whose terminal had these attributes, and may be the far end of a link.
    pub(super) fn attach(&mut self, client: AttachedClient, attributes: Attributes, over_link: bool) {
        (self.client, self.attributes, self.is_backgrounded) = (Some(client), attributes, false);
        self.over_link = over_link;
    }

    /// Gives the client up, and does not say so to it.
    pub(super) fn release(&mut self) -> Option<AttachedClient> {
        self.client.take()
    }

    /// Says something to the client, if there is one.
    pub(super) fn tell(&mut self, message: &FromHost) {
        if let Some(client) = &mut self.client {
            client.send(message);
        }
    }

    /// Whether the shell has the client's terminal.
    pub(super) fn is_backgrounded(&self) -> bool {
        self.is_backgrounded
    }

    /// The shell has the terminal from now on.
    pub(super) fn set_backgrounded(&mut self) {
        self.is_backgrounded = true;
    }

    /// The shell has it no longer, or there is none any more. Whether the shell had it.
    pub(super) fn end_backgrounding(&mut self) -> bool {
        std::mem::take(&mut self.is_backgrounded)
    }

    /// What the client's terminal is to be like when it is given back.
    pub(super) fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    /// What becomes of the session when its terminal goes.
    pub(super) fn on_hangup(&self) -> OnHangup {
        if self.over_link { OnHangup::Detach } else { self.on_hangup }
    }

    /// How long a detached session may be idle.
    pub(super) fn linger(&self) -> Duration {
        self.linger
    }
}

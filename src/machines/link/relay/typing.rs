//! What the user types: for the session, for ssh, or for cckw.

use super::super::connection::Connection;
use super::super::keys;
use super::super::state::{KeyUse, LinkEvent};
use super::super::words;
use super::Relay;
use crate::client::backpressure::KeyAdmission;
use crate::config::DetachKey;
use crate::os::io as nonblocking;
use crate::os::io::Transfer;

impl Relay {
    pub(super) fn read_keys(&mut self) {
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

    pub(super) fn typed(&mut self, bytes: &[u8]) {
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

    pub(super) fn ssh_asks(&self) -> bool {
        self.state.is_connecting() && self.connection.as_ref().is_some_and(Connection::asks)
    }

    /// Passes on what is typed for the session, up to the detach key.
    pub(super) fn type_keys(&mut self, bytes: &[u8]) {
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

    pub(super) fn pass_on(&mut self, bytes: &[u8]) {
        match &self.connection {
            _ if bytes.is_empty() => {}
            Some(connection) if self.backpressure.input() != KeyAdmission::Drop => {
                self.keys.type_into(connection.master(), bytes);
            }
            _ => self.dropped += bytes.len(),
        }
        // Behind the write: nobody waits for this.
        self.arrived.type_keys(words::count_keys(bytes));
    }
}

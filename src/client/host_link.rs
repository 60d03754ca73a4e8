//! The connection to the host, and what the host was asked for.

use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use nix::unistd::Pid;

use super::ClientEvent;
use super::descriptors::SpareDescriptor;
use super::host_hung::Unanswered;
use crate::os::poll::{Poll, Token};
use crate::protocol::{Channel, FromClient, ReceivedMessage, lacks_descriptors};

/// The host, as its client knows it.
pub(super) struct HostLink {
    channel: Channel,
    /// The host's process, where it is known.
    pid: Option<Pid>,
    spare: SpareDescriptor,
    /// What the host was asked for and has not answered.
    pub(super) unanswered: Unanswered,
    /// The host may have said something.
    has_message: bool,
    /// There is no host any more.
    is_lost: bool,
    /// It has said that claude was started.
    has_started: bool,
}

impl HostLink {
    /// A connection to this process.
    pub(super) fn new(channel: Channel, pid: Option<Pid>, spare: SpareDescriptor) -> Self {
        let unanswered = Unanswered::default();
        Self { channel, pid, spare, unanswered, has_message: false, is_lost: false, has_started: false }
    }

    /// There is another host.
    ///
    /// # Errors
    /// When the socket cannot be used.
    pub(super) fn replace(&mut self, socket: UnixStream, host: Pid) -> io::Result<()> {
        self.channel = Channel::new(socket)?;
        self.pid = Some(host);
        (self.has_message, self.is_lost, self.has_started) = (false, false, false);
        Ok(())
    }

    /// Says something to the host, as soon as it takes it.
    pub(super) fn send(&mut self, message: &FromClient) {
        self.channel.send(message, vec![]);
    }

    /// Waits until the host has taken what was said, at most for so long.
    pub(super) fn flush(&mut self, time: Duration) {
        self.channel.flush(time);
    }

    /// The connection itself.
    pub(super) fn channel_mut(&mut self) -> &mut Channel {
        &mut self.channel
    }

    /// The number of its descriptor.
    pub(super) fn number(&self) -> RawFd {
        self.channel.as_fd().as_raw_fd()
    }

    /// The host's process, where it is known.
    pub(super) fn pid(&self) -> Option<Pid> {
        self.pid
    }

    /// Called when it says that claude was started: whether it says so for the first time.
    pub(super) fn is_first_start(&mut self) -> bool {
        !std::mem::replace(&mut self.has_started, true)
    }

    /// Whether there is no host any more.
    pub(super) fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// Adds the wait for the host.
    pub(super) fn prepare(&self, poll: &mut Poll) -> Token {
        poll.add(&self.channel, self.channel.interest())
    }

    /// The host takes something, or has said something.
    pub(super) fn is_ready(&mut self) {
        // A broken connection is told by `receive`.
        let _ = self.channel.write_some();
        self.has_message = true;
    }

    /// The next thing that the host has said, or that has happened to it.
    pub(super) fn next_event(&mut self) -> Option<ClientEvent> {
        if !self.has_message || self.is_lost {
            return None;
        }
        self.spare.release();
        let received = self.channel.receive();
        self.spare.take();
        match received {
            Ok(ReceivedMessage::Message(message, fds)) => Some(ClientEvent::Message(message, fds)),
            Ok(ReceivedMessage::Nothing) => {
                self.has_message = false;
                None
            }
            Err(error) if lacks_descriptors(&error) => Some(ClientEvent::NoDescriptor),
            Ok(ReceivedMessage::Closed) | Err(_) => {
                self.is_lost = true;
                Some(ClientEvent::HostLost)
            }
        }
    }
}

//! One end of a connection: lines and descriptors in and out, without ever blocking.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::message::{decode, encode};
use crate::platform::poll::{For, Poll};
use crate::platform::socket;

/// The longest line that is read, and the most that waits to be written, in bytes.
const LIMIT: usize = 1 << 20;
/// The most descriptors that may wait for the message which announces them.
const MOST_FDS: usize = 4;

/// What `Channel::receive` has found.
#[derive(Debug)]
pub enum Received<M> {
    /// A message and the descriptors that came with it.
    Message(M, Vec<OwnedFd>),
    /// Nothing for now.
    Nothing,
    /// The other side has closed, by choice or by death.
    Closed,
}

/// One end of a connection.
pub struct Channel {
    stream: UnixStream,
    inbox: Vec<u8>,
    /// So much of the inbox has no line end in it.
    searched: usize,
    inbox_fds: VecDeque<OwnedFd>,
    outbox: VecDeque<Outgoing>,
}

struct Outgoing {
    line: Vec<u8>,
    sent: usize,
    fds: Vec<OwnedFd>,
}

impl Channel {
    /// Takes over a connected socket.
    ///
    /// # Errors
    /// When it cannot be made non-blocking.
    pub fn new(stream: UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            inbox: Vec::new(),
            searched: 0,
            inbox_fds: VecDeque::new(),
            outbox: VecDeque::new(),
        })
    }

    /// The next message, if one is there.
    ///
    /// # Errors
    /// When a line is not understood, or the connection breaks.
    pub fn receive<M: DeserializeOwned>(&mut self) -> io::Result<Received<M>> {
        loop {
            if let Some((message, fds)) = self.next_line()? {
                return Ok(Received::Message(message, fds));
            }
            match self.read_some() {
                Ok(0) => return Ok(Received::Closed),
                Ok(_) => {}
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return Ok(Received::Nothing),
                    io::ErrorKind::ConnectionReset => return Ok(Received::Closed),
                    io::ErrorKind::Interrupted => {}
                    _ => return Err(error),
                },
            }
        }
    }

    /// Waits for the next message; nothing when the other side has closed, or the time is over.
    ///
    /// # Errors
    /// As `receive`.
    pub fn wait_for<M: DeserializeOwned>(
        &mut self,
        time: Option<Duration>,
    ) -> io::Result<Option<(M, Vec<OwnedFd>)>> {
        let until = time.map(|time| Instant::now() + time);
        let mut poll = Poll::default();
        loop {
            match self.receive()? {
                Received::Message(message, fds) => return Ok(Some((message, fds))),
                Received::Closed => return Ok(None),
                Received::Nothing => {}
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(None);
            }
            poll.clear();
            poll.add(&self.stream, self.interest());
            poll.wait(left)?;
            self.write_some()?;
        }
    }

    /// What to wait for on its socket.
    pub fn interest(&self) -> For {
        if self.is_waiting() { For::Both } else { For::Reading }
    }

    fn next_line<M: DeserializeOwned>(&mut self) -> io::Result<Option<(M, Vec<OwnedFd>)>> {
        // Not by `memchr`: to ask the processor what it can takes longer, in a virtual machine, than a line is.
        let Some(end) = self.inbox[self.searched..].iter().position(|byte| *byte == b'\n') else {
            self.searched = self.inbox.len();
            return Ok(None);
        };
        let line: Vec<u8> = self.inbox.drain(..=self.searched + end).collect();
        self.searched = 0;
        let (message, count) = decode(&line).map_err(invalid)?;
        if count > self.inbox_fds.len() {
            return Err(invalid("a message announced descriptors that did not come"));
        }
        Ok(Some((message, self.inbox_fds.drain(..count).collect())))
    }

    fn read_some(&mut self) -> io::Result<usize> {
        let mut buffer = [0; 4096];
        let socket::Received { bytes, fds, cut_off } = socket::receive(self.stream.as_fd(), &mut buffer)?;
        if cut_off || self.inbox_fds.len() + fds.len() > MOST_FDS {
            // Those that nobody announces would pile up for as long as the connection lasts.
            return Err(invalid("more descriptors than a message of the control protocol may have"));
        }
        if self.inbox.len() + bytes > LIMIT {
            return Err(invalid("a line of the control protocol is too long"));
        }
        self.inbox_fds.extend(fds);
        self.inbox.extend_from_slice(&buffer[..bytes]);
        Ok(bytes)
    }

    /// Queues a message, and writes what the socket takes now. False when too much is waiting: then nothing was queued.
    pub fn send<M: Serialize>(&mut self, message: &M, fds: Vec<OwnedFd>) -> bool {
        let line = encode(message, fds.len());
        let waiting: usize = self.outbox.iter().map(|outgoing| outgoing.line.len()).sum();
        if waiting + line.len() > LIMIT {
            return false;
        }
        self.outbox.push_back(Outgoing { line, sent: 0, fds });
        // A broken connection is told by `receive`.
        let _ = self.write_some();
        true
    }

    /// Whether something that was sent has not left yet.
    pub fn is_waiting(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Writes what the socket takes now of what waits.
    ///
    /// # Errors
    /// When the connection is broken.
    pub fn write_some(&mut self) -> io::Result<()> {
        while let Some(next) = self.outbox.front_mut() {
            let fds: Vec<RawFd> = next.fds.iter().map(AsRawFd::as_raw_fd).collect();
            let rights = [ControlMessage::ScmRights(&fds)];
            let control = if fds.is_empty() { &rights[..0] } else { &rights[..] };
            let slices = [IoSlice::new(&next.line[next.sent..])];
            let sent = match sendmsg::<()>(self.stream.as_raw_fd(), &slices, control, SEND, None) {
                Ok(sent) => sent,
                Err(nix::Error::EINTR) => continue,
                Err(nix::Error::EAGAIN) => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            next.fds.clear();
            next.sent += sent;
            if next.sent == next.line.len() {
                self.outbox.pop_front();
            }
        }
        Ok(())
    }

    /// Writes until nothing waits, for at most so long.
    pub fn flush(&mut self, time: Duration) {
        let until = Instant::now() + time;
        let mut poll = Poll::default();
        while self.write_some().is_ok() && self.is_waiting() {
            let left = until.saturating_duration_since(Instant::now());
            poll.clear();
            poll.add(&self.stream, For::Writing);
            if left.is_zero() || poll.wait(Some(left)).is_err() {
                return;
            }
        }
    }

    /// The user that the other side runs as.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn peer_user(&self) -> io::Result<u32> {
        socket::peer_user(self.stream.as_fd())
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

// Rust ignores SIGPIPE, so a closed socket is an error and no signal; nothing else to ask for.
const SEND: MsgFlags = MsgFlags::empty();

fn invalid(reason: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.into())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::super::{FromClient, FromHost};
    use super::*;

    fn pair() -> (Channel, UnixStream) {
        let (ours, theirs) = UnixStream::pair().expect("a socket pair");
        (Channel::new(ours).expect("a channel"), theirs)
    }

    #[test]
    fn a_line_cut_anywhere_arrives_whole() {
        let line = br#"{"v":1,"op":"signal","number":15}"#;
        for cut in 0..line.len() {
            let (mut channel, mut other) = pair();
            other.write_all(&line[..cut]).expect("writes");
            assert!(matches!(channel.receive::<FromClient>(), Ok(Received::Nothing)));
            other.write_all(&line[cut..]).expect("writes");
            other.write_all(b"\n").expect("writes");
            let received = channel.wait_for::<FromClient>(None).expect("receives");
            assert_eq!(received.map(|received| received.0), Some(FromClient::Signal { number: 15 }));
            drop(other);
            assert!(matches!(channel.receive::<FromClient>(), Ok(Received::Closed)));
        }
    }

    #[test]
    fn descriptors_arrive_with_their_message() {
        let (one, other) = UnixStream::pair().expect("a socket pair");
        let (mut one, mut other) =
            (Channel::new(one).expect("a channel"), Channel::new(other).expect("a channel"));
        let (read, write) = std::io::pipe().expect("a pipe");
        assert!(one.send(&FromHost::Ended { status: 1 }, vec![]));
        assert!(one.send(&FromHost::Started, vec![write.into()]));
        let (first, fds) = other.wait_for::<FromHost>(None).expect("receives").expect("a message");
        assert_eq!((first, fds.len()), (FromHost::Ended { status: 1 }, 0));
        let (second, mut fds) = other.wait_for::<FromHost>(None).expect("receives").expect("a message");
        assert_eq!((second, fds.len()), (FromHost::Started, 1));
        std::fs::File::from(fds.remove(0)).write_all(b"x").expect("writes");
        let mut read = std::fs::File::from(OwnedFd::from(read));
        let mut all = String::new();
        read.read_to_string(&mut all).expect("reads");
        assert_eq!(all, "x");
    }

    #[test]
    fn a_peer_that_does_not_read_costs_a_bounded_queue() {
        let (mut channel, _other) = pair();
        let bytes = "x".repeat(10_000);
        let accepted = (0..1000)
            .take_while(|_| {
                channel.send(&FromHost::Undo { bytes: bytes.clone(), extended_keys: false }, vec![])
            })
            .count();
        assert!(accepted < 500, "{accepted}");
        assert!(channel.is_waiting());
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let (mut channel, mut other) = pair();
        let writer = std::thread::spawn(move || {
            let block = [b'x'; 65536];
            while other.write_all(&block).is_ok() {}
        });
        assert!(channel.wait_for::<FromClient>(None).is_err());
        drop(channel);
        writer.join().expect("joins");
    }

    #[test]
    fn a_wait_ends_with_its_time() {
        let (mut channel, _other) = pair();
        assert!(channel.wait_for::<FromClient>(Some(Duration::from_millis(1))).expect("waits").is_none());
    }
}

//! One end of a connection: lines and descriptors in and out, without ever blocking.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream as StdStream;

use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::Interest;
use tokio::net::UnixStream;

use super::message::{decode, encode};
use crate::platform::socket;

/// The longest line that is read, and the most that waits to be written, in bytes.
const LIMIT: usize = 1 << 20;
/// The most descriptors that may wait for the message which announces them.
const MOST_FDS: usize = 4;

/// A message and the descriptors that came with it.
pub type Received<M> = (M, Vec<OwnedFd>);

/// One end of a connection. Its futures may be dropped at any time without losing a byte.
///
/// The state is behind `RefCell`s so that one `select!` can both receive and flush; no borrow lasts over an await.
pub struct Channel {
    stream: UnixStream,
    inbox: RefCell<Inbox>,
    outbox: RefCell<VecDeque<Outgoing>>,
}

#[derive(Default)]
struct Inbox {
    bytes: Vec<u8>,
    fds: VecDeque<OwnedFd>,
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
    /// When it cannot be registered with the event loop.
    pub fn new(stream: StdStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self::from_tokio(UnixStream::from_std(stream)?))
    }

    /// Takes over a socket that the event loop accepted.
    pub fn from_tokio(stream: UnixStream) -> Self {
        Self { stream, inbox: RefCell::default(), outbox: RefCell::default() }
    }

    /// The next message; nothing when the other side has closed. Both sides' deaths look the same.
    ///
    /// # Errors
    /// When a line is not understood, or the connection breaks.
    pub async fn receive<M: DeserializeOwned>(&self) -> io::Result<Option<Received<M>>> {
        loop {
            if let Some(received) = self.inbox.borrow_mut().next()? {
                return Ok(Some(received));
            }
            self.stream.readable().await?;
            match self.stream.try_io(Interest::READABLE, || self.read_some()) {
                Ok(0) => return Ok(None),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    fn read_some(&self) -> io::Result<usize> {
        let mut buffer = [0; 4096];
        let socket::Received { bytes, fds, cut_off } = socket::receive(self.stream.as_fd(), &mut buffer)?;
        let mut inbox = self.inbox.borrow_mut();
        if cut_off || inbox.fds.len() + fds.len() > MOST_FDS {
            // Those that nobody announces would pile up for as long as the connection lasts.
            return Err(invalid("more descriptors than a message of the control protocol may have"));
        }
        if inbox.bytes.len() + bytes > LIMIT {
            return Err(invalid("a line of the control protocol is too long"));
        }
        inbox.fds.extend(fds);
        inbox.bytes.extend_from_slice(&buffer[..bytes]);
        Ok(bytes)
    }

    /// Queues a message, and writes what the socket takes now. False when too much is waiting: then nothing was queued.
    pub fn send<M: Serialize>(&self, message: &M, fds: Vec<OwnedFd>) -> bool {
        let line = encode(message, fds.len());
        {
            let mut outbox = self.outbox.borrow_mut();
            let waiting: usize = outbox.iter().map(|outgoing| outgoing.line.len()).sum();
            if waiting + line.len() > LIMIT {
                return false;
            }
            outbox.push_back(Outgoing { line, sent: 0, fds });
        }
        // A broken connection is told by `receive`.
        let _ = self.write_some();
        true
    }

    /// Whether something that was sent has not left yet.
    pub fn is_waiting(&self) -> bool {
        !self.outbox.borrow().is_empty()
    }

    /// Writes until nothing waits.
    ///
    /// # Errors
    /// When the connection is broken.
    pub async fn flush(&self) -> io::Result<()> {
        while self.is_waiting() {
            self.stream.writable().await?;
            match self.stream.try_io(Interest::WRITABLE, || self.write_some()) {
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    fn write_some(&self) -> io::Result<()> {
        let mut outbox = self.outbox.borrow_mut();
        while let Some(next) = outbox.front_mut() {
            let fds: Vec<RawFd> = next.fds.iter().map(AsRawFd::as_raw_fd).collect();
            let rights = [ControlMessage::ScmRights(&fds)];
            let control = if fds.is_empty() { &rights[..0] } else { &rights[..] };
            let slices = [IoSlice::new(&next.line[next.sent..])];
            let sent = match sendmsg::<()>(self.stream.as_raw_fd(), &slices, control, SEND, None) {
                Ok(sent) => sent,
                Err(nix::Error::EINTR) => continue,
                Err(error) => return Err(error.into()),
            };
            next.fds.clear();
            next.sent += sent;
            if next.sent == next.line.len() {
                outbox.pop_front();
            }
        }
        Ok(())
    }

    /// The user that the other side runs as.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn peer_user(&self) -> io::Result<u32> {
        Ok(self.stream.peer_cred()?.uid())
    }

    /// The socket, for code that has to work without the event loop.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

// Rust ignores SIGPIPE, so a closed socket is an error and no signal; nothing else to ask for.
const SEND: MsgFlags = MsgFlags::empty();

fn invalid(reason: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.into())
}

impl Inbox {
    fn next<M: DeserializeOwned>(&mut self) -> io::Result<Option<Received<M>>> {
        let Some(end) = memchr::memchr(b'\n', &self.bytes) else { return Ok(None) };
        let line: Vec<u8> = self.bytes.drain(..=end).collect();
        let (message, count) = decode(&line).map_err(invalid)?;
        if count > self.fds.len() {
            return Err(invalid("a message announced descriptors that did not come"));
        }
        Ok(Some((message, self.fds.drain(..count).collect())))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::super::{FromClient, FromHost};
    use super::*;

    fn pair() -> (Channel, StdStream) {
        let (ours, theirs) = StdStream::pair().expect("a socket pair");
        (Channel::new(ours).expect("registers"), theirs)
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_line_cut_anywhere_arrives_whole() {
        let line = br#"{"v":1,"op":"signal","number":15}"#;
        for cut in 0..line.len() {
            let (channel, mut other) = pair();
            other.write_all(&line[..cut]).expect("writes");
            let other = std::thread::spawn(move || {
                other.write_all(&line[cut..]).expect("writes");
                other.write_all(b"\n").expect("writes");
                other
            });
            let received: Option<Received<FromClient>> = channel.receive().await.expect("receives");
            assert_eq!(received.map(|received| received.0), Some(FromClient::Signal { number: 15 }));
            drop(other.join().expect("joins"));
            assert!(channel.receive::<FromClient>().await.expect("receives").is_none());
        }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn descriptors_arrive_with_their_message() {
        let (one, other) = StdStream::pair().expect("a socket pair");
        let (one, other) = (Channel::new(one).expect("registers"), Channel::new(other).expect("registers"));
        let (read, write) = std::io::pipe().expect("a pipe");
        assert!(one.send(&FromHost::Ended { status: 1 }, vec![]));
        assert!(one.send(&FromHost::Started, vec![write.into()]));
        let (first, fds): Received<FromHost> = other.receive().await.expect("receives").expect("a message");
        assert_eq!((first, fds.len()), (FromHost::Ended { status: 1 }, 0));
        let (second, mut fds): Received<FromHost> =
            other.receive().await.expect("receives").expect("a message");
        assert_eq!((second, fds.len()), (FromHost::Started, 1));
        std::fs::File::from(fds.remove(0)).write_all(b"x").expect("writes");
        let mut read = std::fs::File::from(OwnedFd::from(read));
        let mut all = String::new();
        read.read_to_string(&mut all).expect("reads");
        assert_eq!(all, "x");
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_peer_that_does_not_read_costs_a_bounded_queue() {
        let (channel, _other) = pair();
        let bytes = "x".repeat(10_000);
        let accepted =
            (0..1000).take_while(|_| channel.send(&FromHost::Undo { bytes: bytes.clone() }, vec![])).count();
        assert!(accepted < 500, "{accepted}");
        assert!(channel.is_waiting());
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_line_without_end_is_refused() {
        let (channel, mut other) = pair();
        let writer = std::thread::spawn(move || {
            let block = [b'x'; 65536];
            while other.write_all(&block).is_ok() {}
        });
        assert!(channel.receive::<FromClient>().await.is_err());
        drop(channel);
        writer.join().expect("joins");
    }
}

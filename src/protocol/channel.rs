//! One end of a connection: lines and descriptors in and out, without ever blocking.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use nix::unistd::Pid;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::message::{decode, encode};
use crate::os::fd_store::{FdStore, ReceivedFds, StoredFd};
use crate::os::poll::{Interest, Poll, has_ended};
use crate::os::raw_text;
use crate::os::socket;

/// The longest line that is read, and the most that waits to be written, in bytes.
const MAX_LINE_BYTES: usize = 1 << 20;
/// The most descriptors that may wait for the message which announces them.
const MOST_FDS: usize = 4;

/// What `Channel::receive` has found.
#[derive(Debug)]
pub enum ReceivedMessage<M> {
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
    outbox: VecDeque<QueuedMessage>,
    /// The bytes of all lines in the outbox.
    outbox_bytes: usize,
}

/// A connection as it is handed over to the program that goes on with it.
#[derive(Debug, Serialize, Deserialize)]
pub struct ChannelState {
    stream: StoredFd,
    #[serde(with = "raw_text", default)]
    inbox: Vec<u8>,
    #[serde(default)]
    inbox_fds: Vec<StoredFd>,
    #[serde(default)]
    outbox: Vec<QueuedState>,
}

#[derive(Debug, Serialize, Deserialize)]
struct QueuedState {
    #[serde(with = "raw_text")]
    line: Vec<u8>,
    #[serde(default)]
    sent: usize,
    #[serde(default)]
    fds: Vec<StoredFd>,
}

struct QueuedMessage {
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
            outbox_bytes: 0,
        })
    }

    /// All that is needed to go on with it.
    pub fn hand_over(&self, fds: &FdStore) -> ChannelState {
        let queued = |message: &QueuedMessage| QueuedState {
            line: message.line.clone(),
            sent: message.sent,
            fds: message.fds.iter().map(|fd| fds.add(fd)).collect(),
        };
        ChannelState {
            stream: fds.add(&self.stream),
            inbox: self.inbox.clone(),
            inbox_fds: self.inbox_fds.iter().map(|fd| fds.add(fd)).collect(),
            outbox: self.outbox.iter().map(queued).collect(),
        }
    }

    /// Goes on with one that another program has handed over.
    ///
    /// # Errors
    /// When a descriptor is missing.
    pub fn take_over(state: ChannelState, fds: &ReceivedFds) -> io::Result<Self> {
        let all = |stored: Vec<StoredFd>| stored.into_iter().map(|fd| fds.get(fd)).collect::<io::Result<_>>();
        let queued = |message: QueuedState| {
            let QueuedState { line, sent, fds } = message;
            let sent = sent.min(line.len());
            Ok(QueuedMessage { line, sent, fds: all(fds)? })
        };
        let outbox = state.outbox.into_iter().map(queued).collect::<io::Result<VecDeque<_>>>()?;
        let inbox_fds: Vec<OwnedFd> = all(state.inbox_fds)?;
        Ok(Self {
            stream: UnixStream::from(fds.get(state.stream)?),
            inbox: state.inbox,
            searched: 0,
            inbox_fds: inbox_fds.into(),
            outbox_bytes: outbox.iter().map(|message| message.line.len()).sum(),
            outbox,
        })
    }

    /// The next message, if one is there.
    ///
    /// # Errors
    /// When a line is not understood, or the connection breaks; EMFILE where this process can have no
    /// descriptor more and one came ([`lacks_descriptors`]).
    pub fn receive<M: DeserializeOwned>(&mut self) -> io::Result<ReceivedMessage<M>> {
        loop {
            if let Some((message, fds)) = self.next_line()? {
                return Ok(ReceivedMessage::Message(message, fds));
            }
            match self.read_some() {
                Ok(0) => return Ok(ReceivedMessage::Closed),
                Ok(_) => {}
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return Ok(ReceivedMessage::Nothing),
                    io::ErrorKind::ConnectionReset => return Ok(ReceivedMessage::Closed),
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
                ReceivedMessage::Message(message, fds) => return Ok(Some((message, fds))),
                ReceivedMessage::Closed => return Ok(None),
                ReceivedMessage::Nothing => {}
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
    pub fn interest(&self) -> Interest {
        if self.is_waiting() { Interest::Both } else { Interest::Reading }
    }

    fn next_line<M: DeserializeOwned>(&mut self) -> io::Result<Option<(M, Vec<OwnedFd>)>> {
        // Not by `memchr`: to ask the processor what it can takes longer, in a virtual machine, than a line
        // is.
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
        let socket::ReceivedBytes { bytes, fds, cut_off } =
            socket::receive(self.stream.as_fd(), &mut buffer)?;
        if cut_off && fds.len() < MOST_FDS {
            // What came with it is lost: the kernel has dropped it.
            return Err(io::Error::from_raw_os_error(libc::EMFILE));
        }
        if cut_off || self.inbox_fds.len() + fds.len() > MOST_FDS {
            // Those that nobody announces would pile up for as long as the connection lasts.
            return Err(invalid("more descriptors than a message of the control protocol may have"));
        }
        if self.inbox.len() + bytes > MAX_LINE_BYTES {
            return Err(invalid("a line of the control protocol is too long"));
        }
        self.inbox_fds.extend(fds);
        self.inbox.extend_from_slice(&buffer[..bytes]);
        Ok(bytes)
    }

    /// Queues a message, and writes what the socket takes now. False when too much is waiting: then nothing
    /// was queued.
    pub fn send<M: Serialize>(&mut self, message: &M, fds: Vec<OwnedFd>) -> bool {
        let line = encode(message, fds.len());
        if self.outbox_bytes + line.len() > MAX_LINE_BYTES {
            return false;
        }
        self.outbox_bytes += line.len();
        self.outbox.push_back(QueuedMessage { line, sent: 0, fds });
        // A broken connection is told by `receive`.
        let _ = self.write_some();
        true
    }

    /// Has the system keep only about so many bytes that the other side has not read. Then [`Self::is_waiting`] soon says
    /// that it does not read.
    pub fn limit_unread(&self, bytes: usize) {
        // Without it more of what is old waits for a reader that is slow.
        let _ = socket::limit_unread(self.stream.as_fd(), bytes);
    }

    /// Whether something that was sent has not left yet.
    pub fn is_waiting(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Whether a message has begun to come and is not whole.
    pub fn has_half_a_message(&self) -> bool {
        !self.inbox.is_empty()
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
                self.outbox_bytes -= next.line.len();
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
            poll.add(&self.stream, Interest::Writing);
            if left.is_zero() || poll.wait(Some(left)).is_err() {
                return;
            }
        }
    }

    /// Whether the other side has closed its end for good, with all that it sent: a process that has ended,
    /// or has given up. One that has only said all it had to say (shutdown(2)) is still there.
    pub fn is_abandoned(&self) -> bool {
        has_ended(&self.stream)
    }

    /// The process that the other side was when the connection was made, as the system says; nothing where it
    /// says none: on some systems, and for a process of another PID namespace.
    pub fn peer_process(&self) -> Option<Pid> {
        socket::peer_process(self.stream.as_fd())
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

/// Whether an error of [`Channel::receive`] means that a descriptor came and this process may open no more.
/// It is lost then.
pub fn lacks_descriptors(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EMFILE)
}

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
            assert!(matches!(channel.receive::<FromClient>(), Ok(ReceivedMessage::Nothing)));
            other.write_all(&line[cut..]).expect("writes");
            other.write_all(b"\n").expect("writes");
            let received = channel.wait_for::<FromClient>(None).expect("receives");
            assert_eq!(received.map(|received| received.0), Some(FromClient::Signal { number: 15 }));
            drop(other);
            assert!(matches!(channel.receive::<FromClient>(), Ok(ReceivedMessage::Closed)));
        }
    }

    #[test]
    fn descriptors_arrive_with_their_message() {
        let (one, other) = UnixStream::pair().expect("a socket pair");
        let (mut one, mut other) =
            (Channel::new(one).expect("a channel"), Channel::new(other).expect("a channel"));
        let (read, write) = std::io::pipe().expect("a pipe");
        assert!(one.send(&FromHost::Ended { status: 1 }, vec![]));
        assert!(one.send(&FromHost::Started { minor: 1 }, vec![write.into()]));
        let (first, fds) = other.wait_for::<FromHost>(None).expect("receives").expect("a message");
        assert_eq!((first, fds.len()), (FromHost::Ended { status: 1 }, 0));
        let (second, mut fds) = other.wait_for::<FromHost>(None).expect("receives").expect("a message");
        assert_eq!((second, fds.len()), (FromHost::Started { minor: 1 }, 1));
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

    #[cfg(target_os = "linux")]
    #[test]
    fn a_descriptor_that_finds_no_number_is_no_end_of_the_connection() {
        use nix::sys::resource::{Resource, getrlimit, setrlimit};
        use nix::sys::wait::{WaitStatus, waitpid};
        use nix::unistd::{ForkResult, fork};
        let (one, other) = UnixStream::pair().expect("a socket pair");
        let (mut one, mut other) =
            (Channel::new(one).expect("a channel"), Channel::new(other).expect("a channel"));
        let null = std::fs::File::open("/dev/null").expect("opens");
        assert!(one.send(&FromHost::Started { minor: 1 }, vec![null.into()]));
        // In a process of its own, for the limit is one of the process.
        // SAFETY: the child calls nothing that another thread could have locked: it reads, and ends.
        let status = match unsafe { fork() }.expect("a process") {
            ForkResult::Parent { child } => waitpid(child, None).expect("waits"),
            ForkResult::Child => {
                let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap_or((0, 0));
                let _ = setrlimit(Resource::RLIMIT_NOFILE, 0, hard);
                let lacks = other.receive::<FromHost>().is_err_and(|error| lacks_descriptors(&error));
                // SAFETY: ends this process, without what others have to do at the end of theirs.
                unsafe { libc::_exit(if lacks { 7 } else { 8 }) }
            }
        };
        assert!(matches!(status, WaitStatus::Exited(_, 7)), "{status:?}");
    }

    #[test]
    fn a_wait_ends_with_its_time() {
        let (mut channel, _other) = pair();
        assert!(channel.wait_for::<FromClient>(Some(Duration::from_millis(1))).expect("waits").is_none());
    }
}

//! One connection to the control socket: what it has asked, and what is said to it.

use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::host::journal::Promise;
use crate::os::fd_store::{FdStore, ReceivedFds, StoredFd};
use crate::os::moment;
use crate::os::poll::Token;
use crate::protocol::{
    Attach, Channel, ChannelState, FromHost, ReceivedMessage, Request, Response, lacks_descriptors,
};
use crate::user_error::system_limits::System;

/// A connection that is not a client's.
pub struct Connection {
    /// The connection itself.
    pub channel: Channel,
    /// When it was made, last had a request answered, or last was found half-way.
    pub heard_at: Instant,
    /// It was half-way when it was last served.
    pub was_half_way: bool,
    /// It may have sent more than one turn has answered.
    pub has_more: bool,
    /// What it has asked, and is answered in a later turn: the screen model has to catch up first.
    pub pending: Option<PendingRequest>,
    /// The message that it has sent, and waits to hear of.
    pub awaits: Option<Uuid>,
    /// It watches the screen, and has seen this edition of the picture; 0 for none.
    pub watches: Option<u64>,
    /// An answer that waits until the record says what it promises.
    pub held: Option<(Response, Promise)>,
    /// Where it stands in the `Poll`.
    pub place: Option<Token>,
}

/// So much may wait in the system for a watcher that does not read: a few frames, which are old when they are read.
const UNREAD_FRAME_BYTES: usize = 32 * 1024;

/// A request with its descriptors, and when it came.
type PendingRequest = (Request, Vec<OwnedFd>, Instant);

/// What there is to say to a request now.
pub enum Now {
    /// This, when the record says what it promises.
    Answer(Response, Option<Promise>),
    /// This, and the connection is closed behind it: its other end wakes up nobody later.
    Last(Response),
    /// Nothing: it is to be asked again in the next turn.
    Later,
    /// Nothing for now: the answers come by [`super::ControlServer::tell`], under this id.
    Deferred(Uuid),
    /// Nothing: the connection is sent the screen from now on, by [`super::ControlServer::show`].
    Watch,
    /// The connection is to become the client's.
    Attach,
}

/// A connection as it is handed over to the program that goes on with it.
#[derive(Debug, Serialize, Deserialize)]
pub struct ConnectionState {
    channel: ChannelState,
    #[serde(with = "moment")]
    heard_at: Instant,
    #[serde(default)]
    was_half_way: bool,
    #[serde(default)]
    pending: Option<PendingState>,
    #[serde(default)]
    awaits: Option<Uuid>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    watches: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct PendingState {
    request: Request,
    #[serde(default)]
    fds: Vec<StoredFd>,
    #[serde(with = "moment")]
    since: Instant,
}

impl Connection {
    /// All that is needed to go on with it. Handed over while no answer is held.
    pub fn hand_over(&self, fds: &FdStore) -> ConnectionState {
        let pending = |(request, descriptors, since): &PendingRequest| PendingState {
            request: request.clone(),
            fds: descriptors.iter().map(|fd| fds.add(fd)).collect(),
            since: *since,
        };
        ConnectionState {
            channel: self.channel.hand_over(fds),
            heard_at: self.heard_at,
            was_half_way: self.was_half_way,
            pending: self.pending.as_ref().map(pending),
            awaits: self.awaits,
            watches: self.watches.is_some(),
        }
    }

    /// Goes on with one that another program has handed over.
    ///
    /// # Errors
    /// When a descriptor is missing.
    pub fn take_over(state: ConnectionState, fds: &ReceivedFds) -> io::Result<Self> {
        let pending = match state.pending {
            Some(PendingState { request, fds: stored, since }) => {
                let descriptors = stored.into_iter().map(|fd| fds.get(fd)).collect::<io::Result<_>>()?;
                Some((request, descriptors, since))
            }
            None => None,
        };
        Ok(Self {
            heard_at: state.heard_at,
            was_half_way: state.was_half_way,
            // Whether there is more is seen when it is read.
            has_more: true,
            pending,
            awaits: state.awaits,
            // The picture is made anew, and begins with a whole frame.
            watches: state.watches.then_some(0),
            ..Self::new(Channel::take_over(state.channel, fds)?)
        })
    }

    /// One that has said nothing yet.
    pub fn new(channel: Channel) -> Self {
        let heard_at = Instant::now();
        Self {
            channel,
            heard_at,
            was_half_way: false,
            has_more: false,
            pending: None,
            awaits: None,
            watches: None,
            held: None,
            place: None,
        }
    }

    /// Whether it waits for an answer that is not there yet.
    pub fn is_patient(&self) -> bool {
        self.held.is_some() || self.awaits.is_some() || self.watches.is_some()
    }

    /// Whether it waits in the middle of something.
    pub fn is_half_way(&self) -> bool {
        self.channel.is_waiting() || self.channel.has_half_a_message()
    }
}

/// What becomes of a connection.
pub enum After {
    /// It stays.
    GoesOn {
        /// A whole request was answered.
        answered: bool,
        /// More may have come than was answered.
        has_more: bool,
    },
    /// It is closed.
    Over,
    /// It becomes the client's, with these descriptors.
    Attach(Box<Attach>, Vec<OwnedFd>),
}

/// Answers what has come, but no more than `left` requests. A request whose sender has gone is not carried
/// out: whoever gave it up was told so.
pub fn serve_one(
    connection: &mut Connection,
    left: &mut usize,
    answer: &mut impl FnMut(&Request, Duration) -> Now,
) -> After {
    let Connection { channel, pending, held, awaits, watches, .. } = connection;
    let waits = held.is_some() || awaits.is_some() || watches.is_some();
    if channel.write_some().is_err() || waits && channel.is_abandoned() {
        return After::Over;
    }
    let mut answered = false;
    // One that does not take its answers gets no more of them.
    while !channel.is_waiting() && held.is_none() && awaits.is_none() && watches.is_none() {
        if *left == 0 {
            return After::GoesOn { answered, has_more: true };
        }
        let (request, fds, since) = match pending.take() {
            Some(pending) => pending,
            None => match channel.receive::<Request>() {
                Ok(ReceivedMessage::Message(request, fds)) => (request, fds, Instant::now()),
                Ok(ReceivedMessage::Nothing) => return After::GoesOn { answered, has_more: false },
                Ok(ReceivedMessage::Closed) => return After::Over,
                Err(error) if lacks_descriptors(&error) => {
                    // Descriptors come with a request to attach alone, which is answered as a client is.
                    let reason = format!(
                        "the session's host may open no more files, so it cannot take this terminal; {}",
                        System::HERE.for_open_files_of(std::process::id())
                    );
                    channel.send(&FromHost::Failed { reason, status: 1, claude_can_run: false }, vec![]);
                    return After::Over;
                }
                Err(error) => {
                    channel.send(&Response::Refused { reason: error.to_string() }, vec![]);
                    return After::Over;
                }
            },
        };
        if channel.is_abandoned() {
            return After::Over;
        }
        *left -= 1;
        match answer(&request, since.elapsed()) {
            Now::Attach => match request {
                Request::Attach(attach) => return After::Attach(attach, fds),
                _ => return After::Over,
            },
            Now::Later => {
                *pending = Some((request, fds, since));
                return After::GoesOn { answered, has_more: true };
            }
            Now::Deferred(id) => {
                *awaits = Some(id);
                answered = true;
            }
            Now::Watch => {
                channel.limit_unread(UNREAD_FRAME_BYTES);
                *watches = Some(0);
                answered = true;
            }
            Now::Last(words) => {
                // Nothing was sent before, so the socket has room for it.
                channel.send(&words, vec![]);
                return After::Over;
            }
            Now::Answer(words, Some(promise)) => {
                *held = Some((words, promise));
                answered = true;
            }
            Now::Answer(words, None) if !channel.send(&words, vec![]) => return After::Over,
            Now::Answer(..) => answered = true,
        }
    }
    // Room for the rest of the answer is something to wait for.
    After::GoesOn { answered, has_more: false }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::os::unix::net::UnixStream;

    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    use nix::sys::wait::{WaitStatus, waitpid};
    use nix::unistd::{ForkResult, fork};

    use super::*;

    #[test]
    fn one_that_sends_a_terminal_to_a_host_without_a_number_for_it_hears_why() {
        let (ours, theirs) = UnixStream::pair().expect("a socket pair");
        let mut theirs = Channel::new(theirs).expect("a channel");
        let mut connection = Connection::new(Channel::new(ours).expect("a channel"));
        let null = std::fs::File::open("/dev/null").expect("opens");
        assert!(theirs.send(&Request::Detach, vec![null.into()]));
        // In a process of its own, for the limit is one of the process.
        // SAFETY: the child calls nothing that another thread could have locked: it answers, and ends.
        match unsafe { fork() }.expect("a process") {
            ForkResult::Parent { child } => {
                assert!(matches!(waitpid(child, None), Ok(WaitStatus::Exited(_, 0))));
            }
            ForkResult::Child => {
                let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap_or((0, 0));
                let _ = setrlimit(Resource::RLIMIT_NOFILE, 0, hard);
                let over = serve_one(&mut connection, &mut 8, &mut |_, _| Now::Later);
                // SAFETY: ends this process, without what others have to do at the end of theirs.
                unsafe { libc::_exit(i32::from(!matches!(over, After::Over))) }
            }
        }
        let said = theirs.wait_for::<FromHost>(Some(Duration::from_secs(10))).expect("an answer");
        let Some((FromHost::Failed { reason, status: 1, .. }, _)) = said else { panic!("{said:?}") };
        assert!(reason.contains("may open no more files") && reason.contains("prlimit"), "{reason}");
    }
}

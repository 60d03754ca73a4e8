//! The session's control socket: who may connect, and how a request gets its answer.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::stat::{Mode, umask};
use nix::unistd::geteuid;

use crate::control::{Answer, Attach, Channel, Received, Request};
use crate::escape::escape;
use crate::platform::poll::{For, Place, Poll};

/// The most connections at a time; further ones are closed at once.
const CONNECTIONS: usize = 32;
/// After a connection could not be accepted (out of descriptors), the time until it is tried again.
const PAUSE: Duration = Duration::from_millis(200);

/// Listens on the control socket, which is removed when this is dropped.
pub struct Server {
    listener: UnixListener,
    path: PathBuf,
    connections: Vec<Channel>,
    accept_from: Option<Instant>,
}

/// A connection whose other side wants to be the session's client.
pub struct Attaching {
    /// The connection, which the server has let go of.
    pub channel: Channel,
    /// What was asked.
    pub attach: Attach,
    /// The descriptors that came with it.
    pub fds: Vec<OwnedFd>,
}

/// Where the server's descriptors stand in a `Poll`.
pub struct Places {
    listener: Option<Place>,
    connections: Vec<Place>,
}

impl Server {
    /// Binds the socket, for this user only from the first moment.
    ///
    /// # Errors
    /// When the path is too long for a socket, or the directory cannot be written. The error names the path.
    pub fn bind(path: &Path) -> io::Result<Self> {
        let named = |error: io::Error| {
            let advice = "set XDG_RUNTIME_DIR to a directory that is writable and has a short name";
            io::Error::new(
                error.kind(),
                format!("{}: no socket can be made there: {error}; {advice}", escape(path)),
            )
        };
        // One from a host that was killed: its session's id is ours now, so nobody else uses it.
        let _ = fs::remove_file(path);
        // The mode of a socket comes from the umask alone; set later, it would be open for a moment.
        let before = umask(Mode::from_bits_truncate(0o177));
        let bound = UnixListener::bind(path);
        umask(before);
        let listener = bound.map_err(named)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(named)?;
        listener.set_nonblocking(true).map_err(named)?;
        Ok(Self { listener, path: path.into(), connections: Vec::new(), accept_from: None })
    }

    /// Adds what the server waits for.
    pub fn prepare(&self, poll: &mut Poll) -> Places {
        Places {
            listener: self.accept_from.is_none().then(|| poll.add(&self.listener, For::Reading)),
            connections: self
                .connections
                .iter()
                .map(|connection| poll.add(connection, connection.interest()))
                .collect(),
        }
    }

    /// When the server wants to be called although nothing is ready.
    pub fn deadline(&self) -> Option<Instant> {
        self.accept_from
    }

    /// Serves what is ready, with the answers that `answer` gives. Gives the connections that want to be clients.
    pub fn serve(
        &mut self,
        poll: &Poll,
        places: &Places,
        mut answer: impl FnMut(&Request) -> Answer,
    ) -> Vec<Attaching> {
        let mut attaching = Vec::new();
        // Backwards, so that one that goes leaves the others where they are.
        for (at, place) in places.connections.iter().enumerate().rev() {
            if !poll.is_ready(*place) {
                continue;
            }
            match serve_one(&mut self.connections[at], &mut answer) {
                After::GoesOn => {}
                After::Over => drop(self.connections.remove(at)),
                After::Attach(attach, fds) => {
                    attaching.push(Attaching { channel: self.connections.remove(at), attach: *attach, fds });
                }
            }
        }
        if self.accept_from.is_some_and(|at| at <= Instant::now()) {
            self.accept_from = None;
        }
        if places.listener.is_some_and(|place| poll.is_ready(place)) {
            self.accept();
        }
        attaching
    }

    fn accept(&mut self) {
        match self.listener.accept() {
            // The directory keeps others out already; the user is checked for where somebody has opened it.
            Ok((stream, _)) if self.connections.len() < CONNECTIONS => {
                self.connections.extend(admit(stream, geteuid().as_raw()))
            }
            Ok(_) => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            // Trying again at once would not help, and would not rest.
            Err(_) => self.accept_from = Some(Instant::now() + PAUSE),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// A connection of a peer that runs as `user`; any other one gets no word.
fn admit(stream: UnixStream, user: u32) -> Option<Channel> {
    Channel::new(stream).ok().filter(|channel| channel.peer_user().ok() == Some(user))
}

/// What becomes of a connection.
enum After {
    GoesOn,
    Over,
    Attach(Box<Attach>, Vec<OwnedFd>),
}

/// Answers what has come.
fn serve_one(channel: &mut Channel, answer: &mut impl FnMut(&Request) -> Answer) -> After {
    if channel.write_some().is_err() {
        return After::Over;
    }
    // One that does not take its answers gets no more of them.
    while !channel.is_waiting() {
        match channel.receive::<Request>() {
            Ok(Received::Message(Request::Attach(attach), fds)) => return After::Attach(attach, fds),
            Ok(Received::Message(request, _)) => {
                if !channel.send(&answer(&request), vec![]) {
                    return After::Over;
                }
            }
            Ok(Received::Nothing) => return After::GoesOn,
            Ok(Received::Closed) => return After::Over,
            Err(error) => {
                channel.send(&Answer::Refused { reason: error.to_string() }, vec![]);
                return After::Over;
            }
        }
    }
    After::GoesOn
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    /// What comes back for garbage when the session belongs to `user`: a refusal in words, or nothing.
    fn answer(user: u32) -> String {
        let (ours, mut theirs) = UnixStream::pair().expect("a socket pair");
        theirs.write_all(b"garbage\n").expect("writes");
        if let Some(mut channel) = admit(ours, user) {
            assert!(matches!(serve_one(&mut channel, &mut |_| unreachable!("not a request")), After::Over));
        }
        let mut said = Vec::new();
        // What was not read makes the end a reset.
        let _ = theirs.read_to_end(&mut said);
        String::from_utf8(said).expect("UTF-8")
    }

    #[test]
    fn another_user_gets_no_word() {
        let own = geteuid().as_raw();
        assert!(answer(own).contains("not a message of cckw"));
        assert_eq!(answer(own + 1), "");
    }
}

//! The session's control socket: who may connect, and how a request gets its answer.

mod connection;

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::stat::{Mode, umask};
use nix::unistd::geteuid;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::journal::Promise;
use crate::escape::escape;
use crate::os::fd_store::{FdStore, ReceivedFds, StoredFd};
use crate::os::poll::{Interest, Poll, Token};
use crate::os::socket;
use crate::os::text::LosslessText;
use crate::paths;
use crate::protocol::{Attach, Channel, Request, Response, ScreenFrame};
use crate::registry::control_socket;
pub use connection::Now;
use connection::{After, Connection, ConnectionState, serve_one};

/// The most connections at a time. For a further one, that which has been silent for longest makes room.
const MOST_CONNECTIONS: usize = 32;
/// So many may be silent for as long as they like: `cckw logs --follow` and `cckw list --watch` wait for the
/// end of theirs.
const SILENT_CONNECTIONS: usize = 16;
/// How long any other may be silent, a request may take to come whole, and an answer to be taken.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections accepted in one turn of the host's loop.
const ACCEPTED_A_TURN: usize = 8;
/// Requests answered in one turn of the host's loop, and how long one may be begun in it.
const REQUESTS_A_TURN: usize = 8;
const TURN_TIME: Duration = Duration::from_millis(10);
/// After a connection could not be accepted (out of descriptors), the time until it is tried again.
const ACCEPT_RETRY_INTERVAL: Duration = Duration::from_millis(200);

/// Listens on the control socket, which is removed when this is dropped.
pub struct ControlServer {
    listener: UnixListener,
    path: PathBuf,
    /// Device and inode of the socket, by which it is told from one that somebody else has put in its place.
    file: (u64, u64),
    /// What leads to the socket from the session's directory, where it is elsewhere.
    link: Option<PathBuf>,
    /// The one whose turn comes last stands last.
    connections: Vec<Connection>,
    accept_from: Option<Instant>,
    /// Messages whose senders have gone.
    abandoned: Vec<Uuid>,
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
pub struct ServerTokens {
    listener: Option<Token>,
}

/// The same as it is handed over to the program that goes on with it.
#[derive(Debug, Serialize, Deserialize)]
pub struct ServerState {
    listener: StoredFd,
    path: LosslessText,
    file: (u64, u64),
    #[serde(default)]
    link: Option<LosslessText>,
    #[serde(default)]
    connections: Vec<ConnectionState>,
    #[serde(default)]
    abandoned: Vec<Uuid>,
}

impl ControlServer {
    /// All that is needed to go on. Handed over while no answer is held ([`Self::holds_answers`]).
    pub fn hand_over(&self, fds: &FdStore) -> ServerState {
        ServerState {
            listener: fds.add(&self.listener),
            path: self.path.as_path().into(),
            file: self.file,
            link: self.link.as_deref().map(LosslessText::from),
            connections: self.connections.iter().map(|connection| connection.hand_over(fds)).collect(),
            abandoned: self.abandoned.clone(),
        }
    }

    /// Goes on with one that another program has handed over.
    ///
    /// # Errors
    /// When a descriptor is missing.
    pub fn take_over(state: ServerState, fds: &ReceivedFds) -> io::Result<Self> {
        let path = |text: LosslessText| PathBuf::from(std::ffi::OsString::from(text));
        let take = |connection| Connection::take_over(connection, fds);
        // Dropped, this removes the socket; so nothing may fail from here on.
        let connections = state.connections.into_iter().map(take).collect::<io::Result<_>>()?;
        Ok(Self {
            listener: UnixListener::from(fds.get(state.listener)?),
            path: path(state.path),
            file: state.file,
            link: state.link.map(path),
            connections,
            accept_from: None,
            abandoned: state.abandoned,
        })
    }

    /// Whether an answer waits for a record that is being written.
    pub fn holds_answers(&self) -> bool {
        self.connections.iter().any(|connection| connection.held.is_some())
    }

    /// Makes the socket of a session in its directory, or in [`paths::short_dir`] where the directory cannot
    /// hold one.
    ///
    /// # Errors
    /// When neither directory can be used. The error names the path.
    pub fn bind(directory: &Path, session: &Uuid) -> io::Result<Self> {
        Self::bind_with(socket::listen, directory, &paths::short_dir(), session)
    }

    fn bind_with(
        listen: impl Fn(&Path) -> io::Result<UnixListener>,
        directory: &Path,
        short: &Path,
        session: &Uuid,
    ) -> io::Result<Self> {
        let path = control_socket::in_directory(directory);
        match Self::bind_at(&listen, &path) {
            Err(error) if socket::has_no_place(&error) => {
                let elsewhere = control_socket::in_short_dir(short, session);
                paths::make_private_there(short).map_err(io::Error::other)?;
                let mut server =
                    Self::bind_at(&listen, &elsewhere).map_err(|error| named(&elsewhere, &error))?;
                control_socket::link(directory, &elsewhere).map_err(|error| named(&path, &error))?;
                server.link = Some(path);
                Ok(server)
            }
            bound => bound.map_err(|error| named(&path, &error)),
        }
    }

    /// Binds a socket, for this user only from the first moment.
    fn bind_at(listen: impl Fn(&Path) -> io::Result<UnixListener>, path: &Path) -> io::Result<Self> {
        // One from a host that was killed: its session's id is ours now, so nobody else uses it.
        let _ = fs::remove_file(path);
        // The mode of a socket comes from the umask alone; set later, it would be open for a moment.
        let before = umask(Mode::from_bits_truncate(0o177));
        let bound = listen(path);
        umask(before);
        let listener = bound?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        listener.set_nonblocking(true)?;
        let metadata = fs::symlink_metadata(path)?;
        let file = (metadata.dev(), metadata.ino());
        Ok(Self {
            listener,
            path: path.into(),
            file,
            link: None,
            connections: Vec::new(),
            accept_from: None,
            abandoned: Vec::new(),
        })
    }

    /// The path of the socket.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the socket anew, which somebody has removed or replaced. Who is connected stays so.
    ///
    /// # Errors
    /// As [`Self::bind`].
    pub fn make_anew(&mut self, directory: &Path, session: &Uuid) -> io::Result<()> {
        let mut new = Self::bind(directory, session)?;
        // What is dropped must not remove the new socket, nor one that another session has by now.
        std::mem::swap(&mut self.listener, &mut new.listener);
        (self.path, self.file, self.link) = (std::mem::take(&mut new.path), new.file, new.link.take());
        Ok(())
    }

    /// The session's directory was moved here, with the socket in it.
    pub fn moved_to(&mut self, directory: &Path) {
        let path = control_socket::in_directory(directory);
        match &mut self.link {
            Some(link) => *link = path,
            None => self.path = path,
        }
    }

    /// Whether the socket is where others look for it who know the session's directory.
    pub fn is_in_place_below(&self, directory: &Path) -> bool {
        let place = control_socket::in_directory(directory);
        let leads_there = match &self.link {
            Some(_) => fs::read_link(place).is_ok_and(|target| target == self.path),
            None => place == self.path,
        };
        leads_there && self.is_in_place()
    }

    /// Whether the socket is still at its path.
    pub fn is_in_place(&self) -> bool {
        fs::symlink_metadata(&self.path).is_ok_and(|found| (found.dev(), found.ino()) == self.file)
    }

    /// Adds what the server waits for.
    pub fn prepare(&mut self, poll: &mut Poll) -> ServerTokens {
        for connection in &mut self.connections {
            // One that does not take its answers is not read: what it sends meanwhile is nothing to wake up
            // for.
            let what = match connection.channel.is_waiting() {
                true if connection.held.is_none() => Interest::Writing,
                _ if connection.is_patient() => Interest::End,
                _ => Interest::Reading,
            };
            connection.place = Some(poll.add(&connection.channel, what));
        }
        ServerTokens {
            listener: self.accept_from.is_none().then(|| poll.add(&self.listener, Interest::Reading)),
        }
    }

    /// When the server wants to be called although nothing is ready. Never where nobody is connected.
    pub fn deadline(&self) -> Option<Instant> {
        if self.connections.iter().any(|connection| connection.has_more) {
            return Some(Instant::now());
        }
        let idle = self.overdue_from().min();
        let held = self.connections.iter().filter_map(|connection| connection.held.as_ref());
        self.accept_from.into_iter().chain(idle).chain(held.map(|(_, promise)| promise.until())).min()
    }

    /// Sends the answers that wait for a record which is written by now.
    pub fn keep_promises(&mut self, is_kept: impl Fn(&Promise) -> bool) {
        for connection in &mut self.connections {
            if let Some((answer, _)) = connection.held.take_if(|(_, promise)| is_kept(promise)) {
                // One that does not take it is told of by the next poll.
                connection.channel.send(&answer, vec![]);
                // What was asked behind it has been read already, and no poll tells of that.
                connection.has_more = true;
            }
        }
    }

    /// Tells whoever has sent this message. `is_last` is whether that was all there is to say of it.
    pub fn tell(&mut self, id: &Uuid, words: &Response, is_last: bool) {
        for connection in self.connections.iter_mut().filter(|one| one.awaits.as_ref() == Some(id)) {
            connection.channel.send(words, vec![]);
            if is_last {
                connection.awaits = None;
                // What was asked behind it may be here already.
                connection.has_more = true;
                connection.heard_at = Instant::now();
            }
        }
    }

    /// How many watch the screen.
    pub fn watchers(&self) -> usize {
        self.connections.iter().filter(|one| one.watches.is_some()).count()
    }

    /// The editions of the picture that those have seen who watch, and have taken what they were sent.
    pub fn seen_editions(&self) -> impl Iterator<Item = u64> {
        let takes = |one: &&Connection| !one.channel.is_waiting();
        self.connections.iter().filter(takes).filter_map(|one| one.watches)
    }

    /// Sends a frame to those of them who have not seen this edition. `frame_since` makes it for one that has seen
    /// another one.
    pub fn show(&mut self, edition: u64, mut frame_since: impl FnMut(u64) -> Option<ScreenFrame>) {
        for one in self.connections.iter_mut().filter(|one| !one.channel.is_waiting()) {
            let Some(seen) = one.watches.filter(|seen| *seen != edition) else { continue };
            if let Some(frame) = frame_since(seen)
                && one.channel.send(&Response::Frame(frame), vec![])
            {
                one.watches = Some(edition);
            }
        }
    }

    /// The messages whose senders have gone since this was asked last.
    pub fn take_abandoned(&mut self) -> Vec<Uuid> {
        let mut gone = std::mem::take(&mut self.abandoned);
        gone.retain(|id| !self.connections.iter().any(|one| one.awaits.as_ref() == Some(id)));
        gone
    }

    /// When each connection that may not be silent for ever has been silent for too long.
    fn overdue_from(&self) -> impl Iterator<Item = Instant> {
        let is_crowded = self.connections.len() > SILENT_CONNECTIONS;
        let may_not = move |connection: &&Connection| {
            !connection.is_patient() && (is_crowded || connection.is_half_way())
        };
        self.connections.iter().filter(may_not).map(|connection| connection.heard_at + IDLE_TIMEOUT)
    }

    /// Serves what is ready, with the answers that `answer` gives to a request that has waited for so long;
    /// one with a promise is sent by `keep_promises`. Gives the connections that want to be clients.
    ///
    /// What one turn may do is bounded: the rest is served in the next one, those that were not served now
    /// first.
    pub fn serve(
        &mut self,
        poll: &Poll,
        places: &ServerTokens,
        mut answer: impl FnMut(&Request, Duration) -> Now,
    ) -> Vec<Attaching> {
        let (begun, mut left) = (Instant::now(), REQUESTS_A_TURN);
        let (mut attaching, mut served) = (Vec::new(), Vec::new());
        for mut connection in std::mem::take(&mut self.connections) {
            let is_ready = connection.place.take().is_some_and(|place| poll.is_ready(place));
            connection.has_more |= is_ready;
            if !connection.has_more || left == 0 || begun.elapsed() > TURN_TIME {
                self.connections.push(connection);
                continue;
            }
            match serve_one(&mut connection, &mut left, &mut answer) {
                After::GoesOn { answered, has_more } => {
                    let half_way = connection.is_half_way();
                    if answered || half_way && !connection.was_half_way {
                        connection.heard_at = Instant::now();
                    }
                    connection.was_half_way = half_way;
                    connection.has_more = has_more;
                    served.push(connection);
                }
                After::Over => self.abandoned.extend(connection.awaits),
                After::Attach(attach, fds) => {
                    attaching.push(Attaching { channel: connection.channel, attach: *attach, fds });
                }
            }
        }
        self.connections.append(&mut served);
        let now = Instant::now();
        if self.overdue_from().any(|at| at <= now) {
            self.close_overdue(now);
        }
        if self.accept_from.is_some_and(|at| at <= now) {
            self.accept_from = None;
        }
        if places.listener.is_some_and(|place| poll.is_ready(place)) {
            self.accept();
        }
        attaching
    }

    fn close_overdue(&mut self, now: Instant) {
        let is_overdue = |connection: &Connection| connection.heard_at + IDLE_TIMEOUT <= now;
        self.connections.retain(|one| !(!one.is_patient() && one.is_half_way() && is_overdue(one)));
        while self.connections.len() > SILENT_CONNECTIONS {
            match self.silent_for_longest() {
                Some(at) if is_overdue(&self.connections[at]) => drop(self.connections.remove(at)),
                _ => return,
            }
        }
    }

    /// Of those that have nothing to be served.
    fn silent_for_longest(&self) -> Option<usize> {
        let silent =
            self.connections.iter().enumerate().filter(|(_, one)| !one.has_more && !one.is_patient());
        silent.min_by_key(|(_, connection)| connection.heard_at).map(|(at, _)| at)
    }

    fn accept(&mut self) {
        for _ in 0..ACCEPTED_A_TURN {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    // The directory keeps others out already; the user is checked for where somebody has
                    // opened it.
                    let Some(channel) = admit(stream, geteuid().as_raw()) else { continue };
                    if self.connections.len() >= MOST_CONNECTIONS {
                        let Some(at) = self.silent_for_longest() else { continue };
                        self.connections.remove(at);
                    }
                    // What it wants has mostly come with it.
                    let connection = Connection { has_more: true, ..Connection::new(channel) };
                    self.connections.push(connection);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // Trying again at once would not help, and would not rest.
                Err(_) => {
                    self.accept_from = Some(Instant::now() + ACCEPT_RETRY_INTERVAL);
                    return;
                }
            }
        }
    }
}

impl ControlServer {
    /// Ends all connections. What it gives removes the socket, which may take as long as the disk does.
    pub fn close(mut self) -> impl FnOnce() + Send + 'static {
        let (path, file, link) = (std::mem::take(&mut self.path), self.file, self.link.take());
        move || remove(&path, file, link.as_deref())
    }
}

/// Removes the socket, and what leads to it. What somebody else has put in its place is theirs.
fn remove(path: &Path, file: (u64, u64), link: Option<&Path>) {
    if fs::symlink_metadata(path).is_ok_and(|found| (found.dev(), found.ino()) == file) {
        let _ = fs::remove_file(path);
    }
    if let Some(link) = link {
        let _ = fs::remove_file(link);
    }
}

impl Drop for ControlServer {
    fn drop(&mut self) {
        remove(&self.path, self.file, self.link.as_deref());
    }
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    let advice = "set XDG_STATE_HOME to a directory that is writable and can hold sockets";
    io::Error::new(error.kind(), format!("{}: no socket can be made there: {error}; {advice}", escape(path)))
}

/// A connection of a peer that runs as `user`; any other one gets no word.
fn admit(stream: UnixStream, user: u32) -> Option<Channel> {
    Channel::new(stream).ok().filter(|channel| channel.peer_user().ok() == Some(user))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    /// What comes back for garbage when the session belongs to `user`: a refusal in words, or nothing.
    fn answer(user: u32) -> String {
        let (ours, mut theirs) = UnixStream::pair().expect("a socket pair");
        theirs.write_all(b"garbage\n").expect("writes");
        if let Some(channel) = admit(ours, user) {
            let over =
                serve_one(&mut Connection::new(channel), &mut 8, &mut |_, _| unreachable!("not a request"));
            assert!(matches!(over, After::Over));
        }
        let mut said = Vec::new();
        // What was not read makes the end a reset.
        let _ = theirs.read_to_end(&mut said);
        String::from_utf8(said).expect("UTF-8")
    }

    /// As vfat answers, and some network file systems.
    fn holds_no_sockets(directory: &Path) -> impl Fn(&Path) -> io::Result<UnixListener> {
        move |path| match path.starts_with(directory) {
            true => Err(io::Error::from_raw_os_error(libc::EPERM)),
            false => socket::listen(path),
        }
    }

    #[test]
    fn where_the_directory_holds_no_sockets_a_link_leads_to_one() {
        let scratch = tempfile::tempdir().expect("a directory");
        let (directory, short) = (scratch.path().join("session"), scratch.path().join("short"));
        fs::create_dir(&directory).expect("makes it");
        let session = Uuid::nil();
        let listen = holds_no_sockets(&directory);
        let server = ControlServer::bind_with(&listen, &directory, &short, &session).expect("binds");
        assert_eq!(server.path().parent(), Some(&*short));
        assert_eq!(fs::metadata(&short).expect("made").permissions().mode() & 0o777, 0o700);
        let link = control_socket::in_directory(&directory);
        assert_eq!(fs::read_link(link).expect("a link"), server.path());
        let path = server.path().to_owned();
        socket::connect_to_own(&path).expect("connects");
        drop(server);
        assert!(fs::symlink_metadata(path).is_err(), "the socket stayed");
        assert!(!control_socket::is_there(&directory), "the link stayed");
        // A short directory that others can enter is not used.
        fs::set_permissions(&short, fs::Permissions::from_mode(0o755)).expect("opens it");
        let refused = ControlServer::bind_with(&listen, &directory, &short, &session).err().expect("refuses");
        assert!(refused.to_string().contains("open to others"), "{refused}");
    }

    #[test]
    fn a_socket_is_made_anew_and_moved() {
        let scratch = tempfile::tempdir().expect("a directory");
        let (before, after) = (scratch.path().join("before"), scratch.path().join("after"));
        fs::create_dir(&before).expect("makes it");
        let mut server = ControlServer::bind(&before, &Uuid::nil()).expect("binds");
        assert!(server.is_in_place_below(&before) && !server.is_in_place_below(&after));
        fs::remove_file(server.path()).expect("removes");
        assert!(!server.is_in_place_below(&before));
        server.make_anew(&before, &Uuid::nil()).expect("binds again");
        assert!(server.is_in_place_below(&before));
        fs::rename(&before, &after).expect("moves");
        assert!(!server.is_in_place_below(&after));
        server.moved_to(&after);
        assert!(server.is_in_place_below(&after));
        socket::connect_to_own(server.path()).expect("connects");
        drop(server);
        assert!(!control_socket::is_there(&after));
    }

    #[test]
    fn a_socket_that_somebody_else_has_put_in_its_place_stays() {
        let scratch = tempfile::tempdir().expect("a directory");
        let server = ControlServer::bind(scratch.path(), &Uuid::nil()).expect("binds");
        assert!(server.is_in_place());
        let path = server.path().to_owned();
        fs::remove_file(&path).expect("removes");
        assert!(!server.is_in_place());
        fs::write(&path, "theirs").expect("writes");
        assert!(!server.is_in_place());
        drop(server);
        assert_eq!(fs::read(path).expect("is there"), b"theirs");
    }

    #[test]
    fn another_user_gets_no_word() {
        let own = geteuid().as_raw();
        assert!(answer(own).contains("not a message of cckw"));
        assert_eq!(answer(own + 1), "");
    }
}

//! The session's control socket: who may connect, and how a request gets to the host and its answer back.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use nix::sys::stat::{Mode, umask};
use nix::unistd::geteuid;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};

use crate::control::{Answer, Channel, Request};
use crate::escape::escape;

/// The most connections at a time; further ones are closed at once.
const CONNECTIONS: usize = 32;

/// A request, and where its answer goes.
pub type Asked = (Request, oneshot::Sender<Answer>);

/// Listens on the control socket, which is removed when this is dropped.
pub struct Server {
    listener: UnixListener,
    path: PathBuf,
    asked: mpsc::Receiver<Asked>,
    ask: mpsc::Sender<Asked>,
    connections: Rc<()>,
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
        let (ask, asked) = mpsc::channel(1);
        Ok(Self { listener, path: path.into(), asked, ask, connections: Rc::new(()) })
    }

    /// The next request. Connections are accepted and served meanwhile. May be dropped at any time.
    pub async fn next(&mut self) -> Asked {
        loop {
            tokio::select! {
                Some(asked) = self.asked.recv() => return asked,
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) if Rc::strong_count(&self.connections) <= CONNECTIONS => {
                        let (ask, counted) = (self.ask.clone(), Rc::clone(&self.connections));
                        tokio::task::spawn_local(async move {
                            serve(stream, ask, geteuid().as_raw()).await;
                            drop(counted);
                        });
                    }
                    Ok(_) => {}
                    // Out of descriptors: closing a connection may help, trying again at once does not.
                    Err(_) => tokio::time::sleep(std::time::Duration::from_millis(200)).await,
                },
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Answers a peer that runs as `user`; any other one gets no word.
async fn serve(stream: UnixStream, ask: mpsc::Sender<Asked>, user: u32) {
    let channel = Channel::from_tokio(stream);
    // The directory keeps others out already; this holds where somebody has opened it.
    if channel.peer_user().ok() != Some(user) {
        return;
    }
    loop {
        let request = match channel.receive::<Request>().await {
            Ok(Some((request, _))) => request,
            Ok(None) => return,
            Err(error) => {
                channel.send(&Answer::Refused { reason: error.to_string() }, vec![]);
                let _ = channel.flush().await;
                return;
            }
        };
        let (answer, answered) = oneshot::channel();
        if ask.send((request, answer)).await.is_err() {
            return;
        }
        let Ok(answer) = answered.await else { return };
        if !channel.send(&answer, vec![]) || channel.flush().await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    /// What comes back for garbage when the session belongs to `user`: a refusal in words, or nothing.
    async fn answer(user: u32) -> String {
        let (ours, mut theirs) = std::os::unix::net::UnixStream::pair().expect("a socket pair");
        ours.set_nonblocking(true).expect("a mode");
        let (ask, _asked) = mpsc::channel(1);
        theirs.write_all(b"garbage\n").expect("writes");
        serve(UnixStream::from_std(ours).expect("registers"), ask, user).await;
        let mut said = Vec::new();
        // What was not read makes the end a reset.
        let _ = theirs.read_to_end(&mut said);
        String::from_utf8(said).expect("UTF-8")
    }

    #[tokio::test(flavor = "current_thread")]
    async fn another_user_gets_no_word() {
        let own = geteuid().as_raw();
        assert!(answer(own).await.contains("not a message of cckw"));
        assert_eq!(answer(own + 1).await, "");
    }
}

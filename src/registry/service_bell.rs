//! How a host tells the service that it is there: it writes the id of its session into a pipe of the service's
//! in the state directory. Without a service there is no pipe, or nobody at its other end, and a host goes on
//! at once. So the service has to watch no directory, of which there may be a thousand.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::sys::stat::Mode;
use nix::unistd::{geteuid, mkfifo};
use uuid::Uuid;

use crate::os::files;

/// The name of the pipe in the state directory.
const BELL_NAME: &str = "service.bell";

/// What is read at once. A pipe holds no more.
const READ_BYTES: usize = 64 << 10;
/// The bytes of a message: an id and the end of the line.
const MESSAGE_BYTES: usize = 37;
/// The smallest pipe that a system makes, in bytes: that of a user with very many of them. When so much waits,
/// the pipe may have been full.
const SMALLEST_PIPE_BYTES: usize = 4096;

/// Where the pipe is.
pub fn path(state: &Path) -> PathBuf {
    state.join(BELL_NAME)
}

/// Tells the service, where there is one, that this session has a host now, and waits for nobody.
pub fn ring(state: &Path, session: &Uuid) {
    // Nobody reads it: ENXIO. It is full: a service that is stopped looks at all sessions when it reads that
    // much.
    if let Ok(mut bell) = open(state, OpenOptions::new().write(true)) {
        let _ = bell.write(format!("{session}\n").as_bytes());
    }
}

fn open(state: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let flags = libc::O_NONBLOCK | libc::O_NOFOLLOW | libc::O_NOCTTY;
    let bell = options.custom_flags(flags).open(path(state))?;
    let found = bell.metadata()?;
    if found.file_type().is_fifo() && found.uid() == geteuid().as_raw() {
        Ok(bell)
    } else {
        Err(io::Error::other("not a pipe of this user's"))
    }
}

/// Who has rung.
#[derive(Debug, PartialEq, Eq)]
pub enum Rung {
    /// These sessions, in this order.
    Sessions(Vec<Uuid>),
    /// So many that some may have found no room.
    TooMany,
}

/// The service's end of the pipe.
pub struct Bell {
    pipe: File,
}

impl Bell {
    /// Makes the pipe, where there is none. What has its name and is none is put aside.
    ///
    /// # Errors
    /// When it cannot be made or opened.
    pub fn make(state: &Path) -> io::Result<Self> {
        let path = path(state);
        if mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).is_err()
            && std::fs::symlink_metadata(&path).is_ok_and(|found| !found.file_type().is_fifo())
        {
            std::fs::rename(&path, path.with_extension("not-a-pipe"))?;
            mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR)?;
        }
        // Open for writing too, so that it never comes to an end.
        Ok(Self { pipe: open(state, OpenOptions::new().read(true).write(true))? })
    }

    /// Whether it is still what hosts find.
    pub fn is_in_place(&self, state: &Path) -> bool {
        files::leads_to(&path(state), &self.pipe)
    }

    /// Who has rung since the last call.
    pub fn take(&mut self) -> Rung {
        let mut contents = vec![0; READ_BYTES];
        let length = self.pipe.read(&mut contents).unwrap_or(0);
        // A message is written whole or not at all.
        if length + MESSAGE_BYTES > SMALLEST_PIPE_BYTES {
            return Rung::TooMany;
        }
        let lines = contents[..length].split(|byte| *byte == b'\n');
        let ids = lines.filter_map(|line| Uuid::parse_str(std::str::from_utf8(line).ok()?).ok());
        let mut sessions = Vec::new();
        for id in ids {
            if !sessions.contains(&id) {
                sessions.push(id);
            }
        }
        Rung::Sessions(sessions)
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_rings_is_heard_and_without_a_service_nobody_waits() {
        let scratch = tempfile::tempdir().expect("a directory");
        let state = scratch.path();
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        ring(state, &one);
        let mut bell = Bell::make(state).expect("makes it");
        assert_eq!(bell.take(), Rung::Sessions(vec![]));
        for session in [&one, &two, &one] {
            ring(state, session);
        }
        assert_eq!(bell.take(), Rung::Sessions(vec![one, two]));
        assert_eq!(bell.take(), Rung::Sessions(vec![]));
        for _ in 0..3000 {
            ring(state, &one);
        }
        assert_eq!(bell.take(), Rung::TooMany);
        // The service was killed, and another one comes.
        drop(bell);
        ring(state, &one);
        let mut bell = Bell::make(state).expect("finds it");
        assert!(bell.is_in_place(state));
        assert_eq!(bell.take(), Rung::Sessions(vec![]));
        std::fs::remove_file(path(state)).expect("removes it");
        assert!(!bell.is_in_place(state));
    }

    #[test]
    fn what_is_no_pipe_is_not_written_to_and_is_put_aside() {
        let scratch = tempfile::tempdir().expect("a directory");
        let state = scratch.path();
        std::fs::write(path(state), "mine").expect("writes");
        ring(state, &Uuid::from_u128(1));
        assert_eq!(std::fs::read(path(state)).expect("reads"), b"mine");
        let mut bell = Bell::make(state).expect("makes it");
        ring(state, &Uuid::from_u128(1));
        assert_eq!(bell.take(), Rung::Sessions(vec![Uuid::from_u128(1)]));
        assert_eq!(std::fs::read(state.join("service.not-a-pipe")).expect("reads"), b"mine");
    }
}

//! What the view wants of a source that works in a thread of its own.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What is wanted.
#[derive(Default)]
struct Wanted {
    all: AtomicBool,
    refresh: AtomicBool,
}

/// The view's end. Dropping it ends the source.
pub struct Control {
    wanted: Arc<Wanted>,
    bell: UnixStream,
}

/// The source's end. It has something to read when the view wants something.
pub struct Commands {
    wanted: Arc<Wanted>,
    bell: UnixStream,
}

/// What the view wants now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// To go on, and to read everything again if `refresh` is set. With `all` the ended sessions are listed, too.
    GoOn {
        /// Whether everything is to be read again.
        refresh: bool,
        /// Whether ended sessions are listed.
        all: bool,
    },
    /// That the source ends.
    End,
}

/// Both ends.
///
/// # Errors
/// When no descriptor is left.
pub fn pair() -> io::Result<(Control, Commands)> {
    let (view, source) = UnixStream::pair()?;
    view.set_nonblocking(true)?;
    source.set_nonblocking(true)?;
    let wanted = Arc::new(Wanted::default());
    Ok((Control { wanted: Arc::clone(&wanted), bell: view }, Commands { wanted, bell: source }))
}

impl Control {
    /// Has everything read again.
    pub fn refresh(&self) {
        self.wanted.refresh.store(true, Ordering::SeqCst);
        self.ring();
    }

    /// Has the ended sessions listed, or not any more.
    pub fn show_all(&self, all: bool) {
        self.wanted.all.store(all, Ordering::SeqCst);
        self.ring();
    }

    fn ring(&self) {
        // Full, it says already what it would say.
        let _ = (&self.bell).write(&[0]);
    }
}

impl Commands {
    /// What is wanted now. A refresh is told once.
    pub fn take(&self) -> Command {
        let mut rings = [0; 64];
        loop {
            match (&self.bell).read(&mut rings) {
                Ok(0) => return Command::End,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        Command::GoOn {
            refresh: self.wanted.refresh.swap(false, Ordering::SeqCst),
            all: self.wanted.all.load(Ordering::SeqCst),
        }
    }
}

impl AsFd for Commands {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_is_told_and_the_end_too() {
        let (control, commands) = pair().expect("a pair");
        assert_eq!(commands.take(), Command::GoOn { refresh: false, all: false });
        for _ in 0..100_000 {
            control.refresh();
        }
        control.show_all(true);
        assert_eq!(commands.take(), Command::GoOn { refresh: true, all: true });
        assert_eq!(commands.take(), Command::GoOn { refresh: false, all: true });
        control.show_all(false);
        drop(control);
        assert_eq!(commands.take(), Command::End);
    }
}

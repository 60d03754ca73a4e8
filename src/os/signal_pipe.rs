//! Signals as something to read.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;

/// Handlers for some signals, which note that theirs has come. Of several of one kind, one is noted.
pub struct SignalPipe {
    delivery: SignalDelivery<UnixStream, SignalOnly>,
}

impl SignalPipe {
    /// Installs the handlers.
    ///
    /// # Errors
    /// When the system refuses one, or is out of descriptors.
    pub fn install(signals: &[i32]) -> io::Result<Self> {
        let (read, write) = UnixStream::pair()?;
        Ok(Self { delivery: SignalDelivery::with_pipe(read, write, SignalOnly, signals)? })
    }

    /// The signals that have come since the last call, lowest number first: what ends a process (HUP, INT,
    /// QUIT, TERM) before what continues it (CONT).
    pub fn pending(&mut self) -> impl Iterator<Item = i32> + use<> {
        self.delivery.pending()
    }
}

impl AsFd for SignalPipe {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.delivery.get_read().as_fd()
    }
}

#[cfg(test)]
mod tests {
    use nix::sys::signal::{Signal, raise};

    use super::*;
    use crate::os::poll::{Interest, Poll};

    #[test]
    fn a_signal_is_told_once() {
        let mut pipe = SignalPipe::install(&[libc::SIGURG, libc::SIGWINCH]).expect("installs");
        assert_eq!(pipe.pending().count(), 0);
        raise(Signal::SIGURG).expect("raises");
        raise(Signal::SIGURG).expect("raises");
        let mut poll = Poll::default();
        let place = poll.add(&pipe, Interest::Reading);
        poll.wait(None).expect("waits");
        assert!(poll.is_ready(place));
        assert_eq!(pipe.pending().collect::<Vec<_>>(), [libc::SIGURG]);
        assert_eq!(pipe.pending().count(), 0);
    }
}

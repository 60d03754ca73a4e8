//! A client that may open nothing more (`ulimit -n`, `prlimit`), and gets a PTY from its host all the same.

use std::fs::File;
use std::time::{Duration, Instant};

use super::Client;
use super::host_hung::GAVE_UP_STATUS;
use crate::protocol::{FromClient, FromHost};
use crate::registry;

/// How long the host may take to let this terminal go.
const DETACH_TIMEOUT: Duration = Duration::from_secs(3);

/// A descriptor that is kept for the PTY of a claude that comes back. It was opened early, so its number is
/// low: a limit that is set later seldom excludes it.
#[derive(Default)]
pub(super) struct SpareDescriptor(Option<File>);

impl SpareDescriptor {
    /// Takes one, where there is none and the system has one.
    pub(super) fn take(&mut self) {
        if self.0.is_none() {
            self.0 = File::open("/dev/null").ok();
        }
    }

    /// Has its number free for what is received next.
    pub(super) fn release(&mut self) {
        self.0 = None;
    }
}

impl Client {
    /// The host has sent a PTY, for which there was no number. The session goes on without this terminal: the
    /// host lets it go, for the claude that came back may have drawn on it by now.
    pub(super) fn leave_without_descriptor(&mut self) -> u8 {
        self.link.send(&FromClient::Detach);
        let until = Instant::now() + DETACH_TIMEOUT;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.link.channel_mut().wait_for::<FromHost>(Some(left)) {
                Ok(Some((FromHost::Detached { .. }, _))) => {
                    self.terminal.raw_mode().leave_raw();
                    self.link.send(&FromClient::Left);
                    break;
                }
                Ok(Some((FromHost::Ended { status }, _))) => {
                    self.terminal.raw_mode().leave_raw();
                    return status;
                }
                Ok(Some((FromHost::Undo { bytes, .. }, _))) => self.terminal.undo_later(bytes),
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => {
                    self.undo_modes();
                    self.terminal.raw_mode().leave_raw();
                    if self.link.unanswered.knows_pings() {
                        self.link.send(&FromClient::GaveUp { detached: true });
                    }
                    break;
                }
            }
        }
        let word = registry::word_within(&self.session);
        self.write_last(&format!(
            "\r\n\x1b[J[cckw: this terminal was given back: cckw may open no more files, so it cannot reach claude; the session goes on; \
             raise the limit (ulimit -n 1024), then: cckw attach {word}]\r\n"
        ));
        GAVE_UP_STATUS
    }
}

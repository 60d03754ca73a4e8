//! What a client does that is hung up on, or told to end: by SIGHUP, by a terminal that is gone, by SIGTERM.
//!
//! Terminal emulators, shells and sshd send SIGHUP first and close the terminal later, or the other way
//! round. So whoever sends it, and whether the terminal still answers, a SIGHUP means that the terminal goes,
//! and the host does what `on_hangup` says.

use std::time::{Duration, Instant};

use super::Client;
use crate::config::OnHangup;
use crate::host::claude::supervisor::SIGNAL_COUNTS_FOR;
use crate::os::io as nonblocking;
use crate::os::tty::Attributes;
use crate::protocol::FromClient;
use crate::registry::record;
use crate::registry::stop_marker;
use crate::registry::stop_marker::StopRequest;

/// How long the host may take to let this client go. It takes milliseconds.
const DETACH_TIMEOUT: Duration = Duration::from_secs(3);
/// How long the host may take to end claude, with `on_hangup = "exit"`: three signals, five seconds apart.
const EXIT_TIMEOUT: Duration = Duration::from_secs(20);

/// Whether this client was hung up on.
pub(super) struct HangUp {
    on_hangup: OnHangup,
    has_come: bool,
    /// When this client ends although the host has not answered.
    until: Option<Instant>,
}

impl HangUp {
    /// Nothing has happened yet.
    pub(super) fn new(on_hangup: OnHangup) -> Self {
        Self { on_hangup, has_come: false, until: None }
    }

    /// Whether this client was hung up on, and is to go.
    pub(super) fn has_come(&self) -> bool {
        self.has_come
    }

    /// It is hung up on now. `answers` is whether its terminal is still there.
    fn comes(&mut self, answers: bool) {
        let timeout = match self.on_hangup {
            OnHangup::Detach => DETACH_TIMEOUT,
            // Claude gets the signal, as without cckw, and decides how long it takes.
            OnHangup::Exit if answers => return,
            OnHangup::Exit => EXIT_TIMEOUT,
        };
        self.has_come = true;
        self.until.get_or_insert_with(|| Instant::now() + timeout);
    }

    /// The link is dead whose far end this is. The session is to be detached.
    pub(super) fn link_is_dead(&mut self) {
        self.has_come = true;
        self.until.get_or_insert_with(|| Instant::now() + DETACH_TIMEOUT);
    }

    /// How long to wait at most, if there is a deadline.
    pub(super) fn wait(&self, other: Option<Duration>) -> Option<Duration> {
        let left = self.until.map(|until| until.saturating_duration_since(Instant::now()));
        left.into_iter().chain(other).min()
    }

    /// Whether the host has had its time.
    pub(super) fn is_over(&self) -> bool {
        self.until.is_some_and(|until| until <= Instant::now())
    }
}

impl Client {
    /// The terminal goes, or is gone. The host does what is configured for that.
    pub(super) fn hung_up(&mut self) {
        if self.terminal.is_gone() {
            return;
        }
        let answers = Attributes::of(self.terminal.tty()).is_ok();
        self.terminal.set_gone(!answers);
        self.hang_up.comes(answers);
        if self.hang_up.on_hangup == OnHangup::Exit {
            self.signals.tell_to_end(libc::SIGHUP);
        }
        self.link.send(&FromClient::HungUp { answers });
        if !self.hang_up.has_come() {
            self.expect_for_signal(libc::SIGHUP);
        }
    }

    /// Notes a signal that asks this client to end. At a shutdown the host may be killed a moment later.
    pub(super) fn note_request_to_end(&mut self, number: i32) {
        if !matches!(number, libc::SIGTERM | libc::SIGINT | libc::SIGQUIT) {
            return;
        }
        if number == libc::SIGTERM
            && !self.hang_up.has_come()
            && let Ok(directory) = record::directory(&self.session)
        {
            // Where it cannot be written, the host hears of it all the same.
            let _ = stop_marker::set_soon(&directory, StopRequest::System);
        }
        self.signals.tell_to_end(number);
        // At a shutdown this client and its host are killed in the same moment.
        self.terminal.guard();
    }

    /// The signal by which this client was told to end or hung up on, those included that it has yet to look
    /// at.
    pub(super) fn signal_to_end(&mut self) -> Option<i32> {
        self.signals.collect();
        for number in self.signals.pending_ends() {
            match number {
                libc::SIGHUP => self.hang_up.has_come = true,
                number => self.note_request_to_end(number),
            }
        }
        // Claude has not ended because of one that came long ago.
        let told = self.signals.told_to_end(SIGNAL_COUNTS_FOR);
        told.or(self.hang_up.has_come.then_some(libc::SIGHUP))
    }

    /// Writes the last words of this client: to a terminal that is about to close only what it takes at once.
    pub(super) fn write_last(&self, text: &str) {
        if self.hang_up.has_come {
            nonblocking::write(self.terminal.tty(), text.as_bytes());
        } else {
            // Not for ever: the session may go on elsewhere because this terminal takes nothing.
            self.write_through(text);
        }
    }
}

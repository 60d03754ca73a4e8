//! The system, or somebody with `kill`, asks this session to end: SIGTERM to the host, or to its client.
//!
//! At a shutdown, at the end of a login and by `killall` everything gets SIGTERM, in any order. The host ends
//! claude within a few seconds and writes down that the session ran until then. Nothing is brought back until
//! somebody asks for it.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::Host;
use super::host_signals::ends_host;
use super::timers::Timer;
use crate::escape::escape;
use crate::fault;
use crate::host::claude::supervisor::SIGNAL_COUNTS_FOR;
use crate::os::exit::Exit;
use crate::os::moment;
use crate::os::poll::{Interest, Poll};
use crate::registry::log_event::LogEvent;
use crate::registry::record::SessionState;
use crate::registry::stop_marker;
use crate::registry::stop_marker::StopRequest;

/// How long a session whose client was sent SIGTERM waits for the host's own, once claude has ended of it. At
/// a shutdown the host's comes a moment later, and decides whether the session counts as one that ran until
/// then.
const HOST_SIGNAL_WAIT: Duration = Duration::from_millis(250);

/// Who tells the host or its client to end often tells claude too: a shutdown, or `killall`. Claude has this long to
/// end of that signal, before it gets one of cckw.
const OWN_SIGNAL_WAIT: Duration = Duration::from_millis(50);
/// The same where a fault asks for it, so that a test can tell who has sent a signal.
const LONG_SIGNAL_WAIT: Duration = Duration::from_secs(30);

fn own_signal_wait() -> Duration {
    if fault::is_set("late-signals") { LONG_SIGNAL_WAIT } else { OWN_SIGNAL_WAIT }
}

/// Who was told to end.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct SystemStop {
    /// The signal that the host got.
    host: Option<i32>,
    /// Whether the session ran when the host got it, and nobody had asked for its end before.
    ran: bool,
    /// Until when claude may still end because of the signal that its client got.
    #[serde(with = "moment::option")]
    client_until: Option<Instant>,
    /// Whether nobody had asked for the end before the client got that signal.
    client_was_first: bool,
    /// A signal that the client got and that claude is to get, and when. No hand-over comes before that.
    #[serde(skip)]
    to_pass_on: Option<(i32, Instant)>,
}

impl SystemStop {
    /// Whether the host was told to end.
    pub(super) fn is_under_way(&self) -> bool {
        self.host.is_some()
    }

    /// Whether neither the host nor the client is known to have been told to end.
    pub(super) fn is_news(&self) -> bool {
        self.host.is_none() && self.client_until.is_none()
    }

    /// When claude gets the signal that its client got.
    pub(super) fn passes_on_at(&self) -> Option<Instant> {
        self.to_pass_on.map(|(_, at)| at)
    }

    /// Claude has ended, or the client has given up: no signal is passed on.
    pub(super) fn passes_nothing_on(&mut self) {
        self.to_pass_on = None;
    }

    /// When a SIGTERM to the client is forgotten that has not ended claude.
    pub(super) fn forget_at(&self) -> Option<Instant> {
        self.client_until
    }
}

impl Host {
    /// The host was sent a signal that asks it to end.
    pub(super) fn system_stop(&mut self, number: i32) {
        if self.system_stop.is_under_way() {
            return;
        }
        // First of all: what sent this may kill everything a moment later.
        let wanted = !self.claude.has_quit() || self.system_stop.client_was_first;
        let ran = wanted && !self.is_reading_last_words_of_success();
        if ran && let Err(error) = stop_marker::set_soon(&self.directory, StopRequest::System) {
            self.events.write(LogEvent::MarkerNotWritten { error: error.to_string() });
        }
        self.system_stop.host = Some(number);
        self.system_stop.ran = ran;
        self.events.write(LogEvent::ToldToEnd { signal: number });
        self.quit();
        if self.claude.is_running() {
            // Stopped by ctrl-z it draws once more before it ends; the shell has the terminal.
            self.output.model_only = self.attachment.is_backgrounded();
            self.claude.hurry_end();
            // What its client got is part of this.
            let passed = self.system_stop.to_pass_on.take();
            let at = passed.map_or_else(|| Instant::now() + own_signal_wait(), |(_, at)| at);
            self.timers.set(Timer::Kill, at);
        }
    }

    /// Whether a signal has come that asks the host to end, and was not acted on. It is then.
    pub(super) fn is_told_to_end(&mut self) -> bool {
        let told: Vec<i32> = self.signals.pending().filter(|number| ends_host(*number)).collect();
        for number in &told {
            self.system_stop(*number);
        }
        !told.is_empty()
    }

    /// Whether claude has ended with success, and what it wrote last is still read.
    fn is_reading_last_words_of_success(&self) -> bool {
        self.claude.drain().is_some() && self.claude.unhandled_exit() == Some(Exit::Code(0))
    }

    /// The client was sent a signal that asks it to end. Claude gets it, as without cckw, unless it has ended a moment
    /// later.
    pub(super) fn pass_on_soon(&mut self, number: i32) {
        if self.system_stop.is_under_way() {
            return;
        }
        if self.system_stop.to_pass_on.is_some_and(|(other, _)| other != number) {
            // Whoever sends two means what the second does to a claude that got the first.
            self.pass_on_now();
        }
        self.system_stop.to_pass_on.get_or_insert_with(|| (number, Instant::now() + own_signal_wait()));
    }

    /// Claude has not ended meanwhile, and gets the signal that its client got.
    pub(super) fn pass_on_now(&mut self) {
        if let Some((number, _)) = self.system_stop.to_pass_on.take() {
            self.pass_on(number);
        }
    }

    /// The client was sent SIGTERM.
    pub(super) fn client_was_told_to_end(&mut self) {
        // The client has left the marker by itself; one of an older cckw has not.
        let _ = stop_marker::set_soon(&self.directory, StopRequest::System);
        self.system_stop.client_until = Some(Instant::now() + SIGNAL_COUNTS_FOR);
        self.system_stop.client_was_first |= !self.claude.has_quit();
    }

    /// Claude has not ended because of a SIGTERM to its client, and goes on.
    pub(super) fn forget_request_to_end(&mut self) {
        self.system_stop.client_until = None;
        self.system_stop.client_was_first = false;
        if !self.system_stop.is_under_way() && self.claude.is_running() && !self.claude.has_quit() {
            stop_marker::clear(&self.directory);
        }
    }

    /// Claude was sent this signal by cckw, by its client, or by a key of the user's.
    pub(super) fn signal_passed(&mut self, number: i32) {
        self.claude.signal_passed(number);
    }

    /// What the record of a session says that has ended.
    pub(super) fn last_state(&mut self, exit: Exit) -> SessionState {
        // Claude may have been quicker to end than the host was told.
        let wanted = !self.claude.has_quit() || self.system_stop.client_was_first;
        let told_late = wanted && exit != Exit::Code(0) && self.is_told_late();
        match () {
            () if self.claude.gave_up() => SessionState::Crashed,
            () if self.system_stop.ran || told_late => SessionState::Terminated,
            () => SessionState::Stopped,
        }
    }

    /// Whether the host was sent a signal that asks it to end, or is sent one right behind its client.
    fn is_told_late(&mut self) -> bool {
        let wait = if self.system_stop.client_until.is_some() { HOST_SIGNAL_WAIT } else { Duration::ZERO };
        let deadline = Instant::now() + wait;
        loop {
            if self.signals.pending().any(ends_host) {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let mut poll = Poll::default();
            poll.add(&self.signals, Interest::Reading);
            if left.is_zero() || poll.wait(Some(left)).is_err() {
                return false;
            }
        }
    }

    /// Tells the user whose terminal still shows it what has become of the session.
    pub(super) fn say_that_it_was_told_to_end(&mut self) {
        if self.system_stop.ran {
            // By its id, which no session that begins later can take.
            let (name, id) = (self.record.plain_name(), &self.record.session.to_string()[..8]);
            self.say(&format!(
                "session {} was told to end (SIGTERM); to bring it back: cckw start {id}",
                escape(&name)
            ));
        }
    }
}

//! The client's loop: keys, signals, and what the host says.

pub mod adopt;
pub mod attach;
pub(crate) mod backpressure;
mod control_keys;
mod crash_prompt;
mod descriptors;
mod existing;
pub mod far_end;
mod first_process;
mod hang_up;
pub(super) mod host_hung;
mod host_link;
mod host_lost;
mod input_gate;
pub(crate) mod keys;
pub mod launch;
pub mod new;
mod passthrough;
mod paste;
pub(crate) mod raw_mode;
pub(crate) mod recover;
pub mod run;
mod signal_actions;
mod terminal;

use std::fmt::Display;
use std::io::{self, Write};

/// Says something on stderr. With that gone or full there is nobody to tell, and no reason to end for it, as
/// `eprintln` does.
pub fn complain(message: impl Display) {
    let _ = writeln!(io::stderr().lock(), "cckw: {message}");
}

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, raise};
use uuid::Uuid;

use super::registry;
use crate::config::{Config, OnHangup};
use crate::escape::escape;
use crate::os::io::Transfer;
use crate::os::poll::{Interest, Poll};
use crate::os::{kill, signals, socket, tty};
use crate::protocol::{Attach, Channel, FromClient, FromHost, Request};
use crate::registry::record::Record;
use crate::user_error;
use crate::user_error::UserError;
use descriptors::SpareDescriptor;
use far_end::{FarEnd, OverLink};
use hang_up::HangUp;
use host_hung::HostWish;
use host_link::HostLink;
use input_gate::Input;
use launch::HostLaunch;
use raw_mode::RawMode;
use signal_actions::{SignalAction, Signals};
use terminal::Terminal;

/// The status after a hang-up, which is also that of a claude that is hung up on: 128 and the number of
/// SIGHUP.
const HUNG_UP: u8 = 128 + libc::SIGHUP as u8;

/// How this client comes to its session.
pub enum Begin {
    /// By starting it.
    Launch(HostLaunch),
    /// By taking one that runs.
    Attach {
        /// The session's record.
        record: Box<Record>,
        /// A connection to its control socket.
        socket: UnixStream,
    },
}

/// How this client's part ended.
pub enum ClientEnd {
    /// With this status to exit with.
    Exit(u8),
    /// The link is dead whose far end this was; the session goes on. With this status to exit with.
    LinkLost(u8),
    /// There is no session, for this reason, and claude was not started. It can be started without a session.
    NoSession(UserError),
}

/// Runs a session in this terminal, which may be the far end of a link.
pub fn main(tty: File, begin: Begin, config: &Config, over: Option<&OverLink>) -> ClientEnd {
    let launching = matches!(begin, Begin::Launch(_));
    match run(tty, begin, config, over) {
        Ok(end) => end,
        Err(error) => {
            let error = if launching {
                user_error::client::not_started(error)
            } else {
                user_error::client::session_goes_on(error)
            };
            complain(&error);
            ClientEnd::Exit(error.exit_status())
        }
    }
}

fn run(tty: File, begin: Begin, config: &Config, over: Option<&OverLink>) -> io::Result<ClientEnd> {
    let mut spare = SpareDescriptor::default();
    spare.take();
    // A job in the background stops here, before there is anything that would have to be stopped with it.
    let mut politely = true;
    while !tty::in_foreground(&tty) {
        stop_for_terminal(&tty, politely)?;
        politely = !politely;
    }
    // The handlers come before the size is read, so that no change falls in between.
    let signals = Signals::install()?;
    let (known, socket, host, launch) = match begin {
        Begin::Launch(launch) => {
            let (socket, host) = match launch.host() {
                Ok(host) => host,
                Err(error) => return Ok(ClientEnd::NoSession(error)),
            };
            (launch.record(), socket, Some(host), Some(launch))
        }
        Begin::Attach { record, socket } => {
            let host = socket::peer_process(socket.as_fd());
            (*record, socket, host, None)
        }
    };
    let session = known.session;
    let wish = if launch.is_some() { HostWish::Start } else { HostWish::Attach };
    let mut channel = Channel::new(socket)?;
    let restore = RawMode::new(&tty, channel.as_fd().as_raw_fd())?;
    restore.enter_raw()?;
    let far_end = over.map(|over| FarEnd::greet(&tty, over)).transpose()?;
    let (size, attributes) = (tty::size(&tty)?, restore.original());
    match &launch {
        Some(launch) => launch.hand_over(&mut channel, &tty, size, attributes)?,
        None => {
            let attach = Attach {
                client: std::process::id() as i32,
                size,
                attributes,
                terminal: tty::name().map_or_else(|| "a terminal".into(), |name| escape(&name).to_string()),
                agent: crate::client::attach::agent(),
                environment: crate::client::attach::environment(),
                over_link: over.is_some(),
            };
            channel.send(&Request::Attach(Box::new(attach)), vec![tty.as_fd().try_clone_to_owned()?]);
        }
    }
    let mut client = Client {
        session,
        known,
        was_started: false,
        launch,
        revived: None,
        link: HostLink::new(channel, host, spare),
        input: Input::new(over.map_or(config.detach_key, |over| over.detach_key)),
        terminal: Terminal::new(tty, restore),
        signals,
        hang_up: HangUp::new(if over.is_some() { OnHangup::Detach } else { config.on_hangup }),
        is_first_process: first_process::is_first_process(),
        no_session: None,
        far_end,
    };
    // The host starts meanwhile, so it costs no time.
    client.terminal.guard();
    client.expect(wish);
    let status = client.run();
    Ok(match client.no_session.take() {
        Some(reason) => ClientEnd::NoSession(user_error::host::refused(&reason)),
        None if client.has_left_dead_link() => ClientEnd::LinkLost(status),
        None => ClientEnd::Exit(status),
    })
}

/// Stops the job, which is in the background, as using the terminal would; returns when it was continued.
///
/// # Errors
/// When done other than politely, for a job that is orphaned: nobody could ever continue it, so the kernel
/// does not stop it.
pub(crate) fn stop_for_terminal(tty: impl AsFd, politely: bool) -> io::Result<()> {
    if politely {
        // What reading does, and what shells call "tty input".
        signals::with_default(Signal::SIGTTIN, || kill::to_own_group(Signal::SIGTTIN))??;
        return Ok(());
    }
    let unchanged = tty::Attributes::of(&tty)?;
    signals::with_default(Signal::SIGTTOU, || unchanged.apply(&tty))?.map_err(|error| {
        io::Error::new(error.kind(), format!("the terminal cannot be used from the background: {error}"))
    })
}

struct Client {
    session: Uuid,
    /// The record as it was when this client came, for the case that nothing of the session is on disk any
    /// more.
    known: Record,
    /// Claude was there: this host, or one before it, has said so.
    was_started: bool,
    /// How it was started here, until claude is there.
    launch: Option<HostLaunch>,
    /// When a host was last replaced.
    revived: Option<Instant>,
    link: HostLink,
    input: Input,
    terminal: Terminal,
    signals: Signals,
    hang_up: HangUp,
    /// Everything ends with this process, as in a container.
    is_first_process: bool,
    /// Why there is no session, where claude is to be started without one.
    no_session: Option<String>,
    /// The near side, where this terminal is the far end of a link.
    far_end: Option<FarEnd>,
}

/// What has happened, other than keys.
enum ClientEvent {
    Message(FromHost, Vec<OwnedFd>),
    HostLost,
    /// A descriptor has come, and there was no number for it.
    NoDescriptor,
    Signal(SignalAction),
}

impl Client {
    fn run(&mut self) -> u8 {
        let mut poll = Poll::default();
        loop {
            poll.clear();
            self.input.note_level();
            let keys = self.is_reading().then(|| poll.add(self.terminal.tty(), Interest::Reading));
            let room = self.input.prepare_room(&mut poll);
            let holding = self.input.is_holding();
            let looked_at = Instant::now();
            let wait = self.link.unanswered.wait(self.input.wait(looked_at), looked_at);
            self.wait(&mut poll, self.bounded(wait));
            self.leave_dead_link();
            // What the host has said comes first: perhaps claude has gone or is back, and the keys are for
            // somebody else.
            if let Some(status) = self.hear() {
                self.terminal.raw_mode().leave_raw();
                return status;
            }
            if self.hang_up.is_over() {
                return self.leave_without_host(HostWish::Signal(libc::SIGHUP));
            }
            // As of the time before this look: an answer that came while this process was given no time on a
            // core is not late.
            if let Some(wish) = self.link.unanswered.overdue(looked_at)
                && let Some(status) = self.host_hangs(wish)
            {
                self.terminal.raw_mode().leave_raw();
                return status;
            }
            if keys.is_some_and(|place| poll.is_ready(place)) && self.is_reading() {
                self.read_keys();
            } else if holding {
                self.release();
            } else {
                self.release_half_marker();
            }
            if room.is_some_and(|place| poll.is_ready(place)) {
                self.input.flush();
            }
            if self.input.is_due() {
                self.keys_are_due();
            }
            self.detach_behind_unread_keys();
            self.type_early_keys();
        }
    }

    /// Whether keys are read, for claude or for cckw.
    fn is_reading(&self) -> bool {
        // The near side's words come the same way. Keys for which nobody is there yet are kept.
        let hears = self.far_end.is_some() && self.input.has_nobody();
        self.terminal.is_ours() && (self.input.is_wanted() || hears)
    }

    /// Acts on everything that has happened, other than keys. The status to exit with, if that is the end.
    fn hear(&mut self) -> Option<u8> {
        while let Some(event) = self.next_event() {
            let status = match event {
                ClientEvent::Message(message, fds) => self.host_says(message, fds),
                ClientEvent::HostLost => self.host_lost(),
                ClientEvent::NoDescriptor => Some(self.leave_without_descriptor()),
                ClientEvent::Signal(asked) => self.signalled(asked),
            };
            if status.is_some() {
                return status;
            }
        }
        None
    }

    /// Waits for what is in `poll`, for the host and for signals.
    fn wait(&mut self, poll: &mut Poll, time: Option<Duration>) {
        let host = self.link.prepare(poll);
        let signals = poll.add(&self.signals, Interest::Reading);
        if poll.wait(time).is_err() {
            // Out of memory for a moment, at worst.
            std::thread::sleep(Duration::from_millis(5));
            return;
        }
        if poll.is_ready(host) {
            self.link.is_ready();
        }
        if poll.is_ready(signals) {
            self.signals.collect();
        }
    }

    fn next_event(&mut self) -> Option<ClientEvent> {
        self.link.next_event().or_else(|| self.signals.next().map(ClientEvent::Signal))
    }

    fn read_keys(&mut self) {
        match self.input.read(self.terminal.tty()) {
            Transfer::Moved(count) => {
                let (count, detaches) = self.hear_near_side(count);
                self.typed(count);
                if detaches {
                    self.detach_key_pressed();
                }
            }
            Transfer::Gone => self.hung_up(),
            Transfer::Blocked => {}
        }
    }

    /// So many bytes were typed, for claude or for cckw.
    fn typed(&mut self, count: usize) {
        match count {
            0 => {}
            _ if self.input.has_nobody() => self.keep_early(count),
            _ if self.input.has_claude() => self.pass_on(count),
            _ => self.decide(count),
        }
    }

    /// How long to wait at most, with the bounds of the hang-up and of the link.
    fn bounded(&self, wait: Option<Duration>) -> Option<Duration> {
        let wait = self.hang_up.wait(wait);
        match &self.far_end {
            Some(far_end) => far_end.wait(wait),
            None => wait,
        }
    }

    /// Passes a signal on that is meant for claude.
    fn forward(&mut self, number: i32) {
        if number == libc::SIGHUP {
            self.hung_up();
            return;
        }
        self.note_request_to_end(number);
        self.link.send(&FromClient::Signal { number });
        self.expect_for_signal(number);
    }

    /// Acts on a message. The status to exit with, if that is the end.
    fn host_says(&mut self, message: FromHost, fds: Vec<OwnedFd>) -> Option<u8> {
        match message {
            FromHost::Started { minor } => {
                self.was_started = true;
                self.launch = None;
                self.link.unanswered.started(minor);
                if minor < 3 {
                    // An older host cannot tell the guard that it has given the terminal back.
                    self.terminal.end_guard();
                } else if let Some(lifeline) =
                    self.terminal.guard_for_host().filter(|_| self.link.is_first_start())
                {
                    self.link.channel_mut().send(&FromClient::Guard, vec![lifeline]);
                }
                self.input.claude_begins(fds.into_iter().next());
                // Behind that, which begins with a gate that knows nothing of its host.
                if minor >= 2 {
                    self.input.tell_keys();
                }
            }
            FromHost::Waiting { can_continue } => {
                self.input.claude_waits(can_continue);
            }
            FromHost::Pong { number } => self.link.unanswered.ponged(number, Instant::now()),
            FromHost::Hold => self.hold(),
            FromHost::Release => self.let_go(),
            FromHost::Undo { bytes, extended_keys } => {
                self.terminal.undo_later(bytes);
                self.input.expect_extended_keys(extended_keys);
            }
            FromHost::Failed { reason, status, claude_can_run } => {
                self.terminal.raw_mode().leave_raw();
                if claude_can_run && self.launch.is_some() {
                    return Some(self.go_without_session(reason, status));
                }
                let error = match self.revived.filter(|_| self.was_started) {
                    Some(_) => user_error::client::not_revived(&reason, status, &self.advice()),
                    None => user_error::host::failed(&reason, status),
                };
                complain(&error);
                return Some(error.exit_status());
            }
            FromHost::Stopped { signal } if self.suspend_near_side(signal) => self.link.unanswered.forget(),
            FromHost::Stopped { signal } => return self.suspend(signal),
            FromHost::Detached { why } => {
                if self.input.has_claude() && (self.terminal.is_foreground() || self.terminal.is_gone()) {
                    self.pass_on_the_rest();
                }
                if self.terminal.is_ours() && !self.hang_up.has_come() {
                    // Nothing, but where this terminal did not take it from the host.
                    self.undo_modes();
                }
                self.terminal.raw_mode().leave_raw();
                // The host gives the terminal back where this client is killed before it could.
                self.link.send(&FromClient::Left);
                // Where the link is dead the near side says it.
                if !self.terminal.is_gone() && !self.has_left_dead_link() {
                    let why = if why.is_empty() { String::new() } else { format!(", {}", escape(&why)) };
                    let stays = match self.stays_with_session() {
                        true => {
                            "; this is the first process of its container, so it stays until the session has ended"
                        }
                        false => "",
                    };
                    let (lost, word) = (self.lost_keys(), registry::word_for(&self.session));
                    self.write_last(&format!(
                        "\r\n\x1b[J[cckw: detached{why}{lost}; return with: cckw attach {word}{stays}]\r\n"
                    ));
                }
                if self.stays_with_session() {
                    self.terminal.end_guard();
                    return Some(first_process::stay_with(&self.session));
                }
                return Some(if self.hang_up.has_come() { HUNG_UP } else { 0 });
            }
            FromHost::Ended { status } => return Some(status),
            #[cfg(debug_assertions)]
            FromHost::Panic => panic!("asked to, by a test"),
        }
        None
    }

    /// Whether the session would end with this process. A host that cannot be seen from here runs outside of
    /// this container: it does not end with it, and its end is not told here.
    fn stays_with_session(&self) -> bool {
        self.is_first_process && self.link.pid().is_some()
    }

    fn signalled(&mut self, asked: SignalAction) -> Option<u8> {
        match asked {
            SignalAction::Resize => {
                if let Ok(size) = self.terminal.size() {
                    self.link.send(&FromClient::Resized { size });
                }
                None
            }
            SignalAction::Forward(number) => {
                self.forward(number);
                None
            }
            // Stopped by a signal that cannot be caught, and continued: the shell has had the terminal
            // meanwhile.
            SignalAction::Continue => self.resume(),
        }
    }

    /// Claude was stopped: so is the job that stands for it, by the same signal, with the terminal as the
    /// shell left it.
    fn suspend(&mut self, number: i32) -> Option<u8> {
        self.link.unanswered.forget();
        self.terminal.raw_mode().leave_raw();
        self.terminal.set_foreground(false);
        let signal = Signal::try_from(number).unwrap_or(Signal::SIGTSTP);
        if signal == Signal::SIGSTOP {
            let _ = raise(signal);
        } else {
            // To the group, as claude does when it suspends itself: the job may be a script's.
            let _ = signals::with_default(signal, || kill::to_own_group(signal));
        }
        self.resume()
    }

    /// Takes the terminal again, as soon as it is ours.
    fn resume(&mut self) -> Option<u8> {
        self.terminal.set_foreground(false);
        let (mut politely, mut ending) = (true, false);
        loop {
            // What has come meanwhile, above all why the job was continued.
            self.wait(&mut Poll::default(), Some(Duration::ZERO));
            match self.next_event() {
                Some(ClientEvent::Message(FromHost::Stopped { .. }, _)) => {}
                Some(ClientEvent::Message(message, fds)) => {
                    if let Some(status) = self.host_says(message, fds) {
                        return Some(status);
                    }
                }
                Some(ClientEvent::NoDescriptor) => return Some(self.leave_without_descriptor()),
                // A new one needs the terminal.
                Some(ClientEvent::HostLost) => {}
                // Why it is here; the size is sent below.
                Some(ClientEvent::Signal(SignalAction::Continue | SignalAction::Resize)) => {}
                Some(ClientEvent::Signal(SignalAction::Forward(number))) => {
                    self.forward(number);
                    ending |= number != libc::SIGTSTP;
                }
                // The host lets this client go, which needs no terminal.
                None if self.hang_up.has_come() => return self.link.is_lost().then(|| self.give_up()),
                None if tty::in_foreground(self.terminal.tty()) => break,
                // `kill %1` of a stopped job: it was continued to end, not to take the terminal.
                None if ending && self.link.is_lost() => return Some(self.give_up()),
                None if ending => return None,
                None => {
                    if stop_for_terminal(self.terminal.tty(), politely).is_err() {
                        self.hung_up();
                        return None;
                    }
                    politely = !politely;
                }
            }
        }
        // With SIGTTOU's default action, should the shell take the terminal back right now.
        if self.terminal.raw_mode().enter_raw().is_err() {
            self.hung_up();
            return None;
        }
        self.terminal.set_foreground(true);
        if self.link.is_lost() {
            return self.host_lost();
        }
        if let Ok(size) = self.terminal.size() {
            self.link.send(&FromClient::Resumed { size });
        }
        None
    }
}

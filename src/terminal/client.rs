//! The client's loop: keys, signals, and what the host says.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, raise};
use nix::unistd::Pid;
use uuid::Uuid;

mod lost;

use super::complain;
use super::hold::Keyboard;
use super::keys::Keys;
use super::launch::Launch;
use super::restore::Restore;
use super::scanner::Scanner;
use super::signals::Asked;
use crate::config::DetachKey;
use crate::control::{Attach, Channel, FromClient, FromHost, Received, Request};
use crate::escape::escape;
use crate::fleet;
use crate::platform::io::{self as nonblocking, Outcome};
use crate::platform::poll::{For, Poll};
use crate::platform::signal_pipe::SignalPipe;
use crate::platform::{signals, tty};

/// How long the rest of an escape sequence may take to come.
const SEQUENCE: Duration = Duration::from_millis(30);

/// How this client comes to its session.
pub enum Begin {
    /// By starting it.
    Launch(Launch),
    /// By taking one that runs.
    Attach {
        /// The session's id.
        session: Uuid,
        /// A connection to its control socket.
        socket: UnixStream,
    },
}

/// Runs a session in this terminal, and returns claude's status.
pub fn main(tty: File, begin: Begin, detach_key: DetachKey) -> ExitCode {
    let launching = matches!(begin, Begin::Launch(_));
    match run(tty, begin, detach_key) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            let so = if launching {
                "claude was not started"
            } else {
                "the session goes on without this terminal"
            };
            complain(format_args!("{error}; {so}"));
            ExitCode::FAILURE
        }
    }
}

fn run(tty: File, begin: Begin, detach_key: DetachKey) -> io::Result<u8> {
    // A job in the background stops here, before there is anything that would have to be stopped with it.
    let mut politely = true;
    while !tty::in_foreground(&tty) {
        stop_for_terminal(&tty, politely)?;
        politely = !politely;
    }
    // The handlers come before the size is read, so that no change falls in between.
    let signals = super::signals::install()?;
    let (session, socket, launch) = match begin {
        Begin::Launch(launch) => (launch.session, launch.host()?, Some(launch)),
        Begin::Attach { session, socket } => (session, socket, None),
    };
    let mut channel = Channel::new(socket)?;
    let restore = Restore::new(&tty, channel.as_fd().as_raw_fd())?;
    restore.enter_raw()?;
    let (size, attributes) = (tty::size(&tty)?, restore.original());
    match launch {
        Some(launch) => launch.hand_over(&mut channel, &tty, size, attributes)?,
        None => {
            let attach = Attach {
                client: std::process::id() as i32,
                size,
                attributes,
                terminal: nix::unistd::ttyname(io::stdin())
                    .map_or_else(|_| "a terminal".into(), |name| escape(&name).to_string()),
                agent: super::attach::agent(),
            };
            channel.send(&Request::Attach(Box::new(attach)), vec![tty.as_fd().try_clone_to_owned()?]);
        }
    }
    let client = Client {
        session,
        channel,
        has_message: false,
        is_lost: false,
        signals,
        asked: VecDeque::new(),
        tty,
        master: None,
        waiting: false,
        leaving: false,
        revived: None,
        keys: Keys::default(),
        keyboard: Keyboard::default(),
        scanner: match detach_key {
            DetachKey::Backslash => Scanner::default(),
            DetachKey::None => Scanner::passive(),
        },
        buffer: vec![0; 8192].into(),
        foreground: true,
        terminal_gone: false,
        undo: String::new(),
        restore,
    };
    Ok(client.run())
}

/// Stops the job, which is in the background, as using the terminal would; returns when it was continued.
///
/// # Errors
/// When done other than politely, for a job that is orphaned: nobody could ever continue it, so the kernel does not stop it.
fn stop_for_terminal(tty: impl AsFd, politely: bool) -> io::Result<()> {
    if politely {
        // What reading does, and what shells call "tty input".
        signals::with_default(Signal::SIGTTIN, || kill(Pid::from_raw(0), Signal::SIGTTIN))??;
        return Ok(());
    }
    let unchanged = tty::Attributes::of(&tty)?;
    signals::with_default(Signal::SIGTTOU, || unchanged.apply(&tty))?.map_err(|error| {
        io::Error::new(error.kind(), format!("the terminal cannot be used from the background: {error}"))
    })
}

pub(super) struct Client {
    session: Uuid,
    pub(super) channel: Channel,
    /// The host may have said something.
    has_message: bool,
    /// There is no host any more.
    is_lost: bool,
    signals: SignalPipe,
    /// What signals asked for, and was not done yet.
    asked: VecDeque<Asked>,
    tty: File,
    /// The PTY's, once claude runs.
    pub(super) master: Option<OwnedFd>,
    /// Claude is coming back, and keys are for cckw.
    waiting: bool,
    /// The detach key was pressed: what is typed behind it is not for claude.
    pub(super) leaving: bool,
    /// When a host was last replaced.
    revived: Option<Instant>,
    pub(super) keys: Keys,
    pub(super) keyboard: Keyboard,
    pub(super) scanner: Scanner,
    pub(super) buffer: Box<[u8]>,
    /// The terminal is ours to read.
    foreground: bool,
    terminal_gone: bool,
    /// What to write to the terminal should the host be killed.
    undo: String,
    restore: Restore,
}

/// What has happened, other than keys.
enum Event {
    Message(FromHost, Vec<OwnedFd>),
    HostLost,
    Signal(Asked),
}

impl Client {
    fn run(mut self) -> u8 {
        let mut poll = Poll::default();
        loop {
            poll.clear();
            let master = self.master.as_ref();
            let keys = self.is_reading().then(|| poll.add(&self.tty, For::Reading));
            let room = master.filter(|_| self.keys.want_room()).map(|master| poll.add(master, For::Writing));
            let holding = self.scanner.is_holding();
            self.wait(&mut poll, self.keyboard.wait(holding.then_some(SEQUENCE)));
            // What the host has said comes first: perhaps claude has gone or is back, and the keys are for somebody else.
            if let Some(status) = self.hear() {
                self.restore.leave_raw();
                return status;
            }
            if keys.is_some_and(|place| poll.is_ready(place)) && self.is_reading() {
                self.read_keys();
            } else if holding {
                self.release();
            }
            if let (Some(place), Some(master)) = (room, &self.master)
                && poll.is_ready(place)
            {
                self.keys.flush(master);
            }
            if self.keyboard.is_due() {
                self.keys_are_due();
            }
        }
    }

    /// Whether keys are read, for claude or for cckw.
    fn is_reading(&self) -> bool {
        let ours = self.foreground && !self.terminal_gone;
        ours && self.keys.has_room() && (self.waiting || self.master.is_some())
    }

    /// Acts on everything that has happened, other than keys. The status to exit with, if that is the end.
    fn hear(&mut self) -> Option<u8> {
        while let Some(event) = self.next_event() {
            let status = match event {
                Event::Message(message, fds) => self.host_says(message, fds),
                Event::HostLost => self.host_lost(),
                Event::Signal(asked) => self.signalled(asked),
            };
            if status.is_some() {
                return status;
            }
        }
        None
    }

    /// Waits for what is in `poll`, for the host and for signals.
    fn wait(&mut self, poll: &mut Poll, time: Option<Duration>) {
        let host = poll.add(&self.channel, self.channel.interest());
        let signals = poll.add(&self.signals, For::Reading);
        if poll.wait(time).is_err() {
            // Out of memory for a moment, at worst.
            std::thread::sleep(Duration::from_millis(5));
            return;
        }
        if poll.is_ready(host) {
            // A broken connection is told by `receive`.
            let _ = self.channel.write_some();
            self.has_message = true;
        }
        if poll.is_ready(signals) {
            self.asked.extend(self.signals.pending().map(Asked::from));
        }
    }

    fn next_event(&mut self) -> Option<Event> {
        if self.has_message && !self.is_lost {
            match self.channel.receive() {
                Ok(Received::Message(message, fds)) => return Some(Event::Message(message, fds)),
                Ok(Received::Nothing) => self.has_message = false,
                Ok(Received::Closed) | Err(_) => {
                    self.is_lost = true;
                    return Some(Event::HostLost);
                }
            }
        }
        self.asked.pop_front().map(Event::Signal)
    }

    pub(super) fn read_keys(&mut self) {
        match nonblocking::read(&self.tty, &mut self.buffer) {
            Outcome::Moved(count) if self.master.is_some() => self.pass_on(count),
            Outcome::Moved(count) => self.decide(count),
            Outcome::Gone => self.hang_up(),
            Outcome::Blocked => {}
        }
    }

    /// The terminal cannot be used any more. The host ends claude, whose status is waited for.
    fn hang_up(&mut self) {
        if !std::mem::replace(&mut self.terminal_gone, true) {
            self.channel.send(&FromClient::HungUp, vec![]);
        }
    }

    fn forward(&mut self, number: i32) {
        // SIGHUP is sent by a terminal that closes, and by anybody; the terminal itself knows which it was.
        if number == libc::SIGHUP && tty::Attributes::of(&self.tty).is_err() {
            self.hang_up();
        } else {
            self.channel.send(&FromClient::Signal { number }, vec![]);
        }
    }

    /// Acts on a message. The status to exit with, if that is the end.
    fn host_says(&mut self, message: FromHost, fds: Vec<OwnedFd>) -> Option<u8> {
        match message {
            FromHost::Started => {
                self.master = fds.into_iter().next();
                self.keys = Keys::default();
                self.keyboard = Keyboard::default();
                (self.waiting, self.leaving) = (false, false);
            }
            FromHost::Waiting => {
                self.master = None;
                self.keys = Keys::default();
                self.keyboard = Keyboard::default();
                (self.waiting, self.leaving) = (true, false);
            }
            FromHost::Hold => self.hold(),
            FromHost::Release => self.let_go(),
            FromHost::Undo { bytes, extended_keys } => {
                self.undo = bytes;
                self.scanner.expect_extended_keys(extended_keys);
            }
            FromHost::Failed { reason, status } => {
                self.restore.leave_raw();
                complain(reason);
                return Some(status);
            }
            FromHost::Stopped { signal } => return self.suspend(signal),
            FromHost::Detached { why } => {
                if self.master.is_some() && self.foreground && !self.terminal_gone {
                    self.pass_on_the_rest();
                }
                self.restore.leave_raw();
                if !self.terminal_gone {
                    // Not for ever: it may be gone because this terminal takes nothing.
                    let then = format!("the session goes on: cckw attach {}", fleet::word_for(&self.session));
                    self.write_through(&format!("\r\n\x1b[J[cckw: detached, {}; {then}]\r\n", escape(&why)));
                }
                return Some(0);
            }
            FromHost::Ended { status } => return Some(status),
            #[cfg(debug_assertions)]
            FromHost::Panic => panic!("asked to, by a test"),
        }
        None
    }

    fn signalled(&mut self, asked: Asked) -> Option<u8> {
        match asked {
            Asked::Resize => {
                if let Ok(size) = tty::size(&self.tty) {
                    self.channel.send(&FromClient::Resized { size }, vec![]);
                }
                None
            }
            Asked::Forward(number) => {
                self.forward(number);
                None
            }
            // Stopped by a signal that cannot be caught, and continued: the shell has had the terminal meanwhile.
            Asked::Continue => self.resume(),
        }
    }

    /// Claude was stopped: so is the job that stands for it, by the same signal, with the terminal as the shell left it.
    fn suspend(&mut self, number: i32) -> Option<u8> {
        self.restore.leave_raw();
        self.foreground = false;
        let signal = Signal::try_from(number).unwrap_or(Signal::SIGTSTP);
        if signal == Signal::SIGSTOP {
            let _ = raise(signal);
        } else {
            // To the group, as claude does when it suspends itself: the job may be a script's.
            let _ = signals::with_default(signal, || kill(Pid::from_raw(0), signal));
        }
        self.resume()
    }

    /// Takes the terminal again, as soon as it is ours.
    fn resume(&mut self) -> Option<u8> {
        self.foreground = false;
        let (mut politely, mut ending) = (true, false);
        loop {
            // What has come meanwhile, above all why the job was continued.
            self.wait(&mut Poll::default(), Some(Duration::ZERO));
            match self.next_event() {
                Some(Event::Message(FromHost::Stopped { .. }, _)) => {}
                Some(Event::Message(message, fds)) => {
                    if let Some(status) = self.host_says(message, fds) {
                        return Some(status);
                    }
                }
                // A new one needs the terminal.
                Some(Event::HostLost) => {}
                // Why it is here; the size is sent below.
                Some(Event::Signal(Asked::Continue | Asked::Resize)) => {}
                Some(Event::Signal(Asked::Forward(number))) => {
                    self.forward(number);
                    ending |= number != libc::SIGTSTP;
                }
                None if tty::in_foreground(&self.tty) => break,
                // `kill %1` of a stopped job: it was continued to end, not to take the terminal.
                None if ending && self.is_lost => return Some(self.give_up()),
                None if ending => return None,
                None => {
                    if stop_for_terminal(&self.tty, politely).is_err() {
                        self.hang_up();
                        return None;
                    }
                    politely = !politely;
                }
            }
        }
        // With SIGTTOU's default action, should the shell take the terminal back right now.
        if self.restore.enter_raw().is_err() {
            self.hang_up();
            return None;
        }
        self.foreground = true;
        if self.is_lost {
            return self.host_lost();
        }
        if let Ok(size) = tty::size(&self.tty) {
            self.channel.send(&FromClient::Resumed { size }, vec![]);
        }
        None
    }
}

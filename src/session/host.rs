//! The host's loop: every event of a session, in one place and one at a time.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::sys::signal::kill;
use nix::unistd::Pid;
use serde_json::json;

use super::ending::{Ending, PATIENCE};
use super::events::{self, Events};
use super::modes::ModeTracker;
use super::output::{Output, Turn};
use super::pty::{self, Change, Child};
use super::record::{Exit, Record, State};
use super::server::Server;
use super::watch::{StateWatch, Wake};
use crate::claude::state_file::StateFile;
use crate::control::{Answer, Channel, FromClient, FromHost, Received, Request};
use crate::platform::poll::{For, Place, Poll};
use crate::platform::process;
use crate::platform::signal_pipe::SignalPipe;
use crate::platform::tty::{self, Attributes, Size};

/// After claude's end, how long its PTY must be silent before it counts as read out, where another process keeps it open.
const QUIET: Duration = Duration::from_millis(50);
/// The same after claude was stopped, when the user waits for the shell.
const QUIET_STOP: Duration = Duration::from_millis(15);
/// How long a process that outlives claude may go on writing before it is cut off.
const PATIENCE_WITH_OTHERS: Duration = Duration::from_secs(1);
/// How often, while output flows, it is checked that the client is not stopped.
const CLIENT_CHECK: Duration = Duration::from_millis(200);
/// How long a terminal that takes nothing may hold up a suspension, or what is undone for a dead client.
const PATIENCE_WITH_TERMINAL: Duration = Duration::from_secs(1);

/// When no output has moved for so long, the screen model reads it: a frame of claude's is complete then.
const REST: Duration = Duration::from_millis(4);

/// How far a session's end has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Claude runs, or is stopped.
    Running,
    /// Claude has ended; what it wrote last is read.
    Draining { exit: Exit, quiet_at: Instant, cut_off_at: Instant },
    /// Everything was read; the terminal has yet to take it.
    Flushing { exit: Exit },
}

/// One session.
pub struct Host {
    record: Record,
    directory: PathBuf,
    events: Events,
    client: Option<Client>,
    attributes: Attributes,
    output: Output,
    child: Child,
    phase: Phase,
    ending: Ending,
    ending_at: Option<Instant>,
    /// The shell has the terminal, because the client is stopped, or about to be. Claude's modes are undone on it, and
    /// what claude writes waits, or is not for the terminal any more (`Output::muted`).
    lent: bool,
    /// Output has rested, and the screen model reads what is left, a little at a time.
    catching_up: bool,
}

/// The attached client.
struct Client {
    channel: Channel,
    pid: Pid,
    /// When it was last seen not to be stopped.
    checked: Instant,
    /// What it has been told to undo should this process be killed.
    undo: String,
}

impl Client {
    fn send(&mut self, message: &FromHost) -> bool {
        self.channel.send(message, vec![])
    }

    /// Tells it what there is to undo. One that does not read (it is stopped) is told when it has caught up.
    fn tell_undo(&mut self, modes: &ModeTracker) {
        let undo = modes.undo_blindly();
        if undo != self.undo
            && !self.channel.is_waiting()
            && self.send(&FromHost::Undo { bytes: undo.clone() })
        {
            self.undo = undo;
        }
    }

    fn is_stopped(&self) -> bool {
        process::look_up(self.pid).is_some_and(|process| process.stopped)
    }
}

impl Host {
    /// Takes over a session whose claude has just been started.
    pub fn new(
        record: Record,
        directory: PathBuf,
        events: Events,
        client: Channel,
        output: Output,
        child: Child,
        attributes: Attributes,
    ) -> Self {
        let pid = Pid::from_raw(record.client_pid.unwrap_or(0));
        let client = Client { channel: client, pid, checked: Instant::now(), undo: String::new() };
        Self {
            record,
            directory,
            events,
            client: Some(client),
            attributes,
            output,
            child,
            phase: Phase::Running,
            ending: Ending::Begun,
            ending_at: None,
            lent: false,
            catching_up: false,
        }
    }

    /// Runs the session to its end.
    pub fn run(mut self, mut server: Server, mut sigchld: SignalPipe, wake: Wake) {
        self.events.write("started", json!({ "child": self.child.pid().as_raw() }));
        self.save();
        let mut watch = StateWatch::new(self.child.pid(), wake);
        let mut poll = Poll::default();
        loop {
            poll.clear();
            let output =
                if self.is_held() { None } else { self.output.prepare(&mut poll, self.is_reading()) };
            let client =
                self.client.as_ref().map(|client| poll.add(&client.channel, client.channel.interest()));
            let signals = poll.add(&sigchld, For::Reading);
            let changes = poll.add(&watch, For::Reading);
            let requests = server.prepare(&mut poll);
            if let Err(error) = poll.wait(self.time(&server)) {
                // Out of memory for a moment, at worst; without a rest it would only get worse.
                self.events.write("cannot-wait", json!({ "error": error.to_string() }));
                std::thread::sleep(REST);
                continue;
            }
            let is_ready = |place: Option<Place>| place.is_some_and(|place| poll.is_ready(place));
            if is_ready(client) {
                self.hear_client();
            }
            if is_ready(output) {
                self.move_output();
            }
            if poll.is_ready(signals) {
                let _ = sigchld.pending().count();
                while let Some(change) = self.child.poll() {
                    self.child_changed(change);
                }
            }
            if poll.is_ready(changes)
                && let Some((pid, file)) = watch.look()
            {
                self.follow(pid, &file);
            }
            server.serve(&poll, &requests, |request| self.answer(request));
            self.catching_up = !is_ready(output) && self.output.screen.waiting() > 0;
            if self.catching_up {
                self.output.screen.work();
            }
            self.deadlines();
            if let Some(exit) = self.finished() {
                return self.finish(exit, server);
            }
        }
    }

    /// How long the next wait may last. While output waits for the screen model, a moment: when no more of it comes in
    /// that time, the model reads. Before, it would take the core from the terminal, for a screen that nobody sees.
    fn time(&self, server: &Server) -> Option<Duration> {
        let model = self.output.screen.waiting() > 0;
        let draining = match self.phase {
            Phase::Draining { quiet_at, .. } if !self.is_held() => Some(quiet_at),
            _ => None,
        };
        let deadline = [draining, self.ending_at, server.deadline()].into_iter().flatten().min();
        let until = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        match (model, self.catching_up) {
            (false, _) => until,
            (true, false) => Some(until.map_or(REST, |until| until.min(REST))),
            (true, true) => Some(Duration::ZERO),
        }
    }

    fn hear_client(&mut self) {
        loop {
            let Some(client) = &mut self.client else { return };
            let was_waiting = client.channel.is_waiting();
            // A broken connection is told by `receive`.
            let _ = client.channel.write_some();
            if was_waiting {
                client.tell_undo(&self.output.modes);
            }
            match client.channel.receive() {
                Ok(Received::Message(message, _)) => self.client_says(message),
                Ok(Received::Nothing) => return,
                Ok(Received::Closed) => return self.client_lost("gone"),
                Err(error) => return self.client_lost(&error.to_string()),
            }
        }
    }

    /// Whether claude's output has to wait.
    fn is_held(&self) -> bool {
        self.lent && !self.output.muted
    }

    fn is_reading(&self) -> bool {
        !matches!(self.phase, Phase::Flushing { .. })
    }

    fn deadlines(&mut self) {
        if self.phase == Phase::Running && self.ending_at.is_none() {
            return;
        }
        let now = Instant::now();
        if let Phase::Draining { exit, quiet_at, cut_off_at } = self.phase
            && quiet_at <= now
            && !self.is_held()
        {
            self.phase = if self.output.is_flushed() {
                Phase::Flushing { exit }
            } else {
                // The terminal is slow, so nothing was read: silence has yet to begin.
                Phase::Draining {
                    exit,
                    quiet_at: now + QUIET,
                    cut_off_at: cut_off_at.max(now + PATIENCE_WITH_OTHERS),
                }
            };
        }
        if self.ending_at.is_some_and(|at| at <= now) {
            self.end_claude();
        }
    }

    /// Claude's exit, when nothing is left to do for it.
    fn finished(&self) -> Option<Exit> {
        match self.phase {
            Phase::Flushing { exit } if self.output.is_flushed() => Some(exit),
            Phase::Draining { exit, .. } if self.client.is_none() => Some(exit),
            _ => None,
        }
    }

    fn move_output(&mut self) {
        if self.client_is_stopped() {
            self.lend_terminal();
            return;
        }
        let turn = self.turn();
        if let Phase::Draining { exit, cut_off_at, .. } = self.phase {
            let now = Instant::now();
            match turn {
                Turn::Closed => self.phase = Phase::Flushing { exit },
                _ if now >= cut_off_at => self.phase = Phase::Flushing { exit },
                Turn::Rested(0) => {}
                _ => self.phase = Phase::Draining { exit, quiet_at: now + QUIET, cut_off_at },
            }
        }
    }

    /// The shell has the terminal, though nobody gave it back: so that happens now.
    fn lend_terminal(&mut self) {
        self.events.write("client-stopped", json!({}));
        self.restore_attributes();
        let undo = self.output.modes.undo();
        self.output.write(undo.as_bytes());
        self.lent = true;
    }

    /// Gives the terminal the attributes it had, if it still has those that the client set.
    fn restore_attributes(&self) {
        if let Some(terminal) = self.output.terminal()
            // The shell may have its line editor on it by now; then this is not ours to change.
            && Attributes::of(terminal).is_ok_and(|now| now == self.attributes.raw())
        {
            let _ = self.attributes.apply(terminal);
        }
    }

    fn turn(&mut self) -> Turn {
        let reading = self.is_reading();
        let client = &mut self.client;
        self.output.turn(reading, |modes| {
            if let Some(client) = client {
                client.tell_undo(modes);
            }
        })
    }

    /// Whether the client was stopped without a word (SIGSTOP): the shell has the terminal then. Asked only while
    /// output flows, and not for each byte of it.
    fn client_is_stopped(&mut self) -> bool {
        let now = Instant::now();
        let Some(client) = &mut self.client else { return false };
        if self.phase != Phase::Running || now.duration_since(client.checked) < CLIENT_CHECK {
            return false;
        }
        client.checked = now;
        client.is_stopped()
    }

    fn client_says(&mut self, message: FromClient) {
        match message {
            FromClient::Start(_) => {}
            FromClient::Resized { size } => self.resize(size),
            FromClient::Signal { number } => self.client_signalled(number),
            FromClient::HungUp => {
                self.events.write("hung-up", json!({}));
                self.output.leave_terminal();
                self.lent = false;
                if self.phase == Phase::Running {
                    self.end_claude();
                }
            }
            FromClient::Resumed { size } => {
                self.output.muted = false;
                if std::mem::take(&mut self.lent) {
                    let redo = self.output.modes.redo();
                    self.output.write(redo.as_bytes());
                }
                if self.child.is_stopped() {
                    self.events.write("resumed", json!({}));
                    self.record.state = State::Running;
                    self.save();
                }
                if let Some(client) = &mut self.client {
                    client.checked = Instant::now();
                }
                self.resize(size);
                // Also when claude was not stopped: the shell has drawn over its screen, and it repaints on this.
                self.child.signal_group(libc::SIGCONT);
            }
        }
    }

    fn resize(&mut self, size: Size) {
        let unchanged = tty::size(self.output.master()).is_ok_and(|now| now == size);
        if unchanged {
            // The kernel says nothing then, and somebody may want a repaint.
            pty::nudge(self.output.master());
            return;
        }
        let _ = tty::set_size(self.output.master(), size);
        self.output.screen.resize(size);
    }

    fn client_signalled(&mut self, number: i32) {
        if self.phase != Phase::Running {
            // Claude is gone; somebody is tired of waiting for the terminal.
            if let Phase::Draining { exit, .. } | Phase::Flushing { exit } = self.phase {
                self.output.leave_terminal();
                self.phase = Phase::Flushing { exit };
            }
            return;
        }
        // A closed terminal and a suspension are meant for the whole job, anything else is sent to one process.
        if matches!(number, libc::SIGHUP | libc::SIGTSTP) {
            self.child.signal_group(number);
        } else {
            self.child.signal(number);
        }
        if self.child.is_stopped()
            && matches!(number, libc::SIGHUP | libc::SIGINT | libc::SIGQUIT | libc::SIGTERM)
        {
            // A stopped process ends only when it goes on. It draws before it ends; the shell has the terminal.
            self.output.muted = true;
            self.child.signal_group(libc::SIGCONT);
        }
    }

    fn child_changed(&mut self, change: Change) {
        match change {
            Change::Stopped(signal) if self.client.is_some() => self.suspend(signal),
            Change::Stopped(signal) => {
                // Nobody could ever continue it.
                self.events.write("stopped-and-continued", json!({ "signal": signal }));
                self.child.signal_group(libc::SIGCONT);
            }
            Change::Continued => {}
            Change::Ended(exit) => {
                self.events.write("ended", json!({ "exit": exit }));
                let now = Instant::now();
                self.phase = if self.output.is_closed() {
                    Phase::Flushing { exit }
                } else {
                    Phase::Draining { exit, quiet_at: now + QUIET, cut_off_at: now + PATIENCE_WITH_OTHERS }
                };
                self.ending_at = None;
                // Its last words come too late for a terminal that the shell has by now.
                self.output.muted = self.lent;
            }
        }
    }

    /// Claude has been stopped: the terminal gets what it wrote, then goes back to the shell.
    fn suspend(&mut self, signal: i32) {
        self.events.write("suspended", json!({ "signal": signal }));
        let deadline = Instant::now() + PATIENCE_WITH_TERMINAL;
        let client = &mut self.client;
        let tell = |modes: &ModeTracker| {
            if let Some(client) = client {
                client.tell_undo(modes);
            }
        };
        self.output.drain(QUIET_STOP, deadline, tell);
        let undo = self.output.modes.undo();
        self.output.write(undo.as_bytes());
        self.output.flush(deadline);
        self.lent = true;
        if let Some(client) = &mut self.client {
            client.send(&FromHost::Stopped { signal });
        }
        self.record.state = State::Suspended;
        self.save();
    }

    /// The client has died, or was killed: the host leaves the terminal as the client would have.
    fn client_lost(&mut self, why: &str) {
        // First of all, before anything that takes time: zsh makes what it finds after a killed job its own.
        self.restore_attributes();
        // Closed only when all is undone: a client that panicked waits for that.
        let client = self.client.take();
        self.record.client_pid = None;
        self.events.write("client-lost", json!({ "why": why }));
        if self.lent {
            // The shell is already drawing there; claude's half-written output has no place any more.
            self.output.discard_pending();
        }
        if !self.lent {
            let undo = self.output.modes.undo();
            self.output.write(undo.as_bytes());
        }
        self.output.flush(Instant::now() + PATIENCE_WITH_TERMINAL);
        self.output.leave_terminal();
        drop(client);
        self.lent = false;
        if self.phase == Phase::Running {
            self.end_claude();
        }
    }

    fn end_claude(&mut self) {
        let (next, signal) = self.ending.next();
        self.ending = next;
        let Some(signal) = signal else {
            self.ending_at = None;
            return;
        };
        self.events.write("ending", json!({ "signal": signal.as_str() }));
        self.child.signal_group(signal as i32);
        self.child.signal_group(libc::SIGCONT);
        self.ending_at = Some(Instant::now() + PATIENCE);
    }

    fn answer(&mut self, request: &Request) -> Answer {
        match request {
            Request::Status => Answer::Status {
                record: serde_json::to_value(&self.record).unwrap_or_default(),
                screen: self.output.screen.text(),
                stale: self.output.screen.is_stale(),
            },
            #[cfg(debug_assertions)]
            Request::Panic => panic!("asked to, by a test"),
            #[cfg(debug_assertions)]
            Request::PanicClient => {
                if let Some(client) = &mut self.client {
                    client.send(&FromHost::Panic);
                }
                Answer::Refused { reason: "asked the client".into() }
            }
        }
    }

    /// Notes what claude's state file says.
    fn follow(&mut self, pid: Pid, file: &StateFile) {
        let before = self.record.clone();
        let record = &mut self.record;
        record.claude_pid = Some(pid.as_raw());
        record.claude_start.clone_from(&file.proc_start);
        if file.version.is_some() {
            record.claude_version.clone_from(&file.version);
        }
        record.status.clone_from(&file.status);
        if record.state == State::Starting {
            record.state = State::Running;
        }
        if let Some(conversation) = &file.session_id
            && record.follow(conversation)
        {
            self.events.write("conversation", json!({ "id": conversation }));
        }
        if self.record != before {
            self.save();
        }
    }

    fn save(&self) {
        if let Err(error) = self.record.write(&self.directory) {
            self.events.write("record-not-written", json!({ "error": error.to_string() }));
        }
    }

    fn finish(mut self, exit: Exit, server: Server) {
        if !self.lent {
            let undo = self.output.modes.undo();
            self.output.write(undo.as_bytes());
        }
        self.output.flush(Instant::now() + PATIENCE_WITH_TERMINAL);
        self.record.state = State::Stopped;
        self.record.status = None;
        self.record.exit = Some(exit);
        self.record.ended_at = Some(events::now());
        self.record.client_pid = None;
        self.save();
        drop(server);
        if let Some(client) = &mut self.client {
            client.send(&FromHost::Ended { status: exit.status() });
            if client.is_stopped() {
                // A job whose process was killed ends, also while it is stopped.
                let _ = kill(client.pid, nix::sys::signal::Signal::SIGCONT);
            }
            // What is in the socket's buffer survives this process.
            client.channel.flush(PATIENCE_WITH_TERMINAL);
        }
    }
}

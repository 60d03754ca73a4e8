//! The client of a session: what it says, whether it lives, and who has the terminal.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use super::child::Phase;
use super::{Host, PATIENCE_WITH_TERMINAL};
use crate::config::OnHangup;
use crate::control::{Channel, FromClient, FromHost, Received};
use crate::platform::process::Watched;
use crate::platform::tty::{self, Attributes, Size};
use crate::session::modes::ModeTracker;
use crate::session::pty;
use crate::session::record::{State, Text};
use crate::session::server::Attaching;

/// How often, while output flows, it is checked that the client is not stopped.
const CLIENT_CHECK: Duration = Duration::from_millis(200);

/// How long a size must last for claude to draw everything anew for it.
const JIGGLE: Duration = Duration::from_millis(40);

/// The attached client.
pub(super) struct Client {
    pub(super) channel: Channel,
    pub(super) pid: Pid,
    process: Watched,
    /// When it was last seen not to be stopped.
    pub(super) checked: Instant,
    /// What it has been told to undo should this process be killed.
    pub(super) undo: String,
}

impl Client {
    /// One that was told nothing yet.
    pub(super) fn new(channel: Channel, pid: Pid) -> Self {
        Self { channel, pid, process: Watched::new(pid), checked: Instant::now(), undo: String::new() }
    }

    pub(super) fn send(&mut self, message: &FromHost) -> bool {
        self.channel.send(message, vec![])
    }

    pub(super) fn send_with(&mut self, message: &FromHost, fds: Vec<OwnedFd>) -> bool {
        self.channel.send(message, fds)
    }

    /// Tells it what there is to undo. One that does not read (it is stopped) is told when it has caught up.
    pub(super) fn tell_undo(&mut self, modes: &ModeTracker) {
        let undo = modes.undo_blindly();
        if undo != self.undo
            && !self.channel.is_waiting()
            && self.send(&FromHost::Undo { bytes: undo.clone(), extended_keys: modes.has_extended_keys() })
        {
            self.undo = undo;
        }
    }

    pub(super) fn is_stopped(&mut self) -> bool {
        self.process.look_up().is_some_and(|process| process.stopped)
    }
}

impl Host {
    pub(super) fn hear_client(&mut self) {
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

    pub(super) fn client_says(&mut self, message: FromClient) {
        match message {
            FromClient::Start(_) => {}
            FromClient::Resized { size } => self.resize(size),
            FromClient::Signal { number } => self.client_signalled(number),
            FromClient::HungUp => self.hung_up(),
            FromClient::Reply { bytes } => self.output.answerer.remembered().learn(&bytes),
            FromClient::Detach => self.detach("the detach key was pressed"),
            FromClient::Held(held) => self.keys_are_held(held),
            FromClient::Now => self.restart_now(),
            FromClient::Quit => self.answered_no(),
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
                self.ask();
            }
        }
    }

    pub(super) fn client_signalled(&mut self, number: i32) {
        if let Phase::Waiting { .. } = self.phase {
            if number != libc::SIGTSTP {
                self.quit();
            }
            return;
        }
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

    pub(super) fn resize(&mut self, size: Size) {
        self.launcher.size = size;
        let unchanged = tty::size(self.output.master()).is_ok_and(|now| now == size);
        if unchanged {
            // The kernel says nothing then, and somebody may want a repaint.
            pty::nudge(self.output.master());
            return;
        }
        let _ = tty::set_size(self.output.master(), size);
        self.output.screen.resize(size);
    }

    /// Whether the client was stopped without a word (SIGSTOP): the shell has the terminal then. Asked only while
    /// output flows, and not for each byte of it.
    pub(super) fn client_is_stopped(&mut self) -> bool {
        let now = Instant::now();
        let Some(client) = &mut self.client else { return false };
        if self.phase != Phase::Running || now.duration_since(client.checked) < CLIENT_CHECK {
            return false;
        }
        client.checked = now;
        client.is_stopped()
    }

    /// The shell has the terminal, though nobody gave it back: so that happens now.
    pub(super) fn lend_terminal(&mut self) {
        self.events.write("client-stopped", json!({}));
        self.restore_attributes();
        let undo = self.output.modes.undo();
        self.output.write(undo.as_bytes());
        self.lent = true;
    }

    /// Gives the terminal the attributes it had, if it still has those that the client set.
    pub(super) fn restore_attributes(&self) {
        if let Some(terminal) = self.output.terminal()
            // The shell may have its line editor on it by now; then this is not ours to change.
            && Attributes::of(terminal).is_ok_and(|now| now == self.attributes.raw())
        {
            let _ = self.attributes.apply(terminal);
        }
    }

    /// The client has died, or was killed: the host leaves the terminal as the client would have.
    pub(super) fn client_lost(&mut self, why: &str) {
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
        self.without_terminal();
    }

    /// The terminal was closed. Its client knows, and goes.
    fn hung_up(&mut self) {
        self.events.write("hung-up", json!({}));
        self.output.leave_terminal();
        self.lent = false;
        if self.on_hangup == OnHangup::Detach && self.goes_on() {
            self.let_client_go("the terminal was closed");
        }
        self.without_terminal();
    }

    /// Whether there is a claude to be with, or there will be again.
    fn goes_on(&self) -> bool {
        matches!(self.phase, Phase::Running | Phase::Waiting { .. })
    }

    /// What is configured for a session whose terminal has gone, other than by a wish of the user.
    fn without_terminal(&mut self) {
        match self.on_hangup {
            OnHangup::Exit if matches!(self.phase, Phase::Waiting { .. }) => self.quit(),
            _ if !self.goes_on() => {}
            OnHangup::Exit => {
                self.quit = true;
                self.end_claude();
            }
            OnHangup::Detach => self.detached(),
        }
    }

    /// The user lets the session go on without a terminal.
    pub(super) fn detach(&mut self, why: &str) {
        if !self.goes_on() {
            return;
        }
        if !self.lent {
            let undo = self.output.modes.undo();
            self.output.write(undo.as_bytes());
            self.output.flush(Instant::now() + PATIENCE_WITH_TERMINAL);
        }
        self.output.leave_terminal();
        self.lent = false;
        self.let_client_go(why);
        self.detached();
    }

    /// Counts, from when nobody is attached and claude is idle, the time after which the session is ended.
    pub(super) fn linger(&mut self) {
        let idle = self.record.status.as_deref() == Some("idle");
        if self.client.is_some() || !idle {
            self.linger_at = None;
        } else if self.linger_at.is_none() {
            self.linger_at = Some(Instant::now() + self.linger);
        }
    }

    fn let_client_go(&mut self, why: &str) {
        // First, for whoever hears that the client was let go looks here next.
        self.record.client_pid = None;
        self.save();
        if let Some(mut client) = self.client.take() {
            client.send(&FromHost::Detached { why: why.to_owned() });
            client.channel.flush(PATIENCE_WITH_TERMINAL);
            if client.is_stopped() {
                let _ = kill(client.pid, Signal::SIGCONT);
            }
        }
    }

    /// Nobody is attached any more.
    fn detached(&mut self) {
        self.events.write("detached", json!({}));
        self.linger();
        self.record.client_pid = None;
        if self.child.is_stopped() {
            // Nobody could continue it.
            self.child.signal_group(libc::SIGCONT);
            self.record.state = State::Running;
        }
        self.save();
    }

    /// Takes a new client, in place of the one that is attached, if any.
    pub(super) fn attach(&mut self, attaching: Attaching) {
        let Attaching { mut channel, attach, fds } = attaching;
        // One that is ended in order to be started again stays.
        let goes_on = self.goes_on() && !self.quit;
        let refusal = (!goes_on).then_some("the session is just ending");
        let terminal = fds.into_iter().next();
        let (Some(terminal), Ok(master), None) = (terminal, self.output.master().try_clone(), refusal) else {
            let reason =
                refusal.unwrap_or("no terminal came with the request, or no descriptor is left").to_owned();
            channel.send(&FromHost::Failed { reason, status: 1 }, vec![]);
            channel.flush(PATIENCE_WITH_TERMINAL);
            return;
        };
        if self.client.is_some() {
            self.detach(&format!("attached on {} by process {}", attach.terminal, attach.client));
        }
        self.events.write("attached", json!({ "client": attach.client, "terminal": attach.terminal }));
        if let Some(agent) = attach.agent.map(|agent| PathBuf::from(OsString::from(agent)))
            && self.launcher.environment.follow(&agent)
        {
            self.events.write("ssh-agent", json!({ "agent": Text::from(agent.as_path()) }));
        }
        self.output.take_terminal(terminal);
        self.attributes = attach.attributes;
        self.lent = false;
        let pid = Pid::from_raw(attach.client);
        let mut client = Client::new(channel, pid);
        client.channel.send(&FromHost::Started, vec![master]);
        client.tell_undo(&self.output.modes);
        self.client = Some(client);
        // The question is still on the screen, where it was asked before.
        self.await_answer();
        self.record.client_pid = Some(attach.client);
        self.save();
        // What was on the terminal is described before the new size moves it.
        let stale = self.output.screen.is_stale();
        let repaint = self.output.screen.repaint(&self.output.modes);
        self.output.write(&repaint);
        if stale {
            pty::jiggle(self.output.master(), attach.size);
            // Claude Code 2.1.329 takes two changes in a row for none.
            std::thread::sleep(JIGGLE);
        }
        self.resize(attach.size);
        self.linger_at = None;
        self.ask();
    }
}

//! What the host does for its client, with it, and when it goes.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::attached::{AttachedClient, peer, restore};
use super::host_signals::ends_host;
use super::timers::Timer;
use super::{Host, MODEL_WAIT, SHORT_PATIENCE_WITH_TERMINAL, TERMINAL_WRITE_TIMEOUT};
use crate::config::OnHangup;
use crate::fault;
use crate::host::claude::pty;
use crate::host::control_server::Attaching;
use crate::host::late_keys::END_OF_PASTE;
use crate::os::text::LosslessText;
use crate::os::tty;
use crate::os::tty::Attributes;
use crate::os::tty::Size;
use crate::protocol::{FromClient, FromHost, MINOR};
use crate::registry::log_event::LogEvent;
use crate::registry::record::SessionState;
use crate::registry::stop_marker;
use crate::registry::stop_marker::StopRequest;
use crate::user_error::{UserError, session, shortage, terminal};

/// The mode in which pastes have a beginning and an end.
const BRACKETED_PASTE: u16 = 2004;

/// Messages of the client that are heard in one turn of the loop; the rest is heard in the next one. A size
/// that is new costs the screen model a few milliseconds on the largest of screens.
const MESSAGES_A_TURN: usize = 8;

/// How long a terminal that was hung up on may take for what is undone on it. It may be about to close and
/// take nothing.
const HANGUP_FLUSH_TIMEOUT: Duration = Duration::from_millis(100);

/// How long a size must last for claude to draw everything anew for it.
const JIGGLE: Duration = Duration::from_millis(40);

/// Whether a signal asks claude to end.
fn ends_claude(number: i32) -> bool {
    matches!(number, libc::SIGHUP | libc::SIGINT | libc::SIGQUIT | libc::SIGTERM)
}

impl Host {
    pub(super) fn hear_client(&mut self) {
        let Some(client) = self.attachment.client_mut() else { return };
        client.read(&self.output.modes);
        if let Some(detached) = client.gave_up() {
            // Whatever it asked for before, it has given up.
            return self.client_left(detached);
        }
        for _ in 0..MESSAGES_A_TURN {
            let Some(message) = self.attachment.client_mut().and_then(AttachedClient::next_message) else {
                break;
            };
            self.client_says(message);
        }
        let Some(client) = self.attachment.client_mut() else { return };
        if let Some(why) = client.was_heard() {
            self.client_lost(&why);
        }
    }

    pub(super) fn client_says(&mut self, message: FromClient) {
        match message {
            // `hear_client` has seen to the latter.
            FromClient::Start(_) | FromClient::GaveUp { .. } => {}
            FromClient::Ping { number } => self.attachment.tell(&FromHost::Pong { number }),
            FromClient::Backgrounded => self.client_backgrounded(),
            FromClient::Resized { size } => self.resize(size),
            FromClient::Signal { number } => self.client_signalled(number),
            FromClient::HungUp { answers } => self.hung_up(answers),
            FromClient::KeySignal { number } => self.signal_passed(number),
            FromClient::Reply { bytes } => self.output.answerer.remembered().learn(&bytes),
            FromClient::Detach => self.detach(""),
            FromClient::Held(held) => self.keys_are_held(held),
            FromClient::KeyWaits => self.key_waits(),
            // Only one that was let go says these.
            FromClient::Unsent { .. } | FromClient::Left => {}
            // Taken where it is read.
            FromClient::Guard => {}
            FromClient::Now => self.restart_now(),
            FromClient::Continue => drop(self.continue_turn()),
            FromClient::Quit => self.answered_no(),
            FromClient::Resumed { size } => {
                self.output.model_only = false;
                if self.attachment.end_backgrounding() {
                    let redo = self.output.modes.redo();
                    self.output.write(redo.as_bytes());
                }
                if self.claude.child().is_stopped() {
                    self.events.write(LogEvent::Resumed);
                    self.record.state = SessionState::Running;
                    self.save();
                }
                if let Some(client) = self.attachment.client_mut() {
                    client.runs();
                    client.tell_undo(&self.output.modes);
                }
                self.resize(size);
                // Also when claude was not stopped: the shell has drawn over its screen, and it repaints on
                // this.
                self.claude.child().signal_group(libc::SIGCONT);
                self.ask();
            }
        }
    }

    pub(super) fn client_signalled(&mut self, number: i32) {
        // Only a client of an older cckw sends it so.
        if number == libc::SIGHUP && self.attachment.on_hangup() == OnHangup::Detach {
            return self.hung_up(true);
        }
        if number == libc::SIGTERM {
            self.client_was_told_to_end();
        }
        if self.claude.is_waiting() {
            if number != libc::SIGTSTP {
                self.quit();
            }
            return;
        }
        if !self.claude.is_running() {
            // Claude is gone, and is not to come back; or somebody is tired of waiting for the terminal.
            if ends_claude(number) {
                self.quit();
            }
            if self.claude.cut_off() {
                self.output.leave_terminal();
            }
            return;
        }
        self.signal_passed(number);
        if ends_host(number) { self.pass_on_soon(number) } else { self.pass_on(number) }
    }

    /// Sends claude a signal that its client was sent.
    pub(super) fn pass_on(&mut self, number: i32) {
        // A closed terminal and a suspension are meant for the whole job, anything else is sent to one
        // process.
        if matches!(number, libc::SIGHUP | libc::SIGTSTP) {
            self.claude.child().signal_group(number);
        } else {
            self.claude.child().signal(number);
        }
        if self.claude.child().is_stopped() && ends_claude(number) {
            // A stopped process ends only when it goes on. It draws before it ends; the shell has the
            // terminal.
            self.output.model_only = true;
            self.claude.child().signal_group(libc::SIGCONT);
        }
    }

    pub(super) fn resize(&mut self, size: Size) {
        self.claude.launcher_mut().size = size;
        let unchanged = tty::size(self.output.master()).is_ok_and(|now| now == size);
        if unchanged {
            // The kernel says nothing then, and somebody may want a repaint.
            pty::nudge(self.output.master());
            return;
        }
        let _ = tty::set_size(self.output.master(), size);
        self.output.screen.resize(size);
    }

    /// Has claude draw everything anew, with [`Host::resize`] right behind it.
    fn jiggle(&self, size: Size) {
        pty::jiggle(self.output.master(), size);
        // Claude Code 2.1.329 takes two changes in a row for none.
        std::thread::sleep(JIGGLE);
    }

    /// Draws the terminal anew that was passed over and takes something again. After a flood the model reads
    /// on first, while the loop goes round: what it has to give up is on no screen until claude draws it.
    pub(super) fn draw_passed_over(&mut self) {
        if self.output.has_had_room() < MODEL_WAIT && !self.output.screen.catch_up() {
            return;
        }
        self.output.catch_up();
        if self.output.screen.is_stale() {
            let size = self.claude.launcher().size;
            self.jiggle(size);
            self.resize(size);
        }
    }

    /// Whether the client was stopped without a word (SIGSTOP): the shell has the terminal then. Asked only
    /// while output flows, and not for each byte of it.
    pub(super) fn client_is_stopped(&mut self) -> bool {
        self.claude.is_running() && self.attachment.client_mut().is_some_and(AttachedClient::is_found_stopped)
    }

    /// The shell has the terminal, though nobody gave it back: so that happens now.
    pub(super) fn background_session(&mut self) {
        self.events.write(LogEvent::ClientStopped);
        self.restore_attributes();
        let undo = self.undo_for_shell();
        self.output.write(undo.as_bytes());
        // Continued, it has nothing to undo on a terminal that may be the shell's.
        self.tell_undone();
        self.attachment.set_backgrounded();
    }

    /// Gives the terminal the attributes it had, if it still has those that the client set.
    pub(super) fn restore_attributes(&self) {
        if let Some(terminal) = self.output.terminal() {
            restore(terminal, self.attachment.attributes());
        }
    }

    /// Gives the terminal its own attributes back, if it has those that the client has set.
    pub(super) fn leave_raw_mode(&self) {
        let raw = self.attachment.attributes().raw();
        let is_raw = |terminal| Attributes::of(terminal).is_ok_and(|now| now == raw);
        if !self.attachment.is_backgrounded() && self.output.terminal().is_some_and(is_raw) {
            self.restore_attributes();
        }
    }

    /// This host did not answer for too long, and the client gave the terminal back without it: nothing is
    /// written there any more.
    fn client_left(&mut self, detached: bool) {
        self.events.write(LogEvent::ClientLeft { why: "this host did not answer" });
        // It may have been told to end by a signal, and has given that up like everything else.
        self.system_stop.passes_nothing_on();
        if !self.system_stop.is_under_way() && stop_marker::read(&self.directory) == Some(StopRequest::System)
        {
            stop_marker::clear(&self.directory);
        }
        drop(self.attachment.release());
        self.record.client_pid = None;
        self.output.leave_terminal();
        self.attachment.end_backgrounding();
        self.end_paste();
        if detached && self.goes_on() {
            self.detached();
        } else {
            self.without_terminal();
        }
        self.save();
    }

    /// This host did not answer for too long, and the client gave the terminal to the shell without it.
    fn client_backgrounded(&mut self) {
        self.events.write(LogEvent::ClientBackgrounded { why: "this host did not answer" });
        self.output.discard_pending();
        self.attachment.set_backgrounded();
        if let Some(client) = self.attachment.client_mut() {
            client.has_nothing_to_undo();
        }
    }

    /// The client has died, or was killed: the host leaves the terminal as the client would have.
    pub(super) fn client_lost(&mut self, why: &str) {
        // Other programs may run there by now.
        let was_given_back = self.output.terminal().is_some_and(|terminal| {
            let client = self.attachment.client();
            client.is_some_and(|client| client.was_given_back(terminal, self.attachment.attributes()))
        });
        // First of all, before anything that takes time: zsh makes what it finds after a killed job its own.
        if !was_given_back {
            self.restore_attributes();
        }
        // Closed only when all is undone: a client that panicked waits for that.
        let mut client = self.attachment.release();
        self.record.set_client(None);
        self.events.write(LogEvent::ClientLost { why: why.to_owned() });
        let undo = if was_given_back || self.attachment.is_backgrounded() {
            // The shell is already drawing there; claude's half-written output has no place any more.
            self.output.discard_pending();
            0
        } else {
            let now = self.undo();
            let undo = self.output.end_passing_over().unwrap_or(now);
            self.output.write(undo.as_bytes());
            undo.len()
        };
        self.output.flush(Instant::now() + SHORT_PATIENCE_WITH_TERMINAL);
        // Where the terminal has taken nothing of it, the guard tries that for some seconds more.
        let is_undone = undo == 0 || self.output.unwritten() < undo;
        self.output.leave_terminal();
        if let Some(client) = client.as_mut().filter(|_| is_undone) {
            client.has_terminal_back();
        }
        drop(client);
        self.attachment.end_backgrounding();
        if self.system_stop.is_news() && stop_marker::read(&self.directory) == Some(StopRequest::System) {
            // The client was told to end, and was killed before it could say so.
            self.client_signalled(libc::SIGTERM);
        }
        self.end_paste();
        self.without_terminal();
    }

    /// The client has gone without a word of what it was typing. In the middle of a paste claude would take
    /// all later keys for parts of it. Nobody knows whether it was, and need not: claude passes over the end
    /// of a paste that has not begun.
    fn end_paste(&mut self) {
        if self.claude.is_running() && self.output.modes.is_on(BRACKETED_PASTE) == Some(true) {
            self.take_unsent_keys(vec![END_OF_PASTE.to_vec()]);
        }
    }

    /// The client was hung up on, and goes. `answers` is whether its terminal is still there.
    fn hung_up(&mut self, answers: bool) {
        self.events.write(LogEvent::HungUp { terminal_answers: answers });
        if answers && self.attachment.on_hangup() == OnHangup::Exit {
            // As without cckw: claude gets the signal, and decides.
            return self.client_signalled(libc::SIGHUP);
        }
        if answers && !self.attachment.is_backgrounded() {
            // Whoever uses the terminal next gets it as it was. One that is about to close may take nothing
            // any more.
            let undo = self.undo();
            self.output.write(undo.as_bytes());
            self.output.flush(Instant::now() + HANGUP_FLUSH_TIMEOUT);
        }
        if self.attachment.on_hangup() == OnHangup::Detach && self.goes_on() {
            self.let_client_go("the terminal was hung up");
        }
        self.output.leave_terminal();
        self.attachment.end_backgrounding();
        self.without_terminal();
    }

    /// Whether there is a claude to be with, or there will be again.
    fn goes_on(&self) -> bool {
        self.claude.is_running() || self.claude.is_waiting()
    }

    /// What is configured for a session whose terminal has gone, other than by a wish of the user.
    fn without_terminal(&mut self) {
        match self.attachment.on_hangup() {
            OnHangup::Exit if self.claude.is_waiting() => self.quit(),
            _ if !self.goes_on() => {}
            // It may be ending already.
            OnHangup::Exit => self.stop(),
            OnHangup::Detach => self.detached(),
        }
    }

    /// The user lets the session go on without a terminal.
    pub(super) fn detach(&mut self, why: &str) {
        self.detach_within(TERMINAL_WRITE_TIMEOUT, why);
    }

    /// The same, where the terminal may take so long for what is undone on it. Where it does not, the client
    /// undoes the modes by itself.
    fn detach_within(&mut self, patience: Duration, why: &str) {
        if !self.goes_on() {
            return;
        }
        fault::point("detach-begun");
        if !self.attachment.is_backgrounded() {
            let undo = self.undo();
            self.output.write(undo.as_bytes());
            self.repeat_notices();
            self.output.flush(Instant::now() + patience);
            self.tell_undone();
        }
        fault::point("detach-undone");
        self.let_client_go(why);
        self.detached();
        fault::point("detach-saved");
    }

    /// The modes are undone on the terminal: the client has nothing to undo there any more, should it have
    /// to.
    pub(super) fn tell_undone(&mut self) {
        let extended_keys = self.output.modes.has_extended_keys();
        if let Some(client) = self.attachment.client_mut().filter(|_| self.output.is_flushed())
            && client.send(&FromHost::Undo { bytes: String::new(), extended_keys })
        {
            client.has_nothing_to_undo();
        }
    }

    /// Counts, from when nobody is attached and claude is idle, the time after which the session is ended.
    pub(super) fn linger(&mut self) {
        let idle = self.record.status.as_deref() == Some("idle");
        if self.attachment.is_attached() || !idle {
            self.timers.cancel(Timer::Linger);
        } else {
            self.timers.set_once(Timer::Linger, Instant::now() + self.attachment.linger());
        }
    }

    fn let_client_go(&mut self, why: &str) {
        // First, for whoever hears that the client was let go looks here next.
        self.record.set_client(None);
        self.save();
        let terminal = self.output.release_terminal();
        self.attachment.end_backgrounding();
        if let Some(client) = self.attachment.release() {
            self.part_with(client, terminal, why);
        }
    }

    /// Nobody is attached any more.
    fn detached(&mut self) {
        self.events.write(LogEvent::Detached);
        self.linger();
        self.record.set_client(None);
        if self.claude.child().is_stopped() {
            // Nobody could continue it.
            self.claude.child().signal_group(libc::SIGCONT);
            self.record.state = SessionState::Running;
        }
        self.save();
    }

    /// A login has attached: the next claude gets its terminal's variables, and the link leads to its agent.
    fn login_brings(&mut self, brought: Vec<(String, Option<LosslessText>)>, agent: Option<LosslessText>) {
        let brought: Vec<(String, Option<OsString>)> =
            brought.into_iter().map(|(name, value)| (name, value.map(OsString::from))).collect();
        let environment = &mut self.claude.launcher_mut().environment;
        let mut changed =
            environment.take(brought.iter().map(|(name, value)| (name.as_str(), value.as_deref())));
        if let Some(agent) = agent.map(|agent| PathBuf::from(OsString::from(agent)))
            && environment.follow(&agent)
        {
            changed = true;
            self.events.write(LogEvent::SshAgent { agent: agent.as_path().into() });
        }
        if changed {
            self.journal.run(environment.record_again(&self.directory));
        }
    }

    /// The terminal that came with a request to attach, and a duplicate of the PTY's master for its client.
    ///
    /// # Errors
    /// When it cannot be attached.
    fn can_attach(&self, fds: Vec<OwnedFd>) -> Result<(OwnedFd, OwnedFd), UserError> {
        // One that is ended in order to be started again stays.
        if !self.goes_on() || self.claude.has_quit() {
            return Err(session::is_ending());
        }
        let sent = fds.into_iter().next().ok_or_else(terminal::nothing_was_sent)?;
        let own = tty::own(sent)?;
        let master = self.output.master().try_clone();
        let master = master.map_err(shortage::no_descriptor_left)?;
        Ok((own, master))
    }

    /// Takes a new client, in place of the one that is attached, if any.
    pub(super) fn attach(&mut self, attaching: Attaching) {
        let Attaching { mut channel, attach, fds } = attaching;
        if channel.is_abandoned() {
            // Given up meanwhile: its terminal is somebody else's by now.
            return;
        }
        let (terminal, master) = match self.can_attach(fds) {
            Ok(both) => both,
            Err(error) => {
                let (reason, status) = (error.to_string(), error.exit_status());
                channel.send(&FromHost::Failed { reason, status, claude_can_run: false }, vec![]);
                // It takes this, unless it has taken no answer before.
                return;
            }
        };
        fault::point("attach-taken");
        let pid = peer(&channel);
        if self.attachment.is_attached() {
            let why = format!("attached on {} by process {pid}", attach.terminal);
            self.detach_within(SHORT_PATIENCE_WITH_TERMINAL, &why);
        }
        self.events.write(LogEvent::Attached { client: pid.as_raw(), terminal: attach.terminal.clone() });
        self.login_brings(attach.environment, attach.agent);
        // What the terminal itself says is true; without a size of its own it is what its client says.
        let size =
            tty::size(&terminal).ok().filter(|size| size.rows > 0 && size.columns > 0).unwrap_or(attach.size);
        self.output.take_terminal(terminal);
        let mut client = AttachedClient::new(channel, pid);
        client.channel.send(&FromHost::Started { minor: MINOR }, vec![master]);
        fault::point("attach-told");
        client.tell_undo(&self.output.modes);
        self.attachment.attach(client, attach.attributes, attach.over_link);
        // The question is still on the screen, where it was asked before.
        self.await_answer();
        self.record.set_client(Some(pid.as_raw()));
        self.save();
        fault::point("attach-saved");
        // What was on the terminal is described before the new size moves it.
        let repaint = self.output.screen.repaint(&self.output.modes);
        // Not asked before: the model may have had to give up output only now.
        let stale = self.output.screen.is_stale();
        self.output.write(&repaint);
        if stale {
            self.jiggle(size);
        }
        self.resize(size);
        self.timers.cancel(Timer::Linger);
        self.ask();
        // It may have been hung up on already.
        self.hear_client();
    }
}

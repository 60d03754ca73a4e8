//! Remote control in a host: what the reconnector has to know, and what it has decided.

mod looks;
mod typing;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::unistd::Pid;

use super::Host;
use super::attached::AttachedClient;
use super::stale_link::StaleLinkWatch;
use super::timers::Timer;
use crate::claude::{own_command, screen, transcript};
use crate::config::{AlertKind, RemoteControl};
use crate::os::poll::{Interest, Poll, Token};
use crate::protocol::{FromHost, Held, Response};
use crate::registry::event_log;
use crate::registry::link_record::{LinkRecord, LinkStatus};
use crate::registry::log_event::{LinkEvent, LogEvent};
use crate::remote::reconnector::{
    Action, BlockReason, KeyboardState, Reconnector, ReconnectorEvent, ScreenSnapshot,
};
use looks::ScreenLooks;
use typing::{HostTyping, Release};

/// How often the state file is looked at where the system does not tell of its changes.
const UNWATCHED_POLL_INTERVAL: Duration = Duration::from_secs(10);

/// The reconnector, and what it types.
pub(super) struct Remote {
    reconnector: Reconnector,
    situation: Situation,
    typing: HostTyping,
    looks: ScreenLooks,
    pub(super) stale_link: StaleLinkWatch,
    /// When the state file is looked at next, where nothing tells of its changes.
    state_file_poll_at: Option<Instant>,
    /// In seconds since 1970.
    begun: u64,
}

/// What the reconnector is told of when it changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Situation {
    claude: Option<Pid>,
    away: bool,
    client: Option<Pid>,
}

impl Remote {
    pub(super) fn new(settings: &RemoteControl, remote: &LinkRecord) -> Self {
        Self {
            reconnector: Reconnector::new(settings.clone(), remote.used, remote.turned_off),
            situation: Situation::default(),
            typing: HostTyping::default(),
            looks: ScreenLooks::new(),
            stale_link: StaleLinkWatch::new(settings.clone()),
            state_file_poll_at: None,
            begun: event_log::now(),
        }
    }

    /// Adds room in the PTY, where something waits for it.
    pub(super) fn prepare(&self, poll: &mut Poll, master: impl std::os::fd::AsFd) -> Option<Token> {
        self.typing.wants_room().then(|| poll.add(master, Interest::Writing))
    }
}

impl Host {
    /// When the reconnector wants to be asked.
    pub(super) fn remote_deadline(&self) -> Option<Instant> {
        let Remote { reconnector, looks, typing, state_file_poll_at, .. } = &self.remote;
        let due = reconnector.deadline().map(|due| self.claude.instant(due));
        let due = due.map(|due| looks.next_at().map_or(due, |at| due.max(at)));
        // The reconnector that has ordered a look may wait for nothing else.
        [due, looks.deadline(), *state_file_poll_at, typing.deadline()].into_iter().flatten().min()
    }

    /// Tells the reconnector what has changed, and that its time has come. Called in every turn of the loop,
    /// so it costs nothing where there is nothing to tell.
    pub(super) fn follow_remote(&mut self, had_output: bool) {
        let runs = self.claude.is_running() && !self.timers.is_set(Timer::Kill);
        let situation = Situation {
            claude: runs.then(|| self.claude.child().pid()),
            away: self.attachment.is_backgrounded() || self.claude.child().is_stopped(),
            client: self.attachment.client().map(AttachedClient::pid),
        };
        if situation != self.remote.situation {
            self.situation_changed(situation);
        }
        if had_output && self.remote.reconnector.wants_output() {
            self.tell_reconnector(ReconnectorEvent::Output);
        }
        if self.remote_deadline().is_some_and(|at| at <= Instant::now()) {
            self.remote_due();
        }
    }

    fn situation_changed(&mut self, now: Situation) {
        let before = std::mem::replace(&mut self.remote.situation, now);
        if before.claude != now.claude {
            if before.claude.is_some() {
                self.remote.typing.claude_ended();
                self.tell_reconnector(ReconnectorEvent::Ended);
            }
            if now.claude.is_some() {
                self.remote.looks.claude_started();
                self.tell_reconnector(ReconnectorEvent::Started);
                self.remote.state_file_poll_at = None;
                if self.remote.reconnector.is_active() && self.watch.is_blind() {
                    self.remote.state_file_poll_at = Some(Instant::now() + UNWATCHED_POLL_INTERVAL);
                }
                // It may have been there before this was noticed.
                self.look_at_state_file();
            }
        }
        if before.away != now.away {
            self.tell_reconnector(if now.away { ReconnectorEvent::Away } else { ReconnectorEvent::Back });
        }
        if before.client != now.client {
            self.tell_reconnector(if now.client.is_some() {
                ReconnectorEvent::Attached
            } else {
                ReconnectorEvent::Detached
            });
        }
    }

    fn remote_due(&mut self) {
        let now = Instant::now();
        if self.remote.typing.deadline().is_some_and(|at| at <= now) {
            self.deliver_late_keys();
        }
        // Where no descriptor tells of a sleep, it is noticed here.
        if let Some(trigger) = self.remote.stale_link.slept() {
            self.tell_reconnector(ReconnectorEvent::MayBeStale(trigger));
        }
        if self.remote.state_file_poll_at.is_some_and(|at| at <= now) {
            self.remote.state_file_poll_at = Some(now + UNWATCHED_POLL_INTERVAL);
            self.look_at_state_file();
        }
        if self.remote.looks.is_early() {
            return;
        }
        if self.remote.looks.take_waiting() {
            let look = self.screen_snapshot();
            self.tell_reconnector(ReconnectorEvent::Looked(look));
        }
        if self.remote.reconnector.deadline().is_some_and(|due| self.claude.instant(due) <= now) {
            self.tell_reconnector(ReconnectorEvent::Due);
        }
    }

    /// The client holds the keys.
    pub(super) fn keys_are_held(&mut self, held: Held) {
        self.tell_reconnector(ReconnectorEvent::Held(KeyboardState {
            typed: held.typed_ago_ms.map(Duration::from_millis),
            in_paste: held.in_paste,
            in_sequence: held.in_sequence,
            unread: held.unsent > 0,
            stashed: held.stashed_ago_ms.map(Duration::from_millis),
        }));
    }

    /// Somebody asks for the link.
    pub(super) fn reconnect(&mut self, apply: bool, cycle: bool) -> Response {
        self.look_at_state_file();
        let look = self.screen_snapshot();
        let preview = self.remote.reconnector.preview(self.now(), cycle, &look);
        let words = |why: Option<&BlockReason>| why.map(ToString::to_string);
        if apply {
            self.events.write(LogEvent::RemoteRequested { cycle });
            self.tell_reconnector(ReconnectorEvent::Requested { cycle });
        }
        Response::Reconnect {
            begun: apply,
            against: words(preview.against.as_ref()),
            screen: words(preview.screen.as_ref()),
            passes: preview.screen.as_ref().is_some_and(BlockReason::is_fleeting),
            users_decision: Some(words(preview.users_decision.as_ref())),
            remote: serde_json::to_value(&self.record.remote).unwrap_or_default(),
        }
    }

    /// Reports an event to the reconnector and does what it says.
    pub(super) fn tell_reconnector(&mut self, event: ReconnectorEvent) {
        let mut next = Some(event);
        while let Some(event) = next.take() {
            let at = self.now();
            for action in self.remote.reconnector.handle(at, event) {
                match action {
                    Action::Hold => self.hold_keys(),
                    Action::Release => self.release_keys(),
                    Action::StillHolding => self.hold_keys(),
                    Action::Look if self.remote.looks.is_early() => self.remote.looks.wait(),
                    Action::Look => next = Some(ReconnectorEvent::Looked(self.screen_snapshot())),
                    Action::Type(keys) => {
                        self.remote.typing.add(&keys, &self.output.modes);
                        self.type_on();
                    }
                    Action::Restart => drop(self.request_restart(false, None)),
                    Action::Note(event) => self.note(event),
                }
            }
        }
        let remote = self.remote.reconnector.report(self.now()).for_record(self.remote.begun);
        if self.record.remote != remote {
            if remote.used && self.remote.reconnector.is_active() {
                self.remote.stale_link.listen();
            }
            self.record.remote = remote;
            self.save();
        }
    }

    /// Writes down what the reconnector did, and tells the user what came of it.
    fn note(&mut self, event: LinkEvent) {
        let notice = match &event {
            LinkEvent::Back => Some("remote control is back".into()),
            LinkEvent::Refused { what } => Some(format!("remote control is not available: {what}")),
            LinkEvent::Unrecognised { what } => Some(format!("remote control is not kept: {what}")),
            LinkEvent::Restart { what } => Some(format!("claude is restarted when it is idle: {what}")),
            LinkEvent::NotTidied { what } => Some(format!("look at the prompt: {what}")),
            LinkEvent::GaveUp { what } => Some(format!("remote control is not brought back: {what}")),
            _ => None,
        };
        let link = self.remote.reconnector.report(self.now()).for_record(self.remote.begun);
        let is_lost = matches!(event, LinkEvent::Status { what: LinkStatus::Down })
            && self.claude.is_running()
            && link.used
            && !link.turned_off;
        self.events.write(LogEvent::Link(event));
        if let Some(notice) = notice {
            self.alert(AlertKind::Link, &notice);
            self.notice(&notice);
        } else if is_lost {
            self.alert(AlertKind::Link, "remote control is down");
        }
    }

    fn hold_keys(&mut self) {
        self.remote.typing.hold();
        self.attachment.tell(&FromHost::Hold);
    }

    fn release_keys(&mut self) {
        match self.remote.typing.release() {
            Release::Later => {}
            Release::LateKeys => self.deliver_late_keys(),
            Release::Client => self.attachment.tell(&FromHost::Release),
        }
    }

    /// A client that was let go while the host was typing has sent the keys that it held.
    pub(super) fn take_unsent_keys(&mut self, reads: Vec<Vec<u8>>) {
        if self.remote.typing.add_late(reads) {
            self.deliver_late_keys();
        }
    }

    /// Delivers the next of the keys that a client has left behind. When all are, the client that is attached
    /// now goes on.
    fn deliver_late_keys(&mut self) {
        if self.remote.typing.deliver_late(self.output.master(), Instant::now()) {
            self.release_keys();
        }
    }

    /// Types what waits, as far as the PTY takes it.
    pub(super) fn type_on(&mut self) {
        if !self.remote.typing.is_written() {
            self.remote.looks.disturbed();
        }
        if !self.remote.typing.write(self.output.master()) {
            return;
        }
        if self.remote.typing.take_waiting_release() {
            self.release_keys();
        }
        if self.remote.typing.has_late_keys_blocked() {
            self.deliver_late_keys();
        }
    }

    fn screen_snapshot(&mut self) -> ScreenSnapshot {
        let transcript = self.open_transcript();
        self.remote.looks.begin(transcript);
        let mut poll = Poll::default();
        let unread = poll.add(self.output.master(), Interest::Reading);
        let up_to_date = poll.wait(Some(Duration::ZERO)).is_ok() && !poll.is_ready(unread);
        let half_drawn = self.output.modes.is_on(2026) == Some(true);
        let line = self.remote.reconnector.line();
        ScreenSnapshot {
            reading: screen::read(&self.output.screen.view()),
            settled: up_to_date
                && !half_drawn
                && !self.output.screen.is_stale()
                && self.remote.typing.is_written(),
            rested: self.remote.looks.claude_rests(self.record.claude_pid.map(Pid::from_raw)),
            pastes: self.output.modes.is_on(2004) == Some(true),
            own_command: self.remote.reconnector.asks_for_own_command() && self.has_own_command(&line),
            line_before_cursor: self.output.screen.before_cursor().ends_with(&line),
            written: self.remote.looks.written(),
        }
    }

    fn has_own_command(&self, line: &str) -> bool {
        let name = line.split(' ').next().unwrap_or_default().trim_start_matches('/');
        let config = crate::claude::config_dir();
        own_command::find(name, config.as_deref(), self.record.claude_cwd().as_deref()).is_some()
    }

    /// The transcript of the conversation that is open now.
    fn open_transcript(&self) -> Option<PathBuf> {
        let (id, cwd) = (self.record.conversation.as_ref()?, self.record.claude_cwd()?);
        Some(transcript::directory()?.join(transcript::directory_name(&cwd)).join(format!("{id}.jsonl")))
    }
}

//! Remote control in a host: what the reconnector has to know, and what it has decided.

mod looks;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use nix::unistd::Pid;

use super::Host;
use super::attached::AttachedClient;
use super::stale_link::{StaleLinkState, StaleLinkWatch};
use super::timers::Timer;
use crate::claude::{own_command, screen, transcript};
use crate::config::{AlertKind, RemoteControl};
use crate::os::moment;
use crate::os::poll::{Interest, Poll};
use crate::os::process::pid_number;
use crate::protocol::Response;
use crate::registry::event_log;
use crate::registry::link_record::{LinkRecord, LinkStatus};
use crate::registry::log_event::{LinkEvent, LogEvent};
use crate::remote::reconnector::{Action, BlockReason, Reconnector, ReconnectorEvent, ScreenSnapshot};
use crate::sending::SenderEvent;
use looks::{LooksState, ScreenLooks};

/// How often the state file is looked at where the system does not tell of its changes.
const UNWATCHED_POLL_INTERVAL: Duration = Duration::from_secs(10);

/// The reconnector, and its looks.
pub(super) struct Remote {
    reconnector: Reconnector,
    situation: Situation,
    /// What the sender was told: the reconnector types.
    types: bool,
    looks: ScreenLooks,
    pub(super) stale_link: StaleLinkWatch,
    /// When the state file is looked at next, where nothing tells of its changes.
    state_file_poll_at: Option<Instant>,
    /// In seconds since 1970.
    begun: u64,
}

/// What the reconnector is told of when it changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Situation {
    #[serde(with = "pid_number::option")]
    claude: Option<Pid>,
    away: bool,
    #[serde(with = "pid_number::option")]
    client: Option<Pid>,
}

/// The same as it is handed over to the program that goes on with it, while nothing is typed.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct RemoteState {
    reconnector: Reconnector,
    situation: Situation,
    looks: LooksState,
    stale_link: StaleLinkState,
    #[serde(with = "moment::option")]
    state_file_poll_at: Option<Instant>,
    begun: u64,
}

impl Remote {
    /// All that is needed to go on.
    pub(super) fn hand_over(&self) -> RemoteState {
        RemoteState {
            reconnector: self.reconnector.clone(),
            situation: self.situation,
            looks: self.looks.hand_over(),
            stale_link: self.stale_link.hand_over(),
            state_file_poll_at: self.state_file_poll_at,
            begun: self.begun,
        }
    }

    /// Goes on with what another program has handed over.
    pub(super) fn take_over(state: RemoteState, settings: &RemoteControl) -> Self {
        Self {
            reconnector: state.reconnector.with_settings(settings.clone()),
            situation: state.situation,
            types: false,
            looks: ScreenLooks::take_over(state.looks),
            stale_link: StaleLinkWatch::take_over(state.stale_link, settings),
            state_file_poll_at: state.state_file_poll_at,
            begun: state.begun,
        }
    }

    /// Whether nothing is typed, and no answer to something that was typed is awaited.
    pub(super) fn is_quiet(&self) -> bool {
        !self.reconnector.is_typing()
    }

    pub(super) fn new(settings: &RemoteControl, remote: &LinkRecord) -> Self {
        Self {
            reconnector: Reconnector::new(settings.clone(), remote.used, remote.turned_off),
            situation: Situation::default(),
            types: false,
            looks: ScreenLooks::new(),
            stale_link: StaleLinkWatch::new(settings.clone()),
            state_file_poll_at: None,
            begun: event_log::now(),
        }
    }

    /// Something is typed: claude has not read it yet.
    pub(super) fn something_is_typed(&mut self) {
        self.looks.disturbed();
    }

    /// Whether claude has read all that was typed, and rests.
    pub(super) fn claude_rests(&mut self, claude: Option<i32>) -> bool {
        self.looks.claude_rests(claude.map(Pid::from_raw))
    }

    /// Whether the reconnector types, if that has changed since this was asked last.
    pub(super) fn typing_changed(&mut self) -> Option<bool> {
        let types = self.reconnector.is_typing();
        (std::mem::replace(&mut self.types, types) != types).then_some(types)
    }
}

impl Host {
    /// When the reconnector wants to be asked.
    pub(super) fn remote_deadline(&self) -> Option<Instant> {
        let Remote { reconnector, looks, state_file_poll_at, .. } = &self.remote;
        let due = reconnector.deadline().map(|due| self.claude.instant(due));
        let due = due.map(|due| looks.next_at().map_or(due, |at| due.max(at)));
        // The reconnector that has ordered a look may wait for nothing else.
        [due, looks.deadline(), *state_file_poll_at, self.typing.deadline()].into_iter().flatten().min()
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
                self.typing.claude_ended();
                self.tell_both(ReconnectorEvent::Ended, SenderEvent::Ended);
            }
            if now.claude.is_some() {
                self.remote.looks.claude_started();
                self.tell_both(ReconnectorEvent::Started, SenderEvent::Started);
                self.remote.state_file_poll_at = None;
                if self.remote.reconnector.is_active() && self.watch.is_blind() {
                    self.remote.state_file_poll_at = Some(Instant::now() + UNWATCHED_POLL_INTERVAL);
                }
                // It may have been there before this was noticed.
                self.look_at_state_file();
            }
        }
        if before.away != now.away {
            match now.away {
                true => self.tell_both(ReconnectorEvent::Away, SenderEvent::Away),
                false => self.tell_both(ReconnectorEvent::Back, SenderEvent::Back),
            }
        }
        if before.client != now.client {
            match now.client {
                Some(_) => self.tell_both(ReconnectorEvent::Attached, SenderEvent::Attached),
                None => self.tell_both(ReconnectorEvent::Detached, SenderEvent::Detached),
            }
        }
    }

    fn tell_both(&mut self, reconnector: ReconnectorEvent, sender: SenderEvent) {
        self.tell_reconnector(reconnector);
        self.tell_sender(sender);
    }

    fn remote_due(&mut self) {
        let now = Instant::now();
        if self.typing.deadline().is_some_and(|at| at <= now) {
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
                    Action::Type(keys) => self.type_keys(&keys),
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
        self.share_typing();
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

    fn screen_snapshot(&mut self) -> ScreenSnapshot {
        let transcript = self.open_transcript();
        self.remote.looks.begin(transcript);
        let line = self.remote.reconnector.line();
        ScreenSnapshot {
            reading: screen::read(&self.output.screen.view()),
            settled: self.is_screen_settled(),
            rested: self.remote.looks.claude_rests(self.record.claude_pid.map(Pid::from_raw)),
            pastes: self.output.modes.is_on(2004) == Some(true),
            own_command: self.remote.reconnector.asks_for_own_command() && self.has_own_command(&line),
            line_before_cursor: self.output.screen.before_cursor().ends_with(&line),
            written: self.remote.looks.written(),
        }
    }

    /// Whether the screen model has read all output, no frame is half drawn, and all that was typed is in the
    /// PTY.
    pub(super) fn is_screen_settled(&self) -> bool {
        let mut poll = Poll::default();
        let unread = poll.add(self.output.master(), Interest::Reading);
        let up_to_date = poll.wait(Some(Duration::ZERO)).is_ok() && !poll.is_ready(unread);
        let half_drawn = self.output.modes.is_on(2026) == Some(true);
        up_to_date && !half_drawn && !self.output.screen.is_stale() && self.typing.is_written()
    }

    fn has_own_command(&self, line: &str) -> bool {
        let name = line.split(' ').next().unwrap_or_default().trim_start_matches('/');
        let config = crate::claude::config_dir();
        own_command::find(name, config.as_deref(), self.record.claude_cwd().as_deref()).is_some()
    }

    /// The transcript of the conversation that is open now.
    pub(super) fn open_transcript(&self) -> Option<PathBuf> {
        let (id, cwd) = (self.record.conversation.as_ref()?, self.record.claude_cwd()?);
        Some(transcript::directory()?.join(transcript::directory_name(&cwd)).join(format!("{id}.jsonl")))
    }
}

//! Keeping remote control: what the reconnector has to know, and what it has decided.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use nix::unistd::Pid;

use super::Host;
use super::attached::AttachedClient;
use super::stale_link::Doubts;
use super::timers::Timer;
use crate::claude::remote_log::RemoteLog;
use crate::claude::{own_command, screen, transcript};
use crate::config::RemoteControl;
use crate::fault;
use crate::host::late_keys::LateKeys;
use crate::os::activity;
use crate::os::activity::RestWatch;
use crate::os::io;
use crate::os::io::Transfer;
use crate::os::poll::{Interest, Poll, Token};
use crate::protocol::{FromHost, Held, Response};
use crate::registry::event_log;
use crate::registry::link_record::LinkRecord;
use crate::registry::log_event::{LinkEvent, LogEvent};
use crate::remote::reconnector::{
    Action, BlockReason, KeyboardState, Keystroke, Reconnector, ReconnectorEvent, ScreenSnapshot,
};
use crate::vt::modes::ModeTracker;

/// The fault of a host that looks once in two seconds, for tests.
const SLOW_LOOKS: &str = "slow-looks";
const SLOW_LOOK_INTERVAL: Duration = Duration::from_secs(2);
/// How often the state file is looked at where the system does not tell of its changes.
const UNWATCHED_POLL_INTERVAL: Duration = Duration::from_secs(10);

/// The reconnector, and what it types.
pub(super) struct Remote {
    reconnector: Reconnector,
    situation: Situation,
    /// What the PTY has not taken yet.
    typing: Vec<u8>,
    /// Keys are to be released when it has.
    releasing: bool,
    /// The user's keys are held by the client, or would be if there were one.
    holds: bool,
    late: LateKeys,
    check_at: Option<Instant>,
    remote_log: RemoteLog,
    /// Whether claude has drawn what it was sent.
    rest: RestWatch,
    looked_at: Option<Instant>,
    /// A look is to be made once its time has come.
    look_waits: bool,
    /// When the claude that runs was started.
    claude_since: SystemTime,
    settings: RemoteControl,
    pub(super) doubts: Doubts,
    /// A link is up, or was, so that it can come into doubt.
    listens: bool,
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
            typing: Vec::new(),
            releasing: false,
            holds: false,
            late: LateKeys::default(),
            check_at: None,
            remote_log: RemoteLog::default(),
            rest: RestWatch::default(),
            looked_at: None,
            look_waits: false,
            claude_since: SystemTime::now(),
            settings: settings.clone(),
            doubts: Doubts::default(),
            listens: false,
            begun: event_log::now(),
        }
    }

    /// Adds room in the PTY, where something waits for it.
    pub(super) fn prepare(&self, poll: &mut Poll, master: impl std::os::fd::AsFd) -> Option<Token> {
        let wants_room = !self.typing.is_empty() || self.late.wants_room();
        wants_room.then(|| poll.add(master, Interest::Writing))
    }
}

impl Host {
    /// When the reconnector wants to be asked.
    pub(super) fn keep_at(&self) -> Option<Instant> {
        let due = self.keep.reconnector.due().map(|due| self.claude.instant(due));
        let due = due.map(|due| self.next_look_at().map_or(due, |at| due.max(at)));
        // The reconnector that has ordered a look may wait for nothing else.
        let look = self.next_look_at().filter(|_| self.keep.look_waits);
        due.into_iter().chain(look).chain(self.keep.check_at).chain(self.keep.late.due()).min()
    }

    /// Tells the reconnector what has changed, and that its time has come. Called in every turn of the loop, so it costs
    /// nothing where there is nothing to tell.
    pub(super) fn keep_up(&mut self, had_output: bool) {
        let runs = self.claude.is_running() && !self.timers.is_set(Timer::Kill);
        let situation = Situation {
            claude: runs.then(|| self.claude.child().pid()),
            away: self.attachment.is_backgrounded() || self.claude.child().is_stopped(),
            client: self.attachment.client().map(AttachedClient::pid),
        };
        if situation != self.keep.situation {
            self.situation_changed(situation);
        }
        if had_output && self.keep.reconnector.wants_output() {
            self.tell_reconnector(ReconnectorEvent::Output);
        }
        if self.keep_at().is_some_and(|at| at <= Instant::now()) {
            self.keep_due();
        }
    }

    fn situation_changed(&mut self, now: Situation) {
        let before = std::mem::replace(&mut self.keep.situation, now);
        if before.claude != now.claude {
            if before.claude.is_some() {
                self.keep.typing.clear();
                self.keep.late = LateKeys::default();
                self.tell_reconnector(ReconnectorEvent::Ended);
            }
            if now.claude.is_some() {
                self.keep.claude_since = SystemTime::now();
                self.tell_reconnector(ReconnectorEvent::Started);
                self.keep.check_at = None;
                if self.keep.reconnector.keeps() && self.watch.is_blind() {
                    self.keep.check_at = Some(Instant::now() + UNWATCHED_POLL_INTERVAL);
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

    fn keep_due(&mut self) {
        let now = Instant::now();
        if self.keep.late.due().is_some_and(|at| at <= now) {
            self.deliver_late_keys();
        }
        // Where no descriptor tells of a sleep, it is noticed here.
        if let Some(occasion) = self.keep.doubts.slept() {
            self.tell_reconnector(ReconnectorEvent::Doubtful(occasion));
        }
        if self.keep.check_at.is_some_and(|at| at <= now) {
            self.keep.check_at = Some(now + UNWATCHED_POLL_INTERVAL);
            self.look_at_state_file();
        }
        if self.look_is_early() {
            return;
        }
        if std::mem::take(&mut self.keep.look_waits) {
            let look = self.look_for_keeper();
            self.tell_reconnector(ReconnectorEvent::Looked(look));
        }
        if self.keep.reconnector.due().is_some_and(|due| self.claude.instant(due) <= now) {
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
        let look = self.look_for_keeper();
        let preview = self.keep.reconnector.preview(self.now(), cycle, &look);
        let words = |why: Option<&BlockReason>| why.map(ToString::to_string);
        if apply {
            self.events.write(LogEvent::RemoteRequested { cycle });
            self.tell_reconnector(ReconnectorEvent::Asked { cycle });
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
            for action in self.keep.reconnector.on(at, event) {
                match action {
                    Action::Hold => self.hold_keys(),
                    Action::Release => self.release_keys(),
                    Action::StillHolding => self.hold_keys(),
                    Action::Look if self.look_is_early() => self.keep.look_waits = true,
                    Action::Look => next = Some(ReconnectorEvent::Looked(self.look_for_keeper())),
                    Action::Type(keys) => {
                        let bytes = encode(&keys, &self.output.modes);
                        self.keep.typing.extend(bytes);
                        self.type_on();
                    }
                    Action::Restart => drop(self.renew(false, None)),
                    Action::Note(event) => self.note(event),
                }
            }
        }
        let remote = self.keep.reconnector.report(self.now()).for_record(self.keep.begun);
        if self.record.remote != remote {
            if remote.used && !self.keep.listens && self.keep.reconnector.keeps() {
                self.keep.listens = true;
                self.keep.doubts = Doubts::listen(&self.keep.settings);
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
        self.events.write(LogEvent::Link(event));
        if let Some(notice) = notice {
            self.notices.add(&notice);
        }
    }

    fn hold_keys(&mut self) {
        self.keep.releasing = false;
        self.keep.holds = true;
        self.keep.late.pause();
        self.attachment.tell(&FromHost::Hold);
    }

    fn release_keys(&mut self) {
        if !self.keep.typing.is_empty() {
            // The user's keys would fall between ours.
            self.keep.releasing = true;
            return;
        }
        self.keep.holds = false;
        if !self.keep.late.is_empty() {
            // Before the keys of the client that is attached now: they were typed first.
            self.deliver_late_keys();
            return;
        }
        self.attachment.tell(&FromHost::Release);
    }

    /// A client that was let go while the host was typing has sent the keys that it held.
    pub(super) fn take_unsent_keys(&mut self, reads: Vec<Vec<u8>>) {
        self.keep.late.add(reads);
        if !self.keep.holds {
            self.deliver_late_keys();
        }
    }

    /// Delivers the next of the keys that a client has left behind. When all are, the client that is attached now goes on.
    fn deliver_late_keys(&mut self) {
        self.keep.late.deliver_one(self.output.master(), Instant::now());
        if self.keep.late.is_empty() {
            self.release_keys();
        }
    }

    /// Types what waits, as far as the PTY takes it.
    pub(super) fn type_on(&mut self) {
        while !self.keep.typing.is_empty() {
            self.keep.rest.disturbed();
            match io::write(self.output.master(), &self.keep.typing) {
                Transfer::Moved(count) => drop(self.keep.typing.drain(..count)),
                Transfer::Blocked => return,
                Transfer::Gone => self.keep.typing.clear(),
            }
        }
        if std::mem::take(&mut self.keep.releasing) {
            self.release_keys();
        }
        if self.keep.late.wants_room() {
            self.deliver_late_keys();
        }
    }

    fn look_for_keeper(&mut self) -> ScreenSnapshot {
        self.keep.looked_at = Some(Instant::now());
        self.follow_transcript();
        let mut poll = Poll::default();
        let unread = poll.add(self.output.master(), Interest::Reading);
        let up_to_date = poll.wait(Some(Duration::ZERO)).is_ok() && !poll.is_ready(unread);
        let half_drawn = self.output.modes.is_on(2026) == Some(true);
        let line = self.keep.reconnector.line();
        ScreenSnapshot {
            reading: screen::read(&self.output.screen.view()),
            settled: up_to_date
                && !half_drawn
                && !self.output.screen.is_stale()
                && self.keep.typing.is_empty(),
            rested: self.claude_rests(),
            pastes: self.output.modes.is_on(2004) == Some(true),
            own_command: self.keep.reconnector.asks_for_own_command() && self.has_own_command(&line),
            line_before_cursor: self.output.screen.before_cursor().ends_with(&line),
            written: self.keep.remote_log.read(self.keep.claude_since).cloned(),
        }
    }
}

impl Host {
    /// Whether claude has read all that was typed, and has slept since then: what it has to draw is on the screen.
    fn claude_rests(&mut self) -> bool {
        let Some(pid) = self.record.claude_pid.map(Pid::from_raw) else { return false };
        let unread = activity::unread_input(Path::new("/dev/tty")).unwrap_or(0);
        if fault::is_set(SLOW_LOOKS) {
            self.keep.rest.rests(Instant::now(), pid, activity::look_up(pid), unread);
            std::thread::sleep(activity::MIN_SLEEP);
        }
        self.keep.rest.rests(Instant::now(), pid, activity::look_up(pid), unread)
    }

    fn has_own_command(&self, line: &str) -> bool {
        let name = line.split(' ').next().unwrap_or_default().trim_start_matches('/');
        let config = crate::claude::config_dir();
        own_command::find(name, config.as_deref(), self.record.claude_cwd().as_deref()).is_some()
    }

    /// When the next look may be made. Only the fault of a test has looks wait.
    fn next_look_at(&self) -> Option<Instant> {
        fault::is_set(SLOW_LOOKS).then(|| self.keep.looked_at.map(|at| at + SLOW_LOOK_INTERVAL)).flatten()
    }

    fn look_is_early(&self) -> bool {
        self.next_look_at().is_some_and(|at| at > Instant::now())
    }

    /// Has the transcript of the conversation that is open now followed.
    fn follow_transcript(&mut self) {
        let (Some(id), Some(cwd), Some(projects)) =
            (&self.record.conversation, self.record.claude_cwd(), transcript::directory())
        else {
            return;
        };
        let path = projects.join(transcript::directory_name(&cwd)).join(format!("{id}.jsonl"));
        self.keep.remote_log.follow(path);
    }
}

/// The bytes that a terminal sends for these keys, in the modes that claude has set.
fn encode(keys: &Keystroke, modes: &ModeTracker) -> Vec<u8> {
    let flags = modes.kitty_flags();
    let (disambiguates, all) = (flags & 1 != 0, flags & 8 != 0);
    let arrow = |letter| {
        if modes.is_on(1) == Some(true) { format!("\x1bO{letter}") } else { format!("\x1b[{letter}") }
    };
    match keys {
        Keystroke::Stash if disambiguates || all => "\x1b[115;5u".into(),
        Keystroke::Stash => "\x13".into(),
        Keystroke::Paste(line) => format!("\x1b[200~{line}\x1b[201~"),
        Keystroke::Enter if all => "\x1b[13u".into(),
        Keystroke::Enter => "\r".into(),
        Keystroke::Escape if disambiguates || all => "\x1b[27u".into(),
        Keystroke::Escape => "\x1b".into(),
        Keystroke::Undo => "\x1f".into(),
        Keystroke::Append => "a".into(),
        Keystroke::Backspaces(count) if all => "\x1b[127u".repeat(*count),
        Keystroke::Backspaces(count) => "\x7f".repeat(*count),
        Keystroke::DeleteToEnd => "D".into(),
        Keystroke::Up => arrow('A'),
        Keystroke::Down => arrow('B'),
    }
    .into_bytes()
}

//! Keeping remote control: what the keeper has to know, and what it has decided.

use std::time::{Duration, Instant};

use nix::unistd::Pid;
use serde_json::json;

use super::Host;
use super::child::Phase;
use super::doubts::Doubts;
use crate::claude::screen;
use crate::config::RemoteControl;
use crate::control::{Answer, FromHost, Held};
use crate::platform::io::{self, Outcome};
use crate::platform::poll::{For, Place, Poll};
use crate::session::events;
use crate::session::keeper::{Action, Event, Keeper, Keyboard, Keys, Look};
use crate::session::modes::ModeTracker;
use crate::session::remote::Remote;

/// How often the state file is looked at where the system does not tell of its changes.
const BLIND_CHECK: Duration = Duration::from_secs(10);

/// The keeper, and what it types.
pub(super) struct Keep {
    keeper: Keeper,
    situation: Situation,
    /// What the PTY has not taken yet.
    typing: Vec<u8>,
    /// Keys are to be released when it has.
    releasing: bool,
    check_at: Option<Instant>,
    settings: RemoteControl,
    pub(super) doubts: Doubts,
    /// A link is up, or was, so that it can come into doubt.
    listens: bool,
    /// In seconds since 1970.
    begun: u64,
}

/// What the keeper is told of when it changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Situation {
    claude: Option<Pid>,
    away: bool,
    client: Option<Pid>,
}

impl Keep {
    pub(super) fn new(settings: &RemoteControl, remote: &Remote) -> Self {
        Self {
            keeper: Keeper::new(settings.clone(), remote.used, remote.turned_off),
            situation: Situation::default(),
            typing: Vec::new(),
            releasing: false,
            check_at: None,
            settings: settings.clone(),
            doubts: Doubts::default(),
            listens: false,
            begun: events::now(),
        }
    }

    /// Adds room in the PTY, where something waits for it.
    pub(super) fn prepare(&self, poll: &mut Poll, master: impl std::os::fd::AsFd) -> Option<Place> {
        (!self.typing.is_empty()).then(|| poll.add(master, For::Writing))
    }
}

impl Host {
    /// When the keeper wants to be asked.
    pub(super) fn keep_at(&self) -> Option<Instant> {
        let due = self.keep.keeper.due().map(|due| self.begun + due);
        due.into_iter().chain(self.keep.check_at).min()
    }

    /// Tells the keeper what has changed, and that its time has come. Called in every turn of the loop, so it costs
    /// nothing where there is nothing to tell.
    pub(super) fn keep_up(&mut self, had_output: bool) {
        let runs = self.phase == Phase::Running && self.ending_at.is_none();
        let situation = Situation {
            claude: runs.then(|| self.child.pid()),
            away: self.lent || self.child.is_stopped(),
            client: self.client.as_ref().map(|client| client.pid),
        };
        if situation != self.keep.situation {
            self.situation_changed(situation);
        }
        if had_output && self.keep.keeper.wants_output() {
            self.tell_keeper(Event::Output);
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
                self.tell_keeper(Event::Ended);
            }
            if now.claude.is_some() {
                self.tell_keeper(Event::Started);
                self.keep.check_at = None;
                if self.keep.keeper.keeps() && self.watch.is_blind() {
                    self.keep.check_at = Some(Instant::now() + BLIND_CHECK);
                }
                // It may have been there before this was noticed.
                self.look_at_state_file();
            }
        }
        if before.away != now.away {
            self.tell_keeper(if now.away { Event::Away } else { Event::Back });
        }
        if before.client != now.client {
            self.tell_keeper(if now.client.is_some() { Event::Attached } else { Event::Detached });
        }
    }

    fn keep_due(&mut self) {
        let now = Instant::now();
        // Where no descriptor tells of a sleep, it is noticed here.
        if let Some(occasion) = self.keep.doubts.slept() {
            self.tell_keeper(Event::Doubtful(occasion));
        }
        if self.keep.check_at.is_some_and(|at| at <= now) {
            self.keep.check_at = Some(now + BLIND_CHECK);
            self.look_at_state_file();
        }
        if self.keep.keeper.due().is_some_and(|due| self.begun + due <= now) {
            self.tell_keeper(Event::Due);
        }
    }

    /// The client holds the keys.
    pub(super) fn keys_are_held(&mut self, held: Held) {
        self.tell_keeper(Event::Held(Keyboard {
            typed: held.typed_ago_ms.map(Duration::from_millis),
            in_paste: held.in_paste,
            in_sequence: held.in_sequence,
            unread: held.unsent > 0,
        }));
    }

    /// Somebody asks for the link.
    pub(super) fn reconnect(&mut self, apply: bool, cycle: bool) -> Answer {
        self.look_at_state_file();
        let against = self.keep.keeper.against(self.now(), cycle);
        if apply {
            self.events.write("remote-requested", json!({ "cycle": cycle }));
            self.tell_keeper(Event::Asked { cycle });
        }
        Answer::Reconnect {
            begun: apply,
            against: against.map(|why| why.to_string()),
            remote: serde_json::to_value(&self.record.remote).unwrap_or_default(),
        }
    }

    /// Reports an event to the keeper and does what it says.
    pub(super) fn tell_keeper(&mut self, event: Event) {
        let mut next = Some(event);
        while let Some(event) = next.take() {
            let at = self.now();
            for action in self.keep.keeper.on(at, event) {
                match action {
                    Action::Hold => self.hold_keys(),
                    Action::Release => self.release_keys(),
                    Action::Look => next = Some(Event::Looked(self.look_for_keeper())),
                    Action::Type(keys) => {
                        let bytes = encode(&keys, &self.output.modes);
                        self.keep.typing.extend(bytes);
                        self.type_on();
                    }
                    Action::Note(what, why) => self.note(what, &why),
                }
            }
        }
        let remote = Remote::new(self.keep.keeper.report(self.now()), self.keep.begun);
        if self.record.remote != remote {
            if remote.used && !self.keep.listens && self.keep.keeper.keeps() {
                self.keep.listens = true;
                self.keep.doubts = Doubts::listen(&self.keep.settings);
            }
            self.record.remote = remote;
            self.save();
        }
    }

    /// Writes down what the keeper did, and tells the user what came of it.
    fn note(&mut self, what: &str, why: &str) {
        let details = if why.is_empty() { json!({}) } else { json!({ "what": why }) };
        self.events.write(what, details);
        match what {
            "remote-back" => self.notices.add("remote control is back"),
            "remote-refused" => self.notices.add(&format!("remote control is not available: {why}")),
            "remote-unrecognised" => self.notices.add(&format!("remote control is not kept: {why}")),
            "remote-gave-up" => self.notices.add(&format!("remote control is not brought back: {why}")),
            _ => {}
        }
    }

    fn hold_keys(&mut self) {
        self.keep.releasing = false;
        if let Some(client) = &mut self.client {
            client.send(&FromHost::Hold);
        }
    }

    fn release_keys(&mut self) {
        if !self.keep.typing.is_empty() {
            // The user's keys would fall between ours.
            self.keep.releasing = true;
            return;
        }
        if let Some(client) = &mut self.client {
            client.send(&FromHost::Release);
        }
    }

    /// Types what waits, as far as the PTY takes it.
    pub(super) fn type_on(&mut self) {
        while !self.keep.typing.is_empty() {
            match io::write(self.output.master(), &self.keep.typing) {
                Outcome::Moved(count) => drop(self.keep.typing.drain(..count)),
                Outcome::Blocked => return,
                Outcome::Gone => self.keep.typing.clear(),
            }
        }
        if std::mem::take(&mut self.keep.releasing) {
            self.release_keys();
        }
    }

    fn look_for_keeper(&mut self) -> Look {
        let mut poll = Poll::default();
        let unread = poll.add(self.output.master(), For::Reading);
        let up_to_date = poll.wait(Some(Duration::ZERO)).is_ok() && !poll.is_ready(unread);
        let half_drawn = self.output.modes.is_on(2026) == Some(true);
        let line = self.keep.keeper.line();
        Look {
            reading: screen::read(&self.output.screen.view()),
            settled: up_to_date
                && !half_drawn
                && !self.output.screen.is_stale()
                && self.keep.typing.is_empty(),
            pastes: self.output.modes.is_on(2004) == Some(true),
            line_before_cursor: self.output.screen.before_cursor().ends_with(&line),
        }
    }
}

/// The bytes that a terminal sends for these keys, in the modes that claude has set.
fn encode(keys: &Keys, modes: &ModeTracker) -> Vec<u8> {
    let flags = modes.kitty_flags();
    let (disambiguates, all) = (flags & 1 != 0, flags & 8 != 0);
    let arrow = |letter| {
        if modes.is_on(1) == Some(true) { format!("\x1bO{letter}") } else { format!("\x1b[{letter}") }
    };
    match keys {
        Keys::Stash if disambiguates || all => "\x1b[115;5u".into(),
        Keys::Stash => "\x13".into(),
        Keys::Paste(line) => format!("\x1b[200~{line}\x1b[201~"),
        Keys::Enter if all => "\x1b[13u".into(),
        Keys::Enter => "\r".into(),
        Keys::Escape if disambiguates || all => "\x1b[27u".into(),
        Keys::Escape => "\x1b".into(),
        Keys::Backspaces(count) if all => "\x1b[127u".repeat(*count),
        Keys::Backspaces(count) => "\x7f".repeat(*count),
        Keys::DeleteToEnd => "D".into(),
        Keys::Up => arrow('A'),
        Keys::Down => arrow('B'),
    }
    .into_bytes()
}

//! Whether a link that went down is brought back, when, and what is typed for it.
//!
//! A plain state machine: it is told what happened and what time it is, and answers what to do. It does no
//! I/O and reads no clock. Times are counted from any fixed point, the same for all events of one session.
//!
//! What it promises, whatever happens in whatever order:
//! - Enter is pressed only when the look right before it has shown exactly its own command, alone, at the
//!   main prompt, with the cursor behind it (and in the panel only on the choice that disconnects, when that
//!   was asked for).
//! - Nothing is typed while the user types or is about to, nor while claude does not run in the foreground of
//!   its PTY, nor where the state file has anything against it, nor where `keep` or the user's own
//!   switching-off forbids it.
//! - Nothing is submitted twice without an answer in between, or the time for one. Tries are spaced, and
//!   bounded.
//! - What was typed is submitted or taken back; where claude is too slow for that, it is seen to later.
//! - Keys that are held are released, by a deadline, on every path: one second after the last step that was
//!   seen.

//!
//! Each component owns its state and answers what follows: `Evidence` what is known of the link,
//! `Permission` whose decision it is, `Connects` and `Backoff` what was tried, `Attempt` the try
//! under way. `Reconnector` passes the events on, and puts the answers together.

mod answer;
mod attempt;
mod backoff;
mod block_reason;
mod cleanup;
mod connects;
mod events;
mod evidence;
mod follow;
mod keyboard;
mod link_drop;
mod looks;
mod obstacles;
mod outcome;
mod permission;
mod plan;
mod report;
mod request;
mod stale_link;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use block_reason::BlockReason;
pub use events::{Action, ReconnectorEvent};
pub use evidence::{File, ScreenSnapshot};
pub use report::Report;
pub use request::RequestPreview;
pub use stale_link::StaleTrigger;

use crate::config::{ReconnectPolicy, RemoteControl};
use crate::registry::link_record::LinkStatus;
use crate::registry::log_event::LinkEvent;
use crate::typing::LONGEST_HOLD;
use answer::AwaitedAnswer;
use attempt::Attempt;
use backoff::Backoff;
use cleanup::CleanupQueue;
use connects::{Connects, Restarts};
use evidence::Evidence;
use link_drop::DropInquiry;
use looks::LookTimer;
use obstacles::Obstacles;
use permission::Permission;
use request::{Requests, UserRequest};
use stale_link::StaleLink;

/// The time between two looks while an answer is awaited.
const ANSWER_POLL_INTERVAL: Duration = Duration::from_millis(250);
/// From output to the look at it, while a link is wanted and while it is up.
const WANTED_LOOK_DELAY: Duration = Duration::from_millis(400);
const UP_LOOK_DELAY: Duration = Duration::from_secs(1);
/// The time between two looks where nothing seems to happen.
const IDLE_LOOK_INTERVAL: Duration = Duration::from_secs(60);
/// How long the state file may go on naming a link that the screen says has failed: 10 to 12 seconds (seen
/// with 2.1.332). Until then `/remote-control` opens a panel instead of connecting.
const FAILED_LINK_LINGERS: Duration = Duration::from_secs(15);

#[derive(Debug, Clone, Default, PartialEq)]
enum ReconnectorPhase {
    /// Nothing is under way.
    #[default]
    Watching,
    /// The link went down; the client was asked when the user last typed.
    Inquiring(DropInquiry),
    /// Keys are held, and typed.
    Trying(Box<Attempt>),
    /// The command was submitted.
    Answering(AwaitedAnswer),
}

/// Who is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Presence {
    /// Claude runs, or is stopped.
    has_claude: bool,
    /// It is stopped, or the shell has its terminal.
    is_away: bool,
    has_client: bool,
    /// Somebody else types: a message is being sent.
    other_types: bool,
}

impl Presence {
    fn is_in_foreground(self) -> bool {
        self.has_claude && !self.is_away
    }
}

impl Default for Reconnector {
    fn default() -> Self {
        Self::new(RemoteControl::default(), false, false)
    }
}

/// Brings the link of one session back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reconnector {
    /// The configuration's. A program that takes over reads them itself.
    #[serde(skip)]
    settings: RemoteControl,
    /// Handed over while nothing is under way.
    #[serde(skip)]
    phase: ReconnectorPhase,
    presence: Presence,
    evidence: Evidence,
    permission: Permission,
    connects: Connects,
    restarts: Restarts,
    backoff: Backoff,
    requests: Requests,
    cleanup: CleanupQueue,
    /// What was met last is met again.
    #[serde(skip)]
    obstacles: Obstacles,
    looks: LookTimer,
    stale_link: StaleLink,
}

impl Reconnector {
    /// `used` and `turned_off` are what a former host of the session has known.
    pub fn new(settings: RemoteControl, used: bool, turned_off: bool) -> Self {
        Self {
            settings,
            phase: ReconnectorPhase::Watching,
            presence: Presence::default(),
            evidence: Evidence::new(),
            permission: Permission::new(used, turned_off),
            connects: Connects::default(),
            restarts: Restarts::default(),
            backoff: Backoff::default(),
            requests: Requests::default(),
            cleanup: CleanupQueue::default(),
            obstacles: Obstacles::default(),
            looks: LookTimer::default(),
            stale_link: StaleLink::default(),
        }
    }

    /// One that another program has handed over while nothing was under way ([`Self::is_typing`]).
    #[must_use]
    pub fn with_settings(self, settings: RemoteControl) -> Self {
        Self { settings, ..self }
    }

    /// When [`ReconnectorEvent::Due`] is to be reported; nothing while only other events matter.
    pub fn deadline(&self) -> Option<Duration> {
        match &self.phase {
            ReconnectorPhase::Watching => {
                let stale = self.stale_link.deadline(&self.settings);
                let stale = stale.filter(|_| !self.requests.is_open() && self.may_be_stale());
                [self.looks.deadline(), self.requests.deadline(), self.evidence.deadline(), stale]
                    .into_iter()
                    .flatten()
                    .min()
            }
            ReconnectorPhase::Inquiring(inquiry) => Some(inquiry.deadline()),
            ReconnectorPhase::Trying(attempt) => Some(attempt.deadline()),
            ReconnectorPhase::Answering(awaited) => {
                self.looks.at().into_iter().chain([awaited.deadline()]).min()
            }
        }
    }

    /// Whether [`ReconnectorEvent::Output`] would be news. Where state file and screen disagree, one of them is
    /// old, and output may be the end of that, also where the link is no business of ours.
    pub fn wants_output(&self) -> bool {
        let is_news = self.cares() || self.evidence.status() == LinkStatus::Disagree;
        self.is_watching() && self.looks.at().is_none() && is_news
    }

    /// Takes an event, and says what to do about it. Times never run backwards.
    pub fn handle(&mut self, at: Duration, event: ReconnectorEvent) -> Vec<Action> {
        let mut actions = self.take(at, event);
        actions.extend(self.evidence.assess(at));
        self.follow_idleness(at);
        if self.is_watching() {
            actions.extend(self.check_stale_link(at));
            let is_look_ordered = actions.contains(&Action::Look);
            let planned = self.plan(at);
            actions.extend(planned.into_iter().filter(|action| !is_look_ordered || *action != Action::Look));
        }
        actions
    }

    fn take(&mut self, at: Duration, event: ReconnectorEvent) -> Vec<Action> {
        match event {
            ReconnectorEvent::Started => {
                self.presence = Presence { has_claude: true, is_away: false, ..self.presence };
                self.forget();
                self.new_process();
                vec![]
            }
            ReconnectorEvent::Ended => {
                self.presence.has_claude = false;
                let actions = self.cut_short(at, "claude has ended");
                self.cleanup.clear();
                self.forget();
                actions
            }
            ReconnectorEvent::Away => {
                self.presence.is_away = true;
                self.cut_short(at, "claude was stopped")
            }
            ReconnectorEvent::Back => {
                self.presence.is_away = false;
                vec![]
            }
            ReconnectorEvent::Attached => self.client_attached(at),
            ReconnectorEvent::Detached => {
                self.client_left(at);
                vec![]
            }
            ReconnectorEvent::File(file) => self.file_changed(at, file),
            ReconnectorEvent::Output => {
                let is_up = self.evidence.status() == LinkStatus::Up;
                if self.wants_output() {
                    self.looks.plan(Some(at + if is_up { UP_LOOK_DELAY } else { WANTED_LOOK_DELAY }));
                }
                vec![]
            }
            ReconnectorEvent::Looked(look) => self.looked(at, &look),
            ReconnectorEvent::Held(keyboard) => self.keys_held(at, keyboard),
            ReconnectorEvent::KeyWaits => self.key_waits(at),
            ReconnectorEvent::OtherTypes(types) => {
                self.presence.other_types = types;
                vec![]
            }
            ReconnectorEvent::Requested { cycle } => {
                self.requests.begin(UserRequest::at(at, cycle));
                self.obstacles.clear();
                // What the screen said when nobody cared may be old by now.
                if self.is_watching() { vec![Action::Look] } else { vec![] }
            }
            ReconnectorEvent::MayBeStale(trigger) => {
                if self.may_be_stale() {
                    self.stale_link.handle(at, trigger, &self.settings);
                }
                vec![]
            }
            ReconnectorEvent::Due => self.handle_due(at),
        }
    }

    /// Another claude, or none: what the last one said of itself does not hold any more.
    fn forget(&mut self) {
        self.evidence.forget();
        self.connects.forget_words();
        self.obstacles.clear();
        self.looks.plan(None);
        self.stale_link.clear();
        self.phase = ReconnectorPhase::Watching;
    }

    /// Another claude runs: what was tried with the last one says nothing of it.
    fn new_process(&mut self) {
        self.evidence.new_process();
        self.connects.new_process();
        self.restarts.new_process();
        self.backoff.reset();
    }

    /// Whether nobody else may type now.
    pub fn is_typing(&self) -> bool {
        !self.is_watching()
    }

    fn is_watching(&self) -> bool {
        self.phase == ReconnectorPhase::Watching
    }

    /// Whether the link is any business of ours.
    fn cares(&self) -> bool {
        let is_wanted = self.permission.is_wanted(self.settings.policy);
        self.presence.is_in_foreground() && (is_wanted || self.requests.is_open() || self.cleanup.is_any())
    }

    fn handle_due(&mut self, at: Duration) -> Vec<Action> {
        let cares = self.cares();
        match &mut self.phase {
            ReconnectorPhase::Watching => {
                if self.looks.handle_due(at, cares) {
                    vec![Action::Look]
                } else {
                    vec![]
                }
            }
            ReconnectorPhase::Inquiring(inquiry) if inquiry.deadline() <= at => {
                // It cannot be said that it was not the user; what the screen says may tell.
                self.permission.user_switched_off();
                self.phase = ReconnectorPhase::Watching;
                vec![Action::Release]
            }
            ReconnectorPhase::Inquiring(_) => vec![],
            ReconnectorPhase::Trying(attempt) => {
                let outcome = attempt.handle_due(at);
                let mut actions = outcome.actions;
                actions.extend(outcome.end.into_iter().flat_map(|end| self.end(at, end)));
                actions
            }
            ReconnectorPhase::Answering(awaited) if awaited.deadline() <= at => {
                vec![self.answer_failed(at, "claude did not answer in time")]
            }
            ReconnectorPhase::Answering(_) if self.looks.at().is_none_or(|look| look <= at) => {
                self.looks.plan(Some(at + ANSWER_POLL_INTERVAL));
                vec![Action::Look]
            }
            ReconnectorPhase::Answering(_) => vec![],
        }
    }

    /// Whether a link is kept here that says it is up, so that it may be dead all the same.
    fn may_be_stale(&self) -> bool {
        self.presence.has_claude
            && self.permission.is_used()
            && self.settings.policy != ReconnectPolicy::Off
            && self.permission.withdrawal().is_none()
            && self.evidence.status() == LinkStatus::Up
    }

    /// Asks for a link to be switched off and on, when it is time for that.
    fn check_stale_link(&mut self, at: Duration) -> Option<Action> {
        if !self.may_be_stale() {
            return None;
        }
        self.stale_link.check_idleness(at, &self.settings);
        if self.requests.is_open() {
            return None;
        }
        let what = self.stale_link.handle_due(at)?;
        self.requests.begin(UserRequest::at(at, true));
        self.obstacles.clear();
        Some(Action::Note(LinkEvent::Cycle { what }))
    }
}

#[cfg(test)]
mod tests;

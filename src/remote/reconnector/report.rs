//! What there is to tell about a link.

use std::time::Duration;

use super::{BlockReason, Reconnector, ReconnectorPhase};
use crate::claude::remote_control::Confidence;
use crate::config::ReconnectPolicy;
use crate::registry::link_record::{
    AttemptOutcome, AttemptRecord, LinkRecord, LinkStatus, RemoteState, RequestEnd,
};

/// How the link stands and what is done about it, for the session's record.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// What the evidence says together.
    pub status: LinkStatus,
    /// How far that can be relied on.
    pub confidence: Confidence,
    /// What the state file says, in words.
    pub file: String,
    /// What the screen said last, in a word; nothing if nobody has looked.
    pub screen: Option<&'static str>,
    /// What claude said of it last.
    pub said: Option<String>,
    /// Whether the command is being typed, or its answer awaited.
    pub reconnecting: bool,
    /// Claude's words, if it refuses for good.
    pub refused: Option<String>,
    /// Whether the user switched it off.
    pub turned_off: bool,
    /// Whether a link was up in this session.
    pub used: bool,
    /// Whether one should be.
    pub wanted: bool,
    /// Why nothing is typed, where a link is wanted and none is there.
    pub why: Option<BlockReason>,
    /// How many tries have failed in a row.
    pub tries: u32,
    /// When the last try was, and what came of it.
    pub last_try: Option<(u32, Duration, AttemptOutcome)>,
    /// When the next one may be.
    pub next_try: Option<Duration>,
    /// The last request that ended without a try: its number, when, and why.
    pub last_request: Option<(u32, Duration, String)>,
}

impl Report {
    /// The same for the session's record; `begun` is when the times count from, in seconds since 1970.
    pub fn for_record(self, begun: u64) -> LinkRecord {
        let report = self;
        let state = match report.status {
            _ if report.reconnecting => RemoteState::Reconnecting,
            LinkStatus::Connecting => RemoteState::Reconnecting,
            LinkStatus::Up | LinkStatus::Disagree => RemoteState::Connected,
            LinkStatus::Unknown => RemoteState::Unknown,
            LinkStatus::Down if report.refused.is_some() => RemoteState::Unavailable,
            LinkStatus::Down if report.turned_off || !report.wanted => RemoteState::Off,
            LinkStatus::Down => RemoteState::Disconnected,
        };
        let mut reasons = vec![report.file.clone()];
        reasons.extend(report.screen.map(|screen| format!("the screen says {screen}")));
        reasons.extend(report.said.map(|said| format!("claude said: {said}")));
        reasons.extend(report.why.map(|why| format!("nothing is typed: {why}")));
        LinkRecord {
            state,
            confidence: report.confidence,
            file: report.file,
            screen: report.screen.map(str::to_owned),
            reasons,
            used: report.used,
            turned_off: report.turned_off,
            tries: report.tries,
            last_try: report.last_try.map(|(number, at, outcome)| AttemptRecord {
                number,
                at: begun + at.as_secs(),
                outcome,
            }),
            next_try_at: report.next_try.map(|at| begun + at.as_secs()),
            last_request: report.last_request.map(|(number, at, outcome)| RequestEnd {
                number,
                at: begun + at.as_secs(),
                outcome,
            }),
        }
    }
}

impl Reconnector {
    /// How things stand.
    pub fn report(&self, at: Duration) -> Report {
        let (status, confidence) = self.evidence.status_and_confidence(at);
        let why = self.check_preconditions(at).err().map(|(why, _)| why);
        let wanted = self.cares() && self.is_watching() && status != LinkStatus::Up;
        let is_used = self.permission.is_used();
        let may_try = wanted && !self.backoff.is_used_up(&self.settings);
        Report {
            status,
            confidence,
            file: self.evidence.file_in_words(),
            screen: self.evidence.screen_in_words(),
            said: self.evidence.notice().map(|notice| notice.said().to_owned()),
            reconnecting: matches!(self.phase, ReconnectorPhase::Trying(_) | ReconnectorPhase::Answering(_)),
            refused: self.permission.refused().cloned(),
            turned_off: self.permission.is_turned_off(),
            used: is_used,
            wanted: is_used || self.settings.policy == ReconnectPolicy::Always,
            why: why.filter(|_| wanted),
            tries: self.backoff.tries(),
            last_try: self.backoff.last().cloned(),
            last_request: self.requests.last_end().cloned(),
            next_try: self.backoff.next().filter(|_| may_try),
        }
    }

    /// Whether anything is kept here, so that a state file which cannot be watched is to be looked at now and
    /// then.
    pub fn is_active(&self) -> bool {
        self.settings.policy != ReconnectPolicy::Off || self.requests.is_open()
    }

    /// Whether it matters that the user may have a command of the same name: not at every look, because
    /// folders are read for it.
    pub fn asks_for_own_command(&self) -> bool {
        self.permission.has_own_command() || matches!(self.phase, ReconnectorPhase::Trying(_))
    }

    /// The line that is typed.
    pub fn line(&self) -> String {
        self.settings.line()
    }
}

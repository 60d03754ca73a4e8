//! What came of a try, and what there is to tell.

use std::time::Duration;

use super::attempt::{AttemptEnd, REPEATED_ANSWER_DELAY};
use super::evidence;
use super::evidence::ScreenSnapshot;
use super::{
    ANSWER_POLL_INTERVAL, ANSWER_TIMEOUT, Action, BlockReason, CLEANUP_LIFETIME, CONNECT_TIMEOUT,
    CYCLE_PAUSE, FAILED_LINK_LINGERS, IDLE_LOOK_INTERVAL, LONGEST_HOLD, PendingCleanup, Purpose, Reconnector,
    ReconnectorPhase, UserRequest, WANTED_LOOK_DELAY,
};
use crate::claude::remote_control::{Confidence, Link};
use crate::claude::remote_notices::Notice;
use crate::claude::screen::Indicator;
use crate::config::ReconnectPolicy;
use crate::registry::link_record::{
    AttemptOutcome, AttemptRecord, LinkRecord, LinkStatus, PanelLeft, RemoteState, RequestEnd,
};
use crate::registry::log_event::LinkEvent;

/// Why a link is not switched off and on where the panel was seen twice.
const NO_LINK_IN_PANEL: &str =
    "the panel of /remote-control does not say that a link is up (the window may be too small for it)";

/// How the link stands and what is done about it, for the session's record.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// What the witnesses say together.
    pub standing: LinkStatus,
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
    pub last_try: Option<(Duration, AttemptOutcome)>,
    /// When the next one may be.
    pub next_try: Option<Duration>,
    /// The last request that ended without a try: its number, when, and why.
    pub last_request: Option<(u32, Duration, String)>,
}

impl Report {
    /// The same for the session's record; `begun` is when the times count from, in seconds since 1970.
    pub fn for_record(self, begun: u64) -> LinkRecord {
        let report = self;
        let state = match report.standing {
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
            last_try: report
                .last_try
                .map(|(at, outcome)| AttemptRecord { at: begun + at.as_secs(), outcome }),
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
        let (mut standing, mut confidence) = evidence::weigh(self.known.as_ref(), self.indicator());
        if self.lags_until.is_some_and(|until| at < until)
            && standing == LinkStatus::Down
            && self.indicator() != Some(Indicator::Failed)
        {
            (standing, confidence) = (LinkStatus::Disagree, Confidence::Medium);
        }
        let notice = self.seen.as_ref().and_then(|seen| seen.notice.as_ref());
        let why = self.gate(at).err().map(|(why, _)| why);
        let wanted = self.cares() && self.phase == ReconnectorPhase::Watching && standing != LinkStatus::Up;
        Report {
            standing,
            confidence,
            file: self
                .known
                .as_ref()
                .map_or_else(|| "no whole state file".into(), |file| file.verdict.reasons.join("; ")),
            screen: self.indicator().map(evidence::words),
            said: notice.map(|notice| notice.said().to_owned()),
            reconnecting: matches!(
                self.phase,
                ReconnectorPhase::Trying(_) | ReconnectorPhase::Answering { .. }
            ),
            refused: self.refused.clone(),
            turned_off: self.turned_off,
            used: self.used,
            wanted: self.used || self.settings.keep == ReconnectPolicy::Always,
            why: why.filter(|_| wanted),
            tries: self.tries,
            last_try: self.last_try.clone(),
            last_request: self.last_request.clone(),
            next_try: self.next_try.filter(|_| wanted && self.tries < self.settings.max_tries),
        }
    }

    /// Whether anything is kept here, so that a state file which cannot be watched is to be looked at now and then.
    pub fn keeps(&self) -> bool {
        self.settings.keep != ReconnectPolicy::Off || self.asked.is_some()
    }

    /// Whether it matters that the user may have a command of the same name: not at every look, because folders are read for it.
    pub fn asks_for_own_command(&self) -> bool {
        self.own_command || matches!(self.phase, ReconnectorPhase::Trying(_))
    }

    /// The line that is typed.
    pub fn line(&self) -> String {
        self.settings.line()
    }

    /// The keys have been held for as long as they may be.
    pub(super) fn expired(&mut self, at: Duration, actions: &mut Vec<Action>) {
        let ReconnectorPhase::Trying(attempt) = &mut self.phase else { return };
        actions.extend(attempt.last_keys().into_iter().map(Action::Type));
        let why = if attempt.has_key_waiting() {
            "claude did not show in time what was typed, and keys of the user's waited"
        } else {
            "claude did not show in time what was typed"
        };
        let end = attempt.cut_short(why);
        self.end(at, end, actions);
    }

    /// A try is over.
    pub(super) fn end(&mut self, at: Duration, end: AttemptEnd, actions: &mut Vec<Action>) {
        let ReconnectorPhase::Trying(attempt) =
            std::mem::replace(&mut self.phase, ReconnectorPhase::Watching)
        else {
            return;
        };
        let before = std::mem::replace(&mut self.owed, attempt.still_owed());
        if attempt.has_typed() && matches!(attempt.purpose, Purpose::Connect | Purpose::SwitchOff) {
            self.tries += 1;
            self.next_try = Some(at + self.pause());
            self.told = None;
        }
        if self.owed.is_any() {
            self.blocked = Some((BlockReason::Cooling, at + WANTED_LOOK_DELAY));
            if !before.is_any() {
                (self.owed_since, self.owed_until) = (at, at + CLEANUP_LIFETIME);
                actions.push(Action::Note(LinkEvent::LeftBehind { what: left_behind(self.owed) }));
            }
        }
        match end {
            AttemptEnd::NotNow(why) => {
                let is_soon = matches!(why, BlockReason::NoAnswer | BlockReason::Restless);
                let until = at + if is_soon { self.settings.cooldown } else { IDLE_LOOK_INTERVAL };
                self.not_now(at, why, until, actions);
                return;
            }
            AttemptEnd::Submitted => {
                self.asked = None;
                self.last_try = Some((at, AttemptOutcome::Submitted));
                actions.push(Action::Note(LinkEvent::Submitted));
                self.look_at = Some(at + ANSWER_POLL_INTERVAL);
                self.phase = ReconnectorPhase::Answering {
                    since: attempt.gone_at().unwrap_or(at),
                    until: at + ANSWER_TIMEOUT,
                    before: attempt.before.clone(),
                    connecting: false,
                };
                // A state file that was quicker than the screen.
                if self.link == Some(Link::Connected)
                    && self.up_since.is_some_and(|up| up >= at.saturating_sub(LONGEST_HOLD))
                {
                    self.succeeded(at, actions);
                }
            }
            AttemptEnd::Dialog => {
                self.asked = None;
                let said = "a dialog of claude's came up, which is the user's to answer";
                self.refused = Some(said.into());
                self.failed(at, said, actions);
            }
            AttemptEnd::NotYet
                if attempt.purpose == Purpose::SwitchOff
                    && self.asked.is_some_and(|asked| asked.panel_denied) =>
            {
                // A second one is no link that failed a moment ago. It would say the same for as long as it was asked.
                self.asked = None;
                self.no_doubt();
                self.failed(at, NO_LINK_IN_PANEL, actions);
            }
            AttemptEnd::NotYet => {
                if attempt.purpose == Purpose::SwitchOff
                    && let Some(asked) = &mut self.asked
                {
                    let from = at + FAILED_LINK_LINGERS;
                    *asked =
                        UserRequest { from, until: from + FAILED_LINK_LINGERS, panel_denied: true, ..*asked };
                }
                // Claude counts a link that failed as switched on for about ten seconds.
                self.last_try = Some((at, AttemptOutcome::NotYet));
                actions.push(Action::Note(LinkEvent::NotYet));
            }
            AttemptEnd::WasUp { closed } => {
                self.asked = None;
                self.lags_until = Some(at + self.settings.max_cooldown);
                let panel = if closed { PanelLeft::Closed } else { PanelLeft::Open };
                self.last_try = Some((at, AttemptOutcome::WasUp(panel)));
                actions.push(Action::Note(LinkEvent::WasUp { what: panel }));
            }
            AttemptEnd::SwitchedOff => {
                actions.push(Action::Note(LinkEvent::SwitchedOff));
                let from = at + CYCLE_PAUSE;
                self.asked = Some(UserRequest::at(from, false));
                self.next_try = None;
            }
            AttemptEnd::Failed(why) => {
                self.asked = None;
                self.failed(at, why, actions);
            }
            AttemptEnd::OwnCommand => {
                self.asked = None;
                self.own_command = true;
                let said = BlockReason::OwnCommand(self.settings.line()).to_string();
                self.failed(at, &said, actions);
            }
            AttemptEnd::StillThere => {
                let what = "the command may be at the prompt, behind what was typed since";
                actions.push(Action::Note(LinkEvent::NotTidied { what }));
            }
            AttemptEnd::Tidied if !self.owed.is_any() => {
                actions.push(Action::Note(LinkEvent::Tidied));
            }
            AttemptEnd::Tidied => {}
        }
        actions.push(Action::Release);
    }

    /// Whatever is under way cannot go on.
    pub(super) fn cut_short(&mut self, at: Duration, why: &'static str, actions: &mut Vec<Action>) {
        match &self.phase {
            ReconnectorPhase::Watching => {}
            ReconnectorPhase::Asking { .. } => {
                self.phase = ReconnectorPhase::Watching;
                actions.push(Action::Release);
            }
            ReconnectorPhase::Trying(attempt) => {
                let end = attempt.cut_short(why);
                let nothing = !attempt.has_typed();
                self.end(
                    at,
                    if nothing { AttemptEnd::NotNow(BlockReason::NotRunning) } else { end },
                    actions,
                );
                self.phase = ReconnectorPhase::Watching;
            }
            ReconnectorPhase::Answering { .. } => self.failed(at, why, actions),
        }
    }

    /// The pause after so many tries.
    fn pause(&self) -> Duration {
        let doublings = self.tries.saturating_sub(1).min(20);
        self.settings.cooldown.saturating_mul(1 << doublings).min(self.settings.max_cooldown)
    }

    pub(super) fn failed(&mut self, at: Duration, why: &str, actions: &mut Vec<Action>) {
        if let ReconnectorPhase::Answering { .. } = self.phase {
            self.failed_connects += 1;
        }
        self.phase = ReconnectorPhase::Watching;
        self.look_at = None;
        self.last_try = Some((at, AttemptOutcome::Failed(why.to_owned())));
        actions.push(Action::Note(LinkEvent::Failed { what: format!("{why} (try {})", self.tries) }));
    }

    pub(super) fn succeeded(&mut self, at: Duration, actions: &mut Vec<Action>) {
        self.phase = ReconnectorPhase::Watching;
        self.look_at = Some(at + WANTED_LOOK_DELAY);
        self.told = None;
        self.last_try = Some((at, AttemptOutcome::Back));
        actions.push(Action::Note(LinkEvent::Back));
    }

    /// A look while the answer is awaited.
    pub(super) fn answered(&mut self, at: Duration, look: &ScreenSnapshot, actions: &mut Vec<Action>) {
        let ReconnectorPhase::Answering { since, until, before, connecting } = &mut self.phase else {
            return;
        };
        if !look.settled {
            return;
        }
        let reading = &look.reading;
        let is_new = reading.notice != *before;
        // The same refusal once more looks like the one before.
        let is_answer = is_new || at >= *since + REPEATED_ANSWER_DELAY;
        if reading.indicator == Indicator::Connecting {
            *connecting = true;
            *until = (*until).max(*since + CONNECT_TIMEOUT);
        }
        let gave_up = *connecting && reading.indicator == Indicator::Failed;
        if let Some(said) = reading.notice.as_ref().and_then(Notice::refusal).filter(|_| is_answer) {
            let said = said.to_owned();
            self.refused = Some(said.clone());
            actions.push(Action::Note(LinkEvent::Refused { what: said.clone() }));
            self.failed(at, &said, actions);
            return;
        }
        match &reading.notice {
            Some(notice) if is_new && !matches!(notice, Notice::Connected(_)) => {
                let said = notice.said().to_owned();
                return self.failed(at, &said, actions);
            }
            _ if gave_up => return self.failed(at, "the connection failed", actions),
            _ => {}
        }
        let (standing, _) = evidence::weigh(self.file.as_ref(), self.indicator());
        if let Some(panel) = &reading.panel {
            self.lags_until = Some(at + self.settings.max_cooldown).filter(|_| panel.connected);
            self.begin(at, Purpose::Close, actions);
        } else if reading.first_use {
            self.begin(at, Purpose::Close, actions);
        } else if standing == LinkStatus::Up && reading.indicator == Indicator::Active {
            self.succeeded(at, actions);
        }
    }
}

/// What may be left at the prompt, in words.
pub(super) fn left_behind(owed: PendingCleanup) -> &'static str {
    match (owed.text, owed.stash) {
        (true, true) => {
            "the command may be at the prompt, and the draft may be put aside (ctrl-s at an empty prompt brings it back)"
        }
        (true, false) => "the command may be at the prompt",
        (false, true) => "the draft may be put aside (ctrl-s at an empty prompt brings it back)",
        (false, false) => "the editor may not be in vim's insert mode any more",
    }
}

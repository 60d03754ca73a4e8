//! What came of a try, and what there is to tell.

use std::time::Duration;

use super::procedure::End;
use super::witness::{self, Look};
use super::{
    ANSWER, ANSWER_PACE, Action, Asked, CONNECTION, CYCLE_PAUSE, Keeper, LONGEST_HOLD, OWED_FOR, Owed, Phase,
    Purpose, REQUEST, SLOWLY, SOON, Standing, Why,
};
use crate::claude::remote_control::{Confidence, Link};
use crate::claude::screen::{Indicator, Notice};
use crate::config::Keep;

/// What came of a try that succeeded.
pub const BACK: &str = "the link is up";

/// How the link stands and what is done about it, for the session's record.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// What the witnesses say together.
    pub standing: Standing,
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
    pub why: Option<Why>,
    /// How many tries have failed in a row.
    pub tries: u32,
    /// When the last try was, and what came of it.
    pub last_try: Option<(Duration, String)>,
    /// When the next one may be.
    pub next_try: Option<Duration>,
}

impl Keeper {
    /// How things stand.
    pub fn report(&self, at: Duration) -> Report {
        let (mut standing, mut confidence) = witness::weigh(self.known.as_ref(), self.indicator());
        if self.lags_until.is_some_and(|until| at < until)
            && standing == Standing::Down
            && self.indicator() != Some(Indicator::Failed)
        {
            (standing, confidence) = (Standing::Disagree, Confidence::Medium);
        }
        let notice = self.seen.as_ref().and_then(|seen| seen.notice.as_ref());
        let why = self.gate(at).err().map(|(why, _)| why);
        let wanted = self.cares() && self.phase == Phase::Watching && standing != Standing::Up;
        Report {
            standing,
            confidence,
            file: self
                .known
                .as_ref()
                .map_or_else(|| "no whole state file".into(), |file| file.verdict.reasons.join("; ")),
            screen: self.indicator().map(witness::words),
            said: notice.map(|notice| witness::said(notice).to_owned()),
            reconnecting: matches!(self.phase, Phase::Trying(_) | Phase::Answering { .. }),
            refused: self.refused.clone(),
            turned_off: self.turned_off,
            used: self.used,
            wanted: self.used || self.settings.keep == Keep::Always,
            why: why.filter(|_| wanted),
            tries: self.tries,
            last_try: self.last_try.clone(),
            next_try: self.next_try.filter(|_| wanted && self.tries < self.settings.max_tries),
        }
    }

    /// What stands against doing now what the user asks for; nothing if it would be done.
    pub fn against(&self, at: Duration, cycle: bool) -> Option<Why> {
        let asked = Asked { until: at + REQUEST, off_first: cycle, from: at };
        let probe = Self { asked: Some(asked), blocked: None, ..self.clone() };
        probe.gate(at).err().map(|(why, _)| why)
    }

    /// Whether anything is kept here, so that a state file which cannot be watched is to be looked at now and then.
    pub fn keeps(&self) -> bool {
        self.settings.keep != Keep::Off || self.asked.is_some()
    }

    /// The line that is typed.
    pub fn line(&self) -> String {
        self.settings.line()
    }

    /// The keys have been held for as long as they may be.
    pub(super) fn expired(&mut self, at: Duration, actions: &mut Vec<Action>) {
        let Phase::Trying(attempt) = &mut self.phase else { return };
        actions.extend(attempt.last_keys().into_iter().map(Action::Type));
        let end = attempt.cut_short("claude is too slow");
        self.end(at, end, actions);
    }

    /// A try is over.
    pub(super) fn end(&mut self, at: Duration, end: End, actions: &mut Vec<Action>) {
        let Phase::Trying(attempt) = std::mem::replace(&mut self.phase, Phase::Watching) else { return };
        self.owed = attempt.still_owed();
        self.owed_until = at + OWED_FOR;
        if attempt.has_typed() && matches!(attempt.purpose, Purpose::Connect | Purpose::SwitchOff) {
            self.tries += 1;
            self.next_try = Some(at + self.pause());
            self.told = None;
        }
        if self.owed.is_any() {
            self.blocked = Some((Why::Cooling, at + SOON));
            actions.push(Action::Note("remote-left-behind", left_behind(self.owed)));
        }
        match end {
            End::NotNow(why) => {
                let until = if why == Why::NoAnswer { at + self.settings.cooldown } else { at + SLOWLY };
                self.not_now(at, why, until, actions);
                return;
            }
            End::Submitted => {
                self.asked = None;
                self.last_try = Some((at, "submitted".into()));
                actions.push(Action::Note("remote-submitted", String::new()));
                self.look_at = Some(at + ANSWER_PACE);
                self.phase = Phase::Answering {
                    since: at,
                    until: at + ANSWER,
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
            End::Dialog => {
                self.asked = None;
                let said = "a dialog of claude's came up, which is the user's to answer";
                self.refused = Some(said.into());
                self.failed(at, said, actions);
            }
            End::WasUp { closed } => {
                self.asked = None;
                self.lags_until = Some(at + self.settings.max_cooldown);
                let more = if closed { "its panel was closed" } else { "its panel is still open" };
                self.last_try = Some((at, format!("the link is up after all; {more}")));
                actions.push(Action::Note("remote-was-up", more.into()));
            }
            End::SwitchedOff => {
                actions.push(Action::Note("remote-switched-off", String::new()));
                let from = at + CYCLE_PAUSE;
                self.asked = Some(Asked { until: from + REQUEST, off_first: false, from });
                self.next_try = None;
            }
            End::Failed(why) => {
                self.asked = None;
                self.failed(at, why, actions);
            }
            End::Tidied if !self.owed.is_any() => {
                actions.push(Action::Note("remote-tidied", String::new()));
            }
            End::Tidied => {}
        }
        actions.push(Action::Release);
    }

    /// Whatever is under way cannot go on.
    pub(super) fn cut_short(&mut self, at: Duration, why: &'static str, actions: &mut Vec<Action>) {
        match &self.phase {
            Phase::Watching => {}
            Phase::Asking { .. } => {
                self.phase = Phase::Watching;
                actions.push(Action::Release);
            }
            Phase::Trying(attempt) => {
                let end = attempt.cut_short(why);
                let nothing = !attempt.has_typed();
                self.end(at, if nothing { End::NotNow(Why::NotRunning) } else { end }, actions);
                self.phase = Phase::Watching;
            }
            Phase::Answering { .. } => self.failed(at, why, actions),
        }
    }

    /// The pause after so many tries.
    fn pause(&self) -> Duration {
        let doublings = self.tries.saturating_sub(1).min(20);
        self.settings.cooldown.saturating_mul(1 << doublings).min(self.settings.max_cooldown)
    }

    pub(super) fn failed(&mut self, at: Duration, why: &str, actions: &mut Vec<Action>) {
        self.phase = Phase::Watching;
        self.look_at = None;
        self.last_try = Some((at, why.to_owned()));
        actions.push(Action::Note("remote-failed", format!("{why} (try {})", self.tries)));
    }

    pub(super) fn succeeded(&mut self, at: Duration, actions: &mut Vec<Action>) {
        self.phase = Phase::Watching;
        self.look_at = Some(at + SOON);
        self.told = None;
        self.last_try = Some((at, BACK.into()));
        actions.push(Action::Note("remote-back", String::new()));
    }

    /// A look while the answer is awaited.
    pub(super) fn answered(&mut self, at: Duration, look: &Look, actions: &mut Vec<Action>) {
        let Phase::Answering { since, until, before, connecting } = &mut self.phase else { return };
        if !look.settled {
            return;
        }
        let reading = &look.reading;
        let is_new = reading.notice != *before;
        // The same refusal once more looks like the one before.
        let is_answer = is_new || at >= *since + ANSWER_PACE * 4;
        if reading.indicator == Indicator::Connecting {
            *connecting = true;
            *until = (*until).max(*since + CONNECTION);
        }
        let gave_up = *connecting && reading.indicator == Indicator::Failed;
        if let Some(said) = reading.notice.as_ref().and_then(witness::refusal).filter(|_| is_answer) {
            let said = said.to_owned();
            self.refused = Some(said.clone());
            actions.push(Action::Note("remote-refused", said.clone()));
            self.failed(at, &said, actions);
            return;
        }
        match &reading.notice {
            Some(
                notice @ (Notice::Failed(_)
                | Notice::TakenOver(_)
                | Notice::EndedElsewhere(_)
                | Notice::NotFound(_)),
            ) if is_new => {
                let said = witness::said(notice).to_owned();
                return self.failed(at, &said, actions);
            }
            _ if gave_up => return self.failed(at, "the connection failed", actions),
            _ => {}
        }
        let (standing, _) = witness::weigh(self.file.as_ref(), self.indicator());
        if reading.panel.is_some() {
            self.lags_until = Some(at + self.settings.max_cooldown);
            self.begin(at, Purpose::Close, actions);
        } else if standing == Standing::Up && reading.indicator == Indicator::Active {
            self.succeeded(at, actions);
        }
    }
}

fn left_behind(owed: Owed) -> String {
    match (owed.text, owed.stash) {
        (true, true) => "the command may be at the prompt, and the draft is put aside",
        (true, false) => "the command may be at the prompt",
        _ => "the draft is put aside",
    }
    .into()
}

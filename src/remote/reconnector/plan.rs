//! Whether the time to type has come.

use std::time::Duration;

use super::attempt::{Attempt, HOLD_ANSWER_TIMEOUT};
use super::{
    Action, BlockReason, FAILED_LINK_LINGERS, IDLE_LOOK_INTERVAL, KeyGate, LONGEST_HOLD, Purpose,
    Reconnector, ReconnectorPhase, UserRequest, WANTED_LOOK_DELAY,
};
use crate::claude::remote_control::Link;
use crate::claude::screen::Indicator;
use crate::config::ReconnectPolicy;
use crate::registry::link_record::LinkStatus;
use crate::registry::log_event::LinkEvent;

/// What stands against typing, and until when; without a time, until something happens.
type Against = (BlockReason, Option<Duration>);

/// How soon a look is repeated that met a frame half drawn.
const REDRAW_LOOK_DELAY: Duration = Duration::from_millis(60);

impl Reconnector {
    /// Looks whether to type, and orders a look at the screen if nothing else stands against it.
    pub(super) fn consider(&mut self, at: Duration, actions: &mut Vec<Action>) {
        if let Some(asked) = self.asked
            // After the first half of a cycle the state file names the link for a moment longer.
            && (asked.until <= at
                || self.standing == LinkStatus::Up && !asked.off_first && asked.from <= at)
        {
            self.request_over(at, asked.until <= at, actions);
        }
        if self.owed.is_any() && self.owed_until <= at {
            let owed = std::mem::take(&mut self.owed);
            actions.push(Action::Note(LinkEvent::NotTidied { what: super::outcome::left_behind(owed) }));
        }
        match self.gate(at) {
            Ok(_) => {
                self.wake = None;
                self.looking = true;
                if !actions.contains(&Action::Look) {
                    actions.push(Action::Look);
                }
            }
            Err((why, until)) => {
                self.looking = false;
                self.wake = until;
                self.consider_restart(at, &why, actions);
                self.tell(why, actions);
            }
        }
    }

    /// What the reconnector would do now, with the reasons for doing nothing.
    pub(super) fn gate(&self, at: Duration) -> Result<Purpose, Against> {
        if !self.started || self.away {
            return Err((BlockReason::NotRunning, None));
        }
        let purpose = if self.owed.is_any() { Purpose::Tidy } else { self.wanted(at)? };
        let Some(file) = &self.file else { return Err((BlockReason::Unknown, None)) };
        if let Some(obstacle) = &file.obstacle {
            return Err((BlockReason::Session(obstacle.clone()), None));
        }
        match &self.blocked {
            Some((why, until)) if at < *until => Err((why.clone(), Some(*until))),
            _ => Ok(purpose),
        }
    }

    /// Whether the link is down, and should not be.
    pub(super) fn wanted(&self, at: Duration) -> Result<Purpose, Against> {
        let asked = self.asked;
        match (self.settings.keep, asked) {
            (ReconnectPolicy::Off, None) => return Err((BlockReason::Off, None)),
            (ReconnectPolicy::IfUsed, None) if !self.used => return Err((BlockReason::NeverUsed, None)),
            (_, Some(UserRequest { from, .. })) if at < from => {
                return Err((BlockReason::Cooling, Some(from)));
            }
            _ => {}
        }
        let failed = self.indicator() == Some(Indicator::Failed);
        match self.standing {
            LinkStatus::Unknown => return Err((BlockReason::Unknown, None)),
            LinkStatus::Up | LinkStatus::Disagree if asked.is_some_and(|asked| asked.off_first) => {
                return Ok(Purpose::SwitchOff);
            }
            LinkStatus::Up => return Err((BlockReason::Up, None)),
            LinkStatus::Disagree => return Err((BlockReason::Disagree, Some(at + IDLE_LOOK_INTERVAL))),
            LinkStatus::Connecting => return Err((BlockReason::Connecting, Some(at + IDLE_LOOK_INTERVAL))),
            LinkStatus::Down if self.lags_until.is_some_and(|until| at < until) && !failed => {
                return Err((BlockReason::Disagree, Some(at + IDLE_LOOK_INTERVAL)));
            }
            LinkStatus::Down => {}
        }
        let lingers = self.down_since.unwrap_or(at) + FAILED_LINK_LINGERS;
        if failed && self.link == Some(Link::Connected) && at < lingers {
            return Err((BlockReason::Settling, Some(lingers)));
        }
        if let Some(why) = self.needs_restart() {
            return Err((why, None));
        }
        if asked.is_some() {
            return Ok(Purpose::Connect);
        }
        if self.own_command {
            return Err((BlockReason::OwnCommand(self.settings.line()), None));
        }
        if let Some(said) = &self.refused {
            return Err((BlockReason::Refused(said.clone()), None));
        }
        if let Some(said) = &self.left_alone {
            return Err((BlockReason::LeftAlone(said.clone()), None));
        }
        if self.turned_off {
            return Err((BlockReason::TurnedOff, None));
        }
        if self.tries >= self.settings.max_tries {
            return Err((BlockReason::TooOften, None));
        }
        let settled = self.down_since.unwrap_or(at).saturating_add(self.settings.disconnected_for);
        if at < settled {
            return Err((BlockReason::Settling, Some(settled)));
        }
        match self.next_try {
            Some(next) if at < next => Err((BlockReason::Cooling, Some(next))),
            _ => Ok(Purpose::Connect),
        }
    }

    /// The look that [`Self::consider`] has ordered has come.
    pub(super) fn ready(&mut self, at: Duration, look: &super::ScreenSnapshot, actions: &mut Vec<Action>) {
        let Ok(purpose) = self.gate(at) else { return };
        if let Some(why) = self.against_typing(look) {
            let until =
                if why == BlockReason::Unsettled { at + REDRAW_LOOK_DELAY } else { at + IDLE_LOOK_INTERVAL };
            self.blocked = Some((why, until));
            return;
        }
        self.begin(at, purpose, actions);
    }

    /// What stands against typing here. A prompt that was recognised once is only covered by something.
    pub(super) fn against_typing(&self, look: &super::ScreenSnapshot) -> Option<BlockReason> {
        let nameless = look.reading.prompt.nameless().filter(|_| !self.recognised);
        let against_line = || look.against_line(&self.settings.line()).filter(|_| !self.owed.is_any());
        look.obstacle().or_else(against_line).map(|why| match (why, nameless) {
            (BlockReason::Screen(_), Some(what)) => {
                let version = self.file.as_ref().and_then(|file| file.version.clone());
                BlockReason::Unrecognised { version, what }
            }
            (why, _) => why,
        })
    }

    /// Begins a try: with a client it has to hold the keys first.
    pub(super) fn begin(&mut self, at: Duration, purpose: Purpose, actions: &mut Vec<Action>) {
        let hold = if self.attached {
            actions.push(Action::Hold);
            KeyGate::Asked(at + HOLD_ANSWER_TIMEOUT)
        } else {
            KeyGate::Until(at + LONGEST_HOLD)
        };
        let attempt = Attempt::new(purpose, &self.settings.line(), hold, self.owed, at);
        self.phase = ReconnectorPhase::Trying(Box::new(attempt.in_insert_mode(self.in_insert_mode)));
    }

    /// Nothing was typed; it is considered again at that time, or when something has changed.
    pub(super) fn not_now(
        &mut self,
        at: Duration,
        why: BlockReason,
        until: Duration,
        actions: &mut Vec<Action>,
    ) {
        self.phase = ReconnectorPhase::Watching;
        self.blocked = Some((why, until.max(at + WANTED_LOOK_DELAY)));
        actions.push(Action::Release);
    }

    /// Writes down why nothing is typed into a session that should have a link, when that is news.
    fn tell(&mut self, why: BlockReason, actions: &mut Vec<Action>) {
        let is_news = self.told.as_ref() != Some(&why) && !why.is_fleeting();
        let matters =
            matches!(self.standing, LinkStatus::Down | LinkStatus::Disagree | LinkStatus::Connecting);
        if is_news && matters && self.cares() {
            let what = why.to_string();
            let note = match why {
                BlockReason::TooOften | BlockReason::LeftAlone(_) | BlockReason::NeedsRestart(_) => {
                    Some(LinkEvent::GaveUp { what })
                }
                BlockReason::OwnCommand(_) => Some(LinkEvent::GaveUp { what }),
                // Between its turns it comes again, and says nothing new.
                BlockReason::Unrecognised { .. } if std::mem::replace(&mut self.unrecognised_told, true) => {
                    None
                }
                BlockReason::Unrecognised { .. } => Some(LinkEvent::Unrecognised { what }),
                _ => Some(LinkEvent::Waits { what }),
            };
            actions.extend(note.map(Action::Note));
            self.told = Some(why);
        }
    }
}

//! Whether the time to type has come.

use std::time::Duration;

use super::procedure::{HOLD_ANSWER, Try};
use super::{Action, Asked, Hold, Keeper, LONGEST_HOLD, Phase, Purpose, SLOWLY, SOON, Standing, Why};
use crate::claude::screen::Indicator;
use crate::config::Keep;

/// What stands against typing, and until when; without a time, until something happens.
type Against = (Why, Option<Duration>);

/// How soon a look is repeated that met a frame half drawn.
const REDRAWN: Duration = Duration::from_millis(60);

impl Keeper {
    /// Looks whether to type, and orders a look at the screen if nothing else stands against it.
    pub(super) fn consider(&mut self, at: Duration, actions: &mut Vec<Action>) {
        if let Some(asked) = self.asked
            && (asked.until <= at || self.standing == Standing::Up && !asked.off_first)
        {
            self.asked = None;
            let what = if asked.until <= at { "the moment never came" } else { "the link is up" };
            actions.push(Action::Note("remote-request-over", what.into()));
        }
        if self.owed.is_any() && self.owed_until <= at {
            self.owed = super::Owed::default();
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
                self.tell(why, actions);
            }
        }
    }

    /// What the keeper would do now, with the reasons for doing nothing.
    pub(super) fn gate(&self, at: Duration) -> Result<Purpose, Against> {
        if !self.started || self.away {
            return Err((Why::NotRunning, None));
        }
        let purpose = if self.owed.is_any() { Purpose::Tidy } else { self.wanted(at)? };
        let Some(file) = &self.file else { return Err((Why::Unknown, None)) };
        if let Some(obstacle) = &file.obstacle {
            return Err((Why::Session(obstacle.clone()), None));
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
            (Keep::Off, None) => return Err((Why::Off, None)),
            (Keep::IfUsed, None) if !self.used => return Err((Why::NeverUsed, None)),
            (_, Some(Asked { from, .. })) if at < from => return Err((Why::Cooling, Some(from))),
            _ => {}
        }
        let failed = self.indicator() == Some(Indicator::Failed);
        match self.standing {
            Standing::Unknown => return Err((Why::Unknown, None)),
            Standing::Up | Standing::Disagree if asked.is_some_and(|asked| asked.off_first) => {
                return Ok(Purpose::SwitchOff);
            }
            Standing::Up => return Err((Why::Up, None)),
            Standing::Disagree => return Err((Why::Disagree, Some(at + SLOWLY))),
            Standing::Connecting => return Err((Why::Connecting, Some(at + SLOWLY))),
            Standing::Down if self.lags_until.is_some_and(|until| at < until) && !failed => {
                return Err((Why::Disagree, Some(at + SLOWLY)));
            }
            Standing::Down => {}
        }
        if asked.is_some() {
            return Ok(Purpose::Connect);
        }
        if let Some(said) = &self.refused {
            return Err((Why::Refused(said.clone()), None));
        }
        if let Some(said) = &self.left_alone {
            return Err((Why::LeftAlone(said.clone()), None));
        }
        if self.turned_off {
            return Err((Why::TurnedOff, None));
        }
        if self.tries >= self.settings.max_tries {
            return Err((Why::TooOften, None));
        }
        let settled = self.down_since.unwrap_or(at).saturating_add(self.settings.disconnected_for);
        if at < settled {
            return Err((Why::Settling, Some(settled)));
        }
        match self.next_try {
            Some(next) if at < next => Err((Why::Cooling, Some(next))),
            _ => Ok(Purpose::Connect),
        }
    }

    /// The look that [`Self::consider`] has ordered has come.
    pub(super) fn ready(&mut self, at: Duration, look: &super::Look, actions: &mut Vec<Action>) {
        let Ok(purpose) = self.gate(at) else { return };
        if let Some(why) = self.against_typing(look) {
            let until = if why == Why::Unsettled { at + REDRAWN } else { at + SLOWLY };
            self.blocked = Some((why, until));
            return;
        }
        self.begin(at, purpose, actions);
    }

    /// What stands against typing here. A prompt that was recognised once is only covered by something.
    pub(super) fn against_typing(&self, look: &super::Look) -> Option<Why> {
        let nameless = look.reading.prompt.nameless().filter(|_| !self.recognised);
        look.obstacle().map(|why| match (why, nameless) {
            (Why::Screen(_), Some(what)) => {
                let version = self.file.as_ref().and_then(|file| file.version.clone());
                Why::Unrecognised { version, what }
            }
            (why, _) => why,
        })
    }

    /// Begins a try: with a client it has to hold the keys first.
    pub(super) fn begin(&mut self, at: Duration, purpose: Purpose, actions: &mut Vec<Action>) {
        let hold = if self.attached {
            actions.push(Action::Hold);
            Hold::Asked(at + HOLD_ANSWER)
        } else {
            Hold::Until(at + LONGEST_HOLD)
        };
        self.phase = Phase::Trying(Box::new(Try::new(purpose, &self.settings.line(), hold, self.owed, at)));
    }

    /// Nothing was typed; it is considered again at that time, or when something has changed.
    pub(super) fn not_now(&mut self, at: Duration, why: Why, until: Duration, actions: &mut Vec<Action>) {
        self.phase = Phase::Watching;
        self.blocked = Some((why, until.max(at + SOON)));
        actions.push(Action::Release);
    }

    /// Writes down why nothing is typed into a session that should have a link, when that is news.
    fn tell(&mut self, why: Why, actions: &mut Vec<Action>) {
        let is_news = self.told.as_ref() != Some(&why) && !why.is_fleeting();
        let matters = matches!(self.standing, Standing::Down | Standing::Disagree | Standing::Connecting);
        if is_news && matters && self.cares() {
            let what = match why {
                Why::TooOften | Why::LeftAlone(_) => Some("remote-gave-up"),
                // Between its turns it comes again, and says nothing new.
                Why::Unrecognised { .. } if std::mem::replace(&mut self.unrecognised_told, true) => None,
                Why::Unrecognised { .. } => Some("remote-unrecognised"),
                _ => Some("remote-waits"),
            };
            actions.extend(what.map(|what| Action::Note(what, why.to_string())));
            self.told = Some(why);
        }
    }
}

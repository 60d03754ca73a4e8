//! Whether the time to type has come.

use std::time::Duration;

use super::attempt::Purpose;
use super::connects::RestartStep;
use super::{
    Action, BlockReason, FAILED_LINK_LINGERS, IDLE_LOOK_INTERVAL, Reconnector, ReconnectorPhase,
    ScreenSnapshot, WANTED_LOOK_DELAY,
};
use crate::claude::remote_control::Link;
use crate::config::ReconnectPolicy;
use crate::registry::link_record::LinkStatus;
use crate::registry::log_event::LinkEvent;

/// What stands against typing, and until when; without a time, until something happens.
pub(super) type Against = (BlockReason, Option<Duration>);

/// How soon a look is repeated that met a frame half drawn.
const REDRAW_LOOK_DELAY: Duration = Duration::from_millis(60);

impl Reconnector {
    /// Finds out whether to type, and orders a look at the screen if nothing else stands against it.
    pub(super) fn plan(&mut self, at: Duration) -> Vec<Action> {
        let mut actions: Vec<_> = self.end_request(at).into_iter().collect();
        actions.extend(self.cleanup.expire(at));
        match self.check_preconditions(at) {
            Ok(_) => {
                self.looks.before_typing();
                actions.push(Action::Look);
            }
            Err((why, until)) => {
                self.looks.wake(until);
                match self.restarts.handle(at, &why, &self.settings) {
                    RestartStep::None => {}
                    RestartStep::WaitUntil(from) => self.looks.wake_before(from),
                    RestartStep::Restart => {
                        let what = why.to_string();
                        actions.extend([Action::Note(LinkEvent::Restart { what }), Action::Restart]);
                    }
                }
                if self.is_missed() {
                    actions.extend(self.obstacles.tell(why));
                }
            }
        }
        actions
    }

    /// Whether there is no link where one is any business of ours.
    fn is_missed(&self) -> bool {
        let status = self.evidence.status();
        self.cares() && matches!(status, LinkStatus::Down | LinkStatus::Disagree | LinkStatus::Connecting)
    }

    /// What the reconnector would type for now, or what stands against it beside the screen.
    pub(super) fn check_preconditions(&self, at: Duration) -> Result<Purpose, Against> {
        if !self.presence.is_in_foreground() {
            return Err((BlockReason::NotRunning, None));
        }
        if self.presence.other_types {
            return Err((BlockReason::OtherTypes, None));
        }
        let purpose = if self.cleanup.is_any() { Purpose::Cleanup } else { self.should_connect(at)? };
        let Some(file) = self.evidence.file() else { return Err((BlockReason::Unknown, None)) };
        if let Some(obstacle) = &file.obstacle {
            return Err((BlockReason::Session(obstacle.clone()), None));
        }
        match self.obstacles.current(at) {
            Some((why, until)) => Err((why.clone(), Some(*until))),
            None => Ok(purpose),
        }
    }

    /// Whether the link is down, and should not be.
    pub(super) fn should_connect(&self, at: Duration) -> Result<Purpose, Against> {
        self.check_policy(at)?;
        if let Some(purpose) = self.check_status(at)? {
            return Ok(purpose);
        }
        let lingers = self.evidence.down_since().unwrap_or(at) + FAILED_LINK_LINGERS;
        if self.evidence.has_failed() && self.evidence.link() == Some(Link::Connected) && at < lingers {
            return Err((BlockReason::Settling, Some(lingers)));
        }
        let is_requested = self.requests.is_open();
        if let Some(why) = self.connects.need_restart(is_requested) {
            return Err((why, None));
        }
        if is_requested {
            return Ok(Purpose::Connect);
        }
        if let Some(why) = self.permission.objection(&self.settings.line()) {
            return Err((why, None));
        }
        if self.backoff.is_used_up(&self.settings) {
            return Err((BlockReason::TooOften, None));
        }
        let since = self.evidence.down_since().unwrap_or(at);
        let settled = since.saturating_add(self.settings.disconnected_for);
        if at < settled {
            return Err((BlockReason::Settling, Some(settled)));
        }
        match self.backoff.next() {
            Some(next) if at < next => Err((BlockReason::Cooling, Some(next))),
            _ => Ok(Purpose::Connect),
        }
    }

    /// Whether the configuration or a request wants the link.
    fn check_policy(&self, at: Duration) -> Result<(), Against> {
        match (self.settings.policy, self.requests.open) {
            (ReconnectPolicy::Off, None) => Err((BlockReason::Off, None)),
            (ReconnectPolicy::IfUsed, None) if !self.permission.is_used() => {
                Err((BlockReason::NeverUsed, None))
            }
            (_, Some(request)) if at < request.from => Err((BlockReason::Cooling, Some(request.from))),
            _ => Ok(()),
        }
    }

    /// Whether the link is down. One that is up may be there to be switched off.
    fn check_status(&self, at: Duration) -> Result<Option<Purpose>, Against> {
        let later = Some(at + IDLE_LOOK_INTERVAL);
        match self.evidence.status() {
            LinkStatus::Unknown => Err((BlockReason::Unknown, None)),
            LinkStatus::Up | LinkStatus::Disagree if self.requests.is_cycle() => Ok(Some(Purpose::SwitchOff)),
            LinkStatus::Up => Err((BlockReason::Up, None)),
            LinkStatus::Disagree => Err((BlockReason::Disagree, later)),
            LinkStatus::Connecting => Err((BlockReason::Connecting, later)),
            LinkStatus::Down if self.evidence.is_denied_by_panel(at) => Err((BlockReason::Disagree, later)),
            LinkStatus::Down => Ok(None),
        }
    }

    /// The look that [`Self::plan`] has ordered has come.
    pub(super) fn on_snapshot(&mut self, at: Duration, look: &ScreenSnapshot) -> Option<Action> {
        let purpose = self.check_preconditions(at).ok()?;
        let Some(why) = self.against_typing(look) else { return self.begin(at, purpose) };
        let is_moving = why == BlockReason::Unsettled;
        self.obstacles.meet(why, at + if is_moving { REDRAW_LOOK_DELAY } else { IDLE_LOOK_INTERVAL });
        None
    }

    /// What stands against typing here. A prompt that was recognised once is only covered by something.
    pub(super) fn against_typing(&self, look: &ScreenSnapshot) -> Option<BlockReason> {
        let against_line = || look.against_line(&self.settings.line()).filter(|_| !self.cleanup.is_any());
        let why = look.obstacle().or_else(against_line)?;
        Some(self.evidence.name_unrecognised(why, look))
    }

    /// Nothing was typed; it is planned again at that time, or when something has changed.
    pub(super) fn defer(&mut self, at: Duration, why: BlockReason, until: Duration) -> Vec<Action> {
        self.phase = ReconnectorPhase::Watching;
        self.obstacles.meet(why, until.max(at + WANTED_LOOK_DELAY));
        vec![Action::Release]
    }
}

//! A request of the user's: what stands against it, and how it ends without a try.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Action, BlockReason, Reconnector, ScreenSnapshot};
use crate::registry::link_record::LinkStatus;
use crate::registry::log_event::LinkEvent;

/// How long a request is good for.
pub(super) const REQUEST_LIFETIME: Duration = Duration::from_secs(30);

/// A wish of the user's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct UserRequest {
    pub(super) until: Duration,
    /// The link is to be switched off first.
    pub(super) off_first: bool,
    /// Not before.
    pub(super) from: Duration,
    /// The panel that was to switch it off did not say that a link is up.
    pub(super) panel_denied: bool,
}

impl UserRequest {
    /// One that is good from now on.
    pub(super) fn at(at: Duration, off_first: bool) -> Self {
        Self { until: at + REQUEST_LIFETIME, off_first, from: at, panel_denied: false }
    }
}

/// The request that is open, and the end of the last one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Requests {
    pub(super) open: Option<UserRequest>,
    /// How the last request ended without a try: its number, when, and why.
    last_end: Option<(u32, Duration, String)>,
}

impl Requests {
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.open.map(|request| request.until)
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Whether the link is to be switched off first.
    pub(super) fn is_cycle(&self) -> bool {
        self.open.is_some_and(|request| request.off_first)
    }

    /// Whether the link is to be up for it, with nothing to switch off first.
    pub(super) fn is_for_link(&self) -> bool {
        self.open.is_some_and(|request| !request.off_first)
    }

    /// The same, and it is not too old.
    pub(super) fn is_valid_for_link(&self, at: Duration) -> bool {
        self.open.is_some_and(|request| !request.off_first && at < request.until)
    }

    /// Takes a new request in the place of the one that is open.
    pub(super) fn begin(&mut self, request: UserRequest) {
        self.open = Some(request);
    }

    /// A try was made for it.
    pub(super) fn close(&mut self) {
        self.open = None;
    }

    /// The panel did not say that a link is up, which a link that failed a moment ago says as well: it is
    /// tried again after `pause`.
    pub(super) fn panel_denied(&mut self, at: Duration, pause: Duration) {
        if let Some(request) = &mut self.open {
            let from = at + pause;
            *request = UserRequest { from, until: from + pause, panel_denied: true, ..*request };
        }
    }

    /// Whether the panel has denied a link before.
    pub(super) fn was_denied(&self) -> bool {
        self.open.is_some_and(|request| request.panel_denied)
    }

    /// Whether the request ends without a try: it is too old (`Some(true)`), or the link is up without it.
    fn over(&self, at: Duration, is_up: bool) -> Option<bool> {
        let request = self.open?;
        let is_old = request.until <= at;
        // After the first half of a cycle the state file names the link for a moment longer.
        (is_old || is_up && !request.off_first && request.from <= at).then_some(is_old)
    }

    /// Ends it without a try, for this reason.
    pub(super) fn end(&mut self, at: Duration, why: Option<&BlockReason>) -> Action {
        self.open = None;
        let said = why.map_or_else(|| "the moment never came".into(), ToString::to_string);
        let number = self.last_end.as_ref().map_or(0, |(number, ..)| *number) + 1;
        self.last_end = Some((number, at, said.clone()));
        Action::Note(LinkEvent::RequestOver { what: said })
    }

    pub(super) fn last_end(&self) -> Option<&(u32, Duration, String)> {
        self.last_end.as_ref()
    }
}

/// What would come of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestPreview {
    /// What stands against it beside the screen; nothing if nothing does.
    pub against: Option<BlockReason>,
    /// What the screen has against it.
    pub screen: Option<BlockReason>,
    /// Why only the user can want the link. A request that names the session overrides this.
    pub users_decision: Option<BlockReason>,
}

impl Reconnector {
    /// Says what would come of a request now, with this look at the screen.
    pub fn preview(&self, at: Duration, cycle: bool, look: &ScreenSnapshot) -> RequestPreview {
        let mut probe = self.clone();
        probe.requests.begin(UserRequest::at(at, cycle));
        probe.obstacles.clear();
        if look.has_footer() {
            probe.take_indicator(at, look);
        }
        let _ = probe.evidence.assess(at);
        let is_down = probe.evidence.status() == LinkStatus::Down;
        let users_decision = probe.permission.users_decision(probe.settings.policy);
        RequestPreview {
            against: probe.check_preconditions(at).err().map(|(why, _)| why),
            screen: probe.against_typing(look),
            users_decision: users_decision.filter(|_| is_down),
        }
    }

    /// Ends a request that is too old, or that the link has come up without.
    pub(super) fn end_request(&mut self, at: Duration) -> Option<Action> {
        let is_old = self.requests.over(at, self.evidence.status() == LinkStatus::Up)?;
        let why = if is_old {
            self.check_preconditions(at).err().map(|(why, _)| why)
        } else {
            Some(BlockReason::Up)
        };
        Some(self.requests.end(at, why.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RemoteControl;
    use crate::remote::reconnector::ReconnectorEvent;

    #[test]
    fn a_request_that_is_too_old_tells_why() {
        let mut reconnector = Reconnector::new(RemoteControl::default(), true, false);
        reconnector.handle(Duration::ZERO, ReconnectorEvent::Started);
        reconnector.handle(Duration::ZERO, ReconnectorEvent::Requested { cycle: false });
        let at = REQUEST_LIFETIME + Duration::from_secs(1);
        let over = reconnector.handle(at, ReconnectorEvent::Due);
        let said = BlockReason::Unknown.to_string();
        assert!(over.contains(&Action::Note(LinkEvent::RequestOver { what: said.clone() })), "{over:?}");
        assert_eq!(reconnector.report(at).last_request, Some((1, at, said)));
    }
}

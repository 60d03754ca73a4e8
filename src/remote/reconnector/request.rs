//! A request of the user's: what stands against it, and how it ends without a try.

use std::time::Duration;

use super::{Action, BlockReason, Reconnector, ScreenSnapshot, UserRequest};
use crate::config::ReconnectPolicy;
use crate::registry::link_record::LinkStatus;
use crate::registry::log_event::LinkEvent;

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
        let mut probe = Self { asked: Some(UserRequest::at(at, cycle)), blocked: None, ..self.clone() };
        if look.has_footer() {
            probe.take_down(at, look);
        }
        probe.weigh(at, &mut Vec::new());
        RequestPreview {
            against: probe.gate(at).err().map(|(why, _)| why),
            screen: probe.against_typing(look),
            users_decision: probe.users_decision(),
        }
    }

    fn users_decision(&self) -> Option<BlockReason> {
        if self.standing != LinkStatus::Down {
            return None;
        }
        let refused = self.refused.clone().map(BlockReason::Refused);
        let left_alone = || self.left_alone.clone().map(BlockReason::LeftAlone);
        let turned_off = || self.turned_off.then_some(BlockReason::TurnedOff);
        let is_wanted = self.used || self.settings.keep == ReconnectPolicy::Always;
        refused
            .or_else(left_alone)
            .or_else(turned_off)
            .or_else(|| (!is_wanted).then_some(BlockReason::NeverUsed))
    }

    /// A request ends without a try: it is too old, or the link is up without it.
    pub(super) fn request_over(&mut self, at: Duration, is_old: bool, actions: &mut Vec<Action>) {
        let why = if is_old { self.gate(at).err().map(|(why, _)| why) } else { Some(BlockReason::Up) };
        self.asked = None;
        let said = why.map_or_else(|| "the moment never came".into(), |why| why.to_string());
        let number = self.last_request.as_ref().map_or(0, |(number, ..)| *number) + 1;
        self.last_request = Some((number, at, said.clone()));
        actions.push(Action::Note(LinkEvent::RequestOver { what: said }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RemoteControl;
    use crate::remote::reconnector::{REQUEST_LIFETIME, ReconnectorEvent};

    #[test]
    fn a_request_that_is_too_old_tells_why() {
        let mut reconnector = Reconnector::new(RemoteControl::default(), true, false);
        reconnector.on(Duration::ZERO, ReconnectorEvent::Started);
        reconnector.on(Duration::ZERO, ReconnectorEvent::Asked { cycle: false });
        let at = REQUEST_LIFETIME + Duration::from_secs(1);
        let over = reconnector.on(at, ReconnectorEvent::Due);
        let said = BlockReason::Unknown.to_string();
        assert!(over.contains(&Action::Note(LinkEvent::RequestOver { what: said.clone() })), "{over:?}");
        assert_eq!(reconnector.report(at).last_request, Some((1, at, said)));
    }
}

//! With which umask, signal settings and limits claude is started.

use crate::os::signals::SignalState;
use crate::protocol::Start;
use crate::registry::process_attributes::ProcessAttributes;
use crate::registry::record::Record;

/// Gives this host the attributes with which the session began, or takes note of those that it has as the session's.
/// Returns the signal settings for claude.
pub fn choose(start: &Start, record: &mut Record) -> SignalState {
    if start.revive && start.keeps_attributes {
        let Some(attributes) = &record.attributes else { return start.signals.clone() };
        attributes.apply();
        return attributes.signals().clone();
    }
    record.attributes = Some(ProcessAttributes::inherited(&start.signals));
    start.signals.clone()
}

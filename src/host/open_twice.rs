//! A conversation that another process has open, too.

use super::Host;
use super::state_watch::StateSeen;
use crate::registry::ConversationOwner;
use crate::registry::log_event::LogEvent;

impl Host {
    /// Notes whether another process has the conversation open, too: chosen in claude's own list, say, where
    /// nobody could have refused it.
    pub(super) fn note_other(&mut self, conversation: &str, seen: &StateSeen) {
        let job = seen.job.as_ref().and_then(|job| Some(job.process.as_ref()?.0));
        let other = ConversationOwner::against(conversation, &self.record, |live| {
            live.pid != seen.pid && Some(live.pid) != job
        });
        let said = other.as_ref().map(ToString::to_string);
        if said.is_some() && self.record.also_open.is_none() {
            if let Some(other) = &other {
                self.events.write(LogEvent::OpenTwice(other.details()));
            }
            self.warn(&format!(
                "this conversation is open in {} too, and each loses what the other says; leave one of them",
                said.as_deref().unwrap_or_default()
            ));
        }
        self.record.also_open = said;
    }
}

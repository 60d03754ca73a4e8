//! The record on its way to the disk: handed to the journal, and what is said where it cannot be written. The
//! disk may be full, or mounted read-only; the session goes on with what it knows.

use std::time::Duration;

use super::Host;
use crate::host::journal::News;
use crate::protocol::Response;
use crate::registry::log_event::LogEvent;
use crate::registry::record::SessionState;
use crate::registry::stop_marker;
use crate::registry::stop_marker::StopRequest;

/// How long the end of a session waits for the disk.
pub(super) const JOURNAL_FINISH_TIMEOUT: Duration = Duration::from_secs(1);

impl Host {
    /// Has the record written, without waiting for it.
    pub(super) fn save(&mut self) {
        // Another host has the session, and the record is its.
        if self.files.displaced {
            return;
        }
        if self.files.is_blind() {
            self.files.look_soon();
        }
        self.journal.save(&self.record);
        if self.journal.retry_at().is_some() {
            // Written in line, it has failed already.
            self.hear_journal();
        }
    }

    /// What came of the records that were handed over. Where one cannot be written it is said once, and tried
    /// again until it works.
    pub(super) fn hear_journal(&mut self) {
        match self.journal.news() {
            Some(News::Failed(why)) => {
                self.events.write(LogEvent::RecordNotWritten { error: why.clone() });
                self.notices.add(&format!("the session goes on, but its record cannot be written: {why}"));
            }
            Some(News::Written) => {
                self.events.write(LogEvent::RecordWritten);
            }
            None => {}
        }
        self.say_goodbye();
    }

    /// Somebody has found that the record on disk cannot be read: it is written again. The journal keeps what
    /// was there.
    pub(super) fn save_again(&mut self) -> Response {
        self.save();
        Response::Done
    }

    /// The session is over. Where its record says something else the user hears it here, because nothing will
    /// tell it later. An empty file has room on most full disks: with the marker no command takes the session
    /// for one that has lost its host.
    pub(super) fn finish_journal(&mut self) {
        if let Err(why) = self.journal.finish(JOURNAL_FINISH_TIMEOUT) {
            let _ = stop_marker::set_soon(&self.directory, StopRequest::System);
            self.say(&format!("the end of this session could not be written down: {why}"));
        } else if self.record.state == SessionState::Stopped
            && stop_marker::read(&self.directory) == Some(StopRequest::User)
        {
            // The record says it now.
            stop_marker::clear(&self.directory);
        }
    }
}

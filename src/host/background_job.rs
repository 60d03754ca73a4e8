//! The background job that the conversation moved to (`claude/background_job.rs`): it is followed, and ended
//! before the conversation is opened again.

use super::Host;
use super::timers::Timer;
use crate::claude::background_job::BackgroundJob;
use crate::claude::state_file::StateFile;
use crate::claude::transcript;
use crate::claude::transcript::TranscriptOnDisk;
use crate::host::state_watch::StateSeen;
use crate::registry::log_event::LogEvent;

impl Host {
    /// What the session does: what the job says, where the conversation is in one.
    pub(super) fn with_job(&self, seen: &StateSeen) -> StateFile {
        let Some(job) = &seen.job else { return seen.file.clone() };
        let mut file = job.over(&seen.file);
        let open = self.record.conversation.as_ref();
        if file.session_id.as_ref() != open && !file.session_id.as_deref().is_some_and(has_transcript) {
            // Nothing was said under the new id yet: the old one is what could be opened again.
            let is_known = self.record.background_job.as_ref() == Some(&job.id);
            file.session_id = open.filter(|_| is_known).cloned().or_else(|| seen.file.session_id.clone());
        }
        file
    }

    /// Whether the job has another conversation open than the record says, because nothing of that one was on
    /// disk yet.
    pub(super) fn is_behind_job(&self, seen: &StateSeen) -> bool {
        let open = seen.job.as_ref().and_then(|job| job.conversation.as_ref());
        open.is_some_and(|open| self.record.conversation.as_ref() != Some(open))
    }

    /// A moment after claude has said what it does: what it has written down since then counts.
    pub(super) fn look_for_transcript(&mut self) {
        self.note_transcript();
        if self.record.background_job.is_some() {
            self.look_at_state_file();
            // There is one second look. The next word of claude's leads to the next one.
            self.timers.cancel(Timer::Transcript);
        }
    }

    /// The front has ended, and is to come back: its job makes room.
    pub(super) fn end_background_job(&mut self) {
        let Some(job) = self.record.background_job.clone() else { return };
        self.events.write(LogEvent::BackgroundJobEnding { job: job.clone() });
        self.say(&format!("the conversation is in claude's background job {job}; cckw ends the job and opens the conversation here"));
        self.claude.begin_job_stop(&job);
    }

    /// Whether the job has not ended yet. Then the time for the next launch is put off a little.
    pub(super) fn waits_for_background_job(&mut self) -> bool {
        match self.claude.look_at_job_stop() {
            None => false,
            Some(Ok(())) => true,
            Some(Err(ended)) => {
                self.job_ended(ended);
                false
            }
        }
    }

    fn job_ended(&mut self, ended: bool) {
        let job = self.record.background_job.clone();
        self.events.write(LogEvent::BackgroundJobEnded { job, ended });
        if ended {
            self.record.background_job = None;
        }
    }

    /// The session is over. Where that was asked for, its job ends with it; where claude has ended by itself,
    /// the job goes on as it would without cckw, and it is said how to find it.
    pub(super) fn leave_background_job(&mut self) {
        let Some(job) = self.record.background_job.clone() else { return };
        // The system ends the job too, and does not wait for it.
        if self.claude.has_quit() && !self.system_stop.is_under_way() {
            let ended = self.claude.finish_job_stop(&job);
            self.job_ended(ended);
            if ended {
                return;
            }
        }
        if BackgroundJob::look_up(&job, None).process.is_some() {
            self.events.write(LogEvent::BackgroundJobGoesOn { job: job.clone() });
            self.say(&format!(
                "the conversation goes on in claude's background job {job}; to open it: claude attach {job}; to end it: \
                 claude stop {job}"
            ));
        }
    }
}

fn has_transcript(id: &str) -> bool {
    let found = transcript::directory().map(|projects| transcript::find(&projects, id, None));
    matches!(found, Some(TranscriptOnDisk::Conversation(_)))
}

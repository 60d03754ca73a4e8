//! Says so when what is said does not reach the transcript (`host/transcript_check.rs`).

use std::path::PathBuf;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::Host;
use super::timers::Timer;
use crate::claude::screen;
use crate::claude::screen::Prompt;
use crate::claude::state_file::is_rest;
use crate::claude::transcript;
use crate::claude::transcript::TranscriptOnDisk;
use crate::claude::unwritten;
use crate::host::transcript_check::{Problem, TranscriptCheck, WRITE_TIMEOUT};
use crate::registry::log_event::LogEvent;
use crate::registry::record::SessionState;

/// What is known of the transcript of the conversation that is open.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct TranscriptWatch {
    /// Whether each turn reaches it.
    check: TranscriptCheck,
    /// Where it was found last.
    path: Option<PathBuf>,
}

impl TranscriptWatch {
    /// When the last turn must be on disk.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.check.deadline()
    }

    /// What was found of the last claude does not hold for the next one.
    pub(super) fn begin_anew(&mut self) {
        self.check = TranscriptCheck::default();
    }
}

impl Host {
    /// Claude's state file says what it does.
    pub(super) fn note_turn(&mut self) {
        let busy = match self.record.status.as_deref() {
            Some("busy") => true,
            Some(status) if is_rest(status) => false,
            // A dialog is no turn, and a question in the middle of one is not its end.
            _ => return,
        };
        let Some(id) = self.record.conversation.clone() else { return };
        let length = self.transcript_length(&id);
        self.transcript.check.heard(&id, busy, length, Instant::now());
        self.record.transcript_cut &= self.transcript.check.is_cut();
    }

    /// Something was drawn. A claude that does not say what it does shows its answers all the same.
    pub(super) fn something_was_drawn(&mut self) {
        if self.record.status.is_none() && self.record.state == SessionState::Running {
            self.timers.set_once(Timer::Answer, Instant::now() + WRITE_TIMEOUT);
        }
    }

    /// The time has come at which the last turn must be on disk.
    pub(super) fn check_transcript(&mut self) {
        let Some(id) = self.record.conversation.clone() else { return };
        // Before this length becomes the measure.
        self.note_cut();
        let length = self.transcript_length(&id);
        let reading = screen::read(&self.output.screen.view());
        let taken_back = matches!(reading.prompt, Prompt::Draft(_));
        let is_torn = self.transcript.path.as_deref().is_some_and(transcript::is_torn);
        if self.transcript.check.checked(length, is_torn, taken_back) {
            let problem = self.transcript.check.problem();
            self.tell_transcript_problem(&id, problem);
        }
    }

    /// Takes note of whether what was said before is not on disk any more.
    pub(super) fn note_cut(&mut self) {
        let Some(id) = self.record.conversation.clone() else { return };
        let Some(length) = self.look_up_length(&id) else { return };
        let was_there = self.record.with_transcript.contains(&id);
        self.transcript.check.seen(length, was_there);
        if self.transcript.check.is_cut() && !std::mem::replace(&mut self.record.transcript_cut, true) {
            self.events.write(LogEvent::TranscriptCut { conversation: self.record.conversation.clone() });
            self.save();
        }
    }

    /// Looks on the screen for an answer that stands in no transcript.
    pub(super) fn look_for_answer(&mut self) {
        let told = self.record.transcript_problem.is_some();
        let silent = self.claude.is_running() && self.record.status.is_none();
        let Some(id) = self.record.conversation.clone().filter(|_| silent) else { return };
        let absent =
            self.transcript_length(&id).is_none() && unwritten::shows_answer(&self.output.screen.text());
        if absent != told {
            self.tell_transcript_problem(&id, absent.then_some(Problem::Absent));
        }
    }

    fn tell_transcript_problem(&mut self, id: &str, problem: Option<Problem>) {
        self.record.transcript_problem = problem.map(|problem| {
            let what = match problem {
                Problem::Absent => "there is no transcript of this conversation",
                Problem::NotGrown => "the last turn did not reach the transcript",
                Problem::Torn => "the last turn reached the transcript only in part",
                Problem::CutShort => {
                    "the transcript was removed or cut, so what was said before is gone from it"
                }
            };
            let cause = unwritten::cause(&self.output.screen.text(), self.transcript.path.as_deref());
            cause.map_or_else(|| what.to_owned(), |cause| format!("{what} ({cause})"))
        });
        match &self.record.transcript_problem {
            None => self.events.write(LogEvent::TranscriptWritten { conversation: id.to_owned() }),
            Some(problem) => {
                self.events.write(LogEvent::TranscriptNotWritten {
                    conversation: id.to_owned(),
                    problem: problem.clone(),
                });
                self.warn(&format!("what is said here is not saved: {problem}"));
                self.give_notices();
            }
        }
        self.save();
    }

    /// How long the transcript is, in bytes; nothing where there is none.
    fn transcript_length(&mut self, id: &str) -> Option<u64> {
        self.look_up_length(id).flatten()
    }

    /// The same; nothing at all where that cannot be said.
    fn look_up_length(&mut self, id: &str) -> Option<Option<u64>> {
        let is_its = |path: &&std::path::PathBuf| path.file_stem().is_some_and(|stem| stem == id);
        if let Some(metadata) =
            self.transcript.path.as_ref().filter(is_its).and_then(|path| path.metadata().ok())
        {
            return Some(Some(metadata.len()));
        }
        let cwd = self.record.claude_cwd();
        match transcript::find(&transcript::directory()?, id, cwd.as_deref()) {
            TranscriptOnDisk::Conversation(path) | TranscriptOnDisk::Unusable(path) => {
                let length = path.metadata().ok().map(|metadata| metadata.len());
                self.transcript.path = Some(path);
                Some(length)
            }
            TranscriptOnDisk::Nothing => Some(None),
            TranscriptOnDisk::Unknown => None,
        }
    }
}

//! Waiting for the answer to a message that was sent: `cckw send --wait`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use crate::claude::transcript::growing::{GrowingFile, GrowingLine};
use crate::claude::transcript::message_turn::{MessageEnd, MessageStage, MessageTurn};
use crate::claude::transcript::turn::TurnEnd;
use crate::escape::lines;
use crate::registry;
use crate::registry::Session;
use crate::user_error::{UserError, send};

use super::output::{fail, print};
use super::session_watch::{Look, SeenSession, SessionWatch, WaitEnd};
use super::topic;
use super::wait;
use super::waiter::{SessionLook, WaitFor, WaitOutcome, Waiter};

/// Where the transcript of a session ended at some moment.
#[derive(Debug, Clone, Default)]
pub struct TranscriptMark {
    path: Option<PathBuf>,
    /// In bytes.
    end: u64,
}

impl TranscriptMark {
    /// Where it ends now: what is sent from here on stands behind it.
    pub fn of(session: &Session) -> Self {
        let path = topic::transcript_of(session);
        let end = path.as_ref().and_then(|path| std::fs::metadata(path).ok()).map_or(0, |found| found.len());
        Self { path, end }
    }
}

/// What a message came to.
#[derive(Debug)]
enum Reply {
    /// The turn has ended.
    Ended(MessageEnd, String),
    /// The session has come to something else.
    Else(WaitOutcome),
}

/// Waits until the turn of a message has ended that was sent behind the mark, and prints the answer. With
/// `text` it is a prompt. Without, it is a command, of which claude need not write anything down: then the wait
/// is for claude to be at rest.
pub fn main(session: &Session, mark: &TranscriptMark, text: Option<&str>, end: Instant) -> ExitCode {
    wait_for_answer(session, mark, text, end).unwrap_or_else(|error| fail(&error.about(&session.name)))
}

fn wait_for_answer(
    session: &Session,
    mark: &TranscriptMark,
    text: Option<&str>,
    until: Instant,
) -> Result<ExitCode, UserError> {
    let session = registry::again(session).unwrap_or_else(|| session.clone());
    let mut answer = AnswerWait::new(&session, mark, text);
    let mut watch = SessionWatch::new(vec![session.clone()])?;
    watch.watch_also(answer.directory());
    let waited = watch.until(|now, seen| match answer.look(now, &seen[0]) {
        Some(reply) => Look::Done(Some(reply)),
        None if now >= until => Look::Done(None),
        None => Look::Wait(answer.waiter.deadline().into_iter().chain([until]).min()),
    })?;
    let word = session.word();
    let failed = |kind: &str, text: &str| {
        // For scripts; the words follow on stderr.
        print(&format!("{kind}\n"));
        Err(send::turn_failed(kind, text))
    };
    match waited {
        WaitEnd::Done(Some(Reply::Ended(end, said))) => match end {
            MessageEnd::Done => Ok(print(&lines(&said))),
            MessageEnd::Failed(failure) => failed(failure.kind.word(), &failure.text),
            MessageEnd::Interrupted => failed(TurnEnd::Interrupted.word(), "the user has broken it off"),
        },
        WaitEnd::Done(Some(Reply::Else(outcome))) => match outcome {
            WaitOutcome::Done => failed("not_answered", "claude rests, and no turn shows the text"),
            WaitOutcome::Failed(kind, text) => failed(kind, &text),
            WaitOutcome::Asks(what) => Err(send::asks(&what, &word)),
            WaitOutcome::Ended(how) => Err(send::ended_before_answer(&how, &word)),
        },
        WaitEnd::Done(None) => Err(send::no_answer_yet(&word)),
        WaitEnd::Signalled(signal) => Err(send::answer_interrupted(&word, signal)),
    }
}

/// The wait for one answer.
struct AnswerWait {
    waiter: Waiter,
    /// Nothing for a command.
    turn: Option<MessageTurn>,
    path: Option<PathBuf>,
    file: Option<GrowingFile>,
    mark: TranscriptMark,
}

impl AnswerWait {
    fn new(session: &Session, mark: &TranscriptMark, text: Option<&str>) -> Self {
        Self {
            waiter: Waiter::new(WaitFor::Idle),
            turn: text.map(MessageTurn::new),
            path: topic::transcript_of(session),
            file: None,
            mark: mark.clone(),
        }
    }

    /// The directory of the transcript, in which something changes when a line is written.
    fn directory(&self) -> BTreeSet<PathBuf> {
        self.path.iter().filter_map(|path| Some(path.parent()?.to_owned())).collect()
    }

    fn look(&mut self, now: Instant, seen: &SeenSession) -> Option<Reply> {
        self.read(&seen.session);
        if let Some(turn) = &self.turn
            && let MessageStage::Ended(end) = turn.stage()
        {
            return Some(Reply::Ended(end.clone(), turn.answer()));
        }
        let outcome = self.waiter.handle(now, &SessionLook { restarts: false, ..wait::look(seen) })?;
        // A version that writes no end of a turn, and a command.
        let answer = self.turn.as_ref().map(|turn| (turn.stage().clone(), turn.answer()));
        Some(match (outcome, answer) {
            (WaitOutcome::Done, None) => Reply::Ended(MessageEnd::Done, String::new()),
            (WaitOutcome::Done, Some((MessageStage::Runs, said))) => Reply::Ended(MessageEnd::Done, said),
            (outcome, _) => Reply::Else(outcome),
        })
    }

    /// Reads what was written since the last look.
    fn read(&mut self, session: &Session) {
        let Some(turn) = &mut self.turn else { return };
        if self.file.is_none() {
            self.path = self.path.take().or_else(|| topic::transcript_of(session));
            let at = if self.path == self.mark.path { self.mark.end } else { 0 };
            self.file = self.path.as_ref().and_then(|path| GrowingFile::open(path, at).ok());
        }
        // What cannot be read now is read at the next look.
        while let Some(Ok(Some(line))) = self.file.as_mut().map(GrowingFile::next_line) {
            if let GrowingLine::Whole(line) = line {
                turn.take(&line);
            }
        }
    }
}

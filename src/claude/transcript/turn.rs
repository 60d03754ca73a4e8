//! How the last turn of a conversation stands, worked out from the lines of its transcript.
//!
//! It gets the lines from the last one backwards, until it knows all, and does no I/O.

use serde::{Deserialize, Serialize};

use super::entry::{Answer, AnswerBlock, Asker, Entry, EntryKind};
use super::failure::ApiFailure;

/// How the last turn of a conversation stands, and what was said last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnStatus {
    /// How the turn ended; nothing where nothing was asked yet.
    #[serde(default)]
    pub end: Option<TurnEnd>,
    /// The model that answered last.
    #[serde(default)]
    pub model: Option<String>,
    /// How many tokens are in its context.
    #[serde(default)]
    pub context_tokens: Option<u64>,
    /// What the user asked last.
    #[serde(default)]
    pub last_prompt: Option<String>,
    /// The last words of the model, perhaps of an earlier turn.
    #[serde(default)]
    pub last_answer: Option<String>,
    /// Whether they belong to the last turn.
    #[serde(default)]
    pub answers_last_prompt: bool,
    /// When something was said last, in milliseconds since 1970.
    #[serde(default)]
    pub last_at: Option<u64>,
    /// The branch of git.
    #[serde(default)]
    pub git_branch: Option<String>,
}

/// How a turn ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum TurnEnd {
    /// It was answered.
    Done,
    /// It ended in an error.
    Failed(ApiFailure),
    /// The user has broken it off.
    Interrupted,
    /// It has no end, and nobody works on it: its claude has crashed, was killed or restarted.
    BrokenOff,
    /// Claude works on it.
    Running,
    /// A newer version has written it.
    #[serde(other)]
    Unknown,
}

impl TurnEnd {
    /// The word for it, as in JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed(_) => "failed",
            Self::Interrupted => "interrupted",
            Self::BrokenOff => "broken_off",
            Self::Running => "running",
            Self::Unknown => "unknown",
        }
    }
}

impl TurnStatus {
    /// The error that ended the last turn, if one did.
    pub fn failure(&self) -> Option<&ApiFailure> {
        match &self.end {
            Some(TurnEnd::Failed(failure)) => Some(failure),
            _ => None,
        }
    }

    /// The same with texts of so many characters at most.
    #[must_use]
    pub fn shortened(mut self, most: usize) -> Self {
        let failure = match &mut self.end {
            Some(TurnEnd::Failed(failure)) => Some(&mut failure.text),
            _ => None,
        };
        let texts = [self.last_prompt.as_mut(), self.last_answer.as_mut(), failure];
        for text in texts.into_iter().flatten() {
            if let Some((end, _)) = text.char_indices().nth(most) {
                text.truncate(end);
                text.push('\u{2026}');
            }
        }
        self
    }
}

/// What the lines say of the turn's end.
#[derive(Debug, Clone)]
enum Seen {
    Ended(TurnEnd),
    /// The last line is not the last one of a turn.
    Open,
}

/// Reads a transcript from its end.
#[derive(Debug, Default)]
pub struct TurnReader {
    end: Option<Seen>,
    status: TurnStatus,
    /// The words of the last answer, its last block first.
    words: Vec<String>,
    /// The message that they stand in.
    message: Option<String>,
    /// All words of the last answer were found.
    is_answer_whole: bool,
    /// A turn's beginning was met, so what stands before it belongs to an earlier one.
    is_past_prompt: bool,
    /// The last prompt as claude repeats it, for where it is too far away.
    repeated_prompt: Option<String>,
}

impl TurnReader {
    /// Takes the line that stands before the last one that it was given.
    pub fn take(&mut self, entry: Entry) {
        if entry.is_sidechain {
            return;
        }
        if !matches!(entry.kind, EntryKind::Bookkeeping | EntryKind::Unknown | EntryKind::LastPrompt(_)) {
            self.status.last_at = self.status.last_at.or(entry.at);
            self.status.git_branch = self.status.git_branch.take().or(entry.git_branch);
        }
        self.note_end(&entry.kind);
        match entry.kind {
            EntryKind::Answer(answer) => self.take_answer(answer),
            EntryKind::Prompt { asker, text } => {
                self.end_answer();
                self.is_past_prompt = true;
                if asker != Asker::Claude {
                    self.status.last_prompt.get_or_insert(text);
                }
            }
            EntryKind::Compaction { tokens } => {
                self.status.context_tokens = self.status.context_tokens.or(tokens);
            }
            EntryKind::ToolResults(_) | EntryKind::Continuation | EntryKind::Interruption => {
                self.end_answer();
            }
            EntryKind::LastPrompt(text) => {
                self.repeated_prompt.get_or_insert(text);
            }
            _ => {}
        }
    }

    /// Whether nothing that stands before can change the outcome.
    pub fn knows_all(&self) -> bool {
        let status = &self.status;
        self.end.is_some()
            && self.is_answer_whole
            && status.model.is_some()
            && status.context_tokens.is_some()
            && status.last_prompt.is_some()
    }

    /// The outcome. `is_busy` is whether a claude works on this conversation.
    pub fn finish(mut self, is_busy: bool) -> TurnStatus {
        self.end_answer();
        let mut status = self.status;
        status.last_prompt = status.last_prompt.or(self.repeated_prompt);
        status.end = match self.end {
            _ if is_busy => Some(TurnEnd::Running),
            Some(Seen::Ended(end)) => Some(end),
            Some(Seen::Open) => Some(TurnEnd::BrokenOff),
            None => None,
        };
        status
    }

    fn note_end(&mut self, kind: &EntryKind) {
        let seen = match kind {
            EntryKind::TurnEnd | EntryKind::ShellOutput(_) => Seen::Ended(TurnEnd::Done),
            EntryKind::Failure(failure) => Seen::Ended(TurnEnd::Failed(failure.clone())),
            EntryKind::Interruption => Seen::Ended(TurnEnd::Interrupted),
            EntryKind::Answer(answer) if answer.is_aborted => Seen::Ended(TurnEnd::Interrupted),
            EntryKind::Answer(answer) if goes_on(answer) => Seen::Open,
            EntryKind::Answer(_) => Seen::Ended(TurnEnd::Done),
            EntryKind::Prompt { .. } | EntryKind::Continuation | EntryKind::ToolResults(_) => Seen::Open,
            // What is written between turns, and within one, says nothing of its end.
            _ => return,
        };
        self.end.get_or_insert(seen);
    }

    fn take_answer(&mut self, answer: Answer) {
        if self.status.model.is_none() {
            self.status.model = answer.model;
        }
        self.status.context_tokens = self.status.context_tokens.or(answer.tokens);
        if self.is_answer_whole {
            return;
        }
        let is_same = self.message.is_none() || self.message == answer.message;
        if !self.words.is_empty() && !is_same {
            return self.end_answer();
        }
        for block in answer.blocks.into_iter().rev() {
            match block {
                AnswerBlock::Text(text) => {
                    if self.words.is_empty() {
                        self.status.answers_last_prompt = !self.is_past_prompt;
                    }
                    self.words.push(text);
                }
                AnswerBlock::ToolCall { .. } => self.end_answer(),
                AnswerBlock::Other => {}
            }
        }
        self.message = answer.message;
    }

    /// What stands before does not belong to the last answer, if there is one.
    fn end_answer(&mut self) {
        if self.words.is_empty() || self.is_answer_whole {
            return;
        }
        self.is_answer_whole = true;
        self.words.reverse();
        self.status.last_answer = Some(std::mem::take(&mut self.words).join("\n\n"));
    }
}

/// Whether something must follow this part of an answer.
fn goes_on(answer: &Answer) -> bool {
    matches!(answer.stop_reason.as_deref(), Some("tool_use" | "pause_turn"))
        || matches!(answer.blocks.last(), Some(AnswerBlock::ToolCall { .. }))
}

#[cfg(test)]
mod tests;

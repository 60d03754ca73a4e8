//! The turn of one message, found in the lines of a transcript from the message on: where it begins, how it
//! ends, and what was answered. A decision without I/O.
//!
//! As seen with 2.1.332 (`docs/internals/claude-code.md`, "What a transcript says"): a message that is sent
//! while a turn runs begins the next turn, or becomes a part of the one that runs.

use serde_json::Value;
use unicode_width::UnicodeWidthChar;

use super::entry::{Answer, AnswerBlock, Entry, EntryKind};
use super::failure::ApiFailure;

/// How the turn of a message has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageEnd {
    /// It was answered.
    Done,
    /// It ended in an error.
    Failed(ApiFailure),
    /// The user has broken it off.
    Interrupted,
}

/// How far the turn is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageStage {
    /// No line shows the message yet, but perhaps one that it waits in claude's queue.
    Waits,
    /// The turn has begun.
    Runs,
    /// It has ended.
    Ended(MessageEnd),
}

/// Follows the turn of a message.
#[derive(Debug, Clone)]
pub struct MessageTurn {
    /// The message without what claude may write otherwise.
    text: String,
    stage: MessageStage,
    /// What was said since the last call of a tool.
    words: Vec<String>,
    /// The message that they stand in.
    message: Option<String>,
}

impl MessageTurn {
    /// The turn of a message with this text, which was sent a moment ago.
    pub fn new(text: &str) -> Self {
        Self { text: squash(text), stage: MessageStage::Waits, words: vec![], message: None }
    }

    /// How far it is.
    pub fn stage(&self) -> &MessageStage {
        &self.stage
    }

    /// The last words of the answer.
    pub fn answer(&self) -> String {
        self.words.join("\n\n")
    }

    /// Takes the next line.
    pub fn take(&mut self, line: &[u8]) {
        match self.stage {
            MessageStage::Waits if self.is_shown_in(line) => self.stage = MessageStage::Runs,
            MessageStage::Runs => {
                if let Some(entry) = Entry::parse(line).filter(|entry| !entry.is_sidechain) {
                    self.follow(entry.kind);
                }
            }
            MessageStage::Waits | MessageStage::Ended(_) => {}
        }
    }

    /// Whether a line says that the model gets the message now.
    fn is_shown_in(&self, line: &[u8]) -> bool {
        let Ok(entry) = serde_json::from_slice::<Value>(line.trim_ascii()) else { return false };
        let is_it = |text: &Value| text.as_str().is_some_and(|text| self.is_text(text));
        let attachment = &entry["attachment"];
        match entry["type"].as_str() {
            Some("user") if entry["isMeta"] != true => {
                let content = &entry["message"]["content"];
                let blocks = content.as_array().into_iter().flatten();
                is_it(content) || blocks.map(|block| &block["text"]).any(is_it)
            }
            Some("attachment") if attachment["type"] == "queued_command" => is_it(&attachment["prompt"]),
            _ => false,
        }
    }

    /// Whether claude writes the message so: a long one is in a tag of its own.
    fn is_text(&self, text: &str) -> bool {
        let text = text.trim();
        let inner = text.strip_prefix("<pasted_content").and_then(|rest| rest.split_once('>'));
        let inner =
            inner.map(|(_, rest)| rest.rsplit_once("</pasted_content").map_or(rest, |(inner, _)| inner));
        squash(text) == self.text || inner.is_some_and(|inner| squash(inner) == self.text)
    }

    fn follow(&mut self, kind: EntryKind) {
        match kind {
            EntryKind::Answer(answer) if answer.is_aborted => self.end(MessageEnd::Interrupted),
            EntryKind::Answer(answer) => self.say(answer),
            EntryKind::ToolResults(_) | EntryKind::Continuation => self.words.clear(),
            EntryKind::Failure(failure) => self.end(MessageEnd::Failed(failure)),
            EntryKind::Interruption => self.end(MessageEnd::Interrupted),
            // Claude was killed, and sends it again because it had written nothing of the answer.
            EntryKind::Prompt { text, .. } if self.words.is_empty() && self.is_text(&text) => {}
            // The next turn begins only when this one has ended.
            EntryKind::TurnEnd | EntryKind::Prompt { .. } => self.end(MessageEnd::Done),
            _ => {}
        }
    }

    fn say(&mut self, answer: Answer) {
        if self.message != answer.message {
            self.words.clear();
            self.message = answer.message;
        }
        for block in answer.blocks {
            match block {
                AnswerBlock::Text(text) => self.words.push(text),
                AnswerBlock::ToolCall { .. } => self.words.clear(),
                AnswerBlock::Other => {}
            }
        }
    }

    fn end(&mut self, end: MessageEnd) {
        self.stage = MessageStage::Ended(end);
    }
}

/// Without blanks, which claude trims and replaces, and without characters that take no room.
fn squash(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && c.width().unwrap_or(0) > 0).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn turn(text: &str, lines: &[Value]) -> MessageTurn {
        let mut turn = MessageTurn::new(text);
        lines.iter().for_each(|line| turn.take(line.to_string().as_bytes()));
        turn
    }

    fn user(text: &str) -> Value {
        json!({"type": "user", "origin": {"kind": "human"}, "message": {"role": "user", "content": text}})
    }

    fn says(id: &str, text: &str) -> Value {
        let content = json!([{"type": "text", "text": text}]);
        json!({"type": "assistant", "message": {"id": id, "content": content, "stop_reason": "end_turn"}})
    }

    fn calls(id: &str) -> Value {
        let content = json!([{"type": "tool_use", "id": "t", "name": "Bash", "input": {}}]);
        json!({"type": "assistant", "message": {"id": id, "content": content, "stop_reason": "tool_use"}})
    }

    fn result() -> Value {
        let content = json!([{"type": "tool_result", "tool_use_id": "t", "content": "x"}]);
        json!({"type": "user", "message": {"role": "user", "content": content}})
    }

    fn ends() -> Value {
        json!({"type": "system", "subtype": "turn_duration"})
    }

    fn enqueued(text: &str) -> Value {
        json!({"type": "queue-operation", "operation": "enqueue", "content": text})
    }

    #[test]
    fn the_answer_is_what_was_said_last() {
        let lines = [user("mine"), says("1", "I look."), calls("1"), result(), says("2", "Found."), ends()];
        let turn = turn("mine", &lines);
        assert_eq!((turn.stage(), &*turn.answer()), (&MessageStage::Ended(MessageEnd::Done), "Found."));
    }

    /// As seen with 2.1.332: a claude that was killed before it had written anything of the answer.
    #[test]
    fn a_message_that_claude_sends_again_after_a_crash_has_one_answer() {
        let lines = [user("mine"), user("mine"), says("1", "To mine."), ends()];
        let turned = turn("mine", &lines);
        assert_eq!((turned.stage(), &*turned.answer()), (&MessageStage::Ended(MessageEnd::Done), "To mine."));
        // Another one with the same words, where no end of the first turn was written.
        let lines = [user("mine"), says("1", "First."), user("mine"), says("2", "Second.")];
        assert_eq!(turn("mine", &lines).answer(), "First.");
    }

    #[test]
    fn a_queued_message_has_the_turn_behind_the_one_that_runs() {
        let before = [enqueued("mine"), says("1", "To the first."), ends()];
        assert_eq!(turn("mine", &before).stage(), &MessageStage::Waits);
        let after = [user("mine"), says("2", "To mine."), ends(), user("another"), says("3", "No.")];
        let turn = turn("mine", &[&before[..], &after].concat());
        assert_eq!((turn.stage(), &*turn.answer()), (&MessageStage::Ended(MessageEnd::Done), "To mine."));
    }

    #[test]
    fn or_it_becomes_a_part_of_the_one_that_runs() {
        let attachment = json!({"type": "queued_command", "prompt": "mine", "commandMode": "prompt"});
        let taken = json!({"type": "attachment", "attachment": attachment});
        let lines = [enqueued("mine"), calls("1"), result(), taken, says("2", "To both."), ends()];
        let turn = turn("mine", &lines);
        assert_eq!((turn.stage(), &*turn.answer()), (&MessageStage::Ended(MessageEnd::Done), "To both."));
    }

    #[test]
    fn a_long_message_is_known_in_its_tag() {
        let lines =
            [user("<pasted_content id=\"1\">\nmine\n  too\n</pasted_content id=\"1\">"), says("1", "Yes.")];
        assert_eq!(turn("mine\ntoo", &lines).stage(), &MessageStage::Runs);
    }

    #[test]
    fn bad_ends_are_told() {
        let failed = json!({"type": "assistant", "isApiErrorMessage": true, "error": "server_error",
            "apiErrorStatus": 529, "message": {"content": [{"type": "text", "text": "API Error: 529"}]}});
        let turned = turn("mine", &[user("mine"), failed]);
        assert!(matches!(turned.stage(), MessageStage::Ended(MessageEnd::Failed(_))), "{turned:?}");
        let turned = turn("mine", &[user("mine"), user("[Request interrupted by user]")]);
        assert_eq!(turned.stage(), &MessageStage::Ended(MessageEnd::Interrupted));
    }

    proptest! {
        #[test]
        fn no_line_is_an_error_and_the_end_stays(lines in proptest::collection::vec("\\PC{0,60}", 0..8)) {
            let mut turn = MessageTurn::new("mine");
            for line in [user("mine"), ends()] {
                turn.take(line.to_string().as_bytes());
            }
            lines.iter().for_each(|line| turn.take(line.as_bytes()));
            prop_assert_eq!(turn.stage(), &MessageStage::Ended(MessageEnd::Done));
        }
    }
}

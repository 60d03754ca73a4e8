//! What is printed of a line of a transcript: for reading, or as JSON.

use serde_json::{Value, json};

use super::super::last_turn::first_line;
use crate::claude::transcript::entry::{AnswerBlock, Asker, Entry, EntryKind};
use crate::claude::transcript::failure::ApiFailure;
use crate::escape::{escape, json as escaped_json, lines, prose};
use crate::os::clock::LocalTime;

/// The longest line that stands for a tool's input or result, in characters.
const MAX_FOLDED_CHARS: usize = 160;
/// What of a tool's input says most, the first one first.
const TELLING_INPUTS: [&str; 9] =
    ["command", "file_path", "notebook_path", "pattern", "url", "query", "description", "prompt", "skill"];

/// Something that was said, or that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    Prompt {
        by: Asker,
        text: String,
    },
    Answer {
        text: String,
        model: Option<String>,
    },
    ToolCall {
        id: Option<String>,
        name: String,
        input: Value,
    },
    ToolResult {
        id: Option<String>,
        text: String,
        is_error: bool,
    },
    ShellOutput(String),
    Failure(ApiFailure),
    Interruption,
    Compaction {
        tokens: Option<u64>,
    },
    Notice(String),
    /// Another conversation begins, in the same session.
    Conversation,
}

/// What a line says to its reader: nothing, one thing, or several. Subagents are left out, and so is what only
/// claude itself needs.
pub fn said(entry: Entry) -> Vec<Said> {
    if entry.is_sidechain {
        return vec![];
    }
    match entry.kind {
        EntryKind::Prompt { asker, text } => vec![Said::Prompt { by: asker, text }],
        EntryKind::ToolResults(results) => {
            let said = |result: crate::claude::transcript::entry::ToolResult| Said::ToolResult {
                id: result.id,
                text: result.text,
                is_error: result.is_error,
            };
            results.into_iter().map(said).collect()
        }
        EntryKind::ShellOutput(text) => vec![Said::ShellOutput(text)],
        EntryKind::Interruption => vec![Said::Interruption],
        EntryKind::Answer(answer) => {
            let model = answer.model;
            let said = |block| match block {
                AnswerBlock::Text(text) => Some(Said::Answer { text, model: model.clone() }),
                AnswerBlock::ToolCall { id, name, input } => Some(Said::ToolCall { id, name, input }),
                AnswerBlock::Other => None,
            };
            answer.blocks.into_iter().filter_map(said).collect()
        }
        EntryKind::Failure(failure) => vec![Said::Failure(failure)],
        EntryKind::Compaction { tokens } => vec![Said::Compaction { tokens }],
        EntryKind::Notice(text) => vec![Said::Notice(text)],
        EntryKind::Continuation
        | EntryKind::TurnEnd
        | EntryKind::Summary(_)
        | EntryKind::LastPrompt(_)
        | EntryKind::Bookkeeping
        | EntryKind::Unknown => vec![],
    }
}

/// For reading: when and who, and below it what was said; a tool is folded to a line.
pub fn readable(said: &Said, at: Option<u64>) -> String {
    let time = at.and_then(LocalTime::at).map(|time| time.to_string());
    // To the second.
    let time = time.as_deref().and_then(|time| time.get(..19)).unwrap_or("-");
    let folded = |text: &str| prose(&fold(text));
    match said {
        Said::Prompt { by: Asker::Claude, text } => format!("{time}  claude goes on: {}\n", folded(text)),
        Said::Prompt { text, .. } => format!("{time}  you\n{}", paragraph(text)),
        Said::Answer { text, .. } => format!("{time}  claude\n{}", paragraph(text)),
        Said::ToolCall { name, input, .. } => {
            format!("{time}  tool  {}: {}\n", escape(name), folded(&telling(input)))
        }
        Said::ToolResult { text, is_error: true, .. } => format!("{time}  tool failed  {}\n", folded(text)),
        Said::ToolResult { text, .. } => format!("{time}  result  {}\n", folded(text)),
        Said::ShellOutput(text) => format!("{time}  output\n{}", paragraph(text)),
        Said::Failure(failure) => format!("{time}  error  {}\n", prose(failure.text.trim())),
        Said::Interruption => format!("{time}  interrupted by you\n"),
        Said::Compaction { tokens } => {
            let left = tokens.map(|tokens| format!(", {tokens} tokens are left")).unwrap_or_default();
            format!("{time}  compacted{left}\n")
        }
        Said::Notice(text) => format!("{time}  notice  {}\n", folded(text)),
        Said::Conversation => format!("{time}  another conversation begins\n"),
    }
}

/// For programs: one object a line, with the fields that `docs/user/scripting.md` lists.
pub fn as_json(said: &Said, at: Option<u64>, conversation: &str) -> String {
    let mut line = match said {
        Said::Prompt { by, text } => {
            let by = match by {
                Asker::User => "user",
                Asker::Shell => "shell",
                Asker::Claude => "claude",
            };
            json!({"kind": "prompt", "by": by, "text": text})
        }
        Said::Answer { text, model } => json!({"kind": "answer", "text": text, "model": model}),
        Said::ToolCall { id, name, input } => {
            json!({"kind": "tool_call", "tool": name, "tool_id": id, "input": input})
        }
        Said::ToolResult { id, text, is_error } => {
            json!({"kind": "tool_result", "tool_id": id, "text": text, "is_error": is_error})
        }
        Said::ShellOutput(text) => json!({"kind": "shell_output", "text": text}),
        Said::Failure(failure) => json!({"kind": "error", "text": failure.text, "error": failure.kind,
            "status": failure.status}),
        Said::Interruption => json!({"kind": "interrupted"}),
        Said::Compaction { tokens } => json!({"kind": "compacted", "context_tokens": tokens}),
        Said::Notice(text) => json!({"kind": "notice", "text": text}),
        Said::Conversation => json!({"kind": "conversation"}),
    };
    line["at"] = at.and_then(LocalTime::at).map(|time| time.rfc3339()).into();
    line["conversation"] = conversation.into();
    format!("{}\n", escaped_json(&line.to_string()))
}

/// A text as it was written, without what a terminal would obey.
pub fn plain(text: &str) -> String {
    lines(text.trim_end())
}

/// The same, indented.
fn paragraph(text: &str) -> String {
    let indented = |line: &str| if line.is_empty() { "\n".into() } else { format!("  {line}\n") };
    plain(text.trim_start_matches('\n')).lines().map(indented).collect()
}

/// A text in a line: the first line that has words, and how many more there are.
fn fold(text: &str) -> String {
    let Some(first) = first_line(text) else { return "(nothing)".into() };
    let more = text.trim().lines().count().saturating_sub(1);
    let mut line: String = first.chars().take(MAX_FOLDED_CHARS).collect();
    if line.len() < first.len() {
        line.push('\u{2026}');
    }
    match more {
        0 => line,
        more => format!("{line} (+{more} lines)"),
    }
}

/// What of a tool's input says most.
fn telling(input: &Value) -> String {
    let text = TELLING_INPUTS.iter().find_map(|key| input[key].as_str());
    text.map_or_else(|| input.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &Value) -> String {
        let entry = Entry::parse(line.to_string().as_bytes()).expect("an object");
        let at = entry.at;
        said(entry).iter().map(|said| readable(said, at)).collect()
    }

    #[test]
    fn nothing_reaches_the_terminal_that_it_would_obey() {
        let text = "a\u{1b}[2Jb\n\tindented\r\n\nlast\u{202e}\n\n";
        let prompt = shown(&json!({"type": "user", "message": {"content": text}}));
        assert_eq!(prompt, "-  you\n  a\\u{1b}[2Jb\n  \tindented\n\n  last\\u{202e}\n");
        let said = Said::Answer { text: text.into(), model: None };
        let line = as_json(&said, None, "c");
        assert!(!line.contains(['\u{1b}', '\u{202e}']) && line.lines().count() == 1);
        assert_eq!(serde_json::from_str::<Value>(&line).expect("JSON")["text"], text);
    }

    #[test]
    fn a_tool_is_folded_to_a_line() {
        let call = json!({"type": "assistant", "message": {"content": [
            {"type": "text", "text": "I will."},
            {"type": "tool_use", "id": "t", "name": "Bash", "input": {"command": "ls -l\ncat x", "description": "d"}},
            {"type": "tool_use", "id": "t", "name": "Odd", "input": {"n": 1}},
        ]}});
        assert_eq!(
            shown(&call),
            "-  claude\n  I will.\n-  tool  Bash: ls -l (+1 lines)\n-  tool  Odd: {\"n\":1}\n"
        );
        let result = json!({"type": "user", "message": {"content": [
            {"type": "tool_result", "tool_use_id": "t", "content": "\n", "is_error": false},
            {"type": "tool_result", "tool_use_id": "t", "content": "x".repeat(200), "is_error": true},
        ]}});
        let expected =
            format!("-  result  (nothing)\n-  tool failed  {}\u{2026}\n", "x".repeat(MAX_FOLDED_CHARS));
        assert_eq!(shown(&result), expected);
    }

    #[test]
    fn what_only_claude_needs_is_left_out() {
        for line in [
            json!({"type": "user", "isSidechain": true, "message": {"content": "side"}}),
            json!({"type": "user", "isMeta": true, "message": {"content": "meta"}}),
            json!({"type": "system", "subtype": "turn_duration"}),
            json!({"type": "mode"}),
        ] {
            assert_eq!(shown(&line), "", "{line}");
        }
    }
}

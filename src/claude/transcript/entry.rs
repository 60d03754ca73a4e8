//! One line of a transcript, parsed leniently.
//!
//! Undocumented, as seen with Claude Code 2.1.332: `docs/internals/claude-code.md`, "What a transcript says".
//! A field that is missing or of another type than expected counts as absent. A line of an unknown type is
//! [`EntryKind::Unknown`], and never an error.

use jiff::Timestamp;
use serde_json::Value;

use super::failure::ApiFailure;

/// The model that claude names for what it has said itself, in the place of a model.
const SYNTHETIC_MODEL: &str = "<synthetic>";
/// The types that say nothing about what was said. `api-request`, `api-request-blob` and others begin with
/// the same word.
const BOOKKEEPING: [&str; 20] = [
    "agent-color",
    "agent-name",
    "agent-setting",
    "ai-title",
    "atis-latch",
    "attachment",
    "bridge-session",
    "continued-in",
    "cost-state",
    "custom-title",
    "file-history-snapshot",
    "mode",
    "permission-mode",
    "pr-link",
    "progress",
    "queue-operation",
    "summary",
    "tag",
    "tools-used",
    "worktree-state",
];

/// A line of a transcript.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// When it was written, in milliseconds since 1970.
    pub at: Option<u64>,
    /// Whether a subagent has said it. Newer versions keep those in files of their own.
    pub is_sidechain: bool,
    /// The branch of git in the working directory. Without a repository, and on no branch, claude writes
    /// `HEAD`, which is not passed on.
    pub git_branch: Option<String>,
    /// What it says.
    pub kind: EntryKind,
}

/// What a line says.
#[derive(Debug, Clone, PartialEq)]
pub enum EntryKind {
    /// A turn begins.
    Prompt {
        /// Who or what began it.
        asker: Asker,
        /// What was asked, as it was typed: `! ls` for a shell command, `/init` for a command.
        text: String,
    },
    /// The model goes on because claude told it to: its answer was too long, say.
    Continuation,
    /// What tools have answered.
    ToolResults(Vec<ToolResult>),
    /// What a `!` command has printed.
    ShellOutput(String),
    /// The user has broken off the turn (Esc).
    Interruption,
    /// A part of the model's answer: each block has a line of its own.
    Answer(Answer),
    /// The turn has ended in an error.
    Failure(ApiFailure),
    /// The turn has ended (`turn_duration`).
    TurnEnd,
    /// The conversation was compacted.
    Compaction {
        /// The tokens that are left in the context.
        tokens: Option<u64>,
    },
    /// The summary that stands for what was compacted.
    Summary(String),
    /// What claude tells its user, outside the conversation.
    Notice(String),
    /// The last prompt, repeated.
    LastPrompt(String),
    /// A command that the model does not see, or something that only claude itself needs.
    Bookkeeping,
    /// A type that is not known here.
    Unknown,
}

/// Who or what began a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    /// The user, with words or with a command that the model carries out.
    User,
    /// The user, with a command of the shell (`!`).
    Shell,
    /// Claude itself: a task in the background has ended, say.
    Claude,
}

/// A part of what the model says.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The message that it is a part of.
    pub message: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// What it says.
    pub blocks: Vec<AnswerBlock>,
    /// Why the message ended: `end_turn`, `tool_use`, `max_tokens`…; absent where it was broken off.
    pub stop_reason: Option<String>,
    /// The tokens in the context: read, cached and written.
    pub tokens: Option<u64>,
    /// Whether the user has broken it off.
    pub is_aborted: bool,
}

/// A block of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum AnswerBlock {
    /// Words.
    Text(String),
    /// A tool is called.
    ToolCall {
        /// The id of the call, which the result repeats.
        id: Option<String>,
        /// The tool's name.
        name: String,
        /// Its input, as the model wrote it.
        input: Value,
    },
    /// Thinking, and everything else.
    Other,
}

/// What a tool has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolResult {
    /// The id of its call.
    pub id: Option<String>,
    /// What it says; pictures are left out.
    pub text: String,
    /// Whether it failed or was refused.
    pub is_error: bool,
}

impl Entry {
    /// Parses a line; nothing where it is no JSON object (half of one, NULs).
    pub fn parse(line: &[u8]) -> Option<Self> {
        let line = line.trim_ascii();
        let value = match serde_json::from_slice::<Value>(line) {
            Ok(value) => value,
            Err(_) => serde_json::from_slice(&mend(line)?).ok()?,
        };
        if !value.is_object() {
            return None;
        }
        let at = value["timestamp"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
        Some(Self {
            at: at.and_then(|at| u64::try_from(at.as_millisecond()).ok()),
            is_sidechain: value["isSidechain"] == true,
            git_branch: text(&value["gitBranch"]).filter(|branch| branch != "HEAD"),
            kind: kind(&value),
        })
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn kind(value: &Value) -> EntryKind {
    match value["type"].as_str().unwrap_or_default() {
        "user" => user(value),
        "assistant" => assistant(value),
        "system" => system(value),
        "last-prompt" => text(&value["lastPrompt"]).map_or(EntryKind::Bookkeeping, EntryKind::LastPrompt),
        kind if kind.starts_with("api-request") || BOOKKEEPING.contains(&kind) => EntryKind::Bookkeeping,
        _ => EntryKind::Unknown,
    }
}

fn system(value: &Value) -> EntryKind {
    match value["subtype"].as_str().unwrap_or_default() {
        "turn_duration" => EntryKind::TurnEnd,
        "compact_boundary" => {
            EntryKind::Compaction { tokens: value["compactMetadata"]["postTokens"].as_u64() }
        }
        "informational" => text(&value["content"]).map_or(EntryKind::Bookkeeping, EntryKind::Notice),
        _ => EntryKind::Bookkeeping,
    }
}

fn assistant(value: &Value) -> EntryKind {
    if value["isApiErrorMessage"] == true {
        return EntryKind::Failure(ApiFailure::of_line(value, joined(&value["message"]["content"])));
    }
    let message = &value["message"];
    // `No response requested.` is written for a prompt that a crash left without an answer.
    if message["model"] == SYNTHETIC_MODEL {
        return EntryKind::Bookkeeping;
    }
    let usage = &message["usage"];
    let tokens = ["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens"];
    let tokens = tokens.iter().filter_map(|key| usage[key].as_u64()).fold(0u64, u64::saturating_add);
    EntryKind::Answer(Answer {
        message: text(&message["id"]),
        model: text(&message["model"]),
        // A text alone is one block, as in a prompt.
        blocks: match text(&message["content"]) {
            Some(words) => vec![AnswerBlock::Text(words)],
            None => blocks(&message["content"]).map(block).collect(),
        },
        stop_reason: text(&message["stop_reason"]),
        tokens: Some(tokens).filter(|tokens| *tokens > 0),
        is_aborted: value["isAbortedMidStream"] == true,
    })
}

fn block(block: &Value) -> AnswerBlock {
    match (block["type"].as_str(), text(&block["text"])) {
        (Some("text"), Some(words)) => AnswerBlock::Text(words),
        (Some("tool_use" | "server_tool_use"), _) => AnswerBlock::ToolCall {
            id: text(&block["id"]),
            name: text(&block["name"]).unwrap_or_default(),
            input: block["input"].clone(),
        },
        _ => AnswerBlock::Other,
    }
}

fn user(value: &Value) -> EntryKind {
    let content = &value["message"]["content"];
    let results: Vec<ToolResult> =
        blocks(content).filter(|block| block["type"] == "tool_result").map(tool_result).collect();
    if !results.is_empty() {
        return EntryKind::ToolResults(results);
    }
    let said = joined(content);
    if value["isCompactSummary"] == true {
        return EntryKind::Summary(said);
    }
    if value["isMeta"] == true {
        let goes_on = value["turnCompanion"] == true;
        return if goes_on { EntryKind::Continuation } else { EntryKind::Bookkeeping };
    }
    if said.starts_with("[Request interrupted by user") {
        return EntryKind::Interruption;
    }
    let prompt = |asker, text| EntryKind::Prompt { asker, text };
    if value["origin"]["kind"] == "human" {
        return prompt(Asker::User, said);
    }
    let tag = |name| tag(&said, name);
    // A command that the model carries out begins with its message, one that it does not see with its name.
    match said.split(['<', '>']).nth(1).filter(|_| said.starts_with('<')) {
        Some("bash-input") => prompt(Asker::Shell, format!("! {}", tag("bash-input").unwrap_or_default())),
        Some("bash-stdout" | "bash-stderr") => {
            let parts = ["bash-stdout", "bash-stderr"].map(|name| tag(name).unwrap_or_default());
            EntryKind::ShellOutput(parts.concat())
        }
        Some("command-message") => {
            let words = ["command-name", "command-args"].map(|name| tag(name).unwrap_or_default());
            prompt(Asker::User, words.join(" ").trim().to_owned())
        }
        Some("command-name" | "local-command-stdout" | "local-command-stderr" | "local-command-caveat") => {
            EntryKind::Bookkeeping
        }
        Some("task-notification") => {
            prompt(Asker::Claude, tag("summary").unwrap_or("a task has ended").to_owned())
        }
        Some("system-reminder") => prompt(Asker::Claude, said),
        _ => prompt(Asker::User, said),
    }
}

fn tool_result(block: &Value) -> ToolResult {
    ToolResult {
        id: text(&block["tool_use_id"]),
        text: joined(&block["content"]),
        is_error: block["is_error"] == true,
    }
}

/// What stands between `<name>` and `</name>`.
fn tag<'a>(said: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = said.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(inner, _)| inner)
}

/// The blocks of a content, which may be a text alone.
fn blocks(content: &Value) -> impl Iterator<Item = &Value> {
    content.as_array().into_iter().flatten()
}

/// The words of a content. A picture is named as one.
fn joined(content: &Value) -> String {
    if let Some(text) = content.as_str() {
        return text.to_owned();
    }
    let words = blocks(content).filter_map(|block| match block["type"].as_str() {
        Some("text") => text(&block["text"]),
        Some("image") => Some("[picture]".to_owned()),
        Some("document") => Some("[document]".to_owned()),
        _ => None,
    });
    words.collect::<Vec<_>>().join("\n")
}

/// A line without what keeps serde_json from reading it: NULs around it, which a power cut leaves, and halves
/// of surrogate pairs, which are left where JavaScript cuts a text. Nothing where there was none of that.
fn mend(line: &[u8]) -> Option<Vec<u8>> {
    let zeros = |bytes: &[u8]| bytes.iter().take_while(|byte| **byte == 0).count();
    let mut mended = line[zeros(line)..].to_vec();
    while mended.last() == Some(&0) {
        mended.pop();
    }
    let had_zeros = mended.len() != line.len();
    let mut at = 0;
    let mut had_halves = false;
    while let Some(found) = memchr::memchr(b'\\', &mended[at..]) {
        let start = at + found;
        let (first, second) = (unit(&mended, start), unit(&mended, start + 6));
        at = start + 2;
        match (first, second) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => at = start + 12,
            (Some(0xd800..=0xdfff), _) => {
                mended[start + 2..start + 6].copy_from_slice(b"fffd");
                had_halves = true;
            }
            _ => {}
        }
        if at > mended.len() {
            break;
        }
    }
    (had_zeros || had_halves).then_some(mended)
}

/// The UTF-16 unit that is spelt out here (`\ud83d`), if there is one.
fn unit(line: &[u8], start: usize) -> Option<u16> {
    let digits = line.get(start..start + 6)?.strip_prefix(b"\\u")?;
    u16::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

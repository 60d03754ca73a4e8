//! Transcripts as Claude Code 2.1.332 wrote them, with less in each line.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::failure::FailureKind;
use super::*;

fn status(lines: &[Value], is_busy: bool) -> TurnStatus {
    let mut reader = TurnReader::default();
    for line in lines.iter().rev() {
        reader.take(Entry::parse(line.to_string().as_bytes()).expect("an object"));
        if reader.knows_all() {
            break;
        }
    }
    reader.finish(is_busy)
}

fn end(lines: &[Value]) -> Option<TurnEnd> {
    status(lines, false).end
}

fn prompt(text: &str) -> Value {
    json!({"type": "user", "message": {"role": "user", "content": text}, "origin": {"kind": "human"},
        "timestamp": "2026-11-30T00:34:25.815Z", "gitBranch": "main"})
}

fn part(message: &str, stop_reason: Option<&str>, block: Value) -> Value {
    let usage = json!({"input_tokens": 10, "cache_creation_input_tokens": 1000, "cache_read_input_tokens": 20000,
        "output_tokens": 12});
    json!({"type": "assistant", "timestamp": "2026-11-30T00:34:27Z", "message": {"id": message, "role": "assistant",
        "model": "claude-opus-5-5", "stop_reason": stop_reason, "usage": usage, "content": [block]}})
}

fn words(message: &str, stop_reason: Option<&str>, text: &str) -> Value {
    part(message, stop_reason, json!({"type": "text", "text": text}))
}

fn call() -> Value {
    part(
        "m1",
        Some("tool_use"),
        json!({"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "ls"}}),
    )
}

fn result() -> Value {
    json!({"type": "user", "message": {"content": [{"type": "tool_result", "tool_use_id": "t1", "content": "x"}]}})
}

fn duration() -> Value {
    json!({"type": "system", "subtype": "turn_duration", "durationMs": 55})
}

fn failure() -> Value {
    json!({"type": "assistant", "isApiErrorMessage": true, "error": "server_error", "apiErrorStatus": 529,
        "message": {"model": "<synthetic>", "content": [{"type": "text", "text": "API Error: 529 Overloaded."}]}})
}

#[test]
fn a_turn_that_was_answered_is_done() {
    let lines =
        [prompt("go"), words("m", Some("end_turn"), "one"), words("m", Some("end_turn"), "two"), duration()];
    let status = status(&lines, false);
    assert_eq!(status.end, Some(TurnEnd::Done));
    assert_eq!(status.model.as_deref(), Some("claude-opus-5-5"));
    assert_eq!(status.context_tokens, Some(21022));
    assert_eq!(status.last_prompt.as_deref(), Some("go"));
    assert_eq!(status.last_answer.as_deref(), Some("one\n\ntwo"));
    assert!(status.answers_last_prompt);
    assert_eq!(status.git_branch.as_deref(), Some("main"));
    assert_eq!(status.last_at, Some(1_795_998_867_000));
    // Earlier versions write no `turn_duration`, and no reason.
    assert_eq!(end(&lines[..3]), Some(TurnEnd::Done));
    assert_eq!(end(&[prompt("go"), words("m", None, "one")]), Some(TurnEnd::Done));
}

#[test]
fn a_turn_without_an_end_runs_or_is_broken_off() {
    let whole = [prompt("go"), words("m1", Some("tool_use"), "I will."), call(), result()];
    for length in 1..=whole.len() {
        assert_eq!(end(&whole[..length]), Some(TurnEnd::BrokenOff), "{length}");
        assert_eq!(status(&whole[..length], true).end, Some(TurnEnd::Running), "{length}");
    }
    // A claude that comes up again writes this for a prompt without an answer.
    let nothing = json!({"type": "assistant", "isApiErrorMessage": false,
        "message": {"model": "<synthetic>", "content": [{"type": "text", "text": "No response requested."}]}});
    assert_eq!(end(&[prompt("go"), nothing.clone()]), Some(TurnEnd::BrokenOff));
    assert_eq!(end(&[nothing]), None);
    assert_eq!(end(&[]), None);
}

#[test]
fn an_error_ends_a_turn_until_the_next_one() {
    let Some(TurnEnd::Failed(found)) = end(&[prompt("go"), failure()]) else { panic!("it failed") };
    assert_eq!((found.kind, found.status), (FailureKind::Overloaded, Some(529)));
    assert_eq!(found.text, "API Error: 529 Overloaded.");
    let status = status(&[prompt("a"), words("m", None, "b"), prompt("c"), failure()], false);
    assert_eq!((status.last_prompt.as_deref(), status.last_answer.as_deref()), (Some("c"), Some("b")));
    assert!(!status.answers_last_prompt);
    let lines = [prompt("a"), failure(), prompt("b"), words("m", Some("end_turn"), "c")];
    assert_eq!(end(&lines), Some(TurnEnd::Done));
}

#[test]
fn esc_interrupts_a_turn() {
    let said = json!({"type": "user", "message": {"content": [{"type": "text", "text": "[Request interrupted by user]"}]}});
    let mut aborted = words("m", None, "tick");
    aborted["isAbortedMidStream"] = true.into();
    assert_eq!(end(&[prompt("go"), aborted.clone(), said.clone()]), Some(TurnEnd::Interrupted));
    assert_eq!(end(&[prompt("go"), aborted]), Some(TurnEnd::Interrupted));
    assert_eq!(end(&[prompt("go"), call(), result(), said]), Some(TurnEnd::Interrupted));
}

#[test]
fn a_compaction_leaves_the_end_and_changes_the_tokens() {
    let boundary =
        json!({"type": "system", "subtype": "compact_boundary", "compactMetadata": {"postTokens": 3105}});
    let summary = json!({"type": "user", "isCompactSummary": true, "message": {"content": "This session…"}});
    let command = json!({"type": "user", "message": {"content": "<command-name>/compact</command-name>"}});
    let lines = [prompt("go"), words("m", Some("end_turn"), "one"), duration(), boundary, summary, command];
    let status = status(&lines, false);
    assert_eq!((status.end, status.context_tokens), (Some(TurnEnd::Done), Some(3105)));
    assert_eq!(status.last_prompt.as_deref(), Some("go"));
    assert_eq!(end(&[prompt("go"), lines[3].clone(), lines[4].clone()]), Some(TurnEnd::BrokenOff));
}

#[test]
fn what_claude_itself_asks_is_not_what_the_user_asked() {
    let task = json!({"type": "user", "message": {"content": "<task-notification><summary>x</summary></task-notification>"}});
    let more = json!({"type": "user", "isMeta": true, "turnCompanion": true, "message": {"content": "Output token limit hit."}});
    let answer = words("m", Some("end_turn"), "one");
    for line in [task, more] {
        let status = status(&[prompt("go"), answer.clone(), line], false);
        assert_eq!(status.end, Some(TurnEnd::BrokenOff));
        assert_eq!(status.last_prompt.as_deref(), Some("go"));
    }
}

#[test]
fn a_shell_command_is_a_prompt() {
    let input = json!({"type": "user", "message": {"content": "<bash-input>ls -l</bash-input>"}});
    let output = json!({"type": "user", "message": {"content": "<bash-stdout>x</bash-stdout><bash-stderr></bash-stderr>"}});
    let status = status(&[prompt("go"), input.clone(), output], false);
    assert_eq!(status.last_prompt.as_deref(), Some("! ls -l"));
    assert_eq!(status.end, Some(TurnEnd::Done));
    assert_eq!(end(&[input]), Some(TurnEnd::BrokenOff));
}

#[test]
fn subagents_do_not_count() {
    let mut side = prompt("side");
    side["isSidechain"] = true.into();
    let lines = [prompt("go"), words("m", Some("end_turn"), "one"), side];
    assert_eq!((end(&lines), status(&lines, false).last_prompt), (Some(TurnEnd::Done), Some("go".into())));
}

#[test]
fn a_prompt_that_is_too_far_away_is_what_claude_repeats() {
    let repeated = json!({"type": "last-prompt", "lastPrompt": "go"});
    assert_eq!(status(&[repeated, call(), result()], true).last_prompt.as_deref(), Some("go"));
}

#[test]
fn what_a_newer_version_writes_is_read() {
    let status: TurnStatus =
        serde_json::from_value(json!({"end": {"how": "paused", "why": 1}, "more": 2})).expect("is read");
    assert_eq!(status.end, Some(TurnEnd::Unknown));
    let failed = TurnStatus { end: end(&[failure()]), ..TurnStatus::default() };
    let again: TurnStatus =
        serde_json::from_value(serde_json::to_value(&failed).expect("JSON")).expect("is read");
    assert_eq!(again, failed);
    let long = TurnStatus { last_prompt: Some("é".repeat(300)), ..TurnStatus::default() }.shortened(200);
    assert_eq!(long.last_prompt.map(|text| text.chars().count()), Some(201));
}

#[test]
fn a_line_that_javascript_or_a_power_cut_has_damaged_is_read() {
    let kind = |line: &[u8]| Entry::parse(line).map(|entry| entry.kind);
    let cut = br#"{"type":"last-prompt","lastPrompt":"a\ud83d"}"#;
    assert_eq!(kind(cut), Some(EntryKind::LastPrompt("a\u{fffd}".into())));
    let whole = br#"{"type":"last-prompt","lastPrompt":"\ud83d\ude00\\ud83d\udc00"}"#;
    assert_eq!(kind(whole), Some(EntryKind::LastPrompt("\u{1f600}\\ud83d\u{fffd}".into())));
    assert_eq!(kind(b"\0\0{\"type\":\"mode\"}"), Some(EntryKind::Bookkeeping));
    assert_eq!(kind(br#"{"type":"newer"}"#), Some(EntryKind::Unknown));
    for nothing in [&b""[..], b"\0\0", b"{\"type\":", b"[]", b"7", b"\"\\"] {
        assert_eq!(kind(nothing), None);
    }
}

fn any_line() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(prompt("go")),
        Just(words("m", None, "a")),
        Just(words("n", Some("end_turn"), "b")),
        Just(call()),
        Just(result()),
        Just(duration()),
        Just(failure()),
        Just(json!({"type": "mode"})),
        Just(json!({})),
        Just(json!({"type": "user"})),
        Just(json!({"type": "assistant", "message": {"content": 7}})),
    ]
}

proptest! {
    /// To stop early changes nothing, and no order of lines is an error.
    #[test]
    fn what_it_knows_does_not_change(lines in prop::collection::vec(any_line(), 0..20), is_busy: bool) {
        let mut whole = TurnReader::default();
        for line in lines.iter().rev() {
            whole.take(Entry::parse(line.to_string().as_bytes()).expect("an object"));
        }
        let (early, whole) = (status(&lines, is_busy), whole.finish(is_busy));
        prop_assert_eq!(&early.last_prompt, &whole.last_prompt);
        prop_assert_eq!(&early.last_answer, &whole.last_answer);
        prop_assert_eq!((early.end, early.model, early.context_tokens), (whole.end, whole.model, whole.context_tokens));
    }

    #[test]
    fn no_bytes_are_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[{}\":,a-z\\\\ud8dc0-9]{0,80}") {
        let _ = (Entry::parse(&bytes), Entry::parse(text.as_bytes()));
    }
}

//! What a conversation is about, in a line: its title, or else the last prompt.
//!
//! Undocumented, as seen with Claude Code 2.1.332: lines of the types `custom-title` (the user's, by `-n` or
//! `/rename`), `ai-title` (claude's own) and `last-prompt` stand in the transcript. Claude repeats them near
//! the end of the file. Only a part of the file is read, for a transcript can be hundreds of megabytes long.

use std::path::Path;

use serde_json::Value;

use super::lines;

/// How much is read at the end of a transcript, and at its start if the end says nothing; in bytes.
const EACH_END: u64 = 64 << 10;
/// The longest topic, in characters.
const MAX_TOPIC_CHARS: usize = 200;

/// What the conversation of this transcript is about; nothing where that cannot be told. A title of the
/// user's that is the `known` one says nothing new, and is passed over.
pub fn of_transcript(path: &Path, known: Option<&str>) -> Option<String> {
    let (end, start) = lines::ends(path, EACH_END)?;
    in_part(&end, known).or_else(|| in_part(&start?, known))
}

fn in_part(part: &[u8], known: Option<&str>) -> Option<String> {
    let of_type = |kind: &str, key: &str| {
        lines::find_last(part, kind).and_then(|line| line[key].as_str().and_then(one_line))
    };
    of_type("custom-title", "customTitle")
        .filter(|title| Some(title.as_str()) != known)
        .or_else(|| of_type("ai-title", "aiTitle"))
        .or_else(|| of_type("last-prompt", "lastPrompt"))
        .or_else(|| lines::find_last_that(part, "user", prompt))
}

/// What the user has typed, if this line is a prompt. Earlier versions write nothing else that says it.
fn prompt(line: &Value) -> Option<String> {
    if line["isMeta"] == true || line["isSidechain"] == true {
        return None;
    }
    let content = &line["message"]["content"];
    let text = content.as_str().or_else(|| {
        let parts = content.as_array()?;
        parts.iter().filter(|part| part["type"] == "text").find_map(|part| part["text"].as_str())
    });
    // What claude itself says in the user's name begins with a tag.
    text.filter(|text| !text.trim_start().starts_with('<')).and_then(one_line)
}

/// A text with blanks in place of its line ends, and not longer than a line of a list could be.
fn one_line(text: &str) -> Option<String> {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if let Some((end, _)) = line.char_indices().nth(MAX_TOPIC_CHARS) {
            line.truncate(end);
            line.push('\u{2026}');
            break;
        }
    }
    (!line.is_empty()).then_some(line)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn topic(lines: &[Value]) -> Option<String> {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        of_text(text.as_bytes())
    }

    fn of_text(text: &[u8]) -> Option<String> {
        let scratch = tempfile::tempdir().expect("a directory");
        let path = scratch.path().join("x.jsonl");
        std::fs::write(&path, text).expect("writes");
        of_transcript(&path, Some("known"))
    }

    fn said(text: &str) -> Value {
        json!({"type": "user", "uuid": "u", "message": {"role": "user", "content": text}})
    }

    #[test]
    fn the_user_s_title_goes_before_claude_s_and_that_before_the_last_prompt() {
        let last = json!({"type": "last-prompt", "lastPrompt": "fix the\n  parser"});
        let own = json!({"type": "ai-title", "aiTitle": "Parser repair"});
        let title = json!({"type": "custom-title", "customTitle": "parser"});
        assert_eq!(topic(&[]), None);
        assert_eq!(topic(&[said("one"), said("two")]).as_deref(), Some("two"));
        assert_eq!(topic(&[said("one"), last.clone()]).as_deref(), Some("fix the parser"));
        assert_eq!(topic(&[own.clone(), last.clone()]).as_deref(), Some("Parser repair"));
        assert_eq!(topic(&[title, own.clone(), last]).as_deref(), Some("parser"));
        let known = json!({"type": "custom-title", "customTitle": "known"});
        assert_eq!(topic(&[own, known]).as_deref(), Some("Parser repair"));
    }

    #[test]
    fn what_claude_says_in_the_user_s_name_is_no_prompt() {
        let meta = json!({"type": "user", "isMeta": true, "message": {"content": "meta"}});
        let side = json!({"type": "user", "isSidechain": true, "message": {"content": "side"}});
        let parts =
            json!({"type": "user", "message": {"content": [{"type": "tool_result", "content": "x"}]}});
        let text = json!({"type": "user", "message": {"content": [{"type": "text", "text": "words"}]}});
        let tag = said("<command-name>/rename</command-name>");
        assert_eq!(topic(&[text, meta, side, parts, tag]).as_deref(), Some("words"));
        assert_eq!(
            topic(&[json!({"type": "last-prompt"}), json!({"type": "custom-title", "customTitle": 7})]),
            None
        );
    }

    #[test]
    fn of_a_long_transcript_only_the_ends_are_read() {
        let filler = json!({"type": "assistant", "text": "x".repeat(10_000)});
        let many = vec![filler; 20];
        let first = [&[said("first words")], &many[..]].concat();
        assert_eq!(topic(&first).as_deref(), Some("first words"));
        let middle = [&many[..], &[said("middle")], &many[..]].concat();
        assert_eq!(topic(&middle), None);
        let long = topic(&[said(&"word ".repeat(1000))]).expect("a topic");
        assert_eq!((long.chars().count(), long.ends_with('\u{2026}')), (MAX_TOPIC_CHARS + 1, true));
    }

    proptest! {
        #[test]
        fn no_contents_are_an_error(contents in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = of_text(&contents);
        }
    }
}

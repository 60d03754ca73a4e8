use super::*;
use crate::claude::screen::Menu;

fn pasted(text: &str) -> PastedText {
    PastedText::new(text.into())
}

fn draft(text: &str) -> Draft {
    Draft { text: text.into(), lines: 1, cursor_at_end: true }
}

#[test]
fn the_prompt_shows_a_short_text_as_it_is_and_a_long_one_as_a_mark() {
    assert!(pasted("a b").is_alone_in(&draft("a b")));
    assert!(pasted("word after word").is_alone_in(&draft("word after\nword ")));
    assert!(pasted("a\tb").is_alone_in(&draft("a    b")));
    for (text, shown) in
        [("日本語 👩‍👩‍👧 é", "日本語 👩\u{200d} é"), ("👩‍👩‍👧", "👩👩👧"), ("👍🏽 a", "👍 a"), ("a e\u{301}", "a é")]
    {
        assert!(pasted(text).is_alone_in(&draft(shown)), "{text}");
        assert!(!pasted(text).is_alone_in(&draft(&format!("{shown}x"))), "{text}");
    }
    assert!(!pasted("a b").is_alone_in(&draft("a b c")));
    assert!(!pasted("a b").is_alone_in(&Draft { cursor_at_end: false, ..draft("a b") }));
    let four = pasted("1\n2\n3\n4");
    assert!(four.is_alone_in(&draft("[Pasted text #12 +3 lines]")));
    for other in ["[Pasted text #12 +4 lines]", "[Pasted text #12]", "[Pasted text # +3 lines]", "1\n2\n3"] {
        assert!(!four.is_alone_in(&draft(other)), "{other}");
    }
    assert!(!four.is_alone_in(&draft("x [Pasted text #12 +3 lines]")));
    assert!(pasted(&"x".repeat(801)).is_alone_in(&draft("[Pasted text #1]")));
    assert!(pasted(&"x".repeat(800)).is_alone_in(&draft(&"x".repeat(800))));
}

#[test]
fn text_from_right_to_left_may_be_drawn_in_another_order() {
    assert!(pasted("אבג").is_alone_in(&draft("גבא")));
    assert!(!pasted("אבג").is_alone_in(&draft("גבאא")));
    assert!(!pasted("abc").is_alone_in(&draft("cba")));
}

#[test]
fn a_blank_keeps_enter_from_making_a_line_or_taking_a_file() {
    assert_eq!(pasted("C:\\").to_paste(), "C:\\ ");
    assert_eq!(pasted("look at @src").to_paste(), "look at @src ");
    assert_eq!(pasted("@src is it").to_paste(), "@src is it");
}

#[test]
fn a_list_of_commands_may_have_another_one_selected() {
    let at = |text: &str, selected: &str| {
        let menu = Menu { selected: Some(selected.into()), about: String::new() };
        let reading = Reading { menu: Some(menu), ..Reading::at(Prompt::Draft(draft(text))) };
        pasted(text).other_command(&reading)
    };
    assert_eq!(at("/hel", "/help"), Some("/help".into()));
    assert_eq!(at("/help", "/help"), None);
    assert_eq!(at("/help", "…lp"), None);
}

#[test]
fn the_transcript_says_how_a_text_was_submitted() {
    let prompt = |text: &str| {
        serde_json::json!({"type": "user", "message": {"role": "user", "content": text}}).to_string()
    };
    let says = |text: &str, line: &str| pasted(text).submitted_in(line.as_bytes());
    assert_eq!(says("a\tb", &prompt("a    b")), Some(SubmittedAs::Prompt));
    assert_eq!(says("a b", &prompt("a b c")), None);
    let long = "\n\n<pasted_content id=\"9c40\">\n1\n2\n3\n4\n</pasted_content id=\"9c40\">\n";
    assert_eq!(says("1\n2\n3\n4", &prompt(long)), Some(SubmittedAs::Prompt));
    let blocks = r#"{"type":"user","message":{"content":[{"type":"text","text":"hello"}]}}"#;
    assert_eq!(says("hello", blocks), Some(SubmittedAs::Prompt));
    let meta = r#"{"type":"user","isMeta":true,"message":{"content":"hello"}}"#;
    assert_eq!(says("hello", meta), None);
    let queued = r#"{"type":"queue-operation","operation":"enqueue","content":"hello"}"#;
    assert_eq!(says("hello", queued), Some(SubmittedAs::Queued));
    assert_eq!(says("hello", r#"{"type":"queue-operation","operation":"dequeue"}"#), None);
    let command = "<command-name>/effort</command-name>\n  <command-message>effort</command-message>\n  \
                   <command-args>high</command-args>";
    assert_eq!(says("/effort high", &prompt(command)), Some(SubmittedAs::Command));
    assert_eq!(says("/effort low", &prompt(command)), None);
    let local = serde_json::json!({"type": "system", "subtype": "local_command", "content": command});
    assert_eq!(says("/effort high", &local.to_string()), Some(SubmittedAs::Command));
    let unknown = r#"{"type":"system","subtype":"informational","content":"Unknown command: /foo"}"#;
    let said = SubmittedAs::UnknownCommand("Unknown command: /foo".into());
    assert_eq!(says("/foo bar", unknown), Some(said));
    assert_eq!(says("/fooo", unknown), None);
    for broken in ["", "{", "[]", r#"{"type":"user"}"#, "\u{0}"] {
        assert_eq!(says("hello", broken), None, "{broken}");
    }
}

#[test]
fn rows_are_counted_as_they_are_broken() {
    for (text, columns, rows) in
        [("abc", 3, 1), ("abcd", 3, 2), ("ab cd ef", 5, 2), ("a\n\nb", 9, 3), ("日本語", 4, 2)]
    {
        assert_eq!(pasted(text).rows(columns), rows, "{text}");
    }
    assert_eq!(pasted("1\n2\n3\n4").rows(9), 1);
}

#[test]
fn of_a_text_that_is_taller_than_its_box_the_end_is_shown() {
    let text = pasted("one two three four five six");
    let tail = |shown: &str, hidden_rows| DraftTail {
        text: shown.into(),
        rows: shown.lines().count(),
        hidden_rows,
        cursor_at_end: true,
    };
    // one two · three · four · five six
    assert_eq!(text.rows(8), 4);
    assert!(text.is_alone_in_tail(&tail("four\nfive six", 2), 8));
    for other in
        [tail("four\nfive six", 4), tail("four\nfive six", 1), tail("fourx\nfive six", 2), tail("", 4)]
    {
        assert!(!text.is_alone_in_tail(&other, 8), "{other:?}");
    }
    assert!(!text.is_alone_in_tail(&DraftTail { cursor_at_end: false, ..tail("four\nfive six", 2) }, 8));
}

//! The list says what a session is about.

use std::fs;
use std::io::Write as _;

use serde_json::{Value, json};

use super::{listed, started};
use crate::support::stand_in::{sandbox, say, submit};
use crate::support::verb::{cckw, well_said};
use crate::support::{DEADLINE, Sandbox, Terminal, wait_until};

fn title(sandbox: &Sandbox) -> Value {
    listed(sandbox, &[])[0]["title"].clone()
}

/// The rows of a list on a terminal with so many columns.
fn rows(sandbox: &Sandbox, columns: u16) -> Vec<String> {
    let mut terminal = Terminal::builder().size(10, columns).spawn(cckw(sandbox, &["list"]));
    assert_eq!(terminal.finish().code(), Some(0));
    terminal.screen().rows.into_iter().filter(|row| !row.is_empty()).collect()
}

#[test]
fn a_session_is_about_its_title_or_its_last_prompt() {
    let sandbox = sandbox();
    let (record, mut terminal) = started(&sandbox, &sandbox.work(), &[]);
    assert_eq!(title(&sandbox), Value::Null);
    assert!(!well_said(&sandbox, &["list"]).contains("ABOUT"), "an empty column");
    say(&mut terminal, "fix the parser");
    wait_until("a transcript", DEADLINE, || title(&sandbox) == "fix the parser");
    let table = well_said(&sandbox, &["list"]);
    assert!(
        table
            .lines()
            .next()
            .is_some_and(|head| head.ends_with("  DIRECTORY  ABOUT") || head.ends_with(" ABOUT"))
    );
    assert!(table.lines().nth(1).is_some_and(|line| line.ends_with("  fix the parser")), "{table}");
    // What else may stand there, and what no terminal is to obey.
    let transcript = fs::read_dir(sandbox.path("home/.claude/projects")).expect("projects");
    let transcript = transcript.flatten().next().expect("a project").path();
    let transcript = transcript.join(format!("{}.jsonl", record.text("conversation")));
    let mut file = fs::OpenOptions::new().append(true).open(&transcript).expect("a transcript");
    let evil = "Repair \u{1b}[2J of\nthe 日本 parser, with all of its tests and more";
    writeln!(file, "{}", json!({"type": "ai-title", "aiTitle": evil})).expect("writes");
    let shown = "Repair \\u{1b}[2J of the 日本 parser, with all of its tests and more";
    assert_eq!(title(&sandbox), "Repair \u{1b}[2J of the 日本 parser, with all of its tests and more");
    assert!(well_said(&sandbox, &["list"]).contains(shown));
    let wide = rows(&sandbox, 220);
    assert!(wide[1].ends_with(shown), "{wide:?}");
    let usual = rows(&sandbox, 100);
    assert!(usual.len() == 2 && usual[1].contains("  Repair ") && usual[1].ends_with('…'), "{usual:?}");
    let narrow = rows(&sandbox, 40);
    assert!(narrow.len() == 2 && !narrow[0].contains("ABOUT"), "{narrow:?}");
    // The user's title is the name; then the list tells more.
    submit(&mut terminal, "/rename parser");
    wait_until("the title", DEADLINE, || title(&sandbox) == "parser");
    wait_until("the name", DEADLINE, || well_said(&sandbox, &["list"]).contains("\nparser  "));
    assert!(well_said(&sandbox, &["list"]).contains(shown));
    well_said(&sandbox, &["stop"]);
    terminal.finish();
    let ended = &listed(&sandbox, &["--all"])[0];
    assert_eq!((&ended["name"], &ended["title"]), (&json!("parser"), &json!("parser")));
    sandbox.wait_for_silence();
}

//! The stand-in for Claude Code keeps the habits that the rest of the tests rely on.

mod bridge;
mod exits;
mod faults;
mod places;
mod pty;
mod screens;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use pty::{Home, Tui};
use serde_json::Value;

const ID: &str = "6f1c7f5e-6a43-4a0e-9d5f-0d3f9c0b7a11";

#[test]
fn the_prompt_stands_between_rules_with_the_cursor_behind_the_text() {
    let home = Home::new();
    let mut tui = home.start(&[]);
    tui.send("hé");
    tui.wait("the text", |tui| tui.prompt().as_deref() == Some("hé"));
    let (row, column) = tui.screen().cursor_position();
    assert_eq!(column, 4);
    assert!(tui.text().lines().nth(row.into()).unwrap().starts_with("❯ hé"));
    assert!(tui.screen().bracketed_paste());
    assert!(!tui.screen().alternate_screen());

    tui.resize(12, 40);
    tui.wait("a narrower rule", |tui| {
        let rule = "─".repeat(40);
        tui.text().lines().filter(|line| *line == rule).count() == 2
    });
    assert_eq!(tui.prompt().as_deref(), Some("hé"));
}

#[test]
fn the_state_file_identifies_the_process_and_follows_a_turn() {
    let home = Home::new();
    let mut tui = home.start_with(&["--session-id", ID, "-n", "my name"], &[("PACE", "400")]);
    let state = tui.state().unwrap();
    assert_eq!(state["pid"], tui.pid());
    assert_eq!(state["sessionId"], ID);
    assert_eq!(state["cwd"], home.work().to_str().unwrap());
    assert_eq!((&state["kind"], &state["entrypoint"]), (&"interactive".into(), &"cli".into()));
    assert_eq!((&state["name"], &state["nameSource"]), (&"my name".into(), &"user".into()));
    assert_eq!((&state["status"], &state["waitingFor"]), (&"idle".into(), &Value::Null));
    if cfg!(target_os = "linux") {
        let stat = fs::read_to_string(format!("/proc/{}/stat", tui.pid())).unwrap();
        let started = stat.rsplit(") ").next().unwrap().split(' ').nth(19).unwrap();
        assert_eq!(state["procStart"], started);
    }
    let file = &home.state_files()[0];
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o644);
    assert_eq!(fs::metadata(file.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);

    assert_eq!(home.transcripts().len(), 0);
    tui.submit("hello");
    tui.wait_state("status", "busy");
    tui.wait_for("● You said: hello");
    tui.wait_state("status", "idle");
    assert!(tui.state().unwrap()["statusUpdatedAt"].as_u64() > state["statusUpdatedAt"].as_u64());
    let directory = home.work().to_str().unwrap().replace(['/', '.'], "-");
    assert_eq!(home.transcripts(), [home.path(&format!(".claude/projects/{directory}/{ID}.jsonl"))]);
}

/// A test that waits for the reply may end claude then, and look for the reply in the next one.
#[test]
fn a_reply_that_is_seen_whole_is_stored_and_its_turn_has_ended() {
    let home = Home::new();
    let mut tui = home.start_with(&["--session-id", ID], &[("PACE", "400")]);
    tui.submit("hello");
    tui.wait_for("● You said: hello");
    assert_eq!(tui.state().unwrap()["status"], "idle");
    let stored = fs::read_to_string(&home.transcripts()[0]).unwrap();
    assert!(stored.contains("\"You said: hello\""), "{stored}");
    assert!(!tui.text().contains("Working"), "{}", tui.text());
}

#[test]
fn a_draft_can_have_lines_and_a_paste_is_not_submitted() {
    let home = Home::new();
    let mut tui = home.start(&[]);
    tui.send("one\\");
    tui.send("\r");
    tui.send("two\x1b\r");
    tui.send("\x1b[200~three\rfour\x1b[201~");
    tui.wait("four lines", |tui| tui.prompt().as_deref() == Some("one\ntwo\nthree\nfour"));
    assert_eq!(tui.state().unwrap()["status"], "idle");
    tui.send("\r");
    tui.wait_for("● You said: one");
    tui.wait("an empty prompt", |tui| tui.prompt().as_deref() == Some(""));
}

#[test]
fn an_id_is_new_to_session_id_and_known_to_resume() {
    let home = Home::new();
    let run = |args: &[&str]| {
        let mut tui = Tui::spawn(&home, home.standin(args));
        let code = tui.end().code();
        (code, tui.text().trim().to_owned())
    };
    assert_eq!(run(&["--resume", ID]), (Some(1), format!("No conversation found with session ID: {ID}")));
    assert_eq!(home.state_files().len(), 0);

    let mut tui = home.start(&["--session-id", ID]);
    tui.submit("remember me");
    tui.wait_for("● You said: remember me");
    tui.wait_state("status", "idle");
    tui.submit("/exit");
    assert_eq!(tui.end().code(), Some(0));

    assert_eq!(run(&["--session-id", ID]), (Some(1), format!("Error: Session ID {ID} is already in use.")));
    let mut tui = home.start(&["--resume", ID]);
    tui.wait_for("❯ remember me");
    assert_eq!(tui.state().unwrap()["sessionId"], ID);

    // Another live process is no obstacle, and --continue finds the same one.
    let mut second = home.start(&["--continue"]);
    second.wait_for("● You said: remember me");
    assert_eq!(second.state().unwrap()["sessionId"], ID);
    let mut fork = home.start(&["--resume", ID, "--fork-session"]);
    fork.wait_for("● You said: remember me");
    assert_ne!(fork.state().unwrap()["sessionId"], ID);
}

#[test]
fn clear_and_resume_change_the_conversation_of_the_process() {
    let home = Home::new();
    let mut tui = home.start(&["--session-id", ID, "first words"]);
    tui.wait_for("● You said: first words");
    tui.wait_state("status", "idle");
    tui.submit("/clear");
    tui.wait("another id", |tui| tui.state().is_some_and(|state| state["sessionId"] != ID));
    tui.wait("an empty conversation", |tui| !tui.text().contains("first words"));

    tui.submit("/resume");
    tui.wait_state("status", "waiting");
    tui.wait_for("❯ 1. first words");
    tui.send("\r");
    tui.wait_state("sessionId", ID);
    tui.wait_for("● You said: first words");
    assert_eq!(tui.state().unwrap()["status"], "idle");
}

#[test]
fn the_kitty_keyboard_is_turned_on_where_the_terminal_has_it() {
    let home = Home::new();
    let mut tui = home.start(&[]);
    let asked = |raw: &[u8], text: &str| String::from_utf8_lossy(raw).contains(text);
    for query in ["\x1b[>0q", "\x1b[?u", "\x1b[c"] {
        assert!(asked(&tui.raw, query), "{query:?}");
    }
    assert!(!asked(&tui.raw, "\x1b[>1u"));
    tui.send("\x1b[?0u\x1b[?62c");
    tui.wait("the flags", |tui| asked(&tui.raw, "\x1b[>1u"));
    tui.send("draft\x1b[99;5u");
    tui.wait("an emptied prompt", |tui| tui.prompt().as_deref() == Some(""));
}

#[test]
fn without_a_terminal_it_prints() {
    let home = Home::new();
    let print = |args: &[&str]| {
        let output = home.standin(args).stdin(std::process::Stdio::null()).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    assert_eq!(print(&["--version"]), (Some(0), "2.1.329 (Claude Code stand-in)\n".into(), String::new()));
    assert_eq!(print(&["-p", "hello"]), (Some(0), "You said: hello\n".into(), String::new()));
    assert_eq!(print(&["--bogus"]), (Some(1), String::new(), "error: unknown option '--bogus'\n".into()));
    assert_eq!(home.state_files().len(), 0);
}

#[test]
fn the_alternate_screen_is_used_on_demand() {
    let home = Home::new();
    let mut tui = home.start_with(&[], &[("FULLSCREEN", "1")]);
    assert!(tui.screen().alternate_screen());
    tui.submit("hello");
    tui.wait_for("● You said: hello");
    tui.wait("an empty prompt", |tui| tui.prompt().as_deref() == Some(""));
    assert_eq!(tui.screen().cursor_position().0, 21);
    tui.submit("/exit");
    assert_eq!(tui.end().code(), Some(0));
    assert!(!tui.screen().alternate_screen());
}

//! Sessions that cckw wraps: their host looks and types.

use std::cell::RefCell;
use std::fs;

use super::{Said, brought_back, reconnect, sandbox};
use crate::support::advice;
use crate::support::stand_in::{at_prompt, start, submit};
use crate::support::verb::cckw;
use crate::support::{DEADLINE, Key, Record, Sandbox, Terminal, wait_or_report, wait_until_some};

/// A session whose link is not kept.
fn unkept(sandbox: &Sandbox) -> (Terminal, String) {
    sandbox.configure("[remote_control]\nkeep = \"off\"\nrest = \"1ms\"\n");
    let terminal = start(sandbox, &["-n", "here"]);
    let record = sandbox.wait_for_record("an idle claude", |record| {
        record.pid("claude_pid").is_some() && record.json["status"] == "idle"
    });
    let pid = record.pid("claude_pid").expect("a pid").to_string();
    (terminal, pid)
}

#[track_caller]
fn is_left(said: &Said, why: &str, status: i32) {
    assert!(said.err.contains(" cckw=here: ") && said.err.contains("left alone pid="), "{said:?}");
    assert!(said.err.contains(why), "{why}: {said:?}");
    assert!(said.out.contains(" reconnected=0 failed=0 left=1"), "{said:?}");
    assert_eq!(said.status, Some(status), "{said:?}");
}

#[test]
fn a_wrapped_session_is_brought_back_by_its_host() {
    let sandbox = sandbox();
    sandbox.configure("[remote_control]\nkeep = \"off\"\nrest = \"1ms\"\n");
    let mut terminal = start(&sandbox, &["-n", "here"]);
    let record = sandbox.wait_for_record("a claude", |record| record.pid("claude_pid").is_some());
    let pid = record.pid("claude_pid").expect("a pid").to_string();
    // Nobody ever wanted a link there, unless the session is named.
    let said = reconnect(&sandbox, &["--apply"]);
    assert!(said.err.contains(&format!("left alone pid={pid} cckw=here: no link was up")), "{said:?}");
    assert_eq!(said.status, Some(0));
    let said = reconnect(&sandbox, &["--pid", &pid]);
    assert!(
        said.out.contains(&format!("[dry-run] would reconnect pid={pid} cckw=here status=idle")),
        "{said:?}"
    );
    let said = brought_back(&sandbox, &["--apply", "--pid", &pid]);
    assert!(said.out.contains(&format!(" reconnected pid={pid} cckw=here status=idle")), "{said:?}");
    terminal.wait_for_text("/rc active");
    submit(&mut terminal, "/fault drop");
    terminal.wait_for_text("/rc failed");
    let last = RefCell::new(String::new());
    let look = || {
        let said = reconnect(&sandbox, &["--apply"]);
        assert!(said.status != Some(2) || said.err.contains("in time"), "{said:?}");
        *last.borrow_mut() = format!("{said:?}");
        said.out.contains(" reconnected=1 ").then_some(said)
    };
    let report = || {
        let log = fs::read_to_string(record.path.with_file_name("events.jsonl")).unwrap_or_default();
        format!("{}\n{log}\n{:#?}\n{}", last.borrow(), sandbox.records(), terminal.report())
    };
    let said = wait_or_report("a link that is down", DEADLINE, look, report);
    assert!(said.out.contains(" cckw=here "), "{said:?}");
    terminal.wait_for_text("/rc active");
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0));
}

#[test]
fn a_dry_run_looks_at_the_screen() {
    let sandbox = sandbox();
    let (mut terminal, pid) = unkept(&sandbox);
    for (key, shown, back) in [
        (Key::Ctrl('o'), "Showing detailed transcript", Key::Ctrl('o')),
        (Key::Ctrl('r'), "search prompts:", Key::Esc),
        (Key::Char('!'), "! for shell mode", Key::Esc),
        (Key::Char('?'), "ctrl+o to see full transcript", Key::Esc),
    ] {
        terminal.press(key);
        terminal.wait_for_text(shown);
        is_left(&reconnect(&sandbox, &["--pid", &pid]), "not at the main prompt: ", 0);
        terminal.press(back);
        terminal.wait_for("the prompt", |screen| screen.contains("? for shortcuts"));
    }
    let said = reconnect(&sandbox, &["--pid", &pid]);
    assert!(said.out.contains("[dry-run] would reconnect"), "{said:?}");
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0));
}

#[test]
fn a_screen_that_stays_blocked_is_the_reason_in_the_log_and_in_the_answer() {
    let sandbox = sandbox();
    let (mut terminal, pid) = unkept(&sandbox);
    terminal.press(Key::Ctrl('o'));
    terminal.wait_for_text("Showing detailed transcript");
    let why = "not at the main prompt: the transcript view is open";
    is_left(&reconnect(&sandbox, &["--apply", "--pid", &pid]), why, 1);
    let record = sandbox.wait_for_record("the session", |_| true);
    let log = fs::read_to_string(record.path.with_file_name("events.jsonl")).expect("a log");
    let said = |event: &str| log.lines().any(|line| line.contains(event) && line.contains(why));
    assert!(said("remote-waits") && said("remote-request-over"), "{log}");
    terminal.press(Key::Ctrl('o'));
    terminal.wait_for("the prompt", |screen| screen.contains("? for shortcuts"));
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0));
}

#[test]
fn a_link_that_was_up_after_all_is_not_counted_as_brought_back() {
    let sandbox = sandbox();
    sandbox.configure("[remote_control]\nkeep = \"off\"\nrest = \"1ms\"\n");
    // Too narrow for the indicator.
    let mut command = sandbox.cckw_claude();
    command.args(["-n", "here"]);
    let mut terminal = Terminal::builder().size(24, 40).spawn(command);
    at_prompt(&mut terminal);
    submit(&mut terminal, "/remote-control");
    let connected = |record: &Record| record.json["remote"]["state"] == "connected";
    sandbox.wait_for_record("a link", connected);
    submit(&mut terminal, "/fault lag");
    let record = sandbox.wait_for_record("a file that denies it", |record| !connected(record));
    let pid = record.pid("claude_pid").expect("a pid").to_string();
    at_prompt(&mut terminal);
    is_left(&reconnect(&sandbox, &["--apply", "--pid", &pid]), "the link is up after all", 0);
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0));
}

#[test]
fn a_link_that_was_taken_over_is_left_alone_though_nothing_is_kept() {
    let sandbox = sandbox();
    let (mut terminal, _) = unkept(&sandbox);
    submit(&mut terminal, "/remote-control");
    terminal.wait_for_text("/rc active");
    submit(&mut terminal, "/fault drop another connection took over this session");
    terminal.wait_for_text("/rc failed");
    let said = wait_until_some("a link that is down", DEADLINE, || {
        let said = reconnect(&sandbox, &["--apply"]);
        assert!(said.out.contains(" reconnected=0 "), "{said:?}");
        said.out.contains(" left=1").then_some(said)
    });
    is_left(&said, "only the user can know", 0);
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0));
}

#[test]
fn a_prompt_beside_a_background_command_is_typed_into() {
    let sandbox = sandbox();
    let (mut terminal, pid) = unkept(&sandbox);
    let path = sandbox.path(format!("home/.claude/sessions/{pid}.json"));
    let text = fs::read_to_string(&path).expect("a state file");
    fs::write(&path, text.replace("\"idle\"", "\"shell\"")).expect("writes");
    sandbox.wait_for_record("the status", |record| record.json["status"] == "shell");
    let said = brought_back(&sandbox, &["--apply", "--pid", &pid]);
    assert!(said.out.contains(&format!(" reconnected pid={pid} cckw=here status=shell")), "{said:?}");
    terminal.wait_for_text("/rc active");
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0));
}

/// On a terminal somebody reads it, who knows the session by its name.
#[test]
fn a_person_is_told_in_words() {
    let mut sandbox = sandbox();
    advice::prepare(&mut sandbox);
    let (mut claude, pid) = unkept(&sandbox);
    submit(&mut claude, "/remote-control");
    claude.wait_for_text("/rc active");
    let on_terminal = |words: &[&str]| {
        let mut terminal = Terminal::builder().size(10, 150).spawn(cckw(&sandbox, words));
        let status = terminal.finish().code();
        (terminal.screen().text().trim().to_owned(), status)
    };
    let up = "here: left alone: remote control is connected, not disconnected";
    assert_eq!(on_terminal(&["reconnect", "--apply", "here"]), (up.to_owned(), Some(0)));
    let (text, status) = on_terminal(&["reconnect", "nowhere"]);
    assert!(text.contains("no session is called nowhere"), "{text}");
    assert_eq!(status, Some(1));
    submit(&mut claude, "/fault drop");
    claude.wait_for_text("/rc failed");
    let last = RefCell::new(String::new());
    let look = || {
        let (text, _) = on_terminal(&["reconnect", "here"]);
        last.borrow_mut().clone_from(&text);
        text.contains("the link is down").then_some(text)
    };
    let said = wait_or_report("a link that is down", DEADLINE, look, || last.borrow().clone());
    assert_eq!(said, "here: the link is down. To bring it back: cckw reconnect --apply here");
    let told = advice::follow_to_the_end(&sandbox, &said, "cckw reconnect");
    assert!(told.starts_with("here: the link is back after ") && told.trim_end().ends_with(" s"), "{told}");
    claude.wait_for_text("/rc active");
    // All of them, and a pipe.
    let (text, _) = on_terminal(&["reconnect", "--apply"]);
    assert_eq!(text, "1 session looked at: 1 with a link, 0 without, 0 unknown");
    let said = reconnect(&sandbox, &["--apply", "here"]);
    assert!(said.err.contains(&format!("skipped pid={pid}: remote control is connected")), "{said:?}");
    submit(&mut claude, "/exit");
    assert_eq!(claude.finish().code(), Some(0));
}

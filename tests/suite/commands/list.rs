//! What `cckw list` says of a session, and how it looks.

use std::fs;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::support::stand_in::{at_prompt, sandbox, start, submit};
use crate::support::verb::{cckw, well_said};
use crate::support::{DEADLINE, Key, Record, Sandbox, Terminal, process, wait_until};

/// The one session, as programs see it.
fn listed(sandbox: &Sandbox) -> Value {
    serde_json::from_str(&well_said(sandbox, &["list", "--json"])).expect("one session")
}

/// What stands in a column of the one session in the table.
#[track_caller]
fn cell(sandbox: &Sandbox, column: &str) -> String {
    let table = well_said(sandbox, &["list"]);
    let mut lines = table.lines();
    let at = lines.next().expect("a head").find(column).expect("the column");
    let rest = &lines.next().expect("a session")[at..];
    rest.split("  ").next().expect("a cell").to_owned()
}

fn idle(sandbox: &Sandbox) -> Record {
    sandbox.wait_for_record("an idle claude", |record| {
        record.text("state") == "running" && record.text("status") == "idle"
    })
}

#[test]
fn a_question_is_told_with_what_to_do() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    assert_eq!(idle(&sandbox).json["waiting_for"], Value::Null);
    assert_eq!((cell(&sandbox, "STATE"), listed(&sandbox)["hint"].clone()), ("idle".into(), Value::Null));
    submit(&mut terminal, "permission");
    terminal.wait_for_text("Do you want to proceed?");
    sandbox.wait_for_record("a question", |record| record.text("status") == "waiting");
    assert_eq!(cell(&sandbox, "STATE"), "waiting");
    let there = "it waits for you (permission prompt) in its terminal";
    assert_eq!(
        (&listed(&sandbox)["waiting_for"], &listed(&sandbox)["hint"]),
        (&json!("permission prompt"), &json!(there))
    );
    well_said(&sandbox, &["detach"]);
    terminal.finish();
    let here = "  it waits for you (permission prompt): cckw attach work";
    assert_eq!(well_said(&sandbox, &["list"]).lines().nth(2), Some(here));
    let mut terminal = Terminal::spawn(cckw(&sandbox, &["attach"]));
    terminal.wait_for_text("Do you want to proceed?");
    terminal.press(Key::Enter);
    idle(&sandbox);
    assert_eq!((&listed(&sandbox)["waiting_for"], &listed(&sandbox)["hint"]), (&Value::Null, &Value::Null));
    // A dialog that somebody has opened in a terminal is no question.
    at_prompt(&mut terminal);
    submit(&mut terminal, "/config");
    sandbox.wait_for_record("a dialog", |record| record.text("waiting_for") == "dialog open");
    assert_eq!(listed(&sandbox)["hint"], Value::Null);
    well_said(&sandbox, &["stop"]);
    terminal.finish();
    sandbox.wait_for_silence();
}

#[test]
fn remote_control_has_a_column() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    idle(&sandbox);
    let before = listed(&sandbox)["remote_control"]["state"].as_str().expect("text").to_owned();
    assert!(["off", "disconnected", "unknown"].contains(&before.as_str()), "{before}");
    submit(&mut terminal, "/remote-control");
    wait_until("a link", DEADLINE, || listed(&sandbox)["remote_control"]["state"] == "connected");
    assert_eq!(cell(&sandbox, "RC"), "connected");
    well_said(&sandbox, &["stop"]);
    terminal.finish();
    let ended: Value = serde_json::from_str(&well_said(&sandbox, &["list", "--all", "--json"])).expect("one");
    assert_eq!((&ended["remote_control"], &ended["state"]), (&Value::Null, &json!("stopped")));
    sandbox.wait_for_silence();
}

#[test]
fn a_lost_conversation_is_told_until_something_is_said_in_the_new_one() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    submit(&mut terminal, "words");
    terminal.wait_for_text("You said: words");
    let first = sandbox.wait_for_record("a transcript", |record| {
        record.text("status") == "idle" && record.json["with_transcript"][0].is_string()
    });
    fs::remove_dir_all(sandbox.path("home/.claude/projects")).expect("no transcripts any more");
    process::signal(first.pid("claude_pid").expect("a claude"), Signal::SIGKILL);
    terminal.wait_for_text("a new one is started in");
    terminal.type_text("\r");
    wait_until("an expired session", DEADLINE, || listed(&sandbox)["state"] == "expired");
    let old = first.text("conversation");
    let now = listed(&sandbox);
    assert_eq!(now["expired"], old);
    assert!(now["hint"].as_str().is_some_and(|hint| hint.contains(old)), "{now}");
    at_prompt(&mut terminal);
    submit(&mut terminal, "new words");
    terminal.wait_for_text("You said: new words");
    wait_until("an ordinary session", DEADLINE, || listed(&sandbox)["state"] == "idle");
    let now = listed(&sandbox);
    assert_eq!(now["expired"], old);
    // What was said about it stays.
    let notice = now["notice"]["text"].as_str().expect("a notice");
    assert!(notice.contains("a new one was started at ") && now["hint"] == notice, "{now}");
    well_said(&sandbox, &["stop"]);
    terminal.finish();
    sandbox.wait_for_silence();
}

#[test]
fn a_terminal_gets_what_fits_and_a_pipe_gets_all() {
    let sandbox = sandbox();
    let directory =
        sandbox.path("home/a directory with a name/that is \u{1b}[31m rather long/and goes on below");
    fs::create_dir_all(&directory).expect("a directory");
    let mut command = sandbox.cckw_claude();
    command.args(["-n", "na\u{1b}me"]).current_dir(&directory);
    let mut claude = Terminal::spawn(command);
    at_prompt(&mut claude);
    idle(&sandbox);
    let text = |columns: u16| {
        let mut terminal = Terminal::builder().size(10, columns).spawn(cckw(&sandbox, &["list"]));
        assert_eq!(terminal.finish().code(), Some(0));
        terminal.screen().rows.into_iter().filter(|row| !row.is_empty()).collect::<Vec<String>>()
    };
    let wide = text(200);
    assert!(wide[0].ends_with("DIRECTORY"), "{wide:?}");
    assert!(
        wide[1].ends_with("  ~/a directory with a name/that is \\u{1b}[31m rather long/and goes on below"),
        "{wide:?}"
    );
    let usual = text(80);
    assert_eq!((usual.len(), usual[0].contains("  RESTARTS  CLAUDE  ")), (2, true), "{usual:?}");
    assert!(usual[1].starts_with("na\\u{1b}me  idle  ") && usual[1].ends_with(" below"), "{usual:?}");
    assert!(usual[1].contains('…'), "{usual:?}");
    let narrow = text(40);
    assert_eq!((narrow.len(), narrow[0].contains("CLAUDE")), (2, false), "{narrow:?}");
    let piped = well_said(&sandbox, &["list"]);
    assert!(
        piped.contains("  RESTARTS  CLAUDE   ") && piped.contains("home/a directory with a name/"),
        "{piped}"
    );
    assert!(!piped.contains(['\u{1b}', '…']), "{piped}");
    well_said(&sandbox, &["stop"]);
    claude.finish();
    sandbox.wait_for_silence();
}

#[test]
fn all_sessions_come_newest_first_with_dates() {
    let sandbox = sandbox();
    sandbox.configure("[records]\nkeep = \"off\"\n");
    let mut long_lived = start(&sandbox, &["-n", "first"]);
    let mut other = start(&sandbox, &["-n", "second"]);
    submit(&mut other, "/exit");
    assert_eq!(other.finish().code(), Some(0));
    wait_until("an end", DEADLINE, || !well_said(&sandbox, &["list"]).contains("second"));
    leave_ended(&sandbox, "old", 1_700_000_000);
    leave_ended(&sandbox, "older", 1_600_000_000);
    let mut command = cckw(&sandbox, &["list", "--all"]);
    command.env("TZ", "Etc/GMT+1");
    let table = String::from_utf8(command.output().expect("runs").stdout).expect("UTF-8");
    let rows: Vec<Vec<&str>> = table.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
    let names: Vec<&str> = rows.iter().map(|row| row[0]).collect();
    assert_eq!(names, ["first", "second", "old", "older"], "{table}");
    assert_eq!(rows[1][1..4], ["stopped", "-", "-"], "{table}");
    assert!(table.lines().next().expect("titles").contains("  LAST USED  "), "{table}");
    assert!(table.lines().nth(1).expect("a session").contains("  now  "), "{table}");
    assert!(table.lines().nth(3).expect("a session").contains("  2023-11-14 21:13  "), "{table}");
    let mut command = cckw(&sandbox, &["list", "--all", "--json"]);
    command.env("TZ", "Etc/GMT+1");
    let json = String::from_utf8(command.output().expect("runs").stdout).expect("UTF-8");
    let old: Value = serde_json::from_str(json.lines().nth(2).expect("a line")).expect("JSON");
    assert_eq!((&old["ended"], &old["last_used"]), (&json!("2023-11-14T21:13:20-01:00"), &old["ended"]));
    assert_eq!(old["ended_at"], 1_700_000_000);
    // By themselves those that run have no such column, and nothing that runs leads to the others.
    assert!(!well_said(&sandbox, &["list"]).contains("LAST USED"));
    well_said(&sandbox, &["stop", "first"]);
    long_lived.finish();
    sandbox.wait_for_silence();
    let left = well_said(&sandbox, &["list"]);
    assert!(left.contains("`cckw list --all` shows the 4 that have ended"), "{left}");
}

/// Writes the record of a session that has ended.
fn leave_ended(sandbox: &Sandbox, name: &str, ended_at: u64) {
    let session = format!("{ended_at:08x}-0000-4000-8000-000000000000");
    let directory = sandbox.path("state/cckw").join(&session);
    fs::create_dir_all(&directory).expect("a directory");
    let record = json!({
        "session": session, "name": name, "conversation": session, "pinned": true, "state": "stopped",
        "program": "/bin/claude", "args": [], "cwd": "/somewhere", "host_pid": 4_000_000,
        "started_at": ended_at - 60, "ended_at": ended_at, "socket": directory.join("control.sock"),
    });
    fs::write(directory.join("session.json"), record.to_string()).expect("a record");
}

#[test]
fn without_sessions_nothing_is_said_of_ended_ones() {
    let sandbox = sandbox();
    assert_eq!(well_said(&sandbox, &["list"]), "no sessions; `cckw claude` starts one\n");
    assert_eq!(well_said(&sandbox, &["list", "--all"]), "no sessions; `cckw claude` starts one\n");
}

#[test]
fn a_list_of_nothing_and_the_name_of_a_machine_lead_to_its_sessions() {
    let sandbox = sandbox();
    let add = ["machine", "add", "box", "me@box.invalid", "--no-check"];
    assert_eq!(well_said(&sandbox, &add), "box: added, and not asked\n");
    assert_eq!(well_said(&sandbox, &add), "box: known, and not asked\n");
    assert_eq!(
        well_said(&sandbox, &["list"]),
        "no sessions; `cckw claude` starts one\non your machines: cckw list --on all\n"
    );
    for words in [&["attach", "box"][..], &["stop", "box"], &["send", "box", "text"]] {
        let said = cckw(&sandbox, words).output().expect("cckw runs");
        let err = String::from_utf8_lossy(&said.stderr);
        assert_eq!(said.status.code(), Some(1), "{err}");
        assert!(err.contains("it is a machine; name a session of it: box:SESSION"), "{err}");
    }
}

#[test]
fn what_waits_for_the_user_stands_out_on_a_terminal_with_colours() {
    let mut sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    submit(&mut terminal, "permission");
    sandbox.wait_for_record("a question", |record| record.text("status") == "waiting");
    let listed = |sandbox: &Sandbox, size: (u16, u16), words: &[&str]| {
        let mut list = Terminal::builder().size(size.0, size.1).spawn(cckw(sandbox, words));
        assert_eq!(list.finish().code(), Some(0));
        (String::from_utf8(list.output()).expect("UTF-8"), list.screen().text())
    };
    let (raw, text) = listed(&sandbox, (10, 120), &["list"]);
    assert!(raw.contains("\u{1b}[1m\u{1b}[7m\u{1b}[33mwaiting\u{1b}[0m"), "{raw:?}");
    // The columns stand where they stand without colours.
    sandbox.set("NO_COLOR", "1");
    let (plain, plain_text) = listed(&sandbox, (10, 120), &["list"]);
    assert!(!plain.contains('\u{1b}'), "{plain:?}");
    let columns = |text: &str| text.lines().nth(1).expect("a row").find("attached");
    assert_eq!(columns(&text), columns(&plain_text));
    sandbox.unset("NO_COLOR");
    sandbox.set("TERM", "dumb");
    assert!(!listed(&sandbox, (10, 120), &["list"]).0.contains('\u{1b}'));
    assert!(!well_said(&sandbox, &["list"]).contains('\u{1b}'));
    terminal.press(Key::Enter);
    well_said(&sandbox, &["stop"]);
    terminal.finish();
    sandbox.wait_for_silence();
}

#[test]
fn a_restart_that_was_asked_for_is_not_counted() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    let record = idle(&sandbox);
    assert_eq!(cell(&sandbox, "RESTARTS"), "0");
    well_said(&sandbox, &["restart", "--now"]);
    let is_another = |record: &Record, old: &Record| {
        record.text("status") == "idle" && record.pid("claude_pid") != old.pid("claude_pid")
    };
    let second = sandbox.wait_for_record("another claude", |now| is_another(now, &record));
    assert_eq!(cell(&sandbox, "RESTARTS"), "0");
    process::signal(second.pid("claude_pid").expect("a claude"), Signal::SIGKILL);
    let third = sandbox.wait_for_record("a third claude", |now| is_another(now, &second));
    assert_eq!((cell(&sandbox, "RESTARTS").as_str(), &listed(&sandbox)["restarts"]), ("1", &json!(1)));
    at_prompt(&mut terminal);
    submit(&mut terminal, "words");
    terminal.wait_for_text("You said: words");
    well_said(&sandbox, &["stop"]);
    terminal.finish();
    sandbox.wait_for_silence();
    well_said(&sandbox, &["start", "work"]);
    sandbox.wait_for_record("a fourth claude", |now| is_another(now, &third));
    assert_eq!(cell(&sandbox, "RESTARTS"), "1");
    well_said(&sandbox, &["stop"]);
    sandbox.wait_for_silence();
}

/// Half a state file is met for a moment, and is no news. One that stays so says nothing of what claude does
/// now.
#[test]
fn a_state_file_that_stays_unreadable_is_told_until_it_can_be_read() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    idle(&sandbox);
    submit(&mut terminal, "/fault half-written 600000");
    sandbox.wait_for_record("a file that is not read", |record| record.json["state_file_unread"] == true);
    assert_eq!(cell(&sandbox, "STATE"), "running");
    let listed = well_said(&sandbox, &["list"]);
    assert!(listed.contains("claude's state file says nothing"), "{listed}");
    submit(&mut terminal, "/fault half-written 1");
    let record = idle(&sandbox);
    assert_eq!(record.json["state_file_unread"], false);
    assert!(!well_said(&sandbox, &["list"]).contains("state file"));
    at_prompt(&mut terminal);
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    sandbox.wait_for_silence();
}

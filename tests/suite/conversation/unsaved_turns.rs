//! A turn that does not reach the transcript is said loudly, whatever the cause, and no other turn is.

use std::fs;
use std::path::PathBuf;

use crate::support::stand_in::{at_prompt, sandbox, start, submit};
use crate::support::verb::{cckw, well_said};
use crate::support::{DEADLINE, Key, Record, Sandbox, Screen, Terminal, wait_until};

fn say(terminal: &mut Terminal, words: &str) {
    submit(terminal, words);
    terminal.wait_for_text(&format!("You said: {words}"));
    at_prompt(terminal);
}

/// The names of the events in the log of the one session.
fn count(sandbox: &Sandbox, event: &str) -> usize {
    well_said(sandbox, &["logs", "--json"])
        .lines()
        .filter(|line| line.contains(&format!("\"{event}\"")))
        .count()
}

fn alarm(sandbox: &Sandbox) -> Record {
    sandbox.wait_for_record("an alarm", |record| record.json["transcript_problem"].is_string())
}

fn transcript(sandbox: &Sandbox) -> PathBuf {
    let record = sandbox.wait_for_record("a transcript", |record| {
        record.json["with_transcript"].as_array().is_some_and(|list| !list.is_empty())
    });
    let name = format!("{}.jsonl", record.text("conversation"));
    let folders = fs::read_dir(sandbox.path("home/.claude/projects")).expect("projects").flatten();
    folders.map(|folder| folder.path().join(&name)).find(|path| path.exists()).expect("a transcript")
}

/// Lets nothing be written below `projects` any more, whoever tries: there is a file in its place.
fn block(sandbox: &Sandbox) {
    let projects = sandbox.path("home/.claude/projects");
    fs::create_dir_all(projects.parent().expect("a parent")).expect("a folder");
    let _ = fs::rename(&projects, projects.with_extension("aside"));
    fs::write(&projects, "").expect("a file in its place");
}

fn exit(mut terminal: Terminal) {
    at_prompt(&mut terminal);
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
}

#[test]
fn a_first_turn_without_a_transcript_is_in_list_log_and_title() {
    let sandbox = sandbox();
    block(&sandbox);
    let mut terminal = start(&sandbox, &[]);
    say(&mut terminal, "words");
    let record = alarm(&sandbox);
    assert!(record.text("transcript_problem").contains("is no directory"), "{:?}", record.json);
    let list = well_said(&sandbox, &["list"]);
    assert!(list.contains("what is said there is not saved: there is no transcript"), "{list}");
    assert_eq!(count(&sandbox, "transcript-not-written"), 1);
    wait_until("a word in the title", DEADLINE, || {
        String::from_utf8_lossy(&terminal.output()).contains("cckw: what is said here is not saved")
    });
    // A restart that nobody is in a hurry for would lose it.
    let output = cckw(&sandbox, &["restart"]).output().expect("runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && error.contains("--now"), "{error}");
    // Once a turn is written again it is over.
    fs::remove_file(sandbox.path("home/.claude/projects")).expect("removes");
    say(&mut terminal, "more words");
    sandbox.wait_for_record("the end of the alarm", |record| record.json["transcript_problem"].is_null());
    assert!(!well_said(&sandbox, &["list"]).contains("not saved"));
    exit(terminal);
}

/// Interrupts a turn. On a busy machine the answer may be whole before the key is there; then another one is
/// interrupted.
fn interrupt(terminal: &mut Terminal) {
    for number in 0..20 {
        let words = format!("many words {number}{}", ", many words".repeat(7));
        submit(terminal, &words);
        terminal.wait_for_text(&format!("You said: many words {number}"));
        terminal.press(Key::Esc);
        let answer = format!("You said: {words}");
        let over = |screen: &Screen| screen.contains("Interrupted") || screen.contains(&answer);
        let screen = terminal.wait_for("the end of the turn", over);
        at_prompt(terminal);
        if screen.contains("Interrupted") {
            return;
        }
    }
    panic!("no turn was interrupted\n{}", terminal.report());
}

#[test]
fn turns_that_are_written_interrupted_or_no_turns_are_no_alarm_and_a_later_one_is() {
    let mut sandbox = sandbox();
    // The answer to be interrupted takes more than four seconds.
    sandbox.set("CCKW_STANDIN_PACE", "150");
    let mut terminal = start(&sandbox, &[]);
    say(&mut terminal, "words");
    interrupt(&mut terminal);
    terminal.type_text("!ls");
    terminal.press(Key::Enter);
    terminal.wait_for_text("the stand-in runs no commands");
    at_prompt(&mut terminal);
    submit(&mut terminal, "permission");
    terminal.wait_for_text("Do you want to proceed?");
    terminal.type_text("3");
    at_prompt(&mut terminal);
    submit(&mut terminal, "/nothing");
    terminal.wait_for_text("Unknown command");
    submit(&mut terminal, "/clear");
    at_prompt(&mut terminal);
    say(&mut terminal, "after clear");
    // The first one that is not written; any alarm before it would be in the log too.
    let record = sandbox.wait_for_record("an idle claude", |record| record.text("status") == "idle");
    wait_until("the new transcript", DEADLINE, || {
        sandbox.wait_for_record("the same", |_| true).json["with_transcript"]
            .as_array()
            .is_some_and(|list| list.contains(&record.json["conversation"]))
    });
    block(&sandbox);
    say(&mut terminal, "lost words");
    alarm(&sandbox);
    assert_eq!(count(&sandbox, "transcript-not-written"), 1);
    exit(terminal);
}

#[test]
fn a_transcript_that_was_removed_meanwhile_is_an_alarm() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    say(&mut terminal, "a prompt that is much longer than the last one will be, twice over");
    for number in 0..5 {
        say(&mut terminal, &format!("words {number}"));
    }
    let path = transcript(&sandbox);
    // What was said is on disk before it is removed, and has become the measure.
    submit(&mut terminal, "permission");
    terminal.wait_for_text("Do you want to proceed?");
    terminal.press(Key::Esc);
    at_prompt(&mut terminal);
    fs::remove_file(path).expect("removes");
    say(&mut terminal, "x");
    assert!(alarm(&sandbox).text("transcript_problem").contains("removed or cut"));
    exit(terminal);
}

#[test]
fn an_answer_on_the_screen_of_a_claude_without_a_state_file_counts_too() {
    let mut sandbox = sandbox();
    sandbox.set("CCKW_STANDIN_NO_STATE", "1");
    block(&sandbox);
    let mut terminal = start(&sandbox, &[]);
    sandbox.wait_for_record("a silent claude", |record| record.text("state") == "running");
    say(&mut terminal, "words");
    alarm(&sandbox);
    exit(terminal);
}

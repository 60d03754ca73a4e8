//! After a crash claude is back with the same conversation, whatever it was at.

use std::fs;
use std::process::Command;

use nix::sys::signal::Signal;
use serde_json::json;

use super::driver::{How, Place, goes_on, leave, prompt_holds, says, submit, wait_for_prompt, written};
use super::mock::{HELD, HOLD, REPLY, USE_TOOL};
use super::support::{DEADLINE, Key, Record, Terminal, process, wait_or_report, wait_until};

/// A place where cckw waits for the user after a crash: what comes back, came back by Enter.
pub fn patient() -> Place {
    let place = Place::new();
    // Without a notice the screen, with its title, is claude's alone.
    place.sandbox.configure("notify = \"off\"\n[restart]\ninitial_delay = \"10m\"\nmax_delay = \"10m\"\n");
    place
}

/// Kills claude as the kernel does when memory is short. cckw says so on a terminal that is as before claude.
#[track_caller]
pub fn kill(place: &Place, terminal: &mut Terminal) {
    kill_by(Signal::SIGKILL, place, terminal);
}

/// The same by this signal.
#[track_caller]
pub fn kill_by(signal: Signal, place: &Place, terminal: &mut Terminal) {
    let claude = place.wait_for_host().pid("claude_pid").expect("a claude");
    let before = questions(terminal);
    assert!(process::signal(claude, signal));
    place.sandbox.wait_for_record("the wait", |record| record.text("state") == "restarting");
    // That of the crash before may still be on the screen.
    let look = || (questions(terminal) > before).then_some(());
    wait_or_report("another question of cckw's", DEADLINE, look, || terminal.report());
    // Where a turn broke off, another line says so below.
    let line = format!("[cckw: claude was killed by {signal}; back in ");
    terminal.wait_for("cckw's line", |screen| {
        screen.rows.iter().any(|row| row.starts_with(&line) && row.ends_with("Enter: now, ctrl-c: quit]"))
    });
    assert_eq!(terminal.modes().left_on(), Vec::<String>::new());
    assert!(terminal.screen().plain, "{}", terminal.report());
}

/// How often cckw has asked what is to be done without claude.
fn questions(terminal: &Terminal) -> usize {
    String::from_utf8_lossy(&terminal.output()).matches("Enter: now, ctrl-c: quit]").count()
}

/// Kills claude, which has been brought back `restarts` times, and presses Enter at cckw's question.
#[track_caller]
pub fn crash(place: &Place, terminal: &mut Terminal, restarts: u64) -> Record {
    kill(place, terminal);
    terminal.press(Key::Enter);
    let record = says(place, "idle", restarts + 1);
    wait_for_prompt(terminal);
    record
}

/// The arguments of the claude that runs.
pub fn arguments(record: &Record) -> Vec<String> {
    process::arguments(record.pid("claude_pid").expect("a claude")).split_off(1)
}

/// Whether `text` was drawn since cckw said that claude was gone.
pub fn drawn_again(terminal: &Terminal, text: &str) -> bool {
    let rows = terminal.history();
    let from = rows.iter().rposition(|row| row.starts_with("[cckw: ")).unwrap_or(0);
    rows[from..].iter().any(|row| row.contains(text))
}

/// A conversation that claude had by itself, before.
pub fn conversation(place: &Place, prompt: &str) -> String {
    let before = place.transcripts();
    let mut terminal = place.start(How::Direct, &[]);
    submit(&mut terminal, prompt);
    terminal.wait_for_text(REPLY);
    wait_for_prompt(&mut terminal);
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0));
    let new: Vec<String> = place.transcripts().into_iter().filter(|id| !before.contains(id)).collect();
    assert_eq!(new.len(), 1);
    new.into_iter().next().expect("one")
}

#[track_caller]
fn at_the_prompt(tui: &str) {
    let place = patient();
    place.settings(&json!({"tui": tui}));
    let mut terminal = place.start(How::Through, &[]);
    goes_on(&place, &mut terminal, says(&place, "idle", 0).text("conversation"), "the first words");
    let first = says(&place, "idle", 0);
    let id = first.text("conversation");
    for round in 0..2 {
        let again = crash(&place, &mut terminal, round);
        assert_ne!(again.pid("claude_pid"), first.pid("claude_pid"));
        assert_eq!(again.text("conversation"), id);
        assert_eq!(arguments(&again), ["--resume", id]);
        assert!(drawn_again(&terminal, REPLY), "{}", terminal.report());
        goes_on(&place, &mut terminal, id, &format!("round {round}"));
    }
    assert_eq!(place.transcripts(), [id]);
    assert_eq!(place.mock.arrived(), ["the first words", "round 0", "round 1"]);
    leave(&place, terminal);
}

#[test]
fn at_the_prompt_on_the_main_screen() {
    at_the_prompt("default");
}

#[test]
fn at_the_prompt_on_the_alternate_screen() {
    at_the_prompt("fullscreen");
}

#[test]
fn in_the_middle_of_a_turn() {
    let place = patient();
    let mut terminal = place.start(How::Through, &[]);
    goes_on(&place, &mut terminal, says(&place, "idle", 0).text("conversation"), "the first words");
    submit(&mut terminal, HOLD);
    let busy = says(&place, "busy", 0);
    wait_until("the prompt at the mock", DEADLINE, || place.mock.arrived().len() == 2);
    let id = busy.text("conversation");
    written(&place, id, HOLD);
    let again = crash(&place, &mut terminal, 0);
    assert_eq!(again.text("conversation"), id);
    assert!(drawn_again(&terminal, REPLY) && drawn_again(&terminal, HOLD), "{}", terminal.report());
    place.mock.release();
    goes_on(&place, &mut terminal, id, "the next words");
    assert!(!drawn_again(&terminal, HELD), "{}", terminal.report());
    assert_eq!(place.mock.arrived(), ["the first words", HOLD, "the next words"]);
    assert_eq!(place.transcripts(), [id]);
    leave(&place, terminal);
}

#[test]
fn in_a_permission_dialog() {
    let place = patient();
    let mut terminal = place.start(How::Through, &["--permission-mode", "manual"]);
    submit(&mut terminal, USE_TOOL);
    terminal.wait_for_text("Do you want to proceed?");
    let waiting = says(&place, "waiting", 0);
    let id = waiting.text("conversation");
    written(&place, id, USE_TOOL);
    let again = crash(&place, &mut terminal, 0);
    assert_eq!(again.text("conversation"), id);
    assert_eq!(arguments(&again), ["--resume", id, "--permission-mode", "manual"]);
    assert!(drawn_again(&terminal, USE_TOOL), "{}", terminal.report());
    goes_on(&place, &mut terminal, id, "other words");
    assert!(!place.sandbox.work().join("made-by-the-tool").exists());
    leave(&place, terminal);
}

#[test]
fn before_the_first_prompt() {
    let place = patient();
    let mut terminal = place.start(How::Through, &[]);
    let id = says(&place, "idle", 0).text("conversation").to_owned();
    let again = crash(&place, &mut terminal, 0);
    assert_eq!(arguments(&again), ["--session-id", &id]);
    goes_on(&place, &mut terminal, &id, "the first words");
    assert_eq!(arguments(&crash(&place, &mut terminal, 1)), ["--resume", &id]);
    assert!(drawn_again(&terminal, REPLY), "{}", terminal.report());
    assert_eq!(place.transcripts(), [id]);
    leave(&place, terminal);
}

#[test]
fn before_it_has_drawn_anything() {
    let place = patient();
    let mut terminal = Terminal::spawn(place.command(How::Through, &[]));
    let record = place.sandbox.wait_for_record("a child", |record| record.pid("child_pid").is_some());
    assert!(process::signal(record.pid("child_pid").expect("a child"), Signal::SIGKILL));
    terminal.wait_for_text("[cckw: claude was killed by SIGKILL");
    terminal.press(Key::Enter);
    let again = says(&place, "idle", 1);
    wait_for_prompt(&mut terminal);
    let id = record.text("session");
    assert_eq!(again.text("conversation"), id);
    assert_eq!(arguments(&again), ["--session-id", id]);
    goes_on(&place, &mut terminal, id, "the first words");
    leave(&place, terminal);
}

#[test]
fn after_clear() {
    let place = patient();
    let mut terminal = place.start(How::Through, &[]);
    let old = says(&place, "idle", 0).text("conversation").to_owned();
    goes_on(&place, &mut terminal, &old, "the old words");
    submit(&mut terminal, "/clear");
    let cleared = place.sandbox.wait_for_record("a new conversation", |record| {
        record.text("conversation") != old && record.text("status") == "idle"
    });
    let id = cleared.text("conversation");
    wait_for_prompt(&mut terminal);
    // Nothing was said in it yet; but claude writes down that it was cleared, a moment later.
    written(&place, id, "/clear");
    let again = crash(&place, &mut terminal, 0);
    assert_eq!(again.text("conversation"), id);
    assert_eq!(arguments(&again), ["--resume", id]);
    assert!(!drawn_again(&terminal, "the old words"), "{}", terminal.report());
    goes_on(&place, &mut terminal, id, "the new words");
    let again = crash(&place, &mut terminal, 1);
    assert_eq!(arguments(&again), ["--resume", id]);
    assert!(drawn_again(&terminal, "the new words"), "{}", terminal.report());
    assert!(!drawn_again(&terminal, "the old words"), "{}", terminal.report());
    goes_on(&place, &mut terminal, id, "more words");
    assert_eq!(place.mock.arrived(), ["the old words", "the new words", "more words"]);
    leave(&place, terminal);
}

#[test]
fn after_resume_to_another_conversation() {
    let place = patient();
    let other = conversation(&place, "words of another day");
    let mut terminal = place.start(How::Through, &[]);
    let first = says(&place, "idle", 0);
    goes_on(&place, &mut terminal, first.text("conversation"), "words of today");
    submit(&mut terminal, "/resume");
    terminal.wait_for("the list", |screen| screen.contains("words of another day"));
    terminal.press_until(Key::Enter, "the other conversation", |screen| {
        screen.contains("words of another day") && screen.contains(REPLY)
    });
    place.sandbox.wait_for_record("the other conversation", |record| {
        record.text("conversation") == other && record.text("status") == "idle"
    });
    wait_for_prompt(&mut terminal);
    let again = crash(&place, &mut terminal, 0);
    assert_eq!(again.text("conversation"), other);
    assert_eq!(arguments(&again), ["--resume", &other]);
    assert!(drawn_again(&terminal, "words of another day"), "{}", terminal.report());
    goes_on(&place, &mut terminal, &other, "words of tomorrow");
    assert!(!place.transcript(first.text("conversation")).contains("words of tomorrow"));
    leave(&place, terminal);
}

#[test]
fn flags_are_kept_and_the_prompt_is_not_sent_again() {
    let place = patient();
    for name in ["a", "b"] {
        fs::create_dir(place.sandbox.work().join(name)).expect("a directory");
    }
    let flags = ["--model", "opus", "--add-dir", "a", "b"];
    let line = ["--model", "opus", "a prompt in the arguments", "--add-dir", "a", "b"];
    let mut terminal = place.start(How::Through, &line);
    let id = says(&place, "idle", 0).text("conversation").to_owned();
    terminal.wait_for_text(REPLY);
    written(&place, &id, REPLY);
    let again = crash(&place, &mut terminal, 0);
    assert_eq!(arguments(&again), [&["--resume", &id], &flags[..]].concat());
    assert!(drawn_again(&terminal, "a prompt in the arguments"), "{}", terminal.report());
    goes_on(&place, &mut terminal, &id, "typed words");
    assert_eq!(place.mock.arrived(), ["a prompt in the arguments", "typed words"]);
    leave(&place, terminal);
}

#[test]
fn a_continued_conversation() {
    let place = patient();
    let id = conversation(&place, "words of another day");
    let mut terminal = place.start(How::Through, &["--continue"]);
    assert_eq!(says(&place, "idle", 0).text("conversation"), id);
    for round in 0..2 {
        let again = crash(&place, &mut terminal, round);
        assert_eq!(again.text("conversation"), id);
        assert_eq!(arguments(&again), ["--resume", &id]);
        assert!(drawn_again(&terminal, "words of another day"), "{}", terminal.report());
    }
    goes_on(&place, &mut terminal, &id, "words of today");
    assert_eq!(place.transcripts(), [id]);
    leave(&place, terminal);
}

#[test]
fn a_forked_conversation() {
    let place = patient();
    let old = conversation(&place, "words of another day");
    let mut terminal = place.start(How::Through, &["--resume", &old, "--fork-session"]);
    let fork = says(&place, "idle", 0).text("conversation").to_owned();
    assert_ne!(fork, old);
    goes_on(&place, &mut terminal, &fork, "words of the fork");
    let again = crash(&place, &mut terminal, 0);
    assert_eq!(again.text("conversation"), fork);
    assert_eq!(arguments(&again), ["--resume", &fork]);
    assert!(drawn_again(&terminal, "words of the fork"), "{}", terminal.report());
    goes_on(&place, &mut terminal, &fork, "more words");
    assert!(!place.transcript(&old).contains("words of the fork"));
    assert_eq!(place.transcripts().len(), 2);
    leave(&place, terminal);
}

/// Runs git in the working directory.
pub fn git(place: &Place, words: &[&str]) {
    let mut git: Command = place.sandbox.command("git");
    git.args(["-c", "user.name=A", "-c", "user.email=a@example.org"]).args(words);
    let output = git.output().expect("git");
    assert!(output.status.success(), "{words:?}: {output:?}");
}

#[test]
fn in_a_worktree_of_its_own() {
    let place = patient();
    git(&place, &["init", "-q"]);
    git(&place, &["commit", "-q", "--allow-empty", "-m", "The first"]);
    let mut terminal = place.start(How::Through, &["-w"]);
    let directory = |record: &Record| {
        let state = place.state_of(record.pid("claude_pid").expect("a claude")).expect("its state file");
        state["cwd"].as_str().expect("a directory").to_owned()
    };
    let first = says(&place, "idle", 0);
    let tree = directory(&first);
    assert!(tree.contains("/.claude/worktrees/"), "{tree}");
    let id = first.text("conversation");
    let again = crash(&place, &mut terminal, 0);
    assert_eq!(again.text("conversation"), id);
    assert_eq!(directory(&again), tree);
    goes_on(&place, &mut terminal, id, "words in a worktree");
    let again = crash(&place, &mut terminal, 1);
    assert_eq!(again.text("conversation"), id);
    assert_eq!(arguments(&again), ["--resume", id]);
    assert!(drawn_again(&terminal, "words in a worktree"), "{}", terminal.report());
    assert_eq!(directory(&again), tree);
    goes_on(&place, &mut terminal, id, "more words");
    assert_eq!(fs::read_dir(place.sandbox.work().join(".claude/worktrees")).expect("worktrees").count(), 1);
    leave(&place, terminal);
}

#[test]
fn a_conversation_that_was_deleted_is_replaced_and_the_user_is_told() {
    let place = patient();
    let mut terminal = place.start(How::Through, &[]);
    let old = says(&place, "idle", 0).text("conversation").to_owned();
    goes_on(&place, &mut terminal, &old, "the old words");
    place.sandbox.wait_for_record("a transcript", |record| record.json["with_transcript"] == json!([old]));
    fs::remove_dir_all(place.sandbox.path("home/.claude/projects")).expect("the end of all conversations");
    let again = crash(&place, &mut terminal, 0);
    let id = again.text("conversation");
    assert_ne!(id, old);
    assert_eq!(arguments(&again), ["--session-id", id]);
    assert_eq!(again.json["conversations"], json!([old, id]));
    let output = String::from_utf8_lossy(&terminal.output()).replace("\r\n", " ");
    assert!(output.contains(&format!("the conversation {old} is not on disk any more")), "{output}");
    goes_on(&place, &mut terminal, id, "the new words");
    assert_eq!(place.transcripts(), [id]);
    leave(&place, terminal);
}

#[test]
fn while_it_is_suspended() {
    let place = Place::new();
    let mut terminal = Terminal::shell("bash", &place.sandbox);
    let manners = terminal.manners();
    terminal.run("cckw claude");
    wait_for_prompt(&mut terminal);
    let id = says(&place, "idle", 0).text("conversation").to_owned();
    goes_on(&place, &mut terminal, &id, "the first words");
    terminal.press(Key::Ctrl('z'));
    terminal.wait_for_prompt();
    let claude =
        place.sandbox.wait_for_record("a suspended claude", |record| record.text("state") == "suspended");
    assert!(process::signal(claude.pid("claude_pid").expect("a claude"), Signal::SIGKILL));
    let again = says(&place, "idle", 1);
    assert_eq!(again.text("conversation"), id);
    terminal.run("echo the shell has its keys");
    terminal.wait_for("what the shell was told", |screen| {
        screen.rows.iter().any(|row| row == "the shell has its keys")
    });
    terminal.wait_for_manners(&manners);
    terminal.run("fg");
    terminal.wait_for("the conversation", |screen| prompt_holds(screen, "") && screen.contains(REPLY));
    goes_on(&place, &mut terminal, &id, "the next words");
    submit(&mut terminal, "/exit");
    terminal.wait_for_prompt();
    terminal.wait_for_manners(&manners);
    terminal.run("echo status $?");
    terminal.wait_for_text("status 0");
}

#[test]
fn a_terminal_closed_while_claude_is_gone() {
    let place = patient();
    let mut terminal = place.start(How::Through, &[]);
    let id = says(&place, "idle", 0).text("conversation").to_owned();
    goes_on(&place, &mut terminal, &id, "the first words");
    kill(&place, &mut terminal);
    terminal.hang_up();
    place.sandbox.wait_for_record("nobody attached", |record| record.json["client_pid"].is_null());
    let mut command = place.sandbox.command(place.sandbox.path("bin/cckw"));
    command.arg("attach");
    let mut other = Terminal::spawn(command);
    other.wait_for("cckw's line", |screen| {
        screen.last_row().starts_with("[cckw: claude was killed by SIGKILL")
    });
    other.press(Key::Enter);
    assert_eq!(says(&place, "idle", 1).text("conversation"), id);
    wait_for_prompt(&mut other);
    assert!(drawn_again(&other, REPLY), "{}", other.report());
    goes_on(&place, &mut other, &id, "the next words");
    leave(&place, other);
}

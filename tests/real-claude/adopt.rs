//! `cckw adopt` with the real claude.

use std::process::Stdio;

use serde_json::Value;

use super::driver::{How, Place, goes_on, messages, prompt_holds, says, wait_for_prompt};
use super::mock::REPLY;
use super::support::{DEADLINE, Terminal, process, wait_until, wait_until_some};

fn adopt(place: &Place, words: &[&str]) -> (Option<i32>, String, String) {
    let mut command = place.sandbox.command(place.sandbox.path("bin/cckw"));
    let output = command.arg("adopt").args(words).stdin(Stdio::null()).output().expect("runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// The claude that runs without cckw, once it says what it does.
fn by_hand(place: &Place) -> (i32, String) {
    let state =
        wait_until_some("a state file", DEADLINE, || place.state().filter(|state| state["status"] == "idle"));
    let pid = state["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok()).expect("a pid");
    (pid, state["sessionId"].as_str().expect("a conversation").to_owned())
}

fn attach(place: &Place, name: &str) -> Terminal {
    let mut command = place.sandbox.command(place.sandbox.path("bin/cckw"));
    command.args(["attach", name]);
    let mut terminal = Terminal::spawn(command);
    terminal.wait_for("the prompt", |screen| prompt_holds(screen, ""));
    terminal
}

#[test]
fn a_claude_in_a_terminal_is_taken_over_and_goes_on() {
    let place = Place::new();
    let mut terminal = place.start(How::Direct, &["--model", "opus", "-n", "byhand"]);
    let (pid, id) = by_hand(&place);
    goes_on(&place, &mut terminal, &id, "the first words");
    let (code, stdout, stderr) = adopt(&place, &["--takeover", &pid.to_string()]);
    assert_eq!((code, &*stderr), (Some(0), ""), "{stdout}");
    assert!(stdout.starts_with("byhand: taken over"), "{stdout}");
    assert_eq!(terminal.finish().code(), Some(143));
    let record = place.wait_for_host();
    assert_eq!(record.text("conversation"), id);
    let claude = record.pid("claude_pid").expect("a claude");
    assert_eq!(process::arguments(claude)[1..], ["--resume", &id, "--model", "opus", "-n", "byhand"]);
    let mut terminal = attach(&place, "byhand");
    goes_on(&place, &mut terminal, &id, "the second words");
    assert!(place.transcript(&id).contains("the first words"));
    place.verb(&["stop", "byhand"]);
    terminal.finish();
    place.sandbox.wait_for_silence();
}

#[test]
fn a_copy_has_its_own_id_and_the_original_goes_on() {
    let place = Place::new();
    let mut terminal = place.start(How::Direct, &[]);
    let (pid, id) = by_hand(&place);
    goes_on(&place, &mut terminal, &id, "the first words");
    // Other lines of the turn are written a moment after its answer.
    let before = messages(&place, &id);
    let (code, stdout, stderr) = adopt(&place, &["--fork", "--json", &id[..8]]);
    assert_eq!((code, &*stderr), (Some(0), ""), "{stdout}");
    let said: Value = serde_json::from_str(&stdout).expect("one object");
    let copy = said["conversation"].as_str().expect("a conversation").to_owned();
    assert_ne!(copy, id);
    // Nothing was said in the copy, so it is not on disk. It is made again after a crash.
    let claude = place.wait_for_host().pid("claude_pid").expect("a claude");
    process::signal(claude, nix::sys::signal::Signal::SIGKILL);
    assert_eq!(says(&place, "idle", 1).text("conversation"), copy);
    let mut copied = attach(&place, "work");
    goes_on(&place, &mut copied, &copy, "in the copy");
    assert!(place.transcript(&copy).contains("the first words"));
    assert_eq!(messages(&place, &id), before, "the original was changed");
    assert!(process::runs(pid));
    goes_on(&place, &mut terminal, &id, "in the original");
    place.verb(&["stop", "work"]);
    copied.finish();
    process::signal(pid, nix::sys::signal::Signal::SIGTERM);
    terminal.finish();
    place.sandbox.wait_for_silence();
}

/// Claude's own background job, which it has started with variables of its own.
#[test]
fn a_background_job_is_taken_over_and_is_one_no_more() {
    let place = Place::new();
    let claude = place.sandbox.path("bin/claude");
    let started = place.sandbox.command(claude).args(["--bg", "hello job"]).output().expect("runs");
    assert!(started.status.success(), "{started:?}");
    let job = wait_until_some("the job", DEADLINE, || {
        let state =
            place.states().into_iter().find(|state| state["kind"] == "bg" && state["status"] == "idle")?;
        let id = state["sessionId"].as_str()?.to_owned();
        place.transcript(&id).contains(REPLY).then_some((state["jobId"].as_str()?.to_owned(), id))
    });
    let (job, id) = job;
    let (code, stdout, stderr) = adopt(&place, &["--takeover", &job]);
    assert_eq!((code, &*stderr), (Some(0), ""), "{stdout}");
    let record = place.wait_for_host();
    assert_eq!(record.text("conversation"), id);
    let claude = record.pid("claude_pid").expect("a claude");
    assert_eq!(place.state_of(claude).expect("a state file")["kind"], "interactive");
    wait_until("the end of the job", DEADLINE, || {
        place.states().iter().all(|state| state["jobId"] != job.as_str())
    });
    let mut terminal = attach(&place, record.text("session"));
    wait_for_prompt(&mut terminal);
    terminal.wait_for_text("hello job");
    place.verb(&["stop", record.text("session")]);
    terminal.finish();
    place.end_daemon();
}

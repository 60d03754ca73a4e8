//! `cckw new` with the real claude.

use std::fs;
use std::process::{Output, Stdio};

use super::driver::{Place, prompt_holds};
use super::support::{DEADLINE, Terminal, process, wait_until};

fn new(place: &Place, words: &[&str]) -> Output {
    let mut command = place.sandbox.command(place.sandbox.path("bin/cckw"));
    command.arg("new").args(words).stdin(Stdio::null()).output().expect("runs")
}

/// The first prompt has an answer, although an option could be read in it, and another claude's markers are
/// around.
#[test]
fn a_session_without_a_terminal_answers_its_first_prompt() {
    let mut place = Place::new();
    for (name, value) in [("CLAUDECODE", "1"), ("CLAUDE_CODE_CHILD_SESSION", "1"), ("TERM", "dumb")] {
        place.sandbox.set(name, value);
    }
    let output = new(&place, &["api", "--prompt", "-x is what I say\nin two lines"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let record = place.wait_for_host();
    assert_eq!(output.stdout, format!("api\t{}\n", record.text("session")).into_bytes());
    let id = record.text("session").to_owned();
    wait_until("the answer", DEADLINE, || {
        let text = place.transcript(&id);
        text.contains(r"-x is what I say\nin two lines") && text.contains(super::mock::REPLY)
    });
    let claude = record.pid("claude_pid").expect("a claude");
    assert!(place.state_of(claude).is_some_and(|state| state["name"] == "api"));
    assert!(!process::environment(claude).iter().any(|line| line == "CLAUDECODE=1"));
    let mut command = place.sandbox.command(place.sandbox.path("bin/cckw"));
    command.env("TERM", "xterm-256color").args(["attach", "api"]);
    let mut terminal = Terminal::spawn(command);
    terminal.wait_for("the prompt", |screen| prompt_holds(screen, ""));
    place.verb(&["stop", "api"]);
    terminal.finish();
    place.sandbox.wait_for_silence();
}

/// A folder that is not trusted is asked about, and nobody answers by himself.
#[test]
fn the_question_about_trust_is_said_and_left_to_the_user() {
    let place = Place::new();
    let other = place.sandbox.path("home/other");
    fs::create_dir(&other).expect("a directory");
    let output = new(&place, &["api", other.to_str().expect("a path")]);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(stderr.contains("you trust") && stderr.contains("cckw attach api"), "{stderr}");
    assert!(output.stdout.starts_with(b"api\t"), "{output:?}");
    let listed = place.sandbox.command(place.sandbox.path("bin/cckw")).args(["list", "--json"]).output();
    let listed = String::from_utf8(listed.expect("runs").stdout).expect("UTF-8");
    assert!(listed.contains(r#""state":"asks""#) && listed.contains("you trust"), "{listed}");
    let mut command = place.sandbox.command(place.sandbox.path("bin/cckw"));
    let mut terminal = Terminal::spawn({
        command.args(["attach", "api"]);
        command
    });
    terminal.wait_for_text("trust this folder");
    place.verb(&["stop", "api"]);
    terminal.finish();
    place.sandbox.wait_for_silence();
}

/// What claude says when it ends at once is said, and nothing is left.
#[test]
fn a_claude_that_ends_at_once_is_quoted() {
    let place = Place::new();
    for (words, said) in [
        (&["api", "--", "--resume", "0f0e0d0c-1111-4111-8111-0123456789ab"][..], "No conversation found"),
        (&["api", "--", "--no-such-option"], "unknown option"),
        (&["api", "--", "remote-control"], "logged in"),
    ] {
        let output = new(&place, words);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(stderr.contains(said), "{stderr}");
        place.sandbox.wait_for_silence();
        assert!(place.sandbox.records().is_empty());
    }
}

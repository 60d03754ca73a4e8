//! `cckw rename`.

use super::{named, run};
use crate::support::stand_in::{arguments, sandbox};
use crate::support::verb::well_said;
use crate::support::{DEADLINE, Record, Sandbox, wait_until};

/// The session of this name once its claude was started so often and is idle.
fn idle(sandbox: &Sandbox, name: &str, restarts: u64) -> Record {
    let is_it = |record: &Record| {
        record.json["called"]["name"] == name
            && record.text("status") == "idle"
            && record.json["restarts"] == restarts
    };
    wait_until("an idle session", DEADLINE, || sandbox.records().iter().any(is_it));
    named(sandbox, name)
}

#[test]
fn a_session_that_runs_has_the_name_at_once_and_claude_with_its_next_start() {
    let sandbox = sandbox();
    well_said(&sandbox, &["new", "work"]);
    let said = well_said(&sandbox, &["rename", "work", "my parser"]);
    assert!(said.starts_with("work: is called my parser now"), "{said}");
    let id = named(&sandbox, "my parser").text("session").to_owned();
    // What it advises works.
    let advised = said.split("cckw restart ").nth(1).expect("advice").trim_end_matches([')', '\n']);
    well_said(&sandbox, &["restart", advised]);
    let record = idle(&sandbox, "my parser", 1);
    assert_eq!(arguments(&record), ["--session-id", &id, "--name=my parser"]);
    // The old name is free.
    well_said(&sandbox, &["new", "work"]);
    let (code, _, stderr) = run(&sandbox, &["rename", "my parser", "work"]);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("is called work already"), "{stderr}");
    assert_eq!(named(&sandbox, "my parser").text("session"), id);
    well_said(&sandbox, &["stop", "--all"]);
    sandbox.wait_for_silence();
}

#[test]
fn claude_hears_of_the_name_although_it_was_started_without_one() {
    let sandbox = sandbox();
    let mut command = sandbox.cckw_claude();
    command.args(["--model", "opus"]);
    let mut terminal = crate::support::Terminal::spawn(command);
    let record = crate::support::stand_in::idle(&sandbox, 0);
    well_said(&sandbox, &["rename", record.text("session"), "api"]);
    well_said(&sandbox, &["restart", "api"]);
    let record = idle(&sandbox, "api", 1);
    assert!(arguments(&record).contains(&"--name=api".to_owned()), "{:?}", arguments(&record));
    well_said(&sandbox, &["stop", "api"]);
    terminal.finish();
    sandbox.wait_for_silence();
}

#[test]
fn a_session_that_has_ended_is_renamed_in_its_record() {
    let sandbox = sandbox();
    well_said(&sandbox, &["new", "work"]);
    well_said(&sandbox, &["stop", "work"]);
    let said = well_said(&sandbox, &["rename", "work", "api"]);
    assert!(said.starts_with("work: is called api now"), "{said}");
    well_said(&sandbox, &["start", "api"]);
    idle(&sandbox, "api", 1);
    well_said(&sandbox, &["stop", "api"]);
    sandbox.wait_for_silence();
}

#[test]
fn a_name_that_would_mean_nothing_is_refused() {
    let sandbox = sandbox();
    well_said(&sandbox, &["new", "work"]);
    for name in ["", "4711", "a\x1bb", " x"] {
        let (code, _, stderr) = run(&sandbox, &["rename", "work", name]);
        assert_eq!(code, Some(2), "{name:?}: {stderr}");
    }
    let (code, _, stderr) = run(&sandbox, &["rename", "nothing", "api"]);
    assert_eq!(code, Some(1), "{stderr}");
    assert_eq!(well_said(&sandbox, &["rename", "work", "work"]), "work: is called so already\n");
    named(&sandbox, "work");
    well_said(&sandbox, &["stop", "work"]);
    sandbox.wait_for_silence();
}

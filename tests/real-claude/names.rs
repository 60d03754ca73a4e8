//! What the real claude calls its session, and what cckw does.

use serde_json::Value;

use super::driver::{How, Place, goes_on, leave, says, submit, wait_for_prompt};
use super::support::{DEADLINE, process, wait_until};

/// The one session, as `cckw list --json` has it.
fn listed(place: &Place) -> Value {
    let output = place.sandbox.command(place.sandbox.path("bin/cckw")).args(["list", "--json"]).output();
    serde_json::from_slice(&output.expect("runs").stdout).expect("one session")
}

/// The name of `-n` would come back with each restart.
#[test]
fn a_rename_renames_the_session_and_outlives_a_restart() {
    let place = Place::new();
    let mut terminal = place.start(How::Through, &["-n", "first"]);
    let id = says(&place, "idle", 0).text("conversation").to_owned();
    assert_eq!(listed(&place)["name"], "first");
    goes_on(&place, &mut terminal, &id, "the first words");
    wait_until("what it is about", DEADLINE, || listed(&place)["title"] == "first");
    submit(&mut terminal, "/rename second one");
    wait_until("the new name", DEADLINE, || listed(&place)["name"] == "second one");
    wait_for_prompt(&mut terminal);
    place.verb(&["restart", "second one"]);
    let again = says(&place, "idle", 1);
    wait_for_prompt(&mut terminal);
    let claude = again.pid("claude_pid").expect("a claude");
    assert_eq!(process::arguments(claude)[1..], ["--resume", &id, "--name=second one"]);
    wait_until("its name", DEADLINE, || {
        place.state_of(claude).is_some_and(|state| state["name"] == "second one")
    });
    assert_eq!(listed(&place)["name"], "second one");
    leave(&place, terminal);
}

/// Claude names itself after the directory, with two digits. That is nobody's wish.
#[test]
fn what_claude_calls_itself_is_not_followed() {
    let place = Place::new();
    let mut terminal = place.start(How::Through, &[]);
    let record = says(&place, "idle", 0);
    let id = record.text("conversation").to_owned();
    goes_on(&place, &mut terminal, &id, "what this is about");
    let state = place.state().expect("a state file");
    assert_eq!(state["nameSource"], "derived");
    wait_until("what it is about", DEADLINE, || listed(&place)["title"] == "what this is about");
    assert_eq!(listed(&place)["name"], "work");
    leave(&place, terminal);
}

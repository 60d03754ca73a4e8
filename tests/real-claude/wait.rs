//! `cckw wait` with the real claude.

use std::process::Stdio;

use super::driver::Place;
use super::mock::{HOLD, REPLY, USE_TOOL};
use super::support::{DEADLINE, wait_until};

/// What a verb prints on stdout, and its status.
fn run(place: &Place, words: &[&str]) -> (Option<i32>, String) {
    let mut command = place.sandbox.command(place.sandbox.path("bin/cckw"));
    let output = command.args(words).stdin(Stdio::null()).output().expect("runs");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Nothing says in between that the turn has begun.
#[test]
fn a_wait_right_behind_a_start_is_for_its_prompt() {
    let place = Place::new();
    place.verb(&["new", "api", "--prompt", "hello"]);
    assert_eq!(run(&place, &["wait", "api"]), (Some(0), "api\tidle\n".into()));
    let id = place.wait_for_host().text("conversation").to_owned();
    assert!(place.transcript(&id).contains(REPLY), "the answer is not there");
    place.verb(&["stop", "api"]);
    place.sandbox.wait_for_silence();
}

#[test]
fn the_turn_is_waited_for_as_long_as_it_takes() {
    let place = Place::new();
    place.verb(&["new", "api", "--prompt", HOLD]);
    wait_until("the request", DEADLINE, || place.mock.asked());
    assert_eq!(run(&place, &["wait", "--timeout", "1s", "api"]), (Some(5), "api\ttimeout\tbusy\n".into()));
    let mut command = place.sandbox.command(place.sandbox.path("bin/cckw"));
    command.args(["wait", "--for", "turn", "api"]).stdin(Stdio::null()).stdout(Stdio::piped());
    let wait = command.spawn().expect("runs");
    place.mock.release();
    let output = wait.wait_with_output().expect("ends");
    assert_eq!((output.status.code(), &*output.stdout), (Some(0), &b"api\tdone\n"[..]));
    place.verb(&["stop", "api"]);
    place.sandbox.wait_for_silence();
}

#[test]
fn a_permission_prompt_is_said() {
    let place = Place::new();
    place.verb(&["new", "api", "--prompt", USE_TOOL, "--", "--permission-mode", "manual"]);
    assert_eq!(run(&place, &["wait", "api"]), (Some(3), "api\tasks\tpermission prompt\n".into()));
    place.verb(&["stop", "api"]);
    place.sandbox.wait_for_silence();
}

#[test]
fn a_turn_that_fails_is_said() {
    let mut place = Place::new();
    // Nobody listens there.
    place.sandbox.set("ANTHROPIC_BASE_URL", "http://127.0.0.1:1");
    place.sandbox.set("CLAUDE_CODE_MAX_RETRIES", "1");
    place.verb(&["new", "api", "--prompt", "hello"]);
    let (code, said) = run(&place, &["wait", "api"]);
    assert_eq!(code, Some(4), "{said}");
    assert!(said.starts_with("api\tfailed\tnetwork: "), "{said}");
    place.verb(&["stop", "api"]);
    place.sandbox.wait_for_silence();
}

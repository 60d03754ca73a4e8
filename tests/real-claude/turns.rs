//! How a turn has ended is in `cckw list --json` within a second.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::Value;

use super::driver::{How, Place, leave, says, submit};
use super::mock::{FAIL, HELD, HOLD, REPLY, RESET};
use super::support::verb::well_said;
use super::support::{DEADLINE, process, wait_until, wait_until_some};

/// The only session, as `cckw list --json` has it.
fn listed(place: &Place) -> Value {
    let text = well_said(&place.sandbox, &["list", "--json"]);
    serde_json::from_str(text.lines().next().expect("a session")).expect("JSON")
}

/// Waits until the turn that has this prompt is over, and for a second at most from then on until the list
/// knows how.
#[track_caller]
fn ended(place: &Place, prompt: &str) -> Value {
    let is_asked = || place.mock.arrived().iter().any(|arrived| arrived.contains(prompt));
    wait_until("the mock is asked", DEADLINE, is_asked);
    // A claude that was killed has left its state file.
    wait_until("the turn is over", DEADLINE, || place.states().iter().any(|state| state["status"] == "idle"));
    let over = Instant::now();
    let found = wait_until_some("the list knows of it", DEADLINE, || {
        let line = listed(place);
        let known =
            line["last_prompt"] == prompt && line["turn"].as_str().is_some_and(|turn| turn != "running");
        known.then_some(line)
    });
    // Twice as long on a machine that is busy: to start cckw takes its time, too.
    assert!(over.elapsed() < Duration::from_secs(2), "it took {:?}", over.elapsed());
    found
}

#[test]
fn each_error_is_listed_within_a_second() {
    let mut place = Place::new();
    place.sandbox.set("CLAUDE_CODE_MAX_RETRIES", "0");
    let mut terminal = place.start(How::Through, &[]);
    submit(&mut terminal, "hello there");
    let line = ended(&place, "hello there");
    assert_eq!((&line["turn"], &line["state"]), (&"done".into(), &"idle".into()), "{line}");
    assert_eq!(line["last_answer"], REPLY);
    assert!(line["model"].is_string() && line["context_tokens"].is_u64(), "{line}");
    for (how, state, kind) in [
        ("529", "failed", "overloaded"),
        ("429", "limited", "rate_limit"),
        ("401", "unauthorized", "unauthorized"),
        (RESET, "failed", "network"),
    ] {
        let prompt = format!("{FAIL}{how}");
        submit(&mut terminal, &prompt);
        let line = ended(&place, &prompt);
        assert_eq!((&line["turn"], &line["state"]), (&"failed".into(), &state.into()), "{line}");
        assert_eq!(line["turn_error"]["kind"], kind, "{line}");
        assert_eq!(line["turn_error"]["status"].as_u64(), how.parse().ok(), "{line}");
        assert_eq!(line["last_answer"], REPLY, "of the turn before");
    }
    submit(&mut terminal, "better now");
    let line = ended(&place, "better now");
    assert_eq!(
        (&line["turn"], &line["state"], &line["turn_error"]),
        (&"done".into(), &"idle".into(), &Value::Null)
    );
    leave(&place, terminal);
    // An ended session is read from its transcript.
    let text = well_said(&place.sandbox, &["list", "--all", "--json"]);
    let line: Value = serde_json::from_str(text.lines().next().expect("a session")).expect("JSON");
    assert_eq!((&line["state"], &line["turn"]), (&"stopped".into(), &"done".into()), "{line}");
    assert_eq!(line["last_prompt"], "better now");
}

#[test]
fn a_turn_that_a_crash_has_broken_off_is_listed_as_such() {
    let place = Place::new();
    let mut terminal = place.start(How::Through, &[]);
    submit(&mut terminal, "hello there");
    ended(&place, "hello there");
    submit(&mut terminal, HOLD);
    wait_until("the mock is asked", DEADLINE, || {
        place.mock.arrived().iter().any(|prompt| prompt.contains(HOLD))
    });
    wait_until("the list knows that it runs", DEADLINE, || listed(&place)["turn"] == "running");
    let record = place.wait_for_host();
    let id = record.text("conversation").to_owned();
    wait_until("the prompt is written", DEADLINE, || place.transcript(&id).contains(&format!("\"{HOLD}\"")));
    process::signal(record.pid("claude_pid").expect("a claude"), Signal::SIGKILL);
    says(&place, "idle", 1);
    let line = wait_until_some("the list knows of it", DEADLINE, || {
        Some(listed(&place)).filter(|line| line["turn"] == "broken_off")
    });
    assert_eq!((&line["last_prompt"], &line["last_answer"]), (&HOLD.into(), &REPLY.into()));
    place.mock.release();
    submit(&mut terminal, "and now");
    assert_eq!(ended(&place, "and now")["last_answer"], REPLY);
    assert!(!place.transcript(&id).contains(HELD));
    leave(&place, terminal);
}

//! How the last turn ended is in the record, however short the turns are and however closely they follow.

use crate::support::stand_in::{exit, idle, sandbox, say, start, submit};
use crate::support::{Record, Sandbox};

/// Waits until the record knows that this prompt was answered.
#[track_caller]
fn answered(sandbox: &Sandbox, prompt: &str) -> Record {
    sandbox.wait_for_record("the last turn", |record| {
        let turn = &record.json["turn"];
        turn["last_prompt"] == prompt && turn["end"]["how"] == "done" && record.text("status") == "idle"
    })
}

/// The state file may be seen once for both, and the transcript before the second one is in it.
#[test]
fn of_two_short_turns_the_second_one_is_known() {
    let mut sandbox = sandbox();
    sandbox.set("CCKW_STANDIN_PACE", "1");
    let mut terminal = start(&sandbox, &[]);
    idle(&sandbox, 0);
    for round in 0..3 {
        let (first, second) = (format!("a{round}"), format!("b{round}"));
        submit(&mut terminal, &first);
        terminal.wait_for_text(&format!("You said: {first}"));
        submit(&mut terminal, &second);
        let record = answered(&sandbox, &second);
        let answer = record.json["turn"]["last_answer"].as_str().expect("an answer");
        assert!(answer.contains(&second), "{answer}");
    }
    exit(terminal);
    sandbox.wait_for_silence();
}

/// Claude writes into its state file what it shows. A turn can be over before it comes to that.
#[test]
fn a_turn_that_is_in_no_state_file_is_known() {
    let mut sandbox = sandbox();
    sandbox.set("CCKW_STANDIN_PACE", "1");
    sandbox.set("CCKW_STANDIN_HIDES_TURNS", "1");
    let mut terminal = start(&sandbox, &[]);
    let record = idle(&sandbox, 0);
    assert_eq!(record.json["unwatched"], false);
    for prompt in ["the first one", "the second one", "the third one"] {
        say(&mut terminal, prompt);
        answered(&sandbox, prompt);
    }
    exit(terminal);
    sandbox.wait_for_silence();
}

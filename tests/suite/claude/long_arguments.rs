//! Arguments as long as the system allows.

use crate::support::stand_in::{at_prompt, sandbox, submit};
use crate::support::verb::well_said;
use crate::support::{Terminal, process};

#[test]
fn the_screen_of_a_session_with_more_than_a_mebibyte_of_arguments_is_shown() {
    let sandbox = sandbox();
    let mut command = sandbox.cckw_claude();
    for directory in 0..12 {
        command.arg("--add-dir").arg(format!("/{directory}{}", "x".repeat(100_000)));
    }
    let mut terminal = Terminal::spawn(command);
    at_prompt(&mut terminal);
    submit(&mut terminal, "some words");
    terminal.wait_for_text("You said: some words");
    let record = sandbox.wait_for_record("an idle claude", |record| record.text("status") == "idle");
    assert!(well_said(&sandbox, &["screen"]).contains("You said: some words"));
    // The record on disk has them all, for a claude that is brought back.
    assert_eq!(record.json["args"].as_array().expect("arguments").len(), 24 + 2);
    process::signal(record.pid("claude_pid").expect("a claude"), nix::sys::signal::Signal::SIGKILL);
    let again = sandbox.wait_for_record("a claude that is back", |record| {
        record.text("status") == "idle" && record.json["restarts"] == 1
    });
    assert_eq!(process::arguments(again.pid("claude_pid").expect("a claude")).len(), 1 + 24 + 2);
    assert!(well_said(&sandbox, &["list"]).contains("idle"));
    well_said(&sandbox, &["stop"]);
    sandbox.wait_for_silence();
}

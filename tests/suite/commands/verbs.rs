//! What the verbs that steer sessions say of what they did, and how they take several.

use crate::support::stand_in::{at_prompt, idle, sandbox, say, start};
use crate::support::verb::{cckw, well_said};
use crate::support::{DEADLINE, Sandbox, Terminal, wait_until};

/// Starts sessions of these names, without a terminal.
fn detached(sandbox: &Sandbox, names: &[&str]) {
    for name in names {
        let mut terminal = start(sandbox, &["-n", name]);
        let said = well_said(sandbox, &["detach", name]);
        assert_eq!(said, format!("{name}: detached. It goes on; take it back with: cckw attach {name}\n"));
        assert_eq!(terminal.finish().code(), Some(0));
    }
}

/// What it says on stdout and on stderr, and its status.
fn said(sandbox: &Sandbox, words: &[&str]) -> (String, String, Option<i32>) {
    let output = cckw(sandbox, words).output().expect("runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (text(output.stdout), text(output.stderr), output.status.code())
}

#[test]
fn several_are_stopped_and_one_that_is_not_there_holds_up_none() {
    let sandbox = sandbox();
    detached(&sandbox, &["one", "two", "three"]);
    let (out, err, status) = said(&sandbox, &["stop", "one", "nonsense", "two", "one"]);
    let line = |name: &str| format!("{name}: stopped. To start it again: cckw start {name}\n");
    assert_eq!(out, line("one") + &line("two"));
    assert!(err.contains("no session is called nonsense") && err.lines().count() == 1, "{err}");
    assert_eq!(status, Some(1));
    wait_until("one that is left", DEADLINE, || well_said(&sandbox, &["list"]).lines().count() == 2);
    assert_eq!(well_said(&sandbox, &["stop", "three"]), line("three"));
    sandbox.wait_for_silence();
}

#[test]
fn all_are_stopped_at_once() {
    let sandbox = sandbox();
    assert_eq!(well_said(&sandbox, &["stop", "--all"]), "no session is running\n");
    detached(&sandbox, &["one", "two"]);
    let out = well_said(&sandbox, &["stop", "--all"]);
    let mut lines: Vec<&str> = out.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "one: stopped. To start it again: cckw start one",
            "two: stopped. To start it again: cckw start two"
        ]
    );
    assert_eq!(said(&sandbox, &["stop", "--all", "one"]).2, Some(2));
    sandbox.wait_for_silence();
}

#[test]
fn stop_and_start_say_what_they_did_and_what_comes_next() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    say(&mut terminal, "words");
    let out = well_said(&sandbox, &["stop"]);
    assert_eq!(out, "work: stopped. Its conversation is kept; go on with: cckw start work\n");
    terminal.finish();
    sandbox.wait_for_silence();
    let out = well_said(&sandbox, &["start", "work"]);
    assert_eq!(out, "work: started, without a terminal. Take it into this one with: cckw attach work\n");
    idle(&sandbox, 1);
    // What runs is not started once more, and that is no failure.
    let out = well_said(&sandbox, &["start", "work"]);
    assert_eq!(out, "work: runs already. Take it into this terminal with: cckw attach work\n");
    assert_eq!(well_said(&sandbox, &["start", "--all"]), "there is no session to bring back\n");
    let mut terminal = Terminal::spawn(cckw(&sandbox, &["attach", "work"]));
    at_prompt(&mut terminal);
    terminal.wait_for_text("You said: words");
    well_said(&sandbox, &["stop"]);
    terminal.finish();
    sandbox.wait_for_silence();
}

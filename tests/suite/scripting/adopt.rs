//! `cckw adopt`.

use std::fs;
use std::process::Stdio;

use serde_json::Value;

use super::{named, run, told};
use crate::support::stand_in::{arguments, at_prompt, direct, sandbox, say, submit};
use crate::support::verb::{cckw, well_said};
use crate::support::{DEADLINE, Sandbox, Terminal, process, wait_until, wait_until_some};

/// A claude that somebody has started without cckw, at its prompt: its pid and its conversation.
fn by_hand(sandbox: &Sandbox) -> (i32, String) {
    let state = wait_until_some("a state file", DEADLINE, || {
        let files = fs::read_dir(sandbox.path("home/.claude/sessions")).ok()?.flatten();
        let states =
            files.filter_map(|file| serde_json::from_slice::<Value>(&fs::read(file.path()).ok()?).ok());
        states.into_iter().find(|state| state["status"] == "idle")
    });
    let pid = i32::try_from(state["pid"].as_i64().expect("a pid")).expect("a pid");
    (pid, state["sessionId"].as_str().expect("a conversation").to_owned())
}

#[test]
fn a_claude_is_taken_over_when_it_is_at_rest() {
    let mut sandbox = sandbox();
    sandbox.set("MINE", "kept");
    sandbox.set("CCKW_STANDIN_PACE", "60");
    let mut terminal = direct(&sandbox, &["--model", "opus"]);
    say(&mut terminal, "hello");
    let (pid, id) = by_hand(&sandbox);
    submit(&mut terminal, "a turn that takes a second or two, for its answer is long and slow");
    wait_until("a turn", DEADLINE, || {
        let file = sandbox.path(format!("home/.claude/sessions/{pid}.json"));
        fs::read_to_string(file).is_ok_and(|text| text.contains("busy"))
    });
    sandbox.unset("MINE");
    // From another directory: the session is in that of the claude.
    let mut command = cckw(&sandbox, &["adopt", "--takeover", &pid.to_string()]);
    let (code, stdout, stderr) = told(&command.current_dir("/").stdin(Stdio::null()).output().expect("runs"));
    assert_eq!((code, &*stderr), (Some(0), ""), "{stdout}");
    assert!(stdout.starts_with("work: taken over") && stdout.contains("cckw attach work"), "{stdout}");
    assert!(!process::runs(pid));
    // It has ended as by SIGTERM, behind its turn.
    assert_eq!(terminal.finish().code(), Some(143));
    let record = named(&sandbox, "work");
    assert_eq!(arguments(&record), ["--resume", &id, "--model", "opus"]);
    assert_eq!(record.text("cwd"), sandbox.work().to_str().expect("a path"));
    let environment = process::environment(record.pid("child_pid").expect("a claude"));
    assert!(environment.iter().any(|line| line == "MINE=kept"), "{environment:?}");
    let mut terminal = Terminal::spawn(cckw(&sandbox, &["attach", "work"]));
    at_prompt(&mut terminal);
    terminal.wait_for_text("You said: a turn that takes");
    well_said(&sandbox, &["stop", "work"]);
    terminal.finish();
    sandbox.wait_for_silence();
}

#[test]
fn a_copy_leaves_the_original_running() {
    let sandbox = sandbox();
    let mut terminal = direct(&sandbox, &[]);
    say(&mut terminal, "hello");
    let (pid, id) = by_hand(&sandbox);
    let said = well_said(&sandbox, &["adopt", "--fork", &id[..8], "--json"]);
    let said: Value = serde_json::from_str(&said).expect("one object");
    let copy = said["conversation"].as_str().expect("a conversation").to_owned();
    assert!(copy != id && process::runs(pid), "{said}");
    let record = named(&sandbox, "work");
    assert_eq!(arguments(&record), ["--resume", &id, "--fork-session", "--session-id", &copy]);
    assert!(process::runs(pid));
    well_said(&sandbox, &["stop", "work"]);
    submit(&mut terminal, "/exit");
    terminal.finish();
    sandbox.wait_for_silence();
}

/// In each of these cases the claude runs on, and there is no session.
#[test]
fn in_doubt_nothing_is_done() {
    let sandbox = sandbox();
    let mut terminal = direct(&sandbox, &[]);
    let (pid, _) = by_hand(&sandbox);
    let word = pid.to_string();
    let (code, _, stderr) = run(&sandbox, &["adopt", "--fork", &word]);
    assert!(code == Some(1) && stderr.contains("nothing to copy"), "{stderr}");
    submit(&mut terminal, "permission");
    terminal.wait_for_text("Do you want");
    let (code, _, stderr) = run(&sandbox, &["adopt", "--takeover", &word]);
    assert!(code == Some(3) && stderr.contains("permission prompt"), "{code:?} {stderr}");
    let (code, _, stderr) = run(&sandbox, &["adopt", "--takeover", "4711000"]);
    assert!(code == Some(1) && stderr.contains("cckw detect"), "{stderr}");
    assert_eq!(run(&sandbox, &["adopt", &word]).0, Some(2));
    assert!(process::runs(pid) && sandbox.records().is_empty());
    // It is ended all the same where that is wanted.
    well_said(&sandbox, &["adopt", "--takeover", "--now", &word]);
    assert!(!process::runs(pid));
    terminal.finish();
    // It is a session now.
    let claude = named(&sandbox, "work").pid("claude_pid").expect("a claude").to_string();
    for word in [&claude, "work"] {
        let (code, _, stderr) = run(&sandbox, &["adopt", "--takeover", word]);
        assert!(code == Some(1) && stderr.contains("cckw attach work"), "{stderr}");
    }
    well_said(&sandbox, &["stop", "work"]);
    sandbox.wait_for_silence();
}

#[test]
fn a_turn_that_does_not_end_is_waited_for_so_long() {
    let mut sandbox = sandbox();
    sandbox.set("CCKW_STANDIN_PACE", "60000");
    let mut terminal = direct(&sandbox, &[]);
    let (pid, _) = by_hand(&sandbox);
    submit(&mut terminal, "hello");
    wait_until("a turn", DEADLINE, || {
        let file = sandbox.path(format!("home/.claude/sessions/{pid}.json"));
        fs::read_to_string(file).is_ok_and(|text| text.contains("busy"))
    });
    let (code, _, stderr) = run(&sandbox, &["adopt", "--takeover", "--timeout", "300ms", &pid.to_string()]);
    assert!(code == Some(5) && stderr.contains("nothing was done"), "{code:?} {stderr}");
    assert!(process::runs(pid) && sandbox.records().is_empty());
    process::signal(pid, nix::sys::signal::Signal::SIGTERM);
    terminal.finish();
    sandbox.wait_for_silence();
}

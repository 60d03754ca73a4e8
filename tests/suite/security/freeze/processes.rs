//! A machine, or a user, that has no process and no thread left.

use std::process::Stdio;

use crate::support::other_user::{OTHER, can_be_another, open_to_all};
use crate::support::stand_in::{self, at_prompt, submit};
use crate::support::verb::well_said;
use crate::support::{Record, Terminal, cckw_program, has_faults};

fn log(record: &Record) -> String {
    std::fs::read_to_string(record.path.with_file_name("events.jsonl")).unwrap_or_default()
}

/// The session runs all the same: what claude does is seen a moment after it has written something, and the
/// user is told why.
#[test]
fn without_a_watcher_what_claude_does_is_seen_all_the_same() {
    if !has_faults() {
        return;
    }
    let mut sandbox = stand_in::sandbox();
    sandbox.set("CCKW_FAULT", "no-watcher");
    let mut terminal = stand_in::start(&sandbox, &[]);
    let idle = |record: &Record| record.text("status") == "idle";
    let record = sandbox.wait_for_record("an idle claude", idle);
    assert_eq!(record.json["unwatched"], true);
    assert!(log(&record).contains("no-file-notifications"), "{}", log(&record));
    submit(&mut terminal, "permission");
    terminal.wait_for_text("Do you want");
    sandbox.wait_for_record("a claude that waits", |record| record.text("status") == "waiting");
    terminal.press(crate::support::Key::Esc);
    at_prompt(&mut terminal);
    sandbox.wait_for_record("an idle claude", idle);
    let list = well_said(&sandbox, &["list"]);
    assert!(list.contains("seen late") && list.contains("max_user_instances"), "{list}");
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    sandbox.wait_for_silence();
}

/// With the limit of processes of an ordinary user reached, nothing can be forked: the message says so, and
/// does not send anybody to check a program.
#[test]
fn a_limit_of_processes_is_named() {
    if !can_be_another(module_path!(), "a_limit_of_processes_is_named") {
        return;
    }
    let sandbox = stand_in::sandbox();
    for folder in ["home", "run", "state", "config", "tmp", "work"] {
        std::os::unix::fs::chown(sandbox.path(folder), Some(OTHER), Some(OTHER)).expect("gives it");
    }
    open_to_all(&sandbox.path("work"), 0o755);
    let mut command = sandbox.command("prlimit");
    command.args(["--nproc=1", "setpriv", "--reuid", &OTHER.to_string(), "--clear-groups"]);
    command.args([cckw_program(), "claude"]).stderr(Stdio::piped());
    let mut terminal = Terminal::spawn(command);
    // Claude takes the place of cckw, for which no other process is needed.
    at_prompt(&mut terminal);
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    let output = String::from_utf8_lossy(&terminal.output()).into_owned();
    assert!(output.contains("claude runs without cckw"), "{output}");
    assert!(output.contains("no process can be started") && output.contains("ulimit -u"), "{output}");
    assert!(!output.contains("check that it is a program"), "{output}");
}

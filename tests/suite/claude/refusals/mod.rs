//! What cckw cannot do it refuses in one line, before anything of claude was started, and leaves nothing
//! behind. Where only the session has no place, claude runs without one.

mod circles;
mod descriptors;
mod directories;
mod programs;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::support::{Sandbox, Terminal};

/// A sandbox whose claude is a script that leaves a mark when it is started.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    // Without the sandbox's own path in it: a script that mentions cckw is taken for one that leads back to
    // it.
    sandbox.script("claude", "#!/bin/sh\necho started >> \"$HOME/../claude-was-started\"\n");
    sandbox
}

fn mark(sandbox: &Sandbox) -> PathBuf {
    sandbox.path("claude-was-started")
}

/// What is left to look at after a refusal.
struct Refused {
    status: i32,
    line: String,
}

/// Runs a command in a terminal of its own. It must refuse: with one line, the terminal as it was, and
/// nothing left.
#[track_caller]
fn refused(sandbox: &Sandbox, command: Command) -> Refused {
    let said = run(sandbox, command, |_| {});
    nothing_left(sandbox);
    assert!(said.line.starts_with("cckw: "), "{:?}", said.line);
    assert!(!said.line.contains(char::is_control), "{:?}", said.line);
    assert_ne!(said.status, 0, "{}", said.line);
    said
}

/// Runs `cckw claude` where there can be no session. Claude must run all the same, in the same process, and
/// cckw must say why in one line, and leave nothing.
#[track_caller]
fn runs_without_session(sandbox: &Sandbox, prepare: impl FnOnce(&mut Command)) -> Refused {
    let said = run(sandbox, sandbox.cckw_claude(), prepare);
    assert!(said.line.starts_with("cckw: claude runs without cckw, "), "{:?}", said.line);
    assert!(!said.line.contains(char::is_control), "{:?}", said.line);
    assert_eq!(said.status, 0, "{}", said.line);
    fs::remove_file(mark(sandbox)).expect("claude was not started");
    nothing_left(sandbox);
    said
}

/// Runs a command in a terminal of its own, which must be left as it was.
#[track_caller]
fn run(sandbox: &Sandbox, command: Command, prepare: impl FnOnce(&mut Command)) -> Refused {
    let mut shell = sandbox.command("/bin/sh");
    // A leader that stays until all is said; the terminal is looked at before and after.
    shell.arg("-c").arg("stty -g >before; \"$@\" 2>said; echo $? >status; stty -g >after");
    shell.arg("sh").arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    if let Some(directory) = command.get_current_dir() {
        shell.current_dir(directory);
    }
    prepare(&mut shell);
    let mut terminal = Terminal::builder().fork(shell);
    assert!(terminal.finish().success(), "{}", terminal.report());
    assert_eq!(terminal.modes().left_on(), Vec::<String>::new());
    assert_eq!(terminal.output(), b"", "{}", terminal.report());
    let read = |name: &str| fs::read_to_string(sandbox.work().join(name)).expect("a file of the shell");
    assert_eq!(read("after"), read("before"));
    let status = read("status").trim().parse().expect("a status");
    let said = read("said");
    Refused { status, line: said.strip_suffix('\n').unwrap_or(&said).into() }
}

/// No claude was started, and no process, socket or session stayed.
#[track_caller]
fn nothing_left(sandbox: &Sandbox) {
    assert!(!mark(sandbox).exists(), "claude was started");
    sandbox.wait_for_silence();
    assert_eq!(sandbox.sockets(), Vec::<PathBuf>::new());
    let sessions = fs::read_dir(sandbox.path("state/cckw")).map(|entries| entries.count());
    assert_eq!(sessions.unwrap_or(0), 0, "a session was left");
}

#[track_caller]
fn says(refused: &Refused, status: i32, parts: &[&str]) {
    assert_eq!(refused.status, status, "{}", refused.line);
    for part in parts {
        assert!(refused.line.contains(part), "no {part:?} in: {}", refused.line);
    }
}

#[test]
fn a_claude_that_is_there_is_started() {
    // Else every test here could pass for want of a claude.
    let sandbox = sandbox();
    let mut terminal = Terminal::spawn(sandbox.cckw_claude());
    assert_eq!(terminal.finish().code(), Some(0));
    assert!(mark(&sandbox).exists());
}

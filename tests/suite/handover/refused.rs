//! A program that cannot go on: the host runs on as before, and says why.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::{count, events, identity, wait_for_count};
use crate::support::stand_in::{at_prompt, exit, idle, sandbox, say};
use crate::support::verb::{cckw, well_said};
use crate::support::{DEADLINE, Sandbox, Terminal, cckw_program, has_faults, process, wait_until};

/// A cckw of its own, which can be replaced.
fn installed(sandbox: &Sandbox) -> PathBuf {
    let program = sandbox.path("installed/cckw");
    fs::create_dir_all(program.parent().expect("a directory")).expect("a directory");
    copy(&program);
    program
}

/// Puts another copy of cckw there, as a package manager does.
fn copy(program: &Path) {
    place(Path::new(cckw_program()), program);
}

/// Puts a script there.
fn put(program: &Path, text: &str) {
    let source = program.with_extension("text");
    fs::write(&source, text).expect("is written");
    fs::set_permissions(&source, fs::Permissions::from_mode(0o755)).expect("can be executed");
    place(&source, program);
}

/// Another process writes it: a test that starts a program at this moment would have it open in its child for a
/// moment, and what somebody writes cannot be executed.
fn place(source: &Path, program: &Path) {
    let fresh = program.with_extension("new");
    let copied = Command::new("cp").arg(source).arg(&fresh).status().expect("cp");
    assert!(copied.success());
    fs::rename(fresh, program).expect("is put there");
}

/// A session of that cckw.
fn session(sandbox: &Sandbox, program: &Path) -> Terminal {
    let mut command = sandbox.command(program);
    command.args(["claude", "-n", "work"]);
    let mut terminal = Terminal::spawn(command);
    at_prompt(&mut terminal);
    say(&mut terminal, "the first words");
    terminal
}

fn asked(sandbox: &Sandbox) -> Output {
    let mut command: Command = cckw(sandbox, &["restart", "--hosts", "work"]);
    command.output().expect("runs")
}

/// That it is refused with these words, and the session goes on.
#[track_caller]
fn refused(sandbox: &Sandbox, terminal: &mut Terminal, why: &str) {
    let before = idle(sandbox, 0);
    let output = asked(sandbox);
    let said = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(why) && said.contains("the host runs on as before"), "{said}");
    assert_eq!(identity(&before), identity(&idle(sandbox, 0)));
    say(terminal, why.split(' ').next().expect("a word"));
    assert!(events(sandbox).iter().any(|event| event == "not-handed-over"));
}

#[test]
fn a_candidate_that_is_none_of_ours_crashes_hangs_or_is_gone_is_left_alone() {
    // So that nothing is tried by itself meanwhile.
    let sandbox = sandbox();
    let program = installed(&sandbox);
    let mut terminal = session(&sandbox, &program);
    for (text, why) in [
        ("#!/bin/sh\nexit 0\n", "it is no cckw"),
        ("#!/bin/sh\necho 'cckw can go on: 9.9'\nexit 3\n", "status 3"),
        ("#!/bin/sh\nkill -SEGV $$\n", "signal 11"),
        ("#!/bin/sh\nexec sleep 600\n", "did not end within 5 s"),
        (
            "#!/bin/sh\necho 'cckw cannot go on: the state has version 1, and cckw 0.0 reads another'\nexit 1\n",
            "cckw 0.0",
        ),
        ("no program at all", "it cannot be executed"),
    ] {
        put(&program, text);
        refused(&sandbox, &mut terminal, why);
    }
    assert_eq!(count(&sandbox), 0);
    copy(&program);
    assert!(asked(&sandbox).status.success());
    wait_for_count(&sandbox, 1);
    say(&mut terminal, "the last words");
    exit(terminal);
    sandbox.wait_for_silence();
}

/// Nobody asks: the host finds it by itself, and claude is idle.
#[test]
fn a_program_that_was_replaced_goes_on_by_itself() {
    let sandbox = sandbox();
    let program = installed(&sandbox);
    let mut terminal = session(&sandbox, &program);
    let before = idle(&sandbox, 0);
    copy(&program);
    wait_until("a hand-over", DEADLINE, || count(&sandbox) == 1);
    assert_eq!(identity(&before), identity(&idle(&sandbox, 0)));
    // What does not work is tried once.
    put(&program, "#!/bin/sh\necho tried >> \"${0%/*}/tried\"\nexit 1\n");
    wait_until("a trial", DEADLINE, || events(&sandbox).iter().any(|event| event == "not-handed-over"));
    say(&mut terminal, "the next words");
    // The one that was removed first is found when it is there again.
    fs::remove_file(&program).expect("is removed");
    copy(&program);
    wait_until("another hand-over", DEADLINE, || count(&sandbox) == 2);
    assert_eq!(fs::read_to_string(program.with_file_name("tried")).expect("a file"), "tried\n");
    say(&mut terminal, "the last words");
    exit(terminal);
    sandbox.wait_for_silence();
}

/// What was tried is not what stands there when it is to go on.
#[test]
fn a_program_that_is_replaced_once_more_while_it_is_tried_is_not_run_untried() {
    let sandbox = sandbox();
    // So that nothing is tried before somebody asks.
    sandbox.configure("[start]\nexisting = \"new\"\n[update]\nhosts = \"never\"\n");
    let program = installed(&sandbox);
    let mut terminal = session(&sandbox, &program);
    put(&program.with_file_name("next"), "#!/bin/sh\nexit 1\n");
    put(&program, "#!/bin/sh\nmv \"${0%/*}/next\" \"$0\"\necho 'cckw can go on: 9.9.9'\n");
    refused(&sandbox, &mut terminal, "another program was put in its place");
    exit(terminal);
    sandbox.wait_for_silence();
}

#[test]
fn a_program_that_comes_while_another_one_is_tried_is_tried_next() {
    let sandbox = sandbox();
    let program = installed(&sandbox);
    let mut terminal = session(&sandbox, &program);
    let next = program.with_file_name("next");
    copy(&next);
    put(&program, "#!/bin/sh\nmv \"${0%/*}/next\" \"$0\"\nexit 1\n");
    wait_until("a hand-over", DEADLINE, || count(&sandbox) == 1);
    assert!(!next.exists() && events(&sandbox).iter().any(|event| event == "not-handed-over"));
    say(&mut terminal, "the last words");
    exit(terminal);
    sandbox.wait_for_silence();
}

/// It has passed its trial, and fails when it runs: it executes the one of before back.
#[test]
fn a_program_that_fails_when_it_runs_gives_the_session_back() {
    if !has_faults() {
        return;
    }
    let mut sandbox = sandbox();
    sandbox.set("CCKW_FAULT", "take-over-fails");
    let mut command = sandbox.cckw_claude();
    command.args(["-n", "work"]);
    let mut terminal = Terminal::spawn(command);
    at_prompt(&mut terminal);
    for _ in 0..2 {
        refused(&sandbox, &mut terminal, "a test wants it so");
    }
    assert_eq!(count(&sandbox), 0);
    exit(terminal);
    sandbox.wait_for_silence();
}

/// Killed right behind the execve(2), it is a host like any other that was killed.
#[test]
fn a_program_that_is_killed_when_it_runs_is_healed_as_any_host() {
    if !has_faults() {
        return;
    }
    let mut sandbox = sandbox();
    sandbox.set("CCKW_FAULT", "taken-over");
    sandbox.set("CCKW_FAULT_ONCE", sandbox.path("died"));
    let mut command = sandbox.cckw_claude();
    command.args(["-n", "work"]);
    let mut terminal = Terminal::spawn(command);
    at_prompt(&mut terminal);
    say(&mut terminal, "the first words");
    let before = idle(&sandbox, 0);
    assert_eq!(asked(&sandbox).status.code(), Some(1));
    wait_until("another host", DEADLINE, || {
        let now = sandbox.records();
        now[0].pid("host_pid").is_some_and(|pid| Some(pid) != before.pid("host_pid") && process::runs(pid))
    });
    terminal.wait_for_text("You said: the first words");
    at_prompt(&mut terminal);
    say(&mut terminal, "the next words");
    exit(terminal);
    sandbox.wait_for_silence();
}

#[test]
fn without_a_name_only_those_are_asked_that_run_another_program() {
    let sandbox = sandbox();
    let program = installed(&sandbox);
    let terminal = session(&sandbox, &program);
    let said = well_said(&sandbox, &["restart", "--hosts"]);
    assert!(said.starts_with("work: cckw ") && said.contains("the one on disk"), "{said}");
    assert_eq!(count(&sandbox), 0);
    let said = well_said(&sandbox, &["restart", "--hosts", "--force"]);
    assert!(said.contains("runs it now"), "{said}");
    exit(terminal);
    sandbox.wait_for_silence();
}

/// How a state is made for `states/`: `KEEP_STATE=FILE` has this test copy the one that a host has written.
#[test]
fn a_program_that_is_tried_gets_the_whole_state() {
    let sandbox = sandbox();
    let program = installed(&sandbox);
    let mut terminal = session(&sandbox, &program);
    put(&program, "#!/bin/sh\ncat > \"${0%/*}/state\"\nexit 1\n");
    refused(&sandbox, &mut terminal, "status 1");
    let state = program.with_file_name("state");
    let said = super::tried(&fs::read(&state).expect("a state"));
    assert!(said.starts_with("cckw can go on: "), "{said}");
    if let Some(kept) = std::env::var_os("KEEP_STATE") {
        fs::copy(state, kept).expect("is copied");
    }
    exit(terminal);
    sandbox.wait_for_silence();
}

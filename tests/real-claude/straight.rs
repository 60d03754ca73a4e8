//! Runs that are no session in this terminal: exec'ed, and nothing of cckw is left to see.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::driver::{How, Place, submit, wait_for_prompt};
use super::install;
use super::mock::HOLD;
use super::support::{DEADLINE, Terminal, process, wait_until};
use crate::support::cckw_program;

#[track_caller]
fn assert_no_trace(place: &Place) {
    assert!(place.sandbox.records().is_empty(), "a session record");
    assert!(place.sandbox.sockets().is_empty(), "a socket");
}

/// The process that was cckw is claude, and no other cckw runs. (Claude starts processes of its own.)
#[track_caller]
fn assert_is_claude(place: &Place, pid: i32) {
    let program = install::program().canonicalize().expect("a program");
    let executable = process::executable(pid);
    // Earlier versions are a script, with node in its first line.
    let by_node = |path: &Path| path.file_name().is_some_and(|name| name == "node");
    let is_script = program.extension().is_some_and(|extension| extension == "js");
    assert!(
        if is_script {
            executable.as_deref().is_some_and(by_node)
        } else {
            executable.as_ref() == Some(&program)
        },
        "{executable:?}"
    );
    let cckw = Some(Path::new(cckw_program()).canonicalize().expect("a program"));
    for other in place.sandbox.processes() {
        assert_ne!(process::executable(other), cckw, "{:?}", process::arguments(other));
    }
}

/// Runs `script`, in which `claude` is claude or cckw's, without a terminal.
fn piped(how: How, script: &str) -> Output {
    let place = Place::new();
    let mut command = place.sandbox.command("sh");
    let prefix = match how {
        How::Direct => "claude() { command claude \"$@\"; }",
        How::Through => "claude() { cckw claude \"$@\"; }",
    };
    command.args(["-c", &format!("{prefix}\n{script}")]).stdin(Stdio::null());
    let output = command.output().expect("a shell");
    assert_no_trace(&place);
    place.sandbox.wait_for_silence();
    output
}

#[test]
fn without_a_terminal_the_output_is_the_same() {
    for script in [
        "claude --version",
        "claude --help",
        "claude -p hello",
        "claude mcp list",
        "claude </dev/null",
        "echo hello | claude",
        "claude hello | cat",
        "claude --no-such-flag",
    ] {
        let direct = piped(How::Direct, script);
        let through = piped(How::Through, script);
        assert!(!direct.stdout.is_empty() || !direct.stderr.is_empty(), "{script}");
        assert_eq!(through, direct, "{script}");
    }
}

/// Runs a command on a terminal to its end; its output and status.
fn on_a_terminal(place: &Place, command: Command) -> (String, Option<i32>) {
    let mut terminal = Terminal::spawn(command);
    let exit = terminal.finish();
    assert_no_trace(place);
    (String::from_utf8_lossy(&terminal.output()).into_owned(), exit.code())
}

/// The output without a cursor that is hidden and shown again with nothing in between.
///
/// That is the one thing in which two runs of `claude mcp list` differ, without cckw too (in some eight of a
/// hundred, on a loaded machine): whether what draws for claude gets round to hiding the cursor before it is
/// told to end.
fn without_a_wink(output: &str) -> String {
    output.replace("\x1b[?25l\x1b[?25h", "\x1b[?25h")
}

#[test]
fn on_a_terminal_the_output_is_the_same() {
    for arguments in [&["--version"][..], &["--help"], &["-p", "hello"], &["mcp", "list"], &["mcp", "--help"]]
    {
        let outputs = How::BOTH.map(|how| {
            let place = Place::new();
            let (output, status) = on_a_terminal(&place, place.command(how, arguments));
            (without_a_wink(&output), status)
        });
        assert_eq!(outputs[1], outputs[0], "{arguments:?}");
        assert_eq!(outputs[0].1, Some(0), "{arguments:?}");
    }
}

#[test]
fn into_a_pipe_the_output_is_the_same() {
    let outputs = How::BOTH.map(|how| {
        let place = Place::new();
        let mut command = place.sandbox.command("sh");
        command.args(["-c", &format!("{} | cat", how.words())]);
        on_a_terminal(&place, command)
    });
    assert_eq!(outputs[1], outputs[0]);
    assert!(!outputs[0].0.is_empty());
}

/// With its input elsewhere, claude talks to the terminal by itself.
#[test]
fn with_its_input_elsewhere_claude_has_the_terminal_to_itself() {
    for how in How::BOTH {
        let place = Place::new();
        let mut command = place.sandbox.command("sh");
        command.args(["-c", &format!("exec {} </dev/null", how.words())]);
        let mut terminal = Terminal::spawn(command);
        wait_for_prompt(&mut terminal);
        assert_is_claude(&place, terminal.pid());
        submit(&mut terminal, "/exit");
        assert_eq!(terminal.finish().code(), Some(0), "{how:?}");
        assert_no_trace(&place);
    }
}

#[test]
fn the_process_is_claude_itself() {
    let place = Place::new();
    let mut command = place.command(How::Through, &["-p", HOLD]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("cckw");
    let pid = i32::try_from(child.id()).expect("a pid");
    wait_until("the prompt", DEADLINE, || place.mock.asked());
    assert_is_claude(&place, pid);
    place.mock.release();
    assert!(child.wait().expect("its end").success());
    assert_no_trace(&place);
}

#[test]
fn the_claude_that_the_environment_names_is_run() {
    let mut place = Place::new();
    std::fs::remove_file(place.sandbox.path("bin/claude")).expect("the link on PATH");
    place.sandbox.set("CCKW_CLAUDE", install::program());
    let output = place.command(How::Through, &["--version"]).output().expect("cckw");
    let said = format!("{} (Claude Code)\n", install::version());
    assert_eq!(String::from_utf8_lossy(&output.stdout), said, "{output:?}");
}

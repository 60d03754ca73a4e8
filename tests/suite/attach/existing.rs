//! A start where a session goes on without a terminal asks whether that one is meant.

use nix::sys::signal::Signal;

use crate::support::stand_in::{at_prompt, exit, idle, sandbox, say, start};
use crate::support::verb::{cckw, well_said};
use crate::support::{DEADLINE, Key, Sandbox, Terminal, cckw_program, process, wait_until};

const QUESTION: &str = "Enter: take it   n: start another   q: leave";

fn configured(text: &str) -> Sandbox {
    let sandbox = sandbox();
    sandbox.configure(text);
    sandbox
}

/// A session in which `words` were said, and which goes on without a terminal.
fn detached(sandbox: &Sandbox, args: &[&str], words: &str) {
    let before = sandbox.records().len();
    let mut terminal = start(sandbox, args);
    say(&mut terminal, words);
    terminal.type_bytes(b"\x1c");
    assert_eq!(terminal.finish().code(), Some(0));
    wait_until("a detached session", DEADLINE, || {
        let records = sandbox.records();
        records.len() == before + 1
            && records
                .iter()
                .all(|record| record.json["client_pid"].is_null() && record.text("status") == "idle")
    });
}

fn again(sandbox: &Sandbox, args: &[&str]) -> Terminal {
    let mut command = sandbox.cckw_claude();
    command.args(args);
    Terminal::spawn(command)
}

#[test]
fn enter_takes_it() {
    // Flags are no reason to want another one: an alias may have them.
    for args in [&[][..], &["--model", "opus"]] {
        let sandbox = configured("");
        detached(&sandbox, &[], "the first words");
        let mut terminal = again(&sandbox, args);
        terminal.wait_for_text("cckw: session work of this directory goes on without a terminal (idle)");
        terminal.wait_for_text(QUESTION);
        terminal.press(Key::Enter);
        terminal.wait_for_text("You said: the first words");
        say(&mut terminal, "the next words");
        assert_eq!(sandbox.records().len(), 1);
        exit(terminal);
        sandbox.wait_for_silence();
    }
}

#[test]
fn n_starts_another_one() {
    let sandbox = configured("");
    detached(&sandbox, &[], "the first words");
    let mut terminal = again(&sandbox, &[]);
    terminal.wait_for_text(QUESTION);
    // No answers.
    terminal.type_text("x7");
    terminal.type_text("n");
    at_prompt(&mut terminal);
    wait_until("another session", DEADLINE, || sandbox.records().len() == 2);
    say(&mut terminal, "words");
    exit(terminal);
    assert!(cckw(&sandbox, &["stop", "work"]).output().expect("runs").status.success());
    sandbox.wait_for_silence();
}

#[test]
fn the_question_can_be_left_and_the_terminal_is_as_it_was() {
    let sandbox = configured("");
    detached(&sandbox, &[], "words");
    for (keys, signal, status) in [
        ("q", None, Some(1)),
        ("\x1b", None, Some(1)),
        ("\x03", None, Some(130)),
        ("", Some(Signal::SIGTERM), Some(143)),
        ("", Some(Signal::SIGKILL), None),
    ] {
        let mut shell = sandbox.command("/bin/sh");
        let cckw = cckw_program();
        // So that the terminal outlives it.
        shell.args([
            "-c",
            &format!("echo begin; read -r line; {cckw} claude; echo status $?; read -r line; exit 0"),
        ]);
        let mut terminal = Terminal::spawn(shell);
        terminal.wait_for_text("begin");
        let before = terminal.manners();
        terminal.type_text("\r");
        terminal.wait_for_text(QUESTION);
        match signal {
            None => terminal.type_text(keys),
            Some(signal) => {
                process::signal(process::children(terminal.pid())[0], signal);
            }
        }
        terminal.wait_for_text(&format!("status {}", status.unwrap_or(137)));
        terminal.wait_for_manners(&before);
        terminal.type_text("\r");
        assert!(terminal.finish().success());
        assert_eq!(sandbox.records().len(), 1);
    }
    well_said(&sandbox, &["stop"]);
    sandbox.wait_for_silence();
}

#[test]
fn of_several_each_has_a_digit() {
    let sandbox = configured("");
    sandbox.configure("[start]\nexisting = \"new\"\n");
    detached(&sandbox, &["-n", "one"], "words in one");
    detached(&sandbox, &["-n", "two"], "words in two");
    sandbox.configure("");
    // A name means the one that has it.
    let mut terminal = again(&sandbox, &["-n", "two"]);
    terminal.wait_for_text("cckw: session two of this directory goes on without a terminal");
    terminal.type_text("q");
    assert_eq!(terminal.finish().code(), Some(1));
    let mut terminal = again(&sandbox, &[]);
    let screen = terminal.wait_for_text("1 to 2: take that one   n: start another   q: leave");
    let row = screen.rows.iter().find(|row| row.contains("  one")).expect("a row").clone();
    terminal.type_text(row.split_whitespace().next().expect("a digit"));
    terminal.wait_for_text("You said: words in one");
    exit(terminal);
    well_said(&sandbox, &["stop"]);
    sandbox.wait_for_silence();
}

#[test]
fn who_said_what_is_wanted_is_not_asked() {
    for (variable, args, text) in [
        (Some(("CI", "1")), &[][..], ""),
        (None, &["a prompt"], ""),
        (None, &["-n", "other"], ""),
        (None, &["--continue"], "[start]\nexisting = \"new\"\n"),
        (None, &[], "[start]\nexisting = \"new\"\n"),
    ] {
        let mut sandbox = configured("");
        detached(&sandbox, &[], "the first words");
        if let Some((name, value)) = variable {
            sandbox.set(name, value);
        }
        sandbox.configure(text);
        let mut terminal = again(&sandbox, args);
        if args == ["--continue"] {
            assert_eq!(terminal.finish().code(), Some(1));
            terminal.wait_for_history("does not open it twice; to take it: cckw attach work");
        } else {
            at_prompt(&mut terminal);
            terminal.wait_for_history("goes on without a terminal; to take it: cckw attach work");
            wait_until("another session", DEADLINE, || sandbox.records().len() == 2);
        }
        assert!(!terminal.history().concat().contains("q: leave"), "{}", terminal.report());
    }
}

#[test]
fn it_can_be_taken_without_a_question() {
    for args in [&[][..], &["--continue"]] {
        let sandbox = configured("[start]\nexisting = \"attach\"\n");
        detached(&sandbox, &[], "the first words");
        let mut terminal = again(&sandbox, args);
        terminal.wait_for_text("You said: the first words");
        assert_eq!(sandbox.records().len(), 1);
        exit(terminal);
        sandbox.wait_for_silence();
    }
}

#[test]
fn a_conversation_that_is_open_in_it_is_taken_there() {
    let sandbox = configured("");
    detached(&sandbox, &[], "the first words");
    let id = idle(&sandbox, 0).text("conversation").to_owned();
    for args in [&["-c"][..], &["--resume", &id]] {
        let mut terminal = again(&sandbox, args);
        terminal.wait_for_text(
            "this conversation is open in session work, which goes on without a terminal (idle)",
        );
        terminal.wait_for_text("Enter: take it   q: leave");
        // A second claude would write into it, too.
        terminal.type_text("n");
        terminal.press(Key::Enter);
        terminal.wait_for_text("You said: the first words");
        terminal.type_bytes(b"\x1c");
        assert_eq!(terminal.finish().code(), Some(0));
    }
    assert_eq!(sandbox.records().len(), 1);
    well_said(&sandbox, &["stop"]);
    sandbox.wait_for_silence();
}

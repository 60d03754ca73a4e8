//! A script gives the terminal back by `</dev/tty`. That is the same terminal under another name.

use std::process::Command;

use crate::support::stand_in::{at_prompt, exit, idle, sandbox, say};
use crate::support::verb::cckw;
use crate::support::{Sandbox, Terminal, cckw_program};

/// A shell that runs `cckw` with these words in a loop over a pipe, as scripts do, with this redirection.
fn in_a_loop(sandbox: &Sandbox, words: &str, redirection: &str) -> Command {
    let mut shell = sandbox.command("/bin/bash");
    let cckw = cckw_program();
    shell.args(["-c", &format!("echo project | while read -r name; do {cckw} {words} {redirection}; done")]);
    shell
}

#[test]
fn dev_tty_is_this_terminal_for_a_start() {
    for redirection in [
        "</dev/tty",
        "</dev/tty 2>/dev/tty",
        "0<>/dev/tty",
        "</dev/tty >/dev/tty",
        "<$(tty </dev/tty) >/dev/tty",
    ] {
        let sandbox = sandbox();
        let mut terminal = Terminal::spawn(in_a_loop(&sandbox, "claude", redirection));
        at_prompt(&mut terminal);
        let record = idle(&sandbox, 0);
        assert!(record.pid("host_pid").is_some(), "{redirection}");
        say(&mut terminal, "words");
        exit(terminal);
        sandbox.wait_for_silence();
    }
}

#[test]
fn dev_tty_is_this_terminal_for_an_attach() {
    let sandbox = sandbox();
    let mut terminal = Terminal::spawn(sandbox.cckw_claude());
    at_prompt(&mut terminal);
    say(&mut terminal, "words");
    let mut other = Terminal::spawn(in_a_loop(&sandbox, "attach", "</dev/tty"));
    other.wait_for_text("You said: words");
    assert!(terminal.finish().success());
    // The terminal is told by its own name, for /dev/tty means another one to each process.
    let path = other.path().display().to_string();
    assert!(terminal.history().concat().contains(&path), "{path}: {}", terminal.report());
    say(&mut other, "more");
    exit(other);
    sandbox.wait_for_silence();
}

#[test]
fn two_terminals_are_no_place_for_a_session_and_that_is_said() {
    let sandbox = sandbox();
    let mut terminal = Terminal::spawn(sandbox.cckw_claude());
    at_prompt(&mut terminal);
    let other = Terminal::spawn(sandbox.command("/bin/cat"));
    let redirection = format!("<{}", other.path().display());
    let mut attach = Terminal::spawn(in_a_loop(&sandbox, "attach", &redirection));
    assert_eq!(attach.finish().code(), Some(1));
    assert!(
        attach.screen().contains("cckw: stdin and stdout are two different terminals"),
        "{}",
        attach.report()
    );
    let mut start = Terminal::spawn(in_a_loop(&sandbox, "claude --version", &redirection));
    start.finish();
    assert!(!start.screen().contains("cckw:"), "{}", start.report());
    exit(terminal);
    assert!(cckw(&sandbox, &["rm", "--ended"]).output().expect("runs").status.success());
    let mut start = Terminal::spawn(in_a_loop(&sandbox, "claude", &redirection));
    start.wait_for_history("claude runs without cckw, so its session does not outlive this terminal: stdin and stdout are two different terminals");
    assert!(sandbox.records().is_empty());
}

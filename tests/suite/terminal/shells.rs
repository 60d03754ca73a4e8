//! From the prompt of each shell, as users start it. ctrl-z and `fg` in the others, and a killed client, are
//! in `tests/suite/jobs.rs`.

use nix::sys::signal::Signal;

use crate::support::stand_in::{at_prompt, sandbox, submit};
use crate::support::{Key, Sandbox, Terminal, cckw_program, process};

const SHELLS: [&str; 4] = ["bash", "zsh", "dash", "fish"];

/// A sandbox whose PATH has cckw.
fn with_cckw() -> Sandbox {
    let sandbox = sandbox();
    sandbox.link("cckw", cckw_program());
    sandbox
}

fn status(shell: &str) -> &str {
    if shell == "fish" { "$status" } else { "$?" }
}

/// The shell has the keyboard again, and its terminal is as it was.
#[track_caller]
fn is_as_before(terminal: &mut Terminal, before: &(crate::support::Modes, nix::sys::termios::Termios)) {
    terminal.wait_for_prompt();
    terminal.wait_for_manners(before);
    terminal.run("clear; echo ke''ys");
    terminal.wait_for_text("keys");
    terminal.wait_for_prompt();
}

#[test]
fn claude_is_a_command_like_any_other() {
    for shell in SHELLS {
        let sandbox = with_cckw();
        let mut terminal = Terminal::shell(shell, &sandbox);
        let before = terminal.manners();
        for (exit, expected) in [("/exit", 0), ("/fault exit 3", 3)] {
            sandbox.configure("[restart]\ncrash_limit = 1\n");
            terminal.run("clear; cckw claude");
            at_prompt(&mut terminal);
            submit(&mut terminal, "words");
            terminal.wait_for_text("You said: words");
            at_prompt(&mut terminal);
            submit(&mut terminal, exit);
            terminal.run(&format!("echo status={}.", status(shell)));
            terminal.wait_for_text(&format!("status={expected}."));
            is_as_before(&mut terminal, &before);
        }
        terminal.run("exit");
        terminal.finish();
        sandbox.wait_for_silence();
    }
}

#[test]
fn fish_stops_it_and_takes_it_up_again() {
    let sandbox = with_cckw();
    let mut terminal = Terminal::shell("fish", &sandbox);
    let before = terminal.manners();
    terminal.run("clear; cckw claude");
    at_prompt(&mut terminal);
    submit(&mut terminal, "words");
    terminal.wait_for_text("You said: words");
    at_prompt(&mut terminal);
    for _ in 0..3 {
        terminal.press(Key::Ctrl('z'));
        sandbox.wait_for_record("a stopped claude", |record| record.text("state") == "suspended");
        is_as_before(&mut terminal, &before);
        terminal.run("clear; fg");
        at_prompt(&mut terminal);
        sandbox.wait_for_record("a claude that goes on", |record| record.text("state") == "running");
    }
    submit(&mut terminal, "/exit");
    is_as_before(&mut terminal, &before);
    terminal.run("exit");
    terminal.finish();
    sandbox.wait_for_silence();
}

#[test]
fn the_shell_is_left_alone_when_claude_or_its_host_is_killed() {
    for shell in SHELLS {
        for key in ["claude_pid", "host_pid"] {
            let sandbox = with_cckw();
            sandbox.configure("[restart]\ncrash_limit = 1\n");
            let mut terminal = Terminal::shell(shell, &sandbox);
            let before = terminal.manners();
            terminal.run("clear; cckw claude");
            at_prompt(&mut terminal);
            let record = sandbox.wait_for_record("an idle claude", |record| record.text("status") == "idle");
            // What claude asks the terminal at its start is answered by then. The answers to a program that is killed
            // before it has read them are the shell's, also without cckw.
            terminal.wait_for_rest(std::time::Duration::from_millis(700), crate::support::Screen::text);
            process::signal(record.pid(key).expect("a pid"), Signal::SIGKILL);
            if key == "host_pid" {
                // The client brings it back; that is left as a user leaves it.
                sandbox.wait_for_record("a claude that is back", |record| {
                    record.text("state") == "running" && record.json["restarts"] == 1
                });
                at_prompt(&mut terminal);
                submit(&mut terminal, "/exit");
            } else {
                terminal.wait_for_text("claude crashed and is not started again");
            }
            is_as_before(&mut terminal, &before);
            terminal.run("exit");
            terminal.finish();
        }
    }
}

/// In places where a shell has no job control of its own.
#[test]
fn in_subshells_groups_and_scripts() {
    for shell in SHELLS {
        let sandbox = with_cckw();
        sandbox.script("start", "#!/bin/sh\ncckw claude \"$@\"\n");
        let mut terminal = Terminal::shell(shell, &sandbox);
        let before = terminal.manners();
        let group = if shell == "fish" { "begin; cckw claude; end" } else { "(cckw claude)" };
        for line in ["start", "sh -c 'cckw claude'", "env -u LANG cckw claude", "nice cckw claude", group] {
            terminal.run(&format!("clear; {line}"));
            at_prompt(&mut terminal);
            submit(&mut terminal, "/exit");
            is_as_before(&mut terminal, &before);
        }
        terminal.run("exec cckw claude");
        at_prompt(&mut terminal);
        submit(&mut terminal, "/exit");
        assert_eq!(terminal.finish().code(), Some(0), "{shell} {}", terminal.report());
        sandbox.wait_for_silence();
    }
}

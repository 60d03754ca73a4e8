//! Following what cckw advises: the commands are taken out of what it printed, and run as a user types them.

use super::{Sandbox, Terminal, cckw_program};

/// What stands before a command in a text, and what ends it there.
const BEFORE: &[char] = &[' ', '`', '(', '\n'];
const BEHIND: &[char] = &[';', ',', ')', ']', '`', '\n'];

/// The commands that a text advises, in its order: those of cckw, and those of claude that choose a
/// conversation.
pub fn commands(text: &str) -> Vec<String> {
    let is_command = |rest: &str| {
        let mut words = rest.split([' ', '`', '\n', ';', ')', ']']);
        match (words.next(), words.next()) {
            (Some("cckw"), Some(verb)) => {
                ["attach", "claude", "list", "logs", "reconnect", "restart", "rm", "screen", "start", "stop"]
                    .contains(&verb)
            }
            (Some("claude"), Some(option)) => ["--resume", "--continue", "remote-control"].contains(&option),
            _ => false,
        }
    };
    let begins = text.char_indices().filter(|(at, _)| *at == 0 || text[..*at].ends_with(BEFORE));
    let found = begins.filter(|(at, _)| is_command(&text[*at..])).map(|(at, _)| {
        let rest = &text[at..];
        let command = &rest[..rest.find(BEHIND).unwrap_or(rest.len())];
        // What is said behind a command in brackets is no part of it.
        let command = command.split(" (").next().unwrap_or(command);
        command.trim().trim_end_matches('.').to_owned()
    });
    found.collect()
}

/// Lets the commands be typed as users have them: cckw on `PATH`, and `claude` for `cckw claude`.
pub fn prepare(sandbox: &mut Sandbox) {
    let cckw = cckw_program();
    sandbox.link("cckw", cckw);
    sandbox.script("claude", &format!("#!/bin/sh\nexec {cckw} claude \"$@\"\n"));
}

/// Runs the command that this text advises and that begins so, on a terminal.
///
/// # Panics
/// When the text advises no such command.
#[track_caller]
pub fn follow(sandbox: &Sandbox, text: &str, beginning: &str) -> Terminal {
    let commands = commands(text);
    let Some(command) = commands.iter().find(|command| command.starts_with(beginning)) else {
        panic!("no `{beginning}` is advised, but {commands:?}: {text}");
    };
    let mut shell = sandbox.command("/bin/sh");
    shell.args(["-c", command]);
    Terminal::builder().size(30, 400).spawn(shell)
}

/// The same, to its end, which must be a success. Gives what was on the screen.
#[track_caller]
pub fn follow_to_the_end(sandbox: &Sandbox, text: &str, beginning: &str) -> String {
    let mut terminal = follow(sandbox, text, beginning);
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    terminal.screen().text()
}

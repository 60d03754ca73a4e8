//! Job control over a link: for the shell, `cckw attach MACHINE:SESSION` is a job like any other.

use crate::bed::{Bed, Link};
use crate::scene::{attached, is_attached};
use crate::support::stand_in::{at_prompt, say};
use crate::support::{Key, Terminal, cckw_program};

/// A shell of the near side, in which a session of the host box is attached.
fn in_a_shell(bed: &Bed) -> Terminal {
    let (mut first, _) = attached(bed);
    first.press(Key::Ctrl('\\'));
    assert_eq!(first.finish().code(), Some(0));
    let mut shell = bed.near(&["bash", "--noprofile", "--norc", "-i"]);
    shell.env("PS1", "ready> ").env("INPUTRC", "/dev/null").env_remove("ENV");
    let mut terminal = Terminal::spawn(shell);
    terminal.run(&format!("clear; {} attach box:api", cckw_program()));
    at_prompt(&mut terminal);
    bed.far("box").record("api", "an attached client", is_attached);
    terminal
}

#[test]
fn ctrl_z_gives_the_shell_its_terminal_and_fg_takes_the_session_again() {
    let Some(bed) = Bed::new(&["box", "lab"]) else { return };
    bed.far("lab").new_session("other");
    let mut other = bed.attach("lab:other");
    at_prompt(&mut other);
    let mut terminal = in_a_shell(&bed);
    terminal.press(Key::Ctrl('z'));
    terminal.wait_for_text("Stopped");
    bed.far("box").record("api", "a suspended claude", |record| record.json["state"] == "suspended");
    // What is typed now is the shell's.
    terminal.run("clear; echo the shell got th''is");
    terminal.wait_for_text("the shell got this");
    // Longer than a link may be silent that is not stopped: another one, which is silent from now on, is given up.
    bed.link("lab", Link::Silent);
    other.wait_for_text("the link to lab was lost");
    terminal.run("clear; fg");
    at_prompt(&mut terminal);
    bed.far("box").record("api", "a claude that runs", |record| record.json["state"] != "suspended");
    say(&mut terminal, "hello again");
    assert!(!terminal.screen().contains("was lost"), "{}", terminal.report());
    terminal.press(Key::Ctrl('\\'));
    terminal.wait_for_prompt();
    terminal.run("clear; echo status $?.; stty -a | grep -o ' icanon'");
    terminal.wait_for("the status, and a terminal in its own mode", |screen| {
        screen.contains("status 0.") && screen.contains(" icanon")
    });
}

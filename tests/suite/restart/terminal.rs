//! A claude that comes back has a terminal as the first one had: it is the controlling one, nothing of the last
//! claude's is in it, and keys reach it. Also where what the last one has started still has `/dev/tty` open.

use std::fs;

use nix::sys::signal::Signal;

use crate::support::verb::well_said;
use crate::support::{Key, Sandbox, Size, Terminal, has_faults, process};

/// A claude that says what it finds, changes its terminal, starts a process that has `/dev/tty` open and minds
/// no hang-up, and says each line that it reads. At `crash` it is killed.
const CLAUDE: &str = r#"#!/bin/bash
n=$(($(cat "$HOME/launches" 2>/dev/null) + 1))
echo $n >"$HOME/launches"
stty -g >"$HOME/modes.$n"
stty -onlcr eof ^X
trap 'echo interrupted >/dev/tty; exit 7' INT
read -r _ _ _ _ group session tty foreground _ </proc/$$/stat
(trap '' HUP INT TERM; exec 3<>/dev/tty; exec sleep 600) &
echo $! >>"$HOME/left"
printf 'launch %s: leads its group %s, foreground %s, terminal %s, session %s, size %s\r\n' $n $((group == $$)) \
    $((foreground == $$)) $((tty != 0)) $((session == PPID)) "$(stty size | tr ' ' x)" >/dev/tty
while read -r line; do
    printf 'got %s in %s\r\n' "$line" $n
    [ "$line" != crash ] || kill -KILL $$
done
"#;

/// What a launch of that claude says first.
fn greeting(launch: u32, size: &str) -> String {
    format!("launch {launch}: leads its group 1, foreground 1, terminal 1, session 1, size {size}")
}

/// Two crashes in a row, and ctrl-c after that. `fault` says how the launches get their terminals. Between the
/// two another program goes on in the host's process, if that is wanted.
fn crash_twice(fault: Option<&str>, hands_over: bool) {
    if fault.is_some() && !has_faults() {
        return;
    }
    let mut sandbox = Sandbox::new();
    sandbox.configure("[restart]\ninitial_delay = \"20ms\"\nmax_delay = \"50ms\"\n");
    sandbox.set("CCKW_CLAUDE", sandbox.script("scripted", CLAUDE));
    if let Some(fault) = fault {
        sandbox.set("CCKW_FAULT", fault);
    }
    let mut command = sandbox.cckw_claude();
    command.args(["-n", "work"]);
    let mut terminal = Terminal::builder().size(30, 120).spawn(command);
    terminal.wait_for_text(&greeting(1, "30x120"));
    // The line behind it was meant for the claude that is gone.
    terminal.type_text("crash\rleft over\r");
    terminal.wait_for_text(&greeting(2, "30x120"));
    terminal.resize(Size::cells(31, 110));
    sandbox.wait_for_record("the second launch", |record| record.json["restarts"] == 1);
    if hands_over {
        well_said(&sandbox, &["restart", "--hosts", "--force", "work"]);
    }
    terminal.type_text("some words\r");
    terminal.wait_for_text("got some words in 2");
    terminal.type_text("crash\r");
    terminal.wait_for_text(&greeting(3, "31x110"));
    terminal.type_text("more words\r");
    terminal.wait_for_text("got more words in 3");
    terminal.press(Key::Ctrl('c'));
    assert_eq!(terminal.finish().code(), Some(7), "{}", terminal.report());
    let screen = String::from_utf8_lossy(&terminal.output()).into_owned();
    assert!(screen.contains("interrupted"), "{screen}");
    assert!(!screen.contains("got left over in 2"), "{screen}");
    let modes =
        |launch: u32| fs::read_to_string(sandbox.path(format!("home/modes.{launch}"))).expect("modes");
    assert_eq!((modes(2), modes(3)), (modes(1), modes(1)));
    let left = fs::read_to_string(sandbox.path("home/left")).expect("pids");
    assert_eq!(left.lines().count(), 3);
    for pid in left.lines().map(|pid| pid.parse().expect("a pid")) {
        process::signal(pid, Signal::SIGKILL);
    }
    sandbox.wait_for_silence();
}

#[test]
fn a_claude_that_comes_back_twice_has_a_controlling_terminal() {
    crash_twice(None, false);
}

/// As on macOS.
#[test]
fn a_claude_that_gets_the_terminal_of_the_last_one_finds_it_as_new() {
    crash_twice(Some("one-pty"), false);
}

#[test]
fn the_terminal_that_is_kept_goes_with_a_hand_over() {
    crash_twice(Some("one-pty"), true);
}

//! What may be under way at the moment at which another program goes on.

use nix::sys::signal::Signal;

use super::{hand_over, wait_for_count};
use crate::support::pty::Size;
use crate::support::stand_in::{at_prompt, exit, idle, sandbox, say, start, submit};
use crate::support::verb::{cckw, well_said};
use crate::support::{DEADLINE, Key, Sandbox, Terminal, process, wait_until};

#[test]
fn claude_is_stopped_and_goes_on_in_the_foreground() {
    let mut sandbox = Sandbox::new();
    sandbox.use_child("job");
    let mut terminal = Terminal::shell("bash", &sandbox);
    terminal.run("cckw claude -n work");
    terminal.wait_for("the child", |screen| screen.rows.iter().any(|row| row.starts_with("READY")));
    let record = sandbox.wait_for_record("a child", |record| record.pid("child_pid").is_some());
    terminal.type_text("\x1a");
    terminal.wait_for_prompt();
    let child = record.pid("child_pid").expect("a child");
    wait_until("a stopped claude", DEADLINE, || process::is_stopped(child));
    sandbox.wait_for_record("a suspension", |record| record.text("state") == "suspended");
    hand_over(&sandbox);
    assert!(process::is_stopped(child));
    terminal.run("echo the shell has it");
    terminal.wait_for_text("the shell has it");
    terminal.wait_for_prompt();
    terminal.run("clear; fg");
    terminal.wait_for_text("RESUMED");
    terminal.type_text("xyz\r\n");
    terminal.wait_for_text("xyz");
    hand_over(&sandbox);
    terminal.type_text("q");
    terminal.wait_for_prompt();
    wait_for_count(&sandbox, 2);
    terminal.run("exit");
    terminal.finish();
    sandbox.wait_for_silence();
}

#[test]
fn the_question_after_a_crash_is_answered_after_it() {
    let sandbox = sandbox();
    sandbox.configure("[restart]\ninitial_delay = \"10m\"\nmax_delay = \"10m\"\n");
    let mut terminal = start(&sandbox, &["-n", "work"]);
    say(&mut terminal, "the first words");
    process::signal(idle(&sandbox, 0).pid("claude_pid").expect("a claude"), Signal::SIGKILL);
    terminal.wait_for_text("ctrl-c: quit");
    hand_over(&sandbox);
    terminal.press(Key::Enter);
    idle(&sandbox, 1);
    terminal.wait_for_text("You said: the first words");
    at_prompt(&mut terminal);
    exit(terminal);
    sandbox.wait_for_silence();
}

#[test]
fn a_claude_that_comes_back_by_itself_does_so_at_its_time() {
    let sandbox = sandbox();
    sandbox.configure("[restart]\nearly_delay = \"0s\"\ninitial_delay = \"3s\"\njitter = 0.0\n");
    let mut terminal = start(&sandbox, &["-n", "work"]);
    say(&mut terminal, "the first words");
    process::signal(idle(&sandbox, 0).pid("claude_pid").expect("a claude"), Signal::SIGKILL);
    terminal.wait_for_text("ctrl-c: quit");
    hand_over(&sandbox);
    idle(&sandbox, 1);
    at_prompt(&mut terminal);
    exit(terminal);
    sandbox.wait_for_silence();
}

#[test]
fn sizes_attaches_and_detaches_around_it_are_as_ever() {
    let sandbox = sandbox();
    let mut first = start(&sandbox, &["-n", "work"]);
    say(&mut first, "the first words");
    first.resize(Size::cells(30, 70));
    hand_over(&sandbox);
    first.wait_for("a prompt in the new size", |screen| screen.rows.len() == 30);
    say(&mut first, "words in another size");
    // Somebody who waits for its end keeps the connection.
    let mut wait = cckw(&sandbox, &["wait", "work", "--for", "ended"]).spawn().expect("runs");
    let mut second = Terminal::spawn(cckw(&sandbox, &["attach", "work"]));
    second.wait_for_text("words in another size");
    assert_eq!(first.finish().code(), Some(0));
    hand_over(&sandbox);
    say(&mut second, "words after it");
    second.type_bytes(b"\x1c");
    assert_eq!(second.finish().code(), Some(0));
    assert_eq!(second.modes().left_on(), Vec::<String>::new());
    hand_over(&sandbox);
    let screen = well_said(&sandbox, &["screen", "work"]);
    assert!(screen.contains("words after it"), "{screen}");
    well_said(&sandbox, &["stop", "work"]);
    wait.wait().expect("ends");
    sandbox.wait_for_silence();
}

/// A message that waits for the end of a turn is sent once, by the program that runs then.
#[test]
fn a_message_that_waits_goes_along() {
    let mut sandbox = sandbox();
    sandbox.set("CCKW_STANDIN_PACE", "700");
    let mut terminal = start(&sandbox, &["-n", "work"]);
    submit(&mut terminal, "a turn that goes on for some seconds");
    sandbox.wait_for_record("a turn", |record| record.text("status") == "busy");
    let mut send = cckw(&sandbox, &["send", "work", "the next one"]);
    let send = send.stdout(std::process::Stdio::piped()).spawn().expect("runs");
    // The host has heard of it when it has answered what was asked behind it.
    hand_over(&sandbox);
    hand_over(&sandbox);
    let output = send.wait_with_output().expect("ends");
    assert!(output.status.success(), "{output:?}");
    terminal.wait_for_text("You said: the next one");
    well_said(&sandbox, &["stop", "work"]);
    terminal.finish();
    sandbox.wait_for_silence();
}

/// A terminal that takes nothing has what waited for it, and all the rest.
#[test]
fn a_terminal_that_takes_nothing_gets_everything_later() {
    let mut sandbox = Sandbox::new();
    sandbox.use_child("ticker:10:2000");
    sandbox.configure("stall_after = \"500ms\"\n");
    let mut terminal = Terminal::spawn(sandbox.cckw_claude());
    terminal.wait_for_text("tick 3");
    terminal.stop_reading();
    wait_until("a terminal that is passed over", DEADLINE, || {
        super::events(&sandbox).iter().any(|event| event == "terminal-passed-over")
    });
    hand_over(&sandbox);
    hand_over(&sandbox);
    terminal.read_on();
    terminal.wait_for_text("tick");
    terminal.type_text("q");
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    assert_eq!(terminal.modes().left_on(), Vec::<String>::new());
    sandbox.wait_for_silence();
}

/// What was given to the host to type waits for the end of it, and the keys of the user behind it arrive in order.
#[test]
fn a_message_that_is_being_typed_is_typed_to_its_end() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &["-n", "work"]);
    say(&mut terminal, "the first words");
    for round in 0..5 {
        let text = format!("message number {round} {}", "which is long ".repeat(20));
        let send = cckw(&sandbox, &["send", "work", &text]).spawn().expect("runs");
        hand_over(&sandbox);
        let output = send.wait_with_output().expect("ends");
        assert!(output.status.success(), "{output:?}");
        wait_until("the message", DEADLINE, || {
            terminal.screen().contains(&format!("message number {round}"))
        });
        idle(&sandbox, 0);
    }
    say(&mut terminal, "the last words");
    exit(terminal);
    sandbox.wait_for_silence();
}

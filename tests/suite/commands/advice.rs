//! Each command that cckw advises is run here, or in the test that the table names, in the situation in which it
//! is printed.
//!
//! Elsewhere: `kill -CONT`, `kill -KILL` of a host that does not answer (`host::hung`), `cckw start --env current`
//! (`environment::after_restart`), `cckw start` of what went down with the machine (`restart::reboot`) or was
//! lost (`files::damaged`), `cckw start` in a directory that was made again (`surroundings::gone`), `fg`
//! (`host::killed`).

use nix::sys::signal::Signal;

use crate::support::advice::{commands, follow, follow_to_the_end, prepare};
use crate::support::stand_in::{at_prompt, idle, say, submit};
use crate::support::verb::{cckw, well_said};
use crate::support::{DEADLINE, Key, Record, Sandbox, Terminal, process, stand_in, wait_until};

fn sandbox() -> Sandbox {
    let mut sandbox = stand_in::sandbox();
    prepare(&mut sandbox);
    sandbox
}

/// A session in a terminal that is wide enough for one line each.
fn start(sandbox: &Sandbox, args: &[&str]) -> Terminal {
    let mut command = sandbox.cckw_claude();
    command.args(args);
    let mut terminal = Terminal::builder().size(30, 400).spawn(command);
    at_prompt(&mut terminal);
    terminal
}

fn complaint(sandbox: &Sandbox, words: &[&str]) -> String {
    let output = cckw(sandbox, words).output().expect("runs");
    assert!(!output.status.success(), "{words:?}: {output:?}");
    String::from_utf8(output.stderr).expect("UTF-8")
}

fn kill_claude(record: &Record) {
    process::signal(record.pid("claude_pid").expect("a claude"), Signal::SIGKILL);
}

/// What the terminal shows, after its program has ended.
fn last_words(mut terminal: Terminal) -> String {
    terminal.finish();
    terminal.history().join("\n")
}

fn stop_all(sandbox: &Sandbox) {
    well_said(sandbox, &["stop", "--all"]);
    sandbox.wait_for_silence();
}

#[test]
fn commands_are_found_in_what_is_said() {
    let text = "x: cckw start a (or forget it: cckw rm a); then: cckw attach a, or `cckw list`.\n[cckw: to go on: \
                claude --resume 5f0c]\ncckw works; cckw: no";
    assert_eq!(
        commands(text),
        ["cckw start a", "cckw rm a", "cckw attach a", "cckw list", "claude --resume 5f0c"]
    );
}

#[test]
fn after_a_crash_loop() {
    let sandbox = sandbox();
    sandbox.configure("[restart]\ncrash_limit = 1\n");
    // Nothing was said, so claude has nothing to resume.
    let terminal = start(&sandbox, &[]);
    kill_claude(&idle(&sandbox, 0));
    let said = last_words(terminal);
    assert!(said.contains("is not started again; to try again: "), "{said}");
    let started = follow_to_the_end(&sandbox, &said, "cckw start");
    let mut terminal = follow(&sandbox, &started, "cckw attach");
    at_prompt(&mut terminal);
    say(&mut terminal, "words");
    // By now there is something.
    kill_claude(&idle(&sandbox, 1));
    let said = last_words(terminal);
    let mut terminal = follow(&sandbox, &said, "claude --resume");
    terminal.wait_for_text("You said: words");
    at_prompt(&mut terminal);
    well_said(&sandbox, &["stop", "--all"]);
    terminal.finish();
    sandbox.wait_for_silence();
    // The one that was given up can be brought back, or forgotten.
    let listed = well_said(&sandbox, &["list"]);
    follow_to_the_end(&sandbox, &listed, "cckw start");
    stop_all(&sandbox);
}

#[test]
fn of_a_session_that_was_given_up() {
    let sandbox = sandbox();
    sandbox.configure("[restart]\ncrash_limit = 1\n");
    let terminal = start(&sandbox, &[]);
    kill_claude(&idle(&sandbox, 0));
    last_words(terminal);
    sandbox.wait_for_silence();
    let said = complaint(&sandbox, &["attach", "work"]);
    follow_to_the_end(&sandbox, &said, "cckw start");
    idle(&sandbox, 1);
    let mut terminal = follow(&sandbox, &said, "cckw attach");
    at_prompt(&mut terminal);
    kill_claude(&idle(&sandbox, 1));
    last_words(terminal);
    sandbox.wait_for_silence();
    let listed = well_said(&sandbox, &["list"]);
    assert!(follow_to_the_end(&sandbox, &listed, "cckw rm").contains("removed work"));
    let said = complaint(&sandbox, &["attach", "work"]);
    assert!(follow_to_the_end(&sandbox, &said, "cckw list").contains("no sessions"));
    let said = complaint(&sandbox, &["logs"]);
    let mut terminal = follow(&sandbox, &said, "cckw claude");
    at_prompt(&mut terminal);
    stop_all(&sandbox);
}

#[test]
fn of_what_was_stopped_started_and_detached() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    say(&mut terminal, "words");
    terminal.press(Key::Ctrl('\\'));
    let said = last_words(terminal);
    let mut terminal = follow(&sandbox, &said, "cckw attach");
    terminal.wait_for_text("You said: words");
    let said = well_said(&sandbox, &["detach"]);
    terminal.finish();
    let mut terminal = follow(&sandbox, &said, "cckw attach");
    at_prompt(&mut terminal);
    let refused = complaint(&sandbox, &["rm", "work"]);
    let said = follow_to_the_end(&sandbox, &refused, "cckw stop");
    terminal.finish();
    sandbox.wait_for_silence();
    assert!(
        follow_to_the_end(&sandbox, &well_said(&sandbox, &["list"]), "cckw list --all").contains("stopped")
    );
    let said = follow_to_the_end(&sandbox, &said, "cckw start");
    let mut terminal = follow(&sandbox, &said, "cckw attach");
    terminal.wait_for_text("You said: words");
    let said = well_said(&sandbox, &["start", "work"]);
    let mut other = follow(&sandbox, &said, "cckw attach");
    at_prompt(&mut other);
    terminal.finish();
    stop_all(&sandbox);
}

#[test]
fn of_what_waits_for_the_user_or_to_be_restarted() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    submit(&mut terminal, "permission");
    sandbox.wait_for_record("a question", |record| record.text("status") == "waiting");
    well_said(&sandbox, &["detach"]);
    terminal.finish();
    let said = well_said(&sandbox, &["restart", "work"]);
    assert!(said.contains("is restarted when it is idle"), "{said}");
    let called_off = follow_to_the_end(&sandbox, &said, "cckw restart --cancel");
    assert!(called_off.contains("work: claude is not restarted"), "{called_off}");
    let mut terminal = follow(&sandbox, &well_said(&sandbox, &["list"]), "cckw attach");
    terminal.wait_for_text("Do you want to proceed?");
    well_said(&sandbox, &["restart", "work"]);
    let listed = well_said(&sandbox, &["list"]);
    follow_to_the_end(&sandbox, &listed, "cckw restart --now");
    idle(&sandbox, 1);
    at_prompt(&mut terminal);
    std::fs::remove_dir_all(sandbox.path("home/.claude/sessions")).expect("no state files any more");
    wait_until("a state file that is gone", DEADLINE, || {
        well_said(&sandbox, &["list"]).contains("claude's state file was removed")
    });
    follow_to_the_end(&sandbox, &well_said(&sandbox, &["list"]), "cckw restart --now");
    idle(&sandbox, 2);
    stop_all(&sandbox);
    terminal.finish();
}

#[test]
fn where_a_conversation_is_open_already() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    // Of what nobody has said anything in, claude makes no copy.
    let id = idle(&sandbox, 0).text("conversation").to_owned();
    let refused = || {
        let mut command = sandbox.cckw_claude();
        command.args(["--resume", &id]);
        let mut refused = Terminal::builder().size(30, 400).spawn(command);
        assert_eq!(refused.finish().code(), Some(1));
        last_words(refused)
    };
    let said = refused();
    assert_eq!(commands(&said), ["cckw attach work"], "{said}");
    say(&mut terminal, "words");
    let said = refused();
    let mut copy = follow(&sandbox, &said, "claude --resume");
    copy.wait_for_text("You said: words");
    at_prompt(&mut copy);
    let mut taken = follow(&sandbox, &said, "cckw attach");
    taken.wait_for_text("You said: words");
    terminal.finish();
    stop_all(&sandbox);
    copy.finish();
    taken.finish();
}

#[test]
fn after_the_system_has_ended_it() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    say(&mut terminal, "words");
    process::signal(idle(&sandbox, 0).pid("host_pid").expect("a host"), Signal::SIGTERM);
    let said = last_words(terminal);
    sandbox.wait_for_silence();
    assert!(said.contains("session work was told to end (SIGTERM)"), "{said}");
    let started = follow_to_the_end(&sandbox, &said, "cckw start");
    let mut terminal = follow(&sandbox, &started, "cckw attach");
    terminal.wait_for_text("You said: words");
    stop_all(&sandbox);
    terminal.finish();
}

#[test]
fn after_two_hosts_were_killed() {
    let sandbox = sandbox();
    for speaks in [false, true] {
        let mut terminal = start(&sandbox, &["-n", "work"]);
        if speaks {
            say(&mut terminal, "words");
        }
        let of_work = |restarts: u64| {
            let is =
                |record: &&Record| record.text("status") == "idle" && record.json["restarts"] == restarts;
            sandbox.records().iter().find(is).cloned()
        };
        wait_until("an idle claude", DEADLINE, || of_work(0).is_some());
        process::signal(of_work(0).expect("a record").pid("host_pid").expect("a host"), Signal::SIGKILL);
        wait_until("another host", DEADLINE, || of_work(1).is_some());
        process::signal(of_work(1).expect("a record").pid("host_pid").expect("a host"), Signal::SIGKILL);
        assert_eq!(terminal.finish().code(), Some(70), "{}", terminal.report());
        let said = last_words(terminal);
        let mut terminal = if speaks {
            follow(&sandbox, &said, "claude --resume")
        } else {
            follow_to_the_end(&sandbox, &said, "cckw start");
            follow(&sandbox, &said, "cckw attach")
        };
        at_prompt(&mut terminal);
        stop_all(&sandbox);
        terminal.finish();
        well_said(&sandbox, &["rm", "--ended"]);
    }
}

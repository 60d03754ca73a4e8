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
use crate::support::{DEADLINE, Key, Record, Sandbox, Terminal, cckw_program, process, stand_in, wait_until};

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

/// A remote-control server in a terminal that is wide enough for one line each.
fn server(sandbox: &Sandbox) -> Terminal {
    let mut command = sandbox.cckw_claude();
    command.arg("remote-control");
    let mut terminal = Terminal::builder().size(30, 400).spawn(command);
    terminal.wait_for_text("Press Ctrl+C");
    terminal
}

fn server_up(sandbox: &Sandbox, restarts: u64) -> Record {
    sandbox.wait_for_record("a running server", |record| {
        record.text("state") == "running" && record.json["restarts"] == restarts
    })
}

#[test]
fn of_a_server_that_was_given_up() {
    let sandbox = sandbox();
    sandbox.configure("[restart]\ncrash_limit = 1\n");
    let terminal = server(&sandbox);
    process::signal(server_up(&sandbox, 0).pid("child_pid").expect("a child"), Signal::SIGKILL);
    let mut terminal = follow(&sandbox, &last_words(terminal), "claude remote-control");
    terminal.wait_for_text("Press Ctrl+C");
    stop_all(&sandbox);
    terminal.finish();
}

#[test]
fn of_a_server_whose_host_was_killed_twice() {
    let sandbox = sandbox();
    let mut terminal = server(&sandbox);
    for restarts in [0, 1] {
        process::signal(server_up(&sandbox, restarts).pid("host_pid").expect("a host"), Signal::SIGKILL);
    }
    assert_eq!(terminal.finish().code(), Some(70), "{}", terminal.report());
    let mut terminal = follow(&sandbox, &last_words(terminal), "claude remote-control");
    terminal.wait_for_text("Press Ctrl+C");
    stop_all(&sandbox);
    terminal.finish();
}

#[test]
fn where_what_is_said_is_not_written() {
    let sandbox = sandbox();
    // Nothing can be written below `projects`: there is a file in its place.
    std::fs::create_dir_all(sandbox.path("home/.claude")).expect("a folder");
    std::fs::write(sandbox.path("home/.claude/projects"), "").expect("a file");
    let mut terminal = start(&sandbox, &[]);
    say(&mut terminal, "words");
    wait_until("an alarm", DEADLINE, || well_said(&sandbox, &["list"]).contains("cckw screen"));
    let shown = follow_to_the_end(&sandbox, &well_said(&sandbox, &["list"]), "cckw screen");
    assert!(shown.contains("You said: words"), "{shown}");
    // It says that something was lost, which is no failure.
    assert!(cckw(&sandbox, &["stop", "--all"]).status().expect("runs").success());
    terminal.finish();
}

#[test]
fn where_its_directory_is_gone() {
    let sandbox = sandbox();
    let folder = sandbox.path("project");
    std::fs::create_dir(&folder).expect("a folder");
    let mut command = sandbox.cckw_claude();
    command.current_dir(&folder);
    let mut terminal = Terminal::builder().size(30, 400).spawn(command);
    at_prompt(&mut terminal);
    say(&mut terminal, "words");
    stop_all(&sandbox);
    terminal.finish();
    std::fs::remove_dir_all(&folder).expect("removes");
    let said = complaint(&sandbox, &["start", "project"]);
    let mut terminal = follow(&sandbox, &said, "claude --resume");
    terminal.wait_for_text("You said: words");
    stop_all(&sandbox);
    terminal.finish();
}

#[test]
fn of_a_claude_that_is_newer_than_the_one_that_runs() {
    let mut sandbox = stand_in::sandbox();
    // As npm lays it out, with the stand-in as the program.
    let package = sandbox.path("lib/claude-code");
    std::fs::create_dir_all(package.join("bin")).expect("a directory");
    let program = package.join("bin/claude-stand-in");
    std::fs::copy(cckw_program(), &program).expect("a program");
    sandbox.set("CCKW_CLAUDE", sandbox.link("claude-stand-in", program));
    prepare(&mut sandbox);
    let mut terminal = start(&sandbox, &[]);
    idle(&sandbox, 0);
    let newer = r#"{ "name": "@anthropic-ai/claude-code", "version": "999.0.0" }"#;
    std::fs::write(package.join("package.json"), newer).expect("a package");
    let listed = well_said(&sandbox, &["list"]);
    // SESSION stands for the name of one.
    let advice = listed.replace("SESSION", "work");
    let restarted = follow_to_the_end(&sandbox, &advice, "cckw restart work");
    assert!(restarted.contains("work: claude is restarted"), "{restarted}");
    idle(&sandbox, 1);
    at_prompt(&mut terminal);
    stop_all(&sandbox);
    terminal.finish();
}

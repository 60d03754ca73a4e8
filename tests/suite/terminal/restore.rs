//! The terminal is left as it was, whoever is killed.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use nix::sys::signal::Signal;

use crate::support::{Record, Sandbox, Terminal, has_faults, process};

/// A shell without a line editor, so that what `stty` says is what a program has left, and with the raw child
/// as claude.
fn shell(mode: &str) -> (Sandbox, Terminal) {
    let mut sandbox = Sandbox::new();
    sandbox.use_child(mode);
    let terminal = Terminal::shell("dash", &sandbox);
    (sandbox, terminal)
}

fn stty(terminal: &mut Terminal) -> String {
    terminal.run("clear; stty -a");
    let screen = terminal.wait_for_prompt();
    let text = screen.text();
    assert!(text.contains("speed"), "{}", terminal.report());
    text
}

/// Runs claude, which switches on all that it can, then does `end` to it, and looks at what is left.
fn ends_clean(mode: &str, end: impl FnOnce(&Sandbox, &Record, &mut Terminal)) {
    let (sandbox, mut terminal) = shell(mode);
    let before = stty(&mut terminal);
    terminal.run("cckw claude; echo status=$?");
    if mode.contains("wait") {
        terminal.wait_for_modes("all of the child's modes", |modes| {
            modes.is_on(2004) && modes.is_on(1004) && modes.is_on(1049) && modes.kitty_flags() != 0
        });
        terminal.wait_for("that it waits", |screen| screen.contains("READY"));
        let record = sandbox.wait_for_record("a child", |record| record.pid("child_pid").is_some());
        end(&sandbox, &record, &mut terminal);
    }
    terminal.wait_for_modes("modes as they were", |modes| modes.left_on().is_empty());
    terminal.wait_for_prompt();
    assert_eq!(stty(&mut terminal), before);
    assert_eq!(terminal.modes().left_on(), Vec::<String>::new());
    terminal.type_text("exit\r");
    terminal.finish();
    sandbox.wait_for_silence();
}

fn ask(record: &Record, request: &str) {
    let mut socket = UnixStream::connect(record.text("socket")).expect("connects");
    writeln!(socket, "{{\"v\":1,\"op\":\"{request}\"}}").expect("asks");
    // The host answers, or dies of it.
    let _ = socket.read(&mut [0; 1]);
}

#[test]
fn after_a_clean_exit_that_undoes_nothing() {
    ends_clean("modes:exit:0", |_, _, _| {});
}

#[test]
fn after_claude_was_killed() {
    ends_clean("modes:kill:KILL", |_, _, _| {});
    ends_clean("modes:wait", |_, record, _| {
        process::signal(record.pid("child_pid").expect("a pid"), Signal::SIGSEGV);
    });
}

#[test]
fn after_the_client_was_told_to_end() {
    ends_clean("modes:wait", |_, record, _| {
        process::signal(record.pid("client_pid").expect("a pid"), Signal::SIGTERM);
    });
}

#[test]
fn after_the_client_was_killed() {
    ends_clean("modes:wait", |_, record, terminal| {
        process::signal(record.pid("client_pid").expect("a pid"), Signal::SIGKILL);
        // The shell has not waited for the host, so its prompt may stand on the screen that is gone.
        terminal.wait_for_modes("modes as they were", |modes| modes.left_on().is_empty());
        // What is typed before would be lost, or not be echoed.
        terminal.wait_for_canonical_mode();
        terminal.type_text("\r");
    });
}

/// Loses the host twice: the first one is replaced, the second one, so soon after, is not.
fn loses_two_hosts(lose: impl Fn(&Record)) {
    ends_clean("modes:wait", |sandbox, record, terminal| {
        lose(record);
        // On a busy machine the new host may have lasted long enough to be replaced as well.
        for restarts in 1.. {
            let again = sandbox.wait_for_record("another host", |record| {
                record.json["restarts"] == restarts && record.pid("child_pid").is_some()
            });
            terminal.wait_for_modes("the child's modes again", |modes| {
                modes.is_on(2004) && modes.kitty_flags() != 0
            });
            lose(&again);
            let decided = terminal.wait_for("an end, or another host", |screen| {
                let replaced = |record: &Record| record.json["restarts"].as_u64() > Some(restarts);
                screen.contains("status=70") || sandbox.records().iter().any(replaced)
            });
            if decided.contains("status=70") {
                assert!(decided.text().contains("--resume"), "{}", terminal.report());
                return;
            }
        }
    });
}

#[test]
fn after_two_hosts_were_killed() {
    loses_two_hosts(|record| {
        process::signal(record.pid("host_pid").expect("a pid"), Signal::SIGKILL);
    });
}

#[test]
fn after_two_panics_of_the_host() {
    if !has_faults() {
        return;
    }
    loses_two_hosts(|record| ask(record, "panic"));
}

#[test]
fn after_a_panic_of_the_client() {
    if !has_faults() {
        return;
    }
    ends_clean("modes:wait", |_, record, terminal| {
        ask(record, "panic-client");
        let screen = terminal.wait_for_text("status=101");
        assert!(screen.text().contains("panicked"), "{}", terminal.report());
    });
}

#[test]
fn a_changed_setting_is_given_back_as_the_user_had_changed_it() {
    let (_sandbox, mut terminal) = shell("modes:exit:0");
    terminal.run("stty -ixon intr ^G");
    let before = stty(&mut terminal);
    assert!(before.contains("-ixon") && before.contains("intr = ^G"), "{before}");
    terminal.run("cckw claude");
    terminal.wait_for_prompt();
    assert_eq!(stty(&mut terminal), before);
}

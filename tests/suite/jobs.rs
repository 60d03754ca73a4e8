//! Job control: for the shell, `cckw claude` is a job like any other.

use std::time::Duration;

use nix::sys::signal::Signal;
use nix::sys::termios::LocalFlags;

use crate::support::{DEADLINE, Key, Record, Sandbox, Terminal, pid, process, wait_until};

const SHELLS: [&str; 3] = ["bash", "zsh", "dash"];

/// Longer than the host takes to notice that the client is stopped.
const QUIET: Duration = Duration::from_millis(700);

/// A shell in which claude has been started.
fn started(shell: &str, line: &str) -> (Sandbox, Terminal, Record) {
    let mut sandbox = Sandbox::new();
    sandbox.use_child("job");
    let mut terminal = Terminal::shell(shell, &sandbox);
    terminal.run(line);
    terminal.wait_for("the child", |screen| screen.rows.iter().any(|row| row.starts_with("READY")));
    let record = sandbox.wait_for_record("a child", |record| record.pid("child_pid").is_some());
    (sandbox, terminal, record)
}

fn wait_until_stopped(pid: i32) {
    wait_until("a stopped process", DEADLINE, || process::is_stopped(pid));
}

/// The key-theft test: of 100 keys typed at the shell's program, 100 arrive there.
fn the_shell_gets_every_key(terminal: &mut Terminal) {
    terminal.run("clear; echo typ''ing; IFS= read -r line; echo got=${#line}.");
    terminal
        .wait_for("the shell's program", |screen| screen.rows.iter().any(|row| row.starts_with("typing")));
    for _ in 0..100 {
        terminal.type_text("k");
    }
    terminal.type_text("\r");
    let screen =
        terminal.wait_for("what was read", |screen| screen.rows.iter().any(|row| row.starts_with("got=")));
    assert!(screen.text().contains("got=100."), "{}", terminal.report());
    terminal.wait_for_prompt();
}

/// That the child runs in the foreground and hears what is typed.
fn echoes(terminal: &mut Terminal, text: &str) {
    terminal.type_text(&format!("{text}\r\n"));
    terminal.wait_for("an echo", |screen| {
        screen.rows.iter().any(|row| row.ends_with(text)) && screen.cursor.1 == 0
    });
}

/// `fg`, and the word of the child that it goes on.
fn to_the_foreground(terminal: &mut Terminal) {
    terminal.run("clear; fg");
    terminal.wait_for("the child's return", |screen| {
        // On a screen that begins with what the shell says to `fg`, so not on the one before.
        screen.rows[0].contains("cckw claude")
            && !screen.text().contains("ready>")
            && screen.contains("RESUMED")
    });
}

fn says_stopped(terminal: &mut Terminal) {
    terminal.wait_for("the shell's word for it", |screen| {
        let text = screen.text();
        text.contains("Stopped") || text.contains("suspended")
    });
    terminal.wait_for_prompt();
}

/// A prompt in a line of its own, also where the shell wrote the last one into a terminal in raw mode.
fn fresh_prompt(terminal: &mut Terminal) {
    terminal.type_text("\n");
    // The prompt of before stands there until the shell has read that.
    terminal.wait_for_rest(QUIET, crate::support::Screen::text);
    terminal.wait_for_prompt();
}

fn quit(sandbox: &Sandbox, terminal: &mut Terminal) {
    terminal.type_text("q");
    terminal.wait_for_prompt();
    terminal.type_text("exit\r");
    terminal.finish();
    sandbox.wait_for_silence();
}

#[test]
fn ctrl_z_stops_both_and_fg_brings_them_back() {
    for shell in SHELLS {
        let (sandbox, mut terminal, record) = started(shell, "cckw claude");
        for round in 0..3 {
            terminal.press(Key::Ctrl('z'));
            says_stopped(&mut terminal);
            wait_until_stopped(pid(&record, "child_pid"));
            wait_until_stopped(pid(&record, "client_pid"));
            sandbox.wait_for_record("a suspended session", |record| record.text("state") == "suspended");
            if round == 0 {
                // Only once: after an `fg` bash 5.2 now and then leaves its own line editor's settings on,
                // for any program.
                the_shell_gets_every_key(&mut terminal);
            }
            to_the_foreground(&mut terminal);
            echoes(&mut terminal, &format!("again{round}"));
        }
        quit(&sandbox, &mut terminal);
    }
}

#[test]
fn bg_of_a_stopped_session_stops_for_the_terminal_again() {
    for shell in SHELLS {
        let (sandbox, mut terminal, record) = started(shell, "cckw claude");
        terminal.press(Key::Ctrl('z'));
        says_stopped(&mut terminal);
        terminal.run("clear; bg");
        wait_until("another stop", DEADLINE, || process::is_stopped(pid(&record, "client_pid")));
        the_shell_gets_every_key(&mut terminal);
        to_the_foreground(&mut terminal);
        echoes(&mut terminal, "here");
        quit(&sandbox, &mut terminal);
    }
}

#[test]
fn kill_ends_a_stopped_session() {
    for shell in SHELLS {
        let (sandbox, mut terminal, record) = started(shell, "cckw claude");
        terminal.press(Key::Ctrl('z'));
        says_stopped(&mut terminal);
        // bash and zsh continue a stopped job that they kill; dash leaves that to its user.
        terminal.run("kill %1; kill -CONT %1; wait; echo killed");
        wait_until("the end of both", DEADLINE, || {
            !process::runs(pid(&record, "child_pid")) && !process::runs(pid(&record, "client_pid"))
        });
        let ended = sandbox.wait_for_record("an end", |record| record.text("state") == "stopped");
        assert_eq!(ended.json["exit"]["signal"], Signal::SIGTERM as i32, "{shell}");
        the_shell_gets_every_key(&mut terminal);
        terminal.type_text("exit\r");
        terminal.finish();
        sandbox.wait_for_silence();
    }
}

#[test]
fn a_start_in_the_background_stops_before_anything_else() {
    for shell in SHELLS {
        let mut sandbox = Sandbox::new();
        sandbox.use_child("job");
        let mut terminal = Terminal::shell(shell, &sandbox);
        terminal.run("cckw claude &");
        wait_until("a stopped client", DEADLINE, || {
            sandbox.processes().iter().any(|pid| {
                process::is_stopped(*pid) && process::arguments(*pid).iter().any(|word| word == "claude")
            })
        });
        assert!(sandbox.records().is_empty(), "nothing of the session exists yet");
        the_shell_gets_every_key(&mut terminal);
        terminal.run("fg");
        terminal.wait_for("the child", |screen| screen.rows.iter().any(|row| row.starts_with("READY")));
        echoes(&mut terminal, "here");
        quit(&sandbox, &mut terminal);
    }
}

#[test]
fn the_shell_gets_every_key_after_the_client_was_killed() {
    for shell in SHELLS {
        let (sandbox, mut terminal, record) = started(shell, "cckw claude");
        process::signal(pid(&record, "client_pid"), Signal::SIGKILL);
        terminal
            .wait_for("the shell's word for it", |screen| screen.text().to_lowercase().contains("killed"));
        fresh_prompt(&mut terminal);
        // zsh keeps the terminal as a killed program left it, where it is faster than the host.
        if shell == "zsh" {
            terminal.run("stty sane");
        }
        the_shell_gets_every_key(&mut terminal);
        wait_until("the end of the child", DEADLINE, || !process::runs(pid(&record, "child_pid")));
        terminal.type_text("exit\r");
        terminal.finish();
        sandbox.wait_for_silence();
    }
}

#[test]
fn the_shell_gets_every_key_and_no_output_after_the_client_was_stopped_from_outside() {
    for shell in SHELLS {
        let mut sandbox = Sandbox::new();
        sandbox.use_child("ticker:20");
        let mut terminal = Terminal::shell(shell, &sandbox);
        terminal.run("cckw claude");
        terminal.wait_for_text("tick 3");
        let record = sandbox.wait_for_record("a child", |record| record.pid("child_pid").is_some());
        process::signal(pid(&record, "client_pid"), Signal::SIGSTOP);
        terminal.wait_for("the shell's word for it", |screen| {
            let text = screen.text();
            text.contains("Stopped") || text.contains("suspended")
        });
        // Within the time that the host takes to notice, ticks still come.
        terminal.wait_for_rest(QUIET, crate::support::Screen::text);
        fresh_prompt(&mut terminal);
        the_shell_gets_every_key(&mut terminal);
        terminal.run("clear; echo quiet");
        let screen = terminal.wait_for_rest(QUIET, crate::support::Screen::text);
        assert!(screen.text().contains("quiet") && !screen.text().contains("tick"), "{}", terminal.report());
        terminal.run("fg");
        terminal.wait_for_text("tick");
        quit(&sandbox, &mut terminal);
    }
}

#[test]
fn a_claude_that_is_killed_while_stopped_ends_the_job() {
    for shell in SHELLS {
        let (sandbox, mut terminal, record) = started(shell, "cckw claude");
        terminal.press(Key::Ctrl('z'));
        says_stopped(&mut terminal);
        process::signal(pid(&record, "child_pid"), Signal::SIGKILL);
        wait_until("the end of the client", DEADLINE, || !process::runs(pid(&record, "client_pid")));
        the_shell_gets_every_key(&mut terminal);
        terminal.type_text("exit\r");
        terminal.finish();
        sandbox.wait_for_silence();
    }
}

#[test]
fn in_a_script_the_whole_job_stops_and_goes_on() {
    let (sandbox, mut terminal, _) = started("bash", "(cckw claude; echo after=$?)");
    terminal.press(Key::Ctrl('z'));
    says_stopped(&mut terminal);
    terminal.run("fg");
    terminal.wait_for_text("RESUMED");
    terminal.type_text("q");
    terminal.wait_for_text("after=0");
    terminal.wait_for_prompt();
    terminal.type_text("exit\r");
    terminal.finish();
    sandbox.wait_for_silence();
}

#[test]
fn a_claude_that_is_stopped_and_continued_from_outside_runs_again() {
    for shell in SHELLS {
        let (sandbox, mut terminal, record) = started(shell, "cckw claude");
        process::signal(pid(&record, "child_pid"), Signal::SIGSTOP);
        says_stopped(&mut terminal);
        sandbox.wait_for_record("a suspended session", |record| record.text("state") == "suspended");
        process::signal(pid(&record, "child_pid"), Signal::SIGCONT);
        sandbox.wait_for_record("a session that runs", |record| record.text("state") != "suspended");
        // The shell has the terminal, so the client stops for it, as any job in the background does.
        wait_until("another stop", DEADLINE, || process::is_stopped(pid(&record, "client_pid")));
        fresh_prompt(&mut terminal);
        the_shell_gets_every_key(&mut terminal);
        // It was continued before, so it says nothing of that now.
        terminal.run("clear; fg");
        wait_until("a terminal that is claude's", DEADLINE, || {
            !terminal.attributes().local_flags.contains(LocalFlags::ISIG)
        });
        echoes(&mut terminal, "here");
        quit(&sandbox, &mut terminal);
    }
}

#[test]
fn without_a_shell_a_claude_that_is_continued_from_outside_has_its_terminal_back() {
    let mut sandbox = Sandbox::new();
    sandbox.use_child("job");
    let mut terminal = Terminal::spawn(sandbox.cckw_claude());
    terminal.wait_for("the child", |screen| screen.rows.iter().any(|row| row.starts_with("READY")));
    let record = sandbox.wait_for_record("a child", |record| record.pid("child_pid").is_some());
    process::signal(pid(&record, "child_pid"), Signal::SIGSTOP);
    sandbox.wait_for_record("a suspended session", |record| record.text("state") == "suspended");
    wait_until_stopped(terminal.pid());
    process::signal(pid(&record, "child_pid"), Signal::SIGCONT);
    sandbox.wait_for_record("a session that runs", |record| record.text("state") != "suspended");
    wait_until("a client that runs", DEADLINE, || !process::is_stopped(terminal.pid()));
    echoes(&mut terminal, "here");
    terminal.type_text("q");
    assert_eq!(terminal.finish().code(), Some(0));
    sandbox.wait_for_silence();
}

/// Claude itself leaves its title when it suspends itself.
#[test]
fn a_stopped_claude_leaves_its_title() {
    let (sandbox, mut terminal, record) = started("bash", "cckw claude");
    let child = record.pid("child_pid").expect("a child");
    std::fs::write(format!("/proc/{child}/fd/1"), "\x1b]0;a title\x07").expect("writes");
    terminal.wait_for("the title", |screen| screen.title == "a title");
    terminal.press(Key::Ctrl('z'));
    terminal.wait_for_prompt();
    assert_eq!(terminal.screen().title, "a title");
    assert!(!String::from_utf8_lossy(&terminal.output()).contains("\x1b]0;\x07"), "{}", terminal.report());
    to_the_foreground(&mut terminal);
    quit(&sandbox, &mut terminal);
    assert_eq!(terminal.screen().title, "");
}

/// Windows that are named after the program in them are called as without cckw. What `killall` goes by stays.
#[cfg(target_os = "linux")]
#[test]
fn the_client_is_listed_as_claude() {
    let (sandbox, mut terminal, record) = started("bash", "cckw claude --model 'a model'");
    let client = record.pid("client_pid").expect("a client");
    let words = process::arguments(client);
    assert_eq!(words[..3], ["claude", "--model", "a model"], "{words:?}");
    assert!(words[3..].iter().all(String::is_empty), "{words:?}");
    let name = std::fs::read_to_string(format!("/proc/{client}/comm")).expect("a name");
    assert_eq!(name.trim(), "cckw");
    quit(&sandbox, &mut terminal);
}

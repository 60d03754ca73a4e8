//! The test harness itself, against programs whose behaviour is known.

mod random_stream;

use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::{Answers, DEADLINE, Key, Modes, Sandbox, Size, Terminal, process, wait_until};

fn sh(sandbox: &Sandbox, script: &str) -> std::process::Command {
    let mut command = sandbox.command("sh");
    command.args(["-c", script]);
    command
}

#[test]
fn a_program_sees_the_size_and_its_exit_is_seen() {
    let sandbox = Sandbox::new();
    let command = sh(&sandbox, "stty size; read line; stty size; exit 7");
    let mut terminal = Terminal::builder().size(33, 77).spawn(command);
    terminal.wait_for_text("33 77");
    terminal.resize(Size::cells(20, 50));
    terminal.type_text("x\r");
    assert_eq!(terminal.finish().code(), Some(7));
    assert!(terminal.screen().contains("20 50"), "{}", terminal.report());
}

#[test]
fn output_written_just_before_the_end_is_all_read() {
    let sandbox = Sandbox::new();
    let command = sh(&sandbox, "yes | head -c 200000");
    let mut terminal = Terminal::builder().emulate(false).spawn(command);
    terminal.finish();
    // Every newline becomes two bytes.
    assert_eq!(terminal.output_length(), 300_000);
}

#[test]
fn modes_are_followed_and_told() {
    let sandbox = Sandbox::new();
    let left = r"\033[?1004;2004h\033[?25l\033[>1u\033[>4;2m\033[3;9r\033(0\033[5 q";
    let undone = r"\033[?1004;2004l\033[?25h\033[<u\033[>4m\033[r\033(B\033[0 q";
    let command = sh(&sandbox, &format!("printf '{left}'; read line; printf '{undone}'"));
    let mut terminal = Terminal::spawn(command);
    let modes = terminal.wait_for_modes("the last of them", |modes| modes.left_on().len() == 8);
    assert!(modes.is_on(2004) && !modes.is_on(25) && modes.kitty_flags() == 1 && modes.kitty_depth() == 1);
    terminal.press(Key::Enter);
    terminal.finish();
    assert_eq!(terminal.modes(), Modes::default());
}

#[test]
fn queries_are_answered_as_told() {
    for (answers, expected) in [(Answers::Kitty, "^[[?0u^[[?62;22c"), (Answers::Mute, "")] {
        let sandbox = Sandbox::new();
        let command = sh(&sandbox, r"printf 'ab\033[?u\033[c\033[6n'; read line; printf 'end'");
        let mut terminal = Terminal::builder().answers(answers).spawn(command);
        terminal
            .wait_for("the answers, echoed", |screen| screen.rows[0].starts_with(&format!("ab{expected}")));
        terminal.press(Key::Enter);
        terminal.finish();
        assert_eq!(
            String::from_utf8_lossy(&terminal.output()).contains("^[[1;3R"),
            answers == Answers::Kitty
        );
    }
}

#[test]
fn keys_are_encoded_as_the_program_asked() {
    let sandbox = Sandbox::new();
    let command =
        sh(&sandbox, r"stty raw -echo; printf 'one\033[>1u'; dd bs=1 count=9 2>/dev/null | od -An -c");
    let mut terminal = Terminal::spawn(command);
    terminal.wait_for_modes("the kitty keyboard", |modes| modes.kitty_flags() == 1);
    terminal.press(Key::Ctrl('z'));
    terminal.press(Key::Enter);
    terminal.wait_for_text("1   2   2   ;   5   u  \\r");
}

#[test]
fn each_shell_has_a_prompt_and_job_control() {
    for name in ["bash", "zsh", "dash"] {
        let sandbox = Sandbox::new();
        let mut terminal = Terminal::shell(name, &sandbox);
        let before = terminal.attributes();
        terminal.run("cat");
        wait_until("cat in the foreground", DEADLINE, || {
            process::children(terminal.pid()).iter().any(|pid| {
                process::stat(*pid).is_some_and(|stat| stat.name == "cat" && stat.group == stat.foreground)
            })
        });
        let cat = process::children(terminal.pid())[0];
        terminal.press(Key::Ctrl('z'));
        terminal.wait_for_prompt();
        assert!(process::is_stopped(cat), "{name}: {:?}", process::stat(cat));
        terminal.wait_for("a line that says so", |screen| {
            screen.text().to_lowercase().contains("stopped") || screen.text().contains("suspended")
        });
        assert_eq!(terminal.attributes(), before, "{name}");
        assert_eq!(sandbox.processes().len(), 2);
        terminal.hang_up();
        sandbox.wait_for_silence();
    }
}

#[test]
fn a_terminal_that_is_not_read_blocks_its_program() {
    let sandbox = Sandbox::new();
    let command = sh(&sandbox, "stty -opost -echo raw; printf go; read line; yes | head -c 1000000");
    let mut terminal = Terminal::builder().emulate(false).spawn(command);
    terminal.wait_for_length(2, DEADLINE);
    terminal.stop_reading();
    terminal.type_text("\n");
    wait_until("a program blocked in its output", DEADLINE, || {
        process::descendants(terminal.pid())
            .iter()
            .any(|pid| process::stat(*pid).is_some_and(|stat| stat.name == "head" && stat.state == 'S'))
    });
    assert_eq!(terminal.output_length(), 2);
    terminal.read_on();
    terminal.wait_for_length(1_000_002, DEADLINE);
}

#[test]
fn input_that_nobody_reads_is_counted() {
    let sandbox = Sandbox::new();
    let command = sh(&sandbox, "stty raw -echo; printf deaf; exec sleep 1000");
    let mut terminal = Terminal::spawn(command);
    terminal.wait_for_text("deaf");
    let taken = terminal.offer(&[b'x'; 100_000], Duration::from_millis(200));
    assert!((1..100_000).contains(&taken), "{taken}");
}

#[test]
fn hanging_up_ends_the_session_and_so_does_dropping() {
    let sandbox = Sandbox::new();
    let mut terminal = Terminal::spawn(sandbox.command("cat"));
    terminal.hang_up();
    assert_eq!(terminal.wait_for_exit().signal(), Some(Signal::SIGHUP as i32));
    let stubborn = sh(&sandbox, "trap '' HUP; printf up; read line; exec sleep 1000");
    let mut terminal = Terminal::spawn(stubborn);
    terminal.wait_for_text("up");
    drop(terminal);
    sandbox.wait_for_silence();
}

#[test]
fn a_sandbox_ends_what_left_its_session() {
    let sandbox = Sandbox::new();
    let command = sh(&sandbox, "setsid sleep 1000 & printf away; wait");
    let mut terminal = Terminal::spawn(command);
    terminal.wait_for_text("away");
    wait_until("the one that left", DEADLINE, || sandbox.processes().len() == 2);
    let left = sandbox.processes();
    drop(terminal);
    drop(sandbox);
    assert!(left.iter().all(|pid| !process::runs(*pid)));
}

/// A child of another test that had one of its descriptors would keep a terminal open after its end.
#[test]
fn no_other_child_gets_a_terminal_that_is_being_opened() {
    let sandbox = Sandbox::new();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let mut child = sandbox.command("cat").stdin(Stdio::piped()).spawn().expect("cat");
                let mut inherited = process::descriptors(child.id().cast_signed());
                inherited.retain(|number, target| *number > 2 && target.to_string_lossy().contains("/pt"));
                // Without its stdin it ends.
                drop(child.stdin.take());
                child.wait().expect("ends");
                assert!(inherited.is_empty(), "{inherited:?}");
            }
        });
        for _ in 0..50 {
            let mut terminal = Terminal::spawn(sh(&sandbox, "exit 3"));
            assert_eq!(terminal.finish().code(), Some(3));
        }
        over.store(true, Ordering::Relaxed);
    });
}

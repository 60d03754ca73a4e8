//! The terminal: suspended, resized, closed, stuck, and after a view that was killed.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::Size;
use crate::support::stand_in::sandbox;
use crate::support::verb::cckw;
use crate::support::{DEADLINE, Key, Terminal, cckw_program, has_faults, process, wait_until};

use super::{end, inside, is_view, quit, shown, view, with_sessions};

#[test]
fn ctrl_z_suspends_the_view_and_fg_brings_it_back() {
    for shell in ["bash", "zsh"] {
        let sandbox = with_sessions(&["api"]);
        let mut terminal = Terminal::shell(shell, &sandbox);
        let before = terminal.manners();
        terminal.run(&format!("{} top", cckw_program()));
        for _ in 0..3 {
            shown(&mut terminal, &["api"]);
            terminal.press(Key::Ctrl('z'));
            terminal.wait_for("the shell's word for it", |screen| {
                screen.contains("Stopped") || screen.contains("suspended")
            });
            terminal.run("clear; echo shell=$((40+2))");
            terminal.wait_for_text("shell=42");
            terminal.run("clear; fg");
        }
        shown(&mut terminal, &["api"]);
        terminal.type_text("q");
        terminal.wait_for_prompt();
        terminal.wait_for_manners(&before);
        terminal.type_text("exit\r");
        terminal.finish();
        end(&sandbox);
    }
}

#[test]
fn a_view_that_is_stopped_and_continued_is_drawn_anew() {
    let sandbox = with_sessions(&["api"]);
    let mut terminal = view(&sandbox, &["api"]);
    process::signal(terminal.pid(), Signal::SIGSTOP);
    wait_until("a stopped view", DEADLINE, || process::is_stopped(terminal.pid()));
    let length = terminal.output_length();
    process::signal(terminal.pid(), Signal::SIGCONT);
    terminal.wait_for_length(length + 100, DEADLINE);
    shown(&mut terminal, &["api"]);
    quit(terminal);
    end(&sandbox);
}

#[test]
fn signals_end_the_view_and_leave_a_clean_terminal() {
    let sandbox = with_sessions(&["api"]);
    for (signal, status) in [(Signal::SIGINT, 0), (Signal::SIGTERM, 143), (Signal::SIGQUIT, 131)] {
        let mut terminal = view(&sandbox, &["api"]);
        process::signal(terminal.pid(), signal);
        assert_eq!(terminal.finish().code(), Some(status), "{}", terminal.report());
        assert_eq!(terminal.modes().left_on(), Vec::<String>::new());
    }
    let mut terminal = view(&sandbox, &["api"]);
    terminal.press(Key::Ctrl('c'));
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    end(&sandbox);
}

#[test]
fn a_view_that_is_killed_leaves_the_terminal_usable() {
    let sandbox = with_sessions(&["api"]);
    let mut terminal = Terminal::shell("bash", &sandbox);
    let before = terminal.manners();
    terminal.run(&format!("{} top", cckw_program()));
    shown(&mut terminal, &["api"]);
    let is_view_process = |pid: &i32| process::arguments(*pid).last().is_some_and(|word| word == "top");
    let shell = terminal.pid();
    // The guard is a copy of it, in a group of its own.
    let mut found = process::children(shell);
    found.retain(is_view_process);
    process::signal(found[0], Signal::SIGKILL);
    // The prompt may have come before that.
    terminal.wait_for("the first screen", |screen| !is_view(screen));
    terminal.type_text("\n");
    terminal.wait_for_prompt();
    terminal.wait_for_manners(&before);
    terminal.type_text("exit\r");
    terminal.finish();
    end(&sandbox);
}

#[test]
fn a_panic_gives_the_terminal_back_and_says_a_line() {
    if !has_faults() {
        return;
    }
    let mut sandbox = sandbox();
    sandbox.set("CCKW_FAULT", "top-draw");
    let mut terminal = Terminal::builder().size(24, 120).spawn(cckw(&sandbox, &["top"]));
    assert_eq!(terminal.finish().code(), Some(101), "{}", terminal.report());
    assert_eq!(terminal.modes().left_on(), Vec::<String>::new());
    let said = terminal.screen().text();
    assert!(said.contains("cckw: the fleet view has a fault: asked to, by a test"), "{said}");
    assert!(!said.contains("panicked at"), "{said}");
    sandbox.wait_for_silence();
}

#[test]
fn a_closed_terminal_ends_the_view_also_while_keys_are_on_the_way() {
    let sandbox = with_sessions(&["api"]);
    for round in 0..10 {
        let mut terminal = view(&sandbox, &["api"]);
        let pid = terminal.pid();
        if round % 2 == 1 {
            terminal.offer(&b"jk".repeat(500), Duration::ZERO);
        }
        terminal.hang_up();
        wait_until("the end of the view", DEADLINE, || !process::runs(pid));
    }
    end(&sandbox);
}

#[test]
fn a_storm_of_sizes_ends_with_the_last_one_and_few_frames() {
    let sandbox = with_sessions(&["api"]);
    let mut terminal = view(&sandbox, &["api"]);
    let begun = std::time::Instant::now();
    terminal.take_output();
    for number in 0..300 {
        terminal.resize(Size::cells(15 + number % 20, 60 + number % 90));
    }
    terminal.resize(Size::cells(30, 100));
    terminal.wait_for("the last size", |screen| {
        is_view(screen) && screen.contains("api") && screen.rows.len() == 30
    });
    terminal.type_text("?");
    terminal.wait_for("the keys", |screen| screen.rows.len() == 30 && screen.contains("show the keys"));
    let output = terminal.output();
    let frames = output.windows(8).filter(|bytes| *bytes == b"\x1b[?2026h").count();
    let most = 30 * (begun.elapsed().as_millis() as usize + 999) / 1000 + 5;
    assert!(frames <= most, "{frames} frames, {most} are allowed");
    terminal.press(Key::Esc);
    terminal.wait_for("the list", |screen| screen.contains("1 session"));
    quit(terminal);
    end(&sandbox);
}

#[test]
fn a_terminal_that_takes_nothing_holds_up_no_signal() {
    let sandbox = with_sessions(&["api"]);
    let mut terminal = view(&sandbox, &["api"]);
    terminal.stop_reading();
    // Enough frames to fill what the kernel holds.
    for number in 0..400 {
        terminal.resize(Size::cells(40 + number % 2, 200 + number % 2));
        terminal.offer(b"jk", Duration::ZERO);
    }
    process::signal(terminal.pid(), Signal::SIGTERM);
    assert!(terminal.exits_within(DEADLINE), "{}", terminal.report());
    end(&sandbox);
}

#[test]
fn a_terminal_that_only_prints_lines_gets_the_table() {
    let mut sandbox = with_sessions(&["api"]);
    sandbox.set("TERM", "dumb");
    for words in [&["top"][..], &[]] {
        let mut terminal = Terminal::spawn(cckw(&sandbox, words));
        assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
        assert!(terminal.screen().contains("NAME") && terminal.screen().contains("api"));
        assert!(!terminal.output().contains(&0x1b), "{}", terminal.report());
    }
    end(&sandbox);
}

#[test]
fn no_colours_are_used_where_none_are_wanted() {
    let mut sandbox = with_sessions(&["api"]);
    sandbox.set("NO_COLOR", "1");
    let mut terminal = view(&sandbox, &["api"]);
    terminal.press(Key::Enter);
    inside(&mut terminal);
    terminal.press(Key::Ctrl('\\'));
    shown(&mut terminal, &["back from api"]);
    let before = terminal.output().len();
    terminal.press(Key::Down);
    terminal.type_text("?");
    terminal.wait_for_text("In the list:");
    let output = terminal.take_output();
    // What the view draws after the visit, and at the beginning: claude's own colours are claude's.
    for part in [&output[..200.min(output.len())], &output[before..]] {
        for colour in (30..38).chain(40..48).chain(90..108) {
            for end in ["m", ";"] {
                let sequence = format!("\x1b[{colour}{end}");
                assert!(
                    !part.windows(sequence.len()).any(|bytes| bytes == sequence.as_bytes()),
                    "{}",
                    part.escape_ascii()
                );
            }
        }
    }
    terminal.press(Key::Esc);
    terminal.wait_for("the list", |screen| screen.contains("1 session"));
    quit(terminal);
    end(&sandbox);
}

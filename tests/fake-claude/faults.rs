//! Faults to order.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;

use nix::sys::signal::Signal;

use crate::pty::{Home, Tui};

#[test]
fn it_crashes_and_exits_as_ordered() {
    let home = Home::new();
    let mut tui = home.start(&[]);
    tui.submit("/fault crash 11");
    assert_eq!(tui.end().signal(), Some(11));
    assert_eq!(home.state_files().len(), 1);

    let mut tui = home.start_with(&[], &[("FAULT", "exit 7")]);
    assert_eq!(tui.end().code(), Some(7));
    assert_eq!(home.state_files().len(), 2);
    assert!(tui.screen().bracketed_paste());
}

#[test]
fn the_first_starts_crash_and_the_next_does_not() {
    let home = Home::new();
    let order = format!("2:{}", home.path("starts").display());
    let mut tui = home.start_with(&[], &[("CRASH_STARTS", &order)]);
    assert_eq!(tui.end().signal(), Some(11));
    let variables = [("CRASH_STARTS", order.as_str()), ("CRASH_HOW", "exit 3"), ("CRASH_EARLY", "1")];
    let mut command = home.standin(&[]);
    command.envs(variables.map(|(name, value)| (format!("CCKW_STANDIN_{name}"), value)));
    let files = home.state_files().len();
    let mut tui = Tui::spawn(&home, command);
    assert_eq!(tui.end().code(), Some(3));
    assert_eq!((home.state_files().len(), tui.raw.as_slice()), (files, &b""[..]));
    let mut tui = home.start_with(&[], &variables);
    tui.submit("fine");
    tui.wait_for("● You said: fine");
    assert_eq!(fs::read_to_string(home.path("starts")).unwrap().trim(), "3");
}

#[test]
fn the_state_file_can_be_cut_and_can_be_missing() {
    let home = Home::new();
    let mut tui = home.start(&[]);
    tui.submit("/fault half-written 2000");
    // Rewritten in place, the file is also empty for a moment.
    tui.wait("half an object", |_| {
        let text = fs::read_to_string(&home.state_files()[0]).unwrap_or_default();
        text.starts_with('{') && !text.trim_end().ends_with('}')
    });
    tui.wait_state("status", "idle");
    tui.submit("/fault no-state");
    tui.wait("no file", |_| home.state_files().is_empty());
    tui.submit("hello");
    tui.wait_for("● You said: hello");
    assert_eq!(home.state_files().len(), 0);

    let mut never = home.start_with(&[], &[("NO_STATE", "1")]);
    never.submit("hello");
    never.wait_for("● You said: hello");
    assert_eq!(home.state_files().len(), 0);
}

#[test]
fn hanging_it_answers_to_nothing_but_kill() {
    let home = Home::new();
    let mut tui = home.start(&[]);
    tui.submit("/fault hang 300");
    tui.send("typed meanwhile");
    tui.wait("the keys after the hang", |tui| tui.prompt().as_deref() == Some("typed meanwhile"));
    tui.send("\x03");
    tui.wait("an empty prompt", |tui| tui.prompt().as_deref() == Some(""));
    tui.submit("/fault hang");
    tui.wait("the order to be taken", |tui| tui.prompt().as_deref() == Some(""));
    tui.send("never shown");
    tui.signal(Signal::SIGTERM);
    // That nothing happens cannot be waited for: half a second of nothing must do.
    let start = std::time::Instant::now();
    tui.wait("half a second", |_| start.elapsed().as_millis() > 500);
    assert!(!tui.has_ended());
    assert!(!tui.text().contains("never shown"));
    tui.signal(Signal::SIGKILL);
    assert_eq!(tui.end().signal(), Some(9));
}

#[test]
fn a_flood_has_the_ordered_size() {
    let home = Home::new();
    let mut tui = home.start(&[]);
    tui.submit("/fault flood 1000000");
    tui.wait("the prompt after the flood", |tui| {
        tui.raw.len() > 1_000_000 && tui.prompt().as_deref() == Some("")
    });
    let text = String::from_utf8_lossy(&tui.raw);
    let start = text.find("flood 0 ").unwrap();
    let end = start + 1_000_000;
    assert!(text[start..end].contains("\nflood 15624 "));
    assert!(!text[end..].contains("flood "));
}

#[test]
fn echo_can_be_slow() {
    let home = Home::new();
    let mut tui = home.start_with(&[], &[("SLOW_ECHO", "300"), ("STARTUP_DELAY", "50")]);
    let start = std::time::Instant::now();
    tui.send("x");
    tui.wait("the echo", |tui| tui.prompt().as_deref() == Some("x"));
    assert!(start.elapsed().as_millis() >= 300);
}

#[test]
fn behind_a_launcher_the_child_has_the_file_and_the_launcher_the_status() {
    for (order, code) in [("/exit", 0), ("/fault crash 6", 134), ("/fault exit 9", 9)] {
        let home = Home::new();
        let mut tui = home.start_with(&[], &[("LAUNCHER", "1")]);
        tui.wait("a file", |tui| tui.state().is_some());
        assert_ne!(tui.state().unwrap()["pid"], tui.pid());
        tui.submit(order);
        assert_eq!(tui.end().code(), Some(code), "{order}");
    }
}

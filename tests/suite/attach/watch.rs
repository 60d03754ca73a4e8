//! `cckw attach --watch`: a look at a session that changes nothing.

use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::stand_in::{exit, idle, sandbox, say, start};
use crate::support::verb::cckw;
use crate::support::{
    DEADLINE, Key, Record, Sandbox, Size, Terminal, cckw_program, pid, process, wait_until,
};

const STATUS_LINE: &str = " q leaves | watching work (120x40";

/// A session at its prompt, in a terminal of 40 rows and 120 columns.
fn session() -> (Sandbox, Terminal, Record) {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &["-n", "work"]);
    let record = idle(&sandbox, 0);
    say(&mut terminal, "what was said");
    (sandbox, terminal, record)
}

/// Somebody who looks at it, in a terminal of this size.
fn watch(sandbox: &Sandbox, rows: u16, columns: u16) -> Terminal {
    let mut watcher =
        Terminal::builder().size(rows, columns).spawn(cckw(sandbox, &["attach", "--watch", "work"]));
    watcher.wait_for_text(STATUS_LINE);
    watcher.wait_for_text("❯");
    watcher
}

fn is_clean(watcher: &Terminal) {
    assert_eq!(watcher.modes().left_on(), Vec::<String>::new(), "{}", watcher.report());
}

#[test]
fn it_shows_the_screen_and_no_key_reaches_the_session() {
    let (sandbox, mut terminal, _) = session();
    let (mut one, mut other) = (watch(&sandbox, 45, 130), watch(&sandbox, 41, 120));
    one.wait_for("all rows", |screen| {
        let shown = terminal.screen();
        screen.rows[..40].iter().zip(&shown.rows).all(|(seen, row)| seen.trim_end() == row.trim_end())
    });
    one.type_text("never\r");
    other.press(Key::Up);
    say(&mut terminal, "for all to see");
    for watcher in [&mut one, &mut other] {
        watcher.wait_for_text("You said: for all to see");
        watcher.press(Key::Esc);
        assert_eq!(watcher.finish().code(), Some(0), "{}", watcher.report());
        is_clean(watcher);
    }
    assert!(!terminal.screen().contains("never"), "{}", terminal.report());
    assert!(sandbox.records()[0].json["client_pid"].is_number());
    exit(terminal);
    sandbox.wait_for_silence();
}

#[test]
fn each_key_that_leaves_does() {
    let (sandbox, terminal, _) = session();
    for key in [Key::Char('q'), Key::Esc, Key::Ctrl('c'), Key::Ctrl('\\')] {
        let mut watcher = watch(&sandbox, 24, 80);
        watcher.press(key);
        assert_eq!(watcher.finish().code(), Some(0), "{}", watcher.report());
        is_clean(&watcher);
    }
    exit(terminal);
}

/// The session keeps its size, and a smaller terminal has the part where something happens.
#[test]
fn a_smaller_terminal_shows_a_part_and_follows_its_own_size() {
    let (sandbox, mut terminal, _) = session();
    let mut watcher = watch(&sandbox, 8, 60);
    watcher.wait_for_text("(120x40, a part of it)");
    watcher.wait_for("the prompt", |screen| screen.rows[..7].iter().any(|row| row.starts_with('❯')));
    watcher.resize(Size::cells(50, 140));
    watcher.wait_for("all of it", |screen| {
        screen.rows[49].contains("(120x40)") && screen.rows[0].contains("Claude Code stand-in")
    });
    for rows in (5..30).rev() {
        watcher.resize(Size::cells(rows, 20 + 3 * rows));
    }
    watcher.wait_for("the last size", |screen| screen.rows[4].contains("q leaves"));
    terminal.resize(Size::cells(30, 100));
    watcher.resize(Size::cells(40, 110));
    watcher.wait_for("the session's new size", |screen| screen.rows[39].contains("(100x30)"));
    watcher.press(Key::Char('q'));
    assert_eq!(watcher.finish().code(), Some(0));
    exit(terminal);
}

#[test]
fn the_end_of_the_session_is_said() {
    let (sandbox, terminal, _) = session();
    let mut watcher = watch(&sandbox, 24, 80);
    exit(terminal);
    assert_eq!(watcher.finish().code(), Some(0), "{}", watcher.report());
    is_clean(&watcher);
    assert!(watcher.screen().contains("cckw: work: stopped (exit status 0)"), "{}", watcher.report());
    sandbox.wait_for_silence();
}

#[test]
fn it_goes_on_with_the_next_host() {
    let (sandbox, mut terminal, record) = session();
    let mut watcher = watch(&sandbox, 45, 130);
    process::signal(pid(&record, "host_pid"), Signal::SIGKILL);
    sandbox.wait_for_record("another host", |now| {
        now.pid("host_pid") != record.pid("host_pid") && now.text("status") == "idle"
    });
    say(&mut terminal, "after the kill");
    watcher.wait_for_text("You said: after the kill");
    watcher.press(Key::Char('q'));
    assert_eq!(watcher.finish().code(), Some(0));
    exit(terminal);
}

#[test]
fn ctrl_z_stops_it_and_fg_goes_on() {
    let (sandbox, mut session, _) = session();
    let mut shell = Terminal::shell("bash", &sandbox);
    let before = shell.manners();
    shell.run(&format!("{} attach --watch work", cckw_program()));
    shell.wait_for_text(STATUS_LINE);
    shell.press(Key::Ctrl('z'));
    shell.wait_for_prompt();
    shell.wait_for_manners(&before);
    say(&mut session, "while it was stopped");
    shell.run("fg");
    shell.wait_for_text("You said: while it was stopped");
    shell.press(Key::Char('q'));
    shell.wait_for_prompt();
    shell.wait_for_manners(&before);
    shell.run("clear; echo status=$?.");
    shell.wait_for_text("status=0.");
    exit(session);
}

#[test]
fn signals_and_a_terminal_that_is_gone_end_it() {
    let (sandbox, terminal, _) = session();
    for (signal, status) in [(Signal::SIGTERM, 143), (Signal::SIGHUP, 129), (Signal::SIGINT, 0)] {
        let mut watcher = watch(&sandbox, 24, 80);
        process::signal(watcher.pid(), signal);
        assert_eq!(watcher.finish().code(), Some(status), "{signal}");
        is_clean(&watcher);
    }
    let mut watcher = watch(&sandbox, 24, 80);
    let looking = watcher.pid();
    watcher.hang_up();
    wait_until("its end", DEADLINE, || !process::runs(looking));
    let mut watcher = watch(&sandbox, 24, 80);
    let looking = watcher.pid();
    process::signal(looking, Signal::SIGKILL);
    watcher.finish();
    watcher.wait_for_modes("modes as they were", |modes| modes.left_on().is_empty());
    exit(terminal);
    sandbox.wait_for_silence();
}

#[test]
fn where_nothing_can_be_drawn_it_says_what_else_there_is() {
    let (sandbox, terminal, _) = session();
    let mut command = cckw(&sandbox, &["attach", "--watch", "work"]);
    command.env("TERM", "dumb");
    let mut watcher = Terminal::spawn(command);
    assert_eq!(watcher.finish().code(), Some(1));
    assert!(watcher.screen().contains("cckw screen --follow work"), "{}", watcher.report());
    let output = cckw(&sandbox, &["attach", "--watch", "work"]).stdin(Stdio::null()).output().expect("runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("one terminal"), "{output:?}");
    let mut command = cckw(&sandbox, &["attach", "--watch", "nothing"]);
    command.stdin(Stdio::null());
    assert_eq!(command.output().expect("runs").status.code(), Some(1));
    exit(terminal);
}

/// Colours are shown, and with `NO_COLOR` the attributes alone.
#[test]
fn no_color_is_heeded() {
    let mut sandbox = Sandbox::new();
    let text = "#!/bin/bash\nprintf '\\e[1;31mred words\\e[m'\nread end\n";
    let script = sandbox.script("scripted-claude", text);
    sandbox.set("CCKW_CLAUDE", script);
    let mut terminal = Terminal::spawn(sandbox.cckw_claude());
    terminal.wait_for_text("red words");
    for (no_color, has_red) in [(None, true), (Some("1"), false)] {
        let mut command = cckw(&sandbox, &["attach", "--watch"]);
        no_color.map(|value| command.env("NO_COLOR", value));
        let mut watcher = Terminal::spawn(command);
        watcher.wait_for_text("red words");
        let output = String::from_utf8_lossy(&watcher.output()).into_owned();
        let before = output.split("red words").next().unwrap_or_default();
        assert_eq!(before.contains("38;5;1"), has_red, "{before:?}");
        assert!(before.contains("\x1b[1m"), "{before:?}");
        watcher.press(Key::Char('q'));
        watcher.finish();
    }
    terminal.type_text("\r");
    terminal.finish();
}

/// Whoever cannot keep up sees the newest, and holds up nobody.
#[test]
fn a_terminal_that_takes_nothing_holds_up_nobody() {
    let (sandbox, mut terminal, _) = session();
    let mut watcher = watch(&sandbox, 45, 130);
    watcher.stop_reading();
    for round in 0..5 {
        say(&mut terminal, &format!("round {round}"));
    }
    watcher.read_on();
    watcher.wait_for_text("You said: round 4");
    watcher.press(Key::Char('q'));
    assert!(watcher.exits_within(Duration::from_secs(30)));
    exit(terminal);
}

//! What cckw did by itself is told outside claude's screen, in the way that the configuration asks for.

use std::fs::OpenOptions;
use std::io::Write;

use nix::sys::signal::Signal;

use crate::support::stand_in::{at_prompt, idle, sandbox, start, submit};
use crate::support::verb::{cckw, well_said};
use crate::support::{DEADLINE, Sandbox, Terminal, process, wait_until};

fn configured(how: &str) -> Sandbox {
    let sandbox = sandbox();
    sandbox.configure(&format!(
        "notify = \"{how}\"\n[restart]\ninitial_delay = \"50ms\"\nmax_delay = \"50ms\"\ncrash_limit = 2\n"
    ));
    sandbox
}

fn wrote(terminal: &Terminal, what: &str) -> usize {
    String::from_utf8_lossy(&terminal.output()).matches(what).count()
}

fn crash(sandbox: &Sandbox, restarts: u64) {
    let record = sandbox.wait_for_record("an idle claude", |record| {
        record.text("status") == "idle" && record.json["restarts"] == restarts
    });
    process::signal(record.pid("claude_pid").expect("a claude"), Signal::SIGKILL);
}

#[test]
fn a_crash_and_the_end_are_told_once_each() {
    for (how, back, end) in [
        ("osc9", "\x1b]9;cckw: claude was killed by SIGKILL at ", "\x1b]9;cckw: claude crashed 2 times"),
        (
            "osc777",
            "\x1b]777;notify;cckw;claude was killed by SIGKILL at ",
            "\x1b]777;notify;cckw;claude crashed 2 times",
        ),
        ("title", "\x1b]2;cckw: claude was killed by SIGKILL at ", "\x1b]2;cckw: claude crashed 2 times"),
    ] {
        let sandbox = configured(how);
        let mut terminal = start(&sandbox, &[]);
        crash(&sandbox, 0);
        wait_until("the notice", DEADLINE, || wrote(&terminal, back) == 1);
        crash(&sandbox, 1);
        assert_eq!(terminal.finish().code(), Some(137));
        assert_eq!((wrote(&terminal, back), wrote(&terminal, end)), (1, 1), "{how}");
        assert_eq!(wrote(&terminal, " and came back\x07"), 1, "{how}");
        assert!(!terminal.screen().contains("notify"), "{}", terminal.report());
        sandbox.wait_for_silence();
    }
}

#[test]
fn without_being_asked_for_nothing_is_told() {
    let sandbox = configured("off");
    let mut terminal = start(&sandbox, &[]);
    crash(&sandbox, 0);
    sandbox.wait_for_record("claude again", |record| {
        record.text("status") == "idle" && record.json["restarts"] == 1
    });
    at_prompt(&mut terminal);
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0));
    for sequence in ["\x1b]9;", "\x1b]777;", "\x1b]2;"] {
        assert_eq!(wrote(&terminal, sequence), 0);
    }
}

/// Writes to claude's terminal, as claude does.
fn writes(sandbox: &Sandbox, restarts: u64, text: &str) {
    let claude = idle(sandbox, restarts).pid("claude_pid").expect("a claude");
    let mut tty = OpenOptions::new().write(true).open(format!("/proc/{claude}/fd/1")).expect("its terminal");
    tty.write_all(text.as_bytes()).expect("writes");
}

/// Claude sets its title every few seconds. A notice that is gone by then was never seen.
#[test]
fn claude_s_title_waits_while_a_notice_stands_there() {
    // As for a user who has configured nothing.
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    writes(&sandbox, 0, "\x1b]0;the first title\x07");
    terminal.wait_for("claude's title", |screen| screen.title == "the first title");
    crash(&sandbox, 0);
    idle(&sandbox, 1);
    terminal
        .wait_for("the notice", |screen| screen.title.starts_with("cckw: claude was killed by SIGKILL at "));
    for half in ["\x1b]0;the second ", "title\x07\x1b7\x1b[3;5Ha mark\x1b8"] {
        writes(&sandbox, 1, half);
    }
    let screen = terminal.wait_for_text("a mark");
    assert!(screen.title.ends_with(" and came back"), "{}", screen.title);
    assert!(!String::from_utf8_lossy(&terminal.output()).contains("the second"), "{}", terminal.report());
    let listed = well_said(&sandbox, &["list"]);
    assert!(listed.contains("\n  claude was killed by SIGKILL at "), "{listed}");

    // Another terminal has the newest one, and this one none any more.
    let mut other = Terminal::spawn(cckw(&sandbox, &["attach"]));
    other.wait_for("claude's title", |screen| screen.title == "the second title");
    assert_eq!(terminal.finish().code(), Some(0));
    assert_eq!(terminal.screen().title, "");
    at_prompt(&mut other);
    submit(&mut other, "/exit");
    assert_eq!(other.finish().code(), Some(0));
    sandbox.wait_for_silence();
}

/// All that was written on the main screen is covered by claude's own screen until then.
#[test]
fn a_detach_and_the_end_say_once_more_what_mattered() {
    for ends in [false, true] {
        let sandbox = configured("off");
        let mut terminal = start(&sandbox, &[]);
        crash(&sandbox, 0);
        idle(&sandbox, 1);
        at_prompt(&mut terminal);
        if ends {
            submit(&mut terminal, "/exit");
        } else {
            terminal.type_bytes(b"\x1c");
        }
        assert_eq!(terminal.finish().code(), Some(0));
        let rows = terminal.screen().rows;
        let said = |row: &String| {
            row.starts_with("[cckw: claude was killed by SIGKILL at ") && row.ends_with(" and came back]")
        };
        assert_eq!(rows.iter().filter(|row| said(row)).count(), 1, "{}", terminal.report());
        let returns = rows.iter().any(|row| row == "[cckw: detached; return with: cckw attach work]");
        assert_eq!(returns, !ends, "{}", terminal.report());
        if !ends {
            // It was said, and is not said again.
            let mut other = Terminal::spawn(cckw(&sandbox, &["attach"]));
            at_prompt(&mut other);
            submit(&mut other, "/exit");
            assert_eq!(other.finish().code(), Some(0));
            assert!(!other.screen().rows.iter().any(said), "{}", other.report());
        }
        sandbox.wait_for_silence();
    }
}

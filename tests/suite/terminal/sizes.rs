//! The smallest terminals and the largest.

use serde_json::json;

use crate::support::stand_in::sandbox;
use crate::support::verb::{cckw, well_said};
use crate::support::{Record, Sandbox, Size, Terminal, process};

fn size(rows: u16, columns: u16) -> Size {
    Size { rows, columns, width: 0, height: 0 }
}

/// As a serial line has it, a container without a terminal's size, the smallest windows, and the largest.
const SIZES: [(u16, u16); 8] =
    [(0, 0), (1, 1), (0, 80), (24, 0), (2, 20), (5, 20), (200, 500), (u16::MAX, u16::MAX)];

fn idle(record: &Record) -> bool {
    record.text("status") == "idle"
}

/// What the raw child sees is what there is.
#[test]
fn claude_sees_the_size_that_there_is() {
    for (rows, columns) in SIZES {
        let mut sandbox = Sandbox::new();
        sandbox.use_child("winsize");
        let builder = Terminal::builder().emulate(false).exact_size(size(rows, columns));
        let mut terminal = builder.spawn(sandbox.cckw_claude());
        sandbox.wait_for_report("a size", |report| report["sizes"].is_array());
        terminal.type_text("q");
        assert_eq!(terminal.finish().code(), Some(0), "{rows}x{columns} {}", terminal.report());
        assert_eq!(sandbox.report()["sizes"][0], json!([rows, columns, 0, 0]));
    }
}

/// Through all sizes, one after another: claude lives, is seen by the verbs, detaches, is attached again and
/// ends.
#[test]
fn a_session_lives_through_all_of_them() {
    let sandbox = sandbox();
    let before = Terminal::builder().emulate(false).spawn(sandbox.command("true")).attributes();
    let mut terminal = Terminal::builder().exact_size(size(24, 80)).spawn(sandbox.cckw_claude());
    let record = sandbox.wait_for_record("an idle claude", idle);
    for (nth, (rows, columns)) in SIZES.into_iter().filter(|(rows, _)| *rows < 1000).enumerate() {
        terminal.resize(size(rows, columns));
        terminal.type_text("w");
        // The model is asked in this size, and painted from it into a terminal of this size.
        for words in [&["screen"][..], &["screen", "--color"], &["list"]] {
            well_said(&sandbox, words);
        }
        well_said(&sandbox, &["detach"]);
        assert_eq!(terminal.finish().code(), Some(0), "{rows}x{columns} {}", terminal.report());
        assert_eq!(terminal.modes().left_on(), Vec::<String>::new(), "{rows}x{columns}");
        let attach = cckw(&sandbox, &["attach"]);
        terminal = Terminal::builder().exact_size(size(rows, columns)).spawn(attach);
        sandbox.wait_for_record("a client", |record| record.pid("client_pid") == Some(terminal.pid()));
        // Not of 24 lines: claude takes that for granted where there are none, and would see no change.
        terminal.resize(size(30, 100));
        let drafted = "w".repeat(nth + 1);
        terminal.wait_for(&format!("the draft after {rows}x{columns}"), |screen| {
            screen.cursor_row().ends_with(&drafted)
        });
    }
    let now = sandbox.wait_for_record("the same claude", idle);
    assert_eq!((now.pid("claude_pid"), &now.json["restarts"]), (record.pid("claude_pid"), &json!(0)));
    well_said(&sandbox, &["stop"]);
    terminal.finish();
    assert_eq!(terminal.modes().left_on(), Vec::<String>::new());
    assert_eq!(terminal.attributes(), before);
    sandbox.wait_for_silence();
}

/// A crash is told, and claude comes back, also where there is no room to say so.
#[test]
fn a_crash_is_survived_in_each() {
    for (rows, columns) in SIZES.into_iter().filter(|(rows, _)| *rows < 1000) {
        let sandbox = sandbox();
        sandbox.configure("[restart]\ninitial_delay = \"10ms\"\nmax_delay = \"20ms\"\n");
        let mut terminal = Terminal::builder().exact_size(size(rows, columns)).spawn(sandbox.cckw_claude());
        let record = sandbox.wait_for_record("an idle claude", idle);
        process::signal(record.pid("claude_pid").expect("a claude"), nix::sys::signal::Signal::SIGKILL);
        let back = |record: &Record| {
            record.text("state") == "running" && idle(record) && record.json["restarts"] == 1
        };
        sandbox.wait_for_record("a claude that is back", back);
        well_said(&sandbox, &["stop"]);
        terminal.finish();
        assert_eq!(terminal.modes().left_on(), Vec::<String>::new(), "{rows}x{columns}");
    }
}

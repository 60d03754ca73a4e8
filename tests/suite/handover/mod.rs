//! Another cckw goes on in the process of a running host.

mod elsewhere;
mod flood;
mod moments;
mod refused;

use std::process::{Command, Stdio};

use crate::support::stand_in::{exit, idle, sandbox, say, start};
use crate::support::verb::{cckw, well_said};
use crate::support::{Record, Sandbox, Terminal, cckw_program};

/// `cckw restart --hosts`, for the one session.
fn cckw_restart(sandbox: &Sandbox) -> Command {
    let mut command = cckw(sandbox, &["restart", "--hosts", "--force"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What `cckw restart --hosts SESSION` says.
fn hand_over(sandbox: &Sandbox) {
    let said = well_said(sandbox, &["restart", "--hosts", "work"]);
    assert!(said.contains("runs it now"), "{said}");
}

/// What must stay: the host's pid and its start.
fn identity(record: &Record) -> (i32, String) {
    let pid = record.pid("host_pid").expect("a host");
    (pid, record.text("host_start").to_owned())
}

/// The names of the events in the log of the one session.
fn events(sandbox: &Sandbox) -> Vec<String> {
    let path = sandbox.records()[0].path.with_file_name("events.jsonl");
    let log = std::fs::read_to_string(path).unwrap_or_default();
    // The last line may be half written.
    let event = |line: &str| {
        let event: serde_json::Value = serde_json::from_str(line).ok()?;
        event["event"].as_str().map(str::to_owned)
    };
    log.lines().filter_map(event).collect()
}

/// How often another program went on.
fn count(sandbox: &Sandbox) -> usize {
    events(sandbox).iter().filter(|event| *event == "handed-over").count()
}

/// What cckw says of this state in a trial.
fn tried(state: &[u8]) -> String {
    use std::io::{Seek as _, Write as _};
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(state).expect("is written");
    file.rewind().expect("is read from its beginning");
    let mut command = Command::new(cckw_program());
    command.args(["host", "--try-hand-over"]).env_clear().env("HOME", "/nowhere").stdin(file);
    String::from_utf8(command.output().expect("runs").stdout).expect("text")
}

/// A state that was written by an earlier cckw is read for as long as its version says so. See
/// `a_program_that_is_tried_gets_the_whole_state` for how one is made.
#[test]
fn states_of_earlier_programs_are_read() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/handover/states");
    let states: Vec<_> = std::fs::read_dir(folder).expect("a folder").flatten().collect();
    assert!(!states.is_empty());
    for state in states {
        let said = tried(&std::fs::read(state.path()).expect("a state"));
        assert!(said.starts_with("cckw can go on: "), "{}: {said}", state.path().display());
    }
}

#[test]
fn an_attached_user_and_claude_notice_nothing() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &["-n", "work"]);
    say(&mut terminal, "the first words");
    let before = idle(&sandbox, 0);
    // What claude still draws when it says that it is idle is drawn then.
    terminal.wait_for_rest(std::time::Duration::from_millis(700), |screen| screen.text());
    let length = terminal.output_length();
    for _ in 0..3 {
        hand_over(&sandbox);
    }
    assert_eq!(terminal.output_length(), length, "nothing is drawn anew");
    let after = idle(&sandbox, 0);
    assert_eq!(identity(&before), identity(&after));
    assert_eq!(before.pid("claude_pid"), after.pid("claude_pid"));
    assert_eq!(before.pid("client_pid"), after.pid("client_pid"));
    say(&mut terminal, "the next words");
    terminal.type_bytes(b"\x1c");
    assert_eq!(terminal.finish().code(), Some(0));
    hand_over(&sandbox);
    let mut terminal = Terminal::spawn(cckw(&sandbox, &["attach", "work"]));
    terminal.wait_for_text("You said: the first words");
    terminal.wait_for_text("You said: the next words");
    hand_over(&sandbox);
    exit(terminal);
    sandbox.wait_for_silence();
}

/// Its log is written when it can be.
fn wait_for_count(sandbox: &Sandbox, wanted: usize) {
    crate::support::wait_until("the log", crate::support::DEADLINE, || count(sandbox) == wanted);
}

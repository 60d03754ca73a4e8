//! A session outlives its terminal, and is taken into another one.

mod support;

use nix::sys::signal::Signal;
use support::{DEADLINE, Record, Sandbox, Size, Terminal, process, wait_until};

fn started(mode: &str) -> (Sandbox, Terminal, Record) {
    let mut sandbox = Sandbox::new();
    sandbox.use_child(mode);
    sandbox.configure("");
    let mut terminal = Terminal::spawn(sandbox.cckw_claude());
    terminal.wait_for("the child", |screen| !screen.text().is_empty());
    let record = sandbox.wait_for_record("a child", |record| record.pid("child_pid").is_some());
    (sandbox, terminal, record)
}

fn cckw(sandbox: &Sandbox, words: &[&str]) -> std::process::Command {
    let mut command = sandbox.command(env!("CARGO_BIN_EXE_cckw"));
    command.args(words);
    command
}

fn detached(sandbox: &Sandbox) {
    sandbox.wait_for_record("nobody attached", |record| record.json["client_pid"].is_null());
}

fn listed(sandbox: &Sandbox) -> serde_json::Value {
    let output = cckw(sandbox, &["list", "--json"]).output().expect("lists");
    serde_json::from_slice(&output.stdout).expect("one session")
}

#[test]
fn a_detached_session_goes_on_and_is_attached_again() {
    let (sandbox, mut terminal, record) = started("echo");
    terminal.type_text("\x1b[?2004h\x1b[?1004h\x1b[31mbefore");
    terminal.wait_for_modes("claude's modes", |modes| modes.is_on(1004));
    assert!(cckw(&sandbox, &["detach"]).status().expect("runs").success());
    assert_eq!(terminal.finish().code(), Some(0));
    assert_eq!(terminal.modes().left_on(), Vec::<String>::new());
    assert!(terminal.screen().contains("cckw attach"), "{}", terminal.report());
    detached(&sandbox);
    assert_eq!((&listed(&sandbox)["attached"], &listed(&sandbox)["running"]), (&false.into(), &true.into()));
    let mut other = Terminal::builder().size(20, 60).spawn(cckw(&sandbox, &["attach"]));
    other.wait_for_text("before");
    other.wait_for_modes("claude's modes", |modes| modes.is_on(1004) && modes.is_on(2004));
    other.type_text("after");
    other.wait_for_text("beforeafter");
    process::signal(record.pid("child_pid").expect("a pid"), Signal::SIGTERM);
    assert_eq!(other.finish().code(), Some(143));
    assert_eq!(other.modes().left_on(), Vec::<String>::new());
    sandbox.wait_for_silence();
}

#[test]
fn a_closed_terminal_does_not_end_the_session() {
    let (sandbox, mut terminal, record) = started("ticker:10");
    terminal.wait_for_text("tick 3");
    terminal.hang_up();
    detached(&sandbox);
    wait_until("the end of the client", DEADLINE, || {
        !process::runs(record.pid("client_pid").expect("a pid"))
    });
    let mut other = Terminal::spawn(cckw(&sandbox, &["attach"]));
    other.wait_for_text("tick 100");
    other.type_text("q");
    assert_eq!(other.finish().code(), Some(0));
    sandbox.wait_for_silence();
}

#[test]
fn a_killed_client_does_not_end_the_session() {
    let (sandbox, terminal, record) = started("ticker:10");
    process::signal(record.pid("client_pid").expect("a pid"), Signal::SIGKILL);
    detached(&sandbox);
    drop(terminal);
    let mut other = Terminal::spawn(cckw(&sandbox, &["attach", &record.text("session")[..8]]));
    other.wait_for_text("tick 50");
    other.type_text("q");
    assert_eq!(other.finish().code(), Some(0));
}

#[test]
fn a_second_terminal_takes_over_and_the_first_is_told() {
    let (sandbox, mut terminal, _) = started("echo");
    let mut other = Terminal::spawn(cckw(&sandbox, &["attach"]));
    assert_eq!(terminal.finish().code(), Some(0));
    let path = other.path().display().to_string();
    assert!(
        terminal.screen().text().replace('\n', "").contains(&format!("attached on {path}")),
        "{}",
        terminal.report()
    );
    other.type_text("mine");
    other.wait_for_text("mine");
    assert!(cckw(&sandbox, &["stop"]).status().expect("runs").success());
    assert_eq!(other.finish().code(), Some(129));
    sandbox.wait_for_silence();
}

#[test]
fn another_size_is_applied() {
    let (sandbox, mut terminal, _) = started("winsize");
    assert!(cckw(&sandbox, &["detach"]).status().expect("runs").success());
    terminal.finish();
    let size = Size { rows: 31, columns: 91, width: 910, height: 620 };
    let mut other = Terminal::builder().exact_size(size).spawn(cckw(&sandbox, &["attach"]));
    sandbox.wait_for_report("the new size", |report| {
        report["sizes"].as_array().and_then(|sizes| sizes.last())
            == Some(&serde_json::json!([31, 91, 910, 620]))
    });
    other.type_text("q");
    assert_eq!(other.finish().code(), Some(0));
}

#[test]
fn what_cannot_be_attached_is_said() {
    let sandbox = Sandbox::new();
    let none = cckw(&sandbox, &["attach"]).output().expect("runs");
    assert_eq!(none.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&none.stderr).contains("no session is running"));
    let (sandbox, _terminal, _) = started("echo");
    let unknown = cckw(&sandbox, &["detach", "nonsense"]).output().expect("runs");
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("nonsense"));
    let no_terminal = cckw(&sandbox, &["attach"]).output().expect("runs");
    assert!(String::from_utf8_lossy(&no_terminal.stderr).contains("one terminal"));
}

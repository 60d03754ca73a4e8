//! A session outlives its terminal, and is taken into another one.

mod emulators;
mod existing;
mod hang_up;
mod inside_itself;
mod picker;
mod watch;

use nix::sys::signal::Signal;

use crate::support::verb::cckw;
use crate::support::{
    DEADLINE, MORE_THAN_BUFFERS_HOLD, Record, Sandbox, Size, TALKATIVE, Terminal, cckw_program, process,
    wait_until,
};

fn started(mode: &str) -> (Sandbox, Terminal, Record) {
    let mut sandbox = Sandbox::new();
    sandbox.use_child(mode);
    sandbox.configure("");
    let mut terminal = Terminal::spawn(sandbox.cckw_claude());
    terminal.wait_for("the child", |screen| !screen.text().is_empty());
    let record = sandbox.wait_for_record("a child", |record| record.pid("child_pid").is_some());
    (sandbox, terminal, record)
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
    let colours = "\x1b]4;1;#010203\x07\x1b]12;#102030\x07\x1b]9;4;1;40\x07";
    terminal.type_text(colours);
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
    assert!(String::from_utf8_lossy(&other.output()).contains(colours), "{}", other.report());
    process::signal(other.pid(), Signal::SIGTERM);
    assert_eq!(other.finish().code(), Some(143));
    assert!(!process::runs(record.pid("child_pid").expect("a pid")));
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

#[test]
fn the_detach_key_detaches_in_every_encoding() {
    for key in ["\x1c", "\x1b[92;5u", "\x1b[27;5;92~"] {
        let (sandbox, mut terminal, record) = started("echo");
        // Echoed, this asks for the encodings; in a paste the key is no key.
        terminal.type_text("\x1b[>1u\x1b[>4;2m\x1b[200~a\x1cb\x1b[201~");
        terminal.wait_for_modes("the kitty keyboard", |modes| modes.kitty_flags() != 0);
        terminal.wait_for("the paste", |screen| screen.contains("b"));
        terminal.type_text(key);
        assert_eq!(terminal.finish().code(), Some(0), "{key:?}");
        assert_eq!(terminal.modes().left_on(), Vec::<String>::new());
        detached(&sandbox);
        assert!(process::runs(record.pid("child_pid").expect("a pid")));
        assert!(cckw(&sandbox, &["stop"]).status().expect("runs").success());
        sandbox.wait_for_silence();
    }
}

#[test]
fn what_is_typed_behind_the_detach_key_is_not_for_claude() {
    let (sandbox, mut terminal, _) = started("echo");
    terminal.type_text("before ");
    terminal.wait_for_text("before");
    // On a slow line keys come together.
    terminal.type_text("the key\x1ca command for the shell\r");
    assert_eq!(terminal.finish().code(), Some(0));
    detached(&sandbox);
    let mut other = Terminal::spawn(cckw(&sandbox, &["attach"]));
    other.wait_for_text("before the key");
    other.type_text(" and after");
    other.wait_for_text("before the key and after");
    assert!(cckw(&sandbox, &["stop"]).status().expect("runs").success());
}

#[test]
fn a_terminal_that_stops_reading_stops_nobody_and_is_repainted() {
    let (sandbox, mut terminal, _) = started(TALKATIVE);
    terminal.wait_for_text("tick 3");
    terminal.stop_reading();
    sandbox.wait_for_report("ticks that nobody reads", |report| {
        report["ticks"].as_u64() > Some(MORE_THAN_BUFFERS_HOLD)
    });
    terminal.read_on();
    terminal.wait_for("the present", |screen| {
        let tick = |row: &String| row.strip_prefix("tick ")?.split(' ').next()?.parse().ok();
        screen.rows.iter().filter_map(tick).any(|tick: u64| tick > MORE_THAN_BUFFERS_HOLD)
    });
    terminal.type_text("q");
    assert_eq!(terminal.finish().code(), Some(0));
}

#[test]
fn questions_are_answered_while_no_terminal_does() {
    let mut sandbox = Sandbox::new();
    sandbox.use_child("exit:0");
    sandbox.configure("");
    let script = sandbox.script(
        "asks",
        "#!/bin/bash\nstty raw -echo\nprintf READY\nread -rn1\nprintf '\\033[c'\nIFS= read -rd c reply\nprintf '%s' \"$reply\" >\"$HOME/reply\"\nread -rn1\n",
    );
    sandbox.set("CCKW_CLAUDE", script);
    let mut terminal = Terminal::spawn(sandbox.cckw_claude());
    terminal.wait_for_text("READY");
    // The key that makes it ask comes from a terminal which is gone when it does.
    terminal.type_text("x\x1c");
    terminal.finish();
    wait_until("an answer", DEADLINE, || {
        std::fs::read(sandbox.path("home/reply")).is_ok_and(|reply| reply.starts_with(b"\x1b[?"))
    });
    assert!(cckw(&sandbox, &["stop"]).status().expect("runs").success());
}

#[test]
fn an_idle_session_without_a_terminal_ends_after_a_while() {
    let mut sandbox = Sandbox::new();
    let stand_in = sandbox.path("claude-stand-in");
    std::os::unix::fs::symlink(cckw_program(), &stand_in).expect("a link");
    sandbox.set("CCKW_CLAUDE", stand_in);
    sandbox.configure("linger = \"300ms\"\n");
    let mut terminal = Terminal::spawn(sandbox.cckw_claude());
    sandbox.wait_for_record("an idle claude", |record| record.text("status") == "idle");
    terminal.hang_up();
    let record = sandbox.wait_for_record("an end", |record| record.text("state") == "stopped");
    assert_eq!(record.json["exit"]["code"], 129);
    sandbox.wait_for_silence();
}

//! Seeing and steering sessions: list, logs, screen, rm, and the line that says what waits.

use std::fs;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::support::verb::cckw;
use crate::support::{DEADLINE, Key, Record, Sandbox, Size, Terminal, cckw_program, process, wait_until};

fn sandbox(mode: &str) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.use_child(mode);
    fs::remove_file(sandbox.path("config/cckw/config.toml")).expect("the configuration of other tests");
    sandbox
}

fn started(mode: &str) -> (Sandbox, Terminal, Record) {
    let sandbox = sandbox(mode);
    let (terminal, record) = start(&sandbox);
    (sandbox, terminal, record)
}

fn start(sandbox: &Sandbox) -> (Terminal, Record) {
    let mut terminal = Terminal::spawn(sandbox.cckw_claude());
    terminal.wait_for("the child", |screen| !screen.text().is_empty());
    let record = sandbox.wait_for_record("a child", |record| record.pid("child_pid").is_some());
    (terminal, record)
}

/// What it says on stdout, on stderr, and its status.
fn said(sandbox: &Sandbox, words: &[&str]) -> (String, String, Option<i32>) {
    let output = cckw(sandbox, words).output().expect("runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (text(output.stdout), text(output.stderr), output.status.code())
}

#[track_caller]
fn well_said(sandbox: &Sandbox, words: &[&str]) -> String {
    let (out, err, status) = said(sandbox, words);
    assert_eq!((err.as_str(), status), ("", Some(0)), "{words:?}: {out}");
    out
}

#[track_caller]
fn refused(sandbox: &Sandbox, words: &[&str]) -> String {
    let (out, err, status) = said(sandbox, words);
    assert_eq!((out.as_str(), status), ("", Some(1)), "{words:?}: {err}");
    err
}

fn detach(sandbox: &Sandbox, mut terminal: Terminal) {
    well_said(sandbox, &["detach"]);
    assert_eq!(terminal.finish().code(), Some(0));
}

fn stop(sandbox: &Sandbox) {
    well_said(sandbox, &["stop"]);
    sandbox.wait_for_silence();
}

/// Writes a record as a host would have left it.
fn leave(sandbox: &Sandbox, number: u32, name: &str, state: &str) -> (String, PathBuf) {
    let session = format!("{number:08x}-0000-4000-8000-000000000000");
    let folder = sandbox.path("state/cckw");
    fs::create_dir_all(folder.join(&session)).expect("a directory");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).expect("a private directory");
    let socket = folder.join(&session).join("control.sock");
    let record = json!({
        "session": session, "name": name, "conversation": session, "pinned": true, "state": state,
        "program": "/bin/claude", "args": [], "cwd": "/somewhere", "host_pid": 4_000_000, "started_at": 1_700_000_000 + number,
        "ended_at": (state == "stopped").then_some(1_700_009_000), "socket": socket,
    });
    fs::write(folder.join(&session).join("session.json"), record.to_string()).expect("a record");
    let directory = folder.join(&session);
    (session, directory)
}

#[test]
fn the_log_is_for_reading_while_it_grows_and_afterwards() {
    let (sandbox, terminal, record) = started("echo");
    let now = well_said(&sandbox, &["logs"]);
    assert!(now.lines().next().is_some_and(|line| line.contains("  started  child=")), "{now}");
    let year = now.split('-').next().and_then(|year| year.parse::<u32>().ok());
    assert!(year.is_some_and(|year| year > 2023), "{now}");
    let mut follower = Terminal::spawn(cckw(&sandbox, &["logs", "-f"]));
    follower.wait_for_text("started");
    detach(&sandbox, terminal);
    follower.wait_for_text("detached");
    stop(&sandbox);
    assert_eq!(follower.finish().code(), Some(0), "{}", follower.report());
    follower.wait_for_text("ended");
    // By its name, though it has ended; and by itself, because it is the last one.
    let after = well_said(&sandbox, &["logs", "work"]);
    assert!(after.starts_with(&now) && after.contains("ending  signal=SIGHUP"), "{after}");
    assert_eq!(after, well_said(&sandbox, &["logs", &record.text("session")[..8], "-f"]));
    let raw = well_said(&sandbox, &["logs", "--json"]);
    assert_eq!(raw, fs::read_to_string(record.path.with_file_name("events.jsonl")).expect("a log"));
    assert!(refused(&sandbox, &["logs", "nonsense"]).contains("cckw list --all"));
}

#[test]
fn a_followed_log_is_put_aside_and_nothing_is_lost() {
    let (sandbox, _terminal, record) = started("echo");
    let output = fs::File::create(sandbox.path("out")).expect("a file");
    let mut follower = cckw(&sandbox, &["logs", "--follow"]).stdout(output).spawn().expect("runs");
    let path = record.path.with_file_name("events.jsonl");
    let shown = || fs::read_to_string(sandbox.path("out")).expect("reads");
    wait_until("the first line", DEADLINE, || shown().contains("started"));
    for round in 0..5 {
        let line = json!({ "at": 0, "event": format!("round-{round}"), "text": "\u{1b}[2J\u{202e}" });
        fs::rename(&path, path.with_file_name("events.old.jsonl")).expect("put aside");
        fs::write(&path, format!("{line}\n")).expect("a new log");
        wait_until("the round", DEADLINE, || shown().contains(&format!("round-{round}")));
    }
    stop(&sandbox);
    assert!(follower.wait().expect("ends").success());
    let shown = shown();
    let rounds: Vec<&str> = shown.lines().filter(|line| line.contains("round-")).collect();
    assert_eq!(rounds.len(), 5, "{shown}");
    assert!(rounds[0].ends_with("round-0  text=\\u{1b}[2J\\u{202e}"), "{shown}");
    assert!(shown.lines().last().is_some_and(|line| line.contains("ended")), "{shown}");
}

#[test]
fn a_followed_log_goes_on_with_another_host() {
    let (sandbox, terminal, record) = started("echo");
    let mut follower = Terminal::spawn(cckw(&sandbox, &["logs", "-f"]));
    follower.wait_for_text("started");
    detach(&sandbox, terminal);
    process::signal(record.pid("host_pid").expect("a host"), Signal::SIGKILL);
    wait_until("the end of the host", DEADLINE, || {
        std::os::unix::net::UnixStream::connect(record.text("socket")).is_err()
    });
    well_said(&sandbox, &["list"]);
    follower.wait_for_text("taken-up");
    stop(&sandbox);
    assert_eq!(follower.finish().code(), Some(0));
    assert!(follower.screen().contains("ended"), "{}", follower.report());
}

#[test]
fn the_screen_is_shown_with_and_without_colours() {
    let (sandbox, mut terminal, _) = started("echo");
    terminal.type_text("\x1b[H\x1b[2J\x1b[31mred\x1b[m plain\r\n\r\n漢字\x1b[10;1H \x1b[3;5H");
    terminal.wait_for_text("漢字");
    wait_until("the screen", DEADLINE, || well_said(&sandbox, &["screen"]) == "red plain\n\n漢字\n");
    detach(&sandbox, terminal);
    assert_eq!(well_said(&sandbox, &["screen", "work"]), "red plain\n\n漢字\n");
    let coloured = well_said(&sandbox, &["screen", "--color"]);
    assert_eq!(coloured, "\x1b[31mred\x1b[m plain\n\n漢字\n");
    stop(&sandbox);
    assert!(refused(&sandbox, &["screen", "work"]).contains("no running session"));
}

#[test]
fn only_what_has_ended_is_removed() {
    let (sandbox, _terminal, record) = started("echo");
    let (_, stopped) = leave(&sandbox, 1, "done", "stopped");
    let (lost, killed) = leave(&sandbox, 2, "lost one", "running");
    let said = refused(&sandbox, &["rm", "done", "work"]);
    assert!(said.contains("cckw stop work") && said.contains("nothing was removed"), "{said}");
    assert!(refused(&sandbox, &["rm", "done", "nonsense"]).contains("nonsense"));
    assert!(stopped.exists());
    assert_eq!(well_said(&sandbox, &["rm", "--ended"]), "removed done\n");
    let said = well_said(&sandbox, &["rm", "--ended"]);
    let word = lost[..8].to_owned();
    let advice =
        format!("no session has ended; to remove one that can be brought back, name it: cckw rm {word}\n");
    assert_eq!(said, advice);
    assert_eq!((stopped.exists(), killed.exists(), record.path.exists()), (false, true, true));
    assert!(well_said(&sandbox, &["list"]).contains(&format!("cckw rm {}", &lost[..8])));
    assert_eq!(well_said(&sandbox, &["rm", &lost[..8], "lost one"]), "removed lost one\n");
    assert!(!killed.exists());
    well_said(&sandbox, &["stop"]);
    assert_eq!(well_said(&sandbox, &["rm", "work"]), "removed work\n");
    assert!(!record.path.parent().expect("a directory").exists());
    assert_eq!(cckw(&sandbox, &["rm"]).output().expect("runs").status.code(), Some(2));
    assert_eq!(cckw(&sandbox, &["rm", "x", "--ended"]).output().expect("runs").status.code(), Some(2));
}

#[test]
fn a_host_that_has_no_socket_yet_keeps_its_record() {
    let sandbox = Sandbox::new();
    let (session, directory) = leave(&sandbox, 1, "early", "starting");
    let lock = fs::File::create(directory.join("host.lock")).expect("a lock");
    lock.lock().expect("locks, as a host does");
    assert!(refused(&sandbox, &["rm", "early"]).contains("has a host"));
    fs::write(directory.join("session.json"), "").expect("a broken record");
    assert!(refused(&sandbox, &["rm", &session]).contains("has a host"));
    drop(lock);
    assert_eq!(well_said(&sandbox, &["rm", &session]), format!("removed {session}\n"));
}

#[test]
fn no_link_is_followed_and_nothing_else_is_removed() {
    let sandbox = Sandbox::new();
    let (session, directory) = leave(&sandbox, 1, "linked", "stopped");
    let precious = sandbox.path("precious");
    fs::create_dir(&precious).expect("a directory");
    fs::write(precious.join("file"), "").expect("a file");
    let elsewhere = sandbox.path("elsewhere");
    fs::rename(&directory, &elsewhere).expect("moves");
    symlink(&elsewhere, &directory).expect("a link");
    assert!(refused(&sandbox, &["rm", "linked"]).contains("is left alone"));
    assert!(refused(&sandbox, &["rm", "--ended"]).contains("is left alone"));
    assert!(elsewhere.join("session.json").exists() && directory.is_symlink());
    fs::remove_file(&directory).expect("the link");
    fs::rename(&elsewhere, &directory).expect("moves back");
    symlink(&precious, directory.join("inside")).expect("a link");
    // A session's name is no path, whatever it looks like.
    for word in ["..", "../cckw", "../../precious", "."] {
        assert!(refused(&sandbox, &["rm", word]).contains("no session is called"));
    }
    // What is no session any more can be named by its whole id.
    fs::write(directory.join("session.json"), "{").expect("a broken record");
    assert!(refused(&sandbox, &["rm", "linked"]).contains("no session is called"));
    assert_eq!(well_said(&sandbox, &["rm", &session]), format!("removed {session}\n"));
    assert!(precious.join("file").exists() && !directory.exists());
}

#[test]
fn a_thousand_records_are_listed_by_unique_names() {
    let sandbox = Sandbox::new();
    for number in 0..1000 {
        let state = if number % 100 == 0 { "running" } else { "stopped" };
        leave(&sandbox, number, if number < 500 { "one" } else { "日本 2" }, state);
    }
    let all = well_said(&sandbox, &["list", "--all", "--json"]);
    let all: Vec<Value> = all.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let names: std::collections::BTreeSet<&str> =
        all.iter().filter_map(|session| session["name"].as_str()).collect();
    assert_eq!((all.len(), names.len()), (1000, 1000));
    // The newest of a name has it, and the others their ids behind it.
    for name in ["one", "one.000001f2", "日本 2", "日本 2.000001f4"] {
        assert!(names.contains(name), "{name}");
    }
    // Those that never said their end were used last when their records were written, which is now.
    let ended: Vec<&Value> = all.iter().filter(|session| session["state"] == "stopped").collect();
    assert_eq!(ended[0]["session"], "000003e7-0000-4000-8000-000000000000");
    assert_eq!(ended[989]["session"], "00000001-0000-4000-8000-000000000000");
    let table = well_said(&sandbox, &["list"]);
    let (sessions, hints): (Vec<&str>, Vec<&str>) =
        table.lines().skip(1).partition(|line| !line.starts_with(' '));
    assert_eq!((sessions.len(), hints.len()), (10, 10), "{table}");
    assert!(sessions.iter().all(|line| line.contains("  crashed  ")), "{table}");
    assert!(hints[9].contains("cckw rm 00000384"), "{table}");
    // In columns of a terminal, where a character may take two.
    let place = |line: &str| {
        let before = line.split("crashed").next().expect("a name");
        before.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum::<usize>()
    };
    let places: Vec<usize> = sessions.iter().map(|line| place(line)).collect();
    assert!(places.iter().all(|at| *at == places[0]), "{table}");
}

#[test]
fn a_newer_claude_that_was_installed_is_shown() {
    let mut sandbox = sandbox("echo");
    // As npm lays it out, with the stand-in as the program.
    let package = sandbox.path("lib/claude-code");
    fs::create_dir_all(package.join("bin")).expect("a directory");
    fs::copy(cckw_program(), package.join("bin/claude-stand-in")).expect("a program");
    sandbox.set("CCKW_CLAUDE", sandbox.link("claude-stand-in", package.join("bin/claude-stand-in")));
    let (_terminal, _) = start(&sandbox);
    let record = sandbox.wait_for_record("a version", |record| !record.text("claude_version").is_empty());
    let version = record.text("claude_version");
    for (installed, newer) in [(version, Value::Null), ("999.0.0", "999.0.0".into()), ("0.0.1", Value::Null)]
    {
        let contents = json!({ "name": "@anthropic-ai/claude-code", "version": installed });
        fs::write(package.join("package.json"), contents.to_string()).expect("a package");
        let listed: Value = serde_json::from_str(&well_said(&sandbox, &["list", "--json"])).expect("JSON");
        assert_eq!(listed["newer_installed"], newer);
        let table = well_said(&sandbox, &["list"]);
        assert_eq!(table.contains(&format!("  {version}*  ")), !newer.is_null(), "{table}");
        assert_eq!(table.contains("* 999.0.0 is installed; to take it: cckw restart"), !newer.is_null());
    }
    stop(&sandbox);
}

#[test]
fn a_watched_list_shows_the_last_column_of_the_terminal() {
    let sandbox = sandbox("echo");
    let (_terminal, _) = start(&sandbox);
    let args = ["list", "--watch", "--columns", "name"];
    let mut watcher = Terminal::builder().size(2, 4).spawn(cckw(&sandbox, &args));
    watcher.wait_for("the whole name in as many columns", |screen| screen.rows[..2] == ["NAME", "work"]);
    watcher.press(Key::Ctrl('c'));
    watcher.finish();
    stop(&sandbox);
}

#[test]
fn a_watched_list_follows_what_happens() {
    let sandbox = sandbox("echo");
    let mut watcher = Terminal::builder().size(10, 60).spawn(cckw(&sandbox, &["list", "--watch"]));
    watcher.wait_for_text("no sessions");
    let (terminal, record) = start(&sandbox);
    watcher.wait_for("an attached session", |screen| {
        screen.contains("work") && screen.contains(" attached ") && !screen.contains("no sessions")
    });
    detach(&sandbox, terminal);
    watcher.wait_for_text(" detached ");
    watcher.resize(Size::cells(10, 30));
    // Cut, and not wrapped.
    watcher.wait_for("a narrow table", |screen| {
        let text = screen.text();
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        lines.len() == 2 && lines[1].contains("detached")
    });
    // A host that is killed says nothing, anywhere.
    process::signal(record.pid("host_pid").expect("a host"), Signal::SIGKILL);
    watcher.wait_for_text("crashed");
    watcher.press(Key::Ctrl('c'));
    assert_eq!(watcher.finish().code(), Some(0));
    assert_eq!(watcher.modes().left_on(), Vec::<String>::new());
    let refused = refused(&sandbox, &["list", "--watch"]);
    assert!(refused.contains("cckw list --json"), "{refused}");
}

#[test]
fn a_watched_list_is_a_job_like_any_other() {
    let sandbox = sandbox("echo");
    let mut shell = Terminal::shell("bash", &sandbox);
    let before = shell.manners();
    shell.run("cckw list --watch");
    shell.wait_for_modes("the other screen", |modes| modes.is_on(1049));
    shell.wait_for_text("no sessions");
    shell.press(Key::Ctrl('z'));
    shell.wait_for_prompt();
    shell.wait_for_manners(&before);
    shell.run("fg");
    shell.wait_for_modes("the other screen", |modes| modes.is_on(1049));
    shell.wait_for_text("no sessions");
    shell.press(Key::Ctrl('c'));
    shell.wait_for_prompt();
    shell.wait_for_manners(&before);
}

#[test]
fn a_reader_who_leaves_ends_the_following() {
    let (sandbox, _terminal, _) = started("echo");
    let mut follower =
        cckw(&sandbox, &["logs", "-f"]).stdout(std::process::Stdio::piped()).spawn().expect("runs");
    let mut first = [0; 5];
    let mut output = follower.stdout.take().expect("a pipe");
    output.read_exact(&mut first).expect("a line");
    drop(output);
    assert!(follower.wait().expect("ends, though nothing happens").success());
}

#[test]
fn a_start_says_what_waits_in_its_directory() {
    const TOLD: &str = "goes on without a terminal";
    let (mut sandbox, terminal, record) = started("echo");
    sandbox.configure("[start]\nexisting = \"new\"\n");
    assert!(!terminal.screen().contains(TOLD), "{}", terminal.report());
    // Not while it has its terminal, and not elsewhere.
    let mut other = Terminal::spawn(sandbox.cckw_claude());
    other.wait_for("the child", |screen| screen.contains("READY"));
    assert!(!other.screen().contains(TOLD), "{}", other.report());
    well_said(&sandbox, &["stop", &record.text("session")[..8]]);
    well_said(&sandbox, &["detach"]);
    other.finish();
    drop(terminal);
    let mut command = sandbox.cckw_claude();
    command.current_dir(sandbox.path("home"));
    let mut elsewhere = Terminal::spawn(command);
    elsewhere.wait_for("the child", |screen| screen.contains("READY"));
    assert!(!elsewhere.screen().contains(TOLD), "{}", elsewhere.report());
    let mut here = Terminal::spawn(sandbox.cckw_claude());
    here.wait_for("the child", |screen| screen.contains("READY"));
    let line = here.history().into_iter().find(|line| line.contains(TOLD)).expect("it is said");
    let word = line.split("cckw attach ").nth(1).expect("what to do").trim().to_owned();
    well_said(&sandbox, &["stop", &word]);
    // Straight through, nothing is ever added.
    sandbox.set("PTY_CHILD", "exit:0");
    for arguments in [&["-p", "x"][..], &["--help"]] {
        let output = sandbox.cckw_claude().args(arguments).output().expect("runs");
        assert_eq!(output.stderr, b"");
    }
}

//! `cckw screen --follow`.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixListener;
use std::process::{Child, ChildStdout, Stdio};
use std::thread;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::stand_in::{exit, idle, sandbox, say, start};
use crate::support::verb::cckw;
use crate::support::{DEADLINE, Sandbox, pid, process, wait_until};

fn follow(sandbox: &Sandbox, words: &[&str]) -> (Child, BufReader<ChildStdout>) {
    let mut command = cckw(sandbox, &[&["screen", "--follow"], words].concat());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("runs");
    let out = BufReader::new(child.stdout.take().expect("its output"));
    (child, out)
}

/// The next line, as JSON.
#[track_caller]
fn next(out: &mut impl BufRead) -> Value {
    let mut line = String::new();
    out.read_line(&mut line).expect("reads");
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
}

/// Reads up to a line with this in a row of the screen.
#[track_caller]
fn read_to(out: &mut impl BufRead, words: &str) -> Value {
    loop {
        let line = next(out);
        assert!(line["ended"].is_null(), "{line}");
        let rows = line["changed"].as_array().expect("rows");
        if rows.iter().any(|row| row[1].as_str().expect("a text").contains(words)) {
            return line;
        }
    }
}

#[test]
fn changes_come_as_json_and_the_end_says_why() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &["-n", "work"]);
    let record = idle(&sandbox, 0);
    let (child, mut out) = follow(&sandbox, &["--json", "work"]);
    let first = next(&mut out);
    assert_eq!(
        (&first["is_whole"], &first["rows"], &first["columns"]),
        (&true.into(), &40.into(), &120.into())
    );
    assert_eq!(
        (first["name"].as_str(), first["session"].as_str()),
        (Some("work"), Some(record.text("session")))
    );
    say(&mut terminal, "for the follower");
    let change = read_to(&mut out, "You said: for the follower");
    assert_eq!(change["is_whole"], false);
    exit(terminal);
    let mut rest = String::new();
    out.read_to_string(&mut rest).expect("reads");
    let last: Value = serde_json::from_str(rest.lines().last().expect("a line")).expect("JSON");
    assert_eq!(last["ended"], "stopped (exit status 0)");
    let output = child.wait_with_output().expect("ends");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn the_whole_screen_comes_as_text_each_time() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &["-n", "work"]);
    idle(&sandbox, 0);
    let (child, mut out) = follow(&sandbox, &["work"]);
    let mut first = String::new();
    out.read_line(&mut first).expect("reads");
    assert!(first.contains("Claude Code stand-in") && !first.contains('\u{1b}'), "{first:?}");
    say(&mut terminal, "for the reader");
    exit(terminal);
    let mut rest = String::new();
    out.read_to_string(&mut rest).expect("reads");
    assert!(rest.contains("\n--------\n") && rest.contains("You said: for the reader"), "{rest}");
    let output = child.wait_with_output().expect("ends");
    let said = String::from_utf8(output.stderr).expect("text");
    assert_eq!((output.status.code(), said.as_str()), (Some(0), "cckw: work: stopped (exit status 0)\n"));
}

#[test]
fn it_ends_with_its_reader_and_by_a_signal() {
    let sandbox = sandbox();
    let terminal = start(&sandbox, &["-n", "work"]);
    idle(&sandbox, 0);
    let (mut child, mut out) = follow(&sandbox, &["--json", "work"]);
    next(&mut out);
    drop(out);
    assert!(child.wait().expect("ends").success());
    let (mut child, mut out) = follow(&sandbox, &["--json", "work"]);
    next(&mut out);
    process::signal(i32::try_from(child.id()).expect("a pid"), Signal::SIGINT);
    assert!(!child.wait().expect("ends").success());
    exit(terminal);
}

/// The host was killed, and the client starts another one: the screen goes on.
#[test]
fn it_goes_on_with_the_next_host() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &["-n", "work"]);
    let record = idle(&sandbox, 0);
    let (child, mut out) = follow(&sandbox, &["--json", "work"]);
    next(&mut out);
    process::signal(pid(&record, "host_pid"), Signal::SIGKILL);
    wait_until("another host", DEADLINE, || {
        sandbox
            .records()
            .iter()
            .any(|now| now.pid("host_pid") != record.pid("host_pid") && now.text("status") == "idle")
    });
    say(&mut terminal, "after the kill");
    read_to(&mut out, "You said: after the kill");
    exit(terminal);
    let mut rest = String::new();
    out.read_to_string(&mut rest).expect("reads");
    assert!(rest.contains("\"ended\":\"stopped (exit status 0)\""), "{rest}");
    assert!(child.wait_with_output().expect("ends").status.success());
}

#[test]
fn a_host_of_an_older_version_is_said_to_be_one() {
    let sandbox = sandbox();
    let terminal = start(&sandbox, &["-n", "work"]);
    idle(&sandbox, 0);
    let socket = sandbox.sockets().into_iter().next().expect("a socket");
    let aside = socket.with_extension("aside");
    std::fs::rename(&socket, &aside).expect("moved");
    let listener = UnixListener::bind(&socket).expect("binds");
    let old = thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut line = String::new();
            let _ = BufReader::new(&stream).read_line(&mut line);
            if line.contains("watch") {
                let reason = "a message that this cckw does not know: unknown variant `watch`";
                let _ = writeln!(stream, r#"{{"v":1,"op":"refused","reason":"{reason}"}}"#);
                return;
            }
        }
    });
    let output = cckw(&sandbox, &["screen", "--follow", "work"]).output().expect("runs");
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(
        said.contains("cannot show its screen live") && said.contains("cckw restart --hosts work"),
        "{said}"
    );
    assert_eq!(output.status.code(), Some(1));
    old.join().expect("ends");
    std::fs::rename(&aside, &socket).expect("moved back");
    exit(terminal);
}

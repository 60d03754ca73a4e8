//! Names and texts of others, in everything that cckw prints.

use std::fs;
use std::os::fd::AsRawFd;

use serde_json::{Value, json};

use super::child;
use crate::support::stand_in::{at_prompt, sandbox, start};
use crate::support::verb::cckw;
use crate::support::{Sandbox, Terminal};

/// Sets a title, colours, clears by C1, turns the order of letters around, ends lines in every way.
const EVIL: &str = "\u{1b}]0;x\u{7}\u{1b}[31m\u{9b}2J\u{85}\u{202e}\u{2066}\u{2028}\r\n\u{7f}\u{8}e";

/// What a terminal obeys and what a reader does not see; but for the end of a line.
fn deceives(c: char) -> bool {
    c != '\n' && c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
}

#[track_caller]
fn is_harmless(what: &str, said: &[u8]) {
    let text = std::str::from_utf8(said).unwrap_or_else(|error| panic!("{what}: {error}"));
    let found: Vec<String> = text.lines().filter(|line| line.contains(deceives)).map(str::to_owned).collect();
    assert!(found.is_empty(), "{what}: {found:?}");
}

/// What a verb says, on both streams.
#[track_caller]
fn says(sandbox: &Sandbox, words: &[&str]) -> String {
    let output = cckw(sandbox, words).output().expect("runs");
    is_harmless(&format!("{words:?}"), &output.stdout);
    is_harmless(&format!("{words:?}, stderr"), &output.stderr);
    String::from_utf8([output.stdout, output.stderr].concat()).expect("UTF-8")
}

#[test]
fn nothing_that_a_terminal_obeys_gets_out_of_a_name() {
    let sandbox = sandbox();
    let directory = sandbox.path("work").join(format!("d{EVIL}"));
    fs::create_dir(&directory).expect("a directory");
    let mut command = sandbox.cckw_claude();
    command.args(["-n", EVIL]).current_dir(&directory);
    let mut terminal = Terminal::spawn(command);
    at_prompt(&mut terminal);
    let record = sandbox.wait_for_record("an idle claude", |record| record.text("status") == "idle");
    let session = record.text("session").to_owned();
    // All that claude says of itself.
    let claude = record.pid("claude_pid").expect("a claude");
    let path = sandbox.path(format!("home/.claude/sessions/{claude}.json"));
    let mut state: Value = serde_json::from_slice(&fs::read(&path).expect("reads")).expect("JSON");
    for key in
        ["version", "status", "waitingFor", "kind", "entrypoint", "bridgeSessionId", "sessionId", "name"]
    {
        state[key] = EVIL.into();
    }
    fs::write(&path, state.to_string()).expect("writes");
    let record = sandbox.wait_for_record("what it says", |record| record.text("status") == EVIL);
    // What is no id becomes no argument and no part of a path, whoever wrote it.
    assert!(!record.json["conversations"].to_string().contains("31m"), "{:?}", record.json);

    let json = says(&sandbox, &["list", "--json"]);
    let line: Value = serde_json::from_str(&json).expect("one object");
    assert_eq!((&line["name"], &line["state"]), (&EVIL.into(), &line["state"]), "{line}");
    assert_eq!(line["cwd"], json!(directory));
    assert_eq!(line["claude_version"], EVIL);
    for words in [&["list"][..], &["list", "--all"], &["detect"], &["detect", "--json"]] {
        assert!(says(&sandbox, words).contains("\\u"), "{words:?}");
    }
    for words in [
        &["logs", &session][..],
        &["logs", "--json", &session],
        &["reconnect"],
        &["reconnect", "--pid", "1"],
        &["reconnect", "--cycle", &session],
        &["restart", &session],
    ] {
        says(&sandbox, words);
    }
    // What claude has drawn is shown letter for letter, as it was on the terminal: but without anything that
    // acts.
    let drawn = cckw(&sandbox, &["screen", &session]).output().expect("runs").stdout;
    let drawn = String::from_utf8(drawn).expect("UTF-8");
    assert!(!drawn.replace('\n', "").contains(char::is_control), "{drawn:?}");
    for verb in ["attach", "detach", "stop", "start", "restart", "logs", "screen", "rm"] {
        let said = says(&sandbox, &[verb, &format!("no{EVIL}")]);
        assert!(verb == "start" || said.contains("no\\u{1b}]0;x"), "{verb}: {said}");
    }
    // The one that is started beside it names it on its terminal, by its id.
    assert!(cckw(&sandbox, &["detach", &session]).status().expect("runs").success());
    terminal.finish();
    let mut command = sandbox.cckw_claude();
    command.arg("--version").current_dir(&directory);
    is_harmless("straight through", &command.output().expect("runs").stdout);
    says(&sandbox, &["stop", &session]);
    sandbox.wait_for_silence();
    assert!(says(&sandbox, &["list", "--all"]).contains("\\u{1b}"));
    says(&sandbox, &["rm", &session]);
}

#[test]
fn the_screen_is_shown_without_what_could_change_the_terminal() {
    let mut sandbox = child("echo");
    // Clears by C1 in UTF-8 and as a byte, DEL, a backspace, a bell, a title, a clipboard, a device string.
    let shown =
        r"\033[31mred\033[m a\302\2332Jb\2332Jc\177d\007e\033]52;c;eHg=\007f\033P$qm\033\\g\033[5nh\016i\017";
    let script = sandbox.script("claude-shows", &format!("#!/bin/sh\nprintf '{shown} END'\nread -r line\n"));
    sandbox.set("CCKW_CLAUDE", script);
    let mut terminal = Terminal::spawn(sandbox.cckw_claude());
    terminal.wait_for_text("END");
    let plain = says(&sandbox, &["screen"]);
    assert!(plain.contains("red a") && plain.contains("END"), "{plain:?}");
    let coloured = cckw(&sandbox, &["screen", "--color"]).output().expect("runs");
    let coloured = String::from_utf8(coloured.stdout).expect("UTF-8");
    // Nothing but text and its style is left.
    let mut rest = coloured.as_str();
    let mut styles = 0;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        is_harmless("between styles", before.as_bytes());
        let end = after.find(|c: char| !c.is_ascii_digit() && c != ';').expect("an end");
        assert_eq!(&after[end..=end], "m", "{coloured:?}");
        rest = &after[end + 1..];
        styles += 1;
    }
    is_harmless("behind the styles", rest.as_bytes());
    assert!(styles > 0 && coloured.contains("END"), "{coloured:?}");
    terminal.type_text("\r");
    terminal.finish();
}

#[test]
fn who_takes_a_session_cannot_write_on_the_terminal_that_loses_it() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    let record = sandbox.wait_for_record("a socket", |record| !record.text("socket").is_empty());
    let before = terminal.attributes();
    // As `cckw attach` asks, but with a terminal of such a name. What it lacks is taken from a real request.
    let request = json!({
        "v": 1, "fds": 1, "op": "attach", "client": 1, "terminal": EVIL,
        "size": { "rows": 24, "columns": 80, "width": 0, "height": 0 },
        "attributes": attributes(&before),
    });
    let stream = std::os::unix::net::UnixStream::connect(record.text("socket")).expect("connects");
    let pty = crate::support::pty::open(crate::support::Size::cells(24, 80));
    super::hostile::send_these(&stream, format!("{request}\n").as_bytes(), &[pty.slave.as_raw_fd()]);
    let exit = terminal.finish();
    assert_eq!(exit.code(), Some(0), "{}", terminal.report());
    let output = terminal.take_output();
    let at = memchr::memmem::rfind(&output, b"[cckw: detached").expect("a notice");
    let notice = output[at..].split(|byte| *byte == b'\r').next().expect("a line");
    is_harmless("the notice", notice);
    assert!(notice.starts_with(b"[cckw: detached, attached on \\u{1b}]0;x"), "{}", notice.escape_ascii());
    drop(stream);
    assert!(cckw(&sandbox, &["stop"]).status().expect("runs").success());
}

/// As the control protocol has them.
fn attributes(of: &nix::sys::termios::Termios) -> Value {
    let raw: libc::termios = of.clone().into();
    json!({
        "input": raw.c_iflag, "output": raw.c_oflag, "control": raw.c_cflag, "local": raw.c_lflag,
        "characters": raw.c_cc, "input_speed": libc::B38400, "output_speed": libc::B38400,
    })
}

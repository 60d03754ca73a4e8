//! `cckw send` with the stand-in: what it says and its status, its connection, and what it does to a draft.

use std::io::Write;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use cckw::protocol::{Channel, Request, Response, Send, Sent};
use nix::sys::signal::Signal;
use uuid::Uuid;

use crate::support::stand_in::{idle, sandbox, start, transcript};
use crate::support::verb::{cckw, well_said};
use crate::support::{DEADLINE, Sandbox, Terminal, process, wait_until};

fn send(sandbox: &Sandbox, words: &[&str]) -> Command {
    let mut command = cckw(sandbox, &["send", "work"]);
    command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn sent(sandbox: &Sandbox, words: &[&str]) -> Output {
    send(sandbox, words).output().expect("runs")
}

/// A session whose claude is idle, and its conversation.
fn session(sandbox: &Sandbox) -> (Terminal, String) {
    let terminal = start(sandbox, &[]);
    let id = idle(sandbox, 0).text("conversation").to_owned();
    (terminal, id)
}

/// How often this was said.
fn count(sandbox: &Sandbox, id: &str, text: &str) -> usize {
    let lines = std::fs::read_to_string(transcript(sandbox, id)).expect("a transcript");
    let lines = lines.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    lines.filter(|line| line["type"] == "user" && line["message"]["content"] == text).count()
}

#[test]
fn a_text_is_sent_to_an_attached_and_to_a_detached_session() {
    let sandbox = sandbox();
    let (mut terminal, id) = session(&sandbox);
    assert_eq!(well_said(&sandbox, &["send", "work", "to the attached one"]), "work: sent\n");
    terminal.wait_for_text("You said: to the attached one");
    well_said(&sandbox, &["detach", "work"]);
    terminal.finish();
    assert_eq!(well_said(&sandbox, &["send", "work", "--", "-x to the other"]), "work: sent\n");
    assert_eq!(count(&sandbox, &id, "to the attached one"), 1);
    assert_eq!(count(&sandbox, &id, "-x to the other"), 1);
    well_said(&sandbox, &["stop", "work"]);
    sandbox.wait_for_silence();
}

#[test]
fn a_draft_stays_at_the_prompt() {
    let sandbox = sandbox();
    let (mut terminal, id) = session(&sandbox);
    terminal.type_text("half a thought");
    terminal.wait_for("the draft", |screen| screen.cursor_row().ends_with("half a thought"));
    assert_eq!(well_said(&sandbox, &["send", "work", "a whole one"]), "work: sent\n");
    terminal.wait_for("the draft again", |screen| screen.cursor_row().ends_with("half a thought"));
    assert_eq!(count(&sandbox, &id, "a whole one"), 1);
    assert_eq!(count(&sandbox, &id, "half a thought"), 0);
    well_said(&sandbox, &["stop", "work"]);
    terminal.finish();
}

#[test]
fn what_cannot_be_sent_is_refused_in_words() {
    let sandbox = sandbox();
    assert_eq!(sent(&sandbox, &["anything"]).status.code(), Some(1));
    let (mut terminal, _) = session(&sandbox);
    let refused = |words: &[&str], stdin: &[u8]| {
        let mut child = send(&sandbox, words).stdin(Stdio::piped()).spawn().expect("runs");
        // One that refuses may not read it.
        let _ = child.stdin.take().expect("a pipe").write_all(stdin);
        let output = child.wait_with_output().expect("ends");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{words:?}");
        String::from_utf8(output.stderr).expect("text")
    };
    for (words, stdin, why) in [
        (&["-"][..], &b" \n"[..], "blank"),
        (&["-"], b"ab\xff", "byte 2"),
        (&["-"], &[b'x'; 500_001], "500001 bytes"),
        (&["!ls"], b"", "in the shell"),
    ] {
        let said = refused(words, stdin);
        assert!(said.contains(why) && said.lines().count() == 1, "{said}");
    }
    well_said(&sandbox, &["stop", "work"]);
    terminal.finish();
    let said = String::from_utf8(sent(&sandbox, &["too late"]).stderr).expect("text");
    assert!(said.contains("cckw start work"), "{said}");
}

#[test]
fn ctrl_c_before_the_first_key_sends_nothing() {
    let mut sandbox = sandbox();
    sandbox.set("CCKW_STANDIN_PACE", "3000");
    let (mut terminal, id) = session(&sandbox);
    assert_eq!(well_said(&sandbox, &["send", "work", "a turn that goes on for a minute"]), "work: sent\n");
    sandbox.wait_for_record("a turn", |record| record.text("status") == "busy");
    let child = send(&sandbox, &["not in time"]).spawn().expect("runs");
    // It is behind the other one by then.
    let output = sent(&sandbox, &["--timeout=1s", "in vain"]);
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(output.status.code() == Some(1) && said.contains("a turn runs"), "{said}");
    process::signal(i32::try_from(child.id()).expect("a pid"), Signal::SIGINT);
    let output = child.wait_with_output().expect("ends");
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert_eq!(count(&sandbox, &id, "not in time"), 0);
    well_said(&sandbox, &["stop", "work"]);
    terminal.finish();
}

#[test]
fn a_request_that_is_repeated_is_carried_out_once() {
    let sandbox = sandbox();
    let (mut terminal, id) = session(&sandbox);
    let socket = sandbox.sockets().into_iter().next().expect("a socket");
    let request = Request::Send(Box::new(Send {
        id: Uuid::new_v4(),
        text: "once".into(),
        now: false,
        timeout_ms: 60_000,
        patient: true,
    }));
    let ask = || {
        let mut channel = Channel::new(UnixStream::connect(&socket).expect("connects")).expect("a channel");
        assert!(channel.send(&request, vec![]));
        loop {
            match channel.wait_for::<Response>(Some(DEADLINE)).expect("an answer").expect("one").0 {
                Response::Sending { .. } => {}
                Response::Sent(sent) => return sent,
                other => panic!("{other:?}"),
            }
        }
    };
    let both =
        thread::scope(|scope| [scope.spawn(ask), scope.spawn(ask)].map(|one| one.join().expect("ends")));
    let expected = Sent::Submitted { how: "prompt".into() };
    assert_eq!(both, [expected.clone(), expected.clone()]);
    assert_eq!(ask(), expected);
    assert_eq!(count(&sandbox, &id, "once"), 1);
    well_said(&sandbox, &["stop", "work"]);
    terminal.finish();
}

/// A host that does not know the request yet says so, and the advice is how to get a newer one.
#[test]
fn a_host_of_an_older_version_is_said_to_be_one() {
    let sandbox = sandbox();
    let (mut terminal, _) = session(&sandbox);
    let socket = sandbox.sockets().into_iter().next().expect("a socket");
    let aside = socket.with_extension("aside");
    std::fs::rename(&socket, &aside).expect("moved");
    let listener = UnixListener::bind(&socket).expect("binds");
    let old = thread::spawn(move || {
        let refused = Response::Refused { reason: "unknown variant `send`".into() };
        for answer in [Response::Done, refused] {
            let (stream, _) = listener.accept().expect("a connection");
            let mut channel = Channel::new(stream).expect("a channel");
            let _ = channel.wait_for::<serde_json::Value>(Some(DEADLINE));
            channel.send(&answer, vec![]);
            channel.flush(Duration::from_secs(5));
        }
    });
    let output = sent(&sandbox, &["hello"]);
    let said = String::from_utf8(output.stderr).expect("text");
    // First, for where it has not asked both times, the old one would wait for ever.
    assert!(output.status.code() == Some(1) && said.contains("older cckw"), "{said}");
    old.join().expect("ends");
    std::fs::rename(&aside, &socket).expect("moved back");
    wait_until("the host", DEADLINE, || cckw(&sandbox, &["stop", "work"]).status().expect("runs").success());
    terminal.finish();
}

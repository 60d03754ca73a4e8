//! A control socket that is spoken to by something that is not cckw.

use std::fs::File;
use std::io::{IoSlice, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};

use super::doors::{STATUS, answer, ask, session};
use crate::support::{DEADLINE, process, wait_until};

fn connect(socket: &Path) -> UnixStream {
    let stream = UnixStream::connect(socket).expect("connects");
    stream.set_read_timeout(Some(DEADLINE)).expect("a deadline");
    stream
}

/// Does `act` to the socket of a session; afterwards the session is as it was, and the host has no descriptor
/// more.
fn unharmed(act: impl FnOnce(&Path)) {
    let (sandbox, mut terminal, socket) = session();
    let record = sandbox.wait_for_record("a host", |record| record.pid("host_pid").is_some());
    let host = record.pid("host_pid").expect("a pid");
    let mut stream = connect(&socket);
    stream.write_all(STATUS).expect("asks");
    assert!(answer(&mut stream).len() > 100);
    // With the one connection, which the host has just served.
    let usual = process::descriptors(host).len() - 1;
    drop(stream);
    let settle = || {
        let what = format!("a host with no more than {usual} descriptors");
        wait_until(&what, DEADLINE, || process::descriptors(host).len() <= usual);
    };
    settle();
    act(&socket);
    settle();
    assert!(ask(&socket, STATUS).len() > 100, "the host answers no more");
    terminal.type_text("still here");
    terminal.wait_for_text("still here");
    assert!(process::runs(host));
}

fn is_refusal(answer: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(answer).is_ok_and(|answer| answer["op"] == "refused")
}

#[test]
fn garbage_is_refused() {
    let lines: [&[u8]; 9] = [
        b"\n",
        b"\0\0\0\0\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"{\"v\":1,\"op\":\"dance\"}\n",
        b"{\"v\":99,\"op\":\"status\"}\n",
        b"{\"v\":1,\"fds\":1,\"op\":\"status\"}\n",
        b"{\"v\":1,\"fds\":18446744073709551615,\"op\":\"status\"}\n",
        b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n",
        b"\xff\xfe{\"v\":1}\n",
    ];
    unharmed(|socket| {
        for line in lines {
            let answer = ask(socket, line);
            assert!(is_refusal(&answer), "{}: {}", line.escape_ascii(), answer.escape_ascii());
        }
        // JSON that is nested deeper than any stack.
        let deep = [vec![b'['; 500_000], b"\n".to_vec()].concat();
        assert!(is_refusal(&ask(socket, &deep)));
    });
}

#[test]
fn a_line_that_is_too_long_is_refused() {
    unharmed(|socket| {
        // The host closes before it has read all of this; then the answer is lost or not, as the kernel
        // likes.
        let answer = ask(socket, &[b'x'; 2 << 20]);
        assert!(answer.is_empty() || is_refusal(&answer), "{}", answer.escape_ascii());
    });
}

#[test]
fn many_connections_that_never_speak_do_not_matter_once_they_are_gone() {
    unharmed(|socket| {
        let silent: Vec<UnixStream> = (0..200).map(|_| connect(socket)).collect();
        // Those that have been silent for longest make room for the others.
        let mut first = silent[0].try_clone().expect("a copy");
        assert_eq!(answer(&mut first), b"");
    });
}

#[test]
fn a_few_connections_that_never_speak_keep_nobody_out() {
    unharmed(|socket| {
        let silent: Vec<UnixStream> = (0..8).map(|_| connect(socket)).collect();
        assert!(ask(socket, STATUS).len() > 100);
        drop(silent);
    });
}

pub fn send_with(stream: &UnixStream, bytes: &[u8], count: usize) {
    let null = File::open("/dev/null").expect("/dev/null");
    send_these(stream, bytes, &vec![null.as_raw_fd(); count]);
}

pub fn send_these(stream: &UnixStream, bytes: &[u8], fds: &[RawFd]) {
    // The host may have closed the connection by now.
    let _ = sendmsg::<()>(
        stream.as_raw_fd(),
        &[IoSlice::new(bytes)],
        &[ControlMessage::ScmRights(fds)],
        MsgFlags::empty(),
        None,
    );
}

#[test]
fn descriptors_that_nobody_asked_for_are_closed() {
    unharmed(|socket| {
        for count in [1, 4, 5, 20, 253] {
            // Nowhere announced.
            let mut stream = connect(socket);
            send_with(&stream, STATUS, count);
            let said = answer(&mut stream);
            assert!(said.ends_with(b"\n"), "{count}: {}", said.escape_ascii());
            // Announced, and not wanted.
            let mut stream = connect(socket);
            send_with(&stream, format!("{{\"v\":1,\"fds\":{count},\"op\":\"status\"}}\n").as_bytes(), count);
            assert!(answer(&mut stream).ends_with(b"\n"));
        }
    });
}

#[test]
fn descriptors_do_not_pile_up_on_one_connection() {
    let (sandbox, _terminal, socket) = session();
    let record = sandbox.wait_for_record("a host", |record| record.pid("host_pid").is_some());
    let host = record.pid("host_pid").expect("a pid");
    let mut stream = connect(&socket);
    for _ in 0..100 {
        send_with(&stream, STATUS, 2);
        if answer(&mut stream).is_empty() {
            break;
        }
    }
    let open = process::descriptors(host);
    assert!(open.len() < 50, "{open:?}");
}

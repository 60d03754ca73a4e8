//! Requests to attach what is no terminal, or one that blocks, or in somebody else's name.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use super::{session, socket};
use crate::support::pty::{self, Pair};
use crate::support::verb::well_said;
use crate::support::{self, DEADLINE, MORE_THAN_BUFFERS_HOLD, Record, TALKATIVE};
use cckw::os::io::is_nonblocking;
use cckw::os::tty::{Attributes, Size};
use cckw::protocol::{Attach, Channel, FromHost, Request};

fn size(rows: u16, columns: u16) -> Size {
    Size { rows, columns, width: 0, height: 0 }
}

/// Asks to attach with these descriptors; gives the connection and the answer.
fn attach(record: &Record, fds: Vec<OwnedFd>, client: i32, size: Size) -> (Channel, Option<FromHost>) {
    let mut channel =
        Channel::new(UnixStream::connect(socket(record)).expect("connects")).expect("a channel");
    let request = Attach {
        client,
        size,
        attributes: Attributes::of_a_new_terminal().expect("attributes"),
        terminal: "a test".into(),
        agent: None,
        environment: vec![],
        over_link: false,
    };
    assert!(channel.send(&Request::Attach(Box::new(request)), fds));
    let answer = channel.wait_for::<FromHost>(Some(DEADLINE)).ok().flatten();
    (channel, answer.map(|(answer, _)| answer))
}

fn a_pty() -> Pair {
    pty::open(support::Size { rows: 0, columns: 0, width: 0, height: 0 })
}

fn me() -> i32 {
    i32::try_from(std::process::id()).expect("a pid")
}

#[test]
fn what_is_no_terminal_is_refused_in_words() {
    let (sandbox, mut terminal, record) = session("echo");
    let (read, write) = std::io::pipe().expect("a pipe");
    let (one, _other) = UnixStream::pair().expect("a pair");
    let regular = tempfile::tempfile().expect("a file");
    let pty = a_pty();
    let cases: [(&str, Vec<OwnedFd>); 7] = [
        ("nothing", vec![]),
        ("a pipe", vec![write.into()]),
        ("the other end", vec![read.into()]),
        ("a socket", vec![one.into()]),
        ("a file", vec![regular.into()]),
        ("a directory", vec![File::open("/tmp").expect("opens").into()]),
        ("a master", vec![pty.master]),
    ];
    for (what, fds) in cases {
        let (_channel, answer) = attach(&record, fds, me(), size(24, 80));
        let Some(FromHost::Failed { reason, .. }) = answer else { panic!("{what}: {answer:?}") };
        assert!(reason.contains("terminal"), "{what}: {reason}");
    }
    // Whoever was attached still is.
    terminal.type_text("undisturbed");
    terminal.wait_for_text("undisturbed");
    assert!(well_said(&sandbox, &["list"]).contains("attached"), "{}", well_said(&sandbox, &["list"]));
}

/// The master is never read, and the descriptor blocks: claude goes on, and so do the verbs.
#[test]
fn a_terminal_that_blocks_stops_nothing() {
    let (sandbox, _terminal, record) = session(TALKATIVE);
    let pty = a_pty();
    let slave = pty.slave;
    let sent = slave.try_clone().expect("a duplicate");
    let (_channel, answer) = attach(&record, vec![sent], me(), size(24, 80));
    assert!(matches!(answer, Some(FromHost::Started { .. })), "{answer:?}");
    // More than the terminal holds.
    let before = sandbox.wait_for_report("ticks", |report| report["ticks"].is_u64())["ticks"].as_u64();
    let many = before.map(|ticks| ticks + MORE_THAN_BUFFERS_HOLD);
    sandbox.wait_for_report("ticks that nobody reads", |report| report["ticks"].as_u64() > many);
    well_said(&sandbox, &["screen"]);
    assert!(!is_nonblocking(&slave), "the flag of a description that others share was changed");
}

/// A client is who the system says it is.
#[test]
fn the_client_is_the_process_that_has_connected() {
    let (sandbox, _terminal, record) = session("echo");
    for claimed in [-1, 0, 1, record.pid("child_pid").expect("a child")] {
        let pty = a_pty();
        let (_channel, answer) = attach(&record, vec![pty.slave], claimed, size(24, 80));
        assert!(matches!(answer, Some(FromHost::Started { .. })), "{claimed}: {answer:?}");
        sandbox.wait_for_record("this test as the client", |record| record.pid("client_pid") == Some(me()));
    }
}

#[test]
fn the_terminal_s_own_size_counts() {
    let (sandbox, mut terminal, record) = session("winsize");
    let pty = pty::open(support::Size { rows: 30, columns: 90, width: 0, height: 0 });
    let (channel, answer) = attach(&record, vec![pty.slave], me(), size(u16::MAX, u16::MAX));
    assert!(matches!(answer, Some(FromHost::Started { .. })), "{answer:?}");
    sandbox.wait_for_report("the size of the terminal", |report| {
        report["sizes"].as_array().and_then(|sizes| sizes.last().cloned())
            == Some(serde_json::json!([30, 90, 0, 0]))
    });
    drop(channel);
    terminal.wait_for_exit();
    sandbox.wait_for_record("nobody", |record| record.pid("client_pid").is_none());
    assert!(well_said(&sandbox, &["screen"]).lines().count() <= 30);
}

//! Connections to the control socket that say nothing, half of something, or never listen.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::{session, socket};
use crate::support::own_process::is_by_itself;
use crate::support::verb::{cckw, well_said};
use crate::support::{DEADLINE, Terminal, process};

const STATUS: &[u8] = b"{\"v\":1,\"op\":\"status\"}\n";

/// Connects, says this, and waits for an end or a line.
fn ask(path: &std::path::Path, bytes: &[u8]) -> Vec<u8> {
    let mut stream = UnixStream::connect(path).expect("connects");
    stream.set_read_timeout(Some(DEADLINE)).expect("a deadline");
    stream.write_all(bytes).expect("writes");
    let (mut all, mut buffer) = (Vec::new(), [0; 4096]);
    while !all.ends_with(b"\n") {
        match stream.read(&mut buffer).expect("an answer or an end") {
            0 => break,
            count => all.extend_from_slice(&buffer[..count]),
        }
    }
    all
}

/// In a process of its own: a thousand connections are more than many a process may have open.
#[test]
fn silent_ones_keep_nobody_out() {
    if !is_by_itself(module_path!(), "silent_ones_keep_nobody_out", 2000) {
        return;
    }
    let (sandbox, mut terminal, record) = session("echo");
    let path = socket(&record);
    let mut silent: Vec<UnixStream> =
        (0..32).map(|_| UnixStream::connect(&path).expect("connects")).collect();
    assert!(well_said(&sandbox, &["screen"]).contains("READY"));
    for round in 0..4 {
        silent.extend((0..250).map(|_| UnixStream::connect(&path).expect("connects")));
        assert!(ask(&path, STATUS).ends_with(b"\n"), "round {round}");
    }
    well_said(&sandbox, &["detach"]);
    assert_eq!(terminal.wait_for_exit().code(), Some(0));
    let mut attached = Terminal::spawn(cckw(&sandbox, &["attach"]));
    attached.wait_for_text("READY");
    attached.type_text("still here");
    attached.wait_for_text("still here");
    well_said(&sandbox, &["stop"]);
    attached.finish();
    drop(silent);
    sandbox.wait_for_silence();
}

/// Half a request, byte after byte, and answers that nobody reads: the connection is closed in the end, and
/// none of it costs the host a core.
#[test]
fn one_that_never_comes_to_an_end_is_closed() {
    let (_sandbox, _terminal, record) = session("echo");
    let path = socket(&record);
    let host = record.pid("host_pid").expect("a host");
    let connect = || {
        let stream = UnixStream::connect(&path).expect("connects");
        stream.set_read_timeout(Some(DEADLINE)).expect("a deadline");
        stream
    };
    let (mut half, mut slow, mut deaf) = (connect(), connect(), connect());
    half.write_all(&STATUS[..10]).expect("writes");
    deaf.set_nonblocking(true).expect("non-blocking");
    while deaf.write(STATUS).is_ok() {}
    let before = process::processor_time(host);
    slow.set_read_timeout(Some(Duration::from_millis(100))).expect("a pause");
    let mut buffer = [0; 64];
    let mut is_open = true;
    let begun = std::time::Instant::now();
    while is_open {
        assert!(begun.elapsed() < DEADLINE, "the slow one is never closed");
        // Blanks before an object are no error.
        is_open = slow.write_all(b" ").is_ok() && !matches!(slow.read(&mut buffer), Ok(0));
    }
    assert_eq!(half.read(&mut buffer).expect("an end"), 0);
    let spent = process::processor_time(host) - before;
    assert!(spent < Duration::from_secs(2), "{spent:?} of processor time");
    assert!(ask(&path, STATUS).ends_with(b"\n"));
}

#[test]
fn thousands_of_requests_in_one_write_are_all_answered() {
    let (_sandbox, mut terminal, record) = session("echo");
    let mut stream = UnixStream::connect(socket(&record)).expect("connects");
    stream.set_read_timeout(Some(DEADLINE)).expect("a deadline");
    let mut writer = stream.try_clone().expect("a duplicate");
    let request = b"{\"v\":1,\"op\":\"cancel-restart\"}\n";
    let sent = std::thread::spawn(move || writer.write_all(&request.repeat(10_000)));
    let (mut lines, mut buffer) = (0, [0; 65536]);
    terminal.type_text("meanwhile");
    while lines < 10_000 {
        let count = stream.read(&mut buffer).expect("answers");
        assert!(count > 0, "the host has closed the connection after {lines} answers");
        lines += buffer[..count].iter().filter(|byte| **byte == b'\n').count();
    }
    sent.join().expect("joins").expect("writes");
    terminal.wait_for_text("meanwhile");
}

/// A line that is too long is refused at a megabyte, whatever follows.
#[test]
fn a_line_without_end_is_refused() {
    let (_sandbox, _terminal, record) = session("echo");
    let path = socket(&record);
    let mut stream = UnixStream::connect(&path).expect("connects");
    stream.set_read_timeout(Some(DEADLINE)).expect("a deadline");
    let block = vec![b'x'; 1 << 20];
    while stream.write_all(&block).is_ok() {}
    assert!(ask(&path, STATUS).ends_with(b"\n"));
}

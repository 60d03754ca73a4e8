//! Who can get at a session's files and socket.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use super::child;
use crate::support::{DEADLINE, Sandbox, Terminal};

/// A session that waits, and its socket.
pub fn session() -> (Sandbox, Terminal, PathBuf) {
    let sandbox = child("echo");
    let mut terminal = Terminal::spawn(sandbox.cckw_claude());
    terminal.wait_for_text("READY");
    let record = sandbox.wait_for_record("a child", |record| record.pid("child_pid").is_some());
    let socket = PathBuf::from(record.text("socket"));
    (sandbox, terminal, socket)
}

/// What comes back for `bytes` until the host closes the connection, or has sent a line.
pub fn ask(socket: &Path, bytes: &[u8]) -> Vec<u8> {
    let mut stream = UnixStream::connect(socket).expect("connects");
    stream.set_read_timeout(Some(DEADLINE)).expect("a deadline");
    // It may have closed the connection without reading.
    let _ = stream.write_all(bytes);
    answer(&mut stream)
}

pub fn answer(stream: &mut UnixStream) -> Vec<u8> {
    let mut all = Vec::new();
    let mut buffer = [0; 4096];
    while !all.ends_with(b"\n") {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => all.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => break,
            Err(error) => panic!("no answer and no end: {error}"),
        }
    }
    all
}

pub const STATUS: &[u8] = b"{\"v\":1,\"op\":\"status\"}\n";

pub fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("is there").permissions().mode() & 0o7777
}

pub fn is_answered(bytes: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(bytes)
        .is_ok_and(|answer| answer["record"]["session"].is_string())
}

#[test]
fn files_and_socket_are_the_user_s_alone() {
    // Also for a user who shares files by habit.
    let sandbox = child("echo");
    let mut terminal = Terminal::shell("dash", &sandbox);
    terminal.run("umask 0; cckw reconnect --apply --quiet; cckw claude");
    terminal.wait_for_text("READY");
    let record = sandbox.wait_for_record("a child", |record| record.pid("child_pid").is_some());
    let socket = Path::new(record.text("socket"));
    assert_eq!(mode(socket), 0o600);
    assert_eq!(mode(socket.parent().expect("a directory")), 0o700);
    let session = record.path.parent().expect("a directory");
    assert_eq!(mode(session.parent().expect("a directory")), 0o700);
    assert_eq!(mode(session), 0o700);
    assert_eq!(mode(&session.with_file_name("reconnect.lock")), 0o600);
    // A file that is being written has another name, and may be gone by now.
    let of = |path: PathBuf| Some((fs::symlink_metadata(&path).ok()?.permissions().mode() & 0o7777, path));
    let files: Vec<(u32, PathBuf)> =
        fs::read_dir(session).expect("lists").flatten().filter_map(|entry| of(entry.path())).collect();
    assert!(files.len() >= 2, "{files:?}");
    assert!(files.iter().all(|(mode, _)| *mode == 0o600), "{files:?}");
}

#[test]
fn a_request_that_comes_byte_by_byte_is_answered() {
    let (_sandbox, _terminal, socket) = session();
    let mut stream = UnixStream::connect(&socket).expect("connects");
    stream.set_read_timeout(Some(DEADLINE)).expect("a deadline");
    for _ in 0..3 {
        for byte in STATUS.chunks(1) {
            stream.write_all(byte).expect("writes");
        }
        assert!(is_answered(&answer(&mut stream)));
    }
}

//! Who can get at a session's files and socket.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;

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

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("is there").permissions().mode() & 0o7777
}

fn is_answered(bytes: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(bytes)
        .is_ok_and(|answer| answer["record"]["session"].is_string())
}

#[test]
fn files_and_socket_are_the_user_s_alone() {
    // Also for a user who shares files by habit.
    let sandbox = child("echo");
    let mut terminal = Terminal::shell("dash", &sandbox);
    terminal.run("umask 0; cckw claude");
    terminal.wait_for_text("READY");
    let record = sandbox.wait_for_record("a child", |record| record.pid("child_pid").is_some());
    let socket = Path::new(record.text("socket"));
    assert_eq!(mode(socket), 0o600);
    assert_eq!(mode(socket.parent().expect("a directory")), 0o700);
    let session = record.path.parent().expect("a directory");
    assert_eq!(mode(session.parent().expect("a directory")), 0o700);
    assert_eq!(mode(session), 0o700);
    let files: Vec<PathBuf> =
        fs::read_dir(session).expect("lists").flatten().map(|entry| entry.path()).collect();
    assert!(files.len() >= 2, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

/// Opens the way to `path` for everybody, as far up as this user's own directories go.
fn open_to_all(path: &Path) {
    for directory in path.ancestors().skip(1) {
        let metadata = fs::metadata(directory).expect("is there");
        if metadata.uid() == nix::unistd::geteuid().as_raw() && metadata.mode() & 0o005 != 0o005 {
            fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).expect("opens");
        }
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o666)).expect("opens");
}

/// Makes this thread, and no other, act as another user.
fn become_user(user: u32) {
    // The C library's setresuid(3) would change every thread.
    // SAFETY: touches no memory.
    let changed = unsafe { libc::syscall(libc::SYS_setresuid, -1, user, -1) };
    assert_eq!(changed, 0, "{}", std::io::Error::last_os_error());
}

/// The check of the peer's credentials itself has a test beside it (`server.rs`) that needs no rights. Here a real other
/// user knocks, which only root can arrange; without root, the next best: what would stop one is in place.
#[test]
fn another_user_gets_no_answer() {
    let (_sandbox, _terminal, socket) = session();
    if !nix::unistd::geteuid().is_root() {
        assert_eq!((mode(&socket), mode(socket.parent().expect("a directory"))), (0o600, 0o700));
        return;
    }
    open_to_all(&socket);
    let other = socket.clone();
    let knocked = thread::spawn(move || {
        become_user(65534);
        ask(&other, STATUS)
    });
    assert_eq!(knocked.join().expect("the other user"), b"");
    let own = socket.clone();
    let knocked = thread::spawn(move || {
        become_user(0);
        ask(&own, STATUS)
    });
    assert!(is_answered(&knocked.join().expect("the user")));
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

//! The records of sessions that have ended go after a while, and no others.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde_json::json;

use crate::support::stand_in::{sandbox, say, start};
use crate::support::verb::{cckw, well_said};
use crate::support::{DEADLINE, Sandbox, Terminal, wait_until};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Leaves a session as its host has left it so long ago.
fn leave(sandbox: &Sandbox, number: u32, state: &str, age: Duration) -> PathBuf {
    let session = format!("{number:08x}-0000-4000-8000-000000000000");
    let directory = sandbox.path("state/cckw").join(&session);
    fs::create_dir_all(&directory).expect("a directory");
    fs::set_permissions(sandbox.path("state/cckw"), fs::Permissions::from_mode(0o700)).expect("private");
    let at = SystemTime::now() - age;
    let ended_at = at.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs();
    let record = json!({
        "session": session, "name": format!("old-{number}"), "conversation": session, "pinned": true, "state": state,
        "program": "/bin/claude", "args": [], "cwd": "/somewhere", "host_pid": 4_000_000,
        "started_at": ended_at - 60, "ended_at": (state == "stopped").then_some(ended_at),
        "socket": directory.join("control.sock"),
    });
    let path = directory.join("session.json");
    fs::write(&path, record.to_string()).expect("a record");
    fs::File::options().write(true).open(&path).and_then(|file| file.set_modified(at)).expect("an age");
    directory
}

/// Starts a session, and ends it.
fn a_session(sandbox: &Sandbox) {
    let mut terminal = start(sandbox, &["-n", "new"]);
    say(&mut terminal, "words");
    well_said(sandbox, &["stop", "new"]);
    terminal.finish();
    // Its host forgets the others last of all.
    wait_until("the end of its host", DEADLINE, || sandbox.processes().is_empty());
}

#[test]
fn ended_sessions_go_after_thirty_days_and_no_others() {
    let sandbox = sandbox();
    let transcript =
        sandbox.path("home/.claude/projects/somewhere/00000001-0000-4000-8000-000000000000.jsonl");
    fs::create_dir_all(transcript.parent().expect("a directory")).expect("a directory");
    fs::write(&transcript, "{}\n").expect("a transcript");
    let old = leave(&sandbox, 1, "stopped", 31 * DAY);
    let recent = leave(&sandbox, 2, "stopped", 29 * DAY);
    // These can be brought back, and wait for a word of the user's.
    let others = ["crashed", "terminated", "running"].map(|state| (state, state.len() as u32));
    let others = others.map(|(state, number)| leave(&sandbox, 16 + number, state, 99 * DAY));
    let locked = leave(&sandbox, 3, "stopped", 99 * DAY);
    let lock = fs::File::create(locked.join("host.lock")).expect("a lock");
    lock.lock().expect("locks");
    let damaged = leave(&sandbox, 4, "stopped", 99 * DAY);
    fs::File::options()
        .write(true)
        .open(damaged.join("session.json"))
        .and_then(|file| file.set_len(20))
        .expect("half a record");
    // Nothing that a link leads to is touched.
    let precious = sandbox.path("precious");
    fs::create_dir(&precious).expect("a directory");
    std::os::unix::fs::symlink(&precious, old.join("link")).expect("a link");
    fs::write(precious.join("file"), "").expect("a file");
    a_session(&sandbox);
    wait_until("the end of the old one", DEADLINE, || !old.exists());
    for kept in [&recent, &locked, &damaged, &transcript, &precious.join("file")].into_iter().chain(&others) {
        assert!(kept.exists(), "{}", kept.display());
    }
    assert!(well_said(&sandbox, &["list", "--all"]).contains("new  "));
}

#[test]
fn how_long_is_configured() {
    let sandbox = sandbox();
    sandbox.configure("[records]\nkeep = \"off\"\n");
    let (old, recent) = (leave(&sandbox, 1, "stopped", 999 * DAY), leave(&sandbox, 2, "stopped", DAY / 2));
    a_session(&sandbox);
    assert!(old.exists() && recent.exists());
    sandbox.configure("[records]\nkeep = \"1d\"\n");
    a_session(&sandbox);
    assert!(!old.exists() && recent.exists());
    sandbox.configure("[records]\nkeep = \"11h\"\n");
    a_session(&sandbox);
    assert!(!recent.exists());
    sandbox.configure("[records]\nkeep = \"0s\"\n");
    let refused = sandbox.cckw_claude().arg("--resume").output().expect("runs");
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && error.contains("it must be longer than zero"), "{error}");
}

#[test]
fn a_start_that_failed_leaves_no_record() {
    let sandbox = sandbox();
    let mut command = sandbox.cckw_claude();
    command.arg("--no-such-flag");
    let mut terminal = Terminal::spawn(command);
    assert_eq!(terminal.finish().code(), Some(1), "{}", terminal.report());
    assert!(terminal.screen().contains("no-such-flag"), "{}", terminal.report());
    sandbox.wait_for_silence();
    assert_eq!(well_said(&sandbox, &["list", "--all"]), "no sessions; `cckw claude` starts one\n");
    let left = fs::read_dir(sandbox.path("state/cckw")).expect("a directory").count();
    assert_eq!(left, 0);
    // An error after it has come up is an end like another.
    let mut terminal = start(&sandbox, &["-n", "work"]);
    say(&mut terminal, "words");
    assert!(cckw(&sandbox, &["stop"]).status().expect("runs").success());
    terminal.finish();
    sandbox.wait_for_silence();
    assert_eq!(sandbox.records().len(), 1);
}

//! Removed, moved or replaced while the session runs.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use nix::sys::signal::Signal;

use super::{detached, detached_in, end, is_within_reach, listed, said};
use crate::support::stand_in::{at_prompt, sandbox, start, submit};
use crate::support::verb::{cckw, well_said};
use crate::support::{DEADLINE, Record, Sandbox, Terminal, process, wait_until};

pub fn directory(record: &Record) -> PathBuf {
    record.path.parent().expect("a directory").to_owned()
}

/// What somebody does to the files, and what must be there again afterwards.
type Deed = fn(&Sandbox, &Path);

/// Removes a file, or a directory with all that is in it. The host may be putting something else in its place,
/// writing into it, or removing a file of its own there at the same time.
pub fn remove(path: PathBuf) {
    use std::io::ErrorKind::{DirectoryNotEmpty, IsADirectory, NotADirectory, NotFound};
    wait_until("the end of a file", DEADLINE, || {
        let removed = if fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir()) {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        match removed.map_err(|error| error.kind()) {
            Ok(()) | Err(NotFound) => true,
            Err(DirectoryNotEmpty | IsADirectory | NotADirectory) => false,
            Err(error) => panic!("{}: {error}", path.display()),
        }
    });
}

const DEEDS: [(&str, Deed); 9] = [
    ("the socket is removed", |_, directory| remove(directory.join("control.sock"))),
    ("the socket is moved away", |_, directory| {
        fs::rename(directory.join("control.sock"), directory.join("away")).expect("moves");
    }),
    ("a file is put in the socket's place", |_, directory| {
        fs::write(directory.join("theirs"), "").expect("writes");
        fs::rename(directory.join("theirs"), directory.join("control.sock")).expect("replaces");
    }),
    ("the lock is removed", |_, directory| remove(directory.join("host.lock"))),
    ("the record is removed", |_, directory| remove(directory.join("session.json"))),
    ("all files are removed", |_, directory| {
        for entry in fs::read_dir(directory).expect("lists").flatten() {
            remove(entry.path());
        }
    }),
    ("the directory is removed", |_, directory| remove(directory.to_owned())),
    ("the state directory is removed", |sandbox, _| remove(sandbox.path("state"))),
    ("the directory is renamed", |sandbox, directory| {
        fs::rename(directory, sandbox.path("state/cckw/renamed")).expect("renames");
    }),
];

/// The files that a session is found by are there.
pub fn are_whole(directory: &Path) -> bool {
    ["control.sock", "host.lock", "session.json", "first.json", "environment"]
        .iter()
        .all(|name| fs::symlink_metadata(directory.join(name)).is_ok())
        && std::os::unix::net::UnixStream::connect(directory.join("control.sock")).is_ok()
        && fs::read(directory.join("session.json"))
            .is_ok_and(|text| serde_json::from_slice::<serde_json::Value>(&text).is_ok())
        && File::open(directory.join("host.lock")).is_ok_and(|lock| lock.try_lock_shared().is_err())
}

#[test]
fn whatever_is_removed_is_made_anew_and_the_session_stays_within_reach() {
    let (sandbox, record) = detached();
    let directory = directory(&record);
    for (what, deed) in DEEDS {
        deed(&sandbox, &directory);
        wait_until(&format!("all files after {what}"), DEADLINE, || are_whole(&directory));
        is_within_reach(&sandbox, &record);
    }
    let log = well_said(&sandbox, &["logs"]);
    assert!(log.contains("files-made-anew"), "{log}");
    end(&sandbox);
    // Nothing of it runs on, and the last directory is the session's.
    assert_eq!(listed(&sandbox)["state"], "stopped");
    let mut back = cckw(&sandbox, &["start", "work"]);
    assert!(back.status().expect("starts").success());
    end(&sandbox);
}

#[test]
fn an_attached_session_goes_on_in_its_terminal() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &["-n", "work"]);
    let record = sandbox.wait_for_record("an idle claude", |record| record.text("status") == "idle");
    for (what, deed) in [DEEDS[6], DEEDS[0], DEEDS[6], DEEDS[6]] {
        deed(&sandbox, &directory(&record));
        wait_until(&format!("all files after {what}"), DEADLINE, || are_whole(&directory(&record)));
    }
    submit(&mut terminal, "some words");
    terminal.wait_for_text(super::WORDS);
    at_prompt(&mut terminal);
    // A crash finds all that a relaunch needs.
    process::signal(record.pid("claude_pid").expect("a claude"), Signal::SIGKILL);
    sandbox.wait_for_record("another claude", |now| {
        now.text("status") == "idle"
            && now.json["restarts"] == 1
            && now.json["claude_pid"] != record.json["claude_pid"]
    });
    terminal.wait_for_text(super::WORDS);
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    sandbox.wait_for_silence();
}

#[test]
fn a_busy_claude_does_not_mind() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &["-n", "work"]);
    submit(&mut terminal, "/fault flood 100000000");
    terminal.wait_for_text("flood ");
    terminal.hang_up();
    let record = sandbox.wait_for_record("nobody attached", |record| record.json["client_pid"].is_null());
    remove(directory(&record));
    wait_until("all files", DEADLINE, || are_whole(&directory(&record)));
    // So much output, on a busy machine, may keep the host from an answer in time.
    wait_until("its screen", DEADLINE, || said(&sandbox, &["screen"]).status.success());
    end(&sandbox);
}

/// As systemd does at the last logout; then cron, `sudo -u`, and the next login.
#[test]
fn without_the_runtime_directory_and_with_another_one_it_is_the_same_session() {
    let (mut sandbox, record) = detached();
    fs::remove_dir_all(sandbox.path("run")).expect("the logout");
    for runtime in ["missing", "another", ""] {
        fs::create_dir_all(sandbox.path("another")).expect("a login's directory");
        if runtime.is_empty() {
            sandbox.unset("XDG_RUNTIME_DIR");
        } else {
            sandbox.set("XDG_RUNTIME_DIR", sandbox.path(runtime));
        }
        is_within_reach(&sandbox, &record);
    }
    // One whose host is killed is brought back from there, too.
    process::signal(record.pid("host_pid").expect("a host"), Signal::SIGKILL);
    sandbox.wait_for_silence();
    sandbox.set("XDG_RUNTIME_DIR", sandbox.path("another"));
    cckw(&sandbox, &["list"]).output().expect("runs");
    sandbox
        .wait_for_record("another claude", |now| now.text("status") == "idle" && now.json["restarts"] == 1);
    end(&sandbox);
}

#[test]
fn a_host_that_cannot_make_its_socket_anew_is_said_to_be_alive_and_no_command_waits_for_ever() {
    let (sandbox, record) = detached();
    let host = record.pid("host_pid").expect("a host");
    process::signal(host, Signal::SIGSTOP);
    remove(directory(&record).join("control.sock"));
    let line = listed(&sandbox);
    assert_eq!((&line["state"], &line["running"]), (&"hung".into(), &false.into()), "{line}");
    let hint = line["hint"].as_str().expect("a hint");
    assert!(hint.contains(&format!("kill -CONT {host}")), "{hint}");
    let mut attaching = Terminal::spawn(cckw(&sandbox, &["attach"]));
    // Several at once, for each of them waits as long as the others.
    let verbs: [&[&[&str]]; 3] =
        [&[&["screen"], &["detach"]], &[&["stop"], &["start", "work"], &["rm", "work"]], &[&["restart"]]];
    std::thread::scope(|threads| {
        for verbs in &verbs {
            threads.spawn(|| {
                for words in *verbs {
                    let output = said(&sandbox, words);
                    let text = String::from_utf8_lossy(&output.stderr).into_owned();
                    let refused = !output.status.success() && text.contains(&format!("process {host}"));
                    assert!(refused, "{words:?}: {text}");
                }
            });
        }
    });
    assert_eq!(attaching.finish().code(), Some(1), "{}", attaching.report());
    said(&sandbox, &["logs"]);
    // What was advised works.
    process::signal(host, Signal::SIGCONT);
    is_within_reach(&sandbox, &record);
    end(&sandbox);
}

#[test]
fn a_host_whose_session_another_one_has_leaves_the_files_alone_until_it_is_free() {
    let (sandbox, record) = detached();
    let lock = directory(&record).join("host.lock");
    let other = File::create(sandbox.path("lock")).expect("a file");
    other.lock().expect("locks, as another host does");
    fs::rename(sandbox.path("lock"), &lock).expect("replaces");
    let log = || fs::read_to_string(directory(&record).join("events.jsonl")).expect("a log");
    wait_until("a word about it", DEADLINE, || log().contains("\"displaced\""));
    remove(record.path.clone());
    // It does not write the other one's record. Whatever it writes in between would come before the answer.
    let socket = std::os::unix::net::UnixStream::connect(directory(&record).join("control.sock"));
    drop(socket.expect("connects"));
    assert!(!record.path.exists());
    drop(other);
    wait_until("all files", DEADLINE, || are_whole(&directory(&record)));
    is_within_reach(&sandbox, &record);
    end(&sandbox);
}

#[test]
fn several_sessions_lose_their_files_at_once() {
    const SESSIONS: usize = 5;
    let sandbox = sandbox();
    for number in 0..SESSIONS {
        let mut terminal = start(&sandbox, &["-n", &format!("work{number}")]);
        terminal.hang_up();
    }
    wait_until("all detached", DEADLINE, || {
        sandbox
            .records()
            .iter()
            .all(|record| record.json["client_pid"].is_null() && record.text("status") == "idle")
    });
    remove(sandbox.path("state/cckw"));
    wait_until("all sessions", DEADLINE, || {
        let list = well_said(&sandbox, &["list", "--json"]);
        list.lines().filter(|line| line.contains(r#""state":"idle""#)).count() == SESSIONS
    });
    for number in 0..SESSIONS {
        well_said(&sandbox, &["stop", &format!("work{number}")]);
    }
    sandbox.wait_for_silence();
}

/// The one who is slower has nothing to complain about.
#[test]
fn two_commands_that_bring_all_back_at_once_both_succeed() {
    const ROUNDS: usize = 3;
    let sandbox = sandbox();
    detached_in(&sandbox);
    for _ in 0..ROUNDS {
        let record = sandbox.records().remove(0);
        process::signal(record.pid("host_pid").expect("a host"), Signal::SIGKILL);
        sandbox.wait_for_silence();
        let starting = || cckw(&sandbox, &["start", "--all"]).stderr(Stdio::piped()).spawn().expect("starts");
        for starting in [starting(), starting(), starting()] {
            let output = starting.wait_with_output().expect("ends");
            assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        }
        sandbox.wait_for_record("a claude", |now| {
            now.text("status") == "idle" && now.json["claude_pid"] != record.json["claude_pid"]
        });
    }
    end(&sandbox);
}

/// A host that is killed before it has noticed that its socket is gone leaves none. The next command brings
/// the session back all the same.
#[test]
fn a_host_that_is_killed_right_after_its_socket_was_removed_is_replaced() {
    let (sandbox, record) = detached();
    let host = record.pid("host_pid").expect("a host");
    process::signal(host, Signal::SIGSTOP);
    remove(directory(&record).join("control.sock"));
    process::signal(host, Signal::SIGKILL);
    sandbox.wait_for_silence();
    said(&sandbox, &["list"]);
    let back = sandbox.wait_for_record("another claude", |now| {
        now.text("status") == "idle" && now.json["restarts"] == 1 && now.pid("claude_pid").is_some()
    });
    is_within_reach(&sandbox, &back);
    end(&sandbox);
}

/// The same with its whole directory, or the one of all sessions: nothing is left on disk. The client knows
/// the session.
#[test]
fn a_client_replaces_a_host_that_is_killed_right_after_its_directory_was_removed() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &["-n", "work"]);
    submit(&mut terminal, "some words");
    terminal.wait_for_text(super::WORDS);
    let mut attached = None;
    for is_attached in [false, true] {
        if is_attached {
            // One that has not started the session.
            attached = Some(Terminal::spawn(cckw(&sandbox, &["attach"])));
            assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
        }
        let terminal = attached.as_mut().unwrap_or(&mut terminal);
        terminal.wait_for_text(super::WORDS);
        let record = sandbox.wait_for_record("an idle claude", |record| {
            record.text("status") == "idle" && record.pid("client_pid") == Some(terminal.pid())
        });
        let host = record.pid("host_pid").expect("a host");
        process::signal(host, Signal::SIGSTOP);
        remove(if is_attached { sandbox.path("state/cckw") } else { directory(&record) });
        process::signal(host, Signal::SIGKILL);
        let back = sandbox.wait_for_record("another claude", |now| {
            now.text("status") == "idle" && now.pid("host_pid") != Some(host)
        });
        for key in ["session", "conversation", "name", "args", "cwd", "program"] {
            assert_eq!(back.json[key], record.json[key], "{key}");
        }
        at_prompt(terminal);
    }
    let mut terminal = attached.expect("a terminal");
    submit(&mut terminal, "/exit");
    assert!(terminal.finish().success());
    sandbox.wait_for_silence();
}

/// The same with its record, and with a client, which brings the session back.
#[test]
fn a_client_replaces_a_host_that_is_killed_right_after_its_record_was_removed() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &["-n", "work"]);
    submit(&mut terminal, "some words");
    terminal.wait_for_text(super::WORDS);
    let record = sandbox.wait_for_record("an idle claude", |record| record.text("status") == "idle");
    let host = record.pid("host_pid").expect("a host");
    process::signal(host, Signal::SIGSTOP);
    remove(record.path.clone());
    process::signal(host, Signal::SIGKILL);
    let back = sandbox.wait_for_record("another claude", |now| {
        now.text("status") == "idle" && now.pid("host_pid") != Some(host)
    });
    assert_eq!(back.text("conversation"), record.text("conversation"));
    at_prompt(&mut terminal);
    submit(&mut terminal, "/exit");
    assert!(terminal.finish().success());
    sandbox.wait_for_silence();
}

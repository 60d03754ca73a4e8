//! Something else takes the place of a session's record or directory while the session runs.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use nix::sys::stat::Mode;
use uuid::Uuid;

use super::removed::{are_whole, directory, remove};
use super::{detached, end, is_within_reach, listed};
use crate::support::verb::well_said;
use crate::support::{DEADLINE, wait_until};

type Put = fn(&Path) -> io::Result<()>;

/// What may take the place of a file.
const THINGS: [(&str, Put); 6] = [
    ("an empty directory", |path| fs::create_dir(path)),
    ("a directory with something in it", |path| {
        fs::create_dir(path)?;
        fs::create_dir(path.join("below"))
    }),
    ("a pipe", |path| Ok(nix::unistd::mkfifo(path, Mode::S_IRWXU)?)),
    ("a socket", |path| UnixListener::bind(path).map(drop)),
    ("a link to a device", |path| symlink("/dev/zero", path)),
    ("a link to a record", |path| symlink("first.json", path)),
];

/// Takes away what is at `path`, and puts something else there. The host may write its own file between
/// the two; then both are done again.
fn replace(path: &Path, take: impl Fn(), put: Put) {
    wait_until("something else in its place", DEADLINE, || {
        take();
        match put(path) {
            Ok(()) => true,
            Err(error) => {
                // What was put there may be aside by now, or a file may be in its place.
                let host_was_faster = [
                    ErrorKind::AlreadyExists,
                    ErrorKind::AddrInUse,
                    ErrorKind::NotADirectory,
                    ErrorKind::NotFound,
                ];
                assert!(host_was_faster.contains(&error.kind()), "{error}");
                false
            }
        }
    });
}

#[test]
fn whatever_takes_the_place_of_the_record_it_is_written_again() {
    let (sandbox, record) = detached();
    for (what, put) in THINGS {
        replace(&record.path, || remove(record.path.clone()), put);
        let is_file = || fs::symlink_metadata(&record.path).is_ok_and(|found| found.is_file());
        wait_until(&format!("a record in place of {what}"), DEADLINE, || {
            is_file() && are_whole(&directory(&record))
        });
        is_within_reach(&sandbox, &record);
    }
    // What was there is kept.
    assert!(directory(&record).join("session.json.replaced").is_dir());
    end(&sandbox);
}

/// Without a command that looks: another record is moved, or written, to its place.
#[test]
fn another_record_in_its_place_is_replaced() {
    let (sandbox, record) = detached();
    let own = fs::read(&record.path).expect("reads");
    let older = String::from_utf8(own.clone()).expect("UTF-8").replace("idle", "busy");
    let is_own = || fs::read(&record.path).is_ok_and(|now| now == own);
    fs::write(&record.path, &older).expect("writes");
    wait_until("the record that was written over", DEADLINE, is_own);
    fs::write(sandbox.path("older"), &older).expect("writes");
    fs::rename(sandbox.path("older"), &record.path).expect("replaces");
    wait_until("the record that was replaced", DEADLINE, is_own);
    end(&sandbox);
}

#[test]
fn whatever_takes_the_place_of_its_directory_is_put_aside() {
    let (sandbox, record) = detached();
    let own = directory(&record);
    for (what, put) in &THINGS[2..] {
        let away = sandbox.path("away");
        let take = || {
            if away.exists() {
                remove(away.clone());
            }
            fs::rename(&own, &away).expect("moves");
        };
        replace(&own, take, *put);
        wait_until(&format!("the directory in place of {what}"), DEADLINE, || are_whole(&own));
        is_within_reach(&sandbox, &record);
        remove(sandbox.path("away"));
    }
    end(&sandbox);
}

#[test]
fn a_directory_with_another_session_s_name_is_no_second_session() {
    let (sandbox, record) = detached();
    let own = directory(&record);
    let other = own.with_file_name(Uuid::new_v4().to_string());
    fs::rename(&own, &other).expect("renames");
    // At once, and later.
    assert_eq!(listed(&sandbox)["session"], record.json["session"]);
    wait_until("all files", DEADLINE, || are_whole(&own));
    is_within_reach(&sandbox, &record);
    // A copy of it is none either.
    let copy = own.with_file_name(Uuid::new_v4().to_string());
    fs::create_dir(&copy).expect("makes it");
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o700)).expect("a mode");
    for name in ["session.json", "first.json", "events.jsonl"] {
        fs::copy(own.join(name), copy.join(name)).expect("copies");
    }
    assert_eq!(listed(&sandbox)["session"], record.json["session"]);
    end(&sandbox);
    assert_eq!(listed(&sandbox)["session"], record.json["session"]);
    // Without its own directory it is all that is left.
    fs::remove_dir_all(&own).expect("removes");
    fs::remove_dir_all(&other).expect("removes");
    let line = listed(&sandbox);
    assert_eq!(line["state"], "unreadable", "{line}");
    let session = line["session"].as_str().expect("an id").to_owned();
    well_said(&sandbox, &["start", &session]);
    sandbox.wait_for_record("an idle claude", |now| {
        now.text("status") == "idle" && now.json["conversation"] == record.json["conversation"]
    });
    end(&sandbox);
}

//! The program of the service is replaced while it runs.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::{Service, is_idle, new, stop_all, wait_for};
use crate::support::stand_in::sandbox;
use crate::support::verb::{cckw, well_said};
use crate::support::{DEADLINE, Sandbox, cckw_program, pid, process, wait_until};

/// A copy of this cckw under this name. Another process makes it: what this one has open for writing, the
/// children of other tests have for a moment, too, and then nobody can execute it.
fn copy(sandbox: &Sandbox, name: &str) -> PathBuf {
    let path = sandbox.path(name);
    let copied = sandbox.command("cp").arg(cckw_program()).arg(&path).status().expect("runs");
    assert!(copied.success());
    path
}

fn start(sandbox: &Sandbox, program: &Path) -> Service {
    let mut command = sandbox.command(program);
    command.args(["service", "run"]);
    Service::start_by(sandbox, command)
}

/// Waits until the service executes the file at this path, and has begun as such.
#[track_caller]
fn runs(sandbox: &Sandbox, service: &Service, path: &Path) {
    let identity = |path: &Path| fs::metadata(path).map(|file| (file.dev(), file.ino())).ok();
    wait_until("the new program", DEADLINE, || {
        identity(format!("/proc/{}/exe", service.pid()).as_ref()) == identity(path)
            && status(sandbox)["outdated"] == false
    });
}

fn status(sandbox: &Sandbox) -> Value {
    let output = cckw(sandbox, &["service", "status", "--json"]).output().expect("runs");
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

#[test]
fn it_goes_on_as_the_program_that_was_renamed_over_it_and_heals_what_dies_then() {
    let sandbox = sandbox();
    let program = copy(&sandbox, "program");
    let service = start(&sandbox, &program);
    let began = status(&sandbox)["pid"].clone();
    let record = new(&sandbox, "one");
    assert_eq!(status(&sandbox)["outdated"], false);
    // More than once: the second one is watched by a program that has taken over.
    for _ in 0..2 {
        fs::rename(copy(&sandbox, "next"), &program).expect("replaces");
        runs(&sandbox, &service, &program);
    }
    process::signal(pid(&record, "host_pid"), Signal::SIGKILL);
    wait_for(&sandbox, "one", "another host", |now| {
        now.pid("host_pid") != record.pid("host_pid") && is_idle(now)
    });
    assert_eq!(status(&sandbox)["pid"], began);
    wait_until("rest", DEADLINE, || process::children(service.pid()).is_empty());
    let before = service.sleeps();
    std::thread::sleep(Duration::from_secs(3));
    // It may have been about to go to sleep.
    assert!(service.sleeps() - before <= 1, "the service wakes up at rest");
    stop_all(&sandbox, cckw(&sandbox, &["stop", "--all"]));
    // Its signals are not blocked any more.
    assert_eq!(service.end(Signal::SIGTERM), Some(0));
    sandbox.wait_for_silence();
}

#[test]
fn a_session_whose_host_dies_during_the_exchange_is_brought_back() {
    let sandbox = sandbox();
    let program = copy(&sandbox, "program");
    let service = start(&sandbox, &program);
    let record = new(&sandbox, "one");
    fs::rename(copy(&sandbox, "next"), &program).expect("replaces");
    let inode = |path: &Path| fs::metadata(path).map(|file| file.ino()).ok();
    let running = PathBuf::from(format!("/proc/{}/exe", service.pid()));
    wait_until("the new program", DEADLINE, || inode(&running) == inode(&program));
    process::signal(pid(&record, "host_pid"), Signal::SIGKILL);
    wait_for(&sandbox, "one", "another host", |now| {
        now.pid("host_pid") != record.pid("host_pid") && is_idle(now)
    });
    stop_all(&sandbox, cckw(&sandbox, &["stop", "--all"]));
    drop(service);
    sandbox.wait_for_silence();
}

#[test]
fn a_program_that_does_not_work_is_not_taken_and_the_next_one_is() {
    let sandbox = sandbox();
    let program = copy(&sandbox, "program");
    let service = start(&sandbox, &program);
    assert_eq!(status(&sandbox)["not_taken"], Value::Null);
    fs::copy("/bin/true", sandbox.path("broken")).expect("a copy");
    fs::rename(sandbox.path("broken"), &program).expect("replaces");
    wait_until("a refusal", DEADLINE, || status(&sandbox)["not_taken"].is_string());
    let found = status(&sandbox);
    assert_eq!((&found["outdated"], &found["pid"]), (&true.into(), &service.pid().into()));
    assert_eq!(found["version"], env!("CARGO_PKG_VERSION"));
    let said = well_said(&sandbox, &["service", "status"]);
    assert!(said.contains("the service does not take it: it says that it is"), "{said}");
    let log = fs::read_to_string(sandbox.path("service.log")).expect("a log");
    assert_eq!(log.matches("It is not taken").count(), 1, "{log}");
    fs::rename(copy(&sandbox, "next"), &program).expect("replaces");
    runs(&sandbox, &service, &program);
    assert_eq!(status(&sandbox)["not_taken"], Value::Null);
    assert_eq!(service.end(Signal::SIGTERM), Some(0));
}

#[test]
fn a_link_that_leads_to_the_next_version_is_followed() {
    let sandbox = sandbox();
    let (first, second) = (copy(&sandbox, "first"), copy(&sandbox, "second"));
    let link = sandbox.path("link");
    symlink(&first, &link).expect("links");
    let service = start(&sandbox, &link);
    symlink(&second, sandbox.path("new-link")).expect("links");
    fs::rename(sandbox.path("new-link"), &link).expect("replaces");
    runs(&sandbox, &service, &second);
    assert_eq!(service.end(Signal::SIGTERM), Some(0));
}

#[test]
fn a_new_program_on_trial_has_the_service_as_its_witness() {
    let sandbox = sandbox();
    let program = copy(&sandbox, "program");
    let service = start(&sandbox, &program);
    let state = sandbox.path("state/cckw");
    let swap = json!({
        "program": program, "release": env!("CARGO_PKG_VERSION"), "previous": "0.0.9", "sha256": "0", "at_ms": 7,
        "guard": { "state": "trial", "early_ends": [], "service": null },
    });
    fs::write(state.join("update.json"), json!({ "version": 1, "swap": swap }).to_string()).expect("writes");
    let trial = concat!("update-trial-", env!("CARGO_PKG_VERSION"));
    fs::write(state.join(trial), "").expect("writes");
    fs::rename(copy(&sandbox, "next"), &program).expect("replaces");
    runs(&sandbox, &service, &program);
    let guard = || -> Value {
        let marker = fs::read(state.join("update.json")).unwrap_or_default();
        serde_json::from_slice::<Value>(&marker).unwrap_or_default()["swap"]["guard"].clone()
    };
    let began = |service: &Service| {
        let pid = format!("{}:", service.pid());
        wait_until("its start", DEADLINE, || {
            guard()["service"][0].as_str().is_some_and(|process| process.starts_with(&pid))
        });
    };
    began(&service);
    assert_eq!(guard()["early_ends"], json!([]), "an exchange is no early end");
    let first = guard()["service"][0].clone();
    service.end(Signal::SIGKILL);
    let service = start(&sandbox, &program);
    began(&service);
    assert_eq!(guard()["early_ends"], json!([first]));
    drop(service);
}

//! A program that was just installed, and whose hosts end at their start: the one before comes back.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use nix::sys::signal::Signal;
use serde_json::json;

use super::place::{Home, VERSION};
use super::release;
use crate::support::{DEADLINE, cckw_program, has_faults, process, wait_until};

/// A home in which this cckw was installed a moment ago over a cckw 0.0.9.
fn on_trial() -> Home {
    let home = Home::new();
    home.make_state();
    put_on_trial(&home);
    home
}

fn put_on_trial(home: &Home) {
    fs::copy(release::program("0.0.9", ""), home.folder().join("cckw.old")).expect("copies");
    fs::set_permissions(home.folder().join("cckw.old"), fs::Permissions::from_mode(0o755)).expect("a mode");
    let swap = json!({
        "program": home.program(), "release": VERSION, "previous": "0.0.9", "sha256": release::sha256(&home.program()),
        "at_ms": 7, "guard": { "state": "trial", "early_ends": [], "service": null },
    });
    fs::write(home.state("update.json"), json!({ "version": 1, "swap": swap }).to_string()).expect("writes");
    fs::write(trial_file(home), "").expect("writes");
}

fn trial_file(home: &Home) -> PathBuf {
    home.state(&format!("update-trial-{VERSION}"))
}

/// Starts a session without a terminal. Whether it came up.
fn starts(home: &Home, name: &str) -> bool {
    home.run(&["new", name]).status.success()
}

fn host(home: &Home, name: &str) -> i32 {
    let records = home.sandbox.records();
    let record = records.iter().find(|record| record.json["name"] == name).expect("a record");
    record.pid("host_pid").expect("a host")
}

/// What this cckw says, wherever it is installed.
fn own(home: &Home, words: &[&str]) -> String {
    let output = home.sandbox.command(cckw_program()).args(words).output().expect("runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn hosts_that_do_not_come_up_bring_the_program_before_back_and_it_is_said() {
    if !has_faults() {
        return;
    }
    let mut home = on_trial();
    home.sandbox.set("CCKW_FAULT", "start-recorded");
    assert!(!starts(&home, "one") && !starts(&home, "two"));
    assert_eq!(home.version(), VERSION);
    assert!(!starts(&home, "three"));
    assert_eq!(
        (home.version(), home.installed()),
        ("0.0.9".into(), vec!["cckw".into(), "cckw.old".to_owned()])
    );
    home.sandbox.unset("CCKW_FAULT");
    let said = format!("cckw {VERSION} did not work here, and 0.0.9 is installed again; see: cckw doctor");
    // The list says it for some days after the exchange.
    assert!(!own(&home, &["list"]).contains(&said));
    let mut marker = home.marker();
    marker["swap"]["at_ms"] = json!(now_ms());
    fs::write(home.state("update.json"), marker.to_string()).expect("writes");
    assert!(own(&home, &["list"]).contains(&said));
    assert!(
        own(&home, &["doctor"]).contains(&format!("{VERSION} was installed, its hosts ended at their start"))
    );
    assert_eq!(home.marker()["not_kept"], json!([VERSION]));
    assert!(!trial_file(&home).exists());
}

fn now_ms() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time").as_millis() as u64
}

#[test]
fn hosts_that_are_found_dead_bring_the_program_before_back() {
    let home = on_trial();
    for name in ["one", "two", "three"] {
        assert!(starts(&home, name));
    }
    for name in ["one", "two", "three"] {
        process::signal(host(&home, name), Signal::SIGKILL);
    }
    wait_until("the end of the locks", DEADLINE, || home.sandbox.locks_are_free());
    // Whoever looks next finds them.
    own(&home, &["list"]);
    assert_eq!(home.version(), "0.0.9");
}

#[test]
fn a_host_that_lives_for_a_while_ends_the_trial() {
    let home = on_trial();
    assert!(starts(&home, "one"));
    assert!(trial_file(&home).exists());
    wait_until("the end of the trial", DEADLINE, || !trial_file(&home).exists());
    for name in ["two", "three", "four", "five"] {
        assert!(starts(&home, name));
        process::signal(host(&home, name), Signal::SIGKILL);
    }
    wait_until("all but one lock", DEADLINE, || {
        ["two", "three", "four", "five"].iter().all(|name| !process::runs(host(&home, name)))
    });
    own(&home, &["list"]);
    assert_eq!(home.version(), VERSION);
}

#[test]
fn sessions_that_are_stopped_say_nothing_against_a_program() {
    let home = on_trial();
    for name in ["one", "two", "three", "four"] {
        assert!(starts(&home, name));
        home.well_said(&["stop", name]);
    }
    own(&home, &["list"]);
    assert_eq!(home.version(), VERSION);
    assert!(trial_file(&home).exists());
}

/// A host that goes on as a program on trial counts like one that was started with it.
#[test]
fn a_host_that_was_handed_over_to_the_new_program_ends_the_trial() {
    let home = Home::new();
    assert!(starts(&home, "one"));
    // This host is older than the trial, so it knows nothing of it.
    put_on_trial(&home);
    let said = home.well_said(&["restart", "--hosts", "--force"]);
    assert!(said.starts_with("one: "), "{said}");
    assert!(home.state("").join(session(&home, "one")).join("on-trial").exists());
    wait_until("the end of the trial", DEADLINE, || !trial_file(&home).exists());
}

fn session(home: &Home, name: &str) -> String {
    let records = home.sandbox.records();
    let record = records.iter().find(|record| record.json["name"] == name).expect("a record");
    record.json["session"].as_str().expect("an id").to_owned()
}

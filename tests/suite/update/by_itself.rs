//! New versions that nobody has asked for.

use std::fs;
use std::process::Stdio;

use serde_json::json;

use super::place::{Home, VERSION};
use super::release::Release;
use super::server::Server;
use crate::support::{DEADLINE, has_faults, wait_until};

/// What the service has a process do once a day. Gives what that says to the journal of the system.
fn look(home: &Home) -> String {
    let output = home.run(&["update-by-itself"]);
    assert!(output.stdout.is_empty(), "{output:?}");
    String::from_utf8(output.stderr).expect("UTF-8")
}

#[test]
fn nothing_is_asked_or_done_unless_that_is_configured() {
    let server = Server::with(&Release::new("0.2.0", ""));
    let home = Home::of_server(&server);
    for auto in ["", "off"] {
        if !auto.is_empty() {
            home.set_auto(auto);
        }
        assert_eq!(look(&home), "");
    }
    assert_eq!((server.asked("manifest.json").len(), home.version()), (0, VERSION.into()));
    assert!(!home.well_said(&["list"]).contains("available"));
}

#[test]
fn a_new_version_that_was_looked_for_is_said() {
    let server = Server::with(&Release::new("0.2.0", ""));
    let home = Home::of_server(&server);
    home.set_auto("check");
    assert_eq!(look(&home), "cckw: 0.2.0 is available\n");
    assert_eq!((server.asked("cckw").len(), home.version()), (0, VERSION.into()));
    let said = "0.2.0 is available; to take it: cckw update";
    assert!(home.well_said(&["list"]).ends_with(&format!("cckw {said}\n")));
    let output = home.run(&["doctor"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains(said), "{output:?}");
}

#[test]
fn a_version_that_did_not_work_here_is_not_installed_again_by_itself() {
    let home = Home::having(Release::new("0.2.0", ""));
    home.set_auto("apply");
    home.make_state();
    fs::write(home.state("update.json"), json!({ "version": 1, "not_kept": ["0.2.0"] }).to_string())
        .expect("writes");
    assert_eq!(look(&home), "cckw: 0.2.0 is available\n");
    assert_eq!(home.version(), VERSION);
    // Its user may.
    home.well_said(&["update"]);
    assert_eq!(home.version(), "0.2.0");
}

#[test]
fn a_look_that_fails_is_said_and_not_tried_again_the_same_day() {
    let home = Home::of("file:///nowhere/manifest.json");
    home.set_auto("apply");
    assert!(look(&home).contains("file:///nowhere/manifest.json cannot be read"));
    assert!(home.marker()["checked_at"].is_u64());
    assert_eq!(home.installed(), ["cckw"]);
}

#[test]
fn the_service_installs_a_new_version_where_that_is_configured() {
    if !has_faults() {
        return;
    }
    let mut home = Home::having(Release::new("0.2.0", ""));
    home.set_auto("apply");
    home.sandbox.set("CCKW_FAULT", "update-soon");
    let mut command = home.command(&["service", "run"]);
    let mut service = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
    wait_until("the new version", DEADLINE, || {
        home.installed() == ["cckw", "cckw.old"] && home.version() == "0.2.0"
    });
    // It goes on meanwhile, and is told to end.
    assert!(service.try_wait().expect("looks").is_none());
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(service.id().cast_signed()),
        nix::sys::signal::Signal::SIGTERM,
    )
    .expect("signals");
    assert!(service.wait().expect("ends").success());
}

//! `cckw service install` and the others where no user manager answers: nothing is left, and cron's line works.

use std::fs;

use super::Service;
use crate::support::Sandbox;
use crate::support::stand_in::sandbox;
use crate::support::verb::cckw;

/// A sandbox in which no user manager can be reached.
fn lonely() -> Sandbox {
    let sandbox = sandbox();
    sandbox.script("systemctl", "#!/bin/sh\necho 'Failed to connect to bus' >&2\nexit 1\n");
    sandbox
}

#[test]
fn without_a_user_manager_nothing_is_left_and_the_line_for_cron_runs_the_service() {
    let sandbox = lonely();
    let output = cckw(&sandbox, &["service", "install"]).output().expect("runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("no systemd user manager answers: Failed to connect to bus"), "{said}");
    assert!(said.contains("crontab -e"), "{said}");
    assert!(!sandbox.path("config/systemd").exists());
    let line = String::from_utf8(output.stdout).expect("UTF-8");
    let command = line.trim_end().strip_prefix("@reboot ").expect("a line for cron");
    // As cron runs it: by a shell, in the home, with next to nothing in the environment.
    let mut shell = sandbox.command("/bin/sh");
    for name in ["XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "TERM", "LANG"] {
        shell.env_remove(name);
    }
    shell.args(["-c", &format!("exec env {command}")]).current_dir(sandbox.path("home"));
    let service = Service::start_by(&sandbox, shell);
    let status = cckw(&sandbox, &["service", "status", "--json"]).output().expect("runs");
    let status: serde_json::Value = serde_json::from_slice(&status.stdout).expect("JSON");
    assert_eq!((&status["running"], &status["pid"]), (&true.into(), &service.pid().into()));
    assert!(status["installed"].is_null());
    drop(service);
}

#[test]
fn the_status_is_one_that_scripts_expect() {
    let sandbox = lonely();
    let status = || {
        let output = cckw(&sandbox, &["service", "status"]).output().expect("runs");
        (output.status.code(), String::from_utf8(output.stdout).expect("UTF-8"))
    };
    let (code, said) = status();
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("does not run") && said.contains("cckw service install"), "{said}");
    let service = Service::start(&sandbox);
    let (code, said) = status();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(&format!("runs: process {}", service.pid())), "{said}");
    drop(service);
    // As an installed one that has ended.
    let unit = sandbox.path("config/systemd/user/cckw.service");
    fs::create_dir_all(unit.parent().expect("a folder")).expect("a folder");
    fs::write(&unit, "# Written by `cckw service install`\n").expect("a unit");
    assert_eq!(status().0, Some(3));
    let output = cckw(&sandbox, &["service", "uninstall"]).output().expect("runs");
    assert!(output.status.success(), "{output:?}");
    assert!(!unit.exists());
    assert_eq!(status().0, Some(4));
    let output = cckw(&sandbox, &["service", "uninstall"]).output().expect("runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "no service is installed\n");
    assert!(output.status.success());
}

#[test]
fn a_unit_that_is_not_cckws_is_never_replaced_and_never_removed() {
    let sandbox = lonely();
    let unit = sandbox.path("config/systemd/user/cckw.service");
    fs::create_dir_all(unit.parent().expect("a folder")).expect("a folder");
    fs::write(&unit, "[Service]\n").expect("a unit");
    for verb in ["install", "uninstall"] {
        let output = cckw(&sandbox, &["service", verb]).output().expect("runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && said.contains("is not cckw's"), "{said}");
        assert_eq!(fs::read_to_string(&unit).expect("the unit"), "[Service]\n");
    }
}

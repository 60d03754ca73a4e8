//! A user whom the C library does not know: of LDAP or sssd where the program is static, and a bare number in a
//! container. A user namespace makes one (`unshare`, which must be allowed).

use std::process::Command;
use std::time::Instant;

use super::scene::Scene;
use crate::support::stand_in::sandbox;
use crate::support::{DEADLINE, Sandbox, cckw_program};

/// No machine has a user of this number.
const NUMBER: &str = "54321";

/// A sandbox of which only its home is known, and that by nobody yet.
fn homeless() -> Sandbox {
    let mut sandbox = sandbox();
    for name in ["HOME", "USER", "LOGNAME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"] {
        sandbox.unset(name);
    }
    // The stand-in asks nobody, as claude does.
    sandbox.set("CLAUDE_CONFIG_DIR", sandbox.path("home/.claude"));
    sandbox
}

/// `cckw` with these words, run by the user of that number, to whom everything of the sandbox belongs.
fn unknown_user(sandbox: &Sandbox, words: &[&str]) -> Command {
    let mut command = sandbox.command("unshare");
    command.args(["--user", "--map-user", NUMBER, "--map-group", NUMBER, "--"]);
    command.arg(cckw_program()).args(words);
    command
}

/// A `getent` for the tests, which notes each time that it is asked.
fn getent(sandbox: &Sandbox, then: &str) {
    sandbox.script(
        "getent",
        &format!("#!/bin/sh\necho \"$@\" >>'{}'\n{then}\n", sandbox.path("asked").display()),
    );
}

fn was_asked(sandbox: &Sandbox) -> bool {
    sandbox.path("asked").exists()
}

#[test]
fn what_these_tests_need_is_allowed() {
    let sandbox = sandbox();
    let mut command = sandbox.command("unshare");
    command.args(["--user", "--map-user", NUMBER, "--map-group", NUMBER, "--", "id", "-u"]);
    let output = command.output().expect("unshare, of util-linux");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.stdout, format!("{NUMBER}\n").into_bytes(), "allow user namespaces: {said}");
}

#[test]
fn with_home_nobody_is_asked() {
    let mut sandbox = homeless();
    sandbox.set("HOME", sandbox.path("home"));
    getent(&sandbox, "exit 2");
    let mut scene = Scene::new(&sandbox, &unknown_user(&sandbox, &["claude"]));
    scene.converses();
    scene.ends(&["home/.local/state/cckw", "home/.claude"]).well();
    assert!(!was_asked(&sandbox));
}

#[test]
fn without_home_the_one_that_getent_knows_is_used() {
    let sandbox = homeless();
    let home = sandbox.path("home");
    getent(&sandbox, &format!("echo 'ann:*:{NUMBER}:{NUMBER}:Ann:{}:/bin/sh'", home.display()));
    let mut scene = Scene::new(&sandbox, &unknown_user(&sandbox, &["claude"]));
    scene.converses();
    scene.ends(&["home/.local/state/cckw", "home/.claude", "asked"]).well();
    let asked = std::fs::read_to_string(sandbox.path("asked")).expect("questions");
    assert!(asked.lines().all(|line| line == format!("passwd {NUMBER}")), "{asked}");
}

/// Whether there is no answer, none in time, too long a one or a wrong one: what is missing is said, and what to set.
#[test]
fn without_any_home_it_is_said_what_to_set() {
    for answer in
        ["exit 2", "sleep 600 & exec sleep 600", "exec yes", "echo 'bob:*:1:1:Bob:/home/bob:/bin/sh'"]
    {
        let mut sandbox = homeless();
        getent(&sandbox, answer);
        let begun = Instant::now();
        let output = unknown_user(&sandbox, &["list"]).output().expect("runs");
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(1), "{answer}: {said}");
        let what = format!(
            "HOME is not set, and neither the user database nor getent knows a home of user {NUMBER}"
        );
        assert!(said.contains(&what) && said.contains("set HOME or XDG_STATE_HOME"), "{answer}: {said}");
        assert!(was_asked(&sandbox) && begun.elapsed() < DEADLINE, "{answer}");
        sandbox.wait_for_silence();
        // The advice works.
        sandbox.set("XDG_STATE_HOME", sandbox.path("state"));
        let output = unknown_user(&sandbox, &["list"]).output().expect("runs");
        assert!(output.status.success(), "{output:?}");
    }
}

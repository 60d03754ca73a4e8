//! A state directory that cannot be used: claude runs all the same, without a session.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{runs_without_session, sandbox, says};
use crate::support::system_words;

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn a_file_stands_where_the_state_directory_should() {
    let sandbox = sandbox();
    let path = sandbox.path("state/cckw");
    fs::write(&path, "").expect("a file");
    says(&runs_without_session(&sandbox, |_| {}), 0, &[text(&path), "not a directory", "remove it"]);
}

#[test]
fn the_state_directory_cannot_be_made() {
    let mut sandbox = sandbox();
    fs::write(sandbox.path("file"), "").expect("a file");
    for place in [sandbox.path("file/below"), "/proc/none".into()] {
        sandbox.set("XDG_STATE_HOME", &place);
        let path = place.join("cckw");
        says(&runs_without_session(&sandbox, |_| {}), 0, &[text(&path), "cannot be made", "XDG_STATE_HOME"]);
    }
}

#[test]
fn the_path_of_the_state_directory_is_too_long() {
    let mut sandbox = sandbox();
    for name in ["n".repeat(300), "below/".repeat(800)] {
        sandbox.set("XDG_STATE_HOME", sandbox.path(&name));
        let said = runs_without_session(&sandbox, |_| {});
        let reason = system_words("File name too long", "Filename too long");
        says(&said, 0, &["cannot be made", reason, "a shorter path"]);
    }
}

#[test]
fn there_is_no_home() {
    let mut sandbox = sandbox();
    sandbox.unset("XDG_STATE_HOME");
    sandbox.set("HOME", sandbox.path("work/file"));
    fs::write(sandbox.path("work/file"), "").expect("a file");
    // The usual one leaves its mark beside HOME.
    sandbox.script("claude", "#!/bin/sh\n: > \"$TMPDIR/../claude-was-started\"\n");
    says(&runs_without_session(&sandbox, |_| {}), 0, &[".local/state/cckw", "XDG_STATE_HOME"]);
}

#[test]
fn the_state_directory_is_open_to_others() {
    let sandbox = sandbox();
    let path = sandbox.path("state/cckw");
    fs::create_dir(&path).expect("a folder");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).expect("a mode");
    says(&runs_without_session(&sandbox, |_| {}), 0, &[text(&path), "open to others", "chmod 700"]);
}

#[test]
fn the_state_directory_is_somebody_else_s() {
    let sandbox = sandbox();
    let path = sandbox.path("state/cckw");
    if nix::unistd::geteuid().is_root() {
        fs::create_dir(&path).expect("a folder");
        std::os::unix::fs::chown(&path, Some(65534), None).expect("another owner");
        let said = runs_without_session(&sandbox, |_| {});
        says(&said, 0, &[text(&path), "belongs to user 65534, not to you (0)", "XDG_STATE_HOME"]);
    } else {
        // Who owns it only root can change; there is a test in security.rs for that. Here one that nobody can
        // write.
        fs::set_permissions(sandbox.path("state"), fs::Permissions::from_mode(0o500)).expect("a mode");
        let said = runs_without_session(&sandbox, |_| {});
        says(&said, 0, &[text(&path), "cannot be made", "XDG_STATE_HOME"]);
    }
}

#[test]
fn the_state_directory_is_a_link() {
    let sandbox = sandbox();
    let elsewhere = sandbox.path("elsewhere");
    fs::create_dir(&elsewhere).expect("a folder");
    fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o700)).expect("a mode");
    let path = sandbox.path("state/cckw");
    std::os::unix::fs::symlink(&elsewhere, &path).expect("a link");
    says(&runs_without_session(&sandbox, |_| {}), 0, &[text(&path), "symbolic link", "remove it"]);
    assert_eq!(fs::read_dir(&elsewhere).expect("lists").count(), 0);
}

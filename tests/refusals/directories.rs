//! Directories that cannot be used.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use super::{refused, sandbox, says};
use crate::support::Sandbox;

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// cckw's part of the runtime folder, with these permissions.
fn runtime(sandbox: &Sandbox, mode: u32) -> std::path::PathBuf {
    let path = sandbox.path("run/cckw");
    fs::create_dir(&path).expect("a folder");
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
    path
}

#[test]
fn a_file_stands_where_the_state_directory_should() {
    let sandbox = sandbox();
    let path = sandbox.path("state/cckw");
    fs::write(&path, "").expect("a file");
    says(&refused(&sandbox, sandbox.cckw_claude()), 1, &[text(&path), "not a directory", "remove it"]);
}

#[test]
fn the_state_directory_cannot_be_made() {
    let mut sandbox = sandbox();
    fs::write(sandbox.path("file"), "").expect("a file");
    for place in [sandbox.path("file/below"), "/proc/none".into()] {
        sandbox.set("XDG_STATE_HOME", &place);
        let path = place.join("cckw");
        says(
            &refused(&sandbox, sandbox.cckw_claude()),
            1,
            &[text(&path), "cannot be made", "XDG_STATE_HOME"],
        );
    }
}

#[test]
fn the_state_directory_is_open_to_others() {
    let sandbox = sandbox();
    let path = sandbox.path("state/cckw");
    fs::create_dir(&path).expect("a folder");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).expect("a mode");
    says(&refused(&sandbox, sandbox.cckw_claude()), 1, &[text(&path), "open to others", "chmod 700"]);
}

#[test]
fn the_runtime_directory_is_somebody_else_s() {
    let sandbox = sandbox();
    if nix::unistd::geteuid().is_root() {
        let path = runtime(&sandbox, 0o700);
        std::os::unix::fs::chown(&path, Some(65534), None).expect("another owner");
        let said = refused(&sandbox, sandbox.cckw_claude());
        says(&said, 1, &[text(&path), "belongs to user 65534, not to you (0)", "XDG_RUNTIME_DIR"]);
    } else {
        // Who owns it only root can change; there is a test in security.rs for that. Here one that nobody can write.
        fs::set_permissions(sandbox.path("run"), fs::Permissions::from_mode(0o500)).expect("a mode");
        let said = refused(&sandbox, sandbox.cckw_claude());
        says(&said, 1, &["/run/cckw", "cannot be made", "XDG_RUNTIME_DIR"]);
    }
}

#[test]
fn the_runtime_directory_is_open_to_the_group() {
    let sandbox = sandbox();
    let path = runtime(&sandbox, 0o750);
    says(&refused(&sandbox, sandbox.cckw_claude()), 1, &[text(&path), "mode 0750", "chmod 700"]);
}

#[test]
fn the_runtime_directory_is_a_link() {
    let sandbox = sandbox();
    let elsewhere = sandbox.path("elsewhere");
    fs::create_dir(&elsewhere).expect("a folder");
    fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o700)).expect("a mode");
    let path = sandbox.path("run/cckw");
    symlink(&elsewhere, &path).expect("a link");
    says(&refused(&sandbox, sandbox.cckw_claude()), 1, &[text(&path), "symbolic link", "remove it"]);
    assert_eq!(fs::read_dir(&elsewhere).expect("lists").count(), 0);
}

#[test]
fn the_name_of_the_socket_is_too_long() {
    let mut sandbox = sandbox();
    let long = sandbox.path("r".repeat(100));
    fs::create_dir(&long).expect("a folder");
    sandbox.set("XDG_RUNTIME_DIR", &long);
    let said = refused(&sandbox, sandbox.cckw_claude());
    says(&said, 1, &[text(&long), "no socket can be made", "XDG_RUNTIME_DIR", "short"]);
    let left: Vec<_> = fs::read_dir(long.join("cckw")).into_iter().flatten().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
}

//! File systems that cannot be written, in a mount namespace of their own (`unshare`, which must be allowed: root may, and so
//! may others where user namespaces are).

use std::fs;
use std::path::Path;
use std::process::Command;

use nix::unistd::{User, geteuid};

use super::scene::{Scene, USUAL};
use crate::support::Sandbox;
use crate::support::stand_in::sandbox;
use crate::support::verb::cckw;

/// `cckw` with these words, after a script of the shell has mounted something.
fn mounted(sandbox: &Sandbox, script: &str, words: &[&str]) -> Command {
    let mut command = sandbox.command("unshare");
    if !geteuid().is_root() {
        command.arg("--map-root-user");
    }
    command.args(["--mount", "/bin/sh", "-ec"]).arg(format!("{script}\nexec \"$0\" \"$@\""));
    command.arg(env!("CARGO_BIN_EXE_cckw")).args(words);
    command
}

/// A line of that script: this folder cannot be written any more.
fn read_only(path: &Path) -> String {
    let path = path.display();
    format!("mount --bind '{path}' '{path}'; mount -o remount,bind,ro '{path}'")
}

fn text(path: &Path) -> String {
    path.to_str().expect("UTF-8").into()
}

#[test]
fn what_these_tests_need_is_allowed() {
    let sandbox = sandbox();
    let output = mounted(&sandbox, &read_only(&sandbox.work()), &["--version"]).output();
    let output = output.expect("unshare, of util-linux");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "run these tests as root, or allow user namespaces: {said}");
}

#[test]
fn a_home_that_cannot_be_written_is_named_with_what_to_do() {
    let mut sandbox = sandbox();
    sandbox.unset("XDG_STATE_HOME");
    let home = sandbox.path("home");
    let scene = Scene::new(&sandbox, &mounted(&sandbox, &read_only(&home), &["claude"]));
    let state = text(&home.join(".local/state/cckw"));
    scene.ends(&["run/cckw"]).refused(&[&state, "Read-only file system", "set XDG_STATE_HOME"]);
    assert!(sandbox.sockets().is_empty());
}

#[test]
fn what_was_advised_for_it_works() {
    let mut sandbox = sandbox();
    sandbox.unset("XDG_CONFIG_HOME");
    let script = read_only(&sandbox.path("home"));
    // The stand-in has to write somewhere.
    sandbox.set("CLAUDE_CONFIG_DIR", sandbox.path("tmp/claude"));
    let mut scene = Scene::new(&sandbox, &mounted(&sandbox, &script, &["claude"]));
    scene.converses();
    scene.ends(&[USUAL[0], USUAL[1], "tmp/claude"]).well();
}

#[test]
fn straight_through_nothing_of_cckw_is_written() {
    let mut sandbox = sandbox();
    for name in ["XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"] {
        sandbox.unset(name);
    }
    let script = [read_only(&sandbox.path("home")), read_only(&sandbox.path("tmp"))].join("\n");
    sandbox.set("CLAUDE_CONFIG_DIR", sandbox.path("state/claude"));
    for words in [&["claude", "--version"][..], &["claude", "-p", "words"]] {
        let scene = Scene::new(&sandbox, &mounted(&sandbox, &script, words));
        scene.ends(&["state/claude"]).well();
    }
}

#[test]
fn the_verbs_that_only_look_work_on_it() {
    let mut sandbox = sandbox();
    sandbox.unset("XDG_STATE_HOME");
    let script = read_only(&sandbox.path("home"));
    for words in [&["list"][..], &["list", "--all", "--json"]] {
        let output = mounted(&sandbox, &script, words).output().expect("runs");
        assert!(output.status.success(), "{words:?}: {output:?}");
    }
    let doctor = mounted(&sandbox, &script, &["doctor"]).output().expect("runs");
    let said = String::from_utf8_lossy(&doctor.stdout);
    assert!(said.contains(&text(&sandbox.path("home/.local/state"))), "{said}");
}

#[test]
fn a_runtime_directory_that_cannot_be_written_is_named() {
    let sandbox = sandbox();
    let scene = Scene::new(&sandbox, &mounted(&sandbox, &read_only(&sandbox.path("run")), &["claude"]));
    let runtime = text(&sandbox.path("run/cckw"));
    scene.ends(&["state/cckw"]).refused(&[&runtime, "Read-only file system", "XDG_RUNTIME_DIR"]);
    // It refuses before there is a session.
    assert_eq!(fs::read_dir(sandbox.path("state/cckw")).expect("lists").count(), 0);
}

#[test]
fn a_temp_directory_that_cannot_be_written_is_named() {
    let mut sandbox = sandbox();
    for name in ["XDG_RUNTIME_DIR", "TMPDIR"] {
        sandbox.unset(name);
    }
    // Another /tmp, in which there is nothing but what this needs, and where it was.
    let root = text(sandbox.root());
    let bin = text(Path::new(env!("CARGO_BIN_EXE_cckw")).parent().expect("a folder"));
    let script = format!(
        "mount -t tmpfs none /mnt; mkdir /mnt/root /mnt/bin
         mount --bind '{root}' /mnt/root; mount --bind '{bin}' /mnt/bin
         mount -t tmpfs none /tmp; mkdir -p '{root}' '{bin}'
         mount --bind /mnt/root '{root}'; mount --bind /mnt/bin '{bin}'
         mount -o remount,ro /tmp; cd '{root}/work'"
    );
    let scene = Scene::new(&sandbox, &mounted(&sandbox, &script, &["claude"]));
    let own = format!("/tmp/cckw-{}: ", geteuid());
    scene.ends(&["state/cckw"]).refused(&[&own, "Read-only file system", "XDG_RUNTIME_DIR"]);
}

/// The home that the user database names, which a bind mount changes for one process and its children.
#[test]
fn without_home_the_user_s_own_is_used() {
    let mut sandbox = sandbox();
    for name in ["HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"] {
        sandbox.unset(name);
    }
    let user = User::from_uid(geteuid()).expect("a look").expect("a user");
    // In a user namespace this process is root.
    let users = format!("{}:x:0:0::{}:/bin/sh\n", user.name, sandbox.path("home").display());
    fs::write(sandbox.path("passwd"), users).expect("a file");
    let script = format!("mount --bind '{}' /etc/passwd", sandbox.path("passwd").display());
    fs::create_dir_all(sandbox.path("home/.config/cckw")).expect("a folder");
    fs::write(sandbox.path("home/.config/cckw/config.toml"), "detach_key = \"none\"\n").expect("a file");
    let mut scene = Scene::new(&sandbox, &mounted(&sandbox, &script, &["claude"]));
    scene.converses();
    scene.ends(&["home/.local/state/cckw", "run/cckw", "home/.claude"]).well();
    // Its configuration counts too.
    fs::write(sandbox.path("home/.config/cckw/config.toml"), "nonsense = 1\n").expect("a file");
    let scene = Scene::new(&sandbox, &mounted(&sandbox, &script, &["claude"]));
    scene.ends(&["home/.local"]).refused(&["home/.config/cckw/config.toml:1:1", "nonsense"]);
    assert!(cckw(&sandbox, &["--version"]).status().expect("runs").success());
}

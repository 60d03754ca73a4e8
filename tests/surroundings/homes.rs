//! What the variables say about directories, or do not say.

use std::fs;

use super::scene::{Scene, goes_well, goes_well_in};
use crate::support::Sandbox;
use crate::support::stand_in::sandbox;
use crate::support::verb::well_said;

fn own(place: &str) -> String {
    format!("{place}/cckw-{}", nix::unistd::geteuid())
}

/// Without any directory of XDG's.
fn plain() -> Sandbox {
    let mut sandbox = sandbox();
    for name in ["XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_CONFIG_HOME"] {
        sandbox.unset(name);
    }
    sandbox
}

#[test]
fn without_home_or_with_an_empty_one_the_others_are_enough() {
    for home in [None, Some("")] {
        let mut sandbox = sandbox();
        sandbox.set("CLAUDE_CONFIG_DIR", sandbox.path("home/.claude"));
        match home {
            Some(home) => sandbox.set("HOME", home),
            None => sandbox.unset("HOME"),
        }
        goes_well(&sandbox, |_| {});
    }
}

/// For claude it counts from the working directory, and so do its files there; cckw's have their places.
#[test]
fn a_relative_home_is_claude_s_alone() {
    let mut sandbox = sandbox();
    sandbox.set("HOME", "below");
    let places = ["state/cckw", "run/cckw", "work/below/.claude"];
    let mut scene = Scene::new(&sandbox, &sandbox.cckw_claude());
    crate::support::stand_in::at_prompt(&mut scene.terminal);
    // The state file is found there too, or nothing of this would be known.
    sandbox.wait_for_record("an idle claude", |record| record.text("status") == "idle");
    scene.converses();
    scene.ends(&places).well();
}

#[test]
fn without_xdg_directories_all_is_below_home_and_in_the_temp_directory() {
    let sandbox = plain();
    goes_well_in(&sandbox, &["home/.local/state/cckw", &own("tmp"), "home/.claude"], |_| {});
    assert!(well_said(&sandbox, &["list", "--all"]).contains("work"));
}

#[test]
fn empty_and_relative_xdg_directories_count_as_unset() {
    for value in ["", "below", "./below", "../work"] {
        let mut sandbox = plain();
        for name in
            ["XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"]
        {
            sandbox.set(name, value);
        }
        goes_well_in(&sandbox, &["home/.local/state/cckw", &own("tmp"), "home/.claude"], |_| {});
    }
}

#[test]
fn a_runtime_directory_that_is_not_there_counts_as_unset() {
    let mut sandbox = sandbox();
    sandbox.set("XDG_RUNTIME_DIR", sandbox.path("missing"));
    goes_well_in(&sandbox, &["state/cckw", &own("tmp"), "home/.claude"], |_| {});
}

/// A user of a service has such a home. Nothing can be configured there, which is no reason not to run.
#[test]
fn a_home_that_is_no_directory_holds_no_configuration() {
    for home in ["/dev/null", "/nonexistent"] {
        let mut sandbox = sandbox();
        sandbox.set("HOME", home);
        sandbox.unset("XDG_CONFIG_HOME");
        sandbox.set("CLAUDE_CONFIG_DIR", sandbox.path("home/.claude"));
        goes_well(&sandbox, |_| {});
    }
}

/// The sockets are in `/tmp` then, which is shared with the real sessions of whoever runs this: only the own one is looked for.
#[test]
fn a_temp_directory_that_is_missing_or_has_a_long_name_is_passed_over() {
    for name in ["missing".to_owned(), "t".repeat(100)] {
        let mut sandbox = sandbox();
        sandbox.unset("XDG_RUNTIME_DIR");
        if name != "missing" {
            fs::create_dir(sandbox.path(&name)).expect("a folder");
        }
        sandbox.set("TMPDIR", sandbox.path(&name));
        let mut scene = Scene::new(&sandbox, &sandbox.cckw_claude());
        let record = sandbox.wait_for_record("an idle claude", |record| record.text("status") == "idle");
        let socket = record.text("socket").to_owned();
        assert!(socket.starts_with(&own("/tmp")), "{socket}");
        assert!(well_said(&sandbox, &["list"]).contains("idle"));
        scene.converses();
        scene.ends(&["state/cckw", "home/.claude"]).well();
        assert!(!std::path::Path::new(&socket).exists());
    }
}

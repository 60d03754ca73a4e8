//! What the variables say about directories, or do not say.

use super::scene::{Scene, files, goes_well, goes_well_in};
use crate::support::stand_in::{at_prompt, sandbox, start, submit};
use crate::support::verb::{cckw, well_said};
use crate::support::{Sandbox, Terminal};

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
    let places = ["state/cckw", "work/below/.claude"];
    let mut scene = Scene::new(&sandbox, &sandbox.cckw_claude());
    crate::support::stand_in::at_prompt(&mut scene.terminal);
    // The state file is found there too, or nothing of this would be known.
    sandbox.wait_for_record("an idle claude", |record| record.text("status") == "idle");
    scene.converses();
    scene.ends(&places).well();
}

#[test]
fn without_xdg_directories_all_is_below_home() {
    let sandbox = plain();
    goes_well_in(&sandbox, &["home/.local/state/cckw", "home/.claude"], |_| {});
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
        goes_well_in(&sandbox, &["home/.local/state/cckw", "home/.claude"], |_| {});
    }
}

/// Nothing of cckw is in the runtime directory or in the temp directory, so neither has to be of use.
#[test]
fn a_runtime_directory_and_a_temp_directory_are_not_needed() {
    for name in ["missing", "/proc/none", "/dev/null"] {
        let mut sandbox = sandbox();
        sandbox.set("XDG_RUNTIME_DIR", sandbox.path(name));
        sandbox.set("TMPDIR", sandbox.path(name));
        goes_well(&sandbox, |_| {});
    }
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

/// Its sockets are reached through a descriptor of the directory, for the whole path does not fit into a
/// socket's address.
#[test]
fn a_state_directory_with_a_long_name_holds_sockets() {
    let mut sandbox = sandbox();
    let long = format!("state/{}", "l".repeat(200));
    sandbox.set("XDG_STATE_HOME", sandbox.path(&long));
    let mut terminal = start(&sandbox, &[]);
    assert!(well_said(&sandbox, &["list"]).contains("attached"));
    well_said(&sandbox, &["detach"]);
    terminal.finish();
    well_said(&sandbox, &["screen"]);
    let mut terminal = Terminal::spawn(cckw(&sandbox, &["attach"]));
    at_prompt(&mut terminal);
    submit(&mut terminal, "/exit");
    terminal.finish();
    sandbox.wait_for_silence();
    let left = files(&sandbox).into_iter().filter(|path| path.extension().is_some_and(|name| name == "sock"));
    assert_eq!(left.count(), 0);
}

//! What claude is started with: nothing that it would not have without cckw, but the name of its session.

use std::collections::BTreeSet;
use std::ffi::OsString;

use super::driver::{How, Place};
use super::support::{DEADLINE, process, wait_until, wait_until_some};

/// What a process got from whoever started it.
#[derive(Debug, PartialEq, Eq)]
struct Inheritance {
    arguments: Vec<String>,
    environment: BTreeSet<String>,
    ignored: Option<u64>,
    directory: String,
    terminals: BTreeSet<i32>,
}

fn inheritance(how: How) -> Inheritance {
    let place = Place::new();
    let mut terminal = place.start(how, &["--permission-mode", "manual"]);
    let claude = wait_until_some("a state file", DEADLINE, || place.state()?["pid"].as_i64());
    let claude = i32::try_from(claude).expect("a pid");
    let root = place.sandbox.root().to_str().expect("a path");
    let plain =
        |text: OsString| text.to_string_lossy().replace(root, "ROOT").replace(&place.mock.url(), "URL");

    // Claude blocks all for a moment while it starts a process of its own.
    wait_until(&format!("{how:?}: no signal blocked"), DEADLINE, || {
        process::signal_mask(claude, "SigBlk") == Some(0)
    });
    let descriptors = process::descriptors(claude);
    for (number, target) in &descriptors {
        let target = target.to_string_lossy();
        assert!(
            !target.contains("ptmx") && !target.contains("cckw/"),
            "{how:?}: descriptor {number} is {target}"
        );
    }
    let inheritance = Inheritance {
        arguments: process::arguments(claude).split_off(1),
        environment: process::environment(claude).into_iter().map(plain).collect(),
        ignored: process::signal_mask(claude, "SigIgn"),
        directory: plain(std::fs::read_link(format!("/proc/{claude}/cwd")).expect("a directory").into()),
        terminals: descriptors
            .iter()
            .filter(|(_, target)| target.starts_with("/dev/pts"))
            .map(|(number, _)| *number)
            .collect(),
    };
    terminal.hang_up();
    inheritance
}

#[test]
fn claude_inherits_what_it_would_without_cckw() {
    let direct = inheritance(How::Direct);
    let mut through = inheritance(How::Through);
    assert_eq!(through.arguments.remove(0), "--session-id");
    through.arguments.remove(0);
    let before = through.environment.len();
    through.environment.retain(|variable| !variable.starts_with("CCKW_SESSION="));
    assert_eq!(through.environment.len(), before - 1);
    assert_eq!(through, direct);
}

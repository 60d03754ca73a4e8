//! The state directory, or one above it, is moved, replaced, or restored from a copy while the session runs.
//! The session stays where the commands look for it, and is nowhere else.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use nix::sys::signal::Signal;

use super::removed::{are_whole, directory, remove};
use super::{detached, end, is_within_reach, listed};
use crate::support::stand_in::{sandbox, start};
use crate::support::verb::well_said;
use crate::support::{DEADLINE, Record, Sandbox, cckw_program, process, wait_until};

/// A host may be writing a file meanwhile, which is gone before `cp` comes to it, or may make the target anew.
const COPY: &str = r#"copy() { until cp -a "$1" "$2"; do rm -rf "$2"; done; }"#;

fn shell(sandbox: &Sandbox, script: &str) {
    let script = format!("{COPY}; {script}");
    let mut shell = Command::new("/bin/sh");
    let output = shell.arg("-ec").arg(&script).current_dir(sandbox.root()).output().expect("runs");
    assert!(output.status.success(), "{script}: {output:?}");
}

/// What `cckw list --all` says where `state` leads to.
fn list_below(sandbox: &mut Sandbox, state: &Path) -> String {
    let usual = sandbox.path("state");
    sandbox.set("XDG_STATE_HOME", state);
    let said = well_said(sandbox, &["list", "--all", "--json"]);
    sandbox.set("XDG_STATE_HOME", usual);
    said
}

#[track_caller]
fn is_healed(what: &str, sandbox: &Sandbox, record: &Record) {
    wait_until(&format!("all files after: {what}"), DEADLINE, || are_whole(&directory(record)));
    is_within_reach(sandbox, record);
}

/// Scripts of the shell, in the folder above `state`.
const DEEDS: [(&str, &str); 10] = [
    ("the state directory is renamed", "mv state/cckw state/away"),
    ("the one above is renamed", "mv state away"),
    ("it is replaced by an empty one", "mkdir new; mv state away; mv new state"),
    (
        "it is replaced by one with other modes",
        "mkdir -p new/cckw; chmod 755 new new/cckw; mv state away; mv new state",
    ),
    ("it is replaced by a copy", "copy state new; mv state away; mv new state"),
    (
        "it is replaced by a copy without modes",
        "umask 022; cp -r state new || :; mv state away; mv new state",
    ),
    ("it is removed and restored", "copy state away; until rm -rf state; do :; done; copy away state"),
    (
        "it is copied, and its record is an older one",
        "copy state away; sed -i s/idle/busy/ away/cckw/*/session.json; cat away/cckw/*/session.json > $(ls -d state/cckw/*)/session.json",
    ),
    (
        "it is moved away, and back when another one is there",
        "mv state away; until [ -e state/cckw/*/control.sock ]; do sleep 0.05; done; until rm -rf state; do :; done; mv away state",
    ),
    (
        "a copy of long ago takes its place",
        "copy state new; sed -i 's/\"host_pid\": [0-9]*/\"host_pid\": 4194303/' new/cckw/*/session.json; mv state away; mv new state",
    ),
];

#[test]
fn whatever_becomes_of_the_directories_the_session_is_where_commands_look_and_nowhere_else() {
    let (mut sandbox, record) = detached();
    for (what, script) in DEEDS {
        shell(&sandbox, script);
        is_healed(what, &sandbox, &record);
        let away = sandbox.path("away");
        if away.exists() {
            assert_eq!(list_below(&mut sandbox, &away), "", "{what}");
            remove(away);
        }
        let _ = fs::remove_dir_all(sandbox.path("state/away"));
    }
    end(&sandbox);
    assert_eq!(listed(&sandbox)["state"], "stopped");
}

#[test]
fn one_that_a_verb_looks_for_in_the_same_moment_is_waited_for() {
    let (sandbox, record) = detached();
    for script in [
        "until rm -rf state; do :; done",
        "mv state away",
        "until rm -rf state/cckw/*; do :; done",
        "mv state/cckw state/away",
    ] {
        shell(&sandbox, script);
        // At once: its files are made anew only after a moment.
        assert_eq!(listed(&sandbox)["state"], "idle", "{script}");
        assert!(well_said(&sandbox, &["screen", "work"]).contains(super::WORDS), "{script}");
        is_healed(script, &sandbox, &record);
        shell(&sandbox, "rm -rf away state/away");
    }
    end(&sandbox);
}

#[test]
fn a_home_that_is_renamed_is_made_anew() {
    let mut sandbox = sandbox();
    sandbox.unset("XDG_STATE_HOME");
    // What claude has is elsewhere.
    sandbox.set("CLAUDE_CONFIG_DIR", sandbox.path("tmp/claude"));
    let mut terminal = start(&sandbox, &["-n", "work"]);
    terminal.hang_up();
    let state = sandbox.path("home/.local/state/cckw");
    let session = || fs::read_dir(&state).ok()?.flatten().next().map(|entry| entry.path());
    for (from, to) in
        [("home", "gone"), ("home/.local", "home/gone"), ("home/.local/state", "home/.local/gone")]
    {
        let from = sandbox.path(from);
        fs::rename(&from, sandbox.path(to)).expect("renames");
        wait_until("all files", DEADLINE, || session().is_some_and(|session| are_whole(&session)));
        assert_eq!(listed(&sandbox)["state"], "idle", "{to}");
        let old = sandbox.path(to);
        let usual = sandbox.path("home");
        sandbox.set("HOME", &old);
        assert!(to != "gone" || well_said(&sandbox, &["list", "--all", "--json"]).is_empty());
        sandbox.set("HOME", usual);
    }
    end(&sandbox);
}

#[test]
fn a_link_on_the_way_to_it_that_leads_elsewhere_is_followed() {
    let mut sandbox = sandbox();
    fs::create_dir(sandbox.path("one")).expect("makes it");
    fs::create_dir(sandbox.path("two")).expect("makes it");
    symlink("one", sandbox.path("link")).expect("links");
    sandbox.set("XDG_STATE_HOME", sandbox.path("link"));
    let mut terminal = start(&sandbox, &["-n", "work"]);
    terminal.hang_up();
    let idle = |sandbox: &Sandbox| listed(sandbox)["state"] == "idle";
    wait_until("a session", DEADLINE, || idle(&sandbox));
    symlink("two", sandbox.path("new")).expect("links");
    fs::rename(sandbox.path("new"), sandbox.path("link")).expect("replaces");
    let line = listed(&sandbox);
    assert_eq!(line["state"], "idle", "{line}");
    assert_eq!(fs::read_dir(sandbox.path("two/cckw")).expect("is there").count(), 1);
    // What it leads to is moved: the link leads nowhere.
    fs::rename(sandbox.path("two"), sandbox.path("three")).expect("moves");
    assert!(!sandbox.path("link").exists());
    fs::create_dir(sandbox.path("two")).expect("makes it");
    wait_until("a session", DEADLINE, || sandbox.path("two/cckw").exists() && idle(&sandbox));
    end(&sandbox);
}

/// Then it goes on under the new path, says so, and comes back as soon as it can.
#[test]
fn where_no_directory_can_be_made_it_goes_on_in_the_one_that_was_moved() {
    let (mut sandbox, record) = detached();
    let usual = sandbox.path("state");
    // Stopped meanwhile, or on a busy machine the host makes a directory between the two.
    let host = record.pid("host_pid").expect("a host");
    process::signal(host, Signal::SIGSTOP);
    shell(&sandbox, "mv state away; : > state");
    process::signal(host, Signal::SIGCONT);
    let away = sandbox.path("away");
    sandbox.set("XDG_STATE_HOME", &away);
    let log = || well_said(&sandbox, &["logs", "work"]);
    wait_until("a word about it", DEADLINE, || log().contains("files-not-made-anew"));
    assert!(
        log().contains("Not a directory") || log().contains("not a directory") || log().contains("exists"),
        "{}",
        log()
    );
    is_within_reach(&sandbox, &record);
    sandbox.set("XDG_STATE_HOME", &usual);
    remove(usual);
    is_healed("the way is free", &sandbox, &record);
    assert_eq!(list_below(&mut sandbox, &away), "");
    let log = well_said(&sandbox, &["logs", "work"]);
    assert!(log.contains("could_not_before"), "{log}");
    // The state directory is moved back in place of the one that was made: the session goes on in it.
    shell(&sandbox, "until rm -rf state; do :; done; mv away state");
    is_healed("it is back", &sandbox, &record);
    end(&sandbox);
}

/// A mount is no event of the directories that it covers.
#[test]
fn a_file_system_that_is_mounted_over_it_gets_the_session_too() {
    let sandbox = sandbox();
    let state = sandbox.path("state");
    let mut command = sandbox.command("unshare");
    if !nix::unistd::geteuid().is_root() {
        command.arg("--map-root-user");
    }
    command.args(["--mount", cckw_program(), "claude", "-n", "work"]);
    let mut terminal = crate::support::Terminal::spawn(command);
    crate::support::stand_in::at_prompt(&mut terminal);
    let record = sandbox.wait_for_record("an idle claude", |record| record.text("status") == "idle");
    let host = record.pid("host_pid").expect("a host").to_string();
    // Inside, by way of the host's namespaces.
    let inside = |sandbox: &Sandbox, words: &[&str]| {
        let mut command = sandbox.command("nsenter");
        command.args(["--target", &host, "--mount"]);
        if !nix::unistd::geteuid().is_root() {
            command.args(["--user", "--preserve-credentials"]);
        }
        let output = command.args(words).output().expect("nsenter, of util-linux");
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let path = state.to_str().expect("UTF-8");
    let list = [cckw_program(), "list", "--json"];
    inside(&sandbox, &["mount", "-t", "tmpfs", "-o", "mode=0700", "over", path]);
    wait_until("the session on it", DEADLINE, || inside(&sandbox, &list).contains(r#""state":"idle""#));
    inside(&sandbox, &["umount", "--lazy", path]);
    wait_until("the session below it", DEADLINE, || inside(&sandbox, &list).contains(r#""state":"idle""#));
    assert_eq!(inside(&sandbox, &list).lines().count(), 1);
    crate::support::stand_in::submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    sandbox.wait_for_silence();
}

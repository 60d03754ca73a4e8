//! Claude is updated while a session runs: its installer keeps the versions beside one another, and a link leads
//! to the newest.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::support::stand_in::{at_prompt, idle, sandbox, say, start};
use crate::support::verb::{cckw, well_said};
use crate::support::{Key, Record, Sandbox, Screen, Terminal, cckw_program};

const OLD: &str = "2.0.1";
const NEW: &str = "2.0.2";

/// Puts this version beside the others.
fn install(sandbox: &Sandbox, version: &str) -> PathBuf {
    let versions = sandbox.path("versions");
    fs::create_dir_all(&versions).expect("a directory");
    let program = versions.join(version);
    fs::copy(cckw_program(), &program).expect("a program");
    program
}

/// Has the link lead to this version, in one step.
fn switch(sandbox: &Sandbox, version: &str) {
    let (link, new) = (sandbox.path("bin/claude-stand-in"), sandbox.path("bin/new"));
    std::os::unix::fs::symlink(sandbox.path("versions").join(version), &new).expect("a link");
    fs::rename(new, link).expect("takes its place");
}

/// The old version is installed, and the configuration says this of newer ones.
fn with_old(setting: &str) -> Sandbox {
    let mut sandbox = sandbox();
    sandbox.configure(&format!(
        "[claude]\n{setting}\n[restart]\nearly_delay = \"0s\"\n[start]\nexisting = \"new\"\n"
    ));
    fs::create_dir_all(sandbox.path("bin")).expect("a directory");
    install(&sandbox, OLD);
    switch(&sandbox, OLD);
    sandbox.set("CCKW_CLAUDE", sandbox.path("bin/claude-stand-in"));
    sandbox
}

fn listed(sandbox: &Sandbox) -> Value {
    serde_json::from_str(&well_said(sandbox, &["list", "--json"])).expect("JSON")
}

fn stop_all(sandbox: &Sandbox) {
    well_said(sandbox, &["stop", "--all"]);
}

fn says_in_log(sandbox: &Sandbox) -> usize {
    well_said(sandbox, &["logs", "--json"]).matches("\"newer-claude\"").count()
}

fn of_version(sandbox: &Sandbox, version: &str, restarts: u64) -> Record {
    let record = idle(sandbox, restarts);
    assert_eq!(record.text("claude_version"), version);
    record
}

#[test]
fn a_program_that_was_removed_is_said_to_be() {
    let sandbox = with_old("");
    let mut terminal = start(&sandbox, &[]);
    of_version(&sandbox, OLD, 0);
    install(&sandbox, NEW);
    switch(&sandbox, NEW);
    let said = listed(&sandbox);
    assert_eq!((&said["newer_installed"], &said["program_removed"]), (&NEW.into(), &false.into()));
    assert!(well_said(&sandbox, &["list"]).contains("* 2.0.2 is installed"));
    fs::remove_file(sandbox.path("versions").join(OLD)).expect("removes");
    let said = listed(&sandbox);
    assert_eq!((&said["newer_installed"], &said["program_removed"]), (&NEW.into(), &true.into()));
    let table = well_said(&sandbox, &["list"]);
    assert!(table.contains("was removed from disk") && table.contains("cckw restart work"), "{table}");
    assert!(!table.contains("* 2.0.2 is installed"), "it is said twice: {table}");
    let report = cckw(&sandbox, &["doctor"]).output().expect("runs");
    let report = String::from_utf8_lossy(&report.stdout).into_owned();
    assert!(report.contains("work: the program of its claude was removed from disk"), "{report}");
    // Nobody has set that it is restarted by itself.
    say(&mut terminal, "words");
    assert_eq!(idle(&sandbox, 0).json["restart_pending"], false);
    assert_eq!(says_in_log(&sandbox), 0);
    well_said(&sandbox, &["restart", "work"]);
    of_version(&sandbox, NEW, 1);
    assert_eq!(listed(&sandbox)["program_removed"], false);
    assert!(!well_said(&sandbox, &["list"]).contains("removed from disk"));
    at_prompt(&mut terminal);
    stop_all(&sandbox);
    terminal.finish();
}

#[test]
fn a_newer_one_is_taken_when_it_is_idle() {
    let sandbox = with_old("restart_when_newer = \"idle\"");
    let mut terminal = start(&sandbox, &[]);
    say(&mut terminal, "first words");
    let before = of_version(&sandbox, OLD, 0);
    install(&sandbox, NEW);
    switch(&sandbox, NEW);
    fs::remove_file(sandbox.path("versions").join(OLD)).expect("removes");
    say(&mut terminal, "second words");
    let after = of_version(&sandbox, NEW, 1);
    assert_eq!(after.text("conversation"), before.text("conversation"));
    assert_eq!(after.json["asked_restarts"], 1, "it counts as no crash");
    terminal.wait_for_text("You said: second words");
    at_prompt(&mut terminal);
    assert!(
        well_said(&sandbox, &["list"]).contains("claude was restarted, because another one is installed")
    );
    say(&mut terminal, "third words");
    of_version(&sandbox, NEW, 1);
    assert_eq!(says_in_log(&sandbox), 1);
    stop_all(&sandbox);
    terminal.finish();
}

/// Nobody says anything to it, so it comes to no rest that it has not come to before.
#[test]
fn a_session_that_is_idle_all_the_time_takes_it_too() {
    let sandbox = with_old("restart_when_newer = \"idle\"");
    let mut terminal = start(&sandbox, &["first words"]);
    terminal.wait_for_text("You said: first words");
    at_prompt(&mut terminal);
    of_version(&sandbox, OLD, 0);
    for (restarts, version) in [(1, NEW), (2, "2.0.3")] {
        install(&sandbox, version);
        switch(&sandbox, version);
        of_version(&sandbox, version, restarts);
        at_prompt(&mut terminal);
    }
    // Its program is removed, and there is no newer one: only then is an older one better than none.
    install(&sandbox, "1.0.0");
    fs::remove_file(sandbox.path("versions/2.0.3")).expect("removes");
    switch(&sandbox, "1.0.0");
    of_version(&sandbox, "1.0.0", 3);
    at_prompt(&mut terminal);
    terminal.wait_for_text("You said: first words");
    stop_all(&sandbox);
    terminal.finish();
}

#[test]
fn what_stands_at_the_prompt_is_not_lost() {
    let sandbox = with_old("restart_when_newer = \"idle\"");
    let mut terminal = start(&sandbox, &[]);
    of_version(&sandbox, OLD, 0);
    terminal.type_text("half a thought");
    terminal.wait_for_text("half a thought");
    install(&sandbox, NEW);
    switch(&sandbox, NEW);
    sandbox.wait_for_record("the wish", |record| record.json["restart_pending"] == true);
    // Longer than an idle claude has to rest.
    terminal.wait_for_rest(Duration::from_secs(8), Screen::text);
    of_version(&sandbox, OLD, 0);
    terminal.press(Key::Enter);
    terminal.wait_for_text("You said: half a thought");
    of_version(&sandbox, NEW, 1);
    at_prompt(&mut terminal);
    stop_all(&sandbox);
    terminal.finish();
}

#[test]
fn a_server_is_restarted_when_it_serves_nobody() {
    let sandbox = with_old("restart_when_newer = \"idle\"");
    let mut command = sandbox.cckw_claude();
    command.arg("remote-control");
    let mut terminal = Terminal::spawn(command);
    terminal.wait_for_text("Capacity: 0/32");
    let runs = |version: &str, restarts: u64| {
        sandbox.wait_for_record(version, |record| {
            record.text("state") == "running"
                && record.text("claude_version") == version
                && record.json["restarts"] == restarts
        })
    };
    runs(OLD, 0);
    terminal.type_text("1");
    terminal.wait_for_text("Capacity: 1/32");
    install(&sandbox, NEW);
    switch(&sandbox, NEW);
    fs::remove_file(sandbox.path("versions").join(OLD)).expect("removes");
    let table = well_said(&sandbox, &["list"]);
    assert!(table.contains("cckw restart --now work"), "{table}");
    // Longer than the host waits before it looks, and than an idle server has to rest.
    terminal.wait_for_rest(Duration::from_secs(10), Screen::text);
    runs(OLD, 0);
    terminal.type_text("0");
    runs(NEW, 1);
    assert_eq!(says_in_log(&sandbox), 1);
    stop_all(&sandbox);
    terminal.finish();
}

/// An older one that was installed is not taken, unless its own is gone.
#[test]
fn an_older_one_is_taken_if_its_own_was_removed() {
    let sandbox = with_old("restart_when_newer = \"idle\"");
    let mut terminal = start(&sandbox, &[]);
    of_version(&sandbox, OLD, 0);
    install(&sandbox, "1.0.0");
    switch(&sandbox, "1.0.0");
    say(&mut terminal, "first words");
    assert_eq!(idle(&sandbox, 0).json["restart_pending"], false);
    fs::remove_file(sandbox.path("versions").join(OLD)).expect("removes");
    say(&mut terminal, "second words");
    of_version(&sandbox, "1.0.0", 1);
    at_prompt(&mut terminal);
    stop_all(&sandbox);
    terminal.finish();
}

/// What was installed says that it is newer, and what it starts is not: that is tried once.
#[test]
fn one_that_does_not_become_what_runs_is_no_loop() {
    let mut sandbox = with_old("restart_when_newer = \"idle\"");
    let package = sandbox.path("lib/claude-code");
    fs::create_dir_all(package.join("bin")).expect("a directory");
    fs::copy(cckw_program(), package.join("bin/claude-stand-in")).expect("a program");
    sandbox.set("CCKW_CLAUDE", package.join("bin/claude-stand-in"));
    let mut terminal = start(&sandbox, &[]);
    idle(&sandbox, 0);
    let newer = r#"{ "name": "@anthropic-ai/claude-code", "version": "999.0.0" }"#;
    fs::write(package.join("package.json"), newer).expect("a package");
    say(&mut terminal, "first words");
    idle(&sandbox, 1);
    at_prompt(&mut terminal);
    for words in ["second words", "third words"] {
        say(&mut terminal, words);
        assert_eq!(idle(&sandbox, 1).json["restart_pending"], false);
    }
    assert_eq!(says_in_log(&sandbox), 1);
    assert_eq!(listed(&sandbox)["newer_installed"], "999.0.0");
    stop_all(&sandbox);
    terminal.finish();
}
